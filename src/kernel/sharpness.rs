//! The sharpness `k` of a smooth maximum, and its exponential
//! `exp(k (x - m))` with the rounding errors of `x - m` and of the product
//! carried into the result.

use super::dispatch::InstructionSet;
use super::lane::{Lane, difference, exp_nonpositive, product};

/// A sharpness `k`; `UNIT` is `k = 1` known to the compiler.
#[derive(Clone, Copy)]
pub(super) struct Sharpness<T, const UNIT: bool> {
    pub(super) k: T,
}

impl<T: Lane, const UNIT: bool> Sharpness<T, UNIT> {
    /// +1 for a maximum, -1 for a minimum.
    #[inline(always)]
    pub(super) fn sign(self) -> T {
        if UNIT || self.k > T::zero() { T::one() } else { -T::one() }
    }

    /// `k (x - m)` rounded, and what the roundings lost.
    #[inline(always)]
    pub(super) fn argument<I: InstructionSet>(self, x: T, m: T) -> (T, T) {
        if UNIT {
            return difference(x, m);
        }
        let half = T::round_from(0.5);
        let halved = self.k.abs() < T::HALVING_SHARPNESS;
        let (scale, k) = if halved { (half, self.k / half) } else { (T::one(), self.k) };
        let (d, d_lost) = difference(x * scale, m * scale);
        let (p, p_lost) = product::<I, T>(k, d);
        (p, p_lost + k * d_lost)
    }

    /// `exp(k (x - m))`, accurate to the rounding of the result.
    #[inline(always)]
    pub(super) fn exp<I: InstructionSet>(self, x: T, m: T) -> T {
        let (argument, lost) = self.argument::<I>(x, m);
        exp_nonpositive::<I, T>(argument, lost)
    }

    /// `exp(k (x_i - m))` into `out`.
    #[inline(always)]
    pub(super) fn exp_slice<I: InstructionSet>(self, x: &[T], m: T, out: &mut [T]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = self.exp::<I>(x, m);
        }
    }
}
