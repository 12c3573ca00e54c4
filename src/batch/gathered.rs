//! The variables of gathered terms during a sweep: values to load, sums to add to.

use super::incidence::Incidence;
use super::selection::Block;
use crate::lanes::LANES;
use crate::rules::Number;

/// A number for each variable, in the places where an [`Incidence`] keeps them.
pub(super) struct Gathered<'a> {
    incidence: &'a Incidence,
    values: Vec<f64>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(incidence: &'a Incidence, values: &[f64]) -> Self {
        Gathered { incidence, values: incidence.arrange(values) }
    }

    /// Copies what the terms of a block see in a column.
    #[inline(always)]
    pub(super) fn load(&self, block: Block<'_>, column: usize, lanes: &mut [f64; LANES]) {
        match block {
            Block::Consecutive { first, .. } => {
                self.incidence.places(first, column).gather(&self.values, lanes);
            }
            Block::Listed(rows) => self.incidence.gather_listed(rows, column, &self.values, lanes),
        }
    }
}

/// A sum for each variable, in the same places.
pub(super) struct Scattered<'a> {
    incidence: &'a Incidence,
    sums: Vec<f64>,
}

impl<'a> Scattered<'a> {
    pub(super) fn new(incidence: &'a Incidence) -> Self {
        Scattered { incidence, sums: incidence.arrange(&[]) }
    }

    /// Adds what the terms of a block give to a column.
    #[inline(always)]
    pub(super) fn add(&mut self, block: Block<'_>, column: usize, lanes: &[f64; LANES]) {
        match block {
            Block::Consecutive { first, .. } => {
                self.incidence.places(first, column).scatter(lanes, &mut self.sums);
            }
            Block::Listed(rows) => self.incidence.scatter_listed(rows, column, lanes, &mut self.sums),
        }
    }

    /// Multiplies all sums; a factor 0 leaves nothing, also of what is infinite.
    pub(super) fn rescale(&mut self, factor: f64) {
        for sum in &mut self.sums {
            *sum = factor.chain(*sum);
        }
    }

    /// Adds the sums to a gradient.
    pub(super) fn add_to(&self, gradient: &mut [f64]) {
        self.incidence.add_arranged(&self.sums, gradient);
    }
}
