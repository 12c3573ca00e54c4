//! The exact functions that the zoo smooths.

use num_traits::Float;

use super::node::Exact;
use crate::rules::Primitive;

/// `max x_i` or `min x_i`.
pub(super) struct Extreme {
    is_min: bool,
}

impl Extreme {
    /// The maximum.
    pub(super) const MAX: Extreme = Extreme { is_min: false };

    /// The maximum, or the minimum for a negative sharpness `k`.
    pub(super) fn of(k: f64) -> Extreme {
        Extreme { is_min: k < 0.0 }
    }
}

impl Exact for Extreme {
    fn value<T: Primitive>(&self, x: &[T]) -> T {
        if self.is_min {
            x.iter().fold(T::infinity(), |m, &x| Float::min(m, x))
        } else {
            x.iter().fold(T::neg_infinity(), |m, &x| Float::max(m, x))
        }
    }

    /// Zero where all entries are minus infinity: nothing to gain.
    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        let m = self.value(x);
        let is_nothing = m == if self.is_min { T::infinity() } else { T::neg_infinity() };
        let share = if is_nothing { T::zero() } else { T::one() / T::constant(count(x, m) as f64) };
        for (g, &x) in g.iter_mut().zip(x) {
            *g = if x == m { share } else { T::zero() };
        }
    }

    fn has_corner<T: Primitive>(&self, x: &[T]) -> bool {
        count(x, self.value(x)) > 1
    }
}

/// `max |x_i|`, 0 of nothing.
pub(super) struct LargestMagnitude;

impl Exact for LargestMagnitude {
    fn value<T: Primitive>(&self, x: &[T]) -> T {
        x.iter().fold(T::zero(), |m, &x| Float::max(m, Float::abs(x)))
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        let m = self.value(x);
        let ties = x.iter().filter(|&&x| Float::abs(x) == m).count();
        for (g, &x) in g.iter_mut().zip(x) {
            *g = if Float::abs(x) == m { x.sign() / T::constant(ties as f64) } else { T::zero() };
        }
    }

    fn has_corner<T: Primitive>(&self, x: &[T]) -> bool {
        let m = self.value(x);
        m == T::zero() || x.iter().filter(|&&x| Float::abs(x) == m).count() > 1
    }
}

/// The entry of the largest magnitude; NaN where two infinities oppose each other.
pub(super) struct LargestSigned;

impl Exact for LargestSigned {
    fn value<T: Primitive>(&self, x: &[T]) -> T {
        let m = LargestMagnitude.value(x);
        let largest = x.iter().filter(|&&x| Float::abs(x) == m);
        if largest.clone().any(|&x| x > T::zero()) && largest.clone().any(|&x| x < T::zero()) {
            return if m.is_finite() { T::zero() } else { T::nan() };
        }
        largest.copied().next().unwrap_or(T::zero())
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        let value = self.value(x);
        let share = T::one() / T::constant(count(x, value) as f64);
        for (g, &x) in g.iter_mut().zip(x) {
            *g = if x == value { share } else { T::zero() };
        }
    }

    /// Equal operands, and the jump between opposite ones.
    fn has_corner<T: Primitive>(&self, x: &[T]) -> bool {
        LargestMagnitude.has_corner(x)
    }
}

/// The sum of the `m` largest entries; NaN where infinities of both signs are among them.
pub(super) struct SumLargest {
    /// How many.
    pub(super) m: usize,
}

impl Exact for SumLargest {
    fn value<T: Primitive>(&self, x: &[T]) -> T {
        descending(x).iter().take(self.m).fold(T::zero(), |sum, &i| sum + x[i])
    }

    /// Entries above the `m`-th largest count fully; those equal to it share
    /// what is left.
    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        let threshold = x[descending(x)[self.m - 1]];
        let above = x.iter().filter(|&&x| x > threshold).count();
        let share = T::constant((self.m - above) as f64 / count(x, threshold) as f64);
        for (g, &x) in g.iter_mut().zip(x) {
            *g = if x > threshold {
                T::one()
            } else if x == threshold && x > T::neg_infinity() {
                share
            } else {
                T::zero()
            };
        }
    }

    /// Whether the `m`-th largest entry could as well be another.
    fn has_corner<T: Primitive>(&self, x: &[T]) -> bool {
        let order = descending(x);
        self.m < x.len() && x[order[self.m - 1]] == x[order[self.m]]
    }
}

fn count<T: Primitive>(x: &[T], value: T) -> usize {
    x.iter().filter(|&&x| x == value).count()
}

/// The indices of `x` from its largest entry to its smallest.
pub(super) fn descending<T: Primitive>(x: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&i, &j| x[j].partial_cmp(&x[i]).expect("NaN is dealt with before"));
    order
}
