//! Which nodes are needed, and how often each is used.

use crate::rules::{Op, Primitive};
use crate::tape::Recording;

/// Added to the count of a node that is the left operand of an addition.
const LEFT_OF_ADD: u32 = 1 << 31;

/// The count of a node whose only use is as the left operand of an addition.
pub(super) const ONLY_LEFT_OF_ADD: u32 = LEFT_OF_ADD | 1;

/// How often each node is used by nodes that are needed; 0 for those that are not.
///
/// Guards count as uses: a comparison is checked even where what it compared
/// does not reach an output.
pub(super) fn count_uses<T: Primitive>(recording: &Recording<T>, outputs: &[u32]) -> Vec<u32> {
    let mut uses = vec![0; recording.len()];
    let compared = recording.guards.iter().flat_map(|guard| &guard.operands);
    for node in outputs.iter().chain(compared).filter_map(|&code| Recording::<T>::variable(code)) {
        // Twice, so that it is nobody's only use.
        uses[node] += 2;
    }
    for node in (0..recording.len()).rev() {
        if uses[node] == 0 {
            continue;
        }
        recording.for_each_operand(node, |operand| uses[operand] += 1);
        let instruction = recording.instruction(node);
        if instruction.op == Op::Add
            && let Some(left) = Recording::<T>::variable(instruction.a)
        {
            uses[left] |= LEFT_OF_ADD;
        }
    }
    uses
}
