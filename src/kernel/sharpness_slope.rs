//! `d smooth_max(x, k) / dk = -H / k^2`, where `H` is the entropy of the weights
//! `w = softmax(k x)`:
//!
//! ```text
//! H = log1p(s) + sum_i w_i |k (x_i - m)|,   s = sum_{i != h} w_i / w_h,
//! ```
//!
//! with `h` the heaviest index and `m = x_h`: a sum of non-negative terms.

use super::dispatch::{InstructionSet, Kernel};
use super::lane::Lane;
use super::scalar::ln_1p;
use super::sum::{heaviest, sum_over, sum_without};

/// The kernel of the slope.
pub struct SharpnessSlope<'a, T> {
    /// Where the smooth maximum was taken.
    pub x: &'a [T],
    /// Its sharpness.
    pub k: T,
    /// Its weights.
    pub weights: &'a [T],
}

impl<T: Lane> Kernel for SharpnessSlope<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: InstructionSet>(self) -> T {
        let Self { x, k, weights } = self;
        if k.is_nan() || k == T::zero() || weights.iter().any(|w| w.is_nan()) {
            return T::nan();
        }
        let Some((heaviest, w)) = heaviest(weights) else {
            return T::zero();
        };
        if k.is_infinite() {
            return T::zero();
        }
        let others = sum_without(weights, heaviest);
        // Halves, because x - m may overflow where w (x - m) does not.
        let half = T::round_from(0.5);
        let m = x[heaviest];
        let half_spread = sum_over(x, weights, |x, w| {
            if w == T::zero() || x == m { T::zero() } else { w * (half * x - half * m).abs() }
        });
        let k = k.widen();
        let entropy = ln_1p(others / w.widen()) + 2.0 * (k.abs() * half_spread);
        T::round_from(-(entropy / k) / k)
    }
}
