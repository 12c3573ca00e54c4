//! The variables of gathered terms during a sweep.

use super::incidence::{Incidence, Places};
use super::selection::Block;
use crate::lanes::{LANES, Lanes};
use crate::rules::Number;

/// The variables, in the places where an [`Incidence`] keeps them, and the sums
/// of what they receive.
pub(super) struct Gathered<'a> {
    incidence: &'a Incidence,
    values: Vec<f64>,
    adjoints: Vec<f64>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(incidence: &'a Incidence, point: &[f64]) -> Self {
        let values = incidence.arrange(point);
        let adjoints = vec![0.0; values.len()];
        Gathered { incidence, values, adjoints }
    }

    /// Puts what the terms of a block see into the lanes of each column.
    #[inline(always)]
    pub(super) fn load<I>(&self, block: Block<'_>, columns: &mut [Lanes<I>]) {
        for column in 0..columns.len() {
            let lanes = &mut columns[column].lanes;
            match block {
                Block::Consecutive { first, .. } => {
                    self.incidence.places(first, column).gather(&self.values, lanes);
                }
                Block::Listed(_) => {
                    Places::Listed(&self.listed_places(block, column)).gather(&self.values, lanes);
                }
            }
        }
    }

    /// Adds what the terms of a block give to the lanes of each column, and
    /// leaves zeros there.
    #[inline(always)]
    pub(super) fn take<I>(&mut self, block: Block<'_>, columns: &mut [Lanes<I>]) {
        for column in 0..columns.len() {
            let lanes = &columns[column].lanes;
            match block {
                Block::Consecutive { first, .. } => {
                    self.incidence.places(first, column).scatter(lanes, &mut self.adjoints);
                }
                Block::Listed(_) => {
                    let places = self.listed_places(block, column);
                    Places::Listed(&places).scatter(lanes, &mut self.adjoints);
                }
            }
            columns[column] = Lanes::splat(0.0);
        }
    }

    /// The places that the rows of a block see in a column.
    #[inline(never)]
    fn listed_places(&self, block: Block<'_>, column: usize) -> [u32; LANES] {
        std::array::from_fn(|lane| self.incidence.place(block.row(lane), column) as u32)
    }

    /// Multiplies all sums; a factor 0 leaves nothing, also of what is infinite.
    pub(super) fn rescale(&mut self, factor: f64) {
        for sum in &mut self.adjoints {
            *sum = factor.chain(*sum);
        }
    }

    /// Adds the sums to the gradient.
    pub(super) fn add_to(&self, gradient: &mut [f64]) {
        self.incidence.add_arranged(&self.adjoints, gradient);
    }
}
