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

use super::instruction::{CONSTANT, Pair};
use super::recording::{MAX_NODES, Recording};
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
    /// The next constant, as an operand.
    next_constant: Cell<u32>,
    values: Slots<T, NODES>,
    operands: Slots<Pair, NODES>,
    ops: Slots<Op, NODES>,
    constants: Slots<T, CONSTANTS>,
    #[cfg(debug_assertions)]
    locations: Slots<&'static Location<'static>, NODES>,
}

impl<T: Primitive> Page<T> {
    /// A page to continue `recording`.
    #[cfg_attr(debug_assertions, track_caller)]
    pub(super) fn after(recording: &Recording<T>) -> Self {
        let zero = T::constant(0.0);
        let page = Page {
            next_node: Cell::new(0),
            end: Cell::new(0),
            next_constant: Cell::new(0),
            values: Slots::filled(zero),
            operands: Slots::filled(Pair::new(0, 0)),
            ops: Slots::filled(Op::Input),
            constants: Slots::filled(zero),
            #[cfg(debug_assertions)]
            locations: Slots::filled(Location::caller()),
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
        let node = self.next_node.get();
        self.ops.set(node, op);
        self.operands.set(node, Pair::new(a, b));
        self.values.set(node, value);
        #[cfg(debug_assertions)]
        self.locations.set(node, Location::caller());
        self.next_node.set(node + 1);
        node
    }

    /// Writes a constant for the next node; returns it as an operand.
    #[inline(always)]
    pub(super) fn write_constant(&self, value: T) -> u32 {
        let operand = self.next_constant.get();
        self.constants.set(operand, value);
        self.next_constant.set(operand + 1);
        operand
    }

    /// Moves what is written to the end of `recording`, which the page continues.
    pub(super) fn file(&self, recording: &mut Recording<T>) {
        let nodes = self.next_node.get() as usize - recording.len();
        self.ops.file(nodes, &mut recording.ops);
        self.operands.file(nodes, &mut recording.operands);
        self.values.file(nodes, &mut recording.values);
        #[cfg(debug_assertions)]
        self.locations.file(nodes, &mut recording.locations);
        let constants = (self.next_constant.get() & !CONSTANT) as usize - recording.constants.len();
        self.constants.file(constants, &mut recording.constants);
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
        self.next_constant.set(recording.constants.len() as u32 | CONSTANT);
    }
}

/// What is to become elements of a vector: element `i` waits in slot `i mod N`.
struct Slots<X, const N: usize>(Cell<[X; N]>);

impl<X: Copy, const N: usize> Slots<X, N> {
    fn filled(x: X) -> Self {
        Slots(Cell::new([x; N]))
    }

    #[inline(always)]
    fn slots(&self) -> &[Cell<X>] {
        let slots: &Cell<[X]> = &self.0;
        slots.as_slice_of_cells()
    }

    #[inline(always)]
    fn set(&self, i: u32, x: X) {
        self.slots()[i as usize % N].set(x);
    }

    /// Appends the `count` elements that come next to the vector.
    #[inline(always)]
    fn file(&self, count: usize, vector: &mut Vec<X>) {
        // A whole page in order, where there is room for it, is one copy.
        let is_whole = count == N && vector.len().is_multiple_of(N);
        if is_whole && vector.capacity() - vector.len() >= N {
            vector.extend_from_slice(&self.0.get());
        } else {
            self.file_some(count, vector);
        }
    }

    #[inline(never)]
    fn file_some(&self, count: usize, vector: &mut Vec<X>) {
        let (before, from) = self.slots().split_at(vector.len() % N);
        let ahead = count.min(from.len());
        vector.extend(from[..ahead].iter().chain(&before[..count - ahead]).map(Cell::get));
    }
}
