//! What the tests share: distances, assertions, differences.
#![allow(dead_code, unreachable_pub)] // each test file uses some of it

use smoothmax::diff::central_difference;
use smoothmax::{CustomNode, Var};

/// A function of a slice on a tape.
pub type OnTape = for<'a, 't> fn(&'a [Var<'t>]) -> Var<'t>;

/// A custom node: `x0` cubed, without a second-order rule.
pub struct Cube;

impl CustomNode for Cube {
    fn value(&self, x: &[f64]) -> f64 {
        x[0].powi(3)
    }

    fn pullback(&self, x: &[f64], y_bar: f64, x_bar: &mut [f64]) {
        x_bar[0] += y_bar * 3.0 * x[0] * x[0];
    }
}

/// The number of floats between `a` and `b`: 0 for equal numbers (the two
/// zeros included) and for two NaN, infinite where one is NaN.
pub fn ulps(a: f64, b: f64) -> f64 {
    distance(a == b, a.is_nan(), b.is_nan(), ordinal(a), ordinal(b))
}

/// [`ulps`] in single precision.
pub fn ulps_f32(a: f32, b: f32) -> f64 {
    distance(a == b, a.is_nan(), b.is_nan(), ordinal_f32(a), ordinal_f32(b))
}

fn distance(equal: bool, a_is_nan: bool, b_is_nan: bool, a: i64, b: i64) -> f64 {
    match (a_is_nan, b_is_nan) {
        (true, true) => 0.0,
        (false, false) if equal => 0.0,
        (false, false) => (i128::from(a) - i128::from(b)).unsigned_abs() as f64,
        _ => f64::INFINITY,
    }
}

/// The place of a float in the order of all floats.
fn ordinal(x: f64) -> i64 {
    let magnitude = (x.to_bits() & !(1 << 63)) as i64;
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

fn ordinal_f32(x: f32) -> i64 {
    let magnitude = i64::from(x.to_bits() & !(1 << 31));
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

/// Asserts that two numbers are at most so many ulp apart; NaN equals NaN.
#[track_caller]
pub fn assert_ulps(found: f64, expected: f64, bound: f64, what: &str) {
    let distance = ulps(found, expected);
    assert!(distance <= bound, "{what}: found {found:e}, expected {expected:e}: {distance} ulp apart");
}

/// Asserts that numbers agree to a tolerance relative to `scale`.
#[track_caller]
pub fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(error <= tolerance, "{what}: found {found:e}, expected {expected:e}, {error:e} > {tolerance:e}");
}

/// A central difference and the rounding noise in it.
pub struct Difference {
    /// The derivative by Richardson extrapolation.
    pub derivative: f64,
    /// What rounding the values of `f` by a few hundred ulp does to a
    /// difference over the first step: no derivative below it can be seen.
    pub noise: f64,
}

/// The derivative of `f` at `x` by differences over a twentieth of `x` or of
/// 1, whichever claims the smaller error.
pub fn difference(x: f64, f: impl Fn(f64) -> f64) -> Difference {
    let by_step = |step: f64| {
        let size = f(x + step).abs().max(f(x - step).abs());
        let (derivative, error) = central_difference(x, step, &f);
        (error, Difference { derivative, noise: 1e-13 * size / step })
    };
    let steps = [1.0, x.abs()].into_iter().filter(|&scale| x + 0.05 * scale != x);
    let best = steps.map(|scale| by_step(0.05 * scale)).min_by(|a, b| a.0.total_cmp(&b.0));
    best.expect("the step 1 or |x| changes x").1
}

/// The message a closure panics with.
pub fn panic_message<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) else {
        panic!("it did not panic");
    };
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .expect("a panic message is text")
}
