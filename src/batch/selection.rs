//! Which rows are swept, and in which blocks.

use std::borrow::Cow;
use std::ops::Range;

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

/// The rows that count.
pub(super) enum Support {
    /// So many, which is all.
    All(usize),
    /// In ascending order.
    Listed(Vec<usize>),
}

impl Support {
    /// The rows whose weight is not 0.
    pub(super) fn of(weights: &[f64]) -> Self {
        if weights.iter().all(|&w| w != 0.0) {
            return Support::All(weights.len());
        }
        Support::Listed((0..weights.len()).filter(|&row| weights[row] != 0.0).collect())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Support::All(count) => *count,
            Support::Listed(rows) => rows.len(),
        }
    }

    /// A range of these rows.
    pub(super) fn select(&self, range: Range<usize>) -> Selection<'_> {
        match self {
            Support::All(_) => Selection::Range(range.start, range.end),
            Support::Listed(rows) => Selection::List(&rows[range]),
        }
    }

    /// The numbers of these rows.
    pub(super) fn pick<'a>(&self, numbers: &'a [f64]) -> Cow<'a, [f64]> {
        match self {
            Support::All(_) => numbers.into(),
            Support::Listed(rows) => rows.iter().map(|&row| numbers[row]).collect(),
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
