//! Which steps can go through memory together.
//!
//! A run over many elements streams its arguments and results from one end of
//! memory to the other, and the next run does so again. Consecutive runs of
//! equal length in which element `j` needs only elements `j` of each other can
//! instead be taken a *tile* of elements at a time: what one run writes is
//! still in the cache when the next one reads it. A sum of all results of such
//! a run goes along, its terms in their order. Not a bit of a value changes;
//! where elements share an adjoint, its terms are added in another order.

use crate::nary::NaryKind;
use crate::program::code::{Code, MOST_TILED, Part, Run, Step, TILE, Tiled};
use crate::rules::Primitive;
use crate::tape::Operands;

/// The fewest elements for which tiles pay.
const SHORTEST: u32 = 2 * TILE;

/// Partitions the steps: those of one part can be tiled, any other step is a
/// part of its own.
pub(super) fn parts<T: Primitive>(code: &Code<T>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start < code.steps.len() {
        let mut end = start + 1;
        while end < code.steps.len() && joins(code, &code.steps[start..end], &code.steps[end]) {
            end += 1;
        }
        parts.push(match &code.steps[start] {
            Step::Run(run) if end > start + 1 => {
                Part::Tiled(Tiled { steps: start..end, len: run.len, first_local: 0, locals: 0 })
            }
            _ => Part::Step(start),
        });
        start = end;
    }
    parts
}

/// Whether a step can be tiled with those of a part.
fn joins<T: Primitive>(code: &Code<T>, part: &[Step], step: &Step) -> bool {
    let Step::Run(first) = part[0] else {
        return false;
    };
    let fits = |earlier: &Step| match (step, earlier) {
        (Step::Run(run), Step::Run(earlier)) => run.len == first.len && is_elementwise(run, earlier),
        (Step::Run(run), &Step::Nary(sum)) => !uses(run, code.nary[sum as usize].output),
        (Step::Nary(_), _) => true,
        (Step::Scalars(_), _) | (_, Step::Scalars(_)) => false,
    };
    let is_sum = |node: u32| part.iter().any(|step| is_sum_of(code, node, step));
    first.len >= SHORTEST
        && part.len() < MOST_TILED
        && part.iter().all(fits)
        && !matches!(step, &Step::Nary(node) if !is_sum(node))
}

/// Whether element `j` of a run needs no element of an earlier one but `j`.
fn is_elementwise(run: &Run, earlier: &Run) -> bool {
    let results = earlier.results();
    (0..run.op.arity()).all(|i| {
        let argument = run.argument_range(i);
        let is_aligned = argument.start == results.start && run.arguments[i].stride == 1;
        is_aligned || argument.end <= results.start || results.end <= argument.start
    })
}

/// Whether a slot may be among the arguments of a run.
fn uses(run: &Run, slot: u32) -> bool {
    (0..run.op.arity()).any(|i| run.argument_range(i).contains(&(slot as usize)))
}

/// Whether a node is the sum of all results of a run.
fn is_sum_of<T: Primitive>(code: &Code<T>, node: u32, step: &Step) -> bool {
    let node = &code.nary[node as usize];
    match (&node.kind, node.operands, step) {
        (NaryKind::Sum, Operands::Span { first, count }, Step::Run(run)) => {
            first == run.output && count == run.len
        }
        _ => false,
    }
}
