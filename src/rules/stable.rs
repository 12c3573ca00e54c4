//! Stable values of the smooth rows `f(x, k)`, for a sharpness `k > 0`.
//!
//! Each function has the form `φ(k x) / k`. Written that way it would overflow
//! at large `k` and lose digits of its exponential tail to the rounding of
//! `k x`; so tails take a compensated exponent, and what is an exact function
//! at `k = inf` is so here. The rows reject other sharpnesses.

use num_traits::FloatConst;

use crate::kernel::exp_product;
use crate::kernel::lane::Lane;

/// What the values need of `f32` and `f64`.
pub(super) trait Special: Lane + FloatConst {
    /// The error function `(2/√π) ∫_0^x e^{-t²} dt`.
    fn erf(self) -> Self;

    /// Its complement `1 - erf(x)`.
    fn erfc(self) -> Self;
}

macro_rules! impl_special {
    ($($float:ty),+) => {$(
        impl Special for $float {
            fn erf(self) -> Self {
                libm::erf(self.into()) as Self
            }

            fn erfc(self) -> Self {
                libm::erfc(self.into()) as Self
            }
        }
    )+};
}
impl_special!(f32, f64);

/// A literal.
#[inline(always)]
fn c<T: Special>(value: f64) -> T {
    T::round_from(value)
}

/// An odd function of `kx` that is 0 at 0 for every sharpness, infinite ones
/// included.
#[inline(always)]
pub(super) fn odd<T: Special>(x: T, k: T, f: impl Fn(T) -> T) -> T {
    if x == T::zero() && k > T::zero() { x } else { f(k * x) }
}

/// `e^{-2ka}` for `a >= 0`; doubles whichever of the two cannot overflow.
fn double_tail<T: Special>(a: T, k: T) -> T {
    let two = c::<T>(2.0);
    if a > T::one() { exp_product(-a, two * k) } else { exp_product(-two * a, k) }
}

/// `|x| + ln(1 + e^{-2k|x|}) / k`.
pub(super) fn smooth_abs<T: Special>(x: T, k: T) -> T {
    let a = x.abs();
    if k == T::infinity() { a } else { a + double_tail(a, k).ln_1p() / k }
}

/// `-(ln(1 + t) + 2k|x| t / (1 + t)) / k²` with `t = e^{-2k|x|}`.
pub(super) fn smooth_abs_sharpness_slope<T: Special>(x: T, k: T) -> T {
    if k == T::infinity() {
        return T::zero();
    }
    let t = double_tail(x.abs(), k);
    -(t.ln_1p() / k + pull(x, t)) / k
}

/// `2|x| t / (1 + t)`, for an infinite `x` too.
fn pull<T: Special>(x: T, t: T) -> T {
    if t == T::zero() { t } else { c::<T>(2.0) * x.abs() * t / (T::one() + t) }
}

/// `4k t / (1 + t)²` with `t = e^{-2k|x|}`.
pub(super) fn smooth_sign_slope<T: Special>(x: T, k: T) -> T {
    if k == T::infinity() {
        return if x == T::zero() { k } else { x.recip() * T::zero() };
    }
    let t = double_tail(x.abs(), k);
    let sum = T::one() + t;
    // What rounding lost of 1 + t counts twice in its square.
    let lost = t - (sum - T::one());
    let ratio = t / (sum * sum);
    c::<T>(4.0) * k * (ratio - ratio * (lost + lost) / sum)
}

/// `ln cosh(kx) / k`: from `2 sinh²(kx/2) = cosh(kx) - 1` near 0, where
/// `|x| - (ln 2 - ln(1 + e^{-2k|x|})) / k` would cancel.
pub(super) fn log_cosh<T: Special>(x: T, k: T) -> T {
    let a = x.abs();
    let z = k * a;
    if k == T::infinity() {
        a
    } else if z * z < T::epsilon() {
        c::<T>(0.5) * z * a
    } else if z < T::one() {
        let s = (c::<T>(0.5) * z).sinh();
        (c::<T>(2.0) * s * s).ln_1p() / k
    } else {
        a + (double_tail(a, k).ln_1p() - T::LN_2()) / k
    }
}

/// `(z tanh z - ln cosh z) / k²` with `z = kx`, the slope of [`log_cosh`] in `k`.
pub(super) fn log_cosh_sharpness_slope<T: Special>(x: T, k: T) -> T {
    let a = x.abs();
    let z = k * a;
    if k == T::infinity() {
        T::zero()
    } else if z * z < T::epsilon() {
        c::<T>(0.5) * a * a
    } else if z < T::one() {
        (a * z.tanh() - log_cosh(x, k)) / k
    } else {
        let t = double_tail(a, k);
        ((T::LN_2() - t.ln_1p()) / k - pull(x, t)) / k
    }
}

/// `|x| + (e^{-z²}/√π - z erfc z) / k` with `z = k|x|`.
pub(super) fn gaussian_abs<T: Special>(x: T, k: T) -> T {
    let a = x.abs();
    let z = k * a;
    // Beyond, e^{-z²} is zero.
    if k == T::infinity() || z > c::<T>(28.0) {
        return a;
    }
    a + ((-z * z).exp() * T::FRAC_2_SQRT_PI() * c::<T>(0.5) - z * z.erfc()) / k
}

/// `(2k/√π) e^{-(kx)²}`, with the rounding errors of `kx` and of its square
/// carried into the exponential.
pub(super) fn gaussian_sign_slope<T: Special>(x: T, k: T) -> T {
    if k == T::infinity() && x == T::zero() {
        return k;
    }
    let z = k * x;
    let square = z * z;
    let e = (-square).exp();
    if e == T::zero() {
        return e;
    }
    let lost = z.mul_add(z, -square) + c::<T>(2.0) * z * k.mul_add(x, -z);
    T::FRAC_2_SQRT_PI() * k * (e - e * lost)
}

/// `(2/π) x atan(kx)`.
pub(super) fn x_atan<T: Special>(x: T, k: T) -> T {
    if k == T::infinity() { x.abs() } else { x * ((k * x).atan() * T::FRAC_2_PI()) }
}

/// `max(x, 0) + ln(1 + e^{-k|x|}) / k`.
pub(super) fn smooth_relu<T: Special>(x: T, k: T) -> T {
    let positive = if x < T::zero() { T::zero() } else { x };
    if k == T::infinity() { positive } else { positive + exp_product(-x.abs(), k).ln_1p() / k }
}

/// `1 / (1 + t)` or `t / (1 + t)` by sign, with `t = e^{-k|x|}`.
pub(super) fn smooth_step<T: Special>(x: T, k: T) -> T {
    // At k = inf, t is the limit of e^{-k|x|}.
    let t = if x == T::zero() && k > T::zero() { T::one() } else { exp_product(-x.abs(), k) };
    if x < T::zero() { t / (T::one() + t) } else { (T::one() + t).recip() }
}

/// The positive part of `x`, rounded off by the hyperbola
/// `(x + √(x² + 4/k²)) / 2`; from the other root for `x < 0`.
pub(super) fn squareplus<T: Special>(x: T, k: T) -> T {
    let half = c::<T>(0.5);
    let width = c::<T>(2.0) / k;
    let (near, far) = (half * x, half * x.hypot(width));
    if x >= T::zero() {
        near + far
    } else {
        let root = half * width;
        root * (root / (far - near))
    }
}

/// `0` below `-1/k`, `x` above `1/k`, the parabola `(kx + 1)² / 4k` between.
pub(super) fn sparseplus<T: Special>(x: T, k: T) -> T {
    let u = k.mul_add(x, T::one());
    if x == T::zero() {
        c::<T>(0.25) / k
    } else if u <= T::zero() {
        T::zero()
    } else if k * x >= T::one() {
        x
    } else {
        c::<T>(0.25) * u * u / k
    }
}

/// `x²k/2` within `1/k` of 0, else `|x| - 1/2k`.
pub(super) fn huber<T: Special>(x: T, k: T) -> T {
    let a = x.abs();
    let half = c::<T>(0.5);
    if k * a <= T::one() { half * (k * a) * a } else { a - half / k }
}

/// `√(x² + 1/k²) - 1/k`, as `k x² / (√(1 + (kx)²) + 1)`.
pub(super) fn pseudo_huber<T: Special>(x: T, k: T) -> T {
    let z = k * x;
    if z.is_finite() { x * (z / (z.hypot(T::one()) + T::one())) } else { x.abs() - k.recip() }
}

/// The larger of two, rounded off by a hyperbola: [`squareplus`] of minus their
/// distance above the exact maximum, so that nothing cancels.
pub(super) fn smooth_max2<T: Special>(a: T, b: T, k: T) -> T {
    let gap = if a == b { T::zero() } else { (a - b).abs() };
    a.max(b) + squareplus(-gap, k)
}

/// `(1 + kx) / 2` clipped to `[0, 1]`.
pub(super) fn hard_step<T: Special>(x: T, k: T) -> T {
    let half = c::<T>(0.5);
    if x == T::zero() && k > T::zero() {
        half
    } else {
        num_traits::clamp(half * k.mul_add(x, T::one()), T::zero(), T::one())
    }
}

/// `k` where `k|x| < 1`, `k/2` where it is 1, 0 beyond.
pub(super) fn hard_sign_slope<T: Special>(x: T, k: T) -> T {
    let z = if x == T::zero() { x } else { k * x.abs() };
    if z < T::one() {
        k
    } else if z == T::one() {
        c::<T>(0.5) * k
    } else {
        z.recip() * T::zero() // 0, or NaN where z is
    }
}
