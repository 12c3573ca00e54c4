//! What both solvers share: the limits, the history, the observer and the convexity check.

use std::ops::ControlFlow;
use std::time::Instant;

use nalgebra::{DMatrix, DVector};

use super::options::{Options, State, Status};

/// A gap between objective and multipliers' mean of so many tolerances is convergence: the gap
/// bounds the decrease that is left, of which a model predicts the larger part.
pub(crate) const GAP: f64 = 100.0;

/// An observer: called once an iteration, may stop the solver.
pub(crate) type Observer<'o> = dyn Fn(&State) -> ControlFlow<()> + Send + Sync + 'o;

/// Where a solver ended.
pub(crate) struct Outcome {
    pub(crate) x: DVector<f64>,
    /// Of the stacked components.
    pub(crate) weights: Vec<f64>,
    /// Of the constraints.
    pub(crate) multipliers: DVector<f64>,
    pub(crate) status: Status,
}

/// Keeps the history and decides when to stop.
pub(crate) struct Monitor<'o> {
    pub(crate) options: &'o Options,
    observer: Option<&'o Observer<'o>>,
    /// A declared ball around the minimiser.
    ball: Option<(DVector<f64>, f64)>,
    started: Instant,
    pub(crate) history: Vec<State>,
    /// The size of the components at the start.
    size: f64,
    /// A component rose less than its tangent: the problem is not convex.
    pub(crate) contradicts_convexity: bool,
}

impl<'o> Monitor<'o> {
    pub(crate) fn new(
        options: &'o Options,
        observer: Option<&'o Observer<'o>>,
        ball: Option<(DVector<f64>, f64)>,
        start: &[f64],
    ) -> Self {
        let size = start.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let (started, history) = (Instant::now(), Vec::new());
        Monitor { options, observer, ball, started, history, size, contradicts_convexity: false }
    }

    /// The greatest distance of `x` from a point of the declared ball; zero without one.
    pub(crate) fn reach(&self, x: &DVector<f64>) -> f64 {
        self.ball.as_ref().map_or(0.0, |(centre, radius)| (x - centre).norm() + radius)
    }

    /// The smallest decrease that counts at objective value `f`.
    pub(crate) fn tolerance(&self, f: f64) -> f64 {
        self.options.tolerance * self.unit(f)
    }

    /// What accuracy at objective value `f` is relative to: `|f|`, but at least 1, or the size of
    /// the components at the start where that is less.
    pub(crate) fn unit(&self, f: f64) -> f64 {
        f.abs().max(if self.size > 0.0 { self.size.min(1.0) } else { 1.0 })
    }

    /// Records an iteration; `Some` is the reason to stop.
    pub(crate) fn record(&mut self, state: State) -> Option<Status> {
        let observed = self.observer.map_or(ControlFlow::Continue(()), |observe| observe(&state));
        let (value, iteration) = (state.value, state.iteration);
        self.history.push(state);
        if observed.is_break() {
            Some(Status::Stopped)
        } else if value < -self.options.unbounded {
            Some(Status::Unbounded)
        } else if iteration >= self.options.max_iterations {
            Some(if self.falls_without_end() { Status::Unbounded } else { Status::IterationLimit })
        } else if self.options.max_time.is_some_and(|limit| self.started.elapsed() >= limit) {
            Some(Status::TimeLimit)
        } else {
            None
        }
    }

    /// Whether the objective has fallen to ten powers of ten below what it started with, and as
    /// fast in the second half of many iterations as in the first: what converges slows down.
    fn falls_without_end(&self) -> bool {
        /// Fewer iterations show no pace.
        const MANY: usize = 50;
        let count = self.history.len();
        if count < MANY {
            return false;
        }
        let [first, middle, last] = [0, count / 2, count - 1].map(|i| self.history[i].value);
        first - last > 1e10 * self.size.max(1.0) && middle - last > 0.4 * (first - last)
    }

    /// Compares the components `there` at distance `step` with their tangents `here + rows step`.
    pub(crate) fn check_convexity(
        &mut self,
        here: &[f64],
        rows: &DMatrix<f64>,
        step: &DVector<f64>,
        there: &[f64],
    ) {
        for (i, (&here, &there)) in here.iter().zip(there).enumerate() {
            self.check_tangent(here, &rows.row(i).transpose(), step, there);
        }
    }

    /// Compares the value `there` at distance `step` with the tangent `here + gradient . step`.
    pub(crate) fn check_tangent(
        &mut self,
        here: f64,
        gradient: &DVector<f64>,
        step: &DVector<f64>,
        there: f64,
    ) {
        /// Far above the rounding of any component, far below a curvature that matters.
        const ROUNDING: f64 = 1e-10;
        let size = here.abs() + there.abs() + gradient.abs().dot(&step.abs());
        // Where terms cancel, rounding stays what it was at the start.
        let cancelled = 100.0 * f64::EPSILON * self.size;
        if there < here + gradient.dot(step) - ROUNDING * size - cancelled {
            self.contradicts_convexity = true;
        }
    }
}
