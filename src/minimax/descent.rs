//! Unconstrained minimisation of a smooth function by argmin's L-BFGS.
//!
//! The functions here are smoothed maxima, whose curvature grows with the
//! sharpness and whose value may be infinite somewhere: the variables are scaled
//! so that the first step, minus the gradient, has a sane length; a huge value in
//! place of an infinite one makes the line search back off; and the best point
//! evaluated counts, however the search ends.

use std::cell::RefCell;

use argmin::core::{CostFunction, Error as ArgminError, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::DVector;

use crate::Error;

/// The pairs and the iterations of L-BFGS.
const PAIRS: usize = 30;
const ITERATIONS: u64 = 300;

/// One evaluation of the function.
#[derive(Clone)]
pub(super) struct Point {
    pub(super) x: DVector<f64>,
    pub(super) value: f64,
    pub(super) gradient: DVector<f64>,
}

impl Point {
    /// Whether value and gradient are finite.
    pub(super) fn is_finite(&self) -> bool {
        self.value.is_finite() && self.gradient.iter().all(|g| g.is_finite())
    }
}

/// The function as argmin sees it, in the variables `x / unit`.
struct Scaled<F> {
    evaluate: RefCell<F>,
    unit: f64,
    /// Values below its negative end the search.
    unbounded: f64,
    last: RefCell<Option<Point>>,
    best: RefCell<Option<Point>>,
    /// An error of the function, kept here because argmin would wrap it.
    error: RefCell<Option<Error>>,
}

impl<F: FnMut(DVector<f64>) -> Result<Point, Error>> Scaled<F> {
    /// Evaluates once for value and gradient.
    fn at(&self, x: &[f64]) -> Result<Point, ArgminError> {
        let x = DVector::from_column_slice(x) * self.unit;
        if let Some(last) = self.last.borrow().as_ref().filter(|last| last.x == x) {
            return Ok(last.clone());
        }
        let point = (self.evaluate.borrow_mut())(x).map_err(|error| {
            *self.error.borrow_mut() = Some(error);
            ArgminError::msg("the function failed")
        })?;
        let mut best = self.best.borrow_mut();
        if point.is_finite() && best.as_ref().is_none_or(|best| point.value < best.value) {
            *best = Some(point.clone());
        }
        *self.last.borrow_mut() = Some(point.clone());
        Ok(point)
    }
}

impl<F: FnMut(DVector<f64>) -> Result<Point, Error>> CostFunction for &Scaled<F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, ArgminError> {
        let value = self.at(x)?.value;
        if value < -self.unbounded {
            return Err(ArgminError::msg("unbounded below"));
        }
        Ok(if value.is_finite() { value } else { 1e300 })
    }
}

impl<F: FnMut(DVector<f64>) -> Result<Point, Error>> Gradient for &Scaled<F> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, ArgminError> {
        let point = self.at(x)?;
        Ok(point.gradient.iter().map(|g| if g.is_finite() { g * self.unit } else { 0.0 }).collect())
    }
}

/// The unit of the variables in which a step along minus the gradient, of this norm, has about the
/// given length: a power of two, so that `(x / unit) * unit` is `x` and the start is not evaluated
/// once more.
pub(super) fn unit(length: f64, gradient_norm: f64) -> f64 {
    /// Scaled variables stay finite.
    const LARGEST: f64 = 500.0;
    let exponent = 0.5 * (length.log2() - gradient_norm.max(f64::MIN_POSITIVE).log2());
    2f64.powi(exponent.round().clamp(-LARGEST, LARGEST) as i32)
}

/// The best point found from `start`, where the function is finite. The first
/// step has about the given length; values below `-unbounded` end the search.
pub(super) fn minimise(
    start: &DVector<f64>,
    length: f64,
    unbounded: f64,
    mut evaluate: impl FnMut(DVector<f64>) -> Result<Point, Error>,
) -> Result<Point, Error> {
    let first = evaluate(start.clone())?;
    let unit = unit(length, first.gradient.norm());
    let scaled = Scaled {
        evaluate: RefCell::new(evaluate),
        unit,
        unbounded,
        last: RefCell::new(Some(first.clone())),
        best: RefCell::new(Some(first.clone())),
        error: RefCell::new(None),
    };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), PAIRS)
        .with_tolerance_grad(1e-11 * unit)
        .and_then(|s| s.with_tolerance_cost(0.5 * f64::EPSILON * first.value.abs().max(1.0)))
        .expect("the tolerances are not negative");
    // argmin reports a failed line search as an error; the best point so far is what counts.
    let _ = Executor::new(&scaled, solver)
        .configure(|state| state.param((start / unit).as_slice().to_vec()).max_iters(ITERATIONS))
        .ctrlc(false)
        .run();
    match scaled.error.take() {
        Some(error) => Err(error),
        None => Ok(scaled.best.take().unwrap_or(first)),
    }
}
