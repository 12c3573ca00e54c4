//! Which variables each gathered term sees.

use crate::Error;

/// A row of variable indices for each term.
pub(super) struct Incidence<'d> {
    indices: &'d [u32],
    width: usize,
}

impl<'d> Incidence<'d> {
    /// Checks that every index is that of one of the variables.
    pub(super) fn new<const N: usize>(indices: &'d [[u32; N]], variables: usize) -> Result<Self, Error> {
        let indices = indices.as_flattened();
        if indices.iter().any(|&index| index as usize >= variables) {
            return Err(Error::Invalid {
                argument: "indices",
                reason: "must be below the number of variables",
            });
        }
        Ok(Incidence { indices, width: N })
    }

    /// The variables of a term.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[u32] {
        &self.indices[row * self.width..][..self.width]
    }
}
