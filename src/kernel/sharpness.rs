//! The sharpness `k` of a smooth maximum.

use super::dispatch::InstructionSet;
use super::lane::Lane;

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

    /// `k x` rounded.
    #[inline(always)]
    pub(super) fn times(self, x: T) -> T {
        if UNIT { x } else { self.k * x }
    }

    /// `k x` as a sum of two, the first exact or `k x` rounded, the second
    /// smaller and rounded: what a fused multiply-add finds lost, else products
    /// of halves. Not finite where `x` is not.
    #[inline(always)]
    pub(super) fn times_exactly<I: InstructionSet>(self, x: T) -> [T; 2] {
        if UNIT {
            // Minus zero, because adding that is no operation.
            return [x, T::neg_zero()];
        }
        let k = self.k;
        if I::FMA {
            let product = k * x;
            return [product, k.mul_add(x, -product)];
        }
        let (k1, x1) = (T::upper_half(k), T::upper_half(x));
        [k1 * x1, k1 * (x - x1) + (k - k1) * x]
    }
}
