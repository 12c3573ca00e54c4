//! Which derivatives of a program can differ from 0, whatever the inputs.
//!
//! Every value depends on a set of inputs, the union of those of its operands.
//! An operation with a second derivative makes inputs *interact*: a product those
//! of its factors, `sin` those of its argument with each other; sums, `max`, `|x|`
//! and `select` none (A. Walther, *Computing sparse Hessians with automatic
//! differentiation*, 2008). Sets are kept only of values that something curved
//! depends on: the final sum of a thousand terms needs none.

use std::collections::HashSet;

use super::Program;
use super::code::Code;
use super::operations::Operation;
use crate::nary::NaryKind;
use crate::rules::{Op, Primitive};

/// The places in a matrix that may hold something else than 0, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    columns: usize,
    /// Where each row starts, and where the last ends.
    starts: Vec<usize>,
    /// The columns of each row, ascending.
    indices: Vec<u32>,
}

/// The patterns of the derivatives of a program; see [`Program::sparsity`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sparsity {
    /// Of the Jacobian: a row for each output, a column for each input.
    pub jacobian: Pattern,
    /// Of the Hessian of any weighted sum of the outputs; symmetric.
    pub hessian: Pattern,
}

impl Pattern {
    /// The pattern with so many columns and these rows, in any order, also with
    /// repetitions.
    pub(crate) fn new(columns: usize, rows: Vec<Vec<u32>>) -> Self {
        let mut pattern = Pattern { columns, starts: vec![0], indices: Vec::new() };
        for mut row in rows {
            tidy(&mut row);
            pattern.indices.extend(row);
            pattern.starts.push(pattern.indices.len());
        }
        pattern
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of places.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is none: the matrix is 0.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The columns of a row, ascending.
    ///
    /// # Panics
    ///
    /// If there are not so many rows.
    pub fn row(&self, row: usize) -> &[u32] {
        &self.indices[self.starts[row]..self.starts[row + 1]]
    }

    /// Whether a place is in the pattern.
    ///
    /// # Panics
    ///
    /// If there are not so many rows.
    pub fn contains(&self, row: usize, column: usize) -> bool {
        self.position(row, column).is_some()
    }

    /// The number of places before this one.
    pub(crate) fn position(&self, row: usize, column: usize) -> Option<usize> {
        self.row(row).binary_search(&(column as u32)).ok().map(|place| self.starts[row] + place)
    }

    /// A symmetric pattern as a matrix of zeros.
    #[cfg(feature = "sparse")]
    pub(crate) fn to_csc<T: Primitive>(&self) -> nalgebra_sparse::CscMatrix<T> {
        let indices: Vec<usize> = self.indices.iter().map(|&i| i as usize).collect();
        let values = vec![T::zero(); indices.len()];
        nalgebra_sparse::CscMatrix::try_from_csc_data(
            self.rows(),
            self.columns,
            self.starts.clone(),
            indices,
            values,
        )
        .expect("the rows of a symmetric pattern are its columns, ascending")
    }
}

impl<T: Primitive> Program<T> {
    /// Which derivatives can differ from 0, whatever the inputs.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// let program = Program::record(&[0.0; 4], |x| x[0] * x[1] + x[2].sin() + 3.0 * x[1]);
    /// let sparsity = program.sparsity();
    /// assert_eq!(sparsity.jacobian.row(0), [0, 1, 2]);
    /// assert_eq!(sparsity.hessian.row(0), [1]);
    /// assert_eq!(sparsity.hessian.row(2), [2]);
    /// assert_eq!(sparsity.hessian.len(), 3);
    /// ```
    pub fn sparsity(&self) -> Sparsity {
        Sparsity { jacobian: jacobian_pattern(&self.code), hessian: hessian_pattern(&self.code) }
    }
}

/// What the derivatives of an operation look like.
enum Curvature {
    /// The derivative is 0 wherever there is one.
    Flat,
    /// Piecewise linear, in all but so many first arguments, which only choose.
    Linear(usize),
    /// The pairs of arguments by which the second derivative is not 0.
    Pairs(&'static [(usize, usize)]),
    /// Any pair.
    Full,
}

fn curvature(op: Op) -> Curvature {
    match op {
        Op::Floor | Op::Ceil | Op::Round | Op::Trunc | Op::Signum | Op::SignBit => Curvature::Flat,
        Op::Sign | Op::Step | Op::Positive | Op::MaxWeight => Curvature::Flat,
        Op::Neg | Op::Add | Op::Sub | Op::Gap | Op::Rem | Op::Fract => Curvature::Linear(0),
        Op::Abs | Op::Relu | Op::Max | Op::Min => Curvature::Linear(0),
        Op::Select => Curvature::Linear(1),
        Op::Mul | Op::MulAdd => Curvature::Pairs(&[(0, 1)]),
        Op::Div => Curvature::Pairs(&[(0, 1), (1, 1)]),
        _ => Curvature::Full,
    }
}

fn is_linear<T>(kind: &NaryKind<T>) -> bool {
    matches!(kind, NaryKind::Sum | NaryKind::Dot(_) | NaryKind::MatVec(_) | NaryKind::Max | NaryKind::Min)
}

/// Index sets, each stored once; a set is known by its number, 0 is empty.
struct Sets(Vec<Vec<u32>>);

impl Sets {
    /// The sets of single inputs are numbered from 1.
    fn of_inputs(inputs: usize) -> Self {
        Sets(std::iter::once(Vec::new()).chain((0..inputs as u32).map(|i| vec![i])).collect())
    }

    /// The union of some sets; one of them, where that is it.
    fn union(&mut self, mut numbers: Vec<u32>) -> u32 {
        tidy(&mut numbers);
        numbers.retain(|&number| number != 0);
        let largest = numbers.iter().copied().max_by_key(|&number| self.0[number as usize].len());
        let (Some(largest), true) = (largest, numbers.len() > 1) else { return largest.unwrap_or(0) };
        let mut union = numbers.iter().flat_map(|&number| &self.0[number as usize]).copied().collect();
        tidy(&mut union);
        if union.len() == self.0[largest as usize].len() {
            return largest;
        }
        self.0.push(union);
        self.0.len() as u32 - 1
    }
}

/// Sorts, and drops repetitions.
fn tidy(indices: &mut Vec<u32>) {
    indices.sort_unstable();
    indices.dedup();
}

/// The sets of inputs that slots depend on.
struct Dependencies {
    sets: Sets,
    /// The number of the set of each slot.
    of_slot: Vec<u32>,
}

impl Dependencies {
    fn new<T: Primitive>(code: &Code<T>) -> Self {
        let mut of_slot = vec![0; code.slots];
        for (number, slot) in (1..).zip(code.active()) {
            of_slot[slot] = number;
        }
        Dependencies { sets: Sets::of_inputs(code.active_inputs), of_slot }
    }

    fn of(&self, slot: u32) -> u32 {
        self.of_slot[slot as usize]
    }

    fn union(&mut self, slots: &[u32]) -> u32 {
        let numbers = slots.iter().map(|&slot| self.of(slot)).collect();
        self.sets.union(numbers)
    }
}

fn jacobian_pattern<T: Primitive>(code: &Code<T>) -> Pattern {
    let mut dependencies = Dependencies::new(code);
    for operation in code.operations_in_order() {
        match operation {
            Operation::Rule { op, arguments, output } => {
                let set = match curvature(op) {
                    Curvature::Flat => 0,
                    Curvature::Linear(first) => dependencies.union(&arguments[first..]),
                    Curvature::Pairs(_) | Curvature::Full => dependencies.union(&arguments),
                };
                dependencies.of_slot[output as usize] = set;
            }
            Operation::Nary { kind, operands, output } => {
                let set = dependencies.union(&operands);
                let outputs = output as usize..output as usize + kind.outputs(operands.len());
                dependencies.of_slot[outputs].fill(set);
            }
        }
    }
    let rows = code.outputs.iter().map(|&slot| dependencies.sets.0[dependencies.of(slot) as usize].clone());
    Pattern::new(code.active_inputs, rows.collect())
}

/// For each slot whether something curved depends on it.
fn curved_later<T: Primitive>(code: &Code<T>) -> Vec<bool> {
    let mut is_curved_later = vec![false; code.slots];
    for operation in code.operations_in_order().rev() {
        let counting = match &operation {
            Operation::Rule { op, arguments, output } => match curvature(*op) {
                Curvature::Flat => &[],
                Curvature::Linear(first) if is_curved_later[*output as usize] => &arguments[first..],
                Curvature::Linear(_) => &[],
                Curvature::Pairs(_) | Curvature::Full => &arguments[..],
            },
            Operation::Nary { kind, operands, output } => {
                let outputs = *output as usize..*output as usize + kind.outputs(operands.len());
                let counts = !is_linear(*kind) || is_curved_later[outputs].contains(&true);
                if counts { &operands[..] } else { &[] }
            }
        };
        counting.iter().for_each(|&slot| is_curved_later[slot as usize] = true);
    }
    is_curved_later
}

/// The pattern of the Hessian of any weighted sum of the outputs.
pub(crate) fn hessian_pattern<T: Primitive>(code: &Code<T>) -> Pattern {
    let is_needed = curved_later(code);
    let mut dependencies = Dependencies::new(code);
    // Pairs of sets whose inputs interact.
    let mut interactions: HashSet<(u32, u32)> = HashSet::new();
    for operation in code.operations_in_order() {
        match operation {
            Operation::Rule { op, arguments, output } => {
                let first = match curvature(op) {
                    Curvature::Flat => arguments.len(),
                    Curvature::Linear(first) => first,
                    Curvature::Pairs(pairs) => {
                        let of = |i: usize| dependencies.of(arguments[i]);
                        interactions.extend(pairs.iter().map(|&(i, j)| (of(i), of(j))));
                        0
                    }
                    Curvature::Full => {
                        let all = dependencies.union(&arguments);
                        interactions.insert((all, all));
                        0
                    }
                };
                if is_needed[output as usize] {
                    dependencies.of_slot[output as usize] = dependencies.union(&arguments[first..]);
                }
            }
            Operation::Nary { kind, operands, output } => {
                let outputs = output as usize..output as usize + kind.outputs(operands.len());
                if let NaryKind::DotProduct = kind {
                    let (left, right) = operands.split_at(operands.len() / 2);
                    let pairs = left.iter().zip(right);
                    interactions.extend(pairs.map(|(&x, &y)| (dependencies.of(x), dependencies.of(y))));
                } else if !is_linear(kind) {
                    let all = dependencies.union(&operands);
                    interactions.insert((all, all));
                }
                if is_needed[outputs.clone()].contains(&true) {
                    let all = dependencies.union(&operands);
                    dependencies.of_slot[outputs].fill(all);
                }
            }
        }
    }
    symmetric_pattern(code.active_inputs, &dependencies.sets, interactions)
}

/// All `(i, j)` and `(j, i)` with `i` and `j` from an interacting pair of sets.
fn symmetric_pattern(n: usize, sets: &Sets, interactions: HashSet<(u32, u32)>) -> Pattern {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); n];
    for (left, right) in interactions {
        for (from, to) in [(left, right), (right, left)] {
            for &i in &sets.0[from as usize] {
                let row = &mut rows[i as usize];
                row.extend(&sets.0[to as usize]);
                // Few enough repetitions that memory stays in proportion.
                if row.len() > 4 * n {
                    tidy(row);
                }
            }
            if left == right {
                break;
            }
        }
    }
    Pattern::new(n, rows)
}
