//! Smoothings with the sharpness as an operand; see [`euler`] for the derivatives.

use std::sync::Arc;

use super::{Node, Regime, Smoothing, euler};
use crate::Scalar;
use crate::nary::{CustomNode, NaryKind, SecondOrder};
use crate::rules::Primitive;
use crate::smooth::sum::dot;

/// Records the smoothing that `of_sharpness` makes of `k`, a function of `x` and `k`;
/// NaN where `k` is no sharpness of it.
#[cfg_attr(debug_assertions, track_caller)]
pub(in crate::smooth) fn record_at<S: Scalar, F: Smoothing>(
    of_sharpness: impl Fn(f64) -> F + Send + Sync + 'static,
    x: &[S],
    k: S,
) -> S {
    let operands: Vec<S> = x.iter().copied().chain([k]).collect();
    S::nary(NaryKind::Custom(Arc::new(NodeAt(of_sharpness))), &operands)
}

/// A smoothing by its sharpness, the last operand.
struct NodeAt<G>(G);

/// What the derivatives in the sharpness are made of.
struct Point<'a, T, F> {
    node: Node<F>,
    x: &'a [T],
    k: T,
}

impl<G> NodeAt<G> {
    fn point<'a, T: Primitive, F: Smoothing>(&self, operands: &'a [T]) -> Point<'a, T, F>
    where
        G: Fn(f64) -> F,
    {
        let (&k, x) = operands.split_last().expect("the sharpness is the last operand");
        Point { node: Node((self.0)(k.to_f64().expect("a float"))), x, k }
    }
}

impl<T: Primitive, F: Smoothing, G: Fn(f64) -> F + Send + Sync + 'static> CustomNode<T> for NodeAt<G> {
    fn name(&self) -> &str {
        F::NAME
    }

    fn value(&self, operands: &[T]) -> T {
        let Point { node, x, .. } = self.point(operands);
        node.value(x)
    }

    fn pullback(&self, operands: &[T], y_bar: T, x_bar: &mut [T]) {
        let point = self.point(operands);
        let (k_bar, x_bar) = x_bar.split_last_mut().expect("an adjoint for each operand");
        point.node.pullback(point.x, y_bar, x_bar);
        *k_bar += match point.node.regime(point.x) {
            Regime::Undefined => T::nan(),
            Regime::Exact => T::zero(),
            Regime::Smooth => y_bar.chain(point.node.0.sharpness_slope(point.x)),
        };
    }

    fn has_corner(&self, operands: &[T]) -> bool {
        let Point { node, x, .. } = self.point(operands);
        node.has_corner(x)
    }

    fn second_order(&self) -> Option<&dyn SecondOrder<T>> {
        Some(self)
    }
}

impl<T: Primitive, F: Smoothing, G: Fn(f64) -> F + Send + Sync + 'static> SecondOrder<T> for NodeAt<G> {
    fn hessian_vector(&self, operands: &[T], direction: &[T], product: &mut [T]) {
        let point = self.point(operands);
        let Regime::Smooth = point.node.regime(point.x) else {
            let (_, x_direction) = direction.split_last().expect("a tangent for each operand");
            let (k_product, x_product) = product.split_last_mut().expect("a place for each operand");
            point.node.hessian_vector(point.x, x_direction, x_product);
            let is_undefined = matches!(point.node.regime(point.x), Regime::Undefined);
            *k_product = if is_undefined { T::nan() } else { T::zero() };
            return;
        };
        let (&v_k, v) = direction.split_last().expect("a tangent for each operand");
        let (k_product, x_product) = product.split_last_mut().expect("a place for each operand");
        let node = &point.node.0;
        node.hessian_vector(point.x, v, x_product);
        let reached = euler::reach(node, point.x);
        *k_product = dot(&reached, v) / point.k + node.sharpness_curvature(point.x).chain(v_k);
        for (product, reached) in x_product.iter_mut().zip(reached) {
            *product += reached.chain(v_k) / point.k;
        }
    }
}
