//! Derivatives in the sharpness from those in the operands.
//!
//! A smoothing has the form `f(x, k) = φ(kx) / k`, so it is homogeneous: `f(cx, k/c)
//! = c f(x, k)`. Euler's relation then gives every derivative in `k`, with gradient
//! `g` and Hessian `H`:
//!
//! ```text
//! ∂f/∂k = (g·x - f) / k,   ∂g/∂k = H x / k,   ∂²f/∂k² = (x·H x / k - 2 ∂f/∂k) / k.
//! ```
//!
//! The differences cancel in most smoothings, which therefore have formulas of
//! their own for [`Smoothing::sharpness_slope`] and [`Smoothing::sharpness_curvature`].

use super::Smoothing;
use crate::rules::Primitive;
use crate::smooth::sum::dot;

/// `∂f/∂k`.
pub(in crate::smooth) fn slope<T: Primitive, F: Smoothing>(f: &F, x: &[T]) -> T {
    let mut g = vec![T::zero(); x.len()];
    f.gradient(x, &mut g);
    let centred = centred(f, x);
    (dot(&g, &finite(&centred)) - f.value(&centred)) / T::constant(f.sharpness())
}

/// `H x`.
pub(super) fn reach<T: Primitive, F: Smoothing>(f: &F, x: &[T]) -> Vec<T> {
    let mut product = vec![T::zero(); x.len()];
    f.hessian_vector(x, &finite(&centred(f, x)), &mut product);
    product
}

/// `∂²f/∂k²`.
pub(in crate::smooth) fn curvature<T: Primitive, F: Smoothing>(f: &F, x: &[T]) -> T {
    let k = T::constant(f.sharpness());
    let slope = f.sharpness_slope(x);
    (dot(&reach(f, x), &finite(&centred(f, x))) / k - (slope + slope)) / k
}

/// The operands near 0.
fn centred<T: Primitive, F: Smoothing>(f: &F, x: &[T]) -> Vec<T> {
    let origin = f.origin(x);
    x.iter().map(|&x| x - origin).collect()
}

/// The finite operands, 0 for the others: where the value is finite, they have no influence.
fn finite<T: Primitive>(x: &[T]) -> Vec<T> {
    x.iter().map(|&x| if x.is_finite() { x } else { T::zero() }).collect()
}
