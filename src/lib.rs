//! `min_x max_i f_i(x)`: reverse-mode automatic differentiation for objectives
//! with a `max`, a `min` or an `|x|` in them.
//!
//! Write the objective as plain Rust; get exact gradients, smooth versions of
//! its kinks with stated error bounds, and a minimiser that says how good its
//! answer is.
//!
//! ```
//! use smoothmax::{gradient, smooth_abs, smooth_max};
//!
//! // max(x0 + x1, |x0 - 3|), smoothed with sharpness k = 20.
//! let (value, g) = gradient(&[1.0, 0.5], |x| {
//!     smooth_max(&[x[0] + x[1], smooth_abs(x[0] - 3.0, 20.0)], 20.0)
//! });
//! assert!(2.0 <= value && value <= 2.0 + 2.0 * 2f64.ln() / 20.0);
//! assert!((g[0] + 1.0).abs() < 1e-3 && g[1] < 1e-3);
//! ```
//!
//! # The mental model
//!
//! **closure → [`Tape`] (records) → [`Program`] (replays one point) or [`Batch`]
//! (replays one term over many rows) → [`Minimax`] (solves).**
//!
//! A [`Var`] is a number that remembers its [`Tape`]. Every operation on it
//! computes its value and appends one instruction. A reverse sweep over the
//! instructions gives the derivative of one result by every variable:
//!
//! ```
//! use smoothmax::Tape;
//!
//! let tape = Tape::new();
//! let x = tape.vars(&[0.5, -1.0]);
//! let y = 2.0 * x[0].sin() + x[1].max(0.0);
//! let adjoints = y.backward();
//! assert_eq!(adjoints[x[0]], 2.0 * 0.5f64.cos());
//! assert_eq!(adjoints.wrt(&x).as_slice(), [2.0 * 0.5f64.cos(), 0.0]);
//! ```
//!
//! Write functions once, generic over [`Scalar`], and run them on `f64`, `f32`,
//! in forward mode ([`Dual`], [`Jet`]) or on a tape.
//!
//! # Where to find things
//!
//! | to | see |
//! |---|---|
//! | take a gradient, Jacobian, Hessian, product with one | [`diff`] |
//! | check a derivative against differences | [`check_gradient`] |
//! | smooth a maximum, a minimum, an absolute value | [`smooth_max`], [`smooth_min`], [`smooth_abs`] |
//! | another smoothing, its error bound, its properties | [`smooth`] |
//! | record once and replay at many points | [`Program`] |
//! | sweep one term over many data rows | [`Batch`] |
//! | write `max` and `min`, nested as you like, and smooth them afterwards | [`Program::smoothed`], `minimax::anneal` |
//! | add up programs and batches | [`Objective`] |
//! | make a block of operations one node of a tape | [`Tape::preaccumulate`] |
//! | know what it costs | [`measurements`] |
//! | see which derivatives are 0, and use it | [`Program::sparsity`], [`Program::hessian`] |
//! | a fast and accurate log-sum-exp of plain slices | [`kernel`] |
//! | minimise a maximum of functions | [`Minimax`] |
//! | find where a NaN or a kink came from | [`Tape::first_nonfinite`], [`Adjoints::kinks`] |
//! | add a function of your own | [`CustomNode`] |
//! | know the rule of every function | [`rules`] |
//!
//! To understand reverse mode, read the source in this order: this page,
//! [`rules`], [`tape`], [`diff`].
//!
//! # Conventions
//!
//! One convention everywhere, on slices, tapes and duals:
//!
//! - A tie in a maximum shares the derivative equally; `|x|` has slope 0 at 0,
//!   `max(x, 0)` slope 1/2. Such kinks are reported, not hidden.
//! - `log_sum_exp` of nothing is -inf; infinities give the limit of the
//!   gradient (`[0, .., 1, .., 0]`, ties shared), never NaN.
//! - NaN in, NaN out.
//! - No operation hides an overflow: where one makes an infinity of finite
//!   arguments, its slopes are not all 0, and the integer part of an infinity has
//!   slope NaN. Along a chain of operations the product of slopes can still
//!   underflow, as that of `x * 1e200 * 1e200 * 1e-200 * 1e-200` does.
//! - Conversely what does not influence the result has derivative 0, even where
//!   its own slope is infinite ([`rules::Number::chain`]).
//! - Programming errors (a bad sharpness, variables of two tapes) panic and
//!   name the argument; what depends on data is an [`Error`].

/// The README's snippets, run with the tests.
#[cfg(all(doctest, feature = "minimax"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod batch;
pub mod diff;
mod dual;
mod error;
mod functions;
mod jet;
pub mod kernel;
mod lanes;
#[cfg(feature = "minimax")]
pub mod minimax;
mod nary;
mod num;
mod objective;
mod print;
pub mod program;
pub mod rules;
mod scalar;
mod sharpness;
pub mod smooth;
pub mod tape;
#[cfg(any(doc, doctest))]
pub mod tutorial;

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/measurements.md")]
pub mod measurements {}

pub use batch::{Batch, Maximum, Rows, SmoothMaxPartial};
pub use diff::{check_gradient, gradient, hessian, hvp, jacobian, jvp, vjp};
pub use dual::Dual;
pub use error::Error;
pub use functions::{
    dot, dot_product, log_add_exp, log_sigmoid, log_softmax, log_sum_exp, mat_vec, max, min, sigmoid,
    smooth_abs, smooth_max, smooth_max_at, smooth_min, smooth_min_at, softmax, softplus, sum,
};
pub use jet::Jet;
#[cfg(feature = "minimax")]
pub use minimax::Minimax;
pub use nary::{CustomNode, SecondOrder, SliceNumber};
pub use objective::{Objective, ObjectiveWorkspace};
pub use program::{Program, SmoothedProgram, Workspace};
pub use rules::KinkKind;
pub use scalar::Scalar;
pub use tape::{Adjoints, Tape, Var};
