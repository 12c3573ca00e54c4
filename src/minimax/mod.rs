//! Minimax problems: `min_x f(x)`, `f(x) = sum_g max_{i in g} F_i(x)`, with a certificate.
//!
//! [`Minimax`] states the problem (components, groups, bounds, what is known about it), `solve`
//! returns a [`Solution`]: point, multipliers and, when convexity is declared, a bracket around
//! the optimal value; never a bracket otherwise.
//!
//! | Method | For | One iteration costs |
//! |---|---|---|
//! | [`Method::ProxSqp`] | up to a few hundred variables, any constraints | rows of the working set, a quadratic program |
//! | [`Method::ProxNewton`] | the same where Hessian-vector products are cheap | also `n` of them |
//! | [`Method::ExponentialMultipliers`] | many variables, no constraints | L-BFGS on a smooth function, one reverse sweep an evaluation |
//!
//! Of the 38 classical problems of the tests, prox-SQP solves 37 to 1e-8 (`cargo run --release
//! --example minimax_table`) and the exponential multipliers 35, each from the given start. The
//! one that prox-SQP misses, Watson, it leaves at 2e-8 above an optimum of 1e-9.
//!
//! A scalar objective with `max`, `min` and `|x|` nested in any way is for [`anneal`], the
//! continuation in the sharpness (`anneal`, on `descent`).
//!
//! In the order of reading:
//!
//! - the statement: `options`, `builder`, `oracle` (the components) and `recorded` (from recordings);
//! - the solvers' view: `groups`, `problem`, `monitor` (limits and history);
//! - the answer: `certificate` (what may be claimed), `solution`, `solve` (from one to the other),
//!   `multistart`;
//! - prox-SQP: `qp`, `working_set`, `curvature`, `prox_sqp`;
//! - smoothing: `smoothed`, `descent` (L-BFGS), `round` and `exponential_multipliers`, `anneal`;
//! - for argmin's own solvers: `adapter`.

mod adapter;
mod anneal;
mod builder;
mod certificate;
mod curvature;
mod descent;
mod exponential_multipliers;
mod groups;
mod monitor;
mod multistart;
mod options;
mod oracle;
mod problem;
mod prox_sqp;
mod qp;
mod recorded;
mod round;
mod smoothed;
mod solution;
mod solve;
mod working_set;

pub use adapter::HessianOperator;
pub use anneal::{Anneal, Annealed, Extrapolation, Stage, anneal};
pub use builder::Minimax;
pub use multistart::Starts;
pub use options::{Method, Options, State, Status};
pub use oracle::Oracle;
pub use smoothed::Smoothed;
pub use solution::{ConstraintMultipliers, Counts, Solution, Verification};
