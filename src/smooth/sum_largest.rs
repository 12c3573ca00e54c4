//! The sum of the largest entries, smoothed.

use super::exact::{SumLargest, descending};
use super::node::{Exact, Smoothing, record, record_at};
use super::sum::pairwise_sum;
use crate::rules::{Elementary, Primitive};
use crate::sharpness::Requirement;
use crate::{Dual, Scalar};

/// `(1/k) ln e_m(e^{k x})` with the elementary symmetric polynomial
/// `e_m(t) = Σ_{|I| = m} Π_{i in I} t_i`: the sum of the `m` largest entries,
/// smoothed; above it by at most `ln C(n, m) / k`.
///
/// Convex and monotone. `m = 1` is [`smooth_max`](crate::smooth_max). The
/// gradient holds the probabilities that a random subset of `m` entries, drawn
/// with weights `e^{k Σ x_i}`, contains each. Takes `O(n m)` operations. NaN where
/// infinities of both signs are among the `m` largest.
///
/// ```
/// use smoothmax::smooth::sum_largest;
///
/// let smooth = sum_largest(&[3.0, 1.0, 2.0], 2, 10.0);
/// assert!(5.0 <= smooth && smooth <= 5.0 + 3f64.ln() / 10.0);
/// ```
///
/// # Panics
///
/// Unless `k > 0` and `1 <= m <= n`; so for an empty `x`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn sum_largest<S: Scalar>(x: &[S], m: usize, k: f64) -> S {
    Requirement::POSITIVE.check::<S>("sum_largest", k);
    require_count(m, x);
    record(SmoothSumLargest { m, k }, x)
}

/// [`sum_largest`] with a sharpness that may be a variable; NaN unless `k > 0`.
///
/// ```
/// use smoothmax::smooth::{sum_largest, sum_largest_at};
///
/// assert_eq!(sum_largest_at(&[1.0, 2.0], 1, 3.0), sum_largest(&[1.0, 2.0], 1, 3.0));
/// ```
///
/// # Panics
///
/// Unless `1 <= m <= n`; so for an empty `x`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn sum_largest_at<S: Scalar>(x: &[S], m: usize, k: S) -> S {
    require_count(m, x);
    record_at(move |k| SmoothSumLargest { m, k }, x, k)
}

#[cfg_attr(debug_assertions, track_caller)]
fn require_count<S>(m: usize, x: &[S]) {
    assert!(
        !x.is_empty(),
        "sum_largest: `x` is empty; it must have at least `m` entries, and `m` at least 1"
    );
    assert!(1 <= m && m <= x.len(), "sum_largest: `m` is {m}; it must be in 1..={}", x.len());
}

struct SmoothSumLargest {
    m: usize,
    k: f64,
}

impl SmoothSumLargest {
    /// Draws subsets entry by entry, from the largest down. With `e_j` summed
    /// over the subsets of size `j` of the entries so far, relative to the
    /// heaviest of them, and `r_j = e_{j-1} / e_j`, entry `i` is in a subset of
    /// size `j` with the odds `w r_j`, `w = e^{k (x_i - x_j)}`.
    ///
    /// Returns the odds, a row of `m` for each entry, and `ln e_m`. Ratios and
    /// odds are positive and never overflow.
    fn odds<R: Elementary>(&self, x: &[R], order: &[usize]) -> (Vec<R>, R) {
        let one = R::constant(1.0);
        let k = R::constant(self.k);
        let mut odds = Vec::with_capacity(x.len() * self.m);
        let mut ratios: Vec<R> = Vec::with_capacity(self.m);
        let mut log = R::constant(0.0);
        for (i, &entry) in order.iter().enumerate() {
            let row = odds.len();
            for j in 0..self.m.min(i) {
                odds.push((k * (x[entry] - x[order[j]])).exp() * ratios[j]);
            }
            if i >= self.m {
                log = log + odds[row + self.m - 1].ln_1p();
            }
            // Growth of e_j by this entry: 1 + odds; of the empty subset: 1.
            let growth = |j: usize| if j == 0 { one } else { one + odds[row + j - 1] };
            if i < self.m {
                ratios.push(growth(i));
            }
            for j in 0..self.m.min(i) {
                ratios[j] = ratios[j] * growth(j) / growth(j + 1);
            }
            // Of the first i + 1 entries, the only subset of that size has this one.
            odds.resize(row + self.m, R::constant(f64::INFINITY));
        }
        (odds, log)
    }

    /// The probability that each entry is drawn, and that it is not: the chain of
    /// subset sizes, run backwards.
    fn inclusion<R: Elementary>(&self, x: &[R], order: &[usize]) -> (Vec<R>, Vec<R>) {
        let (zero, one) = (R::constant(0.0), R::constant(1.0));
        let (odds, _) = self.odds(x, order);
        let (mut included, mut excluded) = (vec![zero; x.len()], vec![zero; x.len()]);
        // The probability that j entries are still to be drawn.
        let mut left = vec![zero; self.m + 1];
        left[self.m] = one;
        for (i, &entry) in order.iter().enumerate().rev() {
            excluded[entry] = left[0];
            for j in 1..=self.m {
                let odds = odds[i * self.m + j - 1];
                let is_certain = j > i;
                let drawn = if is_certain { left[j] } else { left[j] * (odds / (one + odds)) };
                left[j] = if is_certain { zero } else { left[j] / (one + odds) };
                left[j - 1] = left[j - 1] + drawn;
                included[entry] = included[entry] + drawn;
                excluded[entry] = excluded[entry] + left[j];
            }
        }
        (included, excluded)
    }

    /// How much the mean sum of the subsets drawn is below the largest sum: of
    /// positive terms, with `threshold` the `m`-th largest entry.
    fn shortfall<T: Primitive>(&self, x: &[T], order: &[usize]) -> T {
        let threshold = x[order[self.m - 1]];
        let (included, excluded) = self.inclusion(x, order);
        let term = |(rank, &i): (usize, &usize)| {
            let (p, distance) =
                if rank < self.m { (excluded[i], x[i] - threshold) } else { (included[i], threshold - x[i]) };
            p.chain(distance)
        };
        pairwise_sum(&order.iter().enumerate().map(term).collect::<Vec<_>>())
    }
}

impl Smoothing for SmoothSumLargest {
    const NAME: &'static str = "sum_largest";
    type Target = SumLargest;

    fn sharpness(&self) -> f64 {
        self.k
    }

    fn target(&self) -> SumLargest {
        SumLargest { m: self.m }
    }

    /// The `m`-th largest entry, near which entries compete; a shift by `c` adds `m c`.
    fn origin<T: Primitive>(&self, x: &[T]) -> T {
        x[descending(x)[self.m - 1]]
    }

    fn value<T: Primitive>(&self, x: &[T]) -> T {
        self.target().value(x) + self.odds(x, &descending(x)).1 / T::constant(self.k)
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        g.copy_from_slice(&self.inclusion(x, &descending(x)).0);
    }

    /// The probabilities of dual numbers: sums, products and quotients of
    /// positive numbers, whose derivatives are as exact.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]) {
        let duals: Vec<Dual<T>> = x.iter().zip(v).map(|(&x, &v)| Dual::new(x, v)).collect();
        let (included, _) = self.inclusion(&duals, &descending(x));
        product.iter_mut().zip(included).for_each(|(product, p)| *product = p.tangent);
    }

    /// `-H / k²` with the entropy `H` of the subsets: a sum of positive terms.
    fn sharpness_slope<T: Primitive>(&self, x: &[T]) -> T {
        let (k, order) = (T::constant(self.k), descending(x));
        let (_, log) = self.odds(x, &order);
        -((log / k + self.shortfall(x, &order)) / k)
    }
}
