//! Where the exponentials of a slice are measured from.
//!
//! The sum over `exp(k (x_i - m))` needs no exponential at the maximum `m`
//! itself: any common factor cancels from `s` and from the weights. So `m` is
//! not subtracted, which would cost a rounding and its correction for every
//! element, but only a power of two divided out: with
//!
//! ```text
//! e_i = exp(k (x_i - origin)) 2^-N
//! ```
//!
//! `N` goes into the exponent bits of `e_i` for nothing. The origin is 0, or,
//! where `|k m|` is large, some extreme element; elements that count beside it
//! are then within a factor 2 of it, so `x_i - origin` is exact (Sterbenz).
//!
//! A reference covers a whole range of `m`; most slices never need another than
//! the first, `origin = N = 0`, so nothing waits for their maximum.

use super::dispatch::InstructionSet;
use super::lane::{Lane, exp_scaled};
use super::sharpness::Sharpness;

/// Origin and power of two.
#[derive(Clone, Copy)]
pub(super) struct Reference<T, const UNIT: bool> {
    sharpness: Sharpness<T, UNIT>,
    origin: T,
    /// `k (m - origin)` of the element that the reference is made for.
    argument: T,
    /// Adding it to `k (x - origin) log2(e)` leaves exponent bits.
    round: T,
}

impl<T: Lane, const UNIT: bool> Reference<T, UNIT> {
    /// Exponentials as they are.
    #[inline(always)]
    pub(super) fn zero(sharpness: Sharpness<T, UNIT>) -> Self {
        let zero = T::zero();
        Self { sharpness, origin: zero, argument: zero, round: T::ROUND + T::EXPONENT_BITS }
    }

    /// That for the extreme element `m`, which is finite.
    #[cold]
    pub(super) fn at(sharpness: Sharpness<T, UNIT>, m: T) -> Self {
        let zero = Self::zero(sharpness);
        let argument = sharpness.times(m);
        if argument.abs() < T::DEPTH + T::DEPTH {
            let n = (argument * T::LOG2_E + T::ROUND) - T::ROUND;
            Self { argument, round: zero.round - n, ..zero }
        } else {
            Self { origin: m, ..zero }
        }
    }

    /// Whether all that counts beside an extreme element `m` has a normal
    /// exponential, and sums of them too.
    #[inline(always)]
    pub(super) fn covers(self, m: T) -> bool {
        let rise = self.sharpness.times(m - self.origin) - self.argument;
        -(T::DEPTH + T::EXP_UNDERFLOW) < rise && rise < T::ROOM
    }

    /// `exp(k (x - origin)) 2^-N` for an `x` on the far side of a covered extreme
    /// element; zero where it does not count.
    #[inline(always)]
    pub(super) fn exp<I: InstructionSet>(self, x: T) -> T {
        let d = x - self.origin;
        let argument = self.sharpness.times(d);
        let e = exp_scaled::<I, T>(argument, self.sharpness.times_exactly::<I>(d), self.round);
        if argument < self.argument - T::DEPTH { T::zero() } else { e }
    }

    /// The exponentials of `x` into `out`.
    #[inline(always)]
    pub(super) fn exp_slice<I: InstructionSet>(self, x: &[T], out: &mut [T]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = self.exp::<I>(x);
        }
    }
}
