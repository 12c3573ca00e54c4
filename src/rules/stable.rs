//! Stable values of the smooth rows `f(x, k)`, for a sharpness `k > 0`.
//!
//! Each function has the form `φ(k x) / k`. Written that way it would overflow
//! at large `k` and lose digits to the rounding of `k x`, of exponentials and
//! of `1/k`; so in most rows the products, and what they go into, are carried as
//! unevaluated sums of two doubles and rounded once at the end; the few that
//! need a library function besides `exp` and `ln` are off by up to 3 ulp. The
//! [`smooth`](crate::smooth) docs state every figure. Single precision goes
//! through the same code.
//!
//! Where `k x` is infinite, or so large that `e^{-k|x|}` is zero and nothing else
//! matters, and at `k = inf`, a function is its limit: there the exact function
//! is returned.

use std::f64::consts::{FRAC_2_PI, FRAC_2_SQRT_PI, LN_2};

use crate::kernel::DoubleDouble;
use crate::kernel::lane::Lane;

/// `f(x)` in double precision.
#[inline(always)]
pub(super) fn plain<T: Lane>(f: impl FnOnce(f64) -> f64, x: T) -> T {
    T::round_from(f(x.widen()))
}

/// `f(x, k)` in double precision; NaN unless `k > 0`.
#[inline(always)]
pub(super) fn sharp<T: Lane>(f: impl FnOnce(f64, f64) -> f64, x: T, k: T) -> T {
    let k = k.widen();
    T::round_from(if k > 0.0 { f(x.widen(), k) } else { f64::NAN })
}

/// `kx`, or nothing where a function is at its limit.
#[inline]
fn scaled(x: f64, k: f64) -> Option<DoubleDouble> {
    let is_limit = k == f64::INFINITY || (k * x).is_infinite();
    (!is_limit).then(|| DoubleDouble::product(k, x))
}

/// `kx`, or nothing where a function is at its limit because `e^{-|kx|}` is zero.
#[inline]
fn decaying(x: f64, k: f64) -> Option<DoubleDouble> {
    if (k * x).abs() > -f64::EXP_UNDERFLOW { None } else { scaled(x, k) }
}

/// A literal or a result that is exact.
fn exact(x: f64) -> DoubleDouble {
    DoubleDouble::from(x)
}

/// The sign of `x`, 0 at 0.
fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}

fn positive_part(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

/// The limit of a bump of height `k`: infinite at 0, 0 elsewhere.
fn dirac(x: f64, k: f64) -> f64 {
    if x == 0.0 {
        k
    } else if x.is_nan() {
        x
    } else {
        0.0
    }
}

/// `ln(1 + e^x)`.
pub(super) fn softplus(x: f64) -> f64 {
    exact(positive_part(x)).plus(exact(-x.abs()).exp().ln_1p()).value()
}

/// `max(x, 0) + ln(1 + e^{-k|x|}) / k`.
pub(super) fn smooth_relu(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return positive_part(x) };
    exact(positive_part(x)).plus(z.abs().neg().exp().ln_1p().div(exact(k))).value()
}

/// `1 / (1 + e^{-z})`: `1 / (1 + t)` or `t / (1 + t)` by sign, with `t = e^{-|z|}`.
fn logistic(z: DoubleDouble) -> f64 {
    let t = z.abs().neg().exp_rounded();
    let upper = if z.upper() < 0.0 { t } else { exact(1.0) };
    upper.div(t.one_plus()).value()
}

/// `1 / (1 + e^{-x})`.
pub(super) fn sigmoid(x: f64) -> f64 {
    logistic(exact(x))
}

/// `1 / (1 + e^{-kx})`.
pub(super) fn smooth_step(x: f64, k: f64) -> f64 {
    decaying(x, k).map_or(0.5 + 0.5 * sign(x), logistic)
}

/// `t / (1 + t)²` with `t = e^{-|z|}`.
fn logistic_density_of(z: DoubleDouble) -> DoubleDouble {
    let t = z.abs().neg().exp_rounded();
    t.div(t.one_plus().square())
}

/// `e^{-x} / (1 + e^{-x})²`.
pub(super) fn logistic_density(x: f64) -> f64 {
    logistic_density_of(exact(x)).value()
}

/// `|x| + ln(1 + t) / k` with `t = e^{-2k|x|}`.
pub(super) fn smooth_abs(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return x.abs() };
    exact(x.abs()).plus(double_tail(z).ln_1p().div(exact(k))).value()
}

/// `e^{-2|z|}`.
fn double_tail(z: DoubleDouble) -> DoubleDouble {
    z.abs().scaled(-2.0).exp()
}

/// `tanh |z| = (1 - t) / (1 + t)` with `t = e^{-2|z|}`.
fn tanh(z: DoubleDouble) -> DoubleDouble {
    if z.upper().abs() > 40.0 {
        return exact(1.0);
    }
    let less = z.abs().scaled(-2.0).exp_m1();
    less.neg().div(exact(2.0).plus(less))
}

/// `1 / cosh² z = 4t / (1 + t)²` with `t = e^{-2|z|}`.
fn sech_squared(z: DoubleDouble) -> DoubleDouble {
    logistic_density_of(z.scaled(2.0)).scaled(4.0)
}

/// `tanh(kx)`.
pub(super) fn smooth_sign(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return sign(x) };
    tanh(z).value().copysign(x)
}

/// `k / cosh²(kx)`.
pub(super) fn smooth_sign_slope(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return dirac(x, k) };
    sech_squared(z).mul(exact(k)).value()
}

/// `2|z| t / (1 + t)` with `t = e^{-2|z|}`: `|z| (1 - tanh |z|)`.
fn pull(z: DoubleDouble, t: f64) -> f64 {
    2.0 * z.upper().abs() * t / (1.0 + t)
}

/// `-(ln(1 + t) + 2k|x| t / (1 + t)) / k²` with `t = e^{-2k|x|}`.
pub(super) fn smooth_abs_sharpness_slope(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return 0.0 };
    let t = z.abs().scaled(-2.0).exp_rounded().value();
    -((t.ln_1p() + pull(z, t)) / k / k)
}

/// `ln cosh z`: from `cosh z - 1 = (e^z - 1)² / 2e^z` near 0, where `|z| - ln 2 +
/// ln(1 + e^{-2|z|})` would cancel.
fn ln_cosh(z: DoubleDouble) -> DoubleDouble {
    let a = z.abs();
    if a.upper() < 1.0 {
        let less = a.neg().exp_m1();
        less.square().div(less.one_plus()).scaled(0.5).ln_1p()
    } else {
        a.plus(exact(-LN_2)).plus(double_tail(z).ln_1p())
    }
}

/// Whether `z²` is lost beside 1.
fn is_tiny(z: DoubleDouble) -> bool {
    z.upper().abs() < 1e-8
}

/// `ln cosh(kx) / k`.
pub(super) fn log_cosh(x: f64, k: f64) -> f64 {
    match decaying(x, k) {
        None => x.abs() - LN_2 / k,
        Some(z) if is_tiny(z) => 0.5 * z.value() * x,
        Some(z) => ln_cosh(z).div(exact(k)).value(),
    }
}

/// `(z tanh z - ln cosh z) / k²` with `z = kx`, the slope of [`log_cosh`] in `k`.
pub(super) fn log_cosh_sharpness_slope(x: f64, k: f64) -> f64 {
    match decaying(x, k) {
        None => LN_2 / k / k,
        Some(z) if is_tiny(z) => 0.5 * x * x,
        Some(z) => legendre(z).div(exact(k)).div(exact(k)).value(),
    }
}

/// `z tanh z - ln cosh z`.
fn legendre(z: DoubleDouble) -> DoubleDouble {
    if z.abs().upper() < 1.0 {
        z.abs().mul(tanh(z)).plus(ln_cosh(z).neg())
    } else {
        let t = double_tail(z);
        exact(LN_2).plus(t.ln_1p().plus(exact(pull(z, t.value()))).neg())
    }
}

/// `(z² / cosh² z - 2 (z tanh z - ln cosh z)) / k³` with `z = kx`, the slope of
/// [`log_cosh_sharpness_slope`] in `k`; by its power series near 0, where all
/// but `-z⁴/2` cancels.
pub(super) fn log_cosh_sharpness_curvature(x: f64, k: f64) -> f64 {
    // In powers of z² from z⁴ on: minus twice the integral of z² tanh z / cosh² z.
    const SERIES: [f64; 17] = [
        -0.5,
        0.444_444_444_444_444_4,
        -0.283_333_333_333_333_3,
        0.157_460_317_460_317_47,
        -0.081_246_325_690_770_13,
        0.040_026_569_550_379_074,
        -0.019_107_826_330_048_552,
        0.008_915_970_218_733_3,
        -0.004_089_107_853_564_747,
        0.001_850_202_700_868_349_7,
        -0.000_828_117_995_206_596_6,
        0.000_367_359_347_753_745_33,
        -0.000_161_753_065_335_361_17,
        7.077_313_916_160_31e-5,
        -3.079_831_105_530_415e-5,
        1.333_948_852_546_217_3e-5,
        -5.753_854_601_847_295e-6,
    ];
    let Some(z) = decaying(x, k) else { return -2.0 * LN_2 / k / k / k };
    if z.abs().upper() < 0.5 {
        let square = z.value() * z.value();
        let series = SERIES.iter().rev().fold(0.0, |sum, c| sum * square + c);
        return series * (z.value() * x) * (x * x);
    }
    let own = z.square().mul(sech_squared(z));
    own.plus(legendre(z).scaled(-2.0)).div(exact(k)).div(exact(k)).div(exact(k)).value()
}

/// `x tanh(kx)`.
pub(super) fn x_tanh(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return x.abs() };
    tanh(z).mul(exact(x.abs())).value()
}

/// `tanh z + z / cosh² z` with `z = kx`: the slope of `x tanh(kx)`.
pub(super) fn x_tanh_slope(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return sign(x) };
    tanh(z).plus(z.abs().mul(sech_squared(z))).value().copysign(x)
}

/// `2k (1 - z tanh z) / cosh² z` with `z = kx`, which vanishes at `z = 1.19968`.
pub(super) fn x_tanh_curvature(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return 2.0 * dirac(x, k) };
    let factor = exact(1.0).plus(z.abs().mul(tanh(z)).neg());
    sech_squared(z).mul(factor).mul(exact(k)).scaled(2.0).value()
}

/// `√(1 + z²)`.
fn hypotenuse(z: DoubleDouble) -> DoubleDouble {
    // Beyond, 1 is lost beside z², which may overflow.
    if z.upper().abs() > 1e17 { z.abs() } else { exact(1.0).plus(z.square()).sqrt() }
}

/// `√(x² + 1/k²)`, as `√(1 + z²) / k` with `z = kx`.
pub(super) fn abs_sqrt(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return x.abs() };
    hypotenuse(z).div(exact(k)).value()
}

/// `z / √(1 + z²)` with `z = kx`.
pub(super) fn sqrt_sign(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return sign(x) };
    z.div(hypotenuse(z)).value()
}

/// `1 / √(1 + z²)` with `z = kx`.
pub(super) fn sqrt_bump(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return dirac(x, 1.0) };
    exact(1.0).div(hypotenuse(z)).value()
}

/// `k / √(1 + z²)³` with `z = kx`.
pub(super) fn sqrt_sign_slope(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return dirac(x, k) };
    let h = hypotenuse(z);
    exact(k).div(h).div(h).div(h).value()
}

/// `√(x² + 1/k²) - 1/k`, as `x z / (√(1 + z²) + 1)` with `z = kx`.
pub(super) fn pseudo_huber(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return x.abs() - k.recip() };
    z.div(hypotenuse(z).plus(exact(1.0))).mul(exact(x)).value()
}

/// `(x + √(x² + 4/k²)) / 2`, as `x/2 + √(1 + z²) / k` with `z = kx/2`; from the
/// other root for `x < 0`.
pub(super) fn squareplus(x: f64, k: f64) -> f64 {
    let half = 0.5 * x;
    let Some(z) = scaled(half, k) else { return positive_part(x) };
    let h = hypotenuse(z);
    if x < 0.0 {
        exact(1.0).div(h.plus(z.neg())).div(exact(k)).value()
    } else {
        exact(half).plus(h.div(exact(k))).value()
    }
}

/// `(1 + z / √(1 + z²)) / 2` with `z = kx/2`; from the other root for `x < 0`.
pub(super) fn squareplus_slope(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(0.5 * x, k) else { return 0.5 + 0.5 * sign(x) };
    let h = hypotenuse(z);
    let twice = if x < 0.0 { exact(1.0).div(h).div(h.plus(z.neg())) } else { z.div(h).one_plus() };
    twice.scaled(0.5).value()
}

/// `e^{-z²}` with `z = kx`.
fn bell(z: DoubleDouble) -> DoubleDouble {
    // Beyond, it is zero.
    if z.upper().abs() > 28.0 { exact(0.0) } else { z.square().neg().exp() }
}

/// `|x| + (e^{-z²}/√π - z erfc z) / k` with `z = k|x|`.
pub(super) fn gaussian_abs(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return x.abs() };
    let a = z.abs().upper();
    x.abs() + (0.5 * FRAC_2_SQRT_PI * bell(z).value() - a * libm::erfc(a)) / k
}

/// `-e^{-z²} / (k² √π)` with `z = kx`, the slope of [`gaussian_abs`] in `k`.
pub(super) fn gaussian_abs_sharpness_slope(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return 0.0 };
    bell(z).mul(exact(-0.5 * FRAC_2_SQRT_PI)).div(exact(k)).div(exact(k)).value()
}

/// `erf(kx)`.
pub(super) fn gaussian_sign(x: f64, k: f64) -> f64 {
    decaying(x, k).map_or(sign(x), |z| libm::erf(z.value()))
}

/// `erf z + (2/√π) z e^{-z²}` with `z = kx`, the slope of `x erf(kx)`.
pub(super) fn x_erf_slope(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return sign(x) };
    libm::erf(z.value()) + FRAC_2_SQRT_PI * z.value() * bell(z).value()
}

/// `(2k/√π) e^{-(kx)²}`.
pub(super) fn gaussian_sign_slope(x: f64, k: f64) -> f64 {
    let Some(z) = decaying(x, k) else { return dirac(x, k) };
    // Twice a half, which does not overflow.
    bell(z).mul(DoubleDouble::product(k, 0.5 * FRAC_2_SQRT_PI)).scaled(2.0).value()
}

/// `(2/π) x atan(kx)`.
pub(super) fn x_atan(x: f64, k: f64) -> f64 {
    scaled(x, k).map_or(x.abs(), |z| x * (z.value().atan() * FRAC_2_PI))
}

/// `(2/π) (atan z + z / (1 + z²))` with `z = kx`.
pub(super) fn x_atan_slope(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return sign(x) };
    let z = z.value();
    (z.atan() + (z + z.recip()).recip()) * FRAC_2_PI
}

/// `0` below `-1/k`, `x` above `1/k`, the parabola `(kx + 1)² / 4k` between.
pub(super) fn sparseplus(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return positive_part(x) };
    let u = exact(1.0).plus(z);
    if u.upper() <= 0.0 {
        0.0
    } else if z.upper() >= 1.0 {
        x
    } else {
        u.square().scaled(0.25).div(exact(k)).value()
    }
}

/// `x²k/2` within `1/k` of 0, else `|x| - 1/2k`.
pub(super) fn huber(x: f64, k: f64) -> f64 {
    match scaled(x, k) {
        Some(z) if z.upper().abs() <= 1.0 => 0.5 * z.value() * x,
        _ => x.abs() - 0.5 / k,
    }
}

/// `kx` clipped to `[-1, 1]`.
pub(super) fn hard_sign(x: f64, k: f64) -> f64 {
    scaled(x, k).map_or(sign(x), |z| z.value().clamp(-1.0, 1.0))
}

/// `(1 + kx) / 2` clipped to `[0, 1]`.
pub(super) fn hard_step(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return 0.5 + 0.5 * sign(x) };
    exact(1.0).plus(z).scaled(0.5).value().clamp(0.0, 1.0)
}

/// `k` where `k|x| < 1`, `k/2` where it is 1, 0 beyond.
pub(super) fn hard_sign_slope(x: f64, k: f64) -> f64 {
    let Some(z) = scaled(x, k) else { return dirac(x, k) };
    match z.upper().abs() {
        z if z < 1.0 => k,
        1.0 => 0.5 * k,
        z => z.recip() * 0.0, // 0, or NaN where z is
    }
}
