//! Projection onto the probability simplex `{p >= 0, Σ p_i = 1}`.
//!
//! The point nearest to `z` is `p_i = max(z_i - τ, 0)` with the threshold `τ`
//! that makes them sum to 1. On the support `I` of `p` it is affine, `τ = (Σ_I
//! z_i - 1) / |I|`, so its derivative subtracts the mean over the support.
//!
//! Source: M. Held, P. Wolfe, H. Crowder, *Validation of subgradient
//! optimization* (1974); A. Martins, R. Astudillo, *From softmax to sparsemax*
//! (2016).

use num_traits::{Float, One, Zero};

use super::SliceNumber;

/// Writes the projection of `k x` to `p`; `0 < k < inf`. Infinities are taken as
/// limits, ties sharing equally; where all entries are -inf, `p` is 0.
pub(crate) fn project_to_simplex<R: SliceNumber>(x: &[R], k: R::Base, p: &mut [R]) {
    if x.iter().any(|x| x.base().is_nan()) {
        p.fill(R::constant(f64::NAN));
        return;
    }
    let m = x.iter().fold(R::Base::neg_infinity(), |m, x| m.max(x.base()));
    if m == R::Base::neg_infinity() {
        p.fill(R::constant(0.0));
        return;
    }
    let support = support(x, m, k);
    let size = R::constant(support.len() as f64);
    p.fill(R::constant(0.0));
    if m.is_infinite() {
        support.iter().for_each(|&i| p[i] = size.recip());
        return;
    }
    let shifted = |i: usize| R::from_base(k) * (x[i] - R::from_base(m));
    let total = support.iter().fold(R::constant(0.0), |sum, &i| sum + shifted(i));
    let threshold = (total - R::constant(1.0)) / size;
    support.iter().for_each(|&i| p[i] = shifted(i) - threshold);
}

/// The entries of positive weight. In descending order `z_1 >= z_2 >= ..` they
/// are those with `Σ_{i <= j} (z_i - z_j) < 1`.
fn support<R: SliceNumber>(x: &[R], m: R::Base, k: R::Base) -> Vec<usize> {
    if m.is_infinite() {
        return (0..x.len()).filter(|&i| x[i].base() == m).collect();
    }
    let z = |i: usize| k * (x[i].base() - m);
    let one = R::Base::one();
    let mut candidates: Vec<usize> = (0..x.len()).filter(|&i| z(i) > -one).collect();
    candidates.sort_by(|&i, &j| x[j].base().partial_cmp(&x[i].base()).expect("no NaN"));
    let mut sum = R::Base::zero();
    let mut count = R::Base::zero();
    let mut inside = |&i: &usize| {
        let is_inside = sum - count * z(i) < one;
        sum += z(i);
        count += one;
        is_inside
    };
    let size = candidates.iter().take_while(|i| inside(i)).count();
    candidates.truncate(size);
    candidates
}

/// Whether an entry of weight 0 is at the threshold: the support changes there,
/// and with it the derivative.
pub(crate) fn is_at_border<R: SliceNumber>(x: &[R]) -> bool {
    let one = R::Base::one();
    let m = x.iter().fold(R::Base::neg_infinity(), |m, x| m.max(x.base()));
    if m.is_infinite() || x.iter().any(|x| x.base().is_nan()) {
        return false;
    }
    let z = |i: usize| x[i].base() - m;
    let support = support(x, m, one);
    let (size, total) =
        support.iter().fold((R::Base::zero(), R::Base::zero()), |(n, s), &i| (n + one, s + z(i)));
    (0..x.len()).any(|i| !support.contains(&i) && total - size * z(i) == one)
}

/// Adds `k (ȳ_i - mean ȳ)`, over the support of `p`, to `x_bar`; NaN if `p` is.
pub(crate) fn simplex_pullback<R: SliceNumber>(p: &[R], k: R::Base, y_bar: &[R], x_bar: &mut [R]) {
    if p.iter().any(|p| p.base().is_nan()) {
        x_bar.fill(R::constant(f64::NAN));
        return;
    }
    let support: Vec<usize> = (0..p.len()).filter(|&i| !p[i].base().is_zero()).collect();
    let total = support.iter().fold(R::constant(0.0), |sum, &i| sum + y_bar[i]);
    let mean = total / R::constant(support.len() as f64);
    for i in support {
        x_bar[i] = x_bar[i] + (y_bar[i] - mean) * R::from_base(k);
    }
}
