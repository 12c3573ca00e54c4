//! From a stated problem to a solution: checks, constraints, the choice of method, the certificate.

use nalgebra::{DMatrix, DVector};

use super::certificate::{Certificate, Declarations, Evaluated};
use super::monitor::{GAP, Monitor, NARROW, Outcome};
use super::problem::{Constraints, Problem, Swept};
use super::{
    ConstraintMultipliers, Method, Minimax, Smoothed, Solution, State, Status, Verification,
    exponential_multipliers, prox_sqp, qp,
};
use crate::Error;
use crate::program::require_length;

impl Minimax<'_> {
    /// Solves from the start `x0`, which is first moved to the nearest point that satisfies the
    /// constraints.
    ///
    /// Reaching a limit is no error: the best point comes back with its [`Status`].
    ///
    /// # Errors
    ///
    /// Lengths that do not fit, no components, a component that is not finite at the start, or one
    /// that the method looks at whose gradient is not, constraints that cannot be satisfied, a
    /// method that cannot handle the problem, and what the oracle returns.
    pub fn solve(&self, x0: &[f64]) -> Result<Solution, Error> {
        self.check(x0)?;
        let problem = self.problem();
        let start = DVector::from_column_slice(x0);
        let (x, values) = self.feasible(&problem, &start)?;
        let observer = self.observer.as_deref();
        let mut monitor = Monitor::new(&self.options, observer, &self.declared, start.clone(), &values);
        let weights = self.warm.as_ref().map(|w| problem.unsigned(w));
        let method = self.chosen_method()?;
        let outcome = match method {
            Method::ExponentialMultipliers => {
                exponential_multipliers::solve(&problem, &mut monitor, x, weights)?
            }
            _ => prox_sqp::solve(&problem, &mut monitor, x, weights, method == Method::ProxNewton)?,
        };
        self.finish(&problem, start, outcome, monitor, method)
    }

    /// The smooth objective at sharpness `k`, as a problem for argmin's solvers.
    ///
    /// # Errors
    ///
    /// Constraints, which it would not keep, and no components.
    ///
    /// # Panics
    ///
    /// If `k` is not positive and finite.
    pub fn smoothed(&self, k: f64) -> Result<Smoothed<'_>, Error> {
        self.check(&vec![0.0; self.oracle.dimension()])?;
        self.refuse_constraints("a smoothed objective")?;
        Ok(Smoothed::new(self.problem(), k))
    }

    fn is_constrained(&self) -> bool {
        self.bounds.is_some() || self.equalities.is_some() || self.inequalities.is_some()
    }

    fn refuse_constraints(&self, method: &'static str) -> Result<(), Error> {
        let what = "bounds and linear constraints";
        if self.is_constrained() { Err(Error::Unsupported { method, what }) } else { Ok(()) }
    }

    fn chosen_method(&self) -> Result<Method, Error> {
        /// Beyond this many variables dense quadratic programs cost more than L-BFGS.
        const MANY: usize = 200;
        match self.method {
            Method::Auto if self.is_constrained() || self.oracle.dimension() <= MANY => Ok(Method::ProxSqp),
            Method::Auto => Ok(Method::ExponentialMultipliers),
            Method::ExponentialMultipliers => {
                self.refuse_constraints("Method::ExponentialMultipliers")?;
                Ok(self.method)
            }
            method => Ok(method),
        }
    }

    /// The problem without its method.
    fn problem(&self) -> Problem<'_> {
        Problem::new(&*self.oracle, self.maximin, self.absolute, self.groups.as_deref(), self.constraints())
    }

    /// Everything that can be wrong before a component is evaluated.
    fn check(&self, x0: &[f64]) -> Result<(), Error> {
        let (n, m) = (self.oracle.dimension(), self.oracle.components());
        let require = |holds: bool, argument, reason| {
            if holds { Ok(()) } else { Err(Error::Invalid { argument, reason }) }
        };
        require_length("x0", x0.len(), n)?;
        if m == 0 {
            return Err(Error::NoComponents);
        }
        require(x0.iter().all(|v| v.is_finite()), "x0", "must be finite")?;
        if let Some(groups) = &self.groups {
            require_length("groups", groups.len(), m)?;
        }
        if let Some(weights) = &self.warm {
            require_length("warm_start multipliers", weights.len(), m)?;
        }
        if let Some((lower, upper)) = &self.bounds {
            require_length("lower bounds", lower.len(), n)?;
            require_length("upper bounds", upper.len(), n)?;
            require(lower.iter().zip(upper).all(|(l, u)| l <= u), "bounds", "must satisfy lower <= upper")?;
            let leave_a_number = |(&l, &u): (&f64, &f64)| l < f64::INFINITY && u > f64::NEG_INFINITY;
            let leave_numbers = lower.iter().zip(upper).all(leave_a_number);
            require(leave_numbers, "bounds", "must leave a finite number for every variable")?;
        }
        for (a, b) in self.equalities.iter().chain(&self.inequalities) {
            require_length("columns of the constraint matrix", a.ncols(), n)?;
            require_length("right-hand side of the constraints", b.len(), a.nrows())?;
            require(a.iter().chain(b).all(|v| v.is_finite()), "linear constraints", "must be finite")?;
        }
        require(!(self.absolute && self.maximin), "maximin", "cannot be combined with absolute")?;
        require(self.declared.radius.is_none_or(|r| r >= 0.0), "radius", "must be at least 0")?;
        let modulus = self.declared.strong;
        require(
            modulus >= 0.0 && modulus.is_finite(),
            "strongly_convex",
            "needs a finite modulus of at least 0",
        )?;
        require(self.options.tolerance >= 0.0, "options.tolerance", "must be at least 0")
    }

    /// Equalities, inequalities and the finite bounds as one block of rows.
    fn constraints(&self) -> Constraints {
        let n = self.oracle.dimension();
        let mut rows: Vec<(Vec<f64>, f64)> = Vec::new();
        for (a, b) in self.equalities.iter().chain(&self.inequalities) {
            rows.extend(a.row_iter().zip(b).map(|(row, &b)| (row.iter().copied().collect(), b)));
        }
        for (j, sign, bound) in self.bound_rows() {
            let mut row = vec![0.0; n];
            row[j] = sign;
            rows.push((row, sign * bound));
        }
        Constraints {
            matrix: DMatrix::from_fn(rows.len(), n, |i, j| rows[i].0[j]),
            rhs: DVector::from_iterator(rows.len(), rows.iter().map(|r| r.1)),
            equalities: self.equalities.as_ref().map_or(0, |(a, _)| a.nrows()),
            bounds: self
                .bounds
                .as_ref()
                .map(|(l, u)| (DVector::from_column_slice(l), DVector::from_column_slice(u))),
        }
    }

    /// `(variable, -1 for lower or 1 for upper, bound)` of each finite bound.
    fn bound_rows(&self) -> Vec<(usize, f64, f64)> {
        let Some((lower, upper)) = &self.bounds else { return Vec::new() };
        let side = |sign: f64, bounds: &[f64]| -> Vec<(usize, f64, f64)> {
            bounds.iter().enumerate().filter(|(_, b)| b.is_finite()).map(|(j, &b)| (j, sign, b)).collect()
        };
        [side(-1.0, lower), side(1.0, upper)].concat()
    }

    /// The point nearest to `start` that satisfies the constraints, and its components, finite.
    fn feasible(
        &self,
        problem: &Problem<'_>,
        start: &DVector<f64>,
    ) -> Result<(DVector<f64>, Vec<f64>), Error> {
        let x = qp::project(&problem.constraints, start).ok_or(Error::Infeasible)?;
        let values = problem.values(&x)?;
        match values.iter().position(|v| !v.is_finite()) {
            Some(i) => {
                let (component, sign) = problem.raw(i);
                Err(Error::NotFinite { component, value: sign * values[i] })
            }
            None => Ok((x, values)),
        }
    }

    /// Evaluates the certificate at the outcome and translates it into the user's terms.
    fn finish(
        &self,
        problem: &Problem<'_>,
        start: DVector<f64>,
        outcome: Outcome,
        monitor: Monitor<'_>,
        method: Method,
    ) -> Result<Solution, Error> {
        let contradicts_convexity = self.declared.convex && !monitor.is_convex;
        let certify = |multipliers: &DVector<f64>| {
            let weights = problem.unsigned(multipliers.as_slice());
            self.certify(problem, &start, &outcome.x, weights, &outcome.multipliers, contradicts_convexity)
        };
        let mut multipliers = DVector::from_vec(problem.signed(&outcome.weights));
        let mut certificate = certify(&multipliers)?;
        let travelled = (&outcome.x - &start).norm();
        let stationary = is_stationary(&certificate.1, monitor.unit(certificate.0), travelled);
        if !stationary {
            // Where nothing varies a subproblem says little; the exact maximum may say more.
            let attaining = problem.groups.attaining(&problem.values(&outcome.x)?);
            let simplest = DVector::from_vec(problem.signed(&attaining));
            let alternative = certify(&simplest)?;
            if alternative.1.left_open() < certificate.1.left_open() {
                (multipliers, certificate) = (simplest, alternative);
            }
        }
        let stationary = is_stationary(&certificate.1, monitor.unit(certificate.0), travelled);
        let is_closed = certificate.0 - certificate.1.estimate <= GAP * monitor.tolerance(certificate.0);
        Ok(Solution {
            value: self.sign() * certificate.0,
            multipliers,
            constraint_multipliers: self.split_multipliers(&outcome.multipliers),
            status: settled(outcome.status, stationary, is_closed),
            method,
            lower_estimate: self.sign() * certificate.1.estimate,
            gradient_norm: certificate.1.gradient_norm,
            stationarity: certificate.1.stationarity,
            contradicts_convexity,
            contradicts_declarations: certificate.1.refuted,
            counts: problem.counts(),
            history: monitor
                .history
                .into_iter()
                .map(|s| State { value: self.sign() * s.value, ..s })
                .collect(),
            bracket: certificate.1.bracket(self.sign()),
            x: outcome.x,
            start,
        })
    }

    pub(super) fn sign(&self) -> f64 {
        if self.maximin { -1.0 } else { 1.0 }
    }

    /// The objective (minimised) and all claims at `x` with the given multipliers.
    fn certify(
        &self,
        problem: &Problem<'_>,
        start: &DVector<f64>,
        x: &DVector<f64>,
        weights: Vec<f64>,
        multipliers: &DVector<f64>,
        contradicted: bool,
    ) -> Result<(f64, Certificate), Error> {
        let Swept { values, weights, gradient } = problem.sweep(x, &mut |_| weights.clone())?;
        let declared =
            Declarations { convex: self.declared.convex && !contradicted, ..self.declared.clone() };
        let evaluated = Evaluated { x, values: &values, weights: &weights, multipliers, gradient };
        Ok((problem.groups.value(&values), evaluated.certificate(problem, &declared, start)?))
    }

    /// The rows' multipliers, by kind.
    fn split_multipliers(&self, rows: &DVector<f64>) -> ConstraintMultipliers {
        let count = |c: &Option<(DMatrix<f64>, Vec<f64>)>| c.as_ref().map_or(0, |(a, _)| a.nrows());
        let (eq, le) = (count(&self.equalities), count(&self.inequalities));
        let mut bounds = DVector::zeros(self.bounds.as_ref().map_or(0, |(l, _)| l.len()));
        for ((j, sign, _), y) in self.bound_rows().into_iter().zip(rows.iter().skip(eq + le)) {
            bounds[j] += sign * y;
        }
        ConstraintMultipliers {
            equalities: rows.rows(0, eq).into_owned(),
            inequalities: rows.rows(eq, le).into_owned(),
            bounds,
        }
    }

    /// The inverse of [`Minimax::split_multipliers`].
    fn join_multipliers(&self, split: &ConstraintMultipliers) -> Vec<f64> {
        let mut rows: Vec<f64> = split.equalities.iter().copied().collect();
        rows.extend(split.inequalities.iter().map(|y| y.max(0.0)));
        rows.extend(self.bound_rows().into_iter().map(|(j, sign, _)| (sign * split.bounds[j]).max(0.0)));
        rows
    }
}

impl Solution {
    /// Recomputes bracket and stationarity from the point and the multipliers alone, with fresh
    /// evaluations of the components of `problem`, and states what the bracket rests on.
    ///
    /// # Errors
    ///
    /// A problem of other dimensions, and what its oracle returns.
    pub fn verify(&self, problem: &Minimax<'_>) -> Result<Verification, Error> {
        problem.check(self.x.as_slice())?;
        require_length("multipliers", self.multipliers.len(), problem.oracle.components())?;
        let view = problem.problem();
        let weights = view.unsigned(self.multipliers.as_slice());
        let multipliers = DVector::from_vec(problem.join_multipliers(&self.constraint_multipliers));
        let (_, certificate) = problem.certify(
            &view,
            &self.start,
            &self.x,
            weights,
            &multipliers,
            self.contradicts_convexity,
        )?;
        Ok(Verification {
            bracket: certificate.bracket(problem.sign()),
            gradient_norm: certificate.gradient_norm,
            stationarity: certificate.stationarity,
            assumptions: certificate.assumptions,
        })
    }
}

/// The status with the certificate's word on it: a strong proximal term also makes the predicted
/// decrease small, so convergence is claimed only where the multipliers show a stationary point;
/// and no further step is needed where they leave no gap worth one.
fn settled(status: Status, is_stationary: bool, is_closed: bool) -> Status {
    match status {
        Status::Converged if !is_stationary => Status::Stalled,
        Status::Stalled if is_stationary && is_closed => Status::Converged,
        status => status,
    }
}

/// Whether the multipliers show a stationary point: to 1e-6 of the objective's unit by Polak's
/// measure, and, since that depends on the units of `x`, by the bracket; without one, to 1e-4 by
/// the slope over the distance travelled.
fn is_stationary(certificate: &Certificate, unit: f64, travelled: f64) -> bool {
    let bears_out = match certificate.lower {
        Some(lower) => certificate.upper - lower <= (NARROW * unit).max(certificate.rounding),
        None => certificate.gradient_norm * travelled <= 1e-4 * unit,
    };
    certificate.stationarity <= 1e-6 * unit && bears_out
}
