//! The order of evaluation.

use super::fusion::ACTIVE;
use crate::rules::{Op, Primitive};
use crate::tape::{CONSTANT, Instruction, Recording};

/// The nodes to evaluate, in an order that puts equal operations together.
pub(super) struct Order {
    /// The nodes; passive ones first.
    pub(super) nodes: Vec<u32>,
    /// The ends of the groups of equal operations of one level.
    pub(super) group_ends: Vec<u32>,
}

/// What makes operations of one level equal: the operation, and which of its
/// operands are constants.
#[inline(always)]
fn kind(instruction: Instruction) -> usize {
    let constant = |code: u32| usize::from(code & CONSTANT != 0);
    (instruction.op as usize) << 2 | constant(instruction.a) << 1 | constant(instruction.b)
}

const KINDS: usize = 1 << 10;

/// Sorts the nodes that are needed by rank, then by kind; stable. Two counting
/// sorts, the minor key first.
pub(super) fn order<T: Primitive>(recording: &Recording<T>, uses: &[u32], ranks: &[u32]) -> Order {
    let is_evaluated = |node: &u32| {
        uses[*node as usize] != 0 && !matches!(recording.op(*node as usize), Op::Input | Op::Continued)
    };
    let needed: Vec<u32> = (0..recording.len() as u32).filter(is_evaluated).collect();

    // Ranks as one sequence: the passive levels, then the active ones.
    let highest_passive =
        needed.iter().map(|&node| ranks[node as usize]).filter(|rank| rank & ACTIVE == 0).max();
    let passive_levels = highest_passive.unwrap_or(0) as usize + 1;
    let level = |node: u32| {
        let rank = ranks[node as usize];
        if rank & ACTIVE == 0 { rank as usize } else { passive_levels + (rank & !ACTIVE) as usize }
    };
    let levels = needed.iter().map(|&node| level(node) + 1).max().unwrap_or(0);
    let kind_of = |node: u32| kind(recording.instruction(node as usize));

    let by_kind = counting_sort(&needed, KINDS, kind_of);
    let nodes = counting_sort(&by_kind, levels, level);
    let key = |&node: &u32| (level(node), kind_of(node));
    let mut group_ends: Vec<u32> =
        (1..nodes.len()).filter(|&i| key(&nodes[i]) != key(&nodes[i - 1])).map(|i| i as u32).collect();
    if !nodes.is_empty() {
        group_ends.push(nodes.len() as u32);
    }
    Order { nodes, group_ends }
}

/// Sorts by a small integer key; stable.
fn counting_sort(nodes: &[u32], keys: usize, key: impl Fn(u32) -> usize) -> Vec<u32> {
    let mut starts = vec![0u32; keys];
    for &node in nodes {
        starts[key(node)] += 1;
    }
    let mut total = 0;
    for start in &mut starts {
        total += std::mem::replace(start, total);
    }
    let mut sorted = vec![0; nodes.len()];
    for &node in nodes {
        let start = &mut starts[key(node)];
        sorted[*start as usize] = node;
        *start += 1;
    }
    sorted
}
