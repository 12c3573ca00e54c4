//! What may be claimed about a point, given multipliers.
//!
//! With weights `w` in the simplex (one per group) and constraint multipliers `mu` (non-negative
//! on inequalities), `L(y) = w . F(y) + mu . (C y - c) <= f(y)` at every feasible `y`. Let
//! `g = L'(x)`. If the `F_i` are convex, `f* >= L(x) + g . (x* - x)`, so any set known to contain
//! the minimiser gives a rigorous lower bound:
//!
//! - a declared ball: `f* >= L(x) + g . (x0 - x) - r |g|`;
//! - `w . F` declared `mu`-strongly convex: `f* >= L(x) - |g|^2 / 2 mu`;
//! - finite bounds: `f* >= L(x) + sum_j min over the interval of g_j (y_j - x_j)`;
//! - `g = 0`: `f* >= L(x)`.
//!
//! Without convexity only stationarity can be certified: Polak's optimality function
//! `theta(x) = -min_w [f - L(x) + |g|^2 / 2] <= 0` is zero exactly at stationary points, so any
//! multipliers bound it: `|theta| <= f - L(x) + |g|^2 / 2` (Polak, Optimization, 1997, 2.1).
//!
//! Everything is rounded outward here; what stays outside is the rounding in `F` and `J'w`. A lower
//! bound that exceeds the upper one by more than that refutes the declarations, and is no bound.

use nalgebra::DVector;

use super::problem::Problem;
use crate::Error;

/// What the user declared about the problem.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declarations {
    pub(crate) convex: bool,
    /// The modulus of strong convexity; zero when not declared.
    pub(crate) strong: f64,
    /// The minimiser lies within this distance of the start.
    pub(crate) radius: Option<f64>,
}

/// A point and its multipliers, evaluated.
pub(crate) struct Evaluated<'e> {
    pub(crate) x: &'e DVector<f64>,
    pub(crate) values: &'e [f64],
    pub(crate) weights: &'e [f64],
    pub(crate) multipliers: &'e DVector<f64>,
    /// `J'w`.
    pub(crate) gradient: DVector<f64>,
}

/// All claims about a point, for the minimisation the solver saw.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// An upper bound on the optimal value: the objective, rounded up.
    pub(crate) upper: f64,
    /// A lower bound, if the declarations give one.
    pub(crate) lower: Option<f64>,
    /// `L(x)`, an estimate of the optimal value.
    pub(crate) estimate: f64,
    /// `|g|`.
    pub(crate) gradient_norm: f64,
    /// `f - L(x) + |g|^2/2`, at least `|theta(x)|`.
    pub(crate) stationarity: f64,
    /// The declarations the lower bound rests on, in words.
    pub(crate) assumptions: Vec<String>,
    /// What rounding in `F` and `J'w` can have changed the lower bound by; zero without one.
    pub(crate) rounding: f64,
    /// A lower bound above the upper one shows that a declaration is false.
    pub(crate) refuted: bool,
}

/// A sum with a bound on its rounding error.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: f64,
    size: f64,
    terms: f64,
}

impl Sum {
    /// Adds the product of two rounded numbers.
    fn add(&mut self, term: f64) {
        self.value += term;
        self.size += term.abs();
        self.terms += 1.0;
    }

    /// `(terms + 4) eps sum |terms|`: the summation, and three roundings inside each term.
    fn error(&self) -> f64 {
        (self.terms + 4.0) * f64::EPSILON * self.size
    }

    /// The value, rounded up unless it is a single number.
    fn above(&self) -> f64 {
        if self.terms > 1.0 { (self.value + self.error()).next_up() } else { self.value }
    }
}

impl Evaluated<'_> {
    /// Evaluates every claim. `centre` is the start that the radius refers to.
    pub(crate) fn certificate(
        &self,
        problem: &Problem<'_>,
        declared: &Declarations,
        centre: &DVector<f64>,
    ) -> Result<Certificate, Error> {
        let mut objective = Sum::default();
        problem.groups.maxima(self.values).into_iter().for_each(|m| objective.add(m));
        let mut lagrangian = Sum::default();
        for (w, f) in self.weights.iter().zip(self.values).filter(|(w, _)| **w != 0.0) {
            lagrangian.add(w * f);
        }
        let slack = problem.constraints.slack(self.x);
        for (mu, s) in self.multipliers.iter().zip(slack.iter()) {
            lagrangian.add(-mu * s);
        }
        let g = &self.gradient + problem.constraints.matrix.tr_mul(self.multipliers);
        let upper = objective.above() + self.infeasibility(problem);
        let known = self.descent(problem, declared, centre, &g).map(|(descent, assumptions)| {
            let bound = lagrangian.value + descent.value;
            ((bound - lagrangian.error() - descent.error()).next_down(), assumptions)
        });
        let known = known.filter(|(lower, _)| lower.is_finite() && upper.is_finite());
        let rounding = if known.is_some() { self.rounding(problem, declared, centre)? } else { 0.0 };
        let refuted = known.as_ref().is_some_and(|(lower, _)| lower - upper > rounding);
        let (lower, assumptions) = known.filter(|_| !refuted).unzip();
        // Weights come normalised, so rounding alone can lift the mean above the maximum.
        let gap = (objective.value - lagrangian.value).max(0.0);
        Ok(Certificate {
            upper,
            lower: lower.map(|lower| lower.min(upper)),
            estimate: lagrangian.value,
            gradient_norm: g.norm(),
            stationarity: gap + 0.5 * g.norm_squared(),
            assumptions: assumptions.unwrap_or_default(),
            rounding,
            refuted,
        })
    }

    /// What rounding in `F`, `J'w` and the constraints can have changed the lower bound by.
    fn rounding(
        &self,
        problem: &Problem<'_>,
        declared: &Declarations,
        centre: &DVector<f64>,
    ) -> Result<f64, Error> {
        let distance = (self.x - centre).abs().add_scalar(declared.radius.unwrap_or(0.0));
        let constraints = problem.constraints.matrix.abs().tr_mul(&self.multipliers.abs());
        let steepness = problem.steepness(self.x, self.weights)? + constraints;
        let values: f64 = self.weights.iter().zip(self.values).map(|(w, f)| (w * f).abs()).sum();
        Ok(100.0 * f64::EPSILON * (values + steepness.dot(&(self.x.abs() + distance))))
    }

    /// What crossing the constraints by a rounding error can have gained, to first order.
    fn infeasibility(&self, problem: &Problem<'_>) -> f64 {
        let constraints = &problem.constraints;
        let slack = constraints.slack(self.x);
        let size = constraints.matrix.abs() * self.x.abs() + constraints.rhs.abs();
        let crossed = |j: usize| {
            let beyond = if j < constraints.equalities { slack[j].abs() } else { (-slack[j]).max(0.0) };
            self.multipliers[j].abs() * (beyond + 4.0 * f64::EPSILON * size[j])
        };
        (0..slack.len()).map(crossed).sum()
    }

    /// The best known lower bound on `g . (x* - x)`, and what it rests on.
    fn descent(
        &self,
        problem: &Problem<'_>,
        declared: &Declarations,
        centre: &DVector<f64>,
        g: &DVector<f64>,
    ) -> Option<(Sum, Vec<String>)> {
        let mut known: Vec<(Sum, String)> = Vec::new();
        if !declared.convex {
            return None;
        }
        if let Some(r) = declared.radius {
            let mut sum = Sum::default();
            (0..g.len()).for_each(|j| sum.add(g[j] * (centre[j] - self.x[j])));
            sum.add(-r * g.norm());
            known.push((sum, format!("a minimiser within {r} of the start")));
        }
        if declared.strong > 0.0 {
            let mut sum = Sum::default();
            sum.add(-g.norm_squared() / (2.0 * declared.strong));
            known.push((sum, format!("strong convexity with modulus {}", declared.strong)));
        }
        if let Some((lower, upper)) = &problem.constraints.bounds
            && lower.iter().chain(upper.iter()).all(|b| b.is_finite())
        {
            let mut sum = Sum::default();
            for j in 0..g.len() {
                sum.add((g[j] * (lower[j] - self.x[j])).min(g[j] * (upper[j] - self.x[j])));
            }
            known.push((sum, "the bounds on every variable".to_string()));
        }
        if g.iter().all(|&v| v == 0.0) {
            known.push((Sum::default(), "multipliers with a zero gradient".to_string()));
        }
        let best = known.into_iter().max_by(|a, b| a.0.value.total_cmp(&b.0.value))?;
        Some((best.0, vec!["convex components".to_string(), best.1]))
    }
}
