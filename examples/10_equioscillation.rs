//! The best polynomial approximation to |x|, and the ripple that proves it.
//!
//! ```text
//! E_n = min over polynomials p of degree n  max_{-1 <= x <= 1} |p(x) - |x||
//! ```
//!
//! Both sides are even, so p(x) = Σ c_j T_2j(x) and x runs over [0, 1]. Chebyshev: p is best exactly
//! when its error reaches +-E_n with alternating sign at one more point than it has coefficients.
//!
//! You will learn: an infinite maximum as a sequence of finite ones. Solve on a few points, add the
//! points where the error is extremal now, solve again: that is Remez' exchange, and it converges
//! quadratically.
//!
//! Expected output:
//!
//! ```text
//!  n   E_n              n E_n
//!  2   0.125000000000   0.250000
//!  4   0.067620899278   0.270484
//!  6   0.045929062067   0.275574
//!  8   0.034689728084   0.277518
//! 10   0.027845118554   0.278451
//! n E_n rises to Bernstein's constant, 0.280169499023869...
//! ```
//!
//! Source: R. S. Varga, A. J. Carpenter, *On the Bernstein conjecture in approximation theory*,
//! Constr. Approx. 1 (1985).

mod draw;

use nalgebra::DVector;
use smoothmax::{Dual, Error, Minimax, Scalar};

/// `Σ c_j T_2j(x) - |x|` by Clenshaw's recurrence in `T_2(x)`; here `x >= 0`.
fn error<S: Scalar>(c: &[S], x: S) -> S {
    let t = S::constant(2.0) * x * x - S::constant(1.0);
    let (mut next, mut after) = (S::zero(), S::zero());
    for &c in c[1..].iter().rev() {
        (next, after) = (c + S::constant(2.0) * t * next - after, next);
    }
    c[0] + t * next - after - x
}

/// The ends of [0, 1] and the points between where the slope of the error changes sign.
fn extrema(c: &[f64]) -> Vec<f64> {
    let constants: Vec<Dual> = c.iter().map(|&c| Dual::constant(c)).collect();
    let slope = |x: f64| error(&constants, Dual::new(x, 1.0)).tangent;
    let grid: Vec<f64> = (0..=400).map(|i| f64::from(i) / 400.0).collect();
    let turning = grid.windows(2).filter(|ends| slope(ends[0]) * slope(ends[1]) < 0.0).map(|ends| {
        let (mut left, mut right) = (ends[0], ends[1]);
        for _ in 0..50 {
            let middle = 0.5 * (left + right);
            if slope(left) * slope(middle) <= 0.0 { right = middle } else { left = middle }
        }
        left
    });
    [0.0, 1.0].into_iter().chain(turning).collect()
}

/// The coefficients of the best polynomial of degree `n` and its error.
fn best(n: usize) -> Result<(DVector<f64>, f64), Error> {
    let mut c = DVector::zeros(n / 2 + 1);
    let mut points: Vec<f64> = (0..=n).map(|i| i as f64 / n as f64).collect();
    for _ in 0..6 {
        let errors = Minimax::record(c.as_slice(), |c| {
            points.iter().map(|&x| error(c, Scalar::constant(x))).collect()
        });
        c = errors.absolute().convex().solve(c.as_slice())?.x;
        points.extend(extrema(c.as_slice()));
    }
    let largest = points.iter().map(|&x| error(c.as_slice(), x).abs()).fold(0.0, f64::max);
    Ok((c, largest))
}

fn main() -> Result<(), Error> {
    let exact = [0.125, 0.06762089927778428, 0.045929062066862564, 0.03468972808438159, 0.02784511855354789];
    println!(" n   E_n              n E_n");
    for (n, exact) in (2..).step_by(2).zip(exact) {
        let (_, e) = best(n)?;
        println!("{n:>2}   {e:.12}   {:.6}", n as f64 * e);
        assert!((e - exact).abs() < 1e-13);
    }
    println!("n E_n rises to Bernstein's constant, 0.280169499023869...");

    let ripple = |n: usize| -> Result<Vec<draw::Point>, Error> {
        let (c, _) = best(n)?;
        Ok(draw::graph(-1.0..1.0, 801, |x| error(c.as_slice(), x.abs())))
    };
    let level = |y: f64| vec![(-1.0, y), (1.0, y)];
    let plot = draw::Plot::new(
        "The error of the best even polynomials to |x|",
        draw::linear("x", -1.0..1.0),
        draw::linear("p(x) - |x|", -0.14..0.2),
    )
    .thin("", draw::GREY, level(exact[4]))
    .thin("", draw::GREY, level(-exact[4]))
    .line("degree 2, E = 1/8", draw::SKY, ripple(2)?)
    .line("degree 4, E = 0.0676", draw::ORANGE, ripple(4)?)
    .line("degree 10, E = 0.0278", draw::BLUE, ripple(10)?);
    draw::save("10_equioscillation", 1, &[plot.size(1200, 720)]);
    Ok(())
}
