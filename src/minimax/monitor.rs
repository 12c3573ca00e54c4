//! What both solvers share: the limits, the history, the observer, and what is declared.
//!
//! Declared convexity is watched: a component below its tangent, by more than rounding, refutes it.

use std::ops::ControlFlow;
use std::time::Instant;

use nalgebra::{DMatrix, DVector};

use super::certificate::Declarations;
use super::options::{Options, State, Status};

/// A gap between objective and multipliers' mean of so many tolerances is convergence: the gap
/// bounds the decrease that is left, of which a model predicts the larger part.
pub(crate) const GAP: f64 = 100.0;

/// A bracket of at most this width, relative to the objective's unit, agrees with convergence.
pub(crate) const NARROW: f64 = 1e-6;

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
    declared: &'o Declarations,
    /// The start, which a declared radius refers to.
    start: DVector<f64>,
    started: Instant,
    pub(crate) history: Vec<State>,
    /// The size of the components at the start.
    size: f64,
    /// Convexity is declared, and no component was below its tangent.
    pub(crate) is_convex: bool,
}

impl<'o> Monitor<'o> {
    pub(crate) fn new(
        options: &'o Options,
        observer: Option<&'o Observer<'o>>,
        declared: &'o Declarations,
        start: DVector<f64>,
        values: &[f64],
    ) -> Self {
        let size = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let (started, history, is_convex) = (Instant::now(), Vec::new(), declared.convex);
        Monitor { options, observer, declared, start, started, history, size, is_convex }
    }

    /// How far below the multipliers' mean at `x`, which has a slope of this norm there, the
    /// declarations let the optimum lie; zero where they do not say.
    pub(crate) fn leeway(&self, x: &DVector<f64>, slope: f64) -> f64 {
        let Declarations { radius, strong, .. } = *self.declared;
        let ball = radius.map(|r| ((x - &self.start).norm() + r) * slope);
        let bowl = (strong > 0.0).then(|| slope * slope / (2.0 * strong));
        let known = ball.into_iter().chain(bowl).filter(|_| self.is_convex);
        known.reduce(f64::min).unwrap_or(0.0)
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
            Some(Status::IterationLimit)
        } else if self.options.max_time.is_some_and(|limit| self.started.elapsed() >= limit) {
            Some(Status::TimeLimit)
        } else {
            None
        }
    }

    /// Compares the components `there` at distance `step` from `x` with their tangents
    /// `here + rows step`.
    pub(crate) fn check_convexity(
        &mut self,
        x: &DVector<f64>,
        here: &[f64],
        rows: &DMatrix<f64>,
        step: &DVector<f64>,
        there: &[f64],
    ) {
        for (i, (&here, &there)) in here.iter().zip(there).enumerate() {
            let row = rows.row(i).transpose();
            let below = here + row.dot(step) - there;
            if self.is_convex && below > 0.0 {
                let (size, row) = (here.abs() + there.abs(), row.abs());
                self.is_convex = below <= self.rounding(size, &row, x, step);
            }
        }
    }

    /// The rounding to allow for between a value and a tangent: `size` is that of both values,
    /// `steepness` the slope's, entry by entry, before anything cancels.
    pub(crate) fn rounding(
        &self,
        size: f64,
        steepness: &DVector<f64>,
        x: &DVector<f64>,
        step: &DVector<f64>,
    ) -> f64 {
        /// Far above the rounding of any component, far below a curvature that matters.
        const VISIBLE: f64 = 1e-10;
        // Where terms cancel inside a component, rounding stays what it was at the start, and is
        // that of numbers which change with `x` as the component does.
        let cancelled = 100.0 * f64::EPSILON * (self.size + steepness.dot(&x.abs()));
        VISIBLE * (size + steepness.dot(&step.abs())) + cancelled
    }
}
