//! The page being written: the end of a tape, where one node more takes a few
//! machine instructions.
//!
//! A recording grows, so what is written straight into it has to borrow it and
//! to ask for room. A page has a fixed number of slots, each of them a
//! [`Cell`]: there is nothing to borrow, and nothing to ask but whether the
//! page is full. When it is, or when somebody reads the tape, what is on the
//! page is *filed*: moved to the end of the recording.
//!
//! Node `i` has slot `i mod NODES`, so that a page ends where `i` is a multiple
//! of `NODES`. That this is a mask, and that the page is a part of the tape
//! rather than behind a pointer, shows the compiler that no slot overlaps the
//! counters: in a row of operations it keeps them in registers.

use std::cell::Cell;
#[cfg(debug_assertions)]
use std::panic::Location;

use super::recording::{CONSTANT, Instruction, MAX_NODES, Recording};
use crate::rules::{Op, Primitive};

/// Slots for nodes: enough that filing them one page at a time costs little,
/// few enough that a new tape does.
const NODES: usize = 64;
/// Slots for constants. An operation has at most two constant operands, so
/// that they last as long as those for nodes.
const CONSTANTS: usize = 2 * NODES;

/// The nodes and constants of a tape that are not filed yet.
pub(super) struct Page<T> {
    /// The index of the next node.
    next_node: Cell<u32>,
    /// The index at which the page is full.
    end: Cell<u32>,
    /// The index of the first constant.
    first_constant: Cell<u32>,
    /// The number of constants.
    constant_count: Cell<u32>,
    instructions: [Cell<Instruction>; NODES],
    values: [Cell<T>; NODES],
    constants: [Cell<T>; CONSTANTS],
    #[cfg(debug_assertions)]
    locations: [Cell<&'static Location<'static>>; NODES],
}

impl<T: Primitive> Page<T> {
    /// A page to continue `recording`.
    #[cfg_attr(debug_assertions, track_caller)]
    pub(super) fn after(recording: &Recording<T>) -> Self {
        let instruction = Instruction { op: Op::Input, a: 0, b: 0 };
        let zero = T::constant(0.0);
        let page = Page {
            next_node: Cell::new(0),
            end: Cell::new(0),
            first_constant: Cell::new(0),
            constant_count: Cell::new(0),
            instructions: [instruction; NODES].map(Cell::new),
            values: [zero; NODES].map(Cell::new),
            constants: [zero; CONSTANTS].map(Cell::new),
            #[cfg(debug_assertions)]
            locations: [Location::caller(); NODES].map(Cell::new),
        };
        page.turn(recording);
        page
    }

    /// Whether there is no slot for a node.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.next_node.get() == self.end.get()
    }

    /// Writes a node on a page that is not full; returns its index.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub(super) fn write(&self, op: Op, a: u32, b: u32, value: T) -> u32 {
        debug_assert!(!self.is_full());
        let index = self.next_node.get();
        let slot = index as usize % NODES;
        self.instructions[slot].set(Instruction { op, a, b });
        self.values[slot].set(value);
        #[cfg(debug_assertions)]
        self.locations[slot].set(Location::caller());
        self.next_node.set(index + 1);
        index
    }

    /// Writes a constant for the next node; returns it as an operand.
    #[inline(always)]
    pub(super) fn write_constant(&self, value: T) -> u32 {
        let slot = self.constant_count.get();
        debug_assert!((slot as usize) < CONSTANTS);
        self.constants[slot as usize % CONSTANTS].set(value);
        self.constant_count.set(slot + 1);
        (self.first_constant.get() + slot) | CONSTANT
    }

    /// Moves what is written to the end of `recording`, which the page continues.
    pub(super) fn file(&self, recording: &mut Recording<T>) {
        let first = recording.len();
        let nodes = first % NODES..first % NODES + (self.next_node.get() as usize - first);
        recording.instructions.extend(self.instructions[nodes.clone()].iter().map(Cell::get));
        recording.values.extend(self.values[nodes.clone()].iter().map(Cell::get));
        #[cfg(debug_assertions)]
        recording.locations.extend(self.locations[nodes].iter().map(Cell::get));
        let constants = &self.constants[..self.constant_count.get() as usize];
        recording.constants.extend(constants.iter().map(Cell::get));
        assert!(
            recording.constants.len() <= MAX_NODES - CONSTANTS,
            "the tape is full: more than {} constants",
            MAX_NODES - CONSTANTS
        );
        self.turn(recording);
    }

    /// Makes the page blank, to continue `recording`.
    pub(super) fn turn(&self, recording: &Recording<T>) {
        let filed = recording.len();
        self.next_node.set(filed as u32);
        self.end.set((filed - filed % NODES + NODES).min(recording.node_limit()) as u32);
        self.first_constant.set(recording.constants.len() as u32);
        self.constant_count.set(0);
    }
}
