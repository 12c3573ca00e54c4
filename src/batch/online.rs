//! The smooth maximum in one pass over blocks of terms.
//!
//! The extreme term `m` and the excess are kept relative to each other, as in
//! [`SmoothMaxPartial`]. The gradient sum is kept relative to a *reference*
//! `r` that follows `m` with delay: a new extreme rarely has to touch what may
//! be millions of entries.

use super::reduction::{SmoothMaxPartial, scale};
use crate::kernel::dispatch::InstructionSet;
use crate::kernel::lane;
use crate::kernel::sum::fold_lanes;
use crate::lanes::LANES;
use crate::rules::Number;

/// The largest weight `e^{k (m - r)}` of the extreme term in the gradient sum.
const HEAVIEST: f64 = 1e12;

/// A smooth maximum in the making.
pub(super) struct Online<'a> {
    /// Its gradient sum is relative to the reference until [`finish`](Self::finish).
    pub(super) partial: &'a mut SmoothMaxPartial,
    /// `e^{k (m - r)}`.
    weight: f64,
}

impl<'a> Online<'a> {
    pub(super) fn new(partial: &'a mut SmoothMaxPartial) -> Self {
        Online { partial, weight: 1.0 }
    }

    /// Joins a block of terms. Gives their weights `e^{k (f - r)}`; what is
    /// kept elsewhere relative to `r` is brought to a new one by `rescale`.
    /// `None` if no term of the block counts.
    #[inline(always)]
    pub(super) fn absorb<I: InstructionSet>(
        &mut self,
        count: usize,
        mut terms: [f64; LANES],
        rescale: impl FnOnce(f64),
    ) -> Option<[f64; LANES]> {
        let k = self.partial.sharpness;
        let sign = k.signum();
        let neutral = -sign * f64::INFINITY;
        if count < LANES {
            terms[count..].fill(neutral);
        }
        let extreme = sign * largest(terms.map(|term| sign * term));
        if extreme.is_nan() || self.partial.extreme.is_nan() {
            self.partial.extreme = f64::NAN;
            return None;
        }
        if extreme == neutral {
            return None;
        }
        let leads = sign * extreme > sign * self.partial.extreme;
        if leads {
            self.lead(extreme, rescale);
        }
        let m = self.partial.extreme;
        let mut weights = [0.0; LANES];
        for i in 0..LANES {
            let exponential = lane::exp::<I, f64>(k * (terms[i] - m));
            weights[i] = if terms[i] == m { 1.0 } else { exponential };
        }
        if count < LANES {
            weights[count..].fill(0.0);
        }
        let sum = fold_lanes(weights, |a, b| a + b);
        if sum == 0.0 {
            return None;
        }
        // The excess leaves out one term that attains the extreme.
        self.partial.excess += if leads { excess(weights) } else { sum };
        Some(weights.map(|weight| weight * self.weight))
    }

    /// Makes a new term the extreme one.
    #[inline(always)]
    fn lead(&mut self, extreme: f64, rescale: impl FnOnce(f64)) {
        let partial = &mut *self.partial;
        let former = std::mem::replace(&mut partial.extreme, extreme);
        if former == -partial.sharpness.signum() * f64::INFINITY {
            return;
        }
        partial.excess = (1.0 + partial.excess) * scale(partial.sharpness, former, extreme);
        self.weight *= scale(partial.sharpness, extreme, former);
        if self.weight > HEAVIEST {
            let factor = self.weight.recip();
            rescale(factor);
            self.weight = 1.0;
        }
    }

    /// Makes the gradient sum relative to the extreme term.
    pub(super) fn finish(self) {
        let factor = self.weight.recip();
        if factor != 1.0 {
            self.partial.gradient.iter_mut().for_each(|sum| *sum = factor.chain(*sum));
        }
    }
}

/// The sum of weights but for one that is 1.
#[inline(always)]
fn excess(mut weights: [f64; LANES]) -> f64 {
    if let Some(leader) = weights.iter().position(|&weight| weight == 1.0) {
        weights[leader] = 0.0;
    }
    fold_lanes(weights, |a, b| a + b)
}

/// The largest term; NaN if any is.
#[inline(always)]
pub(super) fn largest(terms: [f64; LANES]) -> f64 {
    let mut is_nan = false;
    for i in 0..LANES {
        is_nan |= terms[i].is_nan();
    }
    let largest = fold_lanes(terms, |a, b| if b > a { b } else { a });
    if is_nan { f64::NAN } else { largest }
}
