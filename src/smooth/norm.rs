//! Smooth forms of the largest magnitude `max |x_i|`.

use num_traits::Float;

use super::exact::LargestMagnitude;
use super::node::{Exact, Smoothing, record, record_at};
use super::sum::{centred, pairwise_sum, variance};
use crate::Scalar;
use crate::kernel::DoubleDouble;
use crate::rules::Primitive;
use crate::sharpness::Requirement;

/// `(1/2k) ln Σ (e^{2k x_i} + e^{-2k x_i})`: the largest magnitude `max |x_i|`,
/// smoothed; above it by at most `ln(2n) / 2k`.
///
/// Convex, differentiable everywhere, not monotone. For two operands it is
/// `(|x + y| + |x - y|) / 2` with each absolute value replaced by
/// [`smooth_abs`](crate::smooth_abs) at sharpness `k`.
///
/// ```
/// use smoothmax::{smooth_abs, smooth::smooth_norm_inf};
///
/// let smooth = smooth_norm_inf(&[-3.0, 1.0], 2.0);
/// assert!(3.0 <= smooth && smooth <= 3.0 + 4f64.ln() / 4.0);
/// let by_abs = (smooth_abs(-3.0 + 1.0, 2.0) + smooth_abs(-3.0 - 1.0, 2.0)) / 2.0;
/// assert!((smooth - by_abs).abs() < 1e-15);
/// ```
///
/// # Panics
///
/// Unless `k > 0`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_norm_inf<S: Scalar>(x: &[S], k: f64) -> S {
    Requirement::POSITIVE.check::<S>("smooth_norm_inf", k);
    record(SmoothNormInf { k }, x)
}

/// [`smooth_norm_inf`] with a sharpness that may be a variable; NaN unless `k > 0`.
///
/// ```
/// use smoothmax::smooth::{smooth_norm_inf, smooth_norm_inf_at};
///
/// assert_eq!(smooth_norm_inf_at(&[1.0, 2.0], 3.0), smooth_norm_inf(&[1.0, 2.0], 3.0));
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_norm_inf_at<S: Scalar>(x: &[S], k: S) -> S {
    record_at(|k| SmoothNormInf { k }, x, k)
}

/// `(Σ |x_i|^p)^{1/p}`: the largest magnitude times a factor in `[1, n^{1/p}]`.
///
/// Convex and homogeneous, not smooth at 0, where value and gradient are 0. At
/// `p = inf` it is the largest magnitude.
///
/// ```
/// use smoothmax::{gradient, smooth::p_norm};
///
/// let (value, g) = gradient(&[3.0, -4.0], |x| p_norm(x, 2.0));
/// assert!((value - 5.0).abs() < 1e-14);
/// assert!((g[0] - 0.6).abs() < 1e-15 && (g[1] + 0.8).abs() < 1e-15);
/// ```
///
/// # Panics
///
/// Unless `p >= 1`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn p_norm<S: Scalar>(x: &[S], p: f64) -> S {
    assert!(p >= 1.0, "p_norm: the exponent `p` is {p}; it must be at least 1");
    record(PNorm { p }, x)
}

struct SmoothNormInf {
    k: f64,
}

impl SmoothNormInf {
    /// The operands `|x|` and then `-|x|`, of which this is the smooth maximum at
    /// sharpness `2k`.
    fn both<T: Primitive>(x: &[T]) -> Vec<T> {
        let magnitudes = x.iter().map(|&x| Float::abs(x));
        magnitudes.clone().chain(magnitudes.map(|a| -a)).collect()
    }

    /// Value, and weights of `|x|` and then `-|x|`.
    fn weights<T: Primitive>(&self, x: &[T]) -> (T, Vec<T>) {
        let both = Self::both(x);
        let mut w = vec![T::zero(); both.len()];
        (T::smooth_max_weights(&both, T::constant(2.0 * self.k), &mut w), w)
    }

    /// `1 - e^{-4k|x|}`, the weight of `|x|` less that of `-|x|`, relative to the former.
    fn bias<T: Primitive>(&self, x: T) -> T {
        -Float::exp_m1(T::constant(-4.0 * self.k) * Float::abs(x))
    }
}

impl Smoothing for SmoothNormInf {
    const NAME: &'static str = "smooth_norm_inf";
    type Target = LargestMagnitude;

    /// `4k`, which occurs and must be finite.
    fn sharpness(&self) -> f64 {
        4.0 * self.k
    }

    fn target(&self) -> LargestMagnitude {
        LargestMagnitude
    }

    fn value<T: Primitive>(&self, x: &[T]) -> T {
        self.weights(x).0
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        let (_, w) = self.weights(x);
        for i in 0..x.len() {
            g[i] = x[i].sign() * (w[i] * self.bias(x[i]));
        }
    }

    /// With weights `w⁺`, `w⁻` of `|x|` and `-|x|`, their mean direction `μ` and
    /// the bias `b = 1 - w⁻/w⁺`: `2k (b w⁺ (v - μ) + 2 w⁻ v)`, signs aside.
    /// No two nearly equal numbers are subtracted at either end.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]) {
        let (_, w) = self.weights(x);
        let outward = x.iter().zip(v).map(|(&x, &v)| if x < T::zero() { -v } else { v });
        let both: Vec<T> = outward.clone().chain(outward.map(|v| -v)).collect();
        let mut pulled = vec![T::zero(); both.len()];
        T::softmax_pullback(&w, &both, &mut pulled);
        let two = T::constant(2.0);
        for i in 0..x.len() {
            let change = self.bias(x[i]) * pulled[i] + two * w[x.len() + i] * both[i];
            let sign = if x[i] < T::zero() { -T::one() } else { T::one() };
            product[i] = sign * T::constant(2.0 * self.k) * change;
        }
    }

    /// Twice the slope of the smooth maximum: a sum of positive terms.
    fn sharpness_slope<T: Primitive>(&self, x: &[T]) -> T {
        let (_, w) = self.weights(x);
        T::constant(2.0) * T::smooth_max_sharpness_slope(&Self::both(x), T::constant(2.0 * self.k), &w)
    }

    /// `2 (V - ∂f/∂k) / k` with the variance `V` of the operands by their weights.
    fn sharpness_curvature<T: Primitive>(&self, x: &[T]) -> T {
        let (_, w) = self.weights(x);
        let spread = variance(&w, &centred(&w, &Self::both(x), self.target().value(x)));
        T::constant(2.0) * (spread - self.sharpness_slope(x)) / T::constant(self.k)
    }
}

struct PNorm {
    p: f64,
}

/// A magnitude relative to the largest one, with what rounding lost of it.
#[derive(Clone, Copy)]
pub(super) struct Ratio<T> {
    value: T,
    lost: T,
}

impl<T: Primitive> Ratio<T> {
    /// `a / largest`, and the error of the quotient relative to it.
    pub(super) fn new(a: T, largest: T) -> Self {
        let value = a / largest;
        let lost = if value > T::zero() { Float::mul_add(-value, largest, a) / a } else { T::zero() };
        Ratio { value, lost }
    }

    /// The ratio to the power `p`, with the loss carried into it.
    pub(super) fn pow(self, p: T) -> T {
        let (power, lost) = self.pow_parts(p);
        power + lost
    }

    /// The power of the rounded ratio, and what the rounding lost of it.
    fn pow_parts(self, p: T) -> (T, T) {
        let power = Float::powf(self.value, p);
        let is_exact = power == T::zero() || self.lost == T::zero();
        (power, if is_exact { T::zero() } else { power * (p * self.lost) })
    }
}

impl PNorm {
    /// The largest magnitude, its index, the ratios to it, and `Σ r_i^p` of the others.
    fn ratios<T: Primitive>(&self, x: &[T]) -> (T, usize, Vec<Ratio<T>>, T) {
        let m = LargestMagnitude.value(x);
        let largest = x.iter().position(|&x| Float::abs(x) == m).unwrap_or(0);
        let ratios: Vec<Ratio<T>> = x.iter().map(|&x| Ratio::new(Float::abs(x), m)).collect();
        let others = ratios.iter().enumerate().filter(|&(i, _)| i != largest);
        let powers: Vec<T> = others.map(|(_, r)| r.pow(T::constant(self.p))).collect();
        (m, largest, ratios, pairwise_sum(&powers))
    }

    /// `(1 + s)^{1/p}`.
    fn root<T: Primitive>(&self, s: T) -> T {
        Float::exp(Float::ln_1p(s) / T::constant(self.p))
    }

    /// `(|x_i| / norm)^{p - 1}`, with signs, and the norm.
    fn slopes<T: Primitive>(&self, x: &[T]) -> (Vec<T>, T, usize) {
        let (m, largest, ratios, others) = self.ratios(x);
        let p = T::constant(self.p);
        let root = self.root(others);
        // Two products and a quotient that are rounded once.
        let wide = |x: T| x.to_f64().expect("a float");
        let total = DoubleDouble::from(1.0).plus(DoubleDouble::from(wide(others)));
        let scale = DoubleDouble::from(wide(root)).div(total);
        let slope = |(r, &x): (&Ratio<T>, &T)| {
            let (power, lost) = r.pow_parts(p - T::one());
            let power = DoubleDouble::from(wide(power)).plus(DoubleDouble::from(wide(lost)));
            x.sign() * T::constant(power.mul(scale).value())
        };
        (ratios.iter().zip(x).map(slope).collect(), m * root, largest)
    }
}

impl Smoothing for PNorm {
    const NAME: &'static str = "p_norm";
    type Target = LargestMagnitude;

    fn sharpness(&self) -> f64 {
        self.p
    }

    fn target(&self) -> LargestMagnitude {
        LargestMagnitude
    }

    fn value<T: Primitive>(&self, x: &[T]) -> T {
        if x.iter().all(|x| *x == T::zero()) {
            return T::zero();
        }
        let (m, _, _, others) = self.ratios(x);
        m * self.root(others)
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        if x.iter().all(|x| *x == T::zero()) {
            g.fill(T::zero());
            return;
        }
        g.copy_from_slice(&self.slopes(x).0);
    }

    /// With `u` the gradient and `ρ = x / norm`: `(p - 1) (|ρ_i|^{p-2} v_i - u_i
    /// (u·v)) / norm`. Both terms are taken relative to `q = v_M / ρ_M` of the
    /// largest entry, for which they would cancel. NaN at the corner 0.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]) {
        if x.iter().all(|x| *x == T::zero()) {
            product.fill(T::nan());
            return;
        }
        let (u, norm, largest) = self.slopes(x);
        let p = T::constant(self.p);
        let q = v[largest] / (x[largest] / norm);
        let terms = (0..x.len()).filter(|&i| i != largest).map(|i| u[i] * (v[i] - x[i] / norm * q));
        let mean = pairwise_sum(&terms.collect::<Vec<_>>());
        for i in 0..x.len() {
            let curvature = Float::powf(Float::abs(x[i]) / norm, p - T::constant(2.0));
            let own = if i == largest { T::zero() } else { (v[i] - x[i] / norm * q).chain(curvature) };
            product[i] = (p - T::one()).chain(own - u[i] * mean) / norm;
        }
    }

    fn has_corner<T: Primitive>(&self, x: &[T]) -> bool {
        let zeros = x.iter().filter(|x| x.is_zero()).count();
        zeros > 0 && (zeros == x.len() || self.p == 1.0)
    }
}
