//! What a solver may ask of the components `F: R^n -> R^m`.

use nalgebra::DMatrix;

use crate::Error;

/// The components of a minimax objective: values, Jacobian products and rows.
///
/// [`Minimax::record`](super::Minimax::record) makes one from a closure; implement it yourself
/// where the components have structure that a recording would not see (a million rows computed
/// by one matrix product, say) and hand it to [`Minimax::oracle`](super::Minimax::oracle).
///
/// With `n = dimension()` and `m = components()`: `x` has length `n`, values and weights have
/// length `m`. A component that is not defined at `x` is NaN or infinite, never an `Err`; an
/// `Err` stops the solver.
///
/// ```
/// use nalgebra::DMatrix;
/// use smoothmax::minimax::Oracle;
/// use smoothmax::{Error, Minimax};
///
/// /// The squared distances from three points of the line; the largest is least halfway between
/// /// the outer two.
/// struct Squares([f64; 3]);
///
/// impl Oracle for Squares {
///     fn dimension(&self) -> usize { 1 }
///     fn components(&self) -> usize { 3 }
///     fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
///         for (v, a) in values.iter_mut().zip(self.0) {
///             *v = (x[0] - a).powi(2);
///         }
///         Ok(())
///     }
///     fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
///         Ok(DMatrix::from_fn(indices.len(), 1, |r, _| 2.0 * (x[0] - self.0[indices[r]])))
///     }
/// }
///
/// let solution = Minimax::oracle(Squares([0.0, 1.0, 4.0])).solve(&[1.0])?;
/// assert!((solution.x[0] - 2.0).abs() < 1e-12 && (solution.value - 4.0).abs() < 1e-12);
/// # Ok::<(), Error>(())
/// ```
pub trait Oracle: Send + Sync {
    /// The number of variables `n`.
    fn dimension(&self) -> usize;

    /// The number of components `m`.
    fn components(&self) -> usize;

    /// Writes `F(x)`.
    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error>;

    /// The Jacobian rows of the components in `indices`, in that order: `indices.len()` by `n`.
    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error>;

    /// Writes `J(x)' weights`; the default goes through [`Oracle::rows`], skipping zero weights.
    fn pullback(&self, x: &[f64], weights: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        gradient.fill(0.0);
        let support: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] != 0.0).collect();
        let rows = self.rows(x, &support)?;
        for (r, &i) in support.iter().enumerate() {
            for (g, dj) in gradient.iter_mut().zip(rows.row(r).iter()) {
                *g += weights[i] * dj;
            }
        }
        Ok(())
    }

    /// Writes `F(x)`, lets `weigh` turn the values into weights, then writes `J(x)' weights`.
    ///
    /// A recording does this with one forward and one reverse sweep; the default evaluates twice.
    fn sweep(
        &self,
        x: &[f64],
        values: &mut [f64],
        weigh: &mut dyn FnMut(&[f64]) -> Vec<f64>,
        gradient: &mut [f64],
    ) -> Result<(), Error> {
        self.values(x, values)?;
        let weights = weigh(values);
        self.pullback(x, &weights, gradient)
    }

    /// Writes the second derivative of `weights . F` at `x`, applied to `direction`, and returns
    /// true; returns false (the default) when the oracle has no second order.
    fn hessian_vector(
        &self,
        _x: &[f64],
        _weights: &[f64],
        _direction: &[f64],
        _out: &mut [f64],
    ) -> Result<bool, Error> {
        Ok(false)
    }
}
