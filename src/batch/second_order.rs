//! Hessians of reductions and products with them, on lanes of [`Dual`] numbers.
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

use std::ops::Range;

use nalgebra::DMatrix;

use super::Batch;
use super::chunks::{add_to, reduce};
use super::dual_sweep::{Direction, DualReduction, DualSweep, Weights};
use super::selection::{Selection, Support};
use crate::kernel::dispatch::dispatch;
use crate::program::coloring::{Entry, HessianPlan};
use crate::program::require_length;
#[cfg(feature = "sparse")]
use crate::program::sparsity::Pattern;
use crate::program::sparsity::hessian_pattern;
use crate::{Dual, Error, SliceNumber, kernel};

impl Batch<'_> {
    /// Writes to `product` the product of `v` with the Hessian of `Σ w_i f_i`.
    /// Terms of weight 0 cost nothing.
    ///
    /// # Errors
    ///
    /// As [`smooth_max`](Self::smooth_max), and [`Error::NoSecondOrder`].
    pub fn hvp_of_sum(&self, x: &[f64], w: &[f64], v: &[f64], product: &mut [f64]) -> Result<(), Error> {
        require_length("w", w.len(), self.len())?;
        let support = Support::of(w);
        let weights = support.pick(w);
        self.product(x, v, &support, Weights::Constant(&weights), product).map(drop)
    }

    /// The [`sum`](Self::sum) of all terms; writes the product of `v` with its
    /// Hessian to `product`.
    pub(crate) fn sum_hvp(&self, x: &[f64], v: &[f64], product: &mut [f64]) -> Result<f64, Error> {
        self.product(x, v, &Support::All(self.len()), Weights::Ones, product)
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
        let support = self.smooth_max_support(k, x)?;
        let mut terms = vec![Dual::lift(0.0); support.len()];
        let whole = support.select(0..support.len());
        self.dual_sweep(x, Direction::Global(v), whole, DualReduction::Terms(&mut terms))?;
        let mut weights = vec![Dual::lift(0.0); support.len()];
        let value = Dual::smooth_max_weights(&terms, Dual::lift(k), &mut weights).value;
        self.product(x, v, &support, Weights::Varying(&weights), product)?;
        Ok(value)
    }

    /// The terms whose weight in the smooth maximum is not 0.
    fn smooth_max_support(&self, k: f64, x: &[f64]) -> Result<Support, Error> {
        let (mut values, mut weights) = (vec![0.0; self.len()], vec![0.0; self.len()]);
        self.values(x, &mut values)?;
        kernel::smooth_max_weights(&values, k, &mut weights);
        Ok(Support::of(&weights))
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
        let support = Support::of(w);
        let weights = support.pick(w);
        for color in 0..plan.colors() {
            let direction: Vec<f64> = plan.members(color).map(|is_in| f64::from(u8::from(is_in))).collect();
            let entries: Vec<Entry> = plan.entries(color).collect();
            let reduction =
                DualReduction::Entries { weights: &weights, entries: &entries, visit: &mut visit };
            let whole = support.select(0..support.len());
            self.dual_sweep(x, Direction::Local(&direction), whole, reduction)?;
        }
        Ok(())
    }

    /// Writes to `product` the slopes of `Σ w_i g_i` along `v`; gives `Σ w_i f_i`.
    fn product(
        &self,
        x: &[f64],
        v: &[f64],
        support: &Support,
        weights: Weights<'_>,
        product: &mut [f64],
    ) -> Result<f64, Error> {
        self.require_second_order(x)?;
        require_length("v", v.len(), self.inputs)?;
        require_length("product", product.len(), self.inputs)?;
        product.fill(0.0);
        let part = |chunk: Range<usize>| {
            let (mut value, mut part) = (0.0, vec![0.0; self.inputs]);
            let selection = support.select(chunk.clone());
            let weights = weights.slice(chunk);
            let reduction = DualReduction::Product { weights, value: &mut value, product: &mut part };
            self.dual_sweep(x, Direction::Global(v), selection, reduction)?;
            Ok((value, part))
        };
        reduce(support.len(), 0.0, part, |total, (value, part)| {
            add_to(product, &part);
            total + value
        })
    }

    /// Checks the length of `x`, and that every node has second derivatives.
    fn require_second_order(&self, x: &[f64]) -> Result<(), Error> {
        require_length("x", x.len(), self.inputs)?;
        self.code.nary.iter().try_for_each(|node| node.kind.require_second_order())
    }

    fn dual_sweep(
        &self,
        x: &[f64],
        direction: Direction<'_>,
        selection: Selection<'_>,
        reduction: DualReduction<'_>,
    ) -> Result<(), Error> {
        self.require_second_order(x)?;
        dispatch(DualSweep { batch: self, point: x, direction, selection, reduction })
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
