//! A weighted sum of programs and batches.

use crate::program::require_length;
use crate::{Batch, Error, Program, Workspace, kernel};

/// A weighted sum of [`Program`]s and reductions of [`Batch`]es of the same
/// variables: data fit plus regulariser plus what else there is. Values,
/// gradients and Hessian-vector products add up; what has weight 0 is not
/// evaluated.
///
/// ```
/// use smoothmax::{Batch, Objective, Program, Rows};
///
/// // The worst residual of a line through three points, and a little ridge.
/// let data = [[0.0, 1.0], [1.0, 3.0], [2.0, 4.0]];
/// let fit = Batch::record(&[0.0; 2], &data[..], |p, row| (p[0] + p[1] * row[0] - row[1]).powi(2));
/// let ridge = Program::record(&[0.0; 2], |p| p[0].powi(2) + p[1].powi(2));
/// let objective = Objective::new(2).smooth_max(1.0, 50.0, &fit).program(0.01, &ridge);
///
/// let (mut work, p, mut g) = (objective.workspace(), [1.0, 1.5], [0.0; 2]);
/// let value = objective.gradient(&mut work, &p, &mut g)?;
/// let parts = fit.smooth_max(50.0, &p, &mut [0.0; 2])? + 0.01 * (1.0 + 2.25);
/// assert!((value - parts).abs() < 1e-15);
/// # Ok::<(), smoothmax::Error>(())
/// ```
#[derive(Debug)]
pub struct Objective<'a> {
    inputs: usize,
    terms: Vec<(f64, Term<'a>)>,
}

/// What is added up.
#[derive(Clone, Copy, Debug)]
enum Term<'a> {
    /// The first output.
    Program(&'a Program),
    Sum(&'a Batch<'a>),
    SmoothMax(f64, &'a Batch<'a>),
}

/// The memory that an [`Objective`] evaluates in; each thread needs its own.
///
/// It is of the objective that made it: one of another shape, or with programs
/// of another, is refused.
#[derive(Debug)]
pub struct ObjectiveWorkspace {
    /// For each term, that of a program; made at its first use.
    programs: Vec<Option<Workspace>>,
    /// The gradient or product of one term.
    part: Vec<f64>,
}

impl<'a> Objective<'a> {
    /// A sum of nothing, of so many variables.
    pub fn new(inputs: usize) -> Self {
        Objective { inputs, terms: Vec::new() }
    }

    /// Adds `weight` times the first output of a program; a
    /// [smoothed](crate::SmoothedProgram) one will do.
    ///
    /// # Panics
    ///
    /// Unless the program has as many inputs.
    pub fn program(self, weight: f64, program: &'a Program) -> Self {
        self.add("program", weight, program.inputs(), Term::Program(program))
    }

    /// Adds `weight` times the [sum](Batch::sum) of the terms of a batch.
    ///
    /// # Panics
    ///
    /// Unless the batch has as many variables.
    pub fn sum(self, weight: f64, batch: &'a Batch<'a>) -> Self {
        self.add("batch", weight, batch.inputs(), Term::Sum(batch))
    }

    /// Adds `weight` times the [smooth maximum](Batch::smooth_max), of sharpness
    /// `k`, of the terms of a batch.
    ///
    /// # Panics
    ///
    /// If `k` is zero, NaN or infinite, or the batch has not as many variables.
    pub fn smooth_max(self, weight: f64, k: f64, batch: &'a Batch<'a>) -> Self {
        assert!(
            k != 0.0 && k.is_finite(),
            "Objective: the sharpness `k` is {k}; it must be finite and not 0"
        );
        self.add("batch", weight, batch.inputs(), Term::SmoothMax(k, batch))
    }

    fn add(mut self, argument: &str, weight: f64, inputs: usize, term: Term<'a>) -> Self {
        assert!(
            inputs == self.inputs,
            "Objective: `{argument}` has {inputs} variables, the objective {}",
            self.inputs
        );
        self.terms.push((weight, term));
        self
    }

    /// The number of variables.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Memory for evaluations.
    pub fn workspace(&self) -> ObjectiveWorkspace {
        let programs = self.terms.iter().map(|_| None).collect();
        ObjectiveWorkspace { programs, part: vec![0.0; self.inputs] }
    }

    /// The value at `x`, without any reverse sweep.
    ///
    /// # Errors
    ///
    /// As [`gradient`](Self::gradient).
    pub fn value(&self, work: &mut ObjectiveWorkspace, x: &[f64]) -> Result<f64, Error> {
        self.add_up(work, x, |term, memory, _| term.value(memory, x), |_, _| {})
    }

    /// The value at `x`; writes its gradient to `gradient`.
    ///
    /// # Errors
    ///
    /// [`Error::BranchChanged`] if a recorded comparison has another answer at
    /// `x`, [`Error::Length`] unless `x` and `gradient` have an element for each
    /// variable and `work` has the [lengths](ObjectiveWorkspace) of this objective.
    pub fn gradient(
        &self,
        work: &mut ObjectiveWorkspace,
        x: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Error> {
        require_length("gradient", gradient.len(), self.inputs)?;
        gradient.fill(0.0);
        self.add_up(
            work,
            x,
            |term, memory, part| term.gradient(memory, x, part),
            |weight, part| add_scaled(gradient, weight, part),
        )
    }

    /// The value at `x`; writes the product of the Hessian with `v` to `product`.
    ///
    /// # Errors
    ///
    /// As [`gradient`](Self::gradient), and [`Error::NoSecondOrder`] for a custom
    /// node without a second-order rule.
    pub fn hvp(
        &self,
        work: &mut ObjectiveWorkspace,
        x: &[f64],
        v: &[f64],
        product: &mut [f64],
    ) -> Result<f64, Error> {
        require_length("v", v.len(), self.inputs)?;
        require_length("product", product.len(), self.inputs)?;
        product.fill(0.0);
        self.add_up(
            work,
            x,
            |term, memory, part| term.hvp(memory, x, v, part),
            |weight, part| add_scaled(product, weight, part),
        )
    }

    /// Evaluates each term that weighs something, hands its vector on with the
    /// weight, and gives the weighted sum of the values.
    fn add_up(
        &self,
        work: &mut ObjectiveWorkspace,
        x: &[f64],
        evaluate: impl Fn(Term<'a>, &mut Option<Workspace>, &mut [f64]) -> Result<f64, Error>,
        mut add: impl FnMut(f64, &[f64]),
    ) -> Result<f64, Error> {
        require_length("work", work.programs.len(), self.terms.len())?;
        require_length("work", work.part.len(), self.inputs)?;
        require_length("x", x.len(), self.inputs)?;
        let mut sum = 0.0;
        let terms = self.terms.iter().zip(&mut work.programs);
        for (&(weight, term), memory) in terms.filter(|((weight, _), _)| *weight != 0.0) {
            sum += weight * evaluate(term, memory, &mut work.part)?;
            add(weight, &work.part);
        }
        Ok(sum)
    }
}

impl Term<'_> {
    fn value(self, memory: &mut Option<Workspace>, x: &[f64]) -> Result<f64, Error> {
        match self {
            Term::Program(program) => program.value(memory.get_or_insert_with(|| program.workspace()), x),
            Term::Sum(batch) => Ok(values(batch, x)?.iter().sum()),
            Term::SmoothMax(k, batch) => Ok(kernel::smooth_max(&values(batch, x)?, k)),
        }
    }

    fn gradient(self, memory: &mut Option<Workspace>, x: &[f64], part: &mut [f64]) -> Result<f64, Error> {
        match self {
            Term::Program(program) => {
                program.gradient(memory.get_or_insert_with(|| program.workspace()), x, part)
            }
            Term::Sum(batch) => batch.sum(x, part),
            Term::SmoothMax(k, batch) => batch.smooth_max(k, x, part),
        }
    }

    fn hvp(
        self,
        memory: &mut Option<Workspace>,
        x: &[f64],
        v: &[f64],
        part: &mut [f64],
    ) -> Result<f64, Error> {
        match self {
            Term::Program(program) => {
                program.hvp(memory.get_or_insert_with(|| program.workspace()), x, v, part)
            }
            Term::Sum(batch) => batch.sum_hvp(x, v, part),
            Term::SmoothMax(k, batch) => batch.smooth_max_hvp(k, x, v, part),
        }
    }
}

/// The terms of a batch.
fn values(batch: &Batch<'_>, x: &[f64]) -> Result<Vec<f64>, Error> {
    let mut values = vec![0.0; batch.len()];
    batch.values(x, &mut values)?;
    Ok(values)
}

/// `sum += weight * part`.
fn add_scaled(sum: &mut [f64], weight: f64, part: &[f64]) {
    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += weight * part);
}
