//! Terms on lanes: the one loop behind every reduction.
//!
//! For each block of [`LANES`] rows: load, evaluate, check the comparisons, let
//! the reduction weigh the terms, sweep back from the weights. Instructions are
//! chosen once for the whole loop.

use super::Batch;
use super::reduction::SmoothMaxPartial;
use crate::Error;
use crate::kernel::dispatch::{InstructionSet, Kernel};
use crate::kernel::lane;
use crate::kernel::sum::fold_lanes;
use crate::lanes::{LANES, Lanes};
use crate::program::code::{Code, Step};
use crate::program::guards::changed;
use crate::program::replay::{self, Registers};
use crate::rules::Number;

/// What happens to the terms.
pub(super) enum Reduction<'a> {
    /// Joins the smooth maximum; with `slopes`, its gradient too.
    SmoothMax { partial: &'a mut SmoothMaxPartial, slopes: bool },
    /// Adds up values and gradients.
    Sum { value: &'a mut f64, gradient: &'a mut [f64] },
    /// Adds up gradients, each times the weight of its term.
    Pullback { weights: &'a [f64], gradient: &'a mut [f64] },
    /// Writes each value.
    Values { values: &'a mut [f64] },
    /// Writes the gradient of each term: `inputs` numbers a row.
    Gradients { values: &'a mut [f64], gradients: &'a mut [f64] },
}

/// Which rows are swept.
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    /// From the first up to the second.
    Range(usize, usize),
    /// The listed ones.
    List(&'a [usize]),
}

impl Selection<'_> {
    fn len(self) -> usize {
        match self {
            Selection::Range(first, end) => end - first,
            Selection::List(rows) => rows.len(),
        }
    }

    /// The `i`-th row swept.
    #[inline(always)]
    fn row(self, i: usize) -> usize {
        match self {
            Selection::Range(first, _) => first + i,
            Selection::List(rows) => rows[i],
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
        for first in (0..self.selection.len()).step_by(LANES) {
            let count = LANES.min(self.selection.len() - first);
            self.load(first, count, &mut registers);
            forward(code, &mut registers);
            self.check_guards(first, count, &registers)?;
            let terms = registers.values[code.outputs[0] as usize].lanes;
            if let Some(weights) = self.reduction.weigh::<I>(first, count, terms, &mut registers) {
                registers.seed(code, code.outputs[0], Lanes::new(weights));
                reverse(code, &mut registers);
                self.take_gradients(first, count, &mut registers);
            }
        }
        self.take_broadcast_gradient(&registers);
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
    #[inline(always)]
    fn load<I: InstructionSet>(&self, first: usize, count: usize, registers: &mut Registers<Lanes<I>>) {
        let data = &mut registers.values[self.batch.code.passive()];
        match self.selection {
            Selection::Range(start, _) => self.batch.rows.load(start + first, data),
            Selection::List(rows) => {
                for (column, lanes) in data.iter_mut().enumerate() {
                    for (i, lane) in lanes.lanes.iter_mut().enumerate() {
                        *lane = self.batch.rows.at(rows[first + i.min(count - 1)], column);
                    }
                }
            }
        }
        if let Some(incidence) = &self.batch.incidence {
            let inputs = &mut registers.values[self.batch.code.active()];
            for i in 0..LANES {
                let row = self.selection.row(first + i.min(count - 1));
                for (input, &variable) in inputs.iter_mut().zip(incidence.row(row)) {
                    input.lanes[i] = self.point[variable as usize];
                }
            }
        }
    }

    #[inline(always)]
    fn check_guards<I: InstructionSet>(
        &self,
        first: usize,
        count: usize,
        registers: &Registers<Lanes<I>>,
    ) -> Result<(), Error> {
        for (comparison, guard) in self.batch.code.guards.iter().enumerate() {
            let [left, right] = guard.operands.map(|slot| registers.values[slot as usize].lanes);
            let flipped = (0..count).find(|&i| guard.question.ask(left[i], right[i]) != guard.answer);
            if let Some(i) = flipped {
                let row = self.selection.row(first + i);
                return Err(changed(comparison, guard, [left[i], right[i]], Some(row)));
            }
        }
        Ok(())
    }

    /// After a block: gradients of single terms, and what is scattered.
    #[inline(always)]
    fn take_gradients<I: InstructionSet>(
        &mut self,
        first: usize,
        count: usize,
        registers: &mut Registers<Lanes<I>>,
    ) {
        let code = &self.batch.code;
        let slopes = &mut registers.adjoints[..code.active_inputs];
        let inputs = self.batch.inputs;
        if let Reduction::Gradients { gradients, .. } = &mut self.reduction {
            for i in 0..count {
                let gradient = &mut gradients[(first + i) * inputs..][..inputs];
                match &self.batch.incidence {
                    None => gradient.iter_mut().zip(&*slopes).for_each(|(g, slope)| *g = slope.lanes[i]),
                    Some(incidence) => {
                        let variables = incidence.row(self.selection.row(first + i));
                        for (&variable, slope) in variables.iter().zip(&*slopes) {
                            gradient[variable as usize] += slope.lanes[i];
                        }
                    }
                }
            }
            slopes.fill(Lanes::splat(0.0));
        } else if let Some(incidence) = &self.batch.incidence {
            let gradient = self.reduction.gradient();
            for i in 0..count {
                let variables = incidence.row(self.selection.row(first + i));
                for (&variable, slope) in variables.iter().zip(&*slopes) {
                    gradient[variable as usize] += slope.lanes[i];
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

impl Reduction<'_> {
    /// The gradient that is summed over the terms; empty if there is none.
    fn gradient(&mut self) -> &mut [f64] {
        match self {
            Reduction::SmoothMax { partial, .. } => &mut partial.gradient,
            Reduction::Sum { gradient, .. } | Reduction::Pullback { gradient, .. } => gradient,
            Reduction::Values { .. } | Reduction::Gradients { .. } => &mut [],
        }
    }

    /// Takes the values of a block; gives the weights to sweep back from.
    #[inline(always)]
    fn weigh<I: InstructionSet>(
        &mut self,
        first: usize,
        count: usize,
        terms: [f64; LANES],
        registers: &mut Registers<Lanes<I>>,
    ) -> Option<[f64; LANES]> {
        match self {
            Reduction::SmoothMax { partial, slopes } => {
                let weights = partial.absorb::<I>(count, terms, |factor| rescale(registers, factor))?;
                (*slopes && weights.iter().any(|&weight| weight != 0.0)).then_some(weights)
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

impl SmoothMaxPartial {
    /// Joins a block of terms. Gives their weights `e^{k (f - m)}`, after the
    /// earlier ones were brought to a new extreme by `rescale`; `None` if no
    /// term of the block counts.
    #[inline(always)]
    fn absorb<I: InstructionSet>(
        &mut self,
        count: usize,
        mut terms: [f64; LANES],
        rescale: impl FnOnce(f64),
    ) -> Option<[f64; LANES]> {
        let k = self.sharpness;
        let sign = k.signum();
        let neutral = -sign * f64::INFINITY;
        terms[count..].fill(neutral);
        let is_nan = terms.iter().fold(false, |is_nan, term| is_nan | term.is_nan());
        let most_extreme = sign * fold_lanes(terms.map(|term| sign * term), |a, b| if b > a { b } else { a });
        let leader = terms.iter().position(|&term| term == most_extreme).unwrap_or(0);
        if is_nan || self.extreme.is_nan() {
            self.extreme = f64::NAN;
            return None;
        }
        if terms[leader] == neutral {
            return None;
        }
        let leads = sign * terms[leader] > sign * self.extreme;
        if leads {
            if self.extreme != neutral {
                let factor = super::reduction::scale(k, self.extreme, terms[leader]);
                self.excess = (1.0 + self.excess) * factor;
                rescale(factor);
                self.gradient
                    .iter_mut()
                    .for_each(|sum| *sum = if factor > 0.0 { *sum * factor } else { 0.0 });
            }
            self.extreme = terms[leader];
        }
        let mut weights = [0.0; LANES];
        for i in 0..LANES {
            let difference = terms[i] - self.extreme;
            let exponential = lane::exp::<I, f64>(k * difference);
            weights[i] = if terms[i] == self.extreme { 1.0 } else { exponential };
        }
        // The excess leaves out one term that attains the extreme.
        let mut others = weights;
        others[leader] = if leads { 0.0 } else { others[leader] };
        others[count..].fill(0.0);
        weights[count..].fill(0.0);
        self.excess += others.iter().sum::<f64>();
        Some(weights)
    }
}
