//! How good is an answer? Bounds on the optimal value, closing as the sharpness grows.
//!
//! With `smax_k = (1/k) ln Σ e^{k F_i}`, its minimiser x_k and the weights `w = softmax(k F(x_k))`:
//!
//! ```text
//! smax_k(x_k) - ln(m)/k  <=  min max F  <=  max F(x_k)         the smoothing bound
//! Σ w_i F_i(x_k)         <=  min max F      for convex F       the dual bound: J'w = 0 at x_k
//! smax_k(x_k) = f* + a_1/k + a_2/k^2 + ...                     so extrapolate to 1/k = 0
//! ```
//!
//! MAXQUAD (C. Lemaréchal): five convex quadratics in ten variables, f* = -0.841408334596415.
//!
//! You will learn: the smoothing bound closes as 1/k, the dual bound as 1/k^2, and Richardson
//! extrapolation gets twelve digits out of values that have four. Only the first two are bounds.
//! What the solver prints as a bracket is the dual bound at its own multipliers, where |J'w| times a
//! declared radius pays for J'w not being exactly zero.
//!
//! Expected output:
//!
//! ```text
//!       k   max F - f*   smoothing bound   dual bound   extrapolated
//!      16       1.6e-2            4.0e-2       3.4e-4         6.0e-2
//!     ...
//!    4096       6.3e-5            1.6e-4       7.0e-9        3.3e-14
//! the solver's bracket: [-0.841408336129, -0.841408334596]
//! ```

mod draw;

use nalgebra::DVector;
use smoothmax::{Error, Minimax, Scalar, hessian, max, smooth_max, softmax};

const OPTIMUM: f64 = -0.841408334596415;

/// `F_k(x) = x' M_k x - b_k' x` for k = 1..5.
fn maxquad<S: Scalar>(x: &[S]) -> Vec<S> {
    let quadratic = |k: f64| {
        let off_diagonal = |i: f64, j: f64| (i.min(j) / i.max(j)).exp() * (i * j).cos() * k.sin();
        let mut value = S::zero();
        for (i, &xi) in (1..).map(f64::from).zip(x) {
            let mut diagonal = k.sin().abs() * i / 10.0;
            for (j, &xj) in (1..).map(f64::from).zip(x).filter(|&(j, _)| j != i) {
                diagonal += off_diagonal(i, j).abs();
                value += S::constant(off_diagonal(i, j)) * xi * xj;
            }
            value = value + S::constant(diagonal) * xi * xi - S::constant((i / k).exp() * (i * k).sin()) * xi;
        }
        value
    };
    (1..=5).map(|k| quadratic(f64::from(k))).collect()
}

/// The value at `1/k = 0` of the polynomial in `1/k` through all `(k, value)` (Neville's scheme).
fn extrapolate(values: &[(f64, f64)]) -> f64 {
    let mut column: Vec<f64> = values.iter().map(|v| v.1).collect();
    for order in 1..values.len() {
        for i in 0..values.len() - order {
            let ratio = values[i + order].0 / values[i].0;
            column[i] = column[i + 1] + (column[i + 1] - column[i]) / (ratio - 1.0);
        }
    }
    column[0]
}

/// The minimiser of `smax_k`, by Newton's method with halved steps (as in `06_descend_a_kink`).
fn minimise(mut x: DVector<f64>, k: f64) -> DVector<f64> {
    loop {
        let (value, gradient, hessian) = hessian(x.as_slice(), |x| smooth_max(&maxquad(x), k));
        let step = hessian.cholesky().expect("strictly convex").solve(&gradient);
        let slope = gradient.dot(&step);
        let mut steps = (0..50).map(|halvings| 0.5f64.powi(halvings)).map(|t| (t, &x - t * &step));
        let descends = |t, x: &DVector<f64>| smooth_max(&maxquad(x.as_slice()), k) < value - 1e-4 * t * slope;
        match steps.find(|(t, x)| descends(*t, x)) {
            Some((_, next)) => x = next,
            None => return x,
        }
    }
}

fn main() -> Result<(), Error> {
    let start = [1.0; 10];
    let mut x = DVector::from_column_slice(&start);
    let (mut smooth_values, mut rows) = (Vec::new(), Vec::new());
    println!("      k   max F - f*   smoothing bound   dual bound   extrapolated");
    for k in (4..=12).map(|e| 2f64.powi(e)) {
        x = minimise(x, k);
        let components = maxquad(x.as_slice());
        let weights = softmax(&components.iter().map(|f| k * f).collect::<Vec<_>>());
        let dual: f64 = weights.iter().zip(&components).map(|(w, f)| w * f).sum();
        let smooth = smooth_max(&components, k);
        smooth_values.push((k, smooth));
        let errors = [
            max(&components) - OPTIMUM,
            OPTIMUM - (smooth - 5f64.ln() / k),
            OPTIMUM - dual,
            (extrapolate(&smooth_values) - OPTIMUM).abs(),
        ];
        println!(
            "{k:>7} {:>12.1e} {:>17.1e} {:>12.1e} {:>14.1e}",
            errors[0], errors[1], errors[2], errors[3]
        );
        rows.push((k, errors));
    }
    let [above, below, dual, extrapolated] = rows[rows.len() - 1].1;
    assert!(0.0 < above && above < 1e-4 && 0.0 < below && below < 1e-3);
    assert!(-1e-15 < dual && dual < 1e-7, "on the convex side, and 1/k^2 away");
    assert!(extrapolated < 1e-11);

    let solution = Minimax::record(&start, |x| maxquad(x)).convex().radius(10.0).solve(&start)?;
    let (lower, upper) = solution.bracket().expect("convex, with a radius");
    println!("the solver's bracket: [{lower:.12}, {upper:.12}]");
    assert!(lower <= OPTIMUM + 1e-15 && OPTIMUM <= upper + 1e-15 && upper - lower < 1e-8);
    assert!((solution.value - OPTIMUM).abs() < 1e-12);

    let curve = |i: usize| rows.iter().map(|(k, errors)| (*k, errors[i])).collect::<Vec<_>>();
    let plot = draw::Plot::new(
        "MAXQUAD: distance of each bound to the optimal value f*",
        draw::logarithmic("sharpness k", 10.0..1e4),
        draw::logarithmic("distance to f*", 1e-11..1e4),
    )
    .size(1200, 760)
    .legend(draw::Corner::UpperRight);
    let series = [
        ("f* - (smax - ln m / k), the smoothing bound", draw::INK),
        ("max F - f*, the value found", draw::ORANGE),
        ("f* - w.F, the dual bound", draw::BLUE),
        ("extrapolated to 1/k = 0, no bound", draw::GREEN),
    ];
    let plot = series
        .into_iter()
        .zip([1, 0, 2, 3])
        .fold(plot, |plot, ((name, color), i)| plot.line(name, color, curve(i)).dots("", color, curve(i)));
    draw::save("07_certificate", 1, &[plot]);
    Ok(())
}
