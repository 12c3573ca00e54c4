//! A [`Program`] as a problem for argmin's solvers, and Hessians as linear operators.

use std::cell::RefCell;

use argmin::core::{CostFunction, Error as ArgminError, Gradient, Hessian, Operator};

use crate::program::require_length;
use crate::{Error, Program};

/// The Hessian at a point as a linear operator: its `apply` is the Hessian-vector product.
///
/// From [`Program::hessian_at`] and [`Smoothed::hessian_at`](super::Smoothed::hessian_at).
pub struct HessianOperator<'s> {
    dimension: usize,
    product: Box<Product<'s>>,
}

/// Writes the product with its first argument to the second.
type Product<'s> = dyn Fn(&[f64], &mut [f64]) -> Result<(), Error> + 's;

impl<'s> HessianOperator<'s> {
    /// The operator of this dimension that `product` computes.
    pub(super) fn new(
        dimension: usize,
        product: impl Fn(&[f64], &mut [f64]) -> Result<(), Error> + 's,
    ) -> Self {
        HessianOperator { dimension, product: Box::new(product) }
    }

    /// The whole matrix, made symmetric.
    pub(super) fn matrix(&self) -> Result<Vec<Vec<f64>>, Error> {
        let n = self.dimension;
        let mut columns = vec![vec![0.0; n]; n];
        let mut unit = vec![0.0; n];
        for (j, column) in columns.iter_mut().enumerate() {
            unit[j] = 1.0;
            (self.product)(&unit, column)?;
            unit[j] = 0.0;
        }
        let entry = |i: usize, j: usize| 0.5 * (columns[i][j] + columns[j][i]);
        Ok((0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect())
    }
}

impl Operator for HessianOperator<'_> {
    type Param = Vec<f64>;
    type Output = Vec<f64>;

    fn apply(&self, direction: &Vec<f64>) -> Result<Vec<f64>, ArgminError> {
        require_length("direction", direction.len(), self.dimension)?;
        let mut product = vec![0.0; self.dimension];
        (self.product)(direction, &mut product)?;
        Ok(product)
    }
}

impl Program {
    /// The Hessian of the first output at `x` as an operator for argmin.
    ///
    /// A Newton step by conjugate gradients, without the matrix:
    ///
    /// ```
    /// use argmin::core::{Executor, State};
    /// use argmin::solver::conjugategradient::ConjugateGradient;
    /// use smoothmax::Program;
    ///
    /// let program = Program::record(&[0.0; 2], |x| x[0].powi(2) + x[0] * x[1] + x[1].powi(2) - x[0]);
    /// let (x, mut g) = ([5.0, 7.0], [0.0; 2]);
    /// program.gradient(&mut program.workspace(), &x, &mut g)?;
    /// let solver: ConjugateGradient<_, f64> = ConjugateGradient::new(g.to_vec());
    /// let system = Executor::new(program.hessian_at(&x)?, solver);
    /// let result = system.configure(|state| state.param(vec![0.0; 2]).max_iters(2)).run()?;
    /// let step = result.state().get_best_param().ok_or("no step")?;
    /// assert!((x[0] - step[0] - 2.0 / 3.0).abs() < 1e-12 && (x[1] - step[1] + 1.0 / 3.0).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` has not an element for each input; what else
    /// [`hvp`](Self::hvp) reports comes from `apply`.
    pub fn hessian_at(&self, x: &[f64]) -> Result<HessianOperator<'_>, Error> {
        require_length("x", x.len(), self.inputs())?;
        let (x, work) = (x.to_vec(), RefCell::new(self.workspace()));
        Ok(HessianOperator::new(x.len(), move |direction, product| {
            self.hvp(&mut work.borrow_mut(), &x, direction, product).map(drop)
        }))
    }
}

/// The first output is the cost. Each call brings its own workspace; a comparison that flips is an
/// error, which ends the run.
///
/// ```
/// use argmin::core::{Executor, State};
/// use argmin::solver::linesearch::MoreThuenteLineSearch;
/// use argmin::solver::quasinewton::LBFGS;
/// use smoothmax::{Program, Scalar};
///
/// fn rosenbrock<S: Scalar>(x: &[S]) -> S {
///     let c = S::constant;
///     c(100.0) * (x[1] - x[0] * x[0]).powi(2) + (c(1.0) - x[0]).powi(2)
/// }
///
/// let start = vec![-1.2, 1.0];
/// let program = Program::record(&start, |x| rosenbrock(x));
/// let solver = LBFGS::new(MoreThuenteLineSearch::new(), 5);
/// let result = Executor::new(program, solver).configure(|state| state.param(start).max_iters(100)).run()?;
/// assert!(result.state().get_best_cost() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl CostFunction for Program {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, ArgminError> {
        Ok(self.value(&mut self.workspace(), x)?)
    }
}

/// The gradient of the first output.
impl Gradient for Program {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, ArgminError> {
        let mut gradient = vec![0.0; self.inputs()];
        Program::gradient(self, &mut self.workspace(), x, &mut gradient)?;
        Ok(gradient)
    }
}

/// The Hessian of the first output, by [`Program::hessian`].
impl Hessian for Program {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, ArgminError> {
        let hessian = Program::hessian(self, x)?;
        Ok(hessian.row_iter().map(|row| row.iter().copied().collect()).collect())
    }
}
