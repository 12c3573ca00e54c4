//! Which sharpnesses a function takes as a number: checked here and nowhere else.

use num_traits::ToPrimitive;

use crate::Scalar;
use crate::print::{Readable, rounded_from};
use crate::rules::Number;

/// What a sharpness must satisfy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requirement {
    must: &'static str,
    is_met: fn(f64) -> bool,
}

impl Requirement {
    /// Of maxima that become minima at a negative sharpness.
    pub(crate) const NONZERO: Self = Self { must: "not be 0 or NaN", is_met: |k| k != 0.0 && !k.is_nan() };
    pub(crate) const POSITIVE: Self = Self { must: "be positive", is_met: |k| k > 0.0 };
    pub(crate) const POSITIVE_FINITE: Self =
        Self { must: "be positive and finite", is_met: |k| k > 0.0 && k.is_finite() };
    /// Of exponents.
    pub(crate) const AT_LEAST_ONE: Self = Self { must: "be at least 1", is_met: |k| k >= 1.0 };

    /// `k` in the precision of the numbers.
    ///
    /// # Panics
    ///
    /// Unless it is valid there, too: 1e-60 is 0 in single precision.
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn check<S: Scalar>(self, function: &str, k: f64) -> S::Base {
        let rounded: S::Base = Number::constant(k);
        let value = rounded.to_f64().unwrap_or(f64::NAN);
        assert!(
            (self.is_met)(value),
            "{function}: the sharpness `k` is {}; it must {}{}",
            Readable(value),
            self.must,
            rounded_from(k, value)
        );
        rounded
    }
}
