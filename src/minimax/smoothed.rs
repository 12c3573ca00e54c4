//! The smooth objective `s_k(x) = sum_g (1/k) ln sum_{i in g} p_i exp(k F_i(x))` of a minimax
//! problem, and its form as an argmin problem.
//!
//! With the softmax weights `w` of a point, `s_k' = J'w` and
//! `s_k'' = (w . F)'' + k sum_g J_g' (diag w_g - w_g w_g') J_g`.

use std::cell::RefCell;

use argmin::core::{CostFunction, Error as ArgminError, Gradient, Hessian};
use nalgebra::{DMatrix, DVector};

use super::HessianOperator;
use super::problem::{Problem, Swept};
use crate::Error;
use crate::program::require_length;

/// One evaluation of the smooth objective.
#[derive(Clone)]
pub(crate) struct Point {
    pub(crate) x: DVector<f64>,
    pub(crate) smooth: f64,
    /// Of the stacked components.
    pub(crate) values: Vec<f64>,
    pub(crate) weights: Vec<f64>,
    pub(crate) gradient: DVector<f64>,
}

impl Point {
    /// Evaluates at `x` with sharpness `k` and the logarithms of the priors.
    pub(crate) fn new(
        problem: &Problem<'_>,
        k: f64,
        log_priors: &[f64],
        x: DVector<f64>,
    ) -> Result<Self, Error> {
        let mut smooth = f64::NAN;
        let Swept { values, weights, gradient } = problem.sweep(&x, &mut |values| {
            let shifted: Vec<f64> = values.iter().zip(log_priors).map(|(f, p)| f + p / k).collect();
            let (value, weights) = problem.groups.smooth(&shifted, k);
            smooth = value;
            weights
        })?;
        Ok(Point { x, smooth, values, weights, gradient })
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.smooth.is_finite() && self.gradient.iter().all(|g| g.is_finite())
    }
}

/// The smoothing of a minimax problem at a fixed sharpness, from
/// [`Minimax::smoothed`](super::Minimax::smoothed).
///
/// It lies within `[0, gap]` above the objective that is minimised (for maximin: minus the
/// minimum). Parameters and gradients are `Vec<f64>`; cost and gradient at the same point share
/// one evaluation. Second derivatives are there when the oracle has them, as a recording has.
///
/// ```
/// use argmin::core::{Executor, State};
/// use argmin::solver::linesearch::MoreThuenteLineSearch;
/// use argmin::solver::quasinewton::LBFGS;
/// use smoothmax::Minimax;
///
/// let cb2 = Minimax::record(&[2.0, 2.0], |x| {
///     vec![
///         x[0].powi(2) + x[1].powi(4),
///         (2.0 - x[0]).powi(2) + (2.0 - x[1]).powi(2),
///         2.0 * (x[1] - x[0]).exp(),
///     ]
/// });
/// let smoothed = cb2.smoothed(1024.0)?;
/// let gap = smoothed.gap();
/// let result = Executor::new(smoothed, LBFGS::new(MoreThuenteLineSearch::new(), 10))
///     .configure(|state| state.param(vec![2.0, 2.0]).max_iters(200))
///     .run()?;
/// let value = result.state().get_best_cost();
/// assert!((value - 1.9528919284622717).abs() < 1e-9);
/// assert!(value - gap <= 1.9522244938706588 && 1.9522244938706588 <= value);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Smoothed<'m> {
    problem: Problem<'m>,
    k: f64,
    log_priors: Vec<f64>,
    last: RefCell<Option<Point>>,
}

impl<'m> Smoothed<'m> {
    pub(crate) fn new(problem: Problem<'m>, k: f64) -> Self {
        assert!(k > 0.0 && k.is_finite(), "smoothed: the sharpness `k` must be positive and finite, is {k}");
        let log_priors = vec![0.0; problem.components()];
        Smoothed { problem, k, log_priors, last: RefCell::new(None) }
    }

    /// The bound on smooth minus exact: `sum_g ln(m_g) / k`.
    pub fn gap(&self) -> f64 {
        self.problem.groups.log_sizes() / self.k
    }

    /// The Hessian at `x` as a linear operator: its `apply` is the Hessian-vector product.
    ///
    /// # Errors
    ///
    /// A wrong length, an oracle without second derivatives, and what the oracle returns.
    pub fn hessian_at(&self, x: &[f64]) -> Result<HessianOperator<'_>, Error> {
        let point = self.point(x)?;
        let support: Vec<usize> = (0..point.weights.len()).filter(|&i| point.weights[i] > 0.0).collect();
        let rows = self.problem.rows(&point.x, &support)?;
        let tangent = Tangent { smoothed: self, point, support, rows };
        Ok(HessianOperator::new(x.len(), move |direction, product| {
            let direction = DVector::from_column_slice(direction);
            product.copy_from_slice(tangent.product(&direction)?.as_slice());
            Ok(())
        }))
    }

    /// The evaluation at `x`, kept for the next call.
    fn point(&self, x: &[f64]) -> Result<Point, Error> {
        require_length("x", x.len(), self.problem.dimension())?;
        if let Some(last) = self.last.borrow().as_ref().filter(|last| last.x.as_slice() == x) {
            return Ok(last.clone());
        }
        let point = Point::new(&self.problem, self.k, &self.log_priors, DVector::from_column_slice(x))?;
        *self.last.borrow_mut() = Some(point.clone());
        Ok(point)
    }
}

/// A point of a [`Smoothed`] objective with what its Hessian needs.
struct Tangent<'s, 'm> {
    smoothed: &'s Smoothed<'m>,
    point: Point,
    /// The components of positive weight, and their rows.
    support: Vec<usize>,
    rows: DMatrix<f64>,
}

impl Tangent<'_, '_> {
    /// The Hessian-vector product.
    fn product(&self, direction: &DVector<f64>) -> Result<DVector<f64>, Error> {
        let Smoothed { problem, k, .. } = self.smoothed;
        let curvature = problem.hessian_vector(&self.point.x, &self.point.weights, direction)?;
        let lacking = Error::Unsupported { method: "second derivatives", what: "an oracle without them" };
        let slopes = &self.rows * direction;
        let mut means = vec![0.0; problem.groups.count()];
        for (&i, slope) in self.support.iter().zip(slopes.iter()) {
            means[problem.groups.of(i)] += self.point.weights[i] * slope;
        }
        let centred = self.support.iter().zip(slopes.iter());
        let centred = centred.map(|(&i, s)| k * self.point.weights[i] * (s - means[problem.groups.of(i)]));
        let centred = DVector::from_iterator(slopes.len(), centred);
        Ok(curvature.ok_or(lacking)? + self.rows.tr_mul(&centred))
    }
}

impl CostFunction for Smoothed<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, ArgminError> {
        Ok(self.point(x)?.smooth)
    }
}

impl Gradient for Smoothed<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, ArgminError> {
        Ok(self.point(x)?.gradient.as_slice().to_vec())
    }
}

impl Hessian for Smoothed<'_> {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, ArgminError> {
        Ok(self.hessian_at(x)?.matrix()?)
    }
}
