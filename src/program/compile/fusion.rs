//! Chains of additions become n-ary sums, and every node gets its rank.

use super::liveness::ONLY_LEFT_OF_ADD;
use crate::nary::NaryKind;
use crate::rules::{Op, Primitive};
use crate::tape::{CONSTANT, Instruction, NaryNode, Operands, Recording};

/// Marks ranks of nodes that depend on an active input.
pub(super) const ACTIVE: u32 = 1 << 31;

/// The fewest terms of a chain that is fused.
const FEWEST_TERMS: usize = 5;

/// The rank of each node: its level, with [`ACTIVE`] set if it depends on an
/// active input. The level of an active node counts from active ones only.
///
/// On the way `((a + b) + c) + ..`, where no partial sum has another use,
/// becomes one sum node. It adds in the same order, so not a bit changes, but
/// its level is that of its terms rather than of its length.
pub(super) fn fuse_and_rank<T: Primitive>(
    recording: &mut Recording<T>,
    uses: &mut [u32],
    active_inputs: usize,
) -> Vec<u32> {
    let mut ranks: Vec<u32> = vec![0; recording.len()];
    let mut inputs = 0;
    for node in 0..recording.len() {
        if recording.op(node) == Op::Input {
            ranks[node] = if inputs < active_inputs { ACTIVE } else { 0 };
            inputs += 1;
        } else if uses[node] != 0 {
            if recording.op(node) == Op::Add && uses[node] != ONLY_LEFT_OF_ADD {
                fuse_chain(recording, uses, node);
            }
            let mut highest = 0;
            recording.for_each_operand(node, |operand| highest = ranks[operand].max(highest));
            let is_first = recording.op(node) != Op::Continued;
            ranks[node] = highest + u32::from(is_first);
        }
    }
    ranks
}

/// Replaces the addition that ends a chain by a sum of the chain's terms.
fn fuse_chain<T: Primitive>(recording: &mut Recording<T>, uses: &mut [u32], end: usize) {
    let continues = |code: u32, uses: &[u32]| {
        let node = Recording::<T>::variable(code)?;
        (recording.op(node) == Op::Add && uses[node] == ONLY_LEFT_OF_ADD).then_some(node)
    };
    let mut partial_sums = Vec::new();
    let mut left = recording.instruction(end).a;
    while let Some(node) = continues(left, uses) {
        partial_sums.push(node);
        left = recording.instruction(node).a;
    }
    if partial_sums.len() + 2 < FEWEST_TERMS {
        return;
    }
    // Where the terms are additions themselves, so is the first one: it runs with them.
    if let [.., second, first] = partial_sums[..]
        && let Some(term) = Recording::<T>::variable(recording.instruction(second).b)
        && recording.op(term) == Op::Add
    {
        left = first as u32;
        partial_sums.pop();
    }
    for &node in &partial_sums {
        uses[node] = 0;
    }
    let rights = partial_sums.iter().rev().chain([&end]).map(|&node| recording.instruction(node).b);
    let terms: Vec<u32> = std::iter::once(left).chain(rights).collect();
    let operands = Operands::List { offset: recording.operand_list.len() as u32, count: terms.len() as u32 };
    recording.operand_list.extend(terms);
    let sum = Instruction { op: Op::Nary, a: recording.nary_nodes.len() as u32, b: 0 };
    recording.set_instruction(end, sum);
    recording.nary_nodes.push(NaryNode { kind: NaryKind::Sum, operands, weights: 0 });
    debug_assert!(recording.operand_list.len() <= CONSTANT as usize);
}
