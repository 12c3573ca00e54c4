//! The sums of few elements.
//!
//! Here the fixed cost of a call counts, not that of an element: the lanes of
//! the sums are few, the buffer is small, and the elements that attain the
//! maximum are told apart while summing instead of looked up before. The
//! exponentials are one plain loop whose remainder goes one by one. A padded
//! copy would cost more: wide reads of what was just written in narrow pieces
//! wait until it is in the cache.

use super::dispatch::InstructionSet;
use super::lane::Lane;
use super::reference::Reference;
use super::sharpness::Sharpness;
use super::smooth_max::Sums;
use super::sum::{fold_lanes, max_of, sum_lanes};

/// Up to so many elements go this way. The widest vectors do not pay for them.
pub(super) const FEW: usize = 32;
/// Lanes of the maximum and of the sums.
const QUAD: usize = 4;

/// The sums of few elements; their exponentials go to `e`, unless the extreme
/// element is infinite.
#[inline(always)]
pub(super) fn sum_few<I: InstructionSet, T: Lane, const UNIT: bool>(
    x: &[T],
    sharpness: Sharpness<T, UNIT>,
    e: &mut [T],
) -> Sums {
    let sign = sharpness.sign();
    let m = sign * max_of::<T, QUAD>(x, sign);
    let mut reference = Reference::zero(sharpness);
    if !reference.covers(m) {
        if m.is_infinite() {
            return Sums { extreme: m.widen(), largest: 1.0, others: 0.0 };
        }
        reference = Reference::at(sharpness, m);
    }
    reference.exp_slice::<I>(x, e);
    let (largest, others) = split_sum(x, m, e);
    Sums { extreme: m.widen(), largest, others }
}

/// An `e_i` where `x_i = m`, and the sum of all the others.
#[inline(always)]
fn split_sum<T: Lane>(x: &[T], m: T, e: &[T]) -> (f64, f64) {
    let (x_quads, x_tail) = x.as_chunks::<QUAD>();
    let (e_quads, e_tail) = e.as_chunks::<QUAD>();
    let (mut below, mut largest, mut ties) = ([T::zero(); QUAD], [T::zero(); QUAD], [T::zero(); QUAD]);
    for (x, e) in x_quads.iter().zip(e_quads) {
        for i in 0..QUAD {
            let tie = x[i] == m;
            below[i] += if tie { T::zero() } else { e[i] };
            largest[i] = if tie { e[i] } else { largest[i] };
            ties[i] += if tie { T::one() } else { T::zero() };
        }
    }
    let (mut below, mut ties) = (sum_lanes(below), sum_lanes(ties));
    let mut largest = fold_lanes(largest, |a, b| if b > a { b } else { a });
    for (&x, &e) in x_tail.iter().zip(e_tail) {
        let tie = x == m;
        below += if tie { 0.0 } else { e.widen() };
        largest = if tie { e } else { largest };
        ties += if tie { 1.0 } else { 0.0 };
    }
    let largest = largest.widen();
    (largest, below + (ties - 1.0) * largest)
}
