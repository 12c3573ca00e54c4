//! Unevaluated sums of two doubles, for functions of a few numbers whose
//! roundings would add up: each operation carries the rounding error along, and
//! [`value`](DoubleDouble::value) rounds once.
//!
//! T. J. Dekker, "A floating-point technique for extending the available
//! precision" (1971). Arithmetic keeps about 100 bits; the exponential is off by
//! less than 0.2 ulp of a double, the logarithm by the half ulp of the standard
//! library's.

use super::dispatch::Portable;
use super::lane::{Lane, difference, exp_m1_reduced, product};

/// The unevaluated sum of two doubles, the second of the order of an ulp of the first.
///
/// Where the first overflows the second is not finite, and does not count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DoubleDouble(pub(super) f64, pub(super) f64);

impl From<f64> for DoubleDouble {
    #[inline]
    fn from(x: f64) -> Self {
        Self(x, 0.0)
    }
}

impl DoubleDouble {
    /// `a + b` where `|a| >= |b|` or `a` is zero.
    #[inline]
    pub(super) fn renormalized(a: f64, b: f64) -> Self {
        let sum = a + b;
        Self(sum, b - (sum - a))
    }

    /// The exact product of two doubles.
    #[inline]
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let (p, lost) = product::<Portable, f64>(a, b);
        Self(p, lost)
    }

    /// The upper part: the number to half an ulp or a little more.
    #[inline]
    pub(crate) fn upper(self) -> f64 {
        self.0
    }

    /// The nearest double.
    #[inline]
    pub(crate) fn value(self) -> f64 {
        if self.1.is_finite() { self.0 + self.1 } else { self.0 }
    }

    /// The sum, accurate even where it cancels.
    #[inline]
    pub(super) fn add(self, other: Self) -> Self {
        let (upper, upper_lost) = difference(self.0, -other.0);
        let (lower, lower_lost) = difference(self.1, -other.1);
        let sum = Self::renormalized(upper, upper_lost + lower);
        Self::renormalized(sum.0, sum.1 + lower_lost)
    }

    /// The sum, accurate relative to its terms.
    #[inline]
    pub(crate) fn plus(self, other: Self) -> Self {
        let (sum, lost) = difference(self.0, -other.0);
        Self(sum, lost + (self.1 + other.1))
    }

    /// `1 + x` for `|x| <= 1`.
    #[inline]
    pub(crate) fn one_plus(self) -> Self {
        let sum = 1.0 + self.0;
        Self(sum, (self.0 - (sum - 1.0)) + self.1)
    }

    #[inline]
    pub(crate) fn mul(self, other: Self) -> Self {
        let Self(p, lost) = Self::product(self.0, other.0);
        Self::renormalized(p, lost + (self.0 * other.1 + self.1 * other.0))
    }

    #[inline]
    pub(crate) fn square(self) -> Self {
        let Self(p, lost) = Self::product(self.0, self.0);
        Self(p, lost + 2.0 * (self.0 * self.1))
    }

    /// The quotient, by a quotient of the upper parts and one of the remainder.
    #[inline]
    pub(crate) fn div(self, other: Self) -> Self {
        let quotient = self.0 / other.0;
        let Self(p, lost) = Self::product(quotient, other.0);
        let remainder = ((self.0 - p) - lost) + (self.1 - quotient * other.1);
        Self(quotient, remainder / other.0)
    }

    /// The square root of a positive number, by one step of Newton's method.
    #[inline]
    pub(crate) fn sqrt(self) -> Self {
        let root = self.0.sqrt();
        let Self(p, lost) = Self::product(root, root);
        Self(root, (((self.0 - p) - lost) + self.1) / (root + root))
    }

    #[inline]
    pub(crate) fn neg(self) -> Self {
        Self(-self.0, -self.1)
    }

    #[inline]
    pub(crate) fn abs(self) -> Self {
        if self.0 < 0.0 { self.neg() } else { self }
    }

    /// Times a power of two.
    #[inline]
    pub(crate) fn scaled(self, power: f64) -> Self {
        Self(self.0 * power, self.1 * power)
    }

    /// `e^x` with the rounding error of the standard library's.
    #[inline]
    pub(crate) fn exp_rounded(self) -> Self {
        let t = self.0.exp();
        Self(t, t * self.1)
    }

    /// `e^x` for `x <= 0`.
    #[inline]
    pub(crate) fn exp(self) -> Self {
        if self.0 < f64::EXP_UNDERFLOW {
            return Self(0.0, 0.0);
        }
        let (upper, rest, n) = exp_m1_reduced::<Portable, f64>(self.0, self.1);
        let Self(y, lost) = Self::renormalized(1.0, upper);
        let Self(y, lost) = Self::renormalized(y, lost + rest);
        let (power, step) = (f64::power_of_two::<1>(n), f64::SCALE_STEP.recip());
        Self(y * power * step, lost * power * step)
    }

    /// `e^x - 1` for `-700 < x <= 0`.
    #[inline]
    pub(crate) fn exp_m1(self) -> Self {
        let (upper, rest, n) = exp_m1_reduced::<Portable, f64>(self.0, self.1);
        let power = f64::power_of_two::<0>(n);
        let Self(sum, lost) = Self::renormalized(upper, rest);
        Self(power - 1.0, 0.0).plus(Self(power * sum, power * lost))
    }

    /// `ln(1 + x)` for `0 <= x <= 1`: the logarithm of the rounded sum, and
    /// what the rounding lost to second order.
    #[inline]
    pub(crate) fn ln_1p(self) -> Self {
        let Self(sum, lost) = self.one_plus();
        let lost = lost / sum;
        Self(sum.ln(), lost - 0.5 * lost * lost)
    }
}
