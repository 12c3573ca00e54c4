//! Hessian-vector products and Hessians: the same replay on [`Dual`] numbers.

use nalgebra::DMatrix;

use super::coloring::HessianPlan;
use super::replay::{self, Registers};
use super::sparsity::hessian_pattern;
use super::{Program, Workspace, require_length};
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
    /// As [`value`](Self::value), and [`Error::NoSecondOrder`] if an output or a
    /// comparison depends on a custom node without a second-order rule.
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
    /// Where many of its entries are 0 for structural reasons, a few
    /// Hessian-vector products give it: as many as its pattern needs colours. What
    /// the pattern allows is worked out at the first call and kept.
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
        let mut hessian = DMatrix::zeros(n, n);
        let plan = self.hessian_plan();
        if plan.colors() < n {
            self.for_each_hessian_entry(x, |i, j, entry| {
                hessian[(i, j)] = entry;
                hessian[(j, i)] = entry;
            })?;
            return Ok(hessian);
        }
        let mut work = self.workspace();
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

    /// The Hessian of the first output at `x`, with an entry for each of its
    /// [pattern](super::Sparsity::hessian); zeros among them are kept.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// // Two blocks: x0 meets x1, and x2 meets nobody.
    /// let program = Program::record(&[0.0; 3], |x| x[0] * x[1] + x[2].powi(3));
    /// let hessian = program.sparse_hessian(&[1.0, 2.0, 3.0])?;
    /// assert_eq!(hessian.nnz(), 3);
    /// assert_eq!(hessian.get_entry(2, 2).unwrap().into_value(), 18.0);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`hvp`](Self::hvp).
    #[cfg(feature = "sparse")]
    pub fn sparse_hessian(&self, x: &[T]) -> Result<nalgebra_sparse::CscMatrix<T>, Error> {
        let pattern = self.hessian_plan().pattern();
        let mut hessian = pattern.to_csc();
        let values = hessian.values_mut();
        self.for_each_hessian_entry(x, |i, j, entry| {
            for place in [pattern.position(i, j), pattern.position(j, i)].into_iter().flatten() {
                values[place] = entry;
            }
        })?;
        Ok(hessian)
    }

    pub(super) fn hessian_plan(&self) -> &HessianPlan {
        self.hessian_plan.get_or_init(|| Box::new(HessianPlan::new(hessian_pattern(&self.code))))
    }

    /// Visits the entries on and above the diagonal, by one Hessian-vector
    /// product for each colour.
    fn for_each_hessian_entry(&self, x: &[T], mut visit: impl FnMut(usize, usize, T)) -> Result<(), Error> {
        let (plan, mut work) = (self.hessian_plan(), self.workspace());
        let (mut direction, mut product) =
            (vec![T::constant(0.0); self.inputs()], vec![T::constant(0.0); self.inputs()]);
        for color in 0..plan.colors() {
            for (direction, is_in) in direction.iter_mut().zip(plan.members(color)) {
                *direction = T::constant(f64::from(u8::from(is_in)));
            }
            self.hvp(&mut work, x, &direction, &mut product)?;
            for entry in plan.entries(color) {
                visit(entry.row as usize, entry.column as usize, product[entry.source as usize]);
            }
        }
        Ok(())
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
        work.require_of(&self.code)?;
        self.code.nary.iter().try_for_each(|node| node.kind.require_second_order())?;
        let (registers, mut seeds) = (&mut work.dual, seeds.into_iter());
        registers.prepare(&self.code);
        let parameters = registers.values[self.code.passive()].iter_mut();
        parameters.zip(&self.parameters).for_each(|(slot, &parameter)| *slot = Dual::lift(parameter));
        let inputs = registers.values[self.code.active()].iter_mut();
        for ((input, &x), &v) in inputs.zip(x).zip(v) {
            *input = Dual::new(x, v);
        }
        let mut seed = |registers: &mut Registers<Dual<T>>| {
            for (output, seed) in &mut seeds {
                registers.seed(&self.code, self.code.outputs[output], Dual::lift(seed));
            }
        };
        if let Some(part) = self.code.one_pass {
            seed(registers);
            replay::forward_and_reverse(&self.code, part, registers, &[], &mut []);
        } else {
            replay::forward(&self.code, registers, &[]);
            self.code.check_guards(&registers.values, None)?;
            seed(registers);
            replay::reverse(&self.code, registers, &[], &mut []);
        }
        for (product, adjoint) in product.iter_mut().zip(registers.take_adjoints(&self.code)) {
            *product = adjoint.tangent;
        }
        Ok(())
    }
}
