//! Fast and accurate `log_sum_exp`, `softmax` and relatives on slices of `f32`
//! or `f64`. This module knows nothing of tapes; everything else calls it.
//!
//! ```
//! use smoothmax::kernel;
//!
//! let x = [1000.0_f64, 1001.0, 1002.0];
//! let mut weights = [0.0; 3];
//! let value = kernel::log_sum_exp_weights(&x, &mut weights);
//! assert!((value - 1002.4076059644444).abs() < 1e-12);
//! assert!((weights[2] - 0.6652409557748219).abs() < 1e-15);
//! assert_eq!(kernel::log_sum_exp(&x), value);
//! ```
//!
//! # Accuracy
//!
//! With `u` half the spacing of numbers at 1 (`2^-53`, `2^-24`):
//! `|error| <= u (|log_sum_exp| + 2 ln n + 6)` whatever the offset and the
//! order of the elements; softmax and the weights are within 4 ulp and sum to 1
//! within `n u`. Sums are taken in blocks, so they do not drift with `n`.
//! Where the value itself nearly vanishes, [`log_sum_exp_accurate`] keeps 4 ulp.
//!
//! # Edges
//!
//! | Input | Value | Weights |
//! |---|---|---|
//! | empty | minus infinity (a minimum: plus infinity) | empty |
//! | any NaN | NaN | all NaN |
//! | all minus infinity | minus infinity | all 0 |
//! | c times plus infinity | plus infinity | 1/c each, else 0 |
//! | sharpness plus or minus infinity | exact maximum or minimum | ties share equally |
//! | sharpness 0 or NaN | NaN | all NaN |
//!
//! (A minimum, that is a negative sharpness, exchanges the two infinities.) All
//! minus infinity weigh 0 at every sharpness; the exact [`max`](crate::max) of a
//! tape, for which they are a tie like any other, has slopes of 1/c.
//!
//! # Speed and reproducibility
//!
//! Each call picks SSE2, AVX2 + FMA or AVX-512 at run time. Fused instruction
//! sets round differently from SSE2, so last bits may differ between machines.
//! The Cargo feature `deterministic` forbids fusing and takes logarithms from
//! `libm`: the same bits on every instruction set.

mod accurate;
pub(crate) mod dispatch;
mod double_double;
mod few;
pub(crate) mod lane;
mod mat_vec;
mod one_lane;
mod reference;
mod scalar;
mod sharpness;
mod sharpness_slope;
mod smooth_max;
mod softmax;
pub(crate) mod sum;
mod sweep;

pub(crate) use double_double::DoubleDouble;
pub(crate) use one_lane::impl_one_lane;

use dispatch::{InstructionSet, Kernel, dispatch};
use lane::Lane;
use mat_vec::{MatVec, MatVecPullback};
use sharpness_slope::SharpnessSlope;
use smooth_max::SmoothMax;
use softmax::{LogSoftmax, LogSoftmaxPullback, SoftmaxPullback};

/// The element types of the kernels, `f32` and `f64`. Sealed.
pub trait KernelFloat: Lane {}
impl KernelFloat for f32 {}
impl KernelFloat for f64 {}

/// What tests and benchmarks need to run a kernel on a chosen instruction set.
#[doc(hidden)]
pub mod forced {
    pub use super::ExpInPlace;
    pub use super::dispatch::{Kernel, Level, dispatch_at};
    pub use super::sharpness_slope::SharpnessSlope;
    pub use super::smooth_max::SmoothMax;
    pub use super::softmax::{LogSoftmax, LogSoftmaxPullback, SoftmaxPullback};
}

/// `y = A x`; the matrix by columns.
pub(crate) fn mat_vec<T: Lane>(matrix: &[T], x: &[T], y: &mut [T]) {
    dispatch(MatVec { matrix, x, y });
}

/// `x_bar += A' y_bar`; the matrix by columns.
pub(crate) fn mat_vec_pullback<T: Lane>(matrix: &[T], y_bar: &[T], x_bar: &mut [T]) {
    dispatch(MatVecPullback { matrix, y_bar, x_bar });
}

/// The kernel of [`exp_in_place`].
#[doc(hidden)]
pub struct ExpInPlace<'a, T>(pub &'a mut [T]);

impl<T: Lane> Kernel for ExpInPlace<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        for x in self.0 {
            *x = lane::exp::<I, T>(*x);
        }
    }
}

/// Replaces every element by its exponential, to within 1 ulp.
///
/// Overflow gives plus infinity, results may be subnormal, NaN stays NaN.
///
/// ```
/// let mut x = [0.0, 1000.0, f64::NEG_INFINITY];
/// smoothmax::kernel::exp_in_place(&mut x);
/// assert_eq!(x, [1.0, f64::INFINITY, 0.0]);
/// ```
pub fn exp_in_place<T: KernelFloat>(x: &mut [T]) {
    dispatch(ExpInPlace(x));
}

/// `ln(sum_i exp(x_i))`.
///
/// ```
/// use smoothmax::kernel::log_sum_exp;
/// assert_eq!(log_sum_exp(&[1e308, 1e308]), 1e308);
/// let small: f64 = log_sum_exp(&[0.0, -40.0]);
/// assert!((small / 4.248354255291589e-18 - 1.0).abs() < 1e-15);
/// ```
pub fn log_sum_exp<T: KernelFloat>(x: &[T]) -> T {
    dispatch(SmoothMax::unit(x, None))
}

/// [`log_sum_exp`], and its gradient `softmax(x)` into `weights`.
///
/// # Panics
/// If `weights` has another length than `x`.
pub fn log_sum_exp_weights<T: KernelFloat>(x: &[T], weights: &mut [T]) -> T {
    assert_len("weights", weights, x);
    dispatch(SmoothMax::unit(x, Some(weights)))
}

/// [`log_sum_exp`] that keeps 4 ulp where the value nearly vanishes (down to
/// 1e-15, then 1e-30 absolute), by double-double arithmetic.
///
/// Costs as much as [`log_sum_exp`] unless the value is negligible against the
/// maximum, that is for nearly normalised log-probabilities; then some 300
/// times as much.
///
/// ```
/// use smoothmax::kernel::{log_sum_exp, log_sum_exp_accurate};
/// let x = [-std::f64::consts::LN_2; 2];
/// assert_eq!(log_sum_exp_accurate(&x), 2.3190468138462996e-17);
/// assert_eq!(log_sum_exp(&x), 0.0);
/// ```
pub fn log_sum_exp_accurate<T: KernelFloat>(x: &[T]) -> T {
    let max = x.iter().fold(T::neg_infinity(), |max, &x| max.max(x));
    accurate::refine(x, max.widen(), log_sum_exp(x))
}

/// `ln(exp(x) + exp(y))`, within 4 ulp also where it nearly vanishes (down to
/// 1e-15, then 1e-30 absolute).
///
/// ```
/// use smoothmax::kernel::log_add_exp;
/// assert_eq!(log_add_exp(1000.0, 1000.0), 1000.0 + std::f64::consts::LN_2);
/// ```
pub fn log_add_exp<T: KernelFloat>(x: T, y: T) -> T {
    log_add_exp_weights(x, y).0
}

/// [`log_add_exp`] and its partial derivatives by `x` and by `y`, the logistic
/// functions of `x - y` and of `y - x`. For a finite value their product is the
/// second derivative.
///
/// ```
/// use smoothmax::kernel::log_add_exp_weights;
/// let (value, weights) = log_add_exp_weights(2.0, 2.0);
/// assert_eq!((value, weights), (2.0 + std::f64::consts::LN_2, [0.5, 0.5]));
/// ```
pub fn log_add_exp_weights<T: KernelFloat>(x: T, y: T) -> (T, [T; 2]) {
    let (value, weights) = accurate::log_add_exp_weights(x.widen(), y.widen());
    (T::round_from(value), weights.map(T::round_from))
}

/// `ln(sum_i exp(k x_i)) / k`: at most `ln(n) / k` above the maximum, for
/// negative `k` as much below the minimum.
///
/// ```
/// use smoothmax::kernel::smooth_max;
/// assert_eq!(smooth_max(&[5.0, 4.0], 1e308), 5.0);
/// assert_eq!(smooth_max(&[5.0, 4.0], f64::NEG_INFINITY), 4.0);
/// ```
pub fn smooth_max<T: KernelFloat>(x: &[T], k: T) -> T {
    dispatch(SmoothMax::sharp(x, k, None))
}

/// [`smooth_max`], and its gradient `softmax(k x)` into `weights`.
///
/// # Panics
/// If `weights` has another length than `x`.
pub fn smooth_max_weights<T: KernelFloat>(x: &[T], k: T, weights: &mut [T]) -> T {
    assert_len("weights", weights, x);
    dispatch(SmoothMax::sharp(x, k, Some(weights)))
}

/// The derivative of [`smooth_max`] by `k`, from the `weights` that
/// [`smooth_max_weights`] gave: `-H / k^2` with their entropy `H`.
///
/// Zero for an infinite `k`; NaN for `k` zero or NaN.
///
/// # Panics
/// If `weights` has another length than `x`.
///
/// ```
/// use smoothmax::kernel::{smooth_max_sharpness_slope, smooth_max_weights};
/// let (x, mut w) = ([3.0, 3.0], [0.0; 2]);
/// smooth_max_weights(&x, 2.0, &mut w); // 3 + ln(2) / k
/// assert_eq!(smooth_max_sharpness_slope(&x, 2.0, &w), -std::f64::consts::LN_2 / 4.0);
/// ```
pub fn smooth_max_sharpness_slope<T: KernelFloat>(x: &[T], k: T, weights: &[T]) -> T {
    assert_len("weights", weights, x);
    dispatch(SharpnessSlope { x, k, weights })
}

/// `exp(x_i) / sum_j exp(x_j)` into `out`.
///
/// # Panics
/// If `out` has another length than `x`.
pub fn softmax<T: KernelFloat>(x: &[T], out: &mut [T]) {
    assert_len("out", out, x);
    dispatch(SmoothMax::unit(x, Some(out)));
}

/// `x_i - log_sum_exp(x)` into `out`, without that subtraction's cancellation.
///
/// # Panics
/// If `out` has another length than `x`.
pub fn log_softmax<T: KernelFloat>(x: &[T], out: &mut [T]) {
    assert_len("out", out, x);
    dispatch(LogSoftmax { x, out });
}

/// The gradient by `x` of `sum_i cotangent_i softmax(x)_i` into `out`, from
/// `weights = softmax(x)`.
///
/// # Panics
/// If `cotangent` or `out` has another length than `weights`.
pub fn softmax_pullback<T: KernelFloat>(weights: &[T], cotangent: &[T], out: &mut [T]) {
    assert_len("cotangent", cotangent, weights);
    assert_len("out", out, weights);
    dispatch(SoftmaxPullback { weights, cotangent, out });
}

/// The gradient by `x` of `sum_i cotangent_i log_softmax(x)_i` into `out`, from
/// `weights = softmax(x)`. Zero where all weights are (`x` all minus infinity).
///
/// # Panics
/// If `cotangent` or `out` has another length than `weights`.
pub fn log_softmax_pullback<T: KernelFloat>(weights: &[T], cotangent: &[T], out: &mut [T]) {
    assert_len("cotangent", cotangent, weights);
    assert_len("out", out, weights);
    dispatch(LogSoftmaxPullback { weights, cotangent, out });
}

fn assert_len<T>(name: &str, slice: &[T], expected: &[T]) {
    assert!(
        slice.len() == expected.len(),
        "`{name}` has length {}, expected {}",
        slice.len(),
        expected.len()
    );
}
