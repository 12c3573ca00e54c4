//! Exponential multipliers: smoothing with learned priors, no Jacobian and no quadratic program.
//!
//! Each round minimises `sum_g (1/k) ln sum_i p_i exp(k F_i)` by L-BFGS; its softmax weights `w`
//! are multipliers with `J'w = 0`, and become the next priors `p`. So the answer sharpens at
//! moderate `k`, where plain smoothing would need a `k` that ruins the conditioning. The gap
//! `f - w . F` stops the rounds.
//!
//! Tseng & Bertsekas, On the convergence of the exponential multiplier method for convex
//! programming, Math. Program. 60 (1993).

use std::cell::RefCell;

use argmin::core::{CostFunction, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::DVector;

use super::monitor::{Monitor, Outcome};
use super::options::{State, Status};
use super::problem::{Problem, Swept};
use super::smoothed::Point;
use crate::Error;

/// Priors never fall below `exp(-60)`, so that a component can come back.
const LOWEST_PRIOR: f64 = -60.0;
/// The largest sharpness, and the pairs and iterations of the inner L-BFGS.
const SHARPEST: f64 = 1e6;
const PAIRS: usize = 30;
const INNER_ITERATIONS: u64 = 300;
/// Rounds that fail to improve the gap before giving up.
const PATIENCE: usize = 8;

/// The smooth objective of one round, as argmin sees it.
struct Round<'s, 'p, 'o> {
    problem: &'s Problem<'p>,
    monitor: RefCell<&'s mut Monitor<'o>>,
    k: f64,
    log_priors: &'s [f64],
    /// argmin sees `x / unit`, chosen so that the first step, minus the gradient, has a sane length.
    unit: f64,
    last: RefCell<Option<Point>>,
    best: RefCell<Option<Point>>,
    /// An error of the oracle, kept here because argmin would wrap it.
    error: RefCell<Option<Error>>,
}

impl Round<'_, '_, '_> {
    /// Evaluates once for cost and gradient; `None` after an error of the oracle.
    fn evaluate(&self, x: &[f64]) -> Option<Point> {
        let x = DVector::from_column_slice(x) * self.unit;
        if let Some(last) = self.last.borrow().as_ref().filter(|last| last.x == x) {
            return Some(last.clone());
        }
        match Point::new(self.problem, self.k, self.log_priors, x) {
            Ok(point) => {
                self.keep(&point);
                Some(point)
            }
            Err(error) => {
                *self.error.borrow_mut() = Some(error);
                None
            }
        }
    }

    /// Compares with the last point for convexity, and remembers the best.
    fn keep(&self, point: &Point) {
        if !point.is_finite() {
            return;
        }
        if let Some(last) = self.last.borrow().as_ref() {
            let mut monitor = self.monitor.borrow_mut();
            let step = &point.x - &last.x;
            monitor.check_tangent(
                mean(&last.weights, &last.values),
                &last.gradient,
                &step,
                mean(&last.weights, &point.values),
            );
            monitor.check_tangent(
                mean(&point.weights, &point.values),
                &point.gradient,
                &-step,
                mean(&point.weights, &last.values),
            );
        }
        let mut best = self.best.borrow_mut();
        if best.as_ref().is_none_or(|best| point.smooth < best.smooth) {
            *best = Some(point.clone());
        }
        *self.last.borrow_mut() = Some(point.clone());
    }
}

fn mean(weights: &[f64], values: &[f64]) -> f64 {
    weights.iter().zip(values).filter(|(w, _)| **w != 0.0).map(|(w, v)| w * v).sum()
}

impl CostFunction for &Round<'_, '_, '_> {
    type Param = Vec<f64>;
    type Output = f64;

    /// A huge value where a component is not finite makes the line search back off.
    fn cost(&self, x: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        let point = self.evaluate(x).ok_or_else(|| argmin::core::Error::msg("the oracle failed"))?;
        if point.smooth < -self.monitor.borrow().options.unbounded {
            return Err(argmin::core::Error::msg("unbounded below"));
        }
        Ok(if point.smooth.is_finite() { point.smooth } else { 1e300 })
    }
}

impl Gradient for &Round<'_, '_, '_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, argmin::core::Error> {
        let point = self.evaluate(x).ok_or_else(|| argmin::core::Error::msg("the oracle failed"))?;
        Ok(point.gradient.iter().map(|g| if g.is_finite() { g * self.unit } else { 0.0 }).collect())
    }
}

/// Minimises from `x`, whose components are finite.
pub(crate) fn solve(
    problem: &Problem<'_>,
    monitor: &mut Monitor<'_>,
    mut x: DVector<f64>,
    first_weights: Option<Vec<f64>>,
) -> Result<Outcome, Error> {
    let groups = &problem.groups;
    let mut length = 0.1 * x.norm().max(1.0);
    let Swept { values, mut weights, gradient } =
        problem.sweep(&x, &mut |values| groups.smooth(values, 0.0).1)?;
    // The spread of the components, now and within the first step.
    let mut k = 10.0 / groups.spread(&values).max(gradient.norm() * length).max(1e-8);
    let mut log_priors = vec![0.0; values.len()];
    if let Some(first) = first_weights {
        log_priors = first.iter().map(|w| w.ln().max(LOWEST_PRIOR)).collect();
        weights = first;
    }
    let mut best = (groups.value(&values), x.clone());
    let (mut old_gap, mut least_gap, mut patience) = (f64::INFINITY, f64::INFINITY, PATIENCE);
    let mut reason = monitor.record(State {
        iteration: 0,
        value: best.0,
        predicted: f64::INFINITY,
        step: 0.0,
        parameter: k,
    });
    while reason.is_none() {
        let point = minimise(problem, monitor, k, &log_priors, &x, length)?;
        let f = groups.value(&point.values);
        let gap = f - mean(&point.weights, &point.values);
        let step = (&point.x - &x).norm();
        if f <= best.0 {
            best = (f, point.x.clone());
            weights.copy_from_slice(&point.weights);
        }
        let iteration = monitor.history.len();
        let limit = monitor.record(State { iteration, value: f, predicted: gap, step, parameter: k });
        patience = if gap < 0.5 * least_gap { PATIENCE } else { patience - 1 };
        least_gap = least_gap.min(gap);
        let minimised = point.gradient.norm_squared() <= 1e-6 * f.abs().max(1.0);
        reason = match limit {
            Some(Status::Unbounded) => limit,
            _ if minimised && gap <= 100.0 * monitor.tolerance(f) => Some(Status::Converged),
            _ => limit.or((patience == 0).then_some(Status::Stalled)),
        };
        update_priors(problem, &mut log_priors, &point.values, k);
        if gap > 0.25 * old_gap || iteration <= 2 {
            k *= if k < 1e3 {
                10.0
            } else if k < SHARPEST {
                3.0
            } else {
                1.0
            };
        }
        old_gap = gap;
        x = point.x;
        length = step.max(1e-8 * x.norm().max(1.0));
    }
    let status = reason.expect("the loop ends with a reason");
    Ok(Outcome { x: best.1, weights, multipliers: DVector::zeros(0), status })
}

/// `ln p += k (F - max F)`, shifted to a largest prior of one in each group.
fn update_priors(problem: &Problem<'_>, log_priors: &mut [f64], values: &[f64], k: f64) {
    let maxima = problem.groups.maxima(values);
    for (i, p) in log_priors.iter_mut().enumerate() {
        *p = (*p + k * (values[i] - maxima[problem.groups.of(i)])).max(LOWEST_PRIOR);
    }
    let largest = problem.groups.maxima(log_priors);
    for (i, p) in log_priors.iter_mut().enumerate() {
        *p -= largest[problem.groups.of(i)];
    }
}

/// The minimiser of one round's smooth objective, by argmin's L-BFGS.
fn minimise(
    problem: &Problem<'_>,
    monitor: &mut Monitor<'_>,
    k: f64,
    log_priors: &[f64],
    x: &DVector<f64>,
    length: f64,
) -> Result<Point, Error> {
    let mut round = Round {
        problem,
        monitor: RefCell::new(monitor),
        k,
        log_priors,
        unit: 1.0,
        last: RefCell::new(None),
        best: RefCell::new(None),
        error: RefCell::new(None),
    };
    let Some(start) = round.evaluate(x.as_slice()) else {
        return Err(round.error.take().expect("an evaluation fails with an error"));
    };
    round.unit = (length / start.gradient.norm().max(f64::MIN_POSITIVE)).sqrt();
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), PAIRS)
        .with_tolerance_grad(1e-11 * round.unit)
        .and_then(|s| s.with_tolerance_cost(0.5 * f64::EPSILON * start.smooth.abs().max(1.0)))
        .expect("the tolerances are not negative");
    // argmin reports a failed line search as an error; the best point so far is what counts.
    let _ = Executor::new(&round, solver)
        .configure(|state| state.param((x / round.unit).as_slice().to_vec()).max_iters(INNER_ITERATIONS))
        .ctrlc(false)
        .run();
    if let Some(error) = round.error.take() {
        return Err(error);
    }
    Ok(round.best.take().expect("the start of a round has finite components"))
}
