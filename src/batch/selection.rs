//! Which rows are swept, and in which blocks.

use crate::lanes::LANES;

/// Which rows are swept, in blocks of at most [`LANES`].
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    /// From the first, a multiple of [`LANES`], up to the second.
    Range(usize, usize),
    /// The listed blocks of consecutive rows.
    Blocks(&'a [usize]),
    /// The listed rows.
    List(&'a [usize]),
}

/// Rows that are swept together.
#[derive(Clone, Copy)]
pub(super) enum Block<'a> {
    Consecutive { first: usize, count: usize },
    Listed(&'a [usize]),
}

impl<'a> Selection<'a> {
    /// The number of blocks.
    pub(super) fn blocks(self) -> usize {
        match self {
            Selection::Range(first, end) => (end - first).div_ceil(LANES),
            Selection::Blocks(blocks) => blocks.len(),
            Selection::List(rows) => rows.len().div_ceil(LANES),
        }
    }

    /// The `i`-th block, of a batch of so many rows.
    #[inline(always)]
    pub(super) fn block(self, i: usize, rows: usize) -> Block<'a> {
        let consecutive =
            |first: usize, end: usize| Block::Consecutive { first, count: LANES.min(end - first) };
        match self {
            Selection::Range(first, end) => consecutive(first + i * LANES, end),
            Selection::Blocks(blocks) => consecutive(blocks[i] * LANES, rows),
            Selection::List(rows) => Block::Listed(&rows[i * LANES..][..LANES.min(rows.len() - i * LANES)]),
        }
    }
}

impl Block<'_> {
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        match self {
            Block::Consecutive { count, .. } => count,
            Block::Listed(rows) => rows.len(),
        }
    }

    /// The row in a lane; beyond the last row, that is repeated.
    #[inline(always)]
    pub(super) fn row(self, lane: usize) -> usize {
        match self {
            Block::Consecutive { first, count } => first + lane.min(count - 1),
            Block::Listed(rows) => rows[lane.min(rows.len() - 1)],
        }
    }
}
