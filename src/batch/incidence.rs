//! Which variables each gathered term sees.
//!
//! Neighbouring terms mostly see the same variable, or one a constant step
//! away: pairs of points, nets, time steps. A block of terms is then described
//! by two numbers a column instead of one for each term, which is less to read
//! from memory than the terms take to compute.

use crate::Error;
use crate::kernel::sum::fold_lanes;
use crate::lanes::{LANES, Lanes};

/// The variables of each term, for each block of [`LANES`] terms column by column.
pub(super) struct Incidence {
    columns: Vec<Column>,
    listed: Vec<[u32; LANES]>,
    width: usize,
}

/// What the terms of a block see in a column.
#[derive(Clone, Copy)]
enum Column {
    /// Lane `i` the variable `first + i * step`, in wrapping arithmetic.
    Stepped { first: u32, step: u32 },
    /// One of [`Incidence::listed`].
    Listed(u32),
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
        let columns = Vec::with_capacity(indices.len().div_ceil(LANES) * N);
        let mut incidence = Incidence { columns, listed: Vec::new(), width: N };
        for block in indices.chunks(LANES) {
            for column in 0..N {
                incidence.push(std::array::from_fn(|lane| block[lane.min(block.len() - 1)][column]));
            }
        }
        Ok(incidence)
    }

    fn push(&mut self, variables: [u32; LANES]) {
        let (first, step) = (variables[0], variables[1].wrapping_sub(variables[0]));
        let is_stepped = variables.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step);
        self.columns.push(if is_stepped {
            Column::Stepped { first, step }
        } else {
            self.listed.push(variables);
            Column::Listed(self.listed.len() as u32 - 1)
        });
    }

    /// The `column`-th variable of a term.
    pub(super) fn variable(&self, row: usize, column: usize) -> usize {
        let lane = row % LANES;
        match self.variables(row - lane, column) {
            Variables::Stepped { first, step } => stepped(first, step, lane),
            Variables::Listed(variables) => variables[lane] as usize,
        }
    }

    /// The `column`-th variables of the block of terms that starts at `row`.
    #[inline(always)]
    pub(super) fn variables(&self, row: usize, column: usize) -> Variables<'_> {
        match self.columns[row / LANES * self.width + column] {
            Column::Stepped { first, step } => Variables::Stepped { first, step },
            Column::Listed(index) => Variables::Listed(&self.listed[index as usize]),
        }
    }
}

/// The variables of the lanes.
#[derive(Clone, Copy)]
pub(super) enum Variables<'a> {
    /// Lane `i` has `first + i * step`, in wrapping arithmetic.
    Stepped { first: u32, step: u32 },
    /// Each its own.
    Listed(&'a [u32; LANES]),
}

impl Variables<'_> {
    /// Their values.
    #[inline(always)]
    pub(super) fn gather<I>(self, point: &[f64]) -> Lanes<I> {
        // The indices were checked; the minimum tells so to the compiler.
        let last = point.len() - 1;
        let mut lanes = [0.0; LANES];
        match self {
            Variables::Stepped { first, step: 0 } => lanes = [point[first as usize]; LANES],
            Variables::Stepped { first, step } => {
                for i in 0..LANES {
                    lanes[i] = point[stepped(first, step, i).min(last)];
                }
            }
            Variables::Listed(variables) => {
                for i in 0..LANES {
                    lanes[i] = point[(variables[i] as usize).min(last)];
                }
            }
        }
        Lanes::new(lanes)
    }

    /// Adds to their adjoints; those of lanes that share one are added up first.
    #[inline(always)]
    pub(super) fn scatter(self, slopes: &[f64; LANES], gradient: &mut [f64]) {
        match self {
            Variables::Stepped { first, step: 0 } => {
                gradient[first as usize] += fold_lanes(*slopes, |a, b| a + b);
            }
            Variables::Stepped { first, step } => {
                for i in 0..LANES {
                    gradient[stepped(first, step, i)] += slopes[i];
                }
            }
            Variables::Listed(variables) => {
                for i in 0..LANES {
                    gradient[variables[i] as usize] += slopes[i];
                }
            }
        }
    }
}

#[inline(always)]
fn stepped(first: u32, step: u32, lane: usize) -> usize {
    first.wrapping_add(step.wrapping_mul(lane as u32)) as usize
}
