//! Terms on lanes: the one loop behind every reduction.
//!
//! For each block of [`LANES`] rows: load, evaluate, check the comparisons, let
//! the reduction weigh the terms, sweep back from the weights. Instructions are
//! chosen once for the whole loop.
//!
//! Loops in here count by index, as those of [`term`](super::term) do.

use super::Batch;
use super::gathered::{Gathered, Scattered};
use super::online::{Online, largest};
use super::selection::{Block, Selection};
use super::term::{forward, reverse};
use crate::Error;
use crate::kernel::dispatch::{InstructionSet, Kernel};
use crate::lanes::{LANES, Lanes};
use crate::program::replay::Registers;
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
        let (batch, code) = (self.batch, &self.batch.code);
        let mut registers = Registers::<Lanes<I>>::reserve(code);
        registers.prepare(code);
        let incidence = batch.incidence.as_ref();
        let point = incidence.map(|incidence| Gathered::new(incidence, self.point));
        let mut sums = incidence.map(Scattered::new);
        if point.is_none() {
            broadcast(self.point, &mut registers.values[code.active()]);
        }
        for i in 0..self.selection.blocks() {
            let block = self.selection.block(i, batch.len());
            for (column, slot) in code.passive().enumerate() {
                batch.rows.load(block, column, &mut registers.values[slot].lanes);
            }
            if let Some(point) = &point {
                for (column, slot) in code.active().enumerate() {
                    point.load(block, column, &mut registers.values[slot].lanes);
                }
            }
            forward(code, &mut registers);
            if !code.guards.is_empty() {
                batch.check_guards(block, |slot| registers.values[slot as usize].lanes)?;
            }
            let terms = registers.values[code.outputs[0] as usize].lanes;
            let rescale = |factor| rescale(&mut registers, sums.as_mut(), factor);
            if let Some(weights) = self.reduction.weigh::<I>(i, block.count(), terms, rescale) {
                registers.seed(code, code.outputs[0], Lanes::new(weights));
                reverse(code, &mut registers);
                let slopes = &mut registers.adjoints[..code.active_inputs];
                if let Reduction::Gradients { gradients, .. } = &mut self.reduction {
                    batch.write_gradients(i, block, slopes, gradients);
                    slopes.fill(Lanes::splat(0.0));
                } else if let Some(sums) = &mut sums {
                    for column in 0..slopes.len() {
                        sums.add(block, column, &slopes[column].lanes);
                        slopes[column] = Lanes::splat(0.0);
                    }
                }
            }
        }
        let gradient = self.reduction.gradient();
        match sums {
            Some(sums) => sums.add_to(gradient),
            // Broadcast variables kept their adjoints in the lanes.
            None => add_lanes(&registers.adjoints, gradient),
        }
        if let Reduction::SmoothMax(online) = self.reduction {
            online.finish();
        }
        Ok(())
    }
}

/// Puts the variables that every term sees in all lanes.
fn broadcast<I>(point: &[f64], inputs: &mut [Lanes<I>]) {
    for (input, &x) in inputs.iter_mut().zip(point) {
        *input = Lanes::splat(x);
    }
}

/// Adds the sums of lanes to a gradient.
fn add_lanes<I>(adjoints: &[Lanes<I>], gradient: &mut [f64]) {
    for (sum, slope) in gradient.iter_mut().zip(adjoints) {
        *sum += slope.sum();
    }
}

impl Batch<'_> {
    /// Adds the slopes of the terms of the `i`-th block to their gradients.
    fn write_gradients<I>(&self, i: usize, block: Block<'_>, slopes: &[Lanes<I>], gradients: &mut [f64]) {
        for lane in 0..block.count() {
            let gradient = &mut gradients[(i * LANES + lane) * self.inputs..][..self.inputs];
            for (column, slope) in slopes.iter().enumerate() {
                gradient[self.variable(block.row(lane), column)] += slope.lanes[lane];
            }
        }
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
    sums: Option<&mut Scattered<'_>>,
    factor: f64,
) {
    for adjoint in &mut registers.adjoints {
        *adjoint = Lanes::splat(factor).chain(*adjoint);
    }
    if let Some(sums) = sums {
        sums.rescale(factor);
    }
}
