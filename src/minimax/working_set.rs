//! The components whose Jacobian rows prox-SQP knows at a point.

use nalgebra::{DMatrix, DVector};

use super::groups::Groups;
use super::problem::Problem;
use super::qp::Subproblem;
use crate::Error;

/// The components that have rows at the current point.
pub(crate) struct WorkingSet {
    pub(crate) index: Vec<usize>,
    pub(crate) rows: DMatrix<f64>,
    pub(crate) groups: Groups,
}

impl WorkingSet {
    pub(crate) fn select(&self, values: &[f64]) -> Vec<f64> {
        self.index.iter().map(|&i| values[i]).collect()
    }

    /// The linearisation, from the set's `values` and the constraints' `slack`.
    pub(crate) fn subproblem<'q>(
        &'q self,
        values: &'q [f64],
        problem: &'q Problem<'_>,
        slack: &'q DVector<f64>,
    ) -> Subproblem<'q> {
        let constraints = &problem.constraints;
        Subproblem { values, jacobian: &self.rows, groups: &self.groups, constraints, slack }
    }

    /// `sum_i w_i (|F_i| + |J_i| . |x|)`, the size of the numbers behind `w . F`.
    pub(crate) fn size(&self, values: &[f64], weights: &[f64], x: &DVector<f64>) -> f64 {
        let steepness = self.rows.abs() * x.abs();
        let sizes = self.index.iter().zip(steepness.iter());
        sizes.map(|(&i, steepness)| weights[i] * (values[i].abs() + steepness)).sum()
    }

    /// `sum_g J_g' (diag w_g - w_g w_g') J_g`, the variance of the rows under the weights.
    pub(crate) fn variance(&self, weights: &[f64]) -> DMatrix<f64> {
        let n = self.rows.ncols();
        let mut means = DMatrix::zeros(self.groups.count(), n);
        let mut weighted = self.rows.clone();
        for (r, &i) in self.index.iter().enumerate() {
            weighted.row_mut(r).scale_mut(weights[i]);
            let mean = means.row(self.groups.of(r)) + weighted.row(r);
            means.set_row(self.groups.of(r), &mean);
        }
        self.rows.tr_mul(&weighted) - means.tr_mul(&means)
    }

    /// Rows at `x` for the components `new`.
    pub(crate) fn add(
        &mut self,
        problem: &Problem<'_>,
        x: &DVector<f64>,
        new: &[usize],
    ) -> Result<(), Error> {
        let rows = problem.rows(x, new)?;
        let at = self.index.len();
        self.index.extend(new);
        self.rows = std::mem::take(&mut self.rows).resize_vertically(self.index.len(), 0.0);
        self.rows.rows_mut(at, new.len()).copy_from(&rows);
        self.groups = problem.groups.restrict(&self.index);
        Ok(())
    }
}

/// Keeps the `count` elements with the smallest keys, in any order.
pub(crate) fn smallest(index: &mut Vec<usize>, count: usize, key: impl Fn(&usize) -> f64) {
    if index.len() > count {
        index.select_nth_unstable_by(count, |a, b| key(a).total_cmp(&key(b)));
        index.truncate(count);
    }
}
