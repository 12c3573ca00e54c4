//! Which variables each gathered term sees.
//!
//! Neighbouring terms mostly see the same variable, or one a constant step
//! away: pairs of points, nets, time steps. The variables are therefore kept in
//! an [order](Order) where a step apart is next to each other, and a block of
//! terms is described by one number a column instead of one for each term:
//! loads and stores of whole vectors, and less to read from memory than the
//! terms take to compute.

use std::collections::BTreeMap;

use crate::Error;
use crate::kernel::sum::fold_lanes;
use crate::lanes::LANES;

/// The variables of each term, for each block of [`LANES`] terms column by column.
pub(super) struct Incidence {
    order: Order,
    columns: Vec<Column>,
    listed: Vec<[u32; LANES]>,
    width: usize,
}

/// The places of the variables that the terms of a block see in a column.
#[derive(Clone, Copy)]
enum Column {
    /// One place for all lanes.
    Shared(u32),
    /// Neighbouring places from this one on.
    Consecutive(u32),
    /// One of [`Incidence::listed`].
    Listed(u32),
}

/// The order in which variables are kept: those a step apart are neighbours.
///
/// Variable `v` has the place `(v mod step) * stride + v div step`. With three
/// coordinates a point and `step = 3`: all first coordinates, all second, all third.
struct Order {
    step: usize,
    /// The places of the variables that are equal modulo `step`.
    stride: usize,
}

impl Order {
    fn new(step: usize, variables: usize) -> Self {
        Order { step, stride: variables.div_ceil(step) }
    }

    fn place(&self, variable: usize) -> usize {
        variable % self.step * self.stride + variable / self.step
    }

    fn variable(&self, place: usize) -> usize {
        place % self.stride * self.step + place / self.stride
    }

    /// How many places there are; some may be empty.
    fn places(&self) -> usize {
        self.step * self.stride
    }
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
        let order = Order::new(commonest_step(indices), variables);
        let columns = Vec::with_capacity(indices.len().div_ceil(LANES) * N);
        let mut incidence = Incidence { order, columns, listed: Vec::new(), width: N };
        for (block, column) in block_columns(indices) {
            let places =
                in_lanes(block, column).map(|variable| incidence.order.place(variable as usize) as u32);
            incidence.push(places);
        }
        Ok(incidence)
    }

    fn push(&mut self, places: [u32; LANES]) {
        self.columns.push(match step_of(&places) {
            Some(0) => Column::Shared(places[0]),
            Some(1) => Column::Consecutive(places[0]),
            _ => {
                self.listed.push(places);
                Column::Listed(self.listed.len() as u32 - 1)
            }
        });
    }

    /// The `column`-th variable of a term.
    pub(super) fn variable(&self, row: usize, column: usize) -> usize {
        self.order.variable(self.place(row, column))
    }

    /// The place of the `column`-th variable of a term.
    fn place(&self, row: usize, column: usize) -> usize {
        let lane = row % LANES;
        match self.places(row - lane, column) {
            Places::Shared(place) => place,
            Places::Consecutive(first) => first + lane,
            Places::Listed(places) => places[lane] as usize,
        }
    }

    /// The places of the `column`-th variables of the block of terms that starts at `row`.
    #[inline(always)]
    pub(super) fn places(&self, row: usize, column: usize) -> Places<'_> {
        match self.columns[row / LANES * self.width + column] {
            Column::Shared(place) => Places::Shared(place as usize),
            Column::Consecutive(first) => Places::Consecutive(first as usize),
            Column::Listed(index) => Places::Listed(&self.listed[index as usize]),
        }
    }

    /// [`Places::gather`] for listed rows.
    pub(super) fn gather_listed(
        &self,
        rows: &[usize],
        column: usize,
        values: &[f64],
        lanes: &mut [f64; LANES],
    ) {
        Places::Listed(&self.listed_places(rows, column)).gather(values, lanes);
    }

    /// [`Places::scatter`] for listed rows.
    pub(super) fn scatter_listed(
        &self,
        rows: &[usize],
        column: usize,
        lanes: &[f64; LANES],
        sums: &mut [f64],
    ) {
        Places::Listed(&self.listed_places(rows, column)).scatter(lanes, sums);
    }

    /// The places that rows see in a column; beyond the last row, that is repeated.
    fn listed_places(&self, rows: &[usize], column: usize) -> [u32; LANES] {
        std::array::from_fn(|lane| self.place(rows[lane.min(rows.len() - 1)], column) as u32)
    }

    /// The numbers of the variables in their places; zeros where there is none.
    pub(super) fn arrange(&self, values: &[f64]) -> Vec<f64> {
        let Order { step, stride } = self.order;
        let mut places = vec![0.0; self.order.places()];
        for first in 0..step {
            for (place, value) in
                places[first * stride..].iter_mut().zip(values.iter().skip(first).step_by(step))
            {
                *place = *value;
            }
        }
        places
    }

    /// Adds what is in the places to the variables there.
    pub(super) fn add_arranged(&self, places: &[f64], sums: &mut [f64]) {
        let Order { step, stride } = self.order;
        for first in 0..step {
            for (place, sum) in places[first * stride..].iter().zip(sums.iter_mut().skip(first).step_by(step))
            {
                *sum += place;
            }
        }
    }
}

/// Every block of terms with each of its columns.
fn block_columns<const N: usize>(indices: &[[u32; N]]) -> impl Iterator<Item = (&[[u32; N]], usize)> {
    indices.chunks(LANES).flat_map(|block| (0..N).map(move |column| (block, column)))
}

/// A column of a block, filled up with its last.
fn in_lanes<const N: usize>(block: &[[u32; N]], column: usize) -> [u32; LANES] {
    std::array::from_fn(|lane| block[lane.min(block.len() - 1)][column])
}

/// The difference of neighbours, where it is the same for all.
fn step_of(lanes: &[u32; LANES]) -> Option<u32> {
    let step = lanes[1].checked_sub(lanes[0])?;
    lanes.windows(2).all(|pair| pair[1].checked_sub(pair[0]) == Some(step)).then_some(step)
}

/// The step, not 0, that most columns of blocks have; 1 if none has any.
fn commonest_step<const N: usize>(indices: &[[u32; N]]) -> usize {
    let mut counts = BTreeMap::new();
    for (block, column) in block_columns(indices) {
        if let Some(step) = step_of(&in_lanes(block, column)).filter(|&step| step != 0) {
            *counts.entry(step).or_insert(0) += 1;
        }
    }
    counts.into_iter().max_by_key(|&(_, count)| count).map_or(1, |(step, _)| step as usize)
}

/// The places of the variables in the lanes.
#[derive(Clone, Copy)]
pub(super) enum Places<'a> {
    /// The same one in each.
    Shared(usize),
    /// Neighbours, from this one on.
    Consecutive(usize),
    /// Each its own.
    Listed(&'a [u32; LANES]),
}

impl Places<'_> {
    /// Copies what is there to the lanes.
    #[inline(always)]
    pub(super) fn gather(self, values: &[f64], lanes: &mut [f64; LANES]) {
        match self {
            Places::Shared(place) => *lanes = [values[place]; LANES],
            Places::Consecutive(first) => lanes.copy_from_slice(&values[first..][..LANES]),
            Places::Listed(places) => {
                // The indices were checked; the minimum tells so to the compiler.
                let last = values.len() - 1;
                for i in 0..LANES {
                    lanes[i] = values[(places[i] as usize).min(last)];
                }
            }
        }
    }

    /// Adds the lanes to what is there; lanes that share a place are added up first.
    #[inline(always)]
    pub(super) fn scatter(self, lanes: &[f64; LANES], sums: &mut [f64]) {
        match self {
            Places::Shared(place) => sums[place] += fold_lanes(*lanes, |a, b| a + b),
            Places::Consecutive(first) => {
                let sums = &mut sums[first..][..LANES];
                for i in 0..LANES {
                    sums[i] += lanes[i];
                }
            }
            Places::Listed(places) => {
                for i in 0..LANES {
                    sums[places[i] as usize] += lanes[i];
                }
            }
        }
    }
}
