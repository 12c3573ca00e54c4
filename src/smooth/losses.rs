//! Compositions: clamping, and the losses that have a corner.

use super::{smooth_relu, smooth_relu_at};
use crate::rules::table;
use crate::sharpness::Requirement;
use crate::{Scalar, log_sum_exp, smooth_max, smooth_max_at, smooth_min, smooth_min_at};

/// `x` clamped to `[low, high]`, smoothed: [`smooth_min`] of `high` and the
/// [`smooth_max`] of `low` and `x`. Within `ln(2) / k` of the exact clamp;
/// monotone.
///
/// ```
/// use smoothmax::smooth::smooth_clamp;
///
/// assert_eq!([-9.0, 0.25, 9.0].map(|x| smooth_clamp(x, 0.0, 1.0, 1e3)), [0.0, 0.25, 1.0]);
/// ```
///
/// # Panics
///
/// Unless `k > 0` and `low <= high`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_clamp<S: Scalar>(x: S, low: f64, high: f64, k: f64) -> S {
    Requirement::POSITIVE.check::<S>("smooth_clamp", k);
    require_order(low, high);
    smooth_min(&[smooth_max(&[x, S::constant(low)], k), S::constant(high)], k)
}

/// [`smooth_clamp`] with a sharpness that may be a variable; NaN unless `k > 0`.
///
/// # Panics
///
/// Unless `low <= high`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_clamp_at<S: Scalar>(x: S, low: f64, high: f64, k: S) -> S {
    require_order(low, high);
    // A negative sharpness would exchange maximum and minimum.
    let k = k.select(k, S::constant(f64::NAN));
    smooth_min_at(&[smooth_max_at(&[x, S::constant(low)], k), S::constant(high)], k)
}

#[cfg_attr(debug_assertions, track_caller)]
fn require_order(low: f64, high: f64) {
    assert!(low <= high, "smooth_clamp: `low` is {low} and `high` is {high}; they must be in order");
}

/// `max(1 - margin, 0)` smoothed by [`smooth_relu`], above it by at most
/// `ln(2) / k`: the loss of a classifier's margin.
///
/// ```
/// assert_eq!(smoothmax::smooth::smooth_hinge(1.0, 10.0), 2f64.ln() / 10.0);
/// ```
///
/// # Panics
///
/// Unless `k > 0`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_hinge<S: Scalar>(margin: S, k: f64) -> S {
    Requirement::POSITIVE.check::<S>("smooth_hinge", k);
    smooth_relu(S::constant(1.0) - margin, k)
}

/// [`smooth_hinge`] with a sharpness that may be a variable; NaN unless `k > 0`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_hinge_at<S: Scalar>(margin: S, k: S) -> S {
    smooth_relu_at(S::constant(1.0) - margin, k)
}

/// `max(τ r, (τ - 1) r)`, smoothed by [`smooth_max`]: `τ r + ln(1 + e^{-kr}) / k`,
/// above it by at most `ln(2) / k`. The loss of a residual `r` whose minimiser is
/// the `τ`-quantile.
///
/// ```
/// use smoothmax::smooth::smooth_pinball;
///
/// assert_eq!(smooth_pinball(4.0, 0.75, 1e3), 3.0);
/// assert_eq!(smooth_pinball(-4.0, 0.75, 1e3), 1.0);
/// ```
///
/// # Panics
///
/// Unless `k > 0` and `0 < tau < 1`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_pinball<S: Scalar>(residual: S, tau: f64, k: f64) -> S {
    Requirement::POSITIVE.check::<S>("smooth_pinball", k);
    smooth_pinball_at(residual, tau, S::constant(k))
}

/// [`smooth_pinball`] with a sharpness that may be a variable; NaN unless `k > 0`.
///
/// # Panics
///
/// Unless `0 < tau < 1`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_pinball_at<S: Scalar>(residual: S, tau: f64, k: S) -> S {
    assert!(0.0 < tau && tau < 1.0, "smooth_pinball: `tau` is {tau}; it must be between 0 and 1");
    S::rule::<table::SmoothMaxPair, _>([residual * S::constant(tau), residual * S::constant(tau - 1.0), k])
}

/// Softmax cross-entropy for any number of true labels:
/// `ln(1 + Σ_{false} e^{s_i}) + ln(1 + Σ_{true} e^{-s_i})`.
///
/// Smooths `max(0, false scores) + max(0, minus true scores)`: it asks every
/// true label to score above 0 and every false one below, weighting the worst
/// offenders most. With one true label and scores relative to it, the first
/// term is the usual softmax cross-entropy.
///
/// ```
/// use smoothmax::smooth::multi_label_cross_entropy;
///
/// let loss = multi_label_cross_entropy(&[20.0, -20.0, 20.0], &[true, false, true]);
/// assert!(loss < 1e-8);
/// assert_eq!(multi_label_cross_entropy(&[0.0, 0.0], &[true, false]), 2.0 * 2f64.ln());
/// ```
///
/// # Panics
///
/// If `scores` and `is_true` differ in length.
#[cfg_attr(debug_assertions, track_caller)]
pub fn multi_label_cross_entropy<S: Scalar>(scores: &[S], is_true: &[bool]) -> S {
    let (found, labels) = (scores.len(), is_true.len());
    assert!(found == labels, "multi_label_cross_entropy: `scores` has {found} elements, `is_true` {labels}");
    let term = |of: bool, signed: fn(S) -> S| {
        let chosen = scores.iter().zip(is_true).filter(|&(_, &label)| label == of);
        let operands: Vec<S> = chosen.map(|(&s, _)| signed(s)).chain([S::constant(0.0)]).collect();
        log_sum_exp(&operands)
    };
    term(false, |s| s) + term(true, |s| -s)
}
