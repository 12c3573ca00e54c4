//! Which runs can go through memory together.
//!
//! A run over many elements streams its arguments and results from one end of
//! memory to the other, and the next run does so again. Consecutive runs of
//! equal length in which element `j` needs only elements `j` of each other can
//! instead be taken a *tile* of elements at a time: what one run writes is
//! still in the cache when the next one reads it. Not a bit of a value changes;
//! where elements share an adjoint, its terms are added in another order.

use std::ops::Range;

use crate::program::code::{Run, Step};

/// The fewest elements for which tiles pay.
const SHORTEST: u32 = 4096;

/// The most runs in a part, so that comparing them stays linear in their number.
const MOST: usize = 64;

/// Partitions the steps: runs of one part can be tiled, any other step is a
/// part of its own.
pub(super) fn parts(steps: &[Step]) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        match parts.last_mut() {
            Some(part) if joins(&steps[part.clone()], step) => part.end = i + 1,
            _ => parts.push(i..i + 1),
        }
    }
    parts
}

/// Whether a step can be tiled with those of a part.
fn joins(part: &[Step], step: &Step) -> bool {
    let Step::Run(run) = step else {
        return false;
    };
    run.len >= SHORTEST
        && part.len() < MOST
        && part.iter().all(|earlier| match earlier {
            Step::Run(earlier) => earlier.len == run.len && is_elementwise(run, earlier),
            _ => false,
        })
}

/// Whether element `j` of a run needs no element of an earlier one but `j`.
fn is_elementwise(run: &Run, earlier: &Run) -> bool {
    let results = earlier.output..earlier.output + earlier.len;
    run.arguments[..run.op.arity()].iter().all(|argument| {
        let aligned = argument.start == earlier.output && argument.stride == 1;
        let (first, last) = (argument.start, argument.slot(run.len as usize - 1) as u32);
        aligned || last.max(first) < results.start || first.min(last) >= results.end
    })
}
