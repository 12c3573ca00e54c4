//! Hessian-vector products and Hessians: the same replay on [`Dual`] numbers.

use nalgebra::DMatrix;

use super::{Program, Workspace, replay, require_length};
use crate::rules::Primitive;
use crate::{Dual, Error};

impl<T: Primitive> Program<T> {
    /// The first output at `x`; writes the product of its Hessian with `v` to
    /// `product`.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// let program = Program::record(&[0.0; 2], |x| x[0].powi(3) * x[1]);
    /// let mut product = [0.0; 2];
    /// let value = program.hvp(&mut program.workspace(), &[1.0, 2.0], &[1.0, 0.0], &mut product)?;
    /// assert_eq!((value, product), (2.0, [12.0, 3.0]));
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`value`](Self::value), and [`Error::NoSecondOrder`] for a custom
    /// node without a second-order rule.
    pub fn hvp(&self, work: &mut Workspace<T>, x: &[T], v: &[T], product: &mut [T]) -> Result<T, Error> {
        let seed = [(0, T::constant(1.0))];
        self.weighted_hvp(work, x, v, seed, product)?;
        Ok(work.dual.values[self.code.outputs[0] as usize].value)
    }

    /// Writes to `product` the product of `v` with the Hessian of `w·f`, the
    /// weighted sum of the outputs.
    ///
    /// # Errors
    ///
    /// As [`hvp`](Self::hvp).
    pub fn hvp_of_sum(
        &self,
        work: &mut Workspace<T>,
        x: &[T],
        w: &[T],
        v: &[T],
        product: &mut [T],
    ) -> Result<(), Error> {
        require_length("w", w.len(), self.outputs())?;
        self.weighted_hvp(work, x, v, w.iter().copied().enumerate(), product)
    }

    /// The Hessian of the first output at `x`.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// let program = Program::record(&[0.0; 2], |x| x[0].powi(3) * x[1]);
    /// assert_eq!(program.hessian(&[1.0, 2.0])?.as_slice(), [12.0, 3.0, 3.0, 0.0]);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`hvp`](Self::hvp).
    pub fn hessian(&self, x: &[T]) -> Result<DMatrix<T>, Error> {
        let n = self.inputs();
        let mut work = self.workspace();
        let mut hessian = DMatrix::zeros(n, n);
        let (mut direction, mut column) = (vec![T::constant(0.0); n], vec![T::constant(0.0); n]);
        for j in 0..n {
            direction[j] = T::constant(1.0);
            self.hvp(&mut work, x, &direction, &mut column)?;
            direction[j] = T::constant(0.0);
            hessian.column_mut(j).copy_from_slice(&column);
        }
        let transposed = hessian.transpose();
        Ok((hessian + transposed) * T::constant(0.5))
    }

    fn weighted_hvp(
        &self,
        work: &mut Workspace<T>,
        x: &[T],
        v: &[T],
        seeds: impl IntoIterator<Item = (usize, T)>,
        product: &mut [T],
    ) -> Result<(), Error> {
        require_length("x", x.len(), self.inputs())?;
        require_length("v", v.len(), self.inputs())?;
        require_length("product", product.len(), self.inputs())?;
        require_length("work", work.plain.values.len(), self.code.slots)?;
        self.code.nary.iter().try_for_each(|node| node.kind.require_second_order())?;
        let registers = &mut work.dual;
        registers.prepare(&self.code);
        let parameters = registers.values[self.code.passive()].iter_mut();
        parameters.zip(&self.parameters).for_each(|(slot, &parameter)| *slot = Dual::lift(parameter));
        let inputs = registers.values[self.code.active()].iter_mut();
        for ((input, &x), &v) in inputs.zip(x).zip(v) {
            *input = Dual::new(x, v);
        }
        replay::forward(&self.code, registers);
        self.code.check_guards(&registers.values, None)?;
        registers.clear_inputs(&self.code);
        for (output, seed) in seeds {
            registers.seed(&self.code, self.code.outputs[output], Dual::lift(seed));
        }
        replay::reverse(&self.code, registers);
        for (product, adjoint) in product.iter_mut().zip(&registers.adjoints) {
            *product = adjoint.tangent;
        }
        Ok(())
    }
}
