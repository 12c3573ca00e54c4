//! What both solvers share: the limits, the history, the observer and the convexity check.

use std::ops::ControlFlow;
use std::time::Instant;

use nalgebra::{DMatrix, DVector};

use super::options::{Options, State, Status};

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
    started: Instant,
    pub(crate) history: Vec<State>,
    /// A component rose less than its tangent: the problem is not convex.
    pub(crate) contradicts_convexity: bool,
}

impl<'o> Monitor<'o> {
    pub(crate) fn new(options: &'o Options, observer: Option<&'o Observer<'o>>) -> Self {
        Monitor { options, observer, started: Instant::now(), history: Vec::new(), contradicts_convexity: false }
    }

    /// The smallest decrease that counts at objective value `f`.
    pub(crate) fn tolerance(&self, f: f64) -> f64 {
        self.options.tolerance * f.abs().max(1.0)
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
            Some(Status::IterationLimit)
        } else if self.options.max_time.is_some_and(|limit| self.started.elapsed() >= limit) {
            Some(Status::TimeLimit)
        } else {
            None
        }
    }

    /// Compares `there[i]`, values at distance `step`, with the tangents `here[i] + row_i . step`.
    pub(crate) fn check_convexity(&mut self, here: &[f64], rows: &DMatrix<f64>, step: &DVector<f64>, there: &[f64]) {
        /// Far above the rounding of any component, far below a curvature that matters.
        const ROUNDING: f64 = 1e-10;
        for (i, (&f, &g)) in here.iter().zip(there).enumerate() {
            let (mut slope, mut size) = (0.0, f.abs() + g.abs());
            for (j, s) in step.iter().enumerate() {
                slope += rows[(i, j)] * s;
                size += (rows[(i, j)] * s).abs();
            }
            if g.is_finite() && g < f + slope - ROUNDING * size {
                self.contradicts_convexity = true;
            }
        }
    }
}
