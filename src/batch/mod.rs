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
//! | file | holds |
//! |---|---|
//! | `rows.rs` | the data, owned or borrowed |
//! | `sweep.rs` | the loop over blocks of rows |
//! | `incidence.rs` | which variables a gathered term sees |
//! | `online.rs` | the smooth maximum in one pass |
//! | `chunks.rs` | rows on threads, the same result on any number of them |
//! | `reduction.rs` | the mergeable smooth maximum |
//! | `second_order.rs` | Hessians and products with them, term by term |

use std::ops::Range;

use nalgebra::DMatrix;

use crate::kernel::dispatch::dispatch;
use crate::lanes::{LANES, Lanes};
use crate::program::code::Code;
use crate::program::compile::{Source, compile};
use crate::program::replay::Registers;
use crate::program::require_length;
use crate::smooth::require_nonzero;
use crate::{Error, Tape, Var};

mod chunks;
mod gathered;
mod incidence;
mod online;
mod reduction;
mod rows;
mod second_order;
mod selection;
mod sweep;

use chunks::reduce;
use incidence::Incidence;
use online::Online;
pub use reduction::SmoothMaxPartial;
pub use rows::Rows;
use selection::Selection;
use sweep::{Reduction, Sweep};

/// A term recorded once and a row of data for each of its copies; see the
/// [module](self).
///
/// Every method takes the variables `x`; a gradient has one number for each.
/// Comparisons made by the term must have the same answer on every row as on
/// the first, which was recorded: else the result is
/// [`Error::BranchChanged`] with the row.
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

impl<'d> Batch<'d> {
    /// Records the term at `p0` and the first row (zeros, if there are no rows).
    ///
    /// # Panics
    ///
    /// Where [`try_record`](Self::try_record) gives an error.
    pub fn record<F>(p0: &[f64], rows: impl Into<Rows<'d>>, term: F) -> Self
    where
        F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        Batch::try_record(p0, rows, term).unwrap_or_else(|error| panic!("Batch::record: {error}"))
    }

    /// [`record`](Self::record), or what cannot be recorded.
    ///
    /// # Errors
    ///
    /// As [`Program::try_record`](crate::Program::try_record).
    pub fn try_record<F>(p0: &[f64], rows: impl Into<Rows<'d>>, term: F) -> Result<Self, Error>
    where
        F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        let rows = rows.into();
        let (code, value_reads) = record_term(p0, &rows, term)?;
        Ok(Batch { code, rows, inputs: p0.len(), incidence: None, value_reads })
    }

    /// Records a term of `N` of the variables: term `i` sees
    /// `x[indices[i][0]], .., x[indices[i][N - 1]]` and data row `i`.
    ///
    /// ```
    /// use smoothmax::{Batch, Rows};
    ///
    /// // Squared distances of neighbours on a line.
    /// let pairs = [[0, 1], [1, 2]];
    /// let batch = Batch::gather(&[0.0; 3], &pairs, Rows::empty(2), |x, _| (x[0] - x[1]).powi(2));
    /// let mut g = [0.0; 3];
    /// assert_eq!(batch.sum(&[0.0, 1.0, 3.0], &mut g)?, 1.0 + 4.0);
    /// assert_eq!(g, [-2.0, 2.0 - 4.0, 4.0]);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Where [`try_gather`](Self::try_gather) gives an error.
    pub fn gather<const N: usize, F>(
        x0: &[f64],
        indices: &[[u32; N]],
        rows: impl Into<Rows<'d>>,
        term: F,
    ) -> Self
    where
        F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        Batch::try_gather(x0, indices, rows, term).unwrap_or_else(|error| panic!("Batch::gather: {error}"))
    }

    /// [`gather`](Self::gather), or what cannot be recorded.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] unless there is a row of data for each of indices,
    /// [`Error::Invalid`] if an index is not below the length of `x0`, and as
    /// [`try_record`](Self::try_record).
    pub fn try_gather<const N: usize, F>(
        x0: &[f64],
        indices: &[[u32; N]],
        rows: impl Into<Rows<'d>>,
        term: F,
    ) -> Result<Self, Error>
    where
        F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        let rows = rows.into();
        require_length("rows", rows.len(), indices.len())?;
        let incidence = Incidence::new(indices, x0.len())?;
        let local: Vec<f64> = match indices.first() {
            Some(first) => first.iter().map(|&variable| x0[variable as usize]).collect(),
            None => vec![0.0; N],
        };
        let (code, value_reads) = record_term(&local, &rows, term)?;
        Ok(Batch { code, rows, inputs: x0.len(), incidence: Some(incidence), value_reads })
    }

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

    /// `(1/k) ln Σ e^{k f_i}` over all terms, in one pass with a running
    /// maximum; writes its gradient.
    ///
    /// `k = inf` gives the exact maximum, a negative `k` the smooth minimum; no
    /// terms give -inf (+inf for `k < 0`) and a zero gradient.
    ///
    /// # Errors
    ///
    /// [`Error::BranchChanged`], and [`Error::Length`] unless `x` and `gradient`
    /// have an element for each variable.
    ///
    /// # Panics
    ///
    /// If `k` is zero or NaN.
    pub fn smooth_max(&self, k: f64, x: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        require_length("gradient", gradient.len(), self.inputs)?;
        let partial = self.smooth_max_partial(k, x)?;
        partial.write_gradient(gradient);
        Ok(partial.value())
    }

    /// [`smooth_max`](Self::smooth_max) as a value that merges with that of
    /// other batches with the same variables.
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max).
    ///
    /// # Panics
    ///
    /// If `k` is zero or NaN.
    pub fn smooth_max_partial(&self, k: f64, x: &[f64]) -> Result<SmoothMaxPartial, Error> {
        require_nonzero("smooth_max", k);
        let part = |rows: Range<usize>| {
            let mut partial = SmoothMaxPartial::new(k, self.inputs);
            let selection = Selection::Range(rows.start, rows.end);
            self.sweep(x, selection, Reduction::SmoothMax(Online::new(&mut partial)))?;
            Ok(partial)
        };
        reduce(self.len(), SmoothMaxPartial::new(k, self.inputs), part, SmoothMaxPartial::merge)
    }

    /// [`smooth_max`](Self::smooth_max) in two passes: values first, then the
    /// gradients of only those blocks of rows that weigh something: those with
    /// `k (f_i - max) >= -(37 + ln m)` for some term. For sharp `k` that is a
    /// small part of them; what is left out is below rounding.
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max).
    ///
    /// # Panics
    ///
    /// If `k` is zero or NaN.
    pub fn smooth_max_pruned(&self, k: f64, x: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        require_length("gradient", gradient.len(), self.inputs)?;
        require_nonzero("smooth_max_pruned", k);
        let sign = k.signum();
        let mut extremes = vec![0.0; self.len().div_ceil(LANES)];
        let whole = Selection::Range(0, self.len());
        self.sweep(x, whole, Reduction::Extremes { extremes: &mut extremes, sign })?;
        let extreme =
            extremes.iter().fold(-sign * f64::INFINITY, |m, &f| if sign * f > sign * m { f } else { m });
        let threshold = -(37.0 + (self.len() as f64).ln());
        let weighs = |f: f64| f == extreme || f.is_nan() || k * (f - extreme) >= threshold;
        let blocks: Vec<usize> = (0..extremes.len()).filter(|&i| weighs(extremes[i])).collect();
        let mut partial = SmoothMaxPartial::new(k, self.inputs);
        self.sweep(x, Selection::Blocks(&blocks), Reduction::SmoothMax(Online::new(&mut partial)))?;
        partial.write_gradient(gradient);
        Ok(partial.value())
    }

    /// `Σ f_i`; writes its gradient.
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max).
    pub fn sum(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        require_length("gradient", gradient.len(), self.inputs)?;
        gradient.fill(0.0);
        let part = |rows: Range<usize>| {
            let (mut value, mut gradient) = (0.0, vec![0.0; self.inputs]);
            let reduction = Reduction::Sum { value: &mut value, gradient: &mut gradient };
            self.sweep(x, Selection::Range(rows.start, rows.end), reduction)?;
            Ok((value, gradient))
        };
        reduce(self.len(), 0.0, part, |total, (value, part)| {
            add_to(gradient, &part);
            total + value
        })
    }

    /// Writes to `product` the product `J' w`, where row `i` of `J` is the
    /// gradient of term `i`. Terms of weight 0 are not evaluated.
    ///
    /// ```
    /// use smoothmax::Batch;
    ///
    /// let rows = [[1.0], [2.0], [3.0]];
    /// let batch = Batch::record(&[0.0], &rows[..], |p, row| (p[0] - row[0]).powi(2));
    /// let mut product = [0.0];
    /// batch.pullback(&[4.0], &[1.0, 0.0, 10.0], &mut product)?;
    /// assert_eq!(product, [6.0 + 10.0 * 2.0]);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max), and [`Error::Length`] unless `w` has
    /// an element for each term.
    pub fn pullback(&self, x: &[f64], w: &[f64], product: &mut [f64]) -> Result<(), Error> {
        require_length("w", w.len(), self.len())?;
        require_length("x", x.len(), self.inputs)?;
        require_length("product", product.len(), self.inputs)?;
        let (rows, weights): (Vec<usize>, Vec<f64>) =
            w.iter().copied().enumerate().filter(|(_, w)| *w != 0.0).unzip();
        product.fill(0.0);
        let part = |chunk: Range<usize>| {
            let mut gradient = vec![0.0; self.inputs];
            let reduction = Reduction::Pullback { weights: &weights[chunk.clone()], gradient: &mut gradient };
            let all = rows.len() == self.len();
            let range = Selection::Range(chunk.start, chunk.end);
            self.sweep(x, if all { range } else { Selection::List(&rows[chunk]) }, reduction)?;
            Ok(gradient)
        };
        reduce(rows.len(), (), part, |(), part| add_to(product, &part))
    }

    /// The exact maximum of the terms and all rows that attain it; writes the
    /// mean of their gradients.
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max).
    pub fn max(&self, x: &[f64], gradient: &mut [f64]) -> Result<Maximum, Error> {
        require_length("gradient", gradient.len(), self.inputs)?;
        let part = |rows: Range<usize>| {
            let mut values = vec![0.0; rows.len()];
            let selection = Selection::Range(rows.start, rows.end);
            self.sweep(x, selection, Reduction::Values { values: &mut values })?;
            Ok(maximum_of(&values, rows.start))
        };
        let none = Maximum { value: f64::NEG_INFINITY, active: Vec::new() };
        let maximum = reduce(self.len(), none, part, |best, other| {
            if best.value.is_nan() || best.value > other.value {
                best
            } else if best.value == other.value {
                Maximum { value: best.value, active: [best.active, other.active].concat() }
            } else {
                other
            }
        })?;
        let rows = self.jacobian_rows(x, &maximum.active)?;
        let share = 1.0 / maximum.active.len() as f64;
        for (slope, column) in gradient.iter_mut().zip(rows.column_iter()) {
            *slope = if maximum.value.is_nan() {
                f64::NAN
            } else if maximum.active.is_empty() {
                0.0
            } else {
                column.sum() * share
            };
        }
        Ok(maximum)
    }

    /// Writes each term to `values`.
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max), and [`Error::Length`] unless
    /// `values` has an element for each term.
    pub fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        require_length("values", values.len(), self.len())?;
        self.sweep(x, Selection::Range(0, self.len()), Reduction::Values { values })
    }

    /// The gradients of some terms, a row for each of `rows`.
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max).
    ///
    /// # Panics
    ///
    /// If a row is not below the number of terms.
    pub fn jacobian_rows(&self, x: &[f64], rows: &[usize]) -> Result<DMatrix<f64>, Error> {
        assert!(
            rows.iter().all(|&row| row < self.len()),
            "jacobian_rows: a row is not below the {} terms",
            self.len()
        );
        let mut values = vec![0.0; rows.len()];
        let mut gradients = vec![0.0; rows.len() * self.inputs];
        let reduction = Reduction::Gradients { values: &mut values, gradients: &mut gradients };
        self.sweep(x, Selection::List(rows), reduction)?;
        Ok(DMatrix::from_row_slice(rows.len(), self.inputs, &gradients))
    }

    /// The variable that a term sees as its `i`-th.
    fn variable(&self, row: usize, i: usize) -> usize {
        self.incidence.as_ref().map_or(i, |incidence| incidence.variable(row, i))
    }

    fn sweep(&self, x: &[f64], selection: Selection<'_>, reduction: Reduction<'_>) -> Result<(), Error> {
        require_length("x", x.len(), self.inputs)?;
        dispatch(Sweep { batch: self, point: x, selection, reduction })
    }

    /// Puts the variables that every term sees in all lanes.
    fn broadcast<I>(&self, x: &[f64], registers: &mut Registers<Lanes<I>>) {
        if self.incidence.is_none() {
            for (input, &x) in registers.values[self.code.active()].iter_mut().zip(x) {
                *input = Lanes::splat(x);
            }
        }
    }
}

/// Adds partial gradients up.
fn add_to(sums: &mut [f64], parts: &[f64]) {
    sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
}

/// Records `term` with the first row; gives its code and the values it read.
fn record_term<F>(x0: &[f64], rows: &Rows<'_>, term: F) -> Result<(Code<f64>, usize), Error>
where
    F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
{
    let sample = |column| if rows.is_empty() { 0.0 } else { rows.at(0, column) };
    let row: Vec<f64> = (0..rows.columns()).map(sample).collect();
    let tape = Tape::new();
    let outputs = tape.outputs(&[term(&tape.vars(x0), &tape.vars(&row))]);
    let value_reads = tape.value_reads();
    let recording = tape.into_recording();
    let code = compile(Source { recording, outputs, active_inputs: x0.len(), find_runs: false })?;
    Ok((code, value_reads))
}

/// The largest of the values of rows from `first`; NaN if any is.
fn maximum_of(values: &[f64], first: usize) -> Maximum {
    let value = values.iter().fold(f64::NEG_INFINITY, |m, &f| if m.is_nan() || m > f { m } else { f });
    let active = (first..).zip(values).filter(|(_, f)| **f == value).map(|(row, _)| row).collect();
    Maximum { value, active }
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} terms of {} variables)", self.len(), self.inputs)
    }
}
