//! What a solver returns.

use std::fmt;

use nalgebra::DVector;

use super::certificate::Certificate;
use super::options::{Method, State, Status};
use super::oracle::Oracle;
use super::recorded::Recorded;
use crate::print::{Readable, leading};
use crate::program::require_length;
use crate::{Error, Var};

/// How much work a solution took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Evaluations of all components.
    pub values: usize,
    /// Jacobian rows, one reverse sweep each.
    pub gradient_rows: usize,
    /// Products `J'w`, one reverse sweep each.
    pub pullbacks: usize,
    /// Quadratic programs.
    pub subproblems: usize,
}

/// Multipliers of the user's constraints: minus the rate at which the optimal value (of the
/// minimisation; of minus the maximum under `maximin`) changes with the right-hand side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConstraintMultipliers {
    /// Of the rows of [`linear_eq`](super::Minimax::linear_eq); any sign.
    pub equalities: DVector<f64>,
    /// Of the rows of [`linear_le`](super::Minimax::linear_le); non-negative.
    pub inequalities: DVector<f64>,
    /// Of the bounds, one per variable: positive at the upper bound, negative at the lower.
    /// Empty without bounds.
    pub bounds: DVector<f64>,
}

/// A point with its value, multipliers and certificate.
///
/// `println!("{solution}")` gives a summary of about ten lines.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The best point found.
    pub x: DVector<f64>,
    /// The objective there.
    pub value: f64,
    /// One multiplier a component: non-negative and summing to one in each group. With
    /// [`absolute`](super::Minimax::absolute) negative where `-r_i` is the active side, so that the
    /// magnitudes sum to at most one. `sum_i multipliers[i] F_i'` vanishes at a solution.
    pub multipliers: DVector<f64>,
    /// The multipliers of bounds and linear constraints.
    pub constraint_multipliers: ConstraintMultipliers,
    /// Why the solver stopped.
    pub status: Status,
    /// Which algorithm ran.
    pub method: Method,
    /// The multipliers' mean of the components (plus the constraints' share): an estimate of the
    /// optimal value, from below for convex problems as [`Solution::gradient_norm`] goes to zero
    /// (from above for maximin). Not a bound; [`Solution::bracket`] is.
    pub lower_estimate: f64,
    /// The norm of the multipliers' gradient `J'w + C'mu`.
    pub gradient_norm: f64,
    /// An upper bound on Polak's optimality function `|theta(x)|`, zero exactly at stationary
    /// points: `value - lower_estimate + gradient_norm^2/2`.
    pub stationarity: f64,
    /// The start, which a declared radius refers to.
    pub start: DVector<f64>,
    /// A component rose less than its tangent between two iterates: it is not convex. Any declared
    /// convexity is then disregarded.
    pub contradicts_convexity: bool,
    /// The multipliers' lower bound exceeded the value by more than rounding: one of the
    /// declarations (convexity, radius, modulus) is false. There is no bracket then.
    pub contradicts_declarations: bool,
    /// The work done.
    pub counts: Counts,
    /// One entry for the start and each iteration.
    pub history: Vec<State>,
    pub(crate) bracket: Option<(f64, f64)>,
}

/// The result of [`Solution::verify`].
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The rigorous interval `[lower, upper]` that holds the optimal value, if one is known.
    pub bracket: Option<(f64, f64)>,
    /// The norm of the multipliers' gradient.
    pub gradient_norm: f64,
    /// The bound on Polak's optimality function.
    pub stationarity: f64,
    /// What the bracket rests on, in words; empty without one.
    pub assumptions: Vec<String>,
}

impl Solution {
    /// An interval that contains the optimal value, if the declarations permit one: convexity and
    /// one of a radius, strong convexity or finite bounds. `None` for every other problem, when an
    /// iterate or the bounds themselves contradicted the declarations, and where a gradient is not
    /// finite.
    ///
    /// Rigorous up to the rounding errors in the components and their derivatives.
    pub fn bracket(&self) -> Option<(f64, f64)> {
        self.bracket
    }

    /// The components with a multiplier above 1e-9: those that hold the optimum in place.
    pub fn active(&self) -> Vec<usize> {
        (0..self.multipliers.len()).filter(|&i| self.multipliers[i].abs() > 1e-9).collect()
    }

    /// How the optimal value changes with parameters of the components: its gradient at
    /// `parameters`. By the envelope theorem that is the gradient of `multipliers . F(x, p)` with
    /// `x` fixed, so `components` gives the components at [`Solution::x`] for given parameters.
    ///
    /// Exact where the optimum is unique with unique multipliers.
    ///
    /// ```
    /// use smoothmax::{Minimax, Var};
    ///
    /// // The midrange of three numbers, and half its range, as functions of the numbers.
    /// fn deviations<'t>(x: Var<'t, f64>, data: &[Var<'t, f64>]) -> Vec<Var<'t, f64>> {
    ///     data.iter().map(|&a| x - a).collect()
    /// }
    /// let data = [1.0, 2.0, 5.0];
    /// let minimax = Minimax::record(&[0.0], |x| deviations(x[0], &data.map(Var::from))).absolute();
    /// let solution = minimax.solve(&[0.0])?;
    /// let x = solution.x[0];
    /// let slopes = solution.sensitivity(&data, |p| deviations(Var::from(x), p))?;
    /// assert!((slopes[0] + 0.5).abs() < 1e-12 && slopes[1] == 0.0 && (slopes[2] - 0.5).abs() < 1e-12);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Another number of components than the solution has multipliers.
    pub fn sensitivity<F>(&self, parameters: &[f64], components: F) -> Result<DVector<f64>, Error>
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>> + Send + Sync,
    {
        let recorded = Recorded::new(parameters, components);
        require_length("components", recorded.components(), self.multipliers.len())?;
        let mut gradient = DVector::zeros(parameters.len());
        recorded.pullback(parameters, self.multipliers.as_slice(), gradient.as_mut_slice())?;
        Ok(gradient)
    }

    /// The number of iterations.
    pub fn iterations(&self) -> usize {
        self.history.len().saturating_sub(1)
    }
}

impl Certificate {
    /// How far the optimum may be below the value: by the bracket, or else to Polak's measure.
    pub(crate) fn left_open(&self) -> f64 {
        self.lower.map_or(self.stationarity, |lower| self.upper - lower)
    }

    /// `[lower, upper]` in the user's sense: `sign` is -1 for maximin.
    pub(crate) fn bracket(&self, sign: f64) -> Option<(f64, f64)> {
        self.lower.map(|lower| if sign < 0.0 { (-self.upper, -lower) } else { (lower, self.upper) })
    }
}

impl fmt::Display for Solution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} after {} iterations of {:?}", self.status, self.iterations(), self.method)?;
        writeln!(f, "  value         {}", Readable(self.value))?;
        match self.bracket {
            Some((lower, upper)) => {
                let (low, high) = (Readable(lower), Readable(upper));
                writeln!(f, "  bracket       [{low}, {high}], width {:.1e}", upper - lower)?;
            }
            None => writeln!(
                f,
                "  stationarity  {:.1e} (no bracket: {})",
                self.stationarity,
                self.why_no_bracket()
            )?,
        }
        let estimate = Readable(self.lower_estimate);
        writeln!(f, "  estimate      {estimate}, gradient norm {:.1e}", self.gradient_norm)?;
        let x = self.x.iter().map(|&v| format!("{:.10}", Readable(v)));
        writeln!(f, "  x             {}", leading(x))?;
        let active = self.active();
        let multipliers = active.iter().map(|&i| format!("[{i}] {:.6}", self.multipliers[i]));
        let none = if active.is_empty() { "none above 1e-9" } else { "" };
        writeln!(f, "  multipliers   {none}{}", leading(multipliers))?;
        if let Some(hint) = self.hint() {
            writeln!(f, "  hint          {hint}")?;
        }
        let c = &self.counts;
        write!(
            f,
            "  work          {} values, {} gradient rows, {} pullbacks, {} subproblems",
            c.values, c.gradient_rows, c.pullbacks, c.subproblems
        )
    }
}

impl Solution {
    /// What may help where the solver stalled at a point that the multipliers do not explain.
    fn hint(&self) -> Option<&'static str> {
        let unexplained = self.stationarity > 1e-6 * self.value.abs().max(1.0);
        (self.status == Status::Stalled && unexplained).then_some(
            "a kink inside a component? Make its pieces a group, or use ExponentialMultipliers or anneal",
        )
    }

    fn why_no_bracket(&self) -> &'static str {
        if self.contradicts_convexity {
            "an iterate contradicts convexity"
        } else if self.contradicts_declarations {
            "the lower bound would exceed the value: a declaration is false"
        } else {
            "it takes declared convexity and a radius, strong convexity or finite bounds"
        }
    }
}
