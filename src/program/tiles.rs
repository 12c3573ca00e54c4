//! The two sweeps over a tiled part, a tile of elements at a time.
//!
//! ```text
//! forward, for each tile:             every step on the elements of the tile
//! reverse, for each tile, backwards:  local runs again, then every step reversed
//! ```

use super::code::{Code, NaryStep, Run, Step, Strided, TILE, Tiled};
use super::replay::{forward_run, reverse_run};
use crate::nary::{NaryNumber, add_terms};
use crate::rules::Primitive;
use crate::tape::Operands;

/// Some elements of a tiled part.
struct Tile<'a, T> {
    code: &'a Code<T>,
    part: &'a Tiled,
    first: u32,
    count: u32,
}

impl<'a, T: Primitive> Tile<'a, T> {
    /// The tile from element `first`.
    fn new(code: &'a Code<T>, part: &'a Tiled, first: u32) -> Self {
        Tile { code, part, first, count: TILE.min(part.len - first) }
    }

    /// Where the tile begins in what has a slot for each element: local results
    /// are kept behind the others, a tile of each.
    fn start(&self, slot: u32, stride: i32) -> u32 {
        let (stored, part) = (self.code.stored as u32, self.part);
        if slot < stored {
            slot.wrapping_add_signed(self.first as i32 * stride)
        } else {
            stored + (slot - part.first_local) / part.len * TILE
        }
    }

    /// The elements of a run.
    fn of(&self, run: &Run) -> Run {
        let argument = |i: usize| {
            let Strided { start, stride } = run.arguments[i];
            Strided { start: self.start(start, stride), stride }
        };
        Run {
            op: run.op,
            len: self.count,
            output: self.start(run.output, 1),
            arguments: [argument(0), argument(1), argument(2)],
        }
    }

    /// The terms of a sum: consecutive results.
    fn terms(&self, sum: &NaryStep<T>) -> std::ops::Range<usize> {
        let Operands::Span { first, .. } = sum.operands else {
            unreachable!("only sums of consecutive terms are tiled");
        };
        let start = self.start(first, 1) as usize;
        start..start + self.count as usize
    }

    fn sum(&self, node: u32) -> &'a NaryStep<T> {
        &self.code.nary[node as usize]
    }

    fn forward<R: NaryNumber<Base = T>>(&self, values: &mut [R], inputs: &[R]) {
        for step in &self.code.steps[self.part.steps.clone()] {
            match step {
                Step::Run(run) => forward_run(self.code, &self.of(run), values, inputs),
                Step::Nary(node) => {
                    let sum = self.sum(*node);
                    let so_far = (self.first > 0).then(|| values[sum.output as usize]);
                    values[sum.output as usize] = add_terms(so_far, &values[self.terms(sum)]);
                }
                Step::Scalars(_) => unreachable!("only runs and sums are tiled"),
            }
        }
    }

    /// Computes the local results again.
    fn recompute<R: NaryNumber<Base = T>>(&self, values: &mut [R], inputs: &[R]) {
        for step in &self.code.steps[self.part.steps.clone()] {
            if let Step::Run(run) = step
                && run.output as usize >= self.code.stored
            {
                forward_run(self.code, &self.of(run), values, inputs);
            }
        }
    }

    fn reverse<R: NaryNumber<Base = T>>(
        &self,
        values: &[R],
        adjoints: &mut [R],
        inputs: &[R],
        gradient: &mut [R],
    ) {
        let first_active = self.code.first_active;
        for step in self.code.steps[self.part.steps.clone()].iter().rev() {
            match step {
                Step::Run(run) => {
                    reverse_run(self.code, &self.of(run), values, adjoints, inputs, gradient);
                }
                Step::Nary(node) => {
                    let sum = self.sum(*node);
                    if let Some(place) = (sum.output as usize).checked_sub(first_active) {
                        let y_bar = adjoints[place];
                        let terms = self.terms(sum);
                        for j in terms.start - first_active..terms.end - first_active {
                            adjoints[j] = adjoints[j] + y_bar;
                        }
                    }
                }
                Step::Scalars(_) => unreachable!("only runs and sums are tiled"),
            }
        }
    }
}

/// Evaluates a part.
pub(super) fn forward<R: NaryNumber>(code: &Code<R::Base>, part: &Tiled, values: &mut [R], inputs: &[R]) {
    for first in (0..part.len).step_by(TILE as usize) {
        Tile::new(code, part, first).forward(values, inputs);
    }
}

/// Takes the adjoints of a part's results to what it reads.
pub(super) fn reverse<R: NaryNumber>(
    code: &Code<R::Base>,
    part: &Tiled,
    values: &mut [R],
    adjoints: &mut [R],
    inputs: &[R],
    gradient: &mut [R],
) {
    for first in (0..part.len).step_by(TILE as usize).rev() {
        let tile = Tile::new(code, part, first);
        tile.recompute(values, inputs);
        tile.reverse(values, adjoints, inputs, gradient);
    }
    for step in &code.steps[part.steps.clone()] {
        if let Step::Nary(node) = step
            && let Some(place) = (code.nary[*node as usize].output as usize).checked_sub(code.first_active)
        {
            adjoints[place] = R::constant(0.0);
        }
    }
}
