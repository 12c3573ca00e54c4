//! Hessians of reductions and products with them, term by term on [`Dual`] numbers.
//!
//! With `g_i` and `H_i` the gradient and Hessian of term `i`, and `s_i = g_i' v`
//! its slope along `v`,
//!
//! ```text
//! sum with weights:   H v = Σ w_i H_i v
//! smooth maximum:     H v = Σ w_i H_i v + Σ ẇ_i g_i,   w = softmax(k f),   ẇ_i = k w_i (s_i - Σ w_j s_j)
//! ```
//!
//! Both are the tangent of `Σ w_i g_i` along `v`: a reverse sweep seeded with the
//! dual weight `w_i + ε ẇ_i` adds the part of term `i`. The dual weights are
//! those of the slice [`smooth_max`](crate::smooth_max) at dual terms.
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
use crate::{Dual, Error, SliceNumber, kernel};

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

    /// Term `row` and its slope along `direction`, given for the variables that
    /// the term sees.
    fn evaluate(&mut self, row: usize, direction: impl Fn(usize) -> f64) -> Result<Dual, Error> {
        let (batch, code, registers) = (self.batch, &self.batch.code, &mut self.registers);
        for (column, slot) in code.passive().enumerate() {
            registers.values[slot] = Dual::lift(batch.rows.at(row, column));
        }
        for (i, slot) in code.active().enumerate() {
            registers.values[slot] = Dual::new(self.x[batch.variable(row, i)], direction(i));
        }
        replay::forward(code, registers, &[]);
        code.check_guards(&registers.values, Some(row))?;
        Ok(registers.values[code.outputs[0] as usize])
    }

    /// After [`evaluate`](Self::evaluate): the [`adjoints`](Self::adjoints) become
    /// `weight` times the gradient of the term, and as tangents the slopes of that.
    fn sweep_back(&mut self, weight: Dual) {
        let (code, registers) = (&self.batch.code, &mut self.registers);
        registers.clear_inputs(code);
        registers.seed(code, code.outputs[0], weight);
        replay::reverse(code, registers, &[], &mut []);
    }

    /// Writes to `product` the slopes of `Σ w_i g_i` along `v`; gives `Σ w_i f_i`.
    /// Each term comes with its weight and the slope of that.
    fn write_product(
        &mut self,
        weights: impl Iterator<Item = (usize, Dual)>,
        v: &[f64],
        product: &mut [f64],
    ) -> Result<f64, Error> {
        let (batch, mut sum) = (self.batch, 0.0);
        product.fill(0.0);
        for (row, weight) in weights {
            let term = self.evaluate(row, |i| v[batch.variable(row, i)])?;
            sum += weight.value * term.value;
            self.sweep_back(weight);
            for (i, adjoint) in self.adjoints().iter().enumerate() {
                product[batch.variable(row, i)] += adjoint.tangent;
            }
        }
        Ok(sum)
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
    pub fn hvp_of_sum(&self, x: &[f64], w: &[f64], v: &[f64], product: &mut [f64]) -> Result<(), Error> {
        require_length("w", w.len(), self.len())?;
        require_length("v", v.len(), self.inputs)?;
        require_length("product", product.len(), self.inputs)?;
        let weights = w.iter().map(|&w| Dual::lift(w)).enumerate().filter(|(_, w)| w.value != 0.0);
        Terms::new(self, x)?.write_product(weights, v, product).map(drop)
    }

    /// The [`sum`](Self::sum) of all terms; writes the product of `v` with its
    /// Hessian to `product`.
    pub(crate) fn sum_hvp(&self, x: &[f64], v: &[f64], product: &mut [f64]) -> Result<f64, Error> {
        require_length("v", v.len(), self.inputs)?;
        require_length("product", product.len(), self.inputs)?;
        let weights = (0..self.len()).map(|row| (row, Dual::lift(1.0)));
        Terms::new(self, x)?.write_product(weights, v, product)
    }

    /// The [smooth maximum](Self::smooth_max) at `x`; writes the product of its
    /// Hessian with `v` to `product`. Terms whose weight vanishes cost only their
    /// value.
    ///
    /// ```
    /// use smoothmax::Batch;
    ///
    /// // (1/k) ln(e^{k x} + e^{-k x}), whose second derivative at 0 is k.
    /// let batch = Batch::record(&[0.0], &[[1.0], [-1.0]][..], |x, row| x[0] * row[0]);
    /// let mut product = [0.0];
    /// let value = batch.smooth_max_hvp(5.0, &[0.0], &[1.0], &mut product)?;
    /// assert_eq!((value, product), (2f64.ln() / 5.0, [5.0]));
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
    pub fn smooth_max_hvp(&self, k: f64, x: &[f64], v: &[f64], product: &mut [f64]) -> Result<f64, Error> {
        assert!(
            k != 0.0 && k.is_finite(),
            "smooth_max_hvp: the sharpness `k` is {k}; it must be finite and not 0"
        );
        require_length("v", v.len(), self.inputs)?;
        require_length("product", product.len(), self.inputs)?;
        let mut terms = Terms::new(self, x)?;
        let support = self.smooth_max_support(k, x)?;
        let slopes = support.iter().map(|&row| terms.evaluate(row, |i| v[self.variable(row, i)]));
        let duals: Vec<Dual> = slopes.collect::<Result<_, _>>()?;
        let mut weights = vec![Dual::lift(0.0); support.len()];
        let value = Dual::smooth_max_weights(&duals, Dual::lift(k), &mut weights).value;
        terms.write_product(support.into_iter().zip(weights), v, product)?;
        Ok(value)
    }

    /// The terms whose weight in the smooth maximum is not 0.
    fn smooth_max_support(&self, k: f64, x: &[f64]) -> Result<Vec<usize>, Error> {
        let (mut values, mut weights) = (vec![0.0; self.len()], vec![0.0; self.len()]);
        self.values(x, &mut values)?;
        kernel::smooth_max_weights(&values, k, &mut weights);
        Ok((0..self.len()).filter(|&row| weights[row] != 0.0).collect())
    }

    /// The Hessian of `Σ w_i f_i` at `x`.
    ///
    /// ```
    /// use smoothmax::{Batch, Rows};
    ///
    /// let pairs = [[0, 1], [1, 2]];
    /// let batch = Batch::gather(&[0.0; 3], &pairs, Rows::empty(2), |x, _| (x[0] - x[1]).powi(2));
    /// let hessian = batch.hessian_of_sum(&[0.0, 1.0, 3.0], &[0.5, 1.0])?;
    /// assert_eq!(hessian.as_slice(), [1.0, -1.0, 0.0, -1.0, 3.0, -2.0, 0.0, -2.0, 2.0]);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`hvp_of_sum`](Self::hvp_of_sum).
    pub fn hessian_of_sum(&self, x: &[f64], w: &[f64]) -> Result<DMatrix<f64>, Error> {
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
    /// let hessian = batch.sparse_hessian_of_sum(&[0.0, 1.0, 3.0], &[1.0, 1.0])?;
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
        x: &[f64],
        w: &[f64],
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
                terms.evaluate(row, |i| direction[i])?;
                terms.sweep_back(Dual::lift(w));
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
