//! The two sweeps over a tiled part, a tile of elements at a time.
//!
//! ```text
//! forward, for each tile:             every step on the elements of the tile
//! reverse, for each tile, backwards:  local runs again, then every step reversed
//! ```

use std::ops::Range;

use super::code::{Code, MOST_TILED, NaryStep, Run, Step, Strided, TILE, Tiled};
use super::replay::{forward_run, reverse_run};
use crate::nary::{NaryNumber, add_terms};
use crate::rules::{Op, Primitive};
use crate::tape::Operands;

/// A tiled part, and where its numbers are.
struct Tiles<'a, T> {
    code: &'a Code<T>,
    steps: &'a [Step],
    len: u32,
    /// The runs among the steps, with places in memory instead of slots.
    runs: [Run; MOST_TILED],
}

/// Some elements of a part.
#[derive(Clone, Copy)]
struct Elements {
    first: u32,
    count: u32,
}

impl<'a, T: Primitive> Tiles<'a, T> {
    fn new(code: &'a Code<T>, part: &Tiled) -> Self {
        let steps = &code.steps[part.steps.clone()];
        let place = |slot: u32| part.place(code.stored, slot);
        let nothing = Run { op: Op::Input, len: 0, output: 0, arguments: Default::default() };
        let mut runs = [nothing; MOST_TILED];
        for (placed, step) in runs.iter_mut().zip(steps) {
            if let Step::Run(run) = step {
                let argument =
                    |i: usize| Strided { start: place(run.arguments[i].start), ..run.arguments[i] };
                let arguments = [argument(0), argument(1), argument(2)];
                *placed = Run { output: place(run.output), arguments, ..*run };
            }
        }
        Tiles { code, steps, len: part.len, runs }
    }

    /// The tiles, first to last.
    fn elements(&self) -> impl DoubleEndedIterator<Item = Elements> + use<T> {
        let len = self.len;
        (0..len.div_ceil(TILE)).map(move |i| Elements { first: i * TILE, count: TILE.min(len - i * TILE) })
    }

    /// Whether a place is one for local results, the same for all tiles.
    fn is_local(&self, place: u32) -> bool {
        place as usize >= self.code.stored
    }

    /// A tile of the run that is step `i`.
    fn run(&self, i: usize, Elements { first, count }: Elements) -> Run {
        let run = &self.runs[i];
        let start = |place: u32, stride: i32| {
            if self.is_local(place) { place } else { place.wrapping_add_signed(first as i32 * stride) }
        };
        let argument = |i: usize| {
            let Strided { start: place, stride } = run.arguments[i];
            Strided { start: start(place, stride), stride }
        };
        Run {
            op: run.op,
            len: count,
            output: start(run.output, 1),
            arguments: [argument(0), argument(1), argument(2)],
        }
    }

    /// The output of a sum, and the places of a tile of its terms: all results of a run.
    fn sum(&self, node: u32, elements: Elements) -> (usize, Range<usize>) {
        let NaryStep { output, operands, .. } = self.code.nary[node as usize];
        let terms = |step: &Step| matches!((step, operands), (Step::Run(run), Operands::Span { first, .. }) if run.output == first);
        let i = self.steps.iter().position(terms).expect("a sum is tiled with its terms");
        (output as usize, self.run(i, elements).results())
    }

    fn forward<R: NaryNumber<Base = T>>(&self, elements: Elements, values: &mut [R], inputs: &[R]) {
        for (i, step) in self.steps.iter().enumerate() {
            match step {
                Step::Run(_) => forward_run(self.code, &self.run(i, elements), values, inputs),
                Step::Nary(node) => {
                    let (output, terms) = self.sum(*node, elements);
                    let so_far = (elements.first > 0).then(|| values[output]);
                    values[output] = add_terms(so_far, &values[terms]);
                }
                Step::Scalars(_) => unreachable!("only runs and sums are tiled"),
            }
        }
    }

    /// Computes the local results again.
    fn recompute<R: NaryNumber<Base = T>>(&self, elements: Elements, values: &mut [R], inputs: &[R]) {
        for (i, step) in self.steps.iter().enumerate() {
            if matches!(step, Step::Run(_)) && self.is_local(self.runs[i].output) {
                forward_run(self.code, &self.run(i, elements), values, inputs);
            }
        }
    }

    fn reverse<R: NaryNumber<Base = T>>(
        &self,
        elements: Elements,
        values: &[R],
        adjoints: &mut [R],
        inputs: &[R],
        gradient: &mut [R],
    ) {
        for (i, step) in self.steps.iter().enumerate().rev() {
            match step {
                Step::Run(_) => {
                    let run = self.run(i, elements);
                    reverse_run(self.code, &run, values, adjoints, inputs, gradient);
                }
                Step::Nary(node) => {
                    let (output, terms) = self.sum(*node, elements);
                    if let Some(place) = output.checked_sub(self.code.first_active) {
                        let y_bar = adjoints[place];
                        let terms = &mut adjoints[terms.start - self.code.first_active..][..terms.len()];
                        terms.iter_mut().for_each(|x_bar| *x_bar = *x_bar + y_bar);
                    }
                }
                Step::Scalars(_) => unreachable!("only runs and sums are tiled"),
            }
        }
    }
}

/// Evaluates a part.
pub(super) fn forward<R: NaryNumber>(code: &Code<R::Base>, part: &Tiled, values: &mut [R], inputs: &[R]) {
    let tiles = Tiles::new(code, part);
    tiles.elements().for_each(|elements| tiles.forward(elements, values, inputs));
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
    let tiles = Tiles::new(code, part);
    for elements in tiles.elements().rev() {
        tiles.recompute(elements, values, inputs);
        tiles.reverse(elements, values, adjoints, inputs, gradient);
    }
    for step in tiles.steps {
        if let Step::Nary(node) = step
            && let Some(place) = (code.nary[*node as usize].output as usize).checked_sub(code.first_active)
        {
            adjoints[place] = R::constant(0.0);
        }
    }
}
