//! A user's own node.

/// A function `R^n -> R` with its own derivative, recorded as a single node.
///
/// The node is shared by reference count and called again on every replay, so
/// it must depend on nothing but its operands, or say that it
/// [cannot be replayed](Self::is_replayable).
///
/// ```
/// use std::sync::Arc;
/// use smoothmax::{CustomNode, Tape, Var};
///
/// /// The mean of squares.
/// struct MeanSquare;
///
/// impl CustomNode for MeanSquare {
///     fn name(&self) -> &str {
///         "mean_square"
///     }
///     fn value(&self, x: &[f64]) -> f64 {
///         x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64
///     }
///     fn pullback(&self, x: &[f64], y_bar: f64, x_bar: &mut [f64]) {
///         let n = x.len() as f64;
///         for (x_bar, x) in x_bar.iter_mut().zip(x) {
///             *x_bar += y_bar * 2.0 * x / n;
///         }
///     }
/// }
///
/// let tape = Tape::new();
/// let x = tape.vars(&[1.0, 3.0]);
/// let y = Var::custom(Arc::new(MeanSquare), &x);
/// assert_eq!(y.value(), 5.0);
/// assert_eq!(y.backward().wrt(&x).as_slice(), [1.0, 3.0]);
/// ```
pub trait CustomNode<T = f64>: Send + Sync + 'static {
    /// The name used in messages.
    fn name(&self) -> &str {
        "custom"
    }

    /// The value `f(x)`.
    fn value(&self, x: &[T]) -> T;

    /// Adds `y_bar * df/dx_i` to each `x_bar[i]`.
    fn pullback(&self, x: &[T], y_bar: T, x_bar: &mut [T]);

    /// Whether the node is the same function at other operands, at any later
    /// time. A node that says no works on a tape, but a
    /// [`Program`](crate::Program) refuses it.
    fn is_replayable(&self) -> bool {
        true
    }

    /// Whether the function is continuous at `x` but its slope jumps there; a
    /// sweep then [reports](crate::Adjoints::kinks) the node.
    fn has_corner(&self, _x: &[T]) -> bool {
        false
    }

    /// The second-order rule, if there is one. Without it, Hessian-vector
    /// products through the node are an error.
    fn second_order(&self) -> Option<&dyn SecondOrder<T>> {
        None
    }
}

/// The second-order rule of a [`CustomNode`].
pub trait SecondOrder<T = f64> {
    /// Writes the Hessian at `x` times `direction` to `product`.
    fn hessian_vector(&self, x: &[T], direction: &[T], product: &mut [T]);
}
