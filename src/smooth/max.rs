//! Smooth maxima of a slice by exponential weights.

use num_traits::Float;

use super::exact::Extreme;
use super::node::{Exact, Smoothing, euler, record, record_at};
use super::sum::{centred, dot, mean_offset, pairwise_sum, third_moment, variance};
use crate::Scalar;
use crate::nary::NaryKind;
use crate::rules::Primitive;
use crate::sharpness::Requirement;

/// `(1/k) ln((1/n) Σ e^{k x_i})`: [`smooth_max`](crate::smooth_max) of the mean
/// instead of the sum, below the maximum by at most `ln(n) / k`.
///
/// Convex and monotone, with the same gradient `softmax(k x)`. A negative `k`
/// gives the smooth minimum.
///
/// ```
/// use smoothmax::smooth::mellowmax;
///
/// assert_eq!(mellowmax(&[2.0, 2.0], 10.0), 2.0);
/// assert!((mellowmax(&[2.0, -90.0], 10.0) - (2.0 - 2f64.ln() / 10.0)).abs() < 1e-15);
/// ```
///
/// Source: K. Asadi, M. Littman, *An alternative softmax operator for
/// reinforcement learning* (2017).
///
/// # Panics
///
/// If `k` is zero or NaN.
#[cfg_attr(debug_assertions, track_caller)]
pub fn mellowmax<S: Scalar>(x: &[S], k: f64) -> S {
    Requirement::NONZERO.check::<S>("mellowmax", k);
    record(Mellowmax { k }, x)
}

/// [`mellowmax`] with a sharpness that may be a variable; NaN if `k` is 0 or NaN.
///
/// ```
/// use smoothmax::smooth::{mellowmax, mellowmax_at};
///
/// assert_eq!(mellowmax_at(&[1.0, 2.0], 3.0), mellowmax(&[1.0, 2.0], 3.0));
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn mellowmax_at<S: Scalar>(x: &[S], k: S) -> S {
    record_at(|k| Mellowmax { k }, x, k)
}

/// `Σ p_i x_i` with `p = softmax(k x)`, below the maximum by at most
/// `W((n - 1)/e) / k`, where `W` is Lambert's function.
///
/// Neither convex nor monotone: the gradient is `p_i (1 + k (x_i - Σ p_j x_j))`.
/// A negative `k` gives the smooth minimum.
///
/// ```
/// use smoothmax::smooth::boltzmann_max;
///
/// assert_eq!(boltzmann_max(&[1.0, 1.0, 1.0], 5.0), 1.0);
/// let e = std::f64::consts::E;
/// assert!((boltzmann_max(&[0.0, 1.0], 1.0) - e / (1.0 + e)).abs() < 1e-15);
/// ```
///
/// # Panics
///
/// If `k` is zero or NaN.
#[cfg_attr(debug_assertions, track_caller)]
pub fn boltzmann_max<S: Scalar>(x: &[S], k: f64) -> S {
    Requirement::NONZERO.check::<S>("boltzmann_max", k);
    record(BoltzmannMax { k }, x)
}

/// [`boltzmann_max`] with a sharpness that may be a variable; NaN if `k` is 0 or NaN.
///
/// ```
/// use smoothmax::smooth::{boltzmann_max, boltzmann_max_at};
///
/// assert_eq!(boltzmann_max_at(&[1.0, 2.0], 3.0), boltzmann_max(&[1.0, 2.0], 3.0));
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn boltzmann_max_at<S: Scalar>(x: &[S], k: S) -> S {
    record_at(|k| BoltzmannMax { k }, x, k)
}

/// `softmax(k x)`: the indicator of the largest entry, smoothed. It tends to
/// it where the maximum is unique, not uniformly. The index itself is its
/// scalar product with `0, 1, 2, ..`.
///
/// ```
/// use smoothmax::smooth::smooth_argmax;
///
/// assert_eq!(smooth_argmax(&[1.0, 5.0, 2.0], 1e3), [0.0, 1.0, 0.0]);
/// ```
///
/// # Panics
///
/// If `k` is zero or NaN.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_argmax<S: Scalar>(x: &[S], k: f64) -> Vec<S> {
    let k = Requirement::NONZERO.check::<S>("smooth_argmax", k);
    S::nary_outputs(NaryKind::SmoothArgmax(k), x)
}

/// `softmax(k x)`, the gradient of the exponential smoothings.
fn softmax_at<T: Primitive>(x: &[T], k: T) -> Vec<T> {
    let mut w = vec![T::zero(); x.len()];
    T::smooth_max_weights(x, k, &mut w);
    w
}

struct Mellowmax {
    k: f64,
}

/// Where the operands are so near each other that all weights are, the slopes of
/// the mellowmax in its sharpness as series. With `c` the operands less their
/// mean, by the weights `w`,
///
/// ```text
/// ∂f/∂k = ln(1 + k²Q) / k²,   Q = Σ w_i (e^{-k c_i} - 1 + k c_i) / k² = V/2 - k C,
/// ∂²f/∂k² = (V - 2 ∂f/∂k) / k = 2 (C + (k²Q - ln(1 + k²Q)) / k³)
/// ```
///
/// where `V` is the variance and `C = Σ w_i (1 - k c_i + (k c_i)²/2 - e^{-k c_i}) / k³`.
struct NearlyEven<T> {
    k: T,
    q: T,
    c: T,
}

impl<T: Primitive> NearlyEven<T> {
    /// Nothing where the series would be long.
    fn at(x: &[T], k: T) -> Option<Self> {
        let w = softmax_at(x, k);
        let offsets = centred(&w, x, Extreme::MAX.value(x));
        let is_near = |&c: &T| Float::abs(k * c) < T::constant(0.25);
        if !offsets.iter().all(is_near) || w.iter().any(|w| w.is_zero()) {
            return None;
        }
        // c³ (1/3! + z/4! + z²/5! + ..) with z = -k c.
        let rest = |&c: &T| {
            let z = -k * c;
            let series = (4..16).rev().fold(T::one(), |sum, j| T::one() + z / T::constant(j.into()) * sum);
            c * c * c * series / T::constant(6.0)
        };
        let c = dot(&w, &offsets.iter().map(rest).collect::<Vec<_>>());
        Some(NearlyEven { k, q: T::constant(0.5) * variance(&w, &offsets) - k * c, c })
    }

    /// `(z - ln(1 + z)) / z² = 1/2 - z/3 + z²/4 - ..` with `z = k²Q`.
    fn lag(&self) -> T {
        let z = self.k * (self.k * self.q);
        (2..14).rev().fold(T::zero(), |sum, j| T::one() / T::constant(j.into()) - z * sum)
    }

    fn slope(&self) -> T {
        self.q - Float::powi(self.k * self.q, 2) * self.lag()
    }

    fn curvature(&self) -> T {
        T::constant(2.0) * (self.c + (self.k * self.q) * self.q * self.lag())
    }
}

impl Smoothing for Mellowmax {
    const NAME: &'static str = "mellowmax";
    type Target = Extreme;

    fn sharpness(&self) -> f64 {
        self.k
    }

    fn target(&self) -> Extreme {
        Extreme::of(self.k)
    }

    fn is_defined(&self) -> bool {
        self.k != 0.0 && !self.k.is_nan()
    }

    fn origin<T: Primitive>(&self, x: &[T]) -> T {
        self.target().value(x)
    }

    /// `m + ln(1 + S) / k` with `S` the mean of `e^{k (x_i - m)} - 1`, or of the
    /// exponentials themselves where that is the smaller number.
    fn value<T: Primitive>(&self, x: &[T]) -> T {
        let (k, m) = (T::constant(self.k), self.target().value(x));
        let mean = |f: fn(T) -> T| {
            pairwise_sum(&x.iter().map(|&x| f(k * (x - m))).collect::<Vec<_>>()) / T::constant(x.len() as f64)
        };
        let excess = mean(Float::exp_m1);
        let log = if excess > T::constant(-0.5) { Float::ln_1p(excess) } else { Float::ln(mean(Float::exp)) };
        m + log / k
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        T::smooth_max_weights(x, T::constant(self.k), g);
    }

    /// `k w_i (v_i - Σ w_j v_j)`.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]) {
        let k = T::constant(self.k);
        product.fill(T::zero());
        T::softmax_pullback(&softmax_at(x, k), v, product);
        product.iter_mut().for_each(|p| *p *= k);
    }

    fn sharpness_slope<T: Primitive>(&self, x: &[T]) -> T {
        NearlyEven::at(x, T::constant(self.k)).map_or_else(|| euler::slope(self, x), |near| near.slope())
    }

    fn sharpness_curvature<T: Primitive>(&self, x: &[T]) -> T {
        NearlyEven::at(x, T::constant(self.k))
            .map_or_else(|| euler::curvature(self, x), |near| near.curvature())
    }
}

struct BoltzmannMax {
    k: f64,
}

impl BoltzmannMax {
    /// The weights, and `x_i - Σ w_j x_j` for each entry that has one.
    fn centred<T: Primitive>(&self, x: &[T]) -> (Vec<T>, Vec<T>) {
        let w = softmax_at(x, T::constant(self.k));
        let centred = centred(&w, x, self.target().value(x));
        (w, centred)
    }
}

impl Smoothing for BoltzmannMax {
    const NAME: &'static str = "boltzmann_max";
    type Target = Extreme;

    fn sharpness(&self) -> f64 {
        self.k
    }

    fn target(&self) -> Extreme {
        Extreme::of(self.k)
    }

    fn is_defined(&self) -> bool {
        self.k != 0.0 && !self.k.is_nan()
    }

    fn origin<T: Primitive>(&self, x: &[T]) -> T {
        self.target().value(x)
    }

    /// `m + Σ w_i (x_i - m)`.
    fn value<T: Primitive>(&self, x: &[T]) -> T {
        let m = self.target().value(x);
        m + mean_offset(&softmax_at(x, T::constant(self.k)), x, m)
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        let (w, centred) = self.centred(x);
        for i in 0..x.len() {
            g[i] = w[i] * (T::one() + T::constant(self.k) * centred[i]);
        }
    }

    /// With `a_i = 1 + k (x_i - S)`, `Ṡ = Σ w_i a_i v_i` and
    /// `ẇ_i = k w_i (v_i - Σ w_j v_j)`: `ẇ_i a_i + k w_i (v_i - Ṡ)`.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]) {
        let k = T::constant(self.k);
        let (w, centred) = self.centred(x);
        let a: Vec<T> = centred.iter().map(|&d| T::one() + k * d).collect();
        let slope: Vec<T> = w.iter().zip(&a).map(|(&w, &a)| w * a).collect();
        let value_dot = dot(&slope, v);
        product.fill(T::zero());
        T::softmax_pullback(&w, v, product);
        for i in 0..x.len() {
            product[i] = k * (product[i] * a[i] + w[i].chain(v[i] - value_dot));
        }
    }

    /// The variance of the operands by their weights.
    fn sharpness_slope<T: Primitive>(&self, x: &[T]) -> T {
        let (w, centred) = self.centred(x);
        variance(&w, &centred)
    }

    /// Their third central moment.
    fn sharpness_curvature<T: Primitive>(&self, x: &[T]) -> T {
        let (w, centred) = self.centred(x);
        third_moment(&w, &centred)
    }
}
