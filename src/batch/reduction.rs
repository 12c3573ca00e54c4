//! What becomes of the terms: reductions that lanes, chunks, threads and
//! machines all perform the same way.
//!
//! The smooth maximum of terms `f_i` with sharpness `k` is kept as the extreme
//! term `m`, the *excess* `s = Σ e^{k (f_i - m)}` over all terms but one that
//! attains `m`, and the gradient sum `G = Σ e^{k (f_i - m)} ∇f_i`. Then
//!
//! ```text
//! value = m + ln(1 + s) / k,    gradient = G / (1 + s)
//! ```
//!
//! and when a more extreme term appears, `1 + s` and `G` are multiplied by
//! `e^{k (m - m')}` (the online softmax of M. Milakov, N. Gimelshein, *Online
//! normalizer calculation for softmax*, 2018).

use nalgebra::DVector;

/// A smooth maximum over some of the terms: merges with that over others.
///
/// ```
/// use smoothmax::{Batch, SmoothMaxPartial};
///
/// let rows = [[1.0], [2.0], [3.0], [4.0]];
/// let batch = |rows| Batch::record(&[0.5], rows, |p, row| p[0] * row[0]);
/// let (whole, first, rest) = (batch(&rows[..]), batch(&rows[..1]), batch(&rows[1..]));
///
/// let k = 3.0;
/// let partial = first.smooth_max_partial(k, &[2.0])?.merge(rest.smooth_max_partial(k, &[2.0])?);
/// let mut g = [0.0];
/// assert!((partial.value() - whole.smooth_max(k, &[2.0], &mut g)?).abs() < 1e-15);
/// assert!((partial.gradient()[0] - g[0]).abs() < 1e-15);
/// # Ok::<(), smoothmax::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SmoothMaxPartial {
    pub(super) sharpness: f64,
    /// The extreme term `m`; NaN once any term is.
    pub(super) extreme: f64,
    /// The excess `s`.
    pub(super) excess: f64,
    /// The gradient sum `G`.
    pub(super) gradient: Vec<f64>,
}

impl SmoothMaxPartial {
    /// The smooth maximum of no terms.
    pub(super) fn new(sharpness: f64, inputs: usize) -> Self {
        let extreme = -sharpness.signum() * f64::INFINITY;
        SmoothMaxPartial { sharpness, extreme, excess: 0.0, gradient: vec![0.0; inputs] }
    }

    /// What a term that no other is less extreme than counts: nothing.
    fn is_neutral(&self) -> bool {
        self.extreme == -self.sharpness.signum() * f64::INFINITY
    }

    /// The smooth maximum over the terms of both.
    ///
    /// # Panics
    ///
    /// If they have different sharpness or numbers of inputs.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        assert!(self.sharpness == other.sharpness, "SmoothMaxPartial::merge: the sharpness differs");
        assert!(
            self.gradient.len() == other.gradient.len(),
            "SmoothMaxPartial::merge: the number of inputs differs"
        );
        if self.extreme.is_nan() || other.is_neutral() {
            return self;
        }
        if other.extreme.is_nan() || self.is_neutral() {
            return other;
        }
        let sign = self.sharpness.signum();
        let is_beyond = sign * other.extreme > sign * self.extreme;
        let (mut winner, loser) = if is_beyond { (other, self) } else { (self, other) };
        let factor = scale(loser.sharpness, loser.extreme, winner.extreme);
        winner.excess += (1.0 + loser.excess) * factor;
        if factor > 0.0 {
            for (sum, other) in winner.gradient.iter_mut().zip(loser.gradient) {
                *sum += factor * other;
            }
        }
        winner
    }

    /// `m + ln(1 + s) / k`; NaN if any term is, -inf (+inf for `k < 0`) if there is none.
    pub fn value(&self) -> f64 {
        self.extreme + self.excess.ln_1p() / self.sharpness
    }

    /// `G / (1 + s)`; NaN if any term is, zero if there is none.
    pub fn gradient(&self) -> DVector<f64> {
        let mut gradient = DVector::zeros(self.gradient.len());
        self.write_gradient(gradient.as_mut_slice());
        gradient
    }

    pub(super) fn write_gradient(&self, gradient: &mut [f64]) {
        let factor = if self.extreme.is_nan() { f64::NAN } else { 1.0 / (1.0 + self.excess) };
        for (slope, sum) in gradient.iter_mut().zip(&self.gradient) {
            *slope = factor * sum;
        }
    }
}

/// `e^{k (f - m)}`, where equal infinities differ by 0.
pub(super) fn scale(k: f64, f: f64, m: f64) -> f64 {
    if f == m { 1.0 } else { (k * (f - m)).exp() }
}
