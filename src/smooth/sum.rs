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
