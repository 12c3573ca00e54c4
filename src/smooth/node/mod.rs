//! Smoothings of a slice as nodes of a tape.
//!
//! A smoothing is a value, a gradient and a Hessian-vector product on slices of
//! plain floats. [`record`] makes a [`CustomNode`] of the three and deals with
//! what all have in common: NaN, infinities and an infinite sharpness, where
//! the smoothing is its target. [`record_at`](at::record_at) makes one whose
//! sharpness is an operand.

mod at;
pub(super) mod euler;

use std::sync::Arc;

pub(super) use at::record_at;

use crate::Scalar;
use crate::nary::{CustomNode, NaryKind, SecondOrder};
use crate::rules::Primitive;

/// A smoothing of an exact function, for finite operands and a finite sharpness.
pub(super) trait Smoothing: Send + Sync + Sized + 'static {
    /// The name, for messages.
    const NAME: &'static str;

    /// What the function tends to as its sharpness grows.
    type Target: Exact;

    /// The sharpness.
    fn sharpness(&self) -> f64;

    /// The target.
    fn target(&self) -> Self::Target;

    /// The value at `x`.
    fn value<T: Primitive>(&self, x: &[T]) -> T;

    /// Writes the gradient at `x` to `g`.
    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]);

    /// Writes the Hessian at `x` times `v` to `product`.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]);

    /// `∂f/∂k`, the slope in the sharpness.
    fn sharpness_slope<T: Primitive>(&self, x: &[T]) -> T {
        euler::slope(self, x)
    }

    /// `∂²f/∂k²`.
    fn sharpness_curvature<T: Primitive>(&self, x: &[T]) -> T {
        euler::curvature(self, x)
    }

    /// Whether the slope jumps at `x`.
    fn has_corner<T: Primitive>(&self, _x: &[T]) -> bool {
        false
    }

    /// Whether the function is defined at its sharpness.
    fn is_defined(&self) -> bool {
        self.sharpness() > 0.0
    }

    /// A number that can be subtracted from all operands without change to the
    /// derivatives, and brings them near 0.
    fn origin<T: Primitive>(&self, _x: &[T]) -> T {
        T::zero()
    }
}

/// The exact function a smoothing tends to.
pub(super) trait Exact {
    /// The value, for `x` without NaN; NaN where infinities oppose each other.
    fn value<T: Primitive>(&self, x: &[T]) -> T;

    /// A subgradient where the value is not NaN, in which ties share equally.
    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]);

    /// Whether the slope jumps at `x`.
    fn has_corner<T: Primitive>(&self, x: &[T]) -> bool;
}

/// Records a smoothing of `x`.
#[cfg_attr(debug_assertions, track_caller)]
pub(super) fn record<S: Scalar>(smoothing: impl Smoothing, x: &[S]) -> S {
    S::nary(NaryKind::Custom(Arc::new(Node(smoothing))), x)
}

/// A smoothing as a custom node.
struct Node<F>(F);

/// Which rule applies at a point.
enum Regime {
    Undefined,
    Exact,
    Smooth,
}

impl<F: Smoothing> Node<F> {
    fn regime<T: Primitive>(&self, x: &[T]) -> Regime {
        if !self.0.is_defined() || x.iter().any(|x| x.is_nan()) {
            return Regime::Undefined;
        }
        let target = self.0.target().value(x);
        if target.is_nan() {
            Regime::Undefined
        } else if T::constant(self.0.sharpness()).is_finite() && target.is_finite() {
            Regime::Smooth
        } else {
            Regime::Exact
        }
    }
}

impl<T: Primitive, F: Smoothing> CustomNode<T> for Node<F> {
    fn name(&self) -> &str {
        F::NAME
    }

    fn value(&self, x: &[T]) -> T {
        match self.regime(x) {
            Regime::Undefined => T::nan(),
            Regime::Exact => self.0.target().value(x),
            Regime::Smooth => self.0.value(x),
        }
    }

    fn pullback(&self, x: &[T], y_bar: T, x_bar: &mut [T]) {
        let mut g = vec![T::zero(); x.len()];
        match self.regime(x) {
            Regime::Undefined => g.fill(T::nan()),
            Regime::Exact => self.0.target().gradient(x, &mut g),
            Regime::Smooth => self.0.gradient(x, &mut g),
        }
        for (x_bar, g) in x_bar.iter_mut().zip(g) {
            *x_bar += y_bar.chain(g);
        }
    }

    fn has_corner(&self, x: &[T]) -> bool {
        match self.regime(x) {
            Regime::Undefined => false,
            Regime::Exact => self.0.target().has_corner(x),
            Regime::Smooth => self.0.has_corner(x),
        }
    }

    fn second_order(&self) -> Option<&dyn SecondOrder<T>> {
        Some(self)
    }
}

impl<T: Primitive, F: Smoothing> SecondOrder<T> for Node<F> {
    fn hessian_vector(&self, x: &[T], direction: &[T], product: &mut [T]) {
        match self.regime(x) {
            Regime::Undefined => product.fill(T::nan()),
            Regime::Exact => product.fill(T::zero()),
            Regime::Smooth => self.0.hessian_vector(x, direction, product),
        }
    }
}
