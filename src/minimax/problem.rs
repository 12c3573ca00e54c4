//! The problem as the solvers see it: minimise `f(x) = sum_g max_{i in g} F_i(x)` subject to
//! linear constraints `C x = c` (first rows) and `C x <= c` (the others).
//!
//! `max |r_i|` becomes the maximum of the stacked components `(r, -r)`, and a maximin problem the
//! minimisation of `max -F`, so that neither solver knows of them. Work is counted here.

use std::cell::Cell;

use nalgebra::{DMatrix, DVector};

use super::Oracle;
use super::groups::Groups;
use super::solution::Counts;
use crate::Error;

/// Linear constraints; a bound is a row with a single entry of +-1.
#[derive(Clone, Debug)]
pub(crate) struct Constraints {
    pub(crate) matrix: DMatrix<f64>,
    pub(crate) rhs: DVector<f64>,
    /// The first rows are equalities, the others `<=`.
    pub(crate) equalities: usize,
    /// The bounds once more, as vectors, so that iterates keep them to the last bit.
    pub(crate) bounds: Option<(DVector<f64>, DVector<f64>)>,
}

impl Constraints {
    pub(crate) fn is_empty(&self) -> bool {
        self.rhs.is_empty()
    }

    /// `c - C x`: zero on equalities, non-negative on satisfied inequalities.
    pub(crate) fn slack(&self, x: &DVector<f64>) -> DVector<f64> {
        &self.rhs - &self.matrix * x
    }

    /// Whether `x` satisfies them up to rounding.
    pub(crate) fn hold(&self, x: &DVector<f64>) -> bool {
        let size = self.matrix.abs() * x.abs() + self.rhs.abs();
        let slack = self.slack(x);
        let crossed = |j: usize| if j < self.equalities { slack[j].abs() } else { -slack[j] };
        (0..slack.len()).all(|j| crossed(j) <= 1e-12 * size[j])
    }

    /// Moves `x` onto the bounds that rounding made it cross.
    pub(crate) fn clamp(&self, x: &mut DVector<f64>) {
        if let Some((lower, upper)) = &self.bounds {
            for j in 0..x.len() {
                x[j] = x[j].clamp(lower[j], upper[j]);
            }
        }
    }
}

/// What one forward and one reverse sweep give.
pub(crate) struct Swept {
    /// The stacked values.
    pub(crate) values: Vec<f64>,
    /// Their weights.
    pub(crate) weights: Vec<f64>,
    /// `J' weights`.
    pub(crate) gradient: DVector<f64>,
}

/// An oracle with its groups, signs and constraints.
pub(crate) struct Problem<'p> {
    oracle: &'p dyn Oracle,
    /// -1 for maximin, else 1.
    sign: f64,
    /// Components `m..2m` are the negatives of `0..m`.
    absolute: bool,
    pub(crate) groups: Groups,
    pub(crate) constraints: Constraints,
    values: Cell<usize>,
    rows: Cell<usize>,
    pullbacks: Cell<usize>,
    subproblems: Cell<usize>,
}

impl<'p> Problem<'p> {
    /// `groups` belong to the oracle's own components.
    pub(crate) fn new(
        oracle: &'p dyn Oracle,
        maximin: bool,
        absolute: bool,
        groups: Option<&[usize]>,
        constraints: Constraints,
    ) -> Self {
        let m = oracle.components();
        let mut id = groups.map_or_else(|| vec![0; m], <[usize]>::to_vec);
        if absolute {
            id.extend_from_within(..);
        }
        Problem {
            oracle,
            sign: if maximin { -1.0 } else { 1.0 },
            absolute,
            groups: Groups::new(&id),
            constraints,
            values: Cell::new(0),
            rows: Cell::new(0),
            pullbacks: Cell::new(0),
            subproblems: Cell::new(0),
        }
    }

    pub(crate) fn dimension(&self) -> usize {
        self.oracle.dimension()
    }

    /// The number of stacked components.
    pub(crate) fn components(&self) -> usize {
        self.groups.components()
    }

    /// The work done so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            values: self.values.get(),
            gradient_rows: self.rows.get(),
            pullbacks: self.pullbacks.get(),
            subproblems: self.subproblems.get(),
        }
    }

    pub(crate) fn count_subproblem(&self) {
        self.subproblems.set(self.subproblems.get() + 1);
    }

    /// The oracle's component behind stacked component `i`, and its sign.
    pub(crate) fn raw(&self, i: usize) -> (usize, f64) {
        let m = self.oracle.components();
        if i < m { (i, self.sign) } else { (i - m, -self.sign) }
    }

    /// The stacked values.
    pub(crate) fn values(&self, x: &DVector<f64>) -> Result<Vec<f64>, Error> {
        self.values.set(self.values.get() + 1);
        let mut raw = vec![0.0; self.oracle.components()];
        self.oracle.values(x.as_slice(), &mut raw)?;
        Ok(self.stack(raw))
    }

    /// The stacked Jacobian rows of `indices`.
    pub(crate) fn rows(&self, x: &DVector<f64>, indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        let mut raw: Vec<usize> = indices.iter().map(|&i| self.raw(i).0).collect();
        raw.sort_unstable();
        raw.dedup();
        self.rows.set(self.rows.get() + raw.len());
        let rows = self.oracle.rows(x.as_slice(), &raw)?;
        let mut stacked = DMatrix::zeros(indices.len(), self.dimension());
        for (r, &i) in indices.iter().enumerate() {
            let (component, sign) = self.raw(i);
            let at = raw.binary_search(&component).expect("every component is among the rows");
            stacked.set_row(r, &(rows.row(at) * sign));
        }
        Ok(stacked)
    }

    /// Stacked values, weights made from them, and `J' weights`.
    pub(crate) fn sweep(
        &self,
        x: &DVector<f64>,
        weigh: &mut dyn FnMut(&[f64]) -> Vec<f64>,
    ) -> Result<Swept, Error> {
        self.values.set(self.values.get() + 1);
        self.pullbacks.set(self.pullbacks.get() + 1);
        let mut raw = vec![0.0; self.oracle.components()];
        let mut gradient = DVector::zeros(self.dimension());
        let mut stacked = Vec::new();
        let mut weights = Vec::new();
        self.oracle.sweep(
            x.as_slice(),
            &mut raw,
            &mut |values| {
                stacked = self.stack(values.to_vec());
                weights = weigh(&stacked);
                let mut signed = self.signed(&weights);
                signed.iter_mut().for_each(|w| *w *= self.sign);
                signed
            },
            gradient.as_mut_slice(),
        )?;
        Ok(Swept { values: stacked, weights, gradient })
    }

    /// `sum_i w_i |J_i|`, entry by entry: what rounding in `J'w` is relative to.
    ///
    /// A reverse sweep for every weight that counts, a few at a time since all rows may be too many.
    pub(crate) fn steepness(&self, x: &DVector<f64>, weights: &[f64]) -> Result<DVector<f64>, Error> {
        const AT_A_TIME: usize = 64;
        let support: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > f64::EPSILON).collect();
        let mut steepness = DVector::zeros(self.dimension());
        for some in support.chunks(AT_A_TIME) {
            let weights = DVector::from_iterator(some.len(), some.iter().map(|&i| weights[i]));
            steepness += self.rows(x, some)?.abs().tr_mul(&weights);
        }
        Ok(steepness)
    }

    /// An error that names the component of a row that is not finite, among those of `indices`.
    pub(crate) fn require_finite(&self, indices: &[usize], rows: &DMatrix<f64>) -> Result<(), Error> {
        for (row, &i) in rows.row_iter().zip(indices) {
            if let Some(entry) = row.iter().find(|entry| !entry.is_finite()) {
                let (component, sign) = self.raw(i);
                return Err(Error::NotFinite { component, value: sign * entry });
            }
        }
        Ok(())
    }

    /// The error that names a component whose gradient is not finite at `x`, and the entry.
    ///
    /// Found by halving, a sweep for each half, since the rows of all components may be too many;
    /// the entry is NaN if no gradient is to blame, only their sum.
    pub(crate) fn infinite_gradient(&self, x: &DVector<f64>) -> Result<Error, Error> {
        let not_finite = |entries: &[f64]| entries.iter().copied().find(|g| !g.is_finite());
        let (mut first, mut end) = (0, self.oracle.components());
        while end - first > 1 {
            let middle = first.midpoint(end);
            let half = |i| if (first..middle).contains(&i) { 1.0 } else { 0.0 };
            let Swept { gradient, .. } =
                self.sweep(x, &mut |values| (0..values.len()).map(half).collect())?;
            if not_finite(gradient.as_slice()).is_some() {
                end = middle;
            } else {
                first = middle;
            }
        }
        let value = not_finite(self.rows(x, &[first])?.as_slice()).map_or(f64::NAN, |g| self.sign * g);
        Ok(Error::NotFinite { component: first, value })
    }

    /// `(weights . F)'' direction`, or `None` when the oracle has no second order.
    pub(crate) fn hessian_vector(
        &self,
        x: &DVector<f64>,
        weights: &[f64],
        direction: &DVector<f64>,
    ) -> Result<Option<DVector<f64>>, Error> {
        let mut signed = self.signed(weights);
        signed.iter_mut().for_each(|w| *w *= self.sign);
        let mut out = DVector::zeros(self.dimension());
        let known =
            self.oracle.hessian_vector(x.as_slice(), &signed, direction.as_slice(), out.as_mut_slice())?;
        Ok(known.then_some(out))
    }

    /// One weight for each of the oracle's components: negative where `-r` is the active side.
    pub(crate) fn signed(&self, weights: &[f64]) -> Vec<f64> {
        let (plus, minus) = weights.split_at(self.oracle.components());
        let mut signed = plus.to_vec();
        signed.iter_mut().zip(minus).for_each(|(s, w)| *s -= w);
        signed
    }

    /// The inverse of [`Problem::signed`]: each weight on its own side, and what its group lacks of
    /// one evenly on both sides of the group's first component, where it cancels.
    pub(crate) fn unsigned(&self, signed: &[f64]) -> Vec<f64> {
        let mut weights = signed.to_vec();
        if self.absolute {
            weights.extend(signed.iter().map(|s| -s));
        }
        weights.iter_mut().for_each(|w| *w = w.max(0.0));
        if self.absolute {
            let mut lacking = self.groups.lacking(&weights);
            for i in 0..signed.len() {
                let share = 0.5 * std::mem::take(&mut lacking[self.groups.of(i)]).max(0.0);
                weights[i] += share;
                weights[i + signed.len()] += share;
            }
        }
        self.groups.normalise(&mut weights);
        weights
    }

    fn stack(&self, mut raw: Vec<f64>) -> Vec<f64> {
        let m = raw.len();
        raw.iter_mut().for_each(|v| *v *= self.sign);
        if self.absolute {
            raw.extend_from_within(..);
            raw[m..].iter_mut().for_each(|v| *v = -*v);
        }
        raw
    }
}

/// The unit vector along variable `j` of `n`.
pub(crate) fn unit_vector(n: usize, j: usize) -> DVector<f64> {
    let mut unit = DVector::zeros(n);
    unit[j] = 1.0;
    unit
}
