//! Sums that do not drift with their length.

use crate::rules::Primitive;

/// `Σ a_i`, added in pairs so that rounding errors do not grow with the length.
pub(super) fn pairwise_sum<T: Primitive>(a: &[T]) -> T {
    if a.len() <= 16 {
        return a.iter().fold(T::zero(), |sum, &a| sum + a);
    }
    let (left, right) = a.split_at(a.len() / 2);
    pairwise_sum(left) + pairwise_sum(right)
}

/// `Σ w_i a_i`; what has weight 0 takes no part, even if it is infinite.
pub(super) fn dot<T: Primitive>(w: &[T], a: &[T]) -> T {
    pairwise_sum(&w.iter().zip(a).map(|(&w, &a)| w.chain(a)).collect::<Vec<_>>())
}

/// `Σ w_i (x_i - m)`: with weights that sum to 1, how far the weighted mean is from `m`.
pub(super) fn mean_offset<T: Primitive>(w: &[T], x: &[T], m: T) -> T {
    dot(w, &x.iter().map(|&x| x - m).collect::<Vec<_>>())
}

/// `x_i - Σ w_j x_j`, taken relative to `m`; 0 where there is no weight.
pub(super) fn centred<T: Primitive>(w: &[T], x: &[T], m: T) -> Vec<T> {
    let mean = mean_offset(w, x, m);
    let offset = |(w, &x): (&T, &T)| if w.is_zero() { T::zero() } else { (x - m) - mean };
    w.iter().zip(x).map(offset).collect()
}

/// `Σ w_i c_i²` of centred numbers.
pub(super) fn variance<T: Primitive>(w: &[T], c: &[T]) -> T {
    pairwise_sum(&w.iter().zip(c).map(|(&w, &c)| w * c * c).collect::<Vec<_>>())
}

/// `Σ w_i c_i³` of centred numbers.
pub(super) fn third_moment<T: Primitive>(w: &[T], c: &[T]) -> T {
    pairwise_sum(&w.iter().zip(c).map(|(&w, &c)| w * c * c * c).collect::<Vec<_>>())
}
