//! Components given by a closure, recorded anew at every evaluation.

use nalgebra::DMatrix;

use super::Oracle;
use crate::{Adjoints, Error, Tape, Var, diff, dot};

/// An oracle that runs the closure on the tape.
pub(crate) struct Recorded<F> {
    components: F,
    n: usize,
    m: usize,
}

impl<F> Recorded<F>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>> + Send + Sync,
{
    /// Runs the closure once at `x0` to count its components.
    pub(crate) fn new(x0: &[f64], components: F) -> Self {
        let m = components(&Tape::new().vars(x0)).len();
        Recorded { components, n: x0.len(), m }
    }

    /// The closure's values, or an error if their number has changed.
    fn run<'t>(&self, x: &[Var<'t, f64>]) -> Result<Vec<Var<'t, f64>>, Error> {
        let y = (self.components)(x);
        if y.len() == self.m {
            Ok(y)
        } else {
            Err(Error::Length { argument: "components", found: y.len(), expected: self.m })
        }
    }
}

impl<F> Oracle for Recorded<F>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>> + Send + Sync,
{
    fn dimension(&self) -> usize {
        self.n
    }

    fn components(&self) -> usize {
        self.m
    }

    fn values(&self, x: &[f64], values: &mut [f64]) -> Result<(), Error> {
        let tape = Tape::new();
        for (value, y) in values.iter_mut().zip(self.run(&tape.vars(x))?) {
            *value = y.value();
        }
        Ok(())
    }

    fn rows(&self, x: &[f64], indices: &[usize]) -> Result<DMatrix<f64>, Error> {
        Ok(diff::jacobian(x, |x| {
            let y = (self.components)(x);
            indices.iter().map(|&i| y[i]).collect()
        })
        .1)
    }

    fn pullback(&self, x: &[f64], weights: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        let mut values = vec![0.0; self.m];
        self.sweep(x, &mut values, &mut |_| weights.to_vec(), gradient)
    }

    fn sweep(
        &self,
        x: &[f64],
        values: &mut [f64],
        weigh: &mut dyn FnMut(&[f64]) -> Vec<f64>,
        gradient: &mut [f64],
    ) -> Result<(), Error> {
        let tape = Tape::new();
        let vars = tape.vars(x);
        let y = self.run(&vars)?;
        for (value, y) in values.iter_mut().zip(&y) {
            *value = y.value();
        }
        let seeds: Vec<_> = y.into_iter().zip(weigh(values)).filter(|(_, w)| *w != 0.0).collect();
        gradient.copy_from_slice(Adjoints::of(&seeds, Vec::new()).wrt(&vars).as_slice());
        Ok(())
    }

    fn hessian_vector(
        &self,
        x: &[f64],
        weights: &[f64],
        direction: &[f64],
        out: &mut [f64],
    ) -> Result<bool, Error> {
        let (_, _, product) = diff::hvp(x, direction, |x| dot(weights, &(self.components)(x)));
        out.copy_from_slice(product.as_slice());
        Ok(true)
    }
}
