//! Components from recordings: a [`Program`], a [`Batch`], or a closure, which is recorded once
//! and again only where a comparison flips.

use std::sync::{Mutex, PoisonError};

use nalgebra::DMatrix;

use super::Oracle;
use crate::program::require_length;
use crate::{Batch, Error, Program, Tape, Var, Workspace};

/// Every output is a component. Each call brings its own workspace; a comparison that flips is an
/// error, which stops the solver: [`Minimax::record`](super::Minimax::record) records again there.
impl Oracle for Program {
    fn dimension(&self) -> usize {
        self.inputs()
    }

    fn components(&self) -> usize {
        self.outputs()
    }

    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        Program::values(self, &mut self.workspace(), x, values)
    }

    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        self.jacobian_rows(&mut self.workspace(), x, indices)
    }

    fn pullback(&self, x: &[f64], weights: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        Program::pullback(self, &mut self.workspace(), x, weights, gradient)
    }

    fn sweep(
        &self,
        x: &[f64],
        values: &mut [f64],
        weigh: &mut dyn FnMut(&[f64]) -> Vec<f64>,
        gradient: &mut [f64],
    ) -> Result<(), Error> {
        self.values_and_pullback(&mut self.workspace(), x, values, weigh, gradient)
    }

    fn hessian_vector(
        &self,
        x: &[f64],
        weights: &[f64],
        direction: &[f64],
        out: &mut [f64],
    ) -> Result<bool, Error> {
        self.hvp_of_sum(&mut self.workspace(), x, weights, direction, out)?;
        Ok(true)
    }
}

/// Every term is a component. Memory beyond the data is a few numbers a term; gradients are
/// computed for the terms that the solver asks for. A comparison that flips is an error, which
/// stops the solver.
impl Oracle for Batch<'_> {
    fn dimension(&self) -> usize {
        self.inputs()
    }

    fn components(&self) -> usize {
        self.len()
    }

    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        Batch::values(self, x, values)
    }

    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        self.jacobian_rows(x, indices)
    }

    fn pullback(&self, x: &[f64], weights: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        Batch::pullback(self, x, weights, gradient)
    }

    fn hessian_vector(
        &self,
        x: &[f64],
        weights: &[f64],
        direction: &[f64],
        out: &mut [f64],
    ) -> Result<bool, Error> {
        self.hvp_of_sum(x, weights, direction, out)?;
        Ok(true)
    }
}

/// A closure and recordings of it.
pub(crate) struct Recorded<F> {
    components: F,
    n: usize,
    m: usize,
    /// The recordings that no thread uses at the moment.
    idle: Mutex<Vec<Recording>>,
}

struct Recording {
    program: Program,
    work: Workspace,
}

impl<F> Recorded<F>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>> + Send + Sync,
{
    /// Runs the closure once at `x0` to count its components.
    pub(crate) fn new(x0: &[f64], components: F) -> Self {
        let m = components(&Tape::new().vars(x0)).len();
        Recorded { components, n: x0.len(), m, idle: Mutex::new(Vec::new()) }
    }

    /// A recording of the path that the closure takes at `x`.
    fn record(&self, x: &[f64]) -> Result<Recording, Error> {
        let found = std::cell::Cell::new(0);
        let program = Program::try_record_many(x, |x| {
            let mut y = (self.components)(x);
            found.set(y.len());
            // A program needs an output, which a closure that has changed its mind may not give.
            y.resize(self.m, Var::from(0.0));
            y
        })?;
        require_length("components", found.get(), self.m)?;
        Ok(Recording { work: program.workspace(), program })
    }

    /// Runs `run` on a recording that holds at `x`. One that read values, which it cannot follow,
    /// is not used again.
    fn replay<R>(
        &self,
        x: &[f64],
        mut run: impl FnMut(&Program, &mut Workspace) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let last = idle().pop();
        let mut recording = last.map_or_else(|| self.record(x), Ok)?;
        let mut result = run(&recording.program, &mut recording.work);
        if matches!(result, Err(Error::BranchChanged { .. })) {
            recording = self.record(x)?;
            result = run(&recording.program, &mut recording.work);
        }
        if recording.program.value_reads() == 0 {
            idle().push(recording);
        }
        result
    }
}

impl<F> Oracle for Recorded<F>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>> + Send + Sync,
{
    fn dimension(&self) -> usize {
        self.n
    }

    fn components(&self) -> usize {
        self.m
    }

    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        self.replay(x, |program, work| program.values(work, x, values))
    }

    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        self.replay(x, |program, work| program.jacobian_rows(work, x, indices))
    }

    fn pullback(&self, x: &[f64], weights: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        self.replay(x, |program, work| program.pullback(work, x, weights, gradient))
    }

    fn sweep(
        &self,
        x: &[f64],
        values: &mut [f64],
        weigh: &mut dyn FnMut(&[f64]) -> Vec<f64>,
        gradient: &mut [f64],
    ) -> Result<(), Error> {
        self.replay(x, |program, work| program.values_and_pullback(work, x, values, &mut *weigh, gradient))
    }

    fn hessian_vector(
        &self,
        x: &[f64],
        weights: &[f64],
        direction: &[f64],
        out: &mut [f64],
    ) -> Result<bool, Error> {
        self.replay(x, |program, work| program.hvp_of_sum(work, x, weights, direction, out))?;
        Ok(true)
    }
}
