//! From a recording to steps over slots.
//!
//! | pass | file | does |
//! |---|---|---|
//! | liveness | `liveness.rs` | finds what the outputs and guards need |
//! | fusion | `fusion.rs` | turns chains of additions into n-ary sums, order kept |
//! | schedule | `schedule.rs` | sorts by level, then by operation; stable |
//! | emission | `emission.rs` | numbers slots, gathers constants, finds strides |
//! | tiling | `tiling.rs` | finds the steps that can go through memory together |
//! | locality | `locality.rs` | finds the results that need no memory of their own |
//! | inputs | `inputs.rs` | asks whether the inputs need any |
//! | ending | `ending.rs` | asks whether the last tiles need only one pass |
//!
//! The *level* of a result is one more than the highest among its operands, so
//! results of one level do not depend on each other and equal operations among
//! them form long loops. Every pass is linear in the length of the recording.

use super::code::Code;
use crate::Error;
use crate::rules::{Op, Primitive};
use crate::tape::Recording;

mod emission;
mod ending;
mod fusion;
mod inputs;
mod liveness;
mod locality;
mod schedule;
mod tiling;

pub(super) use inputs::are_in_place;

/// The most operations a program can hold: slots are numbered with 30 bits.
pub(crate) const MAX_OPERATIONS: usize = 1 << 30;

/// What is compiled: a recording and how it is to be used.
pub(crate) struct Source<T> {
    pub(crate) recording: Recording<T>,
    /// The outputs, coded as operands.
    pub(crate) outputs: Vec<u32>,
    /// Derivatives are asked for in so many inputs, the first ones declared ...
    pub(crate) active_inputs: usize,
    /// ... and so many more are set for each replay. What else was declared, by
    /// the function itself, is a constant.
    pub(crate) passive_inputs: usize,
    /// Whether equal operations are joined into loops. Not for lanes, which are
    /// a loop already.
    pub(crate) find_runs: bool,
}

/// Compiles a recording.
pub(crate) fn compile<T: Primitive>(source: Source<T>) -> Result<Code<T>, Error> {
    let Source { mut recording, outputs, active_inputs, passive_inputs, find_runs } = source;
    if recording.len() > MAX_OPERATIONS {
        return Err(Error::TooLong { operations: recording.len(), limit: MAX_OPERATIONS });
    }
    if recording.has_blocks() {
        return Err(Error::NotReplayable { node: Op::Preaccumulated.name().to_owned() });
    }
    recording.nary_nodes().iter().try_for_each(|node| node.kind.require_replayable())?;
    let mut uses = liveness::count_uses(&recording, &outputs);
    let ranks = fusion::fuse_and_rank(&mut recording, &mut uses, active_inputs);
    let order = schedule::order(&recording, &uses, &ranks);
    let mut code = emission::emit(recording, &order, outputs, [active_inputs, passive_inputs], find_runs);
    code.parts = tiling::parts(&code);
    locality::separate(&mut code);
    code.in_place = find_runs && are_in_place(&code);
    code.one_pass = ending::last_part(&code);
    Ok(code)
}
