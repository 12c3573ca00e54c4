//! Equations (13) and (14) of the essay this crate started from, the repair of
//! (14), and the recipe that all of them follow.
//!
//! They are here to be compared with [`smooth_max`](crate::smooth_max), not
//! to replace it: (13) tends to the minimum of two negative numbers, (14) to 0
//! where the maximum is negative. See their docs.

use num_traits::Float;

use super::exact::{Extreme, LargestSigned};
use super::node::{Exact, Smoothing, record, record_at};
use super::norm::Ratio;
use super::sum::{dot, pairwise_sum};
use crate::rules::Primitive;
use crate::sharpness::Requirement;
use crate::{Scalar, sum};

/// `f⁻¹(Σ f(x_i))`: the recipe "sum an increasing function, take its inverse".
///
/// It is a smooth maximum if `(ln f)' >= c > 0`: then it exceeds the maximum by
/// at most `ln(n) / c`, and `f(k x)` in place of `f(x)` divides that by `k`. That
/// `f` grows faster than linearly is not enough, even if it vanishes at `-inf`.
///
/// ```
/// use smoothmax::smooth::quasi_sum;
///
/// // f = e^x gives log-sum-exp.
/// let lse = quasi_sum(&[1.0, 2.0], f64::exp, f64::ln);
/// assert!((lse - smoothmax::log_sum_exp(&[1.0, 2.0])).abs() < 1e-15);
/// // f = ((x + √(x² + 4)) / 2)² vanishes at -inf, but grows like x²: two equal
/// // numbers give √2 times the maximum, however sharp.
/// let f = |x: f64| ((x + (x * x + 4.0).sqrt()) / 2.0).powi(2);
/// let inverse = |y: f64| y.sqrt() - 1.0 / y.sqrt();
/// assert!(quasi_sum(&[1e3, 1e3], f, inverse) > 1400.0);
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn quasi_sum<S: Scalar>(x: &[S], f: impl Fn(S) -> S, inverse: impl Fn(S) -> S) -> S {
    inverse(sum(&x.iter().map(|&x| f(x)).collect::<Vec<_>>()))
}

/// Equation (13): the odd root `(x^p + y^p)^{1/p}`, `p` odd.
///
/// For positive numbers it is the [`p_norm`](super::p_norm) and tends to the
/// maximum from above. In general it tends to the operand of larger magnitude:
/// the maximum where `x + y > 0`, the *minimum* where `x + y < 0`. At `x = -y` it
/// is 0 with an infinite gradient. `p = 1` is the sum.
///
/// ```
/// use smoothmax::smooth::odd_root_max;
///
/// assert_eq!(odd_root_max(2.0, 1.0, 1001), 2.0);
/// assert_eq!(odd_root_max(-1.0, -2.0, 1001), -2.0);
/// ```
///
/// # Panics
///
/// If `p` is even.
#[cfg_attr(debug_assertions, track_caller)]
pub fn odd_root_max<S: Scalar>(x: S, y: S, p: u32) -> S {
    assert!(p % 2 == 1, "odd_root_max: the exponent `p` is {p}; it must be odd");
    if p == 1 { x + y } else { record(OddRoot { p }, &[x, y]) }
}

/// Equation (14), for any number of operands: `(1/k) ln ln Σ e^{e^{k x_i}}`.
///
/// Convex, and very near the maximum where that is positive; but it tends to 0
/// where the maximum is negative. [`double_exp_m1_max`] repairs that. If all operands
/// are minus infinity, so is the value, as that of any maximum here.
///
/// ```
/// use smoothmax::smooth::double_exp_max;
///
/// assert_eq!(double_exp_max(&[2.0, 1.0], 10.0), 2.0);
/// assert!(double_exp_max(&[-2.0, -1.0], 10.0) > -0.04);
/// ```
///
/// # Panics
///
/// Unless `k` is positive and finite.
#[cfg_attr(debug_assertions, track_caller)]
pub fn double_exp_max<S: Scalar>(x: &[S], k: f64) -> S {
    Requirement::POSITIVE_FINITE.check::<S>("double_exp_max", k);
    record(DoubleExp { k, is_repaired: false }, x)
}

/// Equation (14), repaired: `(1/k) ln ln(1 + Σ (e^{e^{k x_i}} - 1))`, above the
/// maximum by at most `ln(n) / k` for operands of any sign. No longer convex.
///
/// Subtracting `n - 1` inside makes the double exponential vanish at `-inf`, as
/// the recipe [`quasi_sum`] needs.
///
/// ```
/// use smoothmax::smooth::double_exp_m1_max;
///
/// assert_eq!(double_exp_m1_max(&[2.0, 1.0], 10.0), 2.0);
/// let smooth = double_exp_m1_max(&[-2.0, -1.0], 10.0);
/// assert!(-1.0 <= smooth && smooth <= -1.0 + 2f64.ln() / 10.0);
/// ```
///
/// # Panics
///
/// Unless `k > 0`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn double_exp_m1_max<S: Scalar>(x: &[S], k: f64) -> S {
    Requirement::POSITIVE.check::<S>("double_exp_m1_max", k);
    record(DoubleExp { k, is_repaired: true }, x)
}

/// [`double_exp_m1_max`] with a sharpness that may be a variable; NaN unless `k > 0`.
///
/// ```
/// use smoothmax::smooth::{double_exp_m1_max, double_exp_m1_max_at};
///
/// assert_eq!(double_exp_m1_max_at(&[1.0, 2.0], 3.0), double_exp_m1_max(&[1.0, 2.0], 3.0));
/// ```
#[cfg_attr(debug_assertions, track_caller)]
pub fn double_exp_m1_max_at<S: Scalar>(x: &[S], k: S) -> S {
    record_at(|k| DoubleExp { k, is_repaired: true }, x, k)
}

struct OddRoot {
    p: u32,
}

impl OddRoot {
    /// The index of the larger magnitude, and `ln |x^p + y^p|` relative to it.
    fn parts<T: Primitive>(&self, x: &[T]) -> (usize, T) {
        let p = T::constant(self.p.into());
        let big = usize::from(Float::abs(x[1]) > Float::abs(x[0]));
        let (b, o) = (x[big], x[1 - big]);
        if b == T::zero() {
            return (big, T::neg_infinity());
        }
        let (size, other) = (Float::abs(b), Float::abs(o));
        if o.sign() == b.sign() || o == T::zero() {
            return (big, Float::ln_1p(Ratio::new(other, size).pow(p)));
        }
        // ln(1 - r^p), with ln r from the exact difference of the magnitudes.
        let ln_ratio =
            if other + other > size { Float::ln_1p((other - size) / size) } else { Float::ln(other / size) };
        (big, Float::ln(-Float::exp_m1(p * ln_ratio)))
    }
}

impl Smoothing for OddRoot {
    const NAME: &'static str = "odd_root_max";
    type Target = LargestSigned;

    fn sharpness(&self) -> f64 {
        self.p.into()
    }

    fn target(&self) -> LargestSigned {
        LargestSigned
    }

    fn value<T: Primitive>(&self, x: &[T]) -> T {
        let (big, log) = self.parts(x);
        x[big] * Float::exp(log / T::constant(self.p.into()))
    }

    /// `(x / value)^{p - 1}`, infinite where the value is 0.
    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        let p = T::constant(self.p.into());
        let (big, log) = self.parts(x);
        let slope = Float::exp((T::one() / p - T::one()) * log);
        g[big] = slope;
        let ratio = Ratio::new(Float::abs(x[1 - big]), Float::abs(x[big]));
        g[1 - big] = if slope.is_finite() { slope * ratio.pow(p - T::one()) } else { slope };
    }

    /// The function is homogeneous, so its Hessian is a multiple of the square
    /// of `(Y, -X)`: `(p - 1) (X Y)^{p-2} (Y v_x - X v_y) (Y, -X) / value` with
    /// `X = x / value`, `Y = y / value`.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]) {
        let p = T::constant(self.p.into());
        let value = Smoothing::value(self, x);
        let (a, b) = (x[0] / value, x[1] / value);
        let power = |a: T| a.sign() * Float::powf(Float::abs(a), p - T::constant(2.0));
        let scale = (p - T::one()).chain(power(a) * power(b)) * (b * v[0] - a * v[1]) / value;
        product[0] = scale * b;
        product[1] = -(scale * a);
    }
}

struct DoubleExp {
    k: f64,
    /// Whether `n - 1` is subtracted inside.
    is_repaired: bool,
}

/// What value and derivatives of the double exponential are made of. With `M`
/// the maximum and `a_i = e^{k x_i}`:
struct Parts<T> {
    max: T,
    largest: usize,
    /// `a_M`, infinite where it overflows, and all `a_i` relative to it.
    top: T,
    ratios: Vec<T>,
    /// `e^{a_i}`, relative to the argument `e^{a_M} (1 + added)` of the outer logarithms.
    shares: Vec<T>,
    added: T,
    /// What each adds to it, on the same scale; 0 for the maximum.
    rises: Vec<T>,
    /// The inner logarithm relative to `e^{kM}`, less 1.
    tail: T,
    /// The gradient `a_i e^{a_i}`, normalised.
    gradient: Vec<T>,
}

impl DoubleExp {
    fn parts<T: Primitive>(&self, x: &[T]) -> Parts<T> {
        let (zero, one) = (T::zero(), T::one());
        let k = T::constant(self.k);
        let max = Extreme::MAX.value(x);
        let largest = x.iter().position(|&x| x == max).expect("an operand is the largest");
        let ratios: Vec<T> = x.iter().map(|&x| Float::exp(k * (x - max))).collect();
        let a: Vec<T> = x.iter().map(|&x| Float::exp(k * x)).collect();
        let top = a[largest];
        // e^{a_i - a_M}, from e^{kM} (e^{-k (M - x_i)} - 1) without cancellation.
        let inner = |x: T| if x == max { one } else { Float::exp(top * Float::exp_m1(k * (x - max))) };
        let heights: Vec<T> = x.iter().map(|&x| inner(x)).collect();
        // What the others add to the argument of the outer logarithm: relative
        // to e^{a_M}, and that again relative to a_M.
        let vanishing = |a: T| if a > zero { -Float::exp_m1(-a) / a } else { one };
        let of_others = |f: &dyn Fn(usize) -> T| -> Vec<T> {
            (0..x.len()).map(|i| if i == largest { zero } else { f(i) }).collect()
        };
        let additions =
            of_others(&|i| if self.is_repaired { heights[i] * -Float::exp_m1(-a[i]) } else { heights[i] });
        let added = pairwise_sum(&additions);
        let tail = if self.is_repaired && top < one {
            let density = pairwise_sum(&of_others(&|i| heights[i] * ratios[i] * vanishing(a[i])));
            let z = top * density;
            if z > zero { density * (Float::ln_1p(z) / z) } else { density }
        } else if added > zero {
            Float::ln_1p(added) / top
        } else {
            zero
        };
        let share = |h: T| h / (one + added);
        let shares: Vec<T> = heights.into_iter().map(share).collect();
        let rises = additions.into_iter().map(share).collect();
        let gradient = shares.iter().zip(&ratios).map(|(&s, &r)| s * r / (one + tail)).collect();
        Parts { max, largest, top, ratios, shares, added, rises, tail, gradient }
    }
}

impl Smoothing for DoubleExp {
    const NAME: &'static str = "double_exp_max";
    type Target = Extreme;

    fn sharpness(&self) -> f64 {
        self.k
    }

    fn target(&self) -> Extreme {
        Extreme::MAX
    }

    /// `M + ln(1 + tail) / k`, or `ln(a_M + ..) / k` where (14) leaves the maximum.
    fn value<T: Primitive>(&self, x: &[T]) -> T {
        let parts = self.parts(x);
        let k = T::constant(self.k);
        if self.is_repaired || parts.tail <= T::one() {
            parts.max + Float::ln_1p(parts.tail) / k
        } else {
            Float::ln(parts.top + Float::ln_1p(parts.added)) / k
        }
    }

    fn gradient<T: Primitive>(&self, x: &[T], g: &mut [T]) {
        g.copy_from_slice(&self.parts(x).gradient);
    }

    /// With the gradient `g` and the shares `P`:
    /// `k g_i (v_i + a_i v_i - Σ P_j a_j v_j - Σ g_j v_j)`. The `a_j` may overflow
    /// and are relative to the largest until their differences are taken.
    fn hessian_vector<T: Primitive>(&self, x: &[T], v: &[T], product: &mut [T]) {
        let Parts { largest, top, ratios, shares, rises, gradient, .. } = self.parts(x);
        let k = T::constant(self.k);
        let value_dot = dot(&gradient, v);
        let inner: Vec<T> = ratios.iter().zip(v).map(|(&r, &v)| v.chain(r)).collect();
        // inner_M - Σ P_j inner_j, where 1 - P_M is the sum of the rises.
        let others = (0..x.len()).filter(|&j| j != largest);
        let lead = pairwise_sum(
            &others.map(|j| rises[j] * inner[largest] - shares[j] * inner[j]).collect::<Vec<_>>(),
        );
        for i in 0..x.len() {
            let change = (inner[i] - inner[largest] + lead).chain(top);
            product[i] = (k * gradient[i]).chain(v[i] + change - value_dot);
        }
    }
}
