//! Whether a replay can leave the active inputs where the caller has them.

use std::ops::Range;

use crate::program::code::{Code, Step};
use crate::rules::Primitive;
use crate::tape::Operands;

/// Whether only runs and n-ary nodes of consecutive operands read active
/// inputs: those take a whole slice, so where it is they ask once. What reads
/// slots one by one - scalar instructions, lists, guards, outputs - expects
/// them all in one array.
pub(crate) fn are_in_place<T: Primitive>(code: &Code<T>) -> bool {
    let inputs = code.active();
    let is_input = |&slot: &u32| inputs.contains(&(slot as usize));
    let is_split = |slots: Range<usize>| {
        slots.start < inputs.end
            && inputs.start < slots.end
            && !(inputs.start <= slots.start && slots.end <= inputs.end)
    };
    let compared = code.guards.iter().flat_map(|guard| &guard.operands);
    let by_slot = code.outputs.iter().chain(&code.operand_list).chain(compared).any(is_input);
    !by_slot
        && !code.instructions.iter().any(|instruction| match instruction.op.arity() {
            1 => is_input(&instruction.a),
            2 => is_input(&instruction.a) || is_input(&instruction.b),
            _ => false, // listed
        })
        && !code.steps.iter().any(|step| match step {
            Step::Run(run) => (0..run.op.arity()).any(|i| is_split(run.argument_range(i))),
            Step::Scalars(_) => false,
            Step::Nary(node) => match code.nary[*node as usize].operands {
                Operands::Span { first, count } => is_split(first as usize..(first + count) as usize),
                Operands::List { .. } => false,
            },
        })
}
