//! `min_x max_i f_i(x)`: reverse-mode automatic differentiation for objectives
//! with a `max`, a `min` or an `|x|` in them.

pub mod diff;
mod dual;
mod error;
mod functions;
pub mod kernel;
#[cfg(feature = "minimax")]
pub mod minimax;
mod nary;
mod num;
pub mod rules;
mod scalar;
pub mod tape;

pub use diff::{check_gradient, gradient, hessian, hvp, jacobian, jvp, vjp};
pub use dual::Dual;
pub use error::Error;
pub use functions::{
    dot, dot_product, log_add_exp, log_sigmoid, log_softmax, log_sum_exp, mat_vec, max, min, sigmoid,
    smooth_abs, smooth_max, smooth_max_at, smooth_min, smooth_min_at, softmax, softplus, sum,
};
#[cfg(feature = "minimax")]
pub use minimax::Minimax;
pub use nary::{CustomNode, SecondOrder, SliceNumber};
pub use rules::KinkKind;
pub use scalar::Scalar;
pub use tape::{Adjoints, Tape, Var};
