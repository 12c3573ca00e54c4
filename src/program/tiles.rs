//! The two sweeps over a tiled part, a tile of elements at a time.
//!
//! ```text
//! forward, for each tile:             every step on the elements of the tile
//! reverse, for each tile, backwards:  local runs again, then every step reversed
//! both, for each tile:                every step, then every step reversed
//! ```
//!
//! The last needs adjoints that are known before the values; see
//! [`Code::one_pass`].

use std::ops::Range;

use super::code::{Code, MOST_TILED, Run, Step, Strided, TILE, Tiled};
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
    /// Whether what a step adds to the adjoint of an argument is the first such
    /// term: so for the last reader of each local result.
    is_first: [[bool; 3]; MOST_TILED],
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
        let is_first = [[false; 3]; MOST_TILED];
        let mut tiles = Tiles { code, steps, len: part.len, runs, is_first };
        tiles.find_last_readers();
        tiles
    }

    fn find_last_readers(&mut self) {
        let mut is_met = [false; MOST_TILED];
        for (i, step) in self.steps.iter().enumerate().rev() {
            let arguments = match step {
                Step::Run(run) => {
                    self.runs[i].arguments.map(|argument| argument.start).into_iter().take(run.op.arity())
                }
                Step::Nary(node) => [self.runs[self.summed(*node)].output; 3].into_iter().take(1),
                Step::Scalars(_) => unreachable!("only runs and sums are tiled"),
            };
            for (argument, place) in arguments.enumerate() {
                if self.is_local(place) {
                    let local = (place - self.code.stored as u32) / TILE;
                    self.is_first[i][argument] = !std::mem::replace(&mut is_met[local as usize], true);
                }
            }
        }
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

    /// The run whose results a node sums.
    fn summed(&self, node: u32) -> usize {
        let Operands::Span { first, .. } = self.code.nary[node as usize].operands else {
            unreachable!("only sums of consecutive terms are tiled");
        };
        let has_terms = |step: &Step| matches!(step, Step::Run(run) if run.output == first);
        self.steps.iter().position(has_terms).expect("a sum is tiled with its terms")
    }

    /// The output of a sum, and the places of a tile of its terms.
    fn sum(&self, node: u32, elements: Elements) -> (usize, Range<usize>) {
        let terms = self.run(self.summed(node), elements).results();
        (self.code.nary[node as usize].output as usize, terms)
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
                    reverse_run(self.code, &run, self.is_first[i], values, adjoints, inputs, gradient);
                }
                Step::Nary(node) => {
                    let (output, terms) = self.sum(*node, elements);
                    if let Some(place) = output.checked_sub(self.code.first_active) {
                        let y_bar = adjoints[place];
                        let terms = &mut adjoints[terms.start - self.code.first_active..][..terms.len()];
                        if self.is_first[i][0] {
                            terms.fill(y_bar);
                        } else {
                            terms.iter_mut().for_each(|x_bar| *x_bar = *x_bar + y_bar);
                        }
                    }
                }
                Step::Scalars(_) => unreachable!("only runs and sums are tiled"),
            }
        }
    }

    /// Sets the adjoints of the sums, which all tiles read, to zero.
    fn clear_sums<R: NaryNumber<Base = T>>(&self, adjoints: &mut [R]) {
        for step in self.steps {
            if let Step::Nary(node) = step
                && let Some(place) =
                    (self.code.nary[*node as usize].output as usize).checked_sub(self.code.first_active)
            {
                adjoints[place] = R::constant(0.0);
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
    tiles.clear_sums(adjoints);
}

/// [`forward`], and [`reverse`] from adjoints that are known before.
pub(super) fn forward_and_reverse<R: NaryNumber>(
    code: &Code<R::Base>,
    part: &Tiled,
    values: &mut [R],
    adjoints: &mut [R],
    inputs: &[R],
    gradient: &mut [R],
) {
    let tiles = Tiles::new(code, part);
    for elements in tiles.elements() {
        tiles.forward(elements, values, inputs);
        tiles.reverse(elements, values, adjoints, inputs, gradient);
    }
    tiles.clear_sums(adjoints);
}
