//! The Hessian of `w . F` for the SQP: damped BFGS or exact.

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

use super::problem::{Problem, unit_vector};
use super::working_set::WorkingSet;
use crate::Error;

/// A positive definite model of the second derivative of the Lagrangian.
pub(crate) struct Curvature {
    /// Whether exact Hessians are wanted, and the one at the current point if it is finite.
    is_exact: bool,
    exact: Option<DMatrix<f64>>,
    /// The damped BFGS matrix.
    bfgs: DMatrix<f64>,
    previous: Option<Linearisation>,
    /// The first pair sets the scale of the identity that BFGS starts from.
    scaled: bool,
    /// The curvature that would turn the steepest slope within the size of `x`.
    natural: f64,
}

/// Where the last rows were computed.
struct Linearisation {
    x: DVector<f64>,
    index: Vec<usize>,
    rows: DMatrix<f64>,
}

impl Curvature {
    pub(crate) fn new(is_exact: bool) -> Self {
        let bfgs = DMatrix::zeros(0, 0);
        Curvature { is_exact, exact: None, bfgs, previous: None, scaled: false, natural: 0.0 }
    }

    pub(crate) fn hessian(&self) -> &DMatrix<f64> {
        self.exact.as_ref().unwrap_or(&self.bfgs)
    }

    /// The largest diagonal entry, or where next to nothing curves, a small part of the natural one.
    pub(crate) fn stiffness(&self) -> f64 {
        self.hessian().diagonal().amax().max(1e-3 * self.natural).max(1e-12)
    }

    /// Brings the model to the point `x` and the multipliers `weights` of the step that led there.
    pub(crate) fn update(
        &mut self,
        problem: &Problem<'_>,
        x: &DVector<f64>,
        set: &WorkingSet,
        weights: &[f64],
    ) -> Result<(), Error> {
        self.natural = set.rows.amax() / x.norm().max(1.0);
        if self.is_exact {
            self.exact = exact(problem, x, set, weights)?;
        }
        match self.previous.take() {
            None => {
                let gradient = set
                    .rows
                    .tr_mul(&DVector::from_iterator(set.index.len(), set.index.iter().map(|&i| weights[i])));
                let curvature = (0.1 * gradient.norm() / x.norm().max(1.0)).max(1e-8);
                self.bfgs = DMatrix::from_diagonal_element(x.len(), x.len(), curvature);
            }
            Some(old) => {
                let mut change = DVector::zeros(x.len());
                for (row, i) in set.index.iter().enumerate().filter(|(_, i)| weights[**i] > 0.0) {
                    if let Some(old_row) = old.index.iter().position(|j| j == i) {
                        change += (set.rows.row(row) - old.rows.row(old_row)).transpose() * weights[*i];
                    }
                }
                self.update_bfgs(&(x - &old.x), change);
            }
        }
        self.previous =
            Some(Linearisation { x: x.clone(), index: set.index.clone(), rows: set.rows.clone() });
        Ok(())
    }

    /// The BFGS update by the pair `(s, y)` with Powell's damping, which keeps it positive definite.
    fn update_bfgs(&mut self, s: &DVector<f64>, mut y: DVector<f64>) {
        if !self.scaled && s.dot(&y) > 0.0 {
            self.bfgs.fill_with_identity();
            self.bfgs *= y.norm_squared() / s.dot(&y);
            self.scaled = true;
        }
        let bs = &self.bfgs * s;
        let (sbs, sy) = (s.dot(&bs), s.dot(&y));
        if sy < 0.2 * sbs {
            let theta = 0.8 * sbs / (sbs - sy);
            y = y * theta + &bs * (1.0 - theta);
        }
        let sy = s.dot(&y);
        if sbs > f64::MIN_POSITIVE && sy > f64::MIN_POSITIVE {
            self.bfgs.ger(-1.0 / sbs, &bs, &bs, 1.0);
            self.bfgs.ger(1.0 / sy, &y, &y, 1.0);
        }
    }
}

/// The exact Hessian, made positive definite by the curvature `J'(diag w - ww')J` that smoothing
/// adds along the active components' differences, or failing that by its absolute eigenvalues;
/// `None` where it is not finite, as at a kink.
fn exact(
    problem: &Problem<'_>,
    x: &DVector<f64>,
    set: &WorkingSet,
    weights: &[f64],
) -> Result<Option<DMatrix<f64>>, Error> {
    let n = x.len();
    let mut hessian = DMatrix::zeros(n, n);
    for j in 0..n {
        let column = problem.hessian_vector(x, weights, &unit_vector(n, j))?;
        let column = column.ok_or(Error::Unsupported {
            method: "Method::ProxNewton",
            what: "an oracle without `hessian_vector`",
        })?;
        hessian.set_column(j, &column);
    }
    if hessian.iter().any(|h| !h.is_finite()) {
        return Ok(None);
    }
    hessian = (&hessian + hessian.transpose()) * 0.5;
    let size = hessian.diagonal().amax().max(1e-12);
    let definite =
        |h: &DMatrix<f64>| Cholesky::new(h + DMatrix::from_diagonal_element(n, n, 1e-9 * size)).is_some();
    if definite(&hessian) {
        return Ok(Some(hessian));
    }
    let spread = set.variance(weights);
    let mut added = size / spread.diagonal().amax().max(f64::MIN_POSITIVE);
    for _ in 0..4 {
        let convexified = &hessian + &spread * added;
        if definite(&convexified) {
            return Ok(Some(convexified));
        }
        added *= 8.0;
    }
    let eigen = SymmetricEigen::new(hessian);
    let values = eigen.eigenvalues.map(|v| v.abs().max(1e-8 * size));
    Ok(Some(&eigen.eigenvectors * DMatrix::from_diagonal(&values) * eigen.eigenvectors.transpose()))
}
