//! Sequential quadratic programming with a proximal term.
//!
//! At `x` with multipliers `w`, minimise the model `sum_g max (F_i + J_i d) + d'(B + nu D^2)d/2`
//! over `d` ([`super::qp`]); `B` is a damped BFGS (or exact) Hessian of `w . F`, `D` the scale of
//! the gradients. Where the objective disappoints the model, a second-order correction (the same
//! rows, values shifted to those at `x + d`: Fletcher 1982) is tried, then `nu` grows. Only the
//! rows of a working set are ever computed.
//!
//! Fletcher, A model algorithm for composite nondifferentiable optimization problems,
//! Math. Program. Study 17 (1982); Powell, A fast algorithm for nonlinearly constrained
//! optimization calculations (1978), for the damping.

use nalgebra::{DMatrix, DVector};

use super::curvature::Curvature;
use super::monitor::{Monitor, NARROW, Outcome};
use super::options::{State, Status};
use super::problem::Problem;
use super::qp::{QpStep, Subproblem};
use super::working_set::{WorkingSet, smallest};
use crate::Error;

/// Multipliers below this leave the working set.
const NEGLIGIBLE: f64 = 1e-9;
/// Proximal trials at one point before giving up.
const TRIALS: usize = 30;
/// The first so many trials may add components to the working set, a sixth of its size each.
const EXTENSIONS: usize = 4;
/// Steps beyond convergence that may tighten a bracket.
const POLISHING: usize = 20;
/// So many steps in a row without a sign of curvature, and a far point shows whether the objective
/// falls for ever.
const STRAIGHT: usize = 3;

struct ProxSqp<'s, 'p, 'o> {
    problem: &'s Problem<'p>,
    monitor: &'s mut Monitor<'o>,
    x: DVector<f64>,
    values: Vec<f64>,
    f: f64,
    weights: Vec<f64>,
    multipliers: DVector<f64>,
    curvature: Curvature,
    /// The weight of the proximal term.
    nu: f64,
    /// The largest root mean square gradient entry of each variable so far: the diagonal of `D`.
    scale: DVector<f64>,
}

/// A point that decreased the objective enough.
struct Accepted {
    step: DVector<f64>,
    values: Vec<f64>,
    f: f64,
    /// Actual over predicted decrease.
    ratio: f64,
    /// Taken for the sake of the multipliers, the objective being converged.
    polish: bool,
}

enum Trial {
    Accepted(Accepted),
    Stop(Status),
}

/// Minimises from the feasible start `x`, whose components are finite.
pub(crate) fn solve(
    problem: &Problem<'_>,
    monitor: &mut Monitor<'_>,
    x: DVector<f64>,
    first_weights: Option<Vec<f64>>,
    exact: bool,
) -> Result<Outcome, Error> {
    let values = problem.values(&x)?;
    let f = problem.groups.value(&values);
    let weights = first_weights.unwrap_or_else(|| {
        let spread = problem.groups.spread(&values).max(1e-8);
        problem.groups.smooth(&values, 10.0 / spread).1
    });
    let multipliers = DVector::zeros(problem.constraints.rhs.len());
    let scale = DVector::zeros(x.len());
    let curvature = Curvature::new(exact);
    ProxSqp { problem, monitor, x, values, f, weights, multipliers, curvature, nu: 0.0, scale }.run()
}

impl ProxSqp<'_, '_, '_> {
    fn run(mut self) -> Result<Outcome, Error> {
        let mut set = self.working_set()?;
        self.problem.require_finite(&set.index, &set.rows)?;
        let (mut stalls, mut polished, mut straight) = (0, 0, 0);
        let mut reason = self.monitor.record(self.state(0, f64::INFINITY, 0.0));
        while reason.is_none() {
            self.curvature.update(self.problem, &self.x, &set, &self.weights)?;
            self.update_scale(&set);
            let tolerance = self.monitor.tolerance(self.f).max(self.rounding(&set));
            let (predicted, trial) = self.trial(&mut set, tolerance)?;
            reason = match trial {
                Trial::Stop(status) => Some(status),
                Trial::Accepted(accepted) if accepted.polish && polished == POLISHING => {
                    Some(Status::Converged)
                }
                Trial::Accepted(mut accepted) => {
                    let gained = self.f - accepted.f;
                    stalls = if gained <= 0.1 * tolerance { stalls + 1 } else { 0 };
                    straight = if gained >= (1.0 - 1e-9) * predicted { straight + 1 } else { 0 };
                    if accepted.polish {
                        (stalls, straight, polished) = (0, 0, polished + 1);
                    }
                    if straight == STRAIGHT {
                        straight = 0;
                        accepted = self.far_along(&accepted.step, gained).unwrap_or(accepted);
                    }
                    let length = accepted.step.norm();
                    set = self.accept(accepted)?;
                    let iteration = self.monitor.history.len();
                    let limit = self.monitor.record(self.state(iteration, predicted, length));
                    limit.or((stalls >= 3).then_some(Status::Stalled))
                }
            };
        }
        let status = reason.expect("the loop ends with a reason");
        Ok(Outcome { x: self.x, weights: self.weights, multipliers: self.multipliers, status })
    }

    fn state(&self, iteration: usize, predicted: f64, step: f64) -> State {
        State { iteration, value: self.f, predicted, step, parameter: self.nu }
    }

    /// All components when they are few; else the largest ones and those with a multiplier.
    fn working_set(&self) -> Result<WorkingSet, Error> {
        let (problem, m) = (self.problem, self.problem.components());
        let size = self.monitor.options.working_set.unwrap_or((3 * self.x.len()).max(30));
        let mut index: Vec<usize> = (0..m).collect();
        if m > 4 * size {
            let maxima = problem.groups.maxima(&self.values);
            let below = |i: &usize| maxima[problem.groups.of(*i)] - self.values[*i];
            smallest(&mut index, size, below);
            let mut heavy: Vec<usize> = (0..m).filter(|&i| self.weights[i] > NEGLIGIBLE).collect();
            smallest(&mut heavy, size, |i| -self.weights[*i]);
            index.extend(heavy);
            index.extend((0..m).filter(|i| below(i) == 0.0));
            index.sort_unstable();
            index.dedup();
        }
        let rows = problem.rows(&self.x, &index)?;
        let groups = problem.groups.restrict(&index);
        Ok(WorkingSet { index, rows, groups })
    }

    /// `D_j = max(D_j, sqrt(sum_i w_i J_ij^2))`.
    fn update_scale(&mut self, set: &WorkingSet) {
        for (j, d) in self.scale.iter_mut().enumerate() {
            let square: f64 =
                set.index.iter().zip(set.rows.column(j).iter()).map(|(&i, r)| self.weights[i] * r * r).sum();
            *d = d.max(square.sqrt());
        }
    }

    /// `D^2`, entries at least a millionth of the largest.
    fn proximal(&self) -> DVector<f64> {
        let largest = self.scale.amax();
        self.scale.map(|d| d.max(1e-3 * largest + 1e-150).powi(2))
    }

    /// The decrease that rounding can make up: that of the active components and of `x`, which no
    /// component resolves better than its slopes times the rounding of `x`.
    fn rounding(&self, set: &WorkingSet) -> f64 {
        4.0 * f64::EPSILON * set.size(&self.values, &self.weights, &self.x)
    }

    /// A point so far along a step without curvature that the objective is below the limit there, if
    /// it falls on as it fell along the step and the constraints allow it.
    fn far_along(&self, step: &DVector<f64>, gained: f64) -> Option<Accepted> {
        let fall = 2.0 * (self.monitor.options.unbounded + self.f);
        let multiple = Some(fall / gained).filter(|multiple| multiple.is_finite())?;
        let far = self.point(&(step * multiple), fall).ok()?;
        let falls_on = (0.9..1.1).contains(&far.ratio);
        (falls_on && self.problem.constraints.hold(&(&self.x + &far.step))).then_some(far)
    }

    /// Solves subproblems of growing `nu` until one gives a good step or a reason to stop; the
    /// decrease predicted by the last of them comes along. With a step the multipliers are those
    /// that led to it; at a stop, of all found here, those that leave least open.
    fn trial(&mut self, set: &mut WorkingSet, tolerance: f64) -> Result<(f64, Trial), Error> {
        let slack = self.problem.constraints.slack(&self.x);
        let proximal = self.proximal();
        let b = self.curvature.hessian().clone();
        let stiffness = self.curvature.stiffness();
        let nu_least = 1e-3 * stiffness / proximal.max();
        let (mut predicted, mut stop) = (f64::INFINITY, Status::Stalled);
        let mut best: Option<(f64, QpStep)> = None;
        for trial in 0..TRIALS {
            let values = set.select(&self.values);
            let regular = &b + DMatrix::from_diagonal(&proximal.map(|p| self.nu * p + 1e-10 * stiffness));
            self.problem.count_subproblem();
            let qp = set
                .subproblem(&values, self.problem, &slack)
                .solve(&regular)
                .filter(|qp| qp.residual <= 1e-7 || trial >= 8);
            let Some(qp) = qp else {
                self.nu = (10.0 * self.nu).max(1e-6 * nu_least);
                continue;
            };
            predicted = self.f - qp.model;
            let decrease = predicted - 0.5 * qp.step.dot(&(&regular * &qp.step));
            self.remember(&qp, set);
            let open = self.left_open(&qp, set, &values, &slack);
            if best.as_ref().is_none_or(|(least, _)| open < *least) {
                best = Some((open, qp.clone()));
            }
            if predicted <= tolerance {
                if let Some(next) = self.polish(&qp.step, &regular, set)? {
                    return Ok((predicted, Trial::Accepted(next)));
                }
                stop = Status::Converged;
                break;
            }
            let tried = self.point(&qp.step, decrease)?;
            let there = set.select(&tried.values);
            self.monitor.check_convexity(&self.x, &values, &set.rows, &tried.step, &there);
            if trial < EXTENSIONS && tried.ratio < 1e-3 && self.extend(set, &qp, &tried)? {
                continue;
            }
            let subproblem = set.subproblem(&values, self.problem, &slack);
            let accepted = self.correct(tried, decrease, set, &subproblem, &regular)?;
            if accepted.ratio >= 1e-3 {
                return Ok((predicted, Trial::Accepted(accepted)));
            }
            if decrease <= tolerance {
                break;
            }
            let grow = if accepted.ratio > -10.0 { 4.0 } else { 16.0 };
            let curvature = proximal.dot(&qp.step.component_mul(&qp.step)).max(f64::MIN_POSITIVE);
            self.nu = (grow * self.nu).max(nu_least).max(1e-3 * predicted / curvature);
        }
        if let Some((_, qp)) = best {
            self.remember(&qp, set);
        }
        Ok((predicted, Trial::Stop(stop)))
    }

    /// By how much the multipliers of a subproblem let the optimum lie below this point's value: to
    /// Polak's measure, or as the declarations have it.
    fn left_open(&self, qp: &QpStep, set: &WorkingSet, values: &[f64], slack: &DVector<f64>) -> f64 {
        let weights = DVector::from_column_slice(&qp.weights);
        let constraints = &self.problem.constraints.matrix;
        let slope = (set.rows.tr_mul(&weights) + constraints.tr_mul(&qp.multipliers)).norm();
        let mean: f64 = qp.weights.iter().zip(values).map(|(w, f)| w * f).sum();
        let gap = self.f - (mean - qp.multipliers.dot(slack));
        gap + (0.5 * slope * slope).max(self.monitor.leeway(&self.x, slope))
    }

    /// Keeps the multipliers of a subproblem.
    fn remember(&mut self, qp: &QpStep, set: &WorkingSet) {
        self.weights.fill(0.0);
        for (&i, &w) in set.index.iter().zip(&qp.weights) {
            self.weights[i] = w;
        }
        self.multipliers.copy_from(&qp.multipliers);
    }

    /// At convergence: another step if it costs no more than rounding and the bracket is still wide.
    fn polish(
        &self,
        step: &DVector<f64>,
        regular: &DMatrix<f64>,
        set: &WorkingSet,
    ) -> Result<Option<Accepted>, Error> {
        let width = self.monitor.leeway(&self.x, (regular * step).norm());
        if width <= 0.01 * NARROW * self.monitor.unit(self.f) {
            return Ok(None);
        }
        let next = self.point(step, f64::INFINITY)?;
        Ok((next.f <= self.f + self.rounding(set)).then_some(Accepted { ratio: 1.0, polish: true, ..next }))
    }

    /// Up to three second-order corrections of a step that disappoints.
    fn correct(
        &self,
        tried: Accepted,
        decrease: f64,
        set: &WorkingSet,
        subproblem: &Subproblem<'_>,
        regular: &DMatrix<f64>,
    ) -> Result<Accepted, Error> {
        let uncorrected = tried.step.clone();
        let mut best = tried;
        for _ in 0..3 {
            if best.ratio >= 0.1 || best.ratio == f64::NEG_INFINITY {
                break;
            }
            let change = &set.rows * &best.step;
            let shifted: Vec<f64> =
                set.select(&best.values).iter().zip(change.iter()).map(|(f, c)| f - c).collect();
            self.problem.count_subproblem();
            let Some(corrected) = Subproblem { values: &shifted, ..*subproblem }.solve(regular) else {
                break;
            };
            if (&corrected.step - &uncorrected).norm() > 2.0 * uncorrected.norm() {
                break;
            }
            let next = self.point(&corrected.step, decrease)?;
            if next.f >= best.f || next.ratio == f64::NEG_INFINITY {
                break;
            }
            best = next;
        }
        Ok(best)
    }

    /// The objective at `x + step`; a ratio of minus infinity where a component is not finite.
    fn point(&self, step: &DVector<f64>, decrease: f64) -> Result<Accepted, Error> {
        let mut x = &self.x + step;
        self.problem.constraints.clamp(&mut x);
        let values = self.problem.values(&x)?;
        let f = self.problem.groups.value(&values);
        let finite = values.iter().all(|v| v.is_finite());
        let ratio = if finite { (self.f - f) / decrease } else { f64::NEG_INFINITY };
        Ok(Accepted { step: x - &self.x, values, f, ratio, polish: false })
    }

    /// Adds the components outside the working set that spoilt the step; true if there are any.
    fn extend(&self, set: &mut WorkingSet, qp: &QpStep, tried: &Accepted) -> Result<bool, Error> {
        if set.index.len() == self.problem.components() || tried.ratio == f64::NEG_INFINITY {
            return Ok(false);
        }
        let groups = &self.problem.groups;
        let maxima = groups.maxima(&tried.values);
        let below = |i: &usize| maxima[groups.of(*i)] - tried.values[*i];
        let near = 0.5 * (tried.f - qp.model).max(0.0);
        let mut new: Vec<usize> = (0..tried.values.len()).filter(|i| below(i) <= near).collect();
        new.retain(|i| !set.index.contains(i));
        smallest(&mut new, set.index.len() / 6 + 1, below);
        let added = !new.is_empty();
        if added {
            set.add(self.problem, &self.x, &new)?;
        }
        Ok(added)
    }

    /// Moves to the accepted point and returns its working set.
    fn accept(&mut self, accepted: Accepted) -> Result<WorkingSet, Error> {
        self.x += &accepted.step;
        let before = std::mem::replace(&mut self.values, accepted.values);
        self.f = accepted.f;
        self.nu *= match accepted.ratio {
            r if r > 0.7 => 0.1,
            r if r > 0.25 => 0.5,
            _ => 2.0,
        };
        if self.nu * self.proximal().max() < 1e-7 * self.curvature.stiffness() {
            self.nu = 0.0;
        }
        let set = self.working_set()?;
        self.monitor.check_convexity(
            &self.x,
            &set.select(&self.values),
            &set.rows,
            &-accepted.step,
            &set.select(&before),
        );
        Ok(set)
    }
}
