//! Terms on lanes of [`Dual`] numbers: slopes along a direction, and of gradients.
//!
//! The loop is that of [`Sweep`](super::sweep::Sweep): values come with their
//! tangents along the direction, adjoints with how they change along it.

use std::ops::Range;

use super::Batch;
use super::gathered::{Gathered, Scattered};
use super::selection::{Block, Selection};
use super::term::{forward, reverse};
use crate::kernel::dispatch::{InstructionSet, Kernel};
use crate::lanes::{LANES, Lanes};
use crate::program::coloring::Entry;
use crate::program::replay::Registers;
use crate::{Dual, Error};

/// What happens to the terms.
pub(super) enum DualReduction<'a> {
    /// Writes each term with its slope.
    Terms(&'a mut [Dual]),
    /// Adds up `w_i f_i`, and the slopes of `w_i g_i`.
    Product { weights: Weights<'a>, value: &'a mut f64, product: &'a mut [f64] },
    /// Visits entries of `w_i H_i` that the slopes of `w_i g_i` show: two
    /// variables and the number.
    Entries { weights: &'a [f64], entries: &'a [Entry], visit: &'a mut dyn FnMut(usize, usize, f64) },
}

/// The weights `w_i` of the selected terms, and how they change along the direction.
#[derive(Clone, Copy)]
pub(super) enum Weights<'a> {
    /// All are 1.
    Ones,
    /// They do not change.
    Constant(&'a [f64]),
    /// Each with its slope.
    Varying(&'a [Dual]),
}

impl<'a> Weights<'a> {
    /// Those of a range of the terms.
    pub(super) fn slice(self, range: Range<usize>) -> Self {
        match self {
            Weights::Ones => Weights::Ones,
            Weights::Constant(weights) => Weights::Constant(&weights[range]),
            Weights::Varying(weights) => Weights::Varying(&weights[range]),
        }
    }

    /// Those of so many terms, from the first on; zeros beyond.
    #[inline(always)]
    fn load<I: InstructionSet>(self, first: usize, count: usize) -> Dual<Lanes<I>> {
        let mut lanes = Dual::lift(Lanes::splat(0.0));
        for i in 0..count {
            let weight = match self {
                Weights::Ones => Dual::lift(1.0),
                Weights::Constant(weights) => Dual::lift(weights[first + i]),
                Weights::Varying(weights) => weights[first + i],
            };
            lanes.value.lanes[i] = weight.value;
            lanes.tangent.lanes[i] = weight.tangent;
        }
        lanes
    }
}

/// Along what slopes are taken.
#[derive(Clone, Copy)]
pub(super) enum Direction<'a> {
    /// A number for each variable.
    Global(&'a [f64]),
    /// A number for each variable that a term sees, the same for all terms.
    Local(&'a [f64]),
}

/// A sweep over selected rows at a point, with slopes.
pub(super) struct DualSweep<'a, 'd, 'r> {
    pub(super) batch: &'a Batch<'d>,
    pub(super) point: &'a [f64],
    pub(super) direction: Direction<'a>,
    pub(super) selection: Selection<'a>,
    pub(super) reduction: DualReduction<'r>,
}

impl Kernel for DualSweep<'_, '_, '_> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<I: InstructionSet>(mut self) -> Result<(), Error> {
        let (batch, code) = (self.batch, &self.batch.code);
        let mut registers = Registers::<Dual<Lanes<I>>>::reserve(code);
        registers.prepare(code);
        let (point, direction) = self.place(&mut registers.values[code.active()]);
        let mut sums = batch.incidence.as_ref().map(Scattered::new);
        for i in 0..self.selection.blocks() {
            let block = self.selection.block(i, batch.len());
            for (column, slot) in code.passive().enumerate() {
                batch.rows.load(block, column, &mut registers.values[slot].value.lanes);
            }
            for (column, slot) in code.active().enumerate() {
                if let Some(point) = &point {
                    point.load(block, column, &mut registers.values[slot].value.lanes);
                }
                if let Some(direction) = &direction {
                    direction.load(block, column, &mut registers.values[slot].tangent.lanes);
                }
            }
            forward(code, &mut registers);
            if !code.guards.is_empty() {
                batch.check_guards(block, |slot| registers.values[slot as usize].value.lanes)?;
            }
            let terms = registers.values[code.outputs[0] as usize];
            let Some(weights) = self.reduction.weigh(i, block.count(), &terms) else {
                continue;
            };
            registers.seed(code, code.outputs[0], weights);
            reverse(code, &mut registers);
            let slopes = &mut registers.adjoints[..code.active_inputs];
            if let DualReduction::Entries { entries, visit, .. } = &mut self.reduction {
                batch.visit_entries(block, slopes, entries, *visit);
                slopes.fill(Dual::lift(Lanes::splat(0.0)));
            } else if let Some(sums) = &mut sums {
                for column in 0..slopes.len() {
                    sums.add(block, column, &slopes[column].tangent.lanes);
                    slopes[column] = Dual::lift(Lanes::splat(0.0));
                }
            }
        }
        if let DualReduction::Product { product, .. } = self.reduction {
            match sums {
                Some(sums) => sums.add_to(product),
                // Broadcast variables kept their adjoints in the lanes.
                None => add_lanes(&registers.adjoints, product),
            }
        }
        Ok(())
    }
}

impl<'a> DualSweep<'a, '_, '_> {
    /// Puts what is the same for all terms in all lanes; gives the point and the
    /// direction as far as they are gathered.
    fn place<I>(&self, inputs: &mut [Dual<Lanes<I>>]) -> (Option<Gathered<'a>>, Option<Gathered<'a>>) {
        let gathered =
            |of: &[f64]| self.batch.incidence.as_ref().map(|incidence| Gathered::new(incidence, of));
        let point = gathered(self.point);
        let (direction, slopes) = match self.direction {
            Direction::Global(slopes) => (gathered(slopes), slopes),
            Direction::Local(slopes) => (None, slopes),
        };
        for (column, input) in inputs.iter_mut().enumerate() {
            if point.is_none() {
                input.value = Lanes::splat(self.point[column]);
            }
            if direction.is_none() {
                input.tangent = Lanes::splat(slopes[column]);
            }
        }
        (point, direction)
    }
}

impl Batch<'_> {
    /// Visits entries of the Hessians of a block of terms, and those across the diagonal.
    fn visit_entries<I>(
        &self,
        block: Block<'_>,
        slopes: &[Dual<Lanes<I>>],
        entries: &[Entry],
        visit: &mut dyn FnMut(usize, usize, f64),
    ) {
        for lane in 0..block.count() {
            for entry in entries {
                let value = slopes[entry.source as usize].tangent.lanes[lane];
                let variable = |i: u32| self.variable(block.row(lane), i as usize);
                let (i, j) = (variable(entry.row), variable(entry.column));
                visit(i, j, value);
                if entry.row != entry.column {
                    visit(j, i, value);
                }
            }
        }
    }
}

impl DualReduction<'_> {
    /// Takes the terms of the `i`-th block; gives the weights to sweep back from.
    #[inline(always)]
    fn weigh<I: InstructionSet>(
        &mut self,
        i: usize,
        count: usize,
        terms: &Dual<Lanes<I>>,
    ) -> Option<Dual<Lanes<I>>> {
        let first = i * LANES;
        match self {
            DualReduction::Terms(duals) => {
                for lane in 0..count {
                    duals[first + lane] = Dual::new(terms.value.lanes[lane], terms.tangent.lanes[lane]);
                }
                None
            }
            DualReduction::Product { weights, value, .. } => {
                let weights = weights.load(first, count);
                for lane in 0..count {
                    **value += weights.value.lanes[lane] * terms.value.lanes[lane];
                }
                Some(weights)
            }
            DualReduction::Entries { weights, .. } => Some(Weights::Constant(weights).load(first, count)),
        }
    }
}

/// Adds the slopes of the adjoints, summed over the lanes, to a product.
fn add_lanes<I>(adjoints: &[Dual<Lanes<I>>], product: &mut [f64]) {
    for (sum, slope) in product.iter_mut().zip(adjoints) {
        *sum += slope.tangent.sum();
    }
}
