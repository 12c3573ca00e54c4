//! Which variables each gathered term sees.

use crate::Error;
use crate::lanes::LANES;

/// The variables of each term, stored as lanes read them: for each block of
/// [`LANES`] terms, the first variable of all of them, then the second, ..
pub(super) struct Incidence {
    blocks: Vec<[u32; LANES]>,
    width: usize,
}

impl Incidence {
    /// Checks that every index is that of one of the variables. The last block
    /// is filled up with its last term.
    pub(super) fn new<const N: usize>(indices: &[[u32; N]], variables: usize) -> Result<Self, Error> {
        if indices.as_flattened().iter().any(|&index| index as usize >= variables) {
            return Err(Error::Invalid {
                argument: "indices",
                reason: "must be below the number of variables",
            });
        }
        let mut blocks = Vec::with_capacity(indices.len().div_ceil(LANES) * N);
        for block in indices.chunks(LANES) {
            for column in 0..N {
                blocks.push(std::array::from_fn(|lane| block[lane.min(block.len() - 1)][column]));
            }
        }
        Ok(Incidence { blocks, width: N })
    }

    /// The `column`-th variable of a term.
    #[inline(always)]
    pub(super) fn variable(&self, row: usize, column: usize) -> usize {
        self.blocks[row / LANES * self.width + column][row % LANES] as usize
    }

    /// The variables of the block of terms that starts at `row`: for each column the lanes.
    #[inline(always)]
    pub(super) fn block(&self, row: usize) -> &[[u32; LANES]] {
        &self.blocks[row / LANES * self.width..][..self.width]
    }
}
