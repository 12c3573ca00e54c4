//! Exponential multipliers: smoothing with learned priors, no Jacobian and no quadratic program.
//!
//! Each round minimises `sum_g (1/k) ln sum_i p_i exp(k F_i)` ([`super::round`]); its softmax
//! weights `w` are multipliers with `J'w = 0`, and become the next priors `p`. So the answer sharpens at
//! moderate `k`, where plain smoothing would need a `k` that ruins the conditioning. The gap
//! `f - w . F` stops the rounds.
//!
//! Tseng & Bertsekas, On the convergence of the exponential multiplier method for convex
//! programming, Math. Program. 60 (1993).

use nalgebra::DVector;

use super::monitor::{GAP, Monitor, Outcome};
use super::options::{State, Status};
use super::problem::{Problem, Swept};
use super::round::{mean, minimise};
use crate::Error;

/// Priors never fall below `exp(-60)`, so that a component can come back.
const LOWEST_PRIOR: f64 = -60.0;
/// The largest sharpness, times the spread of the components at the start.
const SHARPEST: f64 = 1e9;
/// Rounds that fail to improve the gap before giving up.
const PATIENCE: usize = 8;

/// Minimises from `x`, whose components are finite; their gradients must be too.
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
    if !gradient.iter().all(|g| g.is_finite()) {
        return Err(problem.infinite_gradient(&x)?);
    }
    // The spread of the components, now and within the first step.
    let (spread, change) = (groups.spread(&values), gradient.norm() * length);
    let mut k = if spread.max(change) > 0.0 { 10.0 / spread.max(change) } else { 1.0 };
    let unit = if spread > 0.0 { spread } else { change };
    let mut steepest = gradient.norm();
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
        let iteration = monitor.history.len();
        let Some(point) = minimise(problem, monitor, k, &log_priors, &x, length, &mut steepest)? else {
            if iteration == 1 {
                return Err(problem.infinite_gradient(&x)?);
            }
            reason = Some(Status::Stalled);
            break;
        };
        let f = groups.value(&point.values);
        let gap = f - mean(&point.weights, &point.values);
        let step = (&point.x - &x).norm();
        if f <= best.0 {
            best = (f, point.x.clone());
            weights.copy_from_slice(&point.weights);
        }
        let limit = monitor.record(State { iteration, value: f, predicted: gap, step, parameter: k });
        patience = if gap < 0.5 * least_gap { PATIENCE } else { patience - 1 };
        least_gap = least_gap.min(gap);
        let minimised = point.gradient.norm_squared() <= 1e-6 * monitor.unit(f);
        reason = match limit {
            Some(Status::Unbounded) => limit,
            _ if minimised && gap <= GAP * monitor.tolerance(f) => Some(Status::Converged),
            _ => limit.or((patience == 0).then_some(Status::Stalled)),
        };
        update_priors(problem, &mut log_priors, &point.values, k);
        if gap > 0.25 * old_gap || iteration <= 2 {
            k *= match k * unit {
                ..1e3 => 10.0,
                ..SHARPEST => 3.0,
                _ => 1.0,
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
