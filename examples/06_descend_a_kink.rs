//! Descending a maximum: smooth it, follow the minimiser as the sharpness grows.
//!
//! ```text
//! smax_k(x) = (1/k) ln Σ e^{k f_i(x)},   max f <= smax_k <= max f + ln(m)/k
//! ```
//!
//! Two classical problems with three functions of two variables: CB2 (C. Charalambous, A. R. Conn)
//! and DEM (V. F. Dem'yanov, V. N. Malozemov). Newton's method on smax_k, with the gradient and the
//! Hessian from the tape, starts at each k from the minimiser of the last.
//!
//! You will learn: smoothing makes Newton's method possible, but its minimiser is off by a multiple
//! of 1/k, and a k large enough for ten digits is too stiff to minimise. (DEM is lucky: at its
//! solution all three functions weigh the same, so that every k has the same minimiser.) Learning
//! the weights instead, `(1/k) ln Σ p_i e^{k f_i}` with prior weights p updated from the last
//! softmax, gets there at a moderate k: the method of exponential multipliers.
//!
//! Expected output:
//!
//! ```text
//!       k    CB2: max f - f*    DEM: max f - f*
//!       1          8.9e-2              0.0e0
//!      10          1.2e-2              0.0e0
//!     100          1.2e-3              0.0e0
//!    1000          1.2e-4              0.0e0
//!   10000          1.2e-5              0.0e0
//! with priors and k <= 50: CB2 = 1.9522244939
//! ```

mod draw;

use nalgebra::Vector2;
use smoothmax::minimax::Method;
use smoothmax::{Error, Minimax, Scalar, hessian, max, smooth_max};

/// Three functions of two variables, and where the least maximum is known to be.
trait Problem {
    const START: [f64; 2];
    const OPTIMUM: f64;
    fn functions<S: Scalar>(x: &[S]) -> Vec<S>;
}

struct Cb2;

impl Problem for Cb2 {
    const START: [f64; 2] = [2.0, 2.0];
    const OPTIMUM: f64 = 1.9522244938706588;

    fn functions<S: Scalar>(x: &[S]) -> Vec<S> {
        let two = S::constant(2.0);
        let circle = (two - x[0]).powi(2) + (two - x[1]).powi(2);
        vec![x[0].powi(2) + x[1].powi(4), circle, two * (x[1] - x[0]).exp()]
    }
}

struct Dem;

impl Problem for Dem {
    const START: [f64; 2] = [1.0, 1.0];
    const OPTIMUM: f64 = -3.0;

    fn functions<S: Scalar>(x: &[S]) -> Vec<S> {
        let number = S::constant;
        let bowl = x[0].powi(2) + x[1].powi(2) + number(4.0) * x[1];
        vec![number(5.0) * x[0] + x[1], number(-5.0) * x[0] + x[1], bowl]
    }
}

/// One step of Newton's method on the smoothed maximum, halved until it descends; `None` at the end.
fn newton_step<P: Problem>(x: Vector2<f64>, k: f64) -> Option<Vector2<f64>> {
    let (value, gradient, hessian) = hessian(x.as_slice(), |x| smooth_max(&P::functions(x), k));
    let direction = -hessian.cholesky()?.solve(&gradient);
    let slope = gradient.dot(&direction);
    let lengths = (0..50).map(|halvings| 0.5f64.powi(halvings));
    let mut steps = lengths.map(|t| (t, x + t * Vector2::new(direction[0], direction[1])));
    let descends = |t: f64, x: &[f64]| smooth_max(&P::functions(x), k) < value + 1e-4 * t * slope;
    steps.find(|(t, x)| descends(*t, x.as_slice())).map(|(_, x)| x)
}

/// The points visited, and `max f - f*` at the end of each sharpness.
fn anneal<P: Problem>(sharpnesses: &[f64]) -> (Vec<draw::Point>, Vec<f64>) {
    let mut x = Vector2::from(P::START);
    let mut path = vec![(x[0], x[1])];
    let mut errors = Vec::new();
    for &k in sharpnesses {
        while let Some(next) = newton_step::<P>(x, k) {
            // The last steps, too short to see, differ with the rounding of the machine.
            if (next - x).norm() > 1e-3 {
                path.push((next[0], next[1]));
            }
            x = next;
        }
        errors.push(max(&P::functions(x.as_slice())) - P::OPTIMUM);
    }
    (path, errors)
}

/// The value by exponential multipliers, and the largest sharpness they used.
fn with_priors<P: Problem>() -> Result<(f64, f64), Error> {
    let problem = Minimax::record(&P::START, |x| P::functions(x)).method(Method::ExponentialMultipliers);
    let solution = problem.solve(&P::START)?;
    let sharpest = solution.history.iter().map(|state| state.parameter).fold(0.0, f64::max);
    Ok((solution.value, sharpest))
}

fn main() -> Result<(), Error> {
    let sharpnesses = [1.0, 1e1, 1e2, 1e3, 1e4];
    let (cb2_path, cb2_errors) = anneal::<Cb2>(&sharpnesses);
    let (dem_path, dem_errors) = anneal::<Dem>(&sharpnesses);
    println!("      k    CB2: max f - f*    DEM: max f - f*");
    for ((k, cb2), dem) in sharpnesses.iter().zip(&cb2_errors).zip(&dem_errors) {
        println!("{k:>7} {cb2:>15.1e} {dem:>18.1e}");
        assert!(*cb2 < 3f64.ln() / k && *cb2 > 0.05 / k, "the error is of the order of 1/k");
        assert!(dem.abs() < 1e-8);
    }

    let (value, sharpest) = with_priors::<Cb2>()?;
    println!("with priors and k <= {sharpest}: CB2 = {value:.10}");
    assert!((value - Cb2::OPTIMUM).abs() < 1e-10 && sharpest < 1e3);

    let plots = [
        map::<Cb2>(
            "CB2, f* = 1.952",
            (-0.2..2.4, 0.4..2.6),
            &[2.0, 2.5, 3.0, 4.0, 6.0, 10.0, 16.0],
            cb2_path,
        ),
        map::<Dem>("DEM, f* = -3", (-1.8..2.0, -4.0..2.4), &[-2.5, -2.0, -1.0, 0.0, 2.0, 4.0, 6.0], dem_path),
    ];
    draw::save("06_descend_a_kink", 2, &plots);
    Ok(())
}

/// Contours of the maximum, its kinks visible, with the path on top.
fn map<P: Problem>(
    title: &str,
    (x, y): (std::ops::Range<f64>, std::ops::Range<f64>),
    levels: &[f64],
    path: Vec<draw::Point>,
) -> draw::Plot {
    let mut plot = draw::Plot::new(title, draw::linear("x1", x.clone()), draw::linear("x2", y.clone()));
    for &level in levels {
        let f = |x1: f64, x2: f64| max(&P::functions(&[x1, x2]));
        for line in draw::isolines(x.clone(), y.clone(), 80, level, f) {
            plot = plot.thin("contours of max f", draw::GREY, line);
        }
    }
    let end = path[path.len() - 1];
    let plot = plot
        .line("", draw::BLUE, path.clone())
        .dots("Newton, k = 1, 10, ..., 10000", draw::BLUE, path)
        .discs("minimiser", draw::RED, 12, vec![end]);
    plot.size(860, 860).legend(draw::Corner::UpperLeft)
}
