//! The sums of a slice of any length in one pass over its memory.
//!
//! Chunk by chunk: its maximum while it comes into the cache, its exponentials,
//! their sum. Chunks are short, so that the processor fetches the next while it
//! computes. Where the maximum so far rises, the old one joins the others. Where
//! it rises out of the reach of the reference, which few slices do, the sums and
//! the exponentials so far are brought to a new one.

use super::dispatch::InstructionSet;
use super::lane::{LANES, Lane};
use super::reference::Reference;
use super::sharpness::Sharpness;
use super::smooth_max::Sums;
use super::sum::{CompensatedSum, max_of, position, sum_of};

/// Elements whose exponentials are taken before they are summed.
pub(super) const CHUNK: usize = 128;

/// The sums of `x`. The exponentials go to `out`; where that is shorter than
/// `x`, it is used again and again. An infinite extreme element ends the sweep.
#[inline(always)]
pub(super) fn sweep<I: InstructionSet, T: Lane, const UNIT: bool>(
    x: &[T],
    sharpness: Sharpness<T, UNIT>,
    out: &mut [T],
) -> Sums {
    let sign = sharpness.sign();
    let keep = out.len() >= x.len();
    let mut sums = Running::new(sharpness);
    for (i, x) in x.chunks(CHUNK).enumerate() {
        let (before, e) = out.split_at_mut(if keep { i * CHUNK } else { 0 });
        let e = &mut e[..x.len()];
        let m = sign * max_of::<T, LANES>(x, sign);
        let rises = sign * m > sign * sums.extreme;
        if rises && m.is_infinite() {
            return Sums { extreme: m.widen(), largest: 1.0, others: 0.0 };
        }
        if rises && !sums.reference.covers(m) {
            sums.move_to::<I>(m, before);
        }
        sums.reference.exp_slice::<I>(x, e);
        if rises {
            sums.others.add(sums.largest);
            sums.extreme = m;
            // The largest is left out of the sum, not subtracted from it.
            let at = position(x, m);
            let largest = std::mem::replace(&mut e[at], T::zero());
            sums.others.add(sum_of(e));
            e[at] = largest;
            sums.largest = largest.widen();
        } else {
            sums.others.add(sum_of(e));
        }
    }
    Sums { extreme: sums.extreme.widen(), largest: sums.largest, others: sums.others.value() }
}

/// The sums so far.
struct Running<T, const UNIT: bool> {
    sharpness: Sharpness<T, UNIT>,
    reference: Reference<T, UNIT>,
    extreme: T,
    /// The exponential of the extreme element.
    largest: f64,
    others: CompensatedSum,
    /// The exponentials before this index are zero or NaN for good.
    kept: usize,
}

impl<T: Lane, const UNIT: bool> Running<T, UNIT> {
    #[inline(always)]
    fn new(sharpness: Sharpness<T, UNIT>) -> Self {
        Self {
            sharpness,
            reference: Reference::zero(sharpness),
            extreme: -sharpness.sign() * T::infinity(),
            largest: 0.0,
            others: CompensatedSum::default(),
            kept: 0,
        }
    }

    /// Brings sums and exponentials to the reference for `m`. The latter by two
    /// factors, since their product may be too small for a number.
    #[cold]
    fn move_to<I: InstructionSet>(&mut self, m: T, exponentials: &mut [T]) {
        self.reference = Reference::at(self.sharpness, m);
        if self.extreme.is_infinite() {
            return;
        }
        let (old, new) = (T::round_from(self.largest), self.reference.exp::<I>(self.extreme));
        self.others = CompensatedSum::from(self.others.value() / self.largest * new.widen());
        self.largest = new.widen();
        // Those whose weights will vanish become zero at once: arithmetic with
        // subnormal numbers is slow. So no element comes here often.
        let vanishing = T::min_positive_value() / new.min(T::one()) * old;
        let exponentials = &mut exponentials[self.kept..];
        for e in exponentials.iter_mut() {
            *e = if *e < vanishing { T::zero() } else { *e } / old * new;
        }
        self.kept += exponentials.iter().take_while(|&&e| e == T::zero() || e.is_nan()).count();
    }
}
