//! Which results need no memory of their own.
//!
//! A result that only its own [tiled part](Tiled) uses is dead when its tile is
//! done - until the reverse sweep, which computes it again from what the part
//! reads, if that is cheaper than the way to memory and back. Such runs are
//! *local*: one tile of their values and adjoints stays in the cache, and the
//! memory of a replay grows only with what leaves the parts.
//!
//! This is checkpointing (A. Griewank, A. Walther, *Evaluating Derivatives*,
//! 2nd edition, chapter 12) with a checkpoint before each tile.

use std::ops::Range;

use crate::program::code::{Code, Part, Step};
use crate::rules::{Op, Primitive};
use crate::tape::Operands;

/// Whether to compute a result twice is cheaper than to store it. Not so for
/// what has a [smooth twin](crate::program::twins), which is dear.
fn is_cheap(op: Op) -> bool {
    matches!(op, Op::Neg | Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Square)
}

/// Results that may be local.
struct Candidate {
    results: Range<usize>,
    /// The index of their part.
    part: usize,
    is_local: bool,
}

/// Finds local runs, and numbers their results last.
pub(super) fn separate<T: Primitive>(code: &mut Code<T>) {
    let mut candidates = candidates(code);
    if candidates.is_empty() {
        return;
    }
    keep_what_leaves(code, &mut candidates);
    candidates.retain(|candidate| candidate.is_local);

    // How many local results stand before those of each candidate, and in all.
    let mut before = Vec::with_capacity(candidates.len() + 1);
    let mut total = 0;
    for candidate in &candidates {
        before.push(total);
        total += candidate.results.len();
    }
    before.push(total);
    code.stored -= total;
    let stored = code.stored;
    for (candidate, &before) in candidates.iter().zip(&before) {
        let Part::Tiled(part) = &mut code.parts[candidate.part] else {
            unreachable!("candidates are in tiled parts");
        };
        if part.locals == 0 {
            part.first_local = (stored + before) as u32;
        }
        part.locals += 1;
    }
    code.rename_slots(|slot| {
        let slot = slot as usize;
        let i = candidates.partition_point(|candidate| candidate.results.end <= slot);
        let renamed = match candidates.get(i) {
            Some(local) if local.results.start <= slot => stored + before[i] + (slot - local.results.start),
            _ => slot - before[i],
        };
        renamed as u32
    });
}

/// The active runs of tiled parts that are cheap, in the order of their slots.
fn candidates<T: Primitive>(code: &Code<T>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (i, part) in code.parts.iter().enumerate() {
        let Part::Tiled(part) = part else {
            continue;
        };
        for step in &code.steps[part.steps.clone()] {
            if let Step::Run(run) = step
                && is_cheap(run.op)
                && run.output as usize >= code.first_active
            {
                candidates.push(Candidate { results: run.results(), part: i, is_local: true });
            }
        }
    }
    candidates
}

/// Marks the candidates that are read outside their parts.
fn keep_what_leaves<T: Primitive>(code: &Code<T>, candidates: &mut [Candidate]) {
    let mut read = |slots: Range<usize>, reader: Option<usize>| {
        let first = candidates.partition_point(|candidate| candidate.results.end <= slots.start);
        for candidate in &mut candidates[first..] {
            if candidate.results.start >= slots.end {
                break;
            }
            candidate.is_local &= reader == Some(candidate.part);
        }
    };
    for (i, part) in code.parts.iter().enumerate() {
        for step in &code.steps[part.steps()] {
            for_each_read(code, step, |slots| read(slots, Some(i)));
        }
    }
    let compared = code.guards.iter().flat_map(|guard| &guard.operands);
    code.outputs.iter().chain(compared).for_each(|&slot| read(one(slot), None));
}

fn one(slot: u32) -> Range<usize> {
    slot as usize..slot as usize + 1
}

/// Visits ranges that hold all slots a step reads.
fn for_each_read<T: Primitive>(code: &Code<T>, step: &Step, mut visit: impl FnMut(Range<usize>)) {
    let mut each = |slots: &[u32]| slots.iter().for_each(|&slot| visit(one(slot)));
    match step {
        Step::Run(run) => (0..run.op.arity()).for_each(|i| visit(run.argument_range(i))),
        Step::Scalars(scalars) => {
            for &instruction in scalars.instructions(code) {
                let arity = instruction.op.arity();
                each(&code.rule_operands(instruction, arity)[..arity]);
            }
        }
        Step::Nary(node) => match code.nary[*node as usize].operands {
            Operands::Span { first, count } => visit(first as usize..(first + count) as usize),
            Operands::List { offset, count } => each(&code.operand_list[offset as usize..][..count as usize]),
        },
    }
}
