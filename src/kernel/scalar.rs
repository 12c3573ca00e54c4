//! Exponentials of a single number with a compensated argument, for the rules.

use super::dispatch::Portable;
use super::lane::{Lane, product};

/// `exp(a k)` with the rounding error of the product carried into the result.
#[inline]
pub(crate) fn exp_product<T: Lane>(a: T, k: T) -> T {
    let (rounded, lost) = product::<Portable, T>(a, k);
    let t = rounded.exp();
    // The loss is NaN where the product overflows, and t is 0 or infinite there.
    if lost.is_nan() || t == T::zero() { t } else { t + t * lost }
}
