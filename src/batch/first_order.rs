//! Values and gradients of reductions over all terms.

use std::ops::Range;

use nalgebra::DMatrix;

use super::chunks::{add_to, reduce};
use super::online::Online;
use super::reduction::SmoothMaxPartial;
use super::selection::{Selection, Support};
use super::sweep::{Reduction, Sweep};
use super::{Batch, Maximum};
use crate::Error;
use crate::kernel::dispatch::dispatch;
use crate::lanes::LANES;
use crate::program::require_length;
use crate::sharpness::Requirement;

impl Batch<'_> {
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
        Requirement::NONZERO.check::<f64>("smooth_max", k);
        require_length("x", x.len(), self.inputs)?;
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
        Requirement::NONZERO.check::<f64>("smooth_max_pruned", k);
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
        require_length("x", x.len(), self.inputs)?;
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
        let support = Support::of(w);
        let weights = support.pick(w);
        product.fill(0.0);
        let part = |chunk: Range<usize>| {
            let mut gradient = vec![0.0; self.inputs];
            let selection = support.select(chunk.clone());
            let reduction = Reduction::Pullback { weights: &weights[chunk], gradient: &mut gradient };
            self.sweep(x, selection, reduction)?;
            Ok(gradient)
        };
        reduce(support.len(), (), part, |(), part| add_to(product, &part))
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
        for row in rows {
            assert!(*row < self.len(), "jacobian_rows: row {row} is not below the {} terms", self.len());
        }
        let mut values = vec![0.0; rows.len()];
        let mut gradients = vec![0.0; rows.len() * self.inputs];
        let reduction = Reduction::Gradients { values: &mut values, gradients: &mut gradients };
        self.sweep(x, Selection::List(rows), reduction)?;
        Ok(DMatrix::from_row_slice(rows.len(), self.inputs, &gradients))
    }

    fn sweep(&self, x: &[f64], selection: Selection<'_>, reduction: Reduction<'_>) -> Result<(), Error> {
        require_length("x", x.len(), self.inputs)?;
        dispatch(Sweep { batch: self, point: x, selection, reduction })
    }
}

/// The largest of the values of rows from `first`; NaN if any is.
fn maximum_of(values: &[f64], first: usize) -> Maximum {
    let value = values.iter().fold(f64::NEG_INFINITY, |m, &f| if m.is_nan() || m > f { m } else { f });
    let active = (first..).zip(values).filter(|(_, f)| **f == value).map(|(row, _)| row).collect();
    Maximum { value, active }
}
