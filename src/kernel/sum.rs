//! Sums over slices whose error does not grow with the length, and maxima.
//!
//! A chunk is summed in [`LANES`] lanes, the lanes pairwise, and the chunks in
//! double precision with the rounding error carried along (Neumaier). A plain
//! loop over 1e6 exponentials is off by tens of ulp, thousands on heavy tails.

use super::lane::{LANES, Lane, difference};

/// Elements per chunk: what one lane adds up without compensation is 1/16 of it.
const CHUNK: usize = 512;

/// A running sum in double precision with its rounding error.
#[derive(Default)]
pub(super) struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl From<f64> for CompensatedSum {
    #[inline(always)]
    fn from(sum: f64) -> Self {
        Self { sum, lost: 0.0 }
    }
}

impl CompensatedSum {
    #[inline(always)]
    pub(super) fn add(&mut self, term: f64) {
        let (sum, lost) = difference(self.sum, -term);
        self.sum = sum;
        self.lost += lost;
    }

    #[inline(always)]
    pub(super) fn value(&self) -> f64 {
        self.sum + self.lost
    }
}

/// All lanes joined by `join`, pairwise.
#[inline(always)]
pub(crate) fn fold_lanes<T: Lane, const N: usize>(mut lanes: [T; N], join: impl Fn(T, T) -> T) -> T {
    let mut half = N / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = join(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// The sum of the lanes.
#[inline(always)]
pub(super) fn sum_lanes<T: Lane, const N: usize>(lanes: [T; N]) -> f64 {
    fold_lanes(lanes, |a, b| a + b).widen()
}

/// `sum_i term(a_i, b_i)` over two slices of one length.
#[inline(always)]
pub(super) fn sum_over<T: Lane>(a: &[T], b: &[T], term: impl Fn(T, T) -> T) -> f64 {
    let mut total = CompensatedSum::default();
    for (a, b) in a.chunks(CHUNK).zip(b.chunks(CHUNK)) {
        let mut sums = [T::zero(); LANES];
        let (a_blocks, a_tail) = a.as_chunks::<LANES>();
        let (b_blocks, b_tail) = b.as_chunks::<LANES>();
        for (a, b) in a_blocks.iter().zip(b_blocks) {
            for i in 0..LANES {
                sums[i] += term(a[i], b[i]);
            }
        }
        for (sum, (&a, &b)) in sums.iter_mut().zip(a_tail.iter().zip(b_tail)) {
            *sum += term(a, b);
        }
        total.add(sum_lanes(sums));
    }
    total.value()
}

/// The sum of a slice.
#[inline(always)]
pub(super) fn sum_of<T: Lane>(a: &[T]) -> f64 {
    sum_over(a, a, |a, _| a)
}

/// The largest `sign * x_i`, NaN left out; minus infinity for an empty slice.
/// Taken in `N` lanes.
#[inline(always)]
pub(super) fn max_of<T: Lane, const N: usize>(x: &[T], sign: T) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    let mut lanes = [T::neg_infinity(); N];
    let (blocks, tail) = x.as_chunks::<N>();
    for block in blocks {
        for i in 0..N {
            lanes[i] = larger(lanes[i], sign * block[i]);
        }
    }
    tail.iter().fold(fold_lanes(lanes, larger), |max, &x| larger(max, sign * x))
}

/// The index of the first `value`, which is there.
#[inline(always)]
pub(super) fn position<T: Lane>(x: &[T], value: T) -> usize {
    let mut at = 0;
    // Whole blocks are compared at once, which is vector code.
    while x.len() - at > LANES && x[at..at + LANES].iter().fold(true, |none, &x| none & (x != value)) {
        at += LANES;
    }
    while at + 1 < x.len() && x[at] != value {
        at += 1;
    }
    at
}

/// Index and value of the largest weight; `None` if there is no positive one.
#[inline(always)]
pub(super) fn heaviest<T: Lane>(weights: &[T]) -> Option<(usize, T)> {
    let largest = max_of::<T, LANES>(weights, T::one());
    if largest > T::zero() { weights.iter().position(|&w| w == largest).map(|i| (i, largest)) } else { None }
}

/// `sum_{i != left_out} a_i`.
#[inline(always)]
pub(super) fn sum_without<T: Lane>(a: &[T], left_out: usize) -> f64 {
    sum_of(&a[..left_out]) + sum_of(&a[left_out + 1..])
}
