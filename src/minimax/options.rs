//! What a user may set, and what an observer sees.

use std::time::Duration;

/// Which algorithm solves the problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// [`Method::ProxSqp`] up to 200 variables or with constraints, else
    /// [`Method::ExponentialMultipliers`].
    #[default]
    Auto,
    /// Sequential quadratic programming with a proximal term and damped BFGS.
    ProxSqp,
    /// The same with the exact Hessian of the Lagrangian: `n` Hessian-vector products an iteration.
    ProxNewton,
    /// Smoothing with learned prior weights; one reverse sweep an evaluation, no Jacobian.
    ExponentialMultipliers,
}

/// Tolerances and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Stop when the decrease still predicted falls to `tolerance * max(u, |f|)`, where `u` is 1, or
    /// the largest component at the start where that is less. The exponential multipliers stop when
    /// the gap, a bound on the decrease, falls to a hundred times this. Prox-SQP does not ask for
    /// what the rounding of the components and of `x` hides. Default 1e-13.
    pub tolerance: f64,
    /// The limit on (outer) iterations. Default 1000.
    pub max_iterations: usize,
    /// The limit on wall-clock time, checked once an iteration. Default none.
    pub max_time: Option<Duration>,
    /// Values below `-unbounded` are taken for an unbounded problem. Default 1e20.
    pub unbounded: f64,
    /// How many components get Jacobian rows in an SQP iteration: the largest ones and those with
    /// a multiplier. Default `max(3 n, 30)`.
    pub working_set: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Options { tolerance: 1e-13, max_iterations: 1000, max_time: None, unbounded: 1e20, working_set: None }
    }
}

/// Why a solver stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The predicted decrease (or the duality gap) fell below the tolerance, at a point that the
    /// multipliers show to be stationary (to 1e-6). A bracket, if there is one, is
    /// that narrow, or as narrow as rounding permits.
    Converged,
    /// No step improved the objective although neither predicted decrease nor gap met the tolerance:
    /// the limit of floating point, or a kink inside a component.
    Stalled,
    /// [`Options::max_iterations`] was reached.
    IterationLimit,
    /// [`Options::max_time`] was reached.
    TimeLimit,
    /// The observer asked to stop.
    Stopped,
    /// The objective fell below `-`[`Options::unbounded`].
    Unbounded,
}

/// One iteration, as the observer and the history see it.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Iterations done, from 0.
    pub iteration: usize,
    /// The objective at the current point.
    pub value: f64,
    /// What is still to be gained: the decrease predicted by the model (prox-SQP) or the gap
    /// between the objective and the multipliers' mean (exponential multipliers).
    pub predicted: f64,
    /// The length of the step that led here.
    pub step: f64,
    /// The weight of the proximal term (prox-SQP) or the sharpness `k` (exponential multipliers).
    pub parameter: f64,
}
