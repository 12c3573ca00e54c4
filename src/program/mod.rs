//! Record once, replay fast.
//!
//! A [`Program`] is a recording compiled for replay at other inputs: dead code
//! is gone, and equal operations stand together so that they run as loops
//! rather than one by one. It holds no closure and no values, so threads share
//! it; each brings a [`Workspace`].
//!
//! ```
//! use smoothmax::{Program, Scalar};
//!
//! fn rosenbrock<S: Scalar>(x: &[S]) -> S {
//!     let c = S::constant;
//!     c(100.0) * (x[1] - x[0] * x[0]).powi(2) + (c(1.0) - x[0]).powi(2)
//! }
//!
//! let program = Program::record(&[0.0, 0.0], |x| rosenbrock(x));
//! let mut work = program.workspace();
//! let mut g = [0.0; 2];
//! assert_eq!(program.gradient(&mut work, &[1.0, 2.0], &mut g)?, 100.0);
//! assert_eq!(g, [-400.0, 200.0]);
//! # Ok::<(), smoothmax::Error>(())
//! ```
//!
//! A recording follows one path through the code. Comparisons of variables made
//! on the way are kept, and a replay in which one has another answer is an
//! [`Error::BranchChanged`], never a wrong value. A variable that the function
//! itself makes, with [`Tape::var`], keeps its value: it is a constant.
//!
//! | file | holds |
//! |---|---|
//! | `record.rs` | how a function becomes one |
//! | `compile/` | the passes from a recording to code |
//! | `code.rs` | the compiled form |
//! | `replay.rs`, `strided.rs`, `tiles.rs` | the sweeps over it |
//! | `memory.rs` | where a step finds its numbers |
//! | `guards.rs` | comparisons checked on replay |
//! | `second_order.rs` | Hessian-vector products and Hessians |
//! | `smoothed.rs` | the same program with its kinks rounded off |
//! | `twins.rs`, `gap.rs` | the pass that does it, and how far off it is |
//! | `sparsity.rs`, `coloring.rs` | which second derivatives can differ from 0, and how few products show them |
//! | `operations.rs` | the operations one by one, for analyses |
//! | `display.rs` | a listing to read |

use std::sync::OnceLock;

use nalgebra::DMatrix;

use crate::rules::Primitive;
use crate::{Error, Tape, Var};

pub(crate) mod code;
pub(crate) mod coloring;
pub(crate) mod compile;
mod display;
mod gap;
pub(crate) mod guards;
mod memory;
mod operations;
mod record;
pub(crate) mod replay;
mod second_order;
mod smoothed;
pub(crate) mod sparsity;
mod strided;
mod tiles;
mod twins;
mod workspace;

pub use smoothed::SmoothedProgram;
pub use sparsity::{Pattern, Sparsity};
pub use workspace::Workspace;

use code::Code;
use coloring::HessianPlan;
use compile::{Source, compile};
use replay::Registers;

/// A recording compiled for replay; see the [module](self).
///
/// A clone replays in the workspaces of the original.
#[derive(Clone)]
pub struct Program<T = f64> {
    code: Code<T>,
    /// The values of the passive inputs.
    parameters: Vec<T>,
    value_reads: usize,
    /// How to compute the Hessian; made when it is first asked for.
    hessian_plan: OnceLock<Box<HessianPlan>>,
}

impl<T: Primitive> Program<T> {
    /// Records `f: R^n -> R^m` for any element type; for `f64` there are
    /// [`record`](Program::record) and its like, whose closures need no types.
    ///
    /// ```
    /// use smoothmax::{Program, Var};
    ///
    /// let square = Program::<f32>::compile(&[1.0], |x: &[Var<'_, f32>]| vec![x[0] * x[0]])?;
    /// assert_eq!(square.value(&mut square.workspace(), &[3.0])?, 9.0);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_record`](Program::try_record).
    ///
    /// # Panics
    ///
    /// If `f` gives no outputs, or outputs of another tape.
    pub fn compile<F>(x0: &[T], f: F) -> Result<Self, Error>
    where
        F: for<'t> Fn(&[Var<'t, T>]) -> Vec<Var<'t, T>>,
    {
        let tape = Tape::with_capacity(x0.len());
        let outputs = tape.outputs(&f(&tape.vars(x0)));
        assert!(!outputs.is_empty(), "a program needs at least one output");
        let value_reads = tape.value_reads();
        let recording = tape.into_recording();
        let (active_inputs, passive_inputs) = (x0.len(), 0);
        let code = compile(Source { recording, outputs, active_inputs, passive_inputs, find_runs: true })?;
        Ok(Program::new(code, Vec::new(), value_reads))
    }

    fn new(code: Code<T>, parameters: Vec<T>, value_reads: usize) -> Self {
        Program { code, parameters, value_reads, hessian_plan: OnceLock::new() }
    }

    /// Memory for replays; each thread needs its own.
    pub fn workspace(&self) -> Workspace<T> {
        Workspace::new(&self.code)
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.code.active_inputs
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.code.outputs.len()
    }

    /// The number of operations in one evaluation, n-ary nodes counted once.
    pub fn operations(&self) -> usize {
        self.code.operations()
    }

    /// The memory of the program and of a workspace for first derivatives, in bytes.
    pub fn memory(&self) -> usize {
        let numbers = self.code.values() + self.code.adjoints() + self.code.weights + 2 * self.code.gathered;
        self.code.memory() + numbers * size_of::<T>()
    }

    /// How often, while recording, a value was read out of a variable: by
    /// [`Var::value`], `to_f64`, `is_nan`, `classify` and the like. What was
    /// done with it, a replay cannot follow; unless it was only printed, the
    /// replay may not be the recorded function.
    ///
    /// ```
    /// use smoothmax::{Program, Var};
    ///
    /// let program = Program::record(&[1.0], |x| x[0] * x[0].value());
    /// assert_eq!(program.value_reads(), 1);
    /// ```
    pub fn value_reads(&self) -> usize {
        self.value_reads
    }

    /// The first output at `x`.
    ///
    /// # Errors
    ///
    /// [`Error::BranchChanged`] if a recorded comparison has another answer at
    /// `x`, [`Error::Length`] if `x` has not an element for each input,
    /// [`Error::Invalid`] if `work` is of another program.
    pub fn value(&self, work: &mut Workspace<T>, x: &[T]) -> Result<T, Error> {
        self.evaluate(work, x)?;
        Ok(work.plain.values[self.code.outputs[0] as usize])
    }

    /// Writes all outputs at `x` to `y`.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value).
    pub fn values(&self, work: &mut Workspace<T>, x: &[T], y: &mut [T]) -> Result<(), Error> {
        require_length("y", y.len(), self.outputs())?;
        self.evaluate(work, x)?;
        self.read_outputs(work, y);
        Ok(())
    }

    /// The first output at `x`; writes its gradient to `gradient`.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value).
    pub fn gradient(&self, work: &mut Workspace<T>, x: &[T], gradient: &mut [T]) -> Result<T, Error> {
        let seed = [(0, T::constant(1.0))];
        if let Some(part) = self.code.one_pass {
            self.load(work, x)?;
            self.take_gradient(work, seed, gradient, |registers, gradient| {
                replay::forward_and_reverse(&self.code, part, registers, self.in_place(x), gradient)
            })?;
        } else {
            self.evaluate(work, x)?;
            self.sweep_back(work, x, seed, gradient)?;
        }
        Ok(work.plain.values[self.code.outputs[0] as usize])
    }

    /// Writes to `product` the product `J' w`, where `J` is the Jacobian at `x`.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// let program = Program::record_many(&[0.0; 2], |x| vec![x[0] * x[1], x[0] - x[1]]);
    /// let mut product = [0.0; 2];
    /// program.pullback(&mut program.workspace(), &[2.0, 3.0], &[1.0, 10.0], &mut product)?;
    /// assert_eq!(product, [13.0, -8.0]);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value).
    pub fn pullback(
        &self,
        work: &mut Workspace<T>,
        x: &[T],
        w: &[T],
        product: &mut [T],
    ) -> Result<(), Error> {
        require_length("w", w.len(), self.outputs())?;
        self.evaluate(work, x)?;
        self.sweep_back(work, x, w.iter().copied().enumerate(), product)
    }

    /// Writes all outputs at `x` to `y`, lets `weigh` turn them into weights `w`,
    /// then writes `J' w` to `product`: one evaluation, one reverse sweep.
    ///
    /// ```
    /// use smoothmax::{Program, softmax};
    ///
    /// // A log-sum-exp of outputs: its gradient is J' softmax.
    /// let program = Program::record_many(&[0.0], |x| vec![x[0], -x[0]]);
    /// let (mut y, mut product) = ([0.0; 2], [0.0]);
    /// program.values_and_pullback(&mut program.workspace(), &[0.5], &mut y, softmax, &mut product)?;
    /// assert!((product[0] - 0.5f64.tanh()).abs() < 1e-15);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value), and [`Error::Length`] unless there is a weight
    /// for each output.
    pub fn values_and_pullback(
        &self,
        work: &mut Workspace<T>,
        x: &[T],
        y: &mut [T],
        weigh: impl FnOnce(&[T]) -> Vec<T>,
        product: &mut [T],
    ) -> Result<(), Error> {
        self.values(work, x, y)?;
        let w = weigh(y);
        require_length("w", w.len(), self.outputs())?;
        self.sweep_back(work, x, w.into_iter().enumerate(), product)
    }

    /// The Jacobian at `x`, a row for each output.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value).
    pub fn jacobian(&self, x: &[T]) -> Result<DMatrix<T>, Error> {
        let rows: Vec<usize> = (0..self.outputs()).collect();
        self.jacobian_rows(&mut self.workspace(), x, &rows)
    }

    /// Some rows of the Jacobian at `x`: the gradients of the outputs `rows`,
    /// by one evaluation and a reverse sweep each.
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value).
    ///
    /// # Panics
    ///
    /// If a row is not the index of an output.
    pub fn jacobian_rows(
        &self,
        work: &mut Workspace<T>,
        x: &[T],
        rows: &[usize],
    ) -> Result<DMatrix<T>, Error> {
        for row in rows {
            assert!(
                *row < self.outputs(),
                "jacobian_rows: row {row} is not below the {} outputs",
                self.outputs()
            );
        }
        self.evaluate(work, x)?;
        let mut jacobian = DMatrix::zeros(rows.len(), self.inputs());
        let mut gradient = vec![T::constant(0.0); self.inputs()];
        for (i, &row) in rows.iter().enumerate() {
            self.sweep_back(work, x, [(row, T::constant(1.0))], &mut gradient)?;
            jacobian.row_mut(i).iter_mut().zip(&gradient).for_each(|(entry, &slope)| *entry = slope);
        }
        Ok(jacobian)
    }

    /// Runs the forward sweep at `x`.
    fn evaluate(&self, work: &mut Workspace<T>, x: &[T]) -> Result<(), Error> {
        self.load(work, x)?;
        replay::forward(&self.code, &mut work.plain, self.in_place(x));
        self.code.check_guards(&work.plain.values, None)
    }

    /// Prepares a sweep at `x`.
    fn load(&self, work: &mut Workspace<T>, x: &[T]) -> Result<(), Error> {
        require_length("x", x.len(), self.inputs())?;
        work.require_of(&self.code)?;
        work.plain.values[self.code.passive()].copy_from_slice(&self.parameters);
        if !self.code.in_place {
            work.plain.values[self.code.active()].copy_from_slice(x);
        }
        Ok(())
    }

    fn read_outputs(&self, work: &Workspace<T>, y: &mut [T]) {
        for (y, &slot) in y.iter_mut().zip(&self.code.outputs) {
            *y = work.plain.values[slot as usize];
        }
    }

    /// The inputs if they are read in place, else nothing.
    fn in_place<'a>(&self, x: &'a [T]) -> &'a [T] {
        if self.code.in_place { x } else { &[] }
    }

    /// Runs the reverse sweep from weighted outputs, after the forward sweep at `x`.
    fn sweep_back(
        &self,
        work: &mut Workspace<T>,
        x: &[T],
        seeds: impl IntoIterator<Item = (usize, T)>,
        gradient: &mut [T],
    ) -> Result<(), Error> {
        self.take_gradient(work, seeds, gradient, |registers, gradient| {
            replay::reverse(&self.code, registers, self.in_place(x), gradient);
        })
    }

    /// Seeds the outputs, and writes to `gradient` what a sweep gives for the inputs.
    fn take_gradient(
        &self,
        work: &mut Workspace<T>,
        seeds: impl IntoIterator<Item = (usize, T)>,
        gradient: &mut [T],
        sweep: impl FnOnce(&mut Registers<T>, &mut [T]),
    ) -> Result<(), Error> {
        require_length("gradient", gradient.len(), self.inputs())?;
        let registers = &mut work.plain;
        for (output, seed) in seeds {
            registers.seed(&self.code, self.code.outputs[output], seed);
        }
        if self.code.in_place {
            gradient.fill(T::constant(0.0));
            sweep(registers, gradient);
        } else {
            sweep(registers, &mut []);
            gradient
                .iter_mut()
                .zip(registers.take_adjoints(&self.code))
                .for_each(|(g, adjoint)| *g = adjoint);
        }
        Ok(())
    }
}

/// An error unless a slice has the length it must have.
pub(crate) fn require_length(argument: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Length { argument, found, expected }) }
}

impl<T: Primitive> std::fmt::Debug for Program<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Program({} inputs, {} outputs, {} operations)",
            self.inputs(),
            self.outputs(),
            self.operations()
        )
    }
}
