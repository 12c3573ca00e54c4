//! `m` and `s` of few elements, for the smooth maximum and its relatives.
//!
//! Here the fixed cost of a call counts, not that of an element: the lanes of
//! the sums are few, the buffer is small, and ties with the maximum are counted
//! while summing instead of looked up before. The exponentials are one plain
//! loop whose remainder goes one by one. A padded copy would cost more: wide
//! reads of what was just written in narrow pieces wait until it is in the cache.

use super::dispatch::InstructionSet;
use super::lane::Lane;
use super::sharpness::Sharpness;
use super::smooth_max::Shifted;
use super::sum::{max_of, sum_lanes};

/// Up to so many elements go this way. The widest vectors do not pay for them.
pub(super) const FEW: usize = 32;
/// Lanes of the maximum and of the sums.
const QUAD: usize = 4;

/// `m` and `s` of few elements; their exponentials, not yet divided, go to
/// `weights`. An infinite `m` is for the caller to treat.
#[inline(always)]
pub(super) fn sum_few<I: InstructionSet, T: Lane, const UNIT: bool>(
    x: &[T],
    sharpness: Sharpness<T, UNIT>,
    weights: Option<&mut [T]>,
) -> Shifted {
    let sign = sharpness.sign();
    let m = sign * max_of::<T, QUAD>(x, sign);
    let mut buffer;
    let e = match weights {
        Some(weights) => weights,
        None => {
            buffer = [T::zero(); FEW];
            &mut buffer[..x.len()]
        }
    };
    sharpness.exp_slice::<I>(x, m, e);
    Shifted { extreme: m.widen(), excess: sum_but_one_tie(x, m, e) }
}

/// The sum of the `e_i` where `x_i` is not `m`, and 1 for each `x_i = m` but one.
#[inline(always)]
fn sum_but_one_tie<T: Lane>(x: &[T], m: T, e: &[T]) -> f64 {
    let below = |x: T, e: T| if x == m { T::zero() } else { e };
    let tie = |x: T| if x == m { T::one() } else { T::zero() };
    let (x_quads, x_tail) = x.as_chunks::<QUAD>();
    let (e_quads, e_tail) = e.as_chunks::<QUAD>();
    let (mut sums, mut ties) = ([T::zero(); QUAD], [T::zero(); QUAD]);
    for (x, e) in x_quads.iter().zip(e_quads) {
        for i in 0..QUAD {
            sums[i] += below(x[i], e[i]);
            ties[i] += tie(x[i]);
        }
    }
    let (mut sum, mut ties) = (sum_lanes(sums), sum_lanes(ties) - 1.0);
    for (&x, &e) in x_tail.iter().zip(e_tail) {
        sum += below(x, e).widen();
        ties += tie(x).widen();
    }
    sum + ties
}
