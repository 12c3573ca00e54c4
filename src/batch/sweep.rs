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
use super::incidence::{Incidence, Variables};
use super::online::{Online, largest};
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

/// Which rows are swept, in blocks of at most [`LANES`].
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    /// From the first, a multiple of [`LANES`], up to the second.
    Range(usize, usize),
    /// The listed blocks of consecutive rows.
    Blocks(&'a [usize]),
    /// The listed rows.
    List(&'a [usize]),
}

/// Rows that are swept together.
#[derive(Clone, Copy)]
enum Block<'a> {
    Consecutive { first: usize, count: usize },
    Listed(&'a [usize]),
}

impl<'a> Selection<'a> {
    /// The number of blocks.
    fn blocks(self) -> usize {
        match self {
            Selection::Range(first, end) => (end - first).div_ceil(LANES),
            Selection::Blocks(blocks) => blocks.len(),
            Selection::List(rows) => rows.len().div_ceil(LANES),
        }
    }

    /// The `i`-th block, of a batch of so many rows.
    #[inline(always)]
    fn block(self, i: usize, rows: usize) -> Block<'a> {
        let consecutive =
            |first: usize, end: usize| Block::Consecutive { first, count: LANES.min(end - first) };
        match self {
            Selection::Range(first, end) => consecutive(first + i * LANES, end),
            Selection::Blocks(blocks) => consecutive(blocks[i] * LANES, rows),
            Selection::List(rows) => Block::Listed(&rows[i * LANES..][..LANES.min(rows.len() - i * LANES)]),
        }
    }
}

impl Block<'_> {
    #[inline(always)]
    fn count(self) -> usize {
        match self {
            Block::Consecutive { count, .. } => count,
            Block::Listed(rows) => rows.len(),
        }
    }

    /// The row in a lane; beyond the last row, that is repeated.
    #[inline(always)]
    fn row(self, lane: usize) -> usize {
        match self {
            Block::Consecutive { first, count } => first + lane.min(count - 1),
            Block::Listed(rows) => rows[lane.min(rows.len() - 1)],
        }
    }
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
        for i in 0..self.selection.blocks() {
            let block = self.selection.block(i, self.batch.len());
            self.load(block, &mut registers);
            forward(code, &mut registers);
            if !code.guards.is_empty() {
                self.check_guards(block, &registers)?;
            }
            let terms = registers.values[code.outputs[0] as usize].lanes;
            if let Some(weights) = self.reduction.weigh::<I>(i, block.count(), terms, &mut registers) {
                registers.seed(code, code.outputs[0], Lanes::new(weights));
                reverse(code, &mut registers);
                self.take_gradients(i, block, &mut registers);
            }
        }
        self.take_broadcast_gradient(&registers);
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
            Step::Nary(index) => replay::forward_nary(code, &code.nary[*index as usize], registers, &[]),
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
            Step::Nary(index) => {
                replay::reverse_nary(code, &code.nary[*index as usize], registers, &[], &mut [])
            }
            Step::Run(_) => unreachable!("code for lanes is compiled without runs"),
        }
    }
}

impl Sweep<'_, '_> {
    #[inline(always)]
    fn load<I: InstructionSet>(&self, block: Block<'_>, registers: &mut Registers<Lanes<I>>) {
        let data = &mut registers.values[self.batch.code.passive()];
        match block {
            Block::Consecutive { first, .. } => self.batch.rows.load(first, data),
            Block::Listed(_) => {
                for (column, lanes) in data.iter_mut().enumerate() {
                    for (i, lane) in lanes.lanes.iter_mut().enumerate() {
                        *lane = self.batch.rows.at(block.row(i), column);
                    }
                }
            }
        }
        if let Some(incidence) = &self.batch.incidence {
            let inputs = &mut registers.values[self.batch.code.active()];
            match block {
                Block::Consecutive { first, .. } => {
                    for column in 0..inputs.len() {
                        inputs[column] = incidence.variables(first, column).gather(self.point);
                    }
                }
                Block::Listed(_) => {
                    for column in 0..inputs.len() {
                        let variables = listed_variables(incidence, block, column);
                        inputs[column] = Variables::Listed(&variables).gather(self.point);
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

    /// After the `i`-th block: gradients of single terms, and what is scattered.
    #[inline(always)]
    fn take_gradients<I: InstructionSet>(
        &mut self,
        i: usize,
        block: Block<'_>,
        registers: &mut Registers<Lanes<I>>,
    ) {
        let slopes = &mut registers.adjoints[..self.batch.code.active_inputs];
        if let Reduction::Gradients { gradients, .. } = &mut self.reduction {
            let inputs = self.batch.inputs;
            for lane in 0..block.count() {
                let gradient = &mut gradients[(i * LANES + lane) * inputs..][..inputs];
                for (column, slope) in slopes.iter().enumerate() {
                    gradient[self.batch.variable(block.row(lane), column)] += slope.lanes[lane];
                }
            }
            slopes.fill(Lanes::splat(0.0));
        } else if let Some(incidence) = &self.batch.incidence {
            let gradient = self.reduction.gradient();
            match block {
                Block::Consecutive { first, .. } => {
                    for column in 0..slopes.len() {
                        incidence.variables(first, column).scatter(&slopes[column].lanes, gradient);
                    }
                }
                Block::Listed(_) => {
                    for column in 0..slopes.len() {
                        let variables = listed_variables(incidence, block, column);
                        Variables::Listed(&variables).scatter(&slopes[column].lanes, gradient);
                    }
                }
            }
            slopes.fill(Lanes::splat(0.0));
        }
    }

    /// At the end: broadcast variables kept their adjoints in the lanes.
    fn take_broadcast_gradient<I>(&mut self, registers: &Registers<Lanes<I>>) {
        if self.batch.incidence.is_none() {
            for (sum, slope) in self.reduction.gradient().iter_mut().zip(&registers.adjoints) {
                *sum += slope.sum();
            }
        }
    }
}

/// The variables that listed terms see in a column.
#[inline(never)]
fn listed_variables(incidence: &Incidence, block: Block<'_>, column: usize) -> [u32; LANES] {
    std::array::from_fn(|lane| incidence.variable(block.row(lane), column) as u32)
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
        registers: &mut Registers<Lanes<I>>,
    ) -> Option<[f64; LANES]> {
        let first = i * LANES;
        match self {
            Reduction::SmoothMax(online) => {
                online.absorb::<I>(count, terms, |factor| rescale(registers, factor))
            }
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

/// Multiplies the adjoints of the broadcast variables.
#[inline(always)]
fn rescale<I: InstructionSet>(registers: &mut Registers<Lanes<I>>, factor: f64) {
    for adjoint in &mut registers.adjoints {
        *adjoint = Lanes::splat(factor).chain(*adjoint);
    }
}
