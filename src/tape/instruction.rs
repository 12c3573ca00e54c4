//! One operation of a tape and where its operands are.
//!
//! Static single assignment: instruction `i` defines value `i`. An operand is
//! a `u32`: the index of an earlier value, or, with the top bit set, of a
//! constant. Rules of one or two arguments hold their operands in the
//! instruction; rules of three and n-ary nodes refer to a list.

use crate::rules::Op;

/// Marks an operand as the index of a constant.
pub(crate) const CONSTANT: u32 = 1 << 31;

/// One operation and where its operands are.
///
/// `a` and `b` are operands, or for a rule of three arguments `a` is their place
/// in the list; for [`Op::Nary`] `a` is the index of the node, for
/// [`Op::Preaccumulated`] they are the ends of a range of partials. A recording
/// keeps operations and operands apart, which takes 9 bytes instead of 12.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    pub(crate) op: Op,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// The `a` and `b` of an instruction in one word, to be stored at once.
#[derive(Clone, Copy)]
pub(super) struct Pair(u64);

impl Pair {
    #[inline(always)]
    pub(super) const fn new(a: u32, b: u32) -> Self {
        Pair((b as u64) << 32 | a as u64)
    }

    #[inline(always)]
    pub(super) const fn a(self) -> u32 {
        self.0 as u32
    }

    #[inline(always)]
    pub(super) const fn b(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// The operands of an n-ary node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operands {
    /// `count` consecutive values, read in place.
    Span { first: u32, count: u32 },
    /// `count` entries of the operand list.
    List { offset: u32, count: u32 },
}

impl Operands {
    pub(crate) fn count(self) -> usize {
        match self {
            Operands::Span { count, .. } | Operands::List { count, .. } => count as usize,
        }
    }
}
