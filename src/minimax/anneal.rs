//! Continuation in the sharpness, for programs with exact `max`, `min` and
//! `|x|` nested in any way.
//!
//! ```text
//! x_j = argmin f_{k_j},   k_{j+1} = q k_j,   each from the last minimiser;   |f_k - f| <= gap(k)
//! ```
//!
//! The gap of the [smoothed program](SmoothedProgram) turns a target error into
//! the last sharpness. Once the pieces active at the minimiser are settled, the
//! least values are a series `f* + c_1/k + c_2/k^2 + ..`, so Richardson's
//! extrapolation in `1/k` finds more digits than the last stage has: in the
//! tableau
//!
//! ```text
//! T(j, 0) = f_{k_j}(x_j),   T(j, i) = T(j, i-1) + (T(j, i-1) - T(j-1, i-1)) / (q^i - 1)
//! ```
//!
//! the entry of the last row that agrees best with its two neighbours is taken,
//! and the disagreement is its error estimate (Ridders' choice; Press et al.,
//! *Numerical Recipes*, section 5.7). The minimisers are extrapolated likewise,
//! and the exact value there is kept if it is lower.
//!
//! For a maximum on the outside only, [`Minimax`](super::Minimax) is better.

use std::fmt;
use std::iter::successors;
use std::ops::{Add, Div, Sub};

use nalgebra::DVector;

use super::descent::{self, Point};
use super::options::{Options, Status};
use crate::print::{Readable, leading};
use crate::program::require_length;
use crate::{Error, Program, SmoothedProgram, Workspace};

/// The largest order of extrapolation.
const MAX_ORDER: usize = 6;
/// The most stages after the first: by factors of 1.02, eight decades of sharpness.
const MAX_STEPS: f64 = 1000.0;

/// Minimises a program with kinks through [`Program::smoothed`].
///
/// ```
/// use smoothmax::Program;
/// use smoothmax::minimax::anneal;
///
/// // max(|x - 1|, min(|y|, |y - 4|) + x / 2): least, 1/3, at (2/3, 0) and at (2/3, 4).
/// let program = Program::record(&[0.0; 2], |x| {
///     (x[0] - 1.0).abs().max(x[1].abs().min((x[1] - 4.0).abs()) + 0.5 * x[0])
/// });
/// let result = anneal(&program).error(1e-5).solve(&[0.0, 1.0])?;
/// assert!((result.value - 1.0 / 3.0).abs() < 1e-5);
/// assert!(result.extrapolated.asymptotic);
/// assert!((result.extrapolated.value - 1.0 / 3.0).abs() < 1e-8);
/// # Ok::<(), smoothmax::Error>(())
/// ```
pub fn anneal(program: &Program) -> Anneal<'_> {
    Anneal { program, first: None, factor: 4.0, last: Last::Error(1e-6) }
}

/// A continuation to run, from [`anneal`].
#[derive(Clone, Debug)]
pub struct Anneal<'p> {
    program: &'p Program,
    first: Option<f64>,
    factor: f64,
    last: Last,
}

/// How sharp the last stage is.
#[derive(Clone, Copy, Debug)]
enum Last {
    Error(f64),
    Sharpness(f64),
}

/// One sharpness of a continuation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stage {
    /// The minimiser found.
    pub x: DVector<f64>,
    /// The sharpness `k`.
    pub sharpness: f64,
    /// The least value found of the smooth function.
    pub smooth: f64,
    /// The exact value there.
    pub exact: f64,
    /// The interval that holds smooth minus exact.
    pub gap: (f64, f64),
    /// The norm of the smooth function's gradient there.
    pub gradient_norm: f64,
    /// How often the smooth function was evaluated, with its gradient.
    pub evaluations: usize,
}

/// The limit of the stages' values as `1/k` goes to 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Extrapolation {
    /// The limit, extrapolated.
    pub value: f64,
    /// An estimate of its error, not a bound; infinite after a single stage, zero for a program
    /// without kinks.
    pub error: f64,
    /// Whether the last three differences of the values fall like `1/k` - with
    /// an observed order between 0.8 and 1.25 - or have fallen to rounding. If
    /// not, neither the limit nor its error estimate means much: the minimisers
    /// still move between pieces, or have jumped from one valley to another.
    pub asymptotic: bool,
}

/// What a continuation found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Annealed {
    /// The best point found.
    pub x: DVector<f64>,
    /// The exact value there.
    pub value: f64,
    /// [`Status::Converged`] if the last smooth function is minimised (the
    /// squared norm of its gradient is at most `1e-6 max(1, |f|)`),
    /// [`Status::Unbounded`] if its value fell below -1e20, else
    /// [`Status::Stalled`].
    pub status: Status,
    /// The stages, from the first sharpness to the last.
    pub stages: Vec<Stage>,
    /// The limit of their values.
    pub extrapolated: Extrapolation,
}

impl Anneal<'_> {
    /// Ends where the total gap is within `[-error, error]`; 1e-6 unless set.
    ///
    /// # Panics
    ///
    /// Unless `error > 0`.
    pub fn error(mut self, error: f64) -> Self {
        assert!(error > 0.0, "anneal: `error` is {error}; it must be positive");
        self.last = Last::Error(error);
        self
    }

    /// Ends at the sharpness `k`: for programs whose gap has no bound.
    ///
    /// # Panics
    ///
    /// Unless `k` is positive and finite.
    pub fn last(mut self, k: f64) -> Self {
        assert!(
            k > 0.0 && k.is_finite(),
            "anneal: the sharpness `k` is {}; it must be positive and finite",
            Readable(k)
        );
        self.last = Last::Sharpness(k);
        self
    }

    /// Begins at the sharpness `k`, or at most a factor below: the last one is
    /// met exactly. Unless set, where the gap is a tenth of `max(1, |f(x0)|)`,
    /// or at 1 if it has no bound.
    ///
    /// # Panics
    ///
    /// Unless `k` is positive and finite.
    pub fn first(mut self, k: f64) -> Self {
        assert!(
            k > 0.0 && k.is_finite(),
            "anneal: the sharpness `k` is {}; it must be positive and finite",
            Readable(k)
        );
        self.first = Some(k);
        self
    }

    /// Multiplies the sharpness by `q` from stage to stage; 4 unless set.
    ///
    /// # Panics
    ///
    /// Unless `q > 1`.
    pub fn factor(mut self, q: f64) -> Self {
        assert!(q > 1.0 && q.is_finite(), "anneal: the factor `q` is {q}; it must be above 1 and finite");
        self.factor = q;
        self
    }

    /// Minimises from `x0`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] unless `x0` has an element for each input and the
    /// program one output, [`Error::NotFinite`] if the value or the gradient at
    /// `x0` is not finite, [`Error::BranchChanged`] if a comparison flips on the
    /// way, and [`Error::Invalid`]
    ///
    /// - for `error`, if the gap has no bound and no [last](Self::last) sharpness
    ///   is set, or if the error is so small that its sharpness is not finite;
    /// - for `factor`, if it is so small that more than 1000 steps lead from the
    ///   first sharpness to the last, or so large that a step back from the last
    ///   leaves the range of normal numbers.
    pub fn solve(&self, x0: &[f64]) -> Result<Annealed, Error> {
        require_length("x0", x0.len(), self.program.inputs())?;
        require_length("outputs", self.program.outputs(), 1)?;
        let (mut exact_work, mut x) = (self.program.workspace(), DVector::from_column_slice(x0));
        let sharpnesses = self.schedule(self.program.value(&mut exact_work, x0)?)?;
        let mut smooth = self.program.smoothed(sharpnesses[0]);
        let mut work = smooth.workspace();
        require_finite(&evaluate(&smooth, &mut work, x.clone())?)?;

        let mut stages: Vec<Stage> = Vec::with_capacity(sharpnesses.len());
        let mut length = 0.1 * x.norm().max(1.0);
        for &sharpness in &sharpnesses {
            smooth.set_sharpness(sharpness);
            let mut evaluations = 0;
            let point = descent::minimise(&x, length, Options::default().unbounded, |x| {
                evaluations += 1;
                evaluate(&smooth, &mut work, x)
            })?;
            length = (&point.x - &x).norm().max(1e-8 * x.norm().max(1.0));
            x = point.x;
            stages.push(Stage {
                x: x.clone(),
                sharpness,
                smooth: point.value,
                exact: self.program.value(&mut exact_work, x.as_slice())?,
                gap: smooth.gap(),
                gradient_norm: point.gradient.norm(),
                evaluations,
            });
        }
        self.conclude(&mut exact_work, stages)
    }

    /// The sharpnesses, each `factor` times the one before.
    fn schedule(&self, value: f64) -> Result<Vec<f64>, Error> {
        let invalid = |argument, reason| Err(Error::Invalid { argument, reason });
        let smooth = self.program.smoothed(1.0);
        let last = match self.last {
            Last::Sharpness(k) => k,
            Last::Error(error) => smooth.sharpness_for(error).ok_or(Error::Invalid {
                argument: "error",
                reason: "cannot be turned into a sharpness, since the gap of the program has no bound: \
                         set the `last` sharpness",
            })?,
        };
        if last.is_infinite() {
            return invalid("error", "is so small that the sharpness for it is not finite");
        }
        if last == 0.0 {
            return Ok(vec![1.0]); // nothing is smoothed
        }
        let from_gap = smooth.sharpness_for(0.1 * value.abs().max(1.0)).filter(|&k| k > 0.0);
        let first = self.first.or(from_gap).unwrap_or(1.0);
        let steps = ((last.ln() - first.ln()) / self.factor.ln() - 1e-9).ceil().max(0.0);
        if steps > MAX_STEPS {
            return invalid(
                "factor",
                "is too small: more than 1000 steps from the first sharpness to the last",
            );
        }
        let backwards = successors(Some(last), |k| Some(k / self.factor));
        let mut sharpnesses: Vec<f64> = backwards.take(steps as usize + 1).collect();
        sharpnesses.reverse();
        if steps > 0.0 && !sharpnesses[0].is_normal() {
            return invalid("factor", "is too large: it takes the first sharpness out of the normal numbers");
        }
        Ok(sharpnesses)
    }

    /// Extrapolates, and chooses the best point.
    fn conclude(&self, work: &mut Workspace, stages: Vec<Stage>) -> Result<Annealed, Error> {
        let values: Vec<f64> = stages.iter().map(|stage| stage.smooth).collect();
        let last = &stages[stages.len() - 1];
        let (order, extrapolated) = match last.gap {
            // Nothing is smoothed.
            (0.0, 0.0) => (0, Extrapolation { value: last.smooth, error: 0.0, asymptotic: true }),
            _ => extrapolate(&values, self.factor),
        };
        let limit = richardson(stages.iter().map(|stage| stage.x.clone()).collect(), self.factor, order);
        let at_limit = self.program.value(work, limit.as_slice());
        let candidates = stages.iter().map(|stage| (stage.exact, stage.x.clone()));
        let (value, x) = candidates
            .chain(at_limit.ok().map(|value| (value, limit)))
            .filter(|(value, _)| !value.is_nan())
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .ok_or(Error::NotFinite { component: 0, value: f64::NAN })?;
        let status = if last.smooth < -Options::default().unbounded {
            Status::Unbounded
        } else if last.gradient_norm.powi(2) <= 1e-6 * last.smooth.abs().max(1.0) {
            Status::Converged
        } else {
            Status::Stalled
        };
        Ok(Annealed { x, value, status, stages, extrapolated })
    }
}

/// An evaluation of the smooth function.
fn evaluate(smooth: &SmoothedProgram, work: &mut Workspace, x: DVector<f64>) -> Result<Point, Error> {
    let mut gradient = DVector::zeros(x.len());
    let value = smooth.gradient(work, x.as_slice(), gradient.as_mut_slice())?;
    Ok(Point { x, value, gradient })
}

fn require_finite(start: &Point) -> Result<(), Error> {
    if start.is_finite() {
        return Ok(());
    }
    let slope = start.gradient.iter().copied().find(|g| !g.is_finite());
    let value = if start.value.is_finite() { slope.unwrap_or(f64::NAN) } else { start.value };
    Err(Error::NotFinite { component: 0, value })
}

/// The last entry of column `order` of Richardson's tableau of a sequence.
fn richardson<V>(sequence: Vec<V>, q: f64, order: usize) -> V
where
    for<'v> &'v V: Sub<Output = V> + Add<V, Output = V>,
    V: Div<f64, Output = V>,
{
    let next = |column: Vec<V>, i: usize| {
        let divisor = q.powi(i as i32) - 1.0;
        column.windows(2).map(|pair| &pair[1] + (&pair[1] - &pair[0]) / divisor).collect()
    };
    (1..=order).fold(sequence, next).pop().expect("the order is below the length of the sequence")
}

/// The limit of `values`, and the column of the tableau it stands in.
fn extrapolate(values: &[f64], q: f64) -> (usize, Extrapolation) {
    let last = values.len() - 1;
    let at = |end: usize, order: usize| richardson(values[..=end].to_vec(), q, order);
    let (mut order, mut value, mut error) = (0, values[last], f64::INFINITY);
    for i in 1..=last.min(MAX_ORDER) {
        let entry = at(last, i);
        let disagreement = (entry - at(last, i - 1)).abs().max((entry - at(last - 1, i - 1)).abs());
        if disagreement < error {
            (order, value, error) = (i, entry, disagreement);
        }
    }
    (order, Extrapolation { value, error, asymptotic: is_asymptotic(values, q) })
}

/// Whether the last three differences fall like `q^-p` with an order `p` near 1, or the last is
/// rounding.
fn is_asymptotic(values: &[f64], q: f64) -> bool {
    let differences: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let [.., a, b, c] = differences[..] else { return false };
    let rounding = 1e-12 * values[values.len() - 1].abs().max(1.0);
    let falls = |before: f64, after: f64| (0.8..1.25).contains(&((before / after).ln() / q.ln()));
    c.abs() <= rounding || (falls(a, b) && falls(b, c))
}

impl fmt::Display for Annealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = &self.stages[self.stages.len() - 1];
        let evaluations: usize = self.stages.iter().map(|stage| stage.evaluations).sum();
        writeln!(f, "{:?} after {} stages, {evaluations} gradients", self.status, self.stages.len())?;
        writeln!(f, "  value         {}", Readable(self.value))?;
        let (smooth, sharpness) = (Readable(last.smooth), Readable(last.sharpness));
        writeln!(f, "  smooth        {smooth} at sharpness {sharpness}")?;
        writeln!(f, "  gap           [{:.1e}, {:.1e}]", last.gap.0, last.gap.1)?;
        let Extrapolation { value, error, asymptotic } = self.extrapolated;
        let value = Readable(value);
        let doubt = if asymptotic { "" } else { " (not asymptotic: do not rely on it)" };
        writeln!(f, "  extrapolated  {value} ± {error:.0e}{doubt}")?;
        write!(f, "  x             {}", leading(self.x.iter().map(|&v| format!("{:.10}", Readable(v)))))
    }
}
