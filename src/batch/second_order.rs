//! Hessians of reductions and products with them, term by term on [`Dual`] numbers.
//!
//! With `g_i` and `H_i` the gradient and Hessian of term `i`,
//!
//! ```text
//! sum with weights:   H = Σ w_i H_i
//! smooth maximum:     H = Σ w_i H_i + k (Σ w_i g_i g_i' - ḡ ḡ'),   ḡ = Σ w_i g_i,   w = softmax(k f)
//! ```
//!
//! A term has few variables, so its `H_i` is small; a Hessian of a sum is
//! assembled from these, as those of finite elements are.

use nalgebra::DMatrix;

use super::Batch;
use crate::program::coloring::HessianPlan;
use crate::program::replay::{self, Registers};
use crate::program::require_length;
#[cfg(feature = "sparse")]
use crate::program::sparsity::Pattern;
use crate::program::sparsity::hessian_pattern;
use crate::{Dual, Error, softmax};

/// Evaluates terms with their first and second derivatives, one at a time.
struct Terms<'b, 'd> {
    batch: &'b Batch<'d>,
    x: &'b [f64],
    registers: Registers<Dual>,
}

impl<'b, 'd> Terms<'b, 'd> {
    fn new(batch: &'b Batch<'d>, x: &'b [f64]) -> Result<Self, Error> {
        require_length("x", x.len(), batch.inputs)?;
        batch.code.nary.iter().try_for_each(|node| node.kind.require_second_order())?;
        let mut registers = Registers::reserve(&batch.code);
        registers.prepare(&batch.code);
        Ok(Terms { batch, x, registers })
    }

    /// The slope of term `row` along `direction`, given for the variables that
    /// the term sees. Afterwards [`adjoints`](Self::adjoints) hold `weight` times
    /// its gradient and, as tangents, its Hessian times `direction`.
    fn sweep(&mut self, row: usize, weight: f64, direction: impl Fn(usize) -> f64) -> Result<f64, Error> {
        let (batch, code, registers) = (self.batch, &self.batch.code, &mut self.registers);
        for (column, slot) in code.passive().enumerate() {
            registers.values[slot] = Dual::lift(batch.rows.at(row, column));
        }
        for (i, slot) in code.active().enumerate() {
            registers.values[slot] = Dual::new(self.x[batch.variable(row, i)], direction(i));
        }
        replay::forward(code, registers);
        code.check_guards(&registers.values, Some(row))?;
        registers.clear_inputs(code);
        registers.seed(code, code.outputs[0], Dual::lift(weight));
        replay::reverse(code, registers);
        Ok(registers.values[code.outputs[0] as usize].tangent)
    }

    fn adjoints(&self) -> &[Dual] {
        &self.registers.adjoints[..self.batch.code.active_inputs]
    }
}

impl Batch<'_> {
    /// Writes to `product` the product of `v` with the Hessian of `Σ w_i f_i`.
    /// Terms of weight 0 cost nothing.
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max), and [`Error::NoSecondOrder`].
    pub fn hvp_of_sum(&self, w: &[f64], x: &[f64], v: &[f64], product: &mut [f64]) -> Result<(), Error> {
        require_length("w", w.len(), self.len())?;
        require_length("v", v.len(), self.inputs)?;
        require_length("product", product.len(), self.inputs)?;
        let mut terms = Terms::new(self, x)?;
        product.fill(0.0);
        for (row, &w) in w.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            terms.sweep(row, w, |i| v[self.variable(row, i)])?;
            for (i, adjoint) in terms.adjoints().iter().enumerate() {
                product[self.variable(row, i)] += adjoint.tangent;
            }
        }
        Ok(())
    }

    /// Writes to `product` the product of `v` with the Hessian of
    /// [`smooth_max`](Self::smooth_max). Terms whose weight vanishes cost only
    /// their value.
    ///
    /// ```
    /// use smoothmax::Batch;
    ///
    /// // (1/k) ln(e^{k x} + e^{-k x}), whose second derivative at 0 is k.
    /// let batch = Batch::record(&[0.0], &[[1.0], [-1.0]][..], |x, row| x[0] * row[0]);
    /// let mut product = [0.0];
    /// batch.smooth_max_hvp(5.0, &[0.0], &[1.0], &mut product)?;
    /// assert_eq!(product, [5.0]);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`hvp_of_sum`](Self::hvp_of_sum).
    ///
    /// # Panics
    ///
    /// If `k` is zero, NaN or infinite.
    pub fn smooth_max_hvp(&self, k: f64, x: &[f64], v: &[f64], product: &mut [f64]) -> Result<(), Error> {
        assert!(
            k != 0.0 && k.is_finite(),
            "smooth_max_hvp: the sharpness `k` is {k}; it must be finite and not 0"
        );
        require_length("v", v.len(), self.inputs)?;
        require_length("product", product.len(), self.inputs)?;
        let mut values = vec![0.0; self.len()];
        self.values(x, &mut values)?;
        values.iter_mut().for_each(|value| *value *= k);
        let mut terms = Terms::new(self, x)?;
        let (mut gradient, mut mean_slope) = (vec![0.0; self.inputs], 0.0);
        product.fill(0.0);
        for (row, w) in softmax(&values).into_iter().enumerate().filter(|(_, w)| *w != 0.0) {
            let slope = terms.sweep(row, w, |i| v[self.variable(row, i)])?;
            mean_slope += w * slope;
            for (i, adjoint) in terms.adjoints().iter().enumerate() {
                let variable = self.variable(row, i);
                gradient[variable] += adjoint.value;
                product[variable] += adjoint.tangent + k * slope * adjoint.value;
            }
        }
        for (product, slope) in product.iter_mut().zip(gradient) {
            *product -= k * mean_slope * slope;
        }
        Ok(())
    }

    /// The Hessian of `Σ w_i f_i` at `x`.
    ///
    /// ```
    /// use smoothmax::{Batch, Rows};
    ///
    /// let pairs = [[0, 1], [1, 2]];
    /// let batch = Batch::gather(&[0.0; 3], &pairs, Rows::empty(2), |x, _| (x[0] - x[1]).powi(2));
    /// let hessian = batch.hessian_of_sum(&[0.5, 1.0], &[0.0, 1.0, 3.0])?;
    /// assert_eq!(hessian.as_slice(), [1.0, -1.0, 0.0, -1.0, 3.0, -2.0, 0.0, -2.0, 2.0]);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`hvp_of_sum`](Self::hvp_of_sum).
    pub fn hessian_of_sum(&self, w: &[f64], x: &[f64]) -> Result<DMatrix<f64>, Error> {
        let mut hessian = DMatrix::zeros(self.inputs, self.inputs);
        let plan = HessianPlan::new(hessian_pattern(&self.code));
        self.for_each_entry(&plan, w, x, |i, j, entry| hessian[(i, j)] += entry)?;
        Ok(hessian)
    }

    /// The Hessian of `Σ w_i f_i` at `x`, with an entry for each pair of variables
    /// that some term lets interact; zeros among them are kept.
    ///
    /// ```
    /// use smoothmax::{Batch, Rows};
    ///
    /// let pairs = [[0, 1], [1, 2]];
    /// let batch = Batch::gather(&[0.0; 3], &pairs, Rows::empty(2), |x, _| (x[0] - x[1]).powi(2));
    /// let hessian = batch.sparse_hessian_of_sum(&[1.0, 1.0], &[0.0, 1.0, 3.0])?;
    /// assert_eq!(hessian.nnz(), 7); // x0 and x2 never meet
    /// assert_eq!(hessian.get_entry(1, 1).unwrap().into_value(), 4.0);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`hvp_of_sum`](Self::hvp_of_sum).
    #[cfg(feature = "sparse")]
    pub fn sparse_hessian_of_sum(
        &self,
        w: &[f64],
        x: &[f64],
    ) -> Result<nalgebra_sparse::CscMatrix<f64>, Error> {
        let plan = HessianPlan::new(hessian_pattern(&self.code));
        let pattern = self.global_pattern(plan.pattern());
        let mut hessian = pattern.to_csc();
        let values = hessian.values_mut();
        self.for_each_entry(&plan, w, x, |i, j, entry| {
            values[pattern.position(i, j).expect("every entry of a term is in the pattern")] += entry;
        })?;
        Ok(hessian)
    }

    /// Visits every contribution of every term to the Hessian of the sum.
    fn for_each_entry(
        &self,
        plan: &HessianPlan,
        w: &[f64],
        x: &[f64],
        mut visit: impl FnMut(usize, usize, f64),
    ) -> Result<(), Error> {
        require_length("w", w.len(), self.len())?;
        let mut terms = Terms::new(self, x)?;
        let directions: Vec<Vec<f64>> = (0..plan.colors())
            .map(|color| plan.members(color).map(|is_in| f64::from(u8::from(is_in))).collect())
            .collect();
        for (row, &w) in w.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            for (color, direction) in directions.iter().enumerate() {
                terms.sweep(row, w, |i| direction[i])?;
                for entry in plan.entries(color) {
                    let (i, j) = (entry.row as usize, entry.column as usize);
                    let (value, [a, b]) = (
                        terms.adjoints()[entry.source as usize].tangent,
                        [i, j].map(|i| self.variable(row, i)),
                    );
                    visit(a, b, value);
                    if i != j {
                        visit(b, a, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// The pattern of the sum, given that of a term.
    #[cfg(feature = "sparse")]
    fn global_pattern(&self, local: &Pattern) -> Pattern {
        let mut rows = vec![Vec::new(); self.inputs];
        // Terms that see all variables have one pattern.
        let terms = if self.incidence.is_some() { self.len() } else { self.len().min(1) };
        for (term, i) in (0..terms).flat_map(|term| (0..local.rows()).map(move |i| (term, i))) {
            let row: &mut Vec<u32> = &mut rows[self.variable(term, i)];
            row.extend(local.row(i).iter().map(|&j| self.variable(term, j as usize) as u32));
        }
        Pattern::new(self.inputs, rows)
    }
}
