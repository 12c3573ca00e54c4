//! `log_softmax(x)_i = (x_i - m) - log1p(s)` and the pullbacks of `softmax` and
//! `log_softmax`.
//!
//! With `w = softmax(x)` and a cotangent `g` the pullbacks are
//!
//! ```text
//! softmax:      w_i (g_i - sum_j w_j g_j)
//! log_softmax:  g_i - w_i sum_j g_j.
//! ```
//!
//! Both cancel when one weight is near 1. So `g` is first centred at the
//! heaviest index `h`, and there the second is written
//! `g_h sum_{j != h} w_j - w_h sum_{j != h} g_j`.

use super::dispatch::{InstructionSet, Kernel};
use super::few::FEW;
use super::lane::Lane;
use super::scalar::ln_1p;
use super::smooth_max::shift_and_sum_unit;
use super::sum::{heaviest, sum_over, sum_without};

/// The kernel of `log_softmax`.
pub struct LogSoftmax<'a, T> {
    /// The argument.
    pub x: &'a [T],
    /// Where the result goes.
    pub out: &'a mut [T],
}

impl<T: Lane> Kernel for LogSoftmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn is_short(&self) -> bool {
        self.x.len() <= FEW
    }

    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let shifted = shift_and_sum_unit::<I, T>(self.x);
        let m = T::round_from(shifted.extreme);
        let rise = T::round_from(ln_1p(shifted.excess));
        if m.is_infinite() {
            // Weights all zero have logarithms minus infinity.
            let at_maximum = if m == T::neg_infinity() { m - rise } else { -rise };
            for (out, &x) in self.out.iter_mut().zip(self.x) {
                *out = if x == m { at_maximum } else { (x - m) - rise };
            }
            return;
        }
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = (x - m) - rise;
        }
    }
}

/// The kernel of the pullback of `softmax`.
pub struct SoftmaxPullback<'a, T> {
    /// `softmax(x)`.
    pub weights: &'a [T],
    /// The cotangent of the softmax.
    pub cotangent: &'a [T],
    /// Where the cotangent of `x` goes.
    pub out: &'a mut [T],
}

impl<T: Lane> Kernel for SoftmaxPullback<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let Self { weights, cotangent, out } = self;
        let centre = heaviest(weights).map_or(T::zero(), |(h, _)| cotangent[h]);
        let mean = T::round_from(sum_over(weights, cotangent, |w, g| w * (g - centre)));
        for (out, (&w, &g)) in out.iter_mut().zip(weights.iter().zip(cotangent)) {
            *out = w * ((g - centre) - mean);
        }
    }
}

/// The kernel of the pullback of `log_softmax`.
pub struct LogSoftmaxPullback<'a, T> {
    /// `softmax(x)`.
    pub weights: &'a [T],
    /// The cotangent of the log-softmax.
    pub cotangent: &'a [T],
    /// Where the cotangent of `x` goes.
    pub out: &'a mut [T],
}

impl<T: Lane> Kernel for LogSoftmaxPullback<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let Self { weights, cotangent, out } = self;
        let Some((h, heaviest)) = heaviest(weights) else {
            // All weights zero (or NaN): a constant (or nothing) was computed.
            out.copy_from_slice(weights);
            return;
        };
        let other_cotangents = sum_without(cotangent, h);
        let total = T::round_from(cotangent[h].widen() + other_cotangents);
        for (out, (&w, &g)) in out.iter_mut().zip(weights.iter().zip(cotangent)) {
            *out = g - w * total;
        }
        let other_weights = sum_without(weights, h);
        out[h] = T::round_from(cotangent[h].widen() * other_weights - heaviest.widen() * other_cotangents);
    }
}
