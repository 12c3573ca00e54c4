//! One term, many data rows.
//!
//! A [`Batch`] records a term `f(p, row)` once and evaluates it for every row
//! of a table, 32 rows at a time on vector instructions, with memory for one
//! block of rows beyond the data. Terms reach the variables in one of two ways:
//!
//! - *broadcast* ([`Batch::record`]): every term sees the whole, short vector
//!   `p` - fits, games, filters;
//! - *gather* ([`Batch::gather`]): a term sees a few of many variables through a
//!   row of indices - pairs of points, elements, time steps.
//!
//! ```
//! use smoothmax::Batch;
//!
//! // The largest squared residual of a line, smoothed.
//! let data = [[0.0, 1.0], [1.0, 3.0], [2.0, 4.0]];
//! let batch = Batch::record(&[0.0, 0.0], &data[..], |p, row| (p[0] + p[1] * row[0] - row[1]).powi(2));
//!
//! let mut g = [0.0; 2];
//! let value = batch.smooth_max(100.0, &[1.0, 1.5], &mut g)?;
//! assert!(0.25 <= value && value <= 0.25 + 3f64.ln() / 100.0);
//! assert_eq!(batch.sum(&[1.0, 1.5], &mut g)?, 0.25);
//! # Ok::<(), smoothmax::Error>(())
//! ```
//!
//! A variable that the term itself makes, with [`Tape::var`](crate::Tape::var),
//! keeps its value: it is a constant.
//!
//! | file | holds |
//! |---|---|
//! | `record.rs` | recording the term |
//! | `rows.rs` | the data, owned or borrowed |
//! | `incidence.rs`, `gathered.rs` | which variables a gathered term sees, and those during a sweep |
//! | `selection.rs` | which rows are swept, in which blocks |
//! | `term.rs` | the term on lanes |
//! | `sweep.rs` | the loop over blocks of rows |
//! | `dual_sweep.rs` | the same on dual numbers |
//! | `online.rs` | the smooth maximum in one pass |
//! | `chunks.rs` | rows on threads, the same result on any number of them |
//! | `reduction.rs` | the mergeable smooth maximum |
//! | `first_order.rs` | values and gradients |
//! | `second_order.rs` | Hessians and products with them |

use crate::program::code::Code;

mod chunks;
mod dual_sweep;
mod first_order;
mod gathered;
mod incidence;
mod online;
mod record;
mod reduction;
mod rows;
mod second_order;
mod selection;
mod sweep;
mod term;

use incidence::Incidence;
pub use reduction::SmoothMaxPartial;
pub use rows::Rows;

/// A term recorded once and a row of data for each of its copies; see the
/// [module](self).
///
/// Every method takes the variables `x`; a gradient has one number for each.
/// Comparisons made by the term must have the same answer on every row as on
/// the first, which was recorded: else the result is
/// [`Error::BranchChanged`](crate::Error::BranchChanged) with the row.
pub struct Batch<'d> {
    code: Code<f64>,
    rows: Rows<'d>,
    inputs: usize,
    incidence: Option<Incidence>,
    value_reads: usize,
}

/// The exact maximum of the terms of a [`Batch`].
#[derive(Clone, Debug, PartialEq)]
pub struct Maximum {
    /// The largest term; NaN if any term is, -inf if there is none.
    pub value: f64,
    /// The rows that attain it, ascending.
    pub active: Vec<usize>,
}

impl Batch<'_> {
    /// The number of variables.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number of terms.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no terms.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How often the term read a value out of a variable; see
    /// [`Program::value_reads`](crate::Program::value_reads).
    pub fn value_reads(&self) -> usize {
        self.value_reads
    }

    /// The variable that a term sees as its `i`-th.
    fn variable(&self, row: usize, i: usize) -> usize {
        self.incidence.as_ref().map_or(i, |incidence| incidence.variable(row, i))
    }
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} terms of {} variables)", self.len(), self.inputs)
    }
}
