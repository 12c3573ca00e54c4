//! Terms on lanes: the one loop behind every reduction.
//!
//! For each block of [`LANES`] rows: load, evaluate, check the comparisons, let
//! the reduction weigh the terms, sweep back from the weights. Instructions are
//! chosen once for the whole loop.
//!
//! Loops in here count by index: in a function as large as this one the
//! compiler stops inlining iterators, and what is merely called keeps the
//! instruction set it was compiled for.

use super::Batch;
use super::gathered::Gathered;
use super::online::{Online, largest};
use super::selection::{Block, Selection};
use crate::Error;
use crate::kernel::dispatch::{InstructionSet, Kernel};
use crate::lanes::{LANES, Lanes};
use crate::program::code::{Code, Step};
use crate::program::guards::changed;
use crate::program::replay::{self, Registers};
use crate::rules::Number;

/// What happens to the terms.
pub(super) enum Reduction<'a> {
    /// Joins the smooth maximum and its gradient.
    SmoothMax(Online<'a>),
    /// Writes the extreme term of each block: the largest, for `sign = -1` the smallest.
    Extremes { extremes: &'a mut [f64], sign: f64 },
    /// Adds up values and gradients.
    Sum { value: &'a mut f64, gradient: &'a mut [f64] },
    /// Adds up gradients, each times the weight of its term.
    Pullback { weights: &'a [f64], gradient: &'a mut [f64] },
    /// Writes each value.
    Values { values: &'a mut [f64] },
    /// Writes the gradient of each term: `inputs` numbers a row.
    Gradients { values: &'a mut [f64], gradients: &'a mut [f64] },
}

/// A sweep over selected rows at a point.
pub(super) struct Sweep<'a, 'd> {
    pub(super) batch: &'a Batch<'d>,
    pub(super) point: &'a [f64],
    pub(super) selection: Selection<'a>,
    pub(super) reduction: Reduction<'a>,
}

impl Kernel for Sweep<'_, '_> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<I: InstructionSet>(mut self) -> Result<(), Error> {
        let code = &self.batch.code;
        let mut registers = Registers::<Lanes<I>>::reserve(code);
        registers.prepare(code);
        self.batch.broadcast(self.point, &mut registers);
        let incidence = self.batch.incidence.as_ref();
        let mut gathered = incidence.map(|incidence| Gathered::new(incidence, self.point));
        for i in 0..self.selection.blocks() {
            let block = self.selection.block(i, self.batch.len());
            self.load(block, &mut registers.values[code.passive()]);
            if let Some(gathered) = &gathered {
                gathered.load(block, &mut registers.values[code.active()]);
            }
            forward(code, &mut registers);
            if !code.guards.is_empty() {
                self.check_guards(block, &registers)?;
            }
            let terms = registers.values[code.outputs[0] as usize].lanes;
            let rescale = |factor| rescale(&mut registers, gathered.as_mut(), factor);
            if let Some(weights) = self.reduction.weigh::<I>(i, block.count(), terms, rescale) {
                registers.seed(code, code.outputs[0], Lanes::new(weights));
                reverse(code, &mut registers);
                let slopes = &mut registers.adjoints[..code.active_inputs];
                if let Reduction::Gradients { gradients, .. } = &mut self.reduction {
                    self.batch.write_gradients(i, block, slopes, gradients);
                } else if let Some(gathered) = &mut gathered {
                    gathered.take(block, slopes);
                }
            }
        }
        self.take_gradient(&registers, gathered.as_ref());
        if let Reduction::SmoothMax(online) = self.reduction {
            online.finish();
        }
        Ok(())
    }
}

/// [`replay::forward`] for code that has no runs.
#[inline(always)]
fn forward<I: InstructionSet>(code: &Code<f64>, registers: &mut Registers<Lanes<I>>) {
    for step in &code.steps {
        match step {
            Step::Scalars(scalars) => replay::forward_scalars(code, scalars, &mut registers.values),
            Step::Nary(index) => replay::forward_nary(code, &code.nary[*index as usize], registers),
            Step::Run(_) => unreachable!("code for lanes is compiled without runs"),
        }
    }
}

/// [`replay::reverse`] for code that has no runs.
#[inline(always)]
fn reverse<I: InstructionSet>(code: &Code<f64>, registers: &mut Registers<Lanes<I>>) {
    for step in code.steps.iter().rev() {
        match step {
            Step::Scalars(scalars) => {
                replay::reverse_scalars(code, scalars, &registers.values, &mut registers.adjoints);
            }
            Step::Nary(index) => replay::reverse_nary(code, &code.nary[*index as usize], registers),
            Step::Run(_) => unreachable!("code for lanes is compiled without runs"),
        }
    }
}

impl Sweep<'_, '_> {
    /// Puts the data of a block into the lanes of each column.
    #[inline(always)]
    fn load<I: InstructionSet>(&self, block: Block<'_>, columns: &mut [Lanes<I>]) {
        match block {
            Block::Consecutive { first, .. } => self.batch.rows.load(first, columns),
            Block::Listed(_) => {
                for (column, lanes) in columns.iter_mut().enumerate() {
                    for (i, lane) in lanes.lanes.iter_mut().enumerate() {
                        *lane = self.batch.rows.at(block.row(i), column);
                    }
                }
            }
        }
    }

    #[inline(never)]
    fn check_guards<I: InstructionSet>(
        &self,
        block: Block<'_>,
        registers: &Registers<Lanes<I>>,
    ) -> Result<(), Error> {
        for (comparison, guard) in self.batch.code.guards.iter().enumerate() {
            let [left, right] = guard.operands.map(|slot| registers.values[slot as usize].lanes);
            let flipped = (0..block.count()).find(|&i| guard.question.ask(left[i], right[i]) != guard.answer);
            if let Some(i) = flipped {
                return Err(changed(comparison, guard, [left[i], right[i]], Some(block.row(i))));
            }
        }
        Ok(())
    }

    /// At the end: the gradient from where it was summed. Broadcast variables
    /// kept their adjoints in the lanes.
    fn take_gradient<I>(&mut self, registers: &Registers<Lanes<I>>, gathered: Option<&Gathered<'_>>) {
        let gradient = self.reduction.gradient();
        if let Some(gathered) = gathered {
            gathered.add_to(gradient);
        } else {
            for (sum, slope) in gradient.iter_mut().zip(&registers.adjoints) {
                *sum += slope.sum();
            }
        }
    }
}

impl Batch<'_> {
    /// Adds the slopes of the terms of the `i`-th block to their gradients, and
    /// leaves zeros.
    fn write_gradients<I>(&self, i: usize, block: Block<'_>, slopes: &mut [Lanes<I>], gradients: &mut [f64]) {
        for lane in 0..block.count() {
            let gradient = &mut gradients[(i * LANES + lane) * self.inputs..][..self.inputs];
            for (column, slope) in slopes.iter().enumerate() {
                gradient[self.variable(block.row(lane), column)] += slope.lanes[lane];
            }
        }
        slopes.fill(Lanes::splat(0.0));
    }
}

impl Reduction<'_> {
    /// The gradient that is summed over the terms; empty if there is none.
    fn gradient(&mut self) -> &mut [f64] {
        match self {
            Reduction::SmoothMax(online) => &mut online.partial.gradient,
            Reduction::Sum { gradient, .. } | Reduction::Pullback { gradient, .. } => gradient,
            Reduction::Extremes { .. } | Reduction::Values { .. } | Reduction::Gradients { .. } => &mut [],
        }
    }

    /// Takes the values of the `i`-th block; gives the weights to sweep back from.
    #[inline(always)]
    fn weigh<I: InstructionSet>(
        &mut self,
        i: usize,
        count: usize,
        terms: [f64; LANES],
        rescale: impl FnOnce(f64),
    ) -> Option<[f64; LANES]> {
        let first = i * LANES;
        match self {
            Reduction::SmoothMax(online) => online.absorb::<I>(count, terms, rescale),
            Reduction::Extremes { extremes, sign } => {
                // Lanes without a row repeat the last one.
                extremes[i] = *sign * largest(terms.map(|term| *sign * term));
                None
            }
            Reduction::Sum { value, .. } => {
                **value += terms[..count].iter().sum::<f64>();
                Some(ones(count))
            }
            Reduction::Pullback { weights, .. } => {
                let mut block = [0.0; LANES];
                block[..count].copy_from_slice(&weights[first..first + count]);
                Some(block)
            }
            Reduction::Values { values } => {
                values[first..first + count].copy_from_slice(&terms[..count]);
                None
            }
            Reduction::Gradients { values, .. } => {
                values[first..first + count].copy_from_slice(&terms[..count]);
                Some(ones(count))
            }
        }
    }
}

/// 1 in the lanes that hold a row.
#[inline(always)]
fn ones(count: usize) -> [f64; LANES] {
    let mut ones = [0.0; LANES];
    ones[..count].fill(1.0);
    ones
}

/// Multiplies what the variables received so far.
#[inline(always)]
fn rescale<I: InstructionSet>(
    registers: &mut Registers<Lanes<I>>,
    gathered: Option<&mut Gathered<'_>>,
    factor: f64,
) {
    for adjoint in &mut registers.adjoints {
        *adjoint = Lanes::splat(factor).chain(*adjoint);
    }
    if let Some(gathered) = gathered {
        gathered.rescale(factor);
    }
}
