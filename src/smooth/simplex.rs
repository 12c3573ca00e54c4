//! The Euclidean smooth maximum and its gradient, the projection onto the
//! probability simplex.

use num_traits::Float;

use super::exact::Extreme;
use super::node::{Exact, Smoothing, record, record_at};
use super::sum::{centred, mean_offset, pairwise_sum, variance};
use crate::Scalar;
use crate::nary::{NaryKind, project_to_simplex, simplex_pullback};
use crate::rules::Primitive;
use crate::sharpness::Requirement;

/// `max_p (p·x - (|p|² - 1/n) / 2k)` over probability vectors `p`, below the
/// maximum by at most `(1 - 1/n) / 2k`.
///
/// Convex and monotone; its gradient is [`sparsemax`] of `k x`, so that entries
/// well below the maximum have no influence at all. The second derivative jumps
/// where an entry enters.
///
/// ```
/// use smoothmax::gradient;
/// use smoothmax::smooth::simplex_max;
///
/// let (value, g) = gradient(&[1.0, 0.5, -3.0], |x| simplex_max(x, 1.0));
/// assert_eq!(g.as_slice(), [0.75, 0.25, 0.0]);
/// assert!(1.0 - (1.0 - 1.0 / 3.0) / 2.0 <= value && value <= 1.0);
/// ```
///
/// Source: Y. Nesterov, *Smooth minimization of non-smooth functions* (2005);
/// A. Martins, R. Astudillo, *From softmax to sparsemax* (2016).
///
/// # Panics
///
/// Unless `k > 0`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn simplex_max<S: Scalar>(x: &[S], k: f64) -> S {
    Requirement::POSITIVE.check::<S>("simplex_max", k);
    record(SimplexMax { k }, x)
}

/// [`simplex_max`] with a sharpness that may be a variable; NaN unless `k > 0`.
///
/// ```
/// use smoothmax::smooth::{simplex_max, simplex_max_at};
///
/// assert_eq!(simplex_max_at(&[1.0, 2.0], 3.0), simplex_max(&[1.0, 2.0], 3.0));
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn simplex_max_at<S: Scalar>(x: &[S], k: S) -> S {
    record_at(|k| SimplexMax { k }, x, k)
}

/// The point of the probability simplex nearest to `x`: a softmax with zeros.
///
/// ```
/// use smoothmax::smooth::sparsemax;
///
/// assert_eq!(sparsemax(&[1.0, 0.5, -3.0]), [0.75, 0.25, 0.0]);
/// ```
///
/// Source: A. Martins, R. Astudillo, *From softmax to sparsemax* (2016).
#[cfg_attr(debug_assertions, track_caller)]
pub fn sparsemax<S: Scalar>(x: &[S]) -> Vec<S> {
    S::nary_outputs(NaryKind::Sparsemax, x)
}

struct SimplexMax {
    k: f64,
}

impl SimplexMax {
    fn weights<T: Primitive>(&self, x: &[T]) -> Vec<T> {
        let mut p = vec![T::zero(); x.len()];
        project_to_simplex(x, T::constant(self.k), &mut p);
        p
    }

    /// `Σ (p_i - 1/n)² = k² Σ (x_i - mean)² + (1/s - 1/n)` over a support of `s`
    /// operands: the sum on the right, and what is in parentheses.
    fn spread<T: Primitive>(&self, x: &[T]) -> (T, T) {
        let weights = self.weights(x);
        let support: Vec<T> = weights.iter().zip(x).filter(|(p, _)| !p.is_zero()).map(|(_, &x)| x).collect();
        let size = T::constant(support.len() as f64);
        let even = vec![T::one() / size; support.len()];
        let lack = T::constant((x.len() - support.len()) as f64) / (size * T::constant(x.len() as f64));
        (size * variance(&even, &centred(&even, &support, self.target().value(x))), lack)
    }
}

impl Smoothing for SimplexMax {
    const NAME: &'static str = "simplex_max";
    type Target = Extreme;

    fn sharpness(&self) -> f64 {
        self.k
    }

    fn target(&self) -> Extreme {
        Extreme::MAX
    }

    fn origin<T: Primitive>(&self, x: &[T]) -> T {
        self.target().value(x)
    }

    /// `m + Σ p_i (x_i - m) - Σ (p_i - 1/n)² / 2k`: nothing cancels.
    fn value<T: Primitive>(&self, x: &[T]) -> T {
        let m = self.target().value(x);
        let p = self.weights(x);
        let uniform = T::one() / T::constant(x.len() as f64);
        let spread = p.iter().map(|&p| Float::powi(p - uniform, 2)).collect::<Vec<_>>();
        m + (mean_offset(&p, x, m) - pairwise_sum(&spread) / T::constant(2.0 * self.k))
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        project_to_simplex(x, T::constant(self.k), g);
    }

    /// `k` times the direction, centred over the support.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]) {
        let p = self.weights(x);
        product.fill(T::zero());
        simplex_pullback(&p, T::constant(self.k), v, product);
    }

    /// `Σ (p_i - 1/n)² / 2k²`.
    fn sharpness_slope<T: Primitive>(&self, x: &[T]) -> T {
        let (spread, lack) = self.spread(x);
        let k = T::constant(self.k);
        T::constant(0.5) * (spread + lack / k / k)
    }

    fn sharpness_curvature<T: Primitive>(&self, x: &[T]) -> T {
        let k = T::constant(self.k);
        -(self.spread(x).1 / k / k / k)
    }
}
