//! Slices of plain floats: exponentials, log-sum-exp, softmax.

use num_traits::Float;

/// `exp(a k)` with the rounding error of the product carried into the result.
#[inline]
pub(crate) fn exp_product<T: Float>(a: T, k: T) -> T {
    let product = a * k;
    let t = product.exp();
    if t > T::zero() && product.is_finite() { t + t * a.mul_add(k, -product) } else { t }
}

/// `ln(e^x + e^y)`.
pub(crate) fn log_add_exp<T: Float>(x: T, y: T) -> T {
    log_sum_exp_weights(&[x, y], &mut [T::zero(); 2])
}

/// `x - m` as a rounded difference and its rounding error.
#[inline(always)]
fn difference<T: Float>(x: T, m: T) -> (T, T) {
    let d = x - m;
    let back = d - x;
    (d, (x - (d - back)) - (m + back))
}

/// Smooth maximum `(1/k) ln sum e^{k x_i}`, its softmax weights and its slope in `k`.
pub(crate) fn smooth_max_weights<T: Float>(x: &[T], k: T, weights: &mut [T]) -> (T, T) {
    let sign = k.signum();
    let Some(&first) = x.first() else {
        return (-sign * T::infinity(), T::zero());
    };
    if x.iter().any(|x| x.is_nan()) || k.is_nan() || k == T::zero() {
        weights.fill(T::nan());
        return (T::nan(), T::nan());
    }
    let m = x.iter().fold(first, |m, &x| if sign * x > sign * m { x } else { m });
    if m == -sign * T::infinity() {
        weights.fill(T::zero());
        return (m, T::zero());
    }
    if m.is_infinite() || k.is_infinite() {
        let ties = T::from(x.iter().filter(|&&x| x == m).count()).unwrap();
        for (w, &x) in weights.iter_mut().zip(x) {
            *w = if x == m { ties.recip() } else { T::zero() };
        }
        return (m, T::zero());
    }
    let mut ties = T::zero();
    let mut sum = T::zero();
    for (w, &x) in weights.iter_mut().zip(x) {
        let (d, residual) = difference(x, m);
        if d == T::zero() {
            ties = ties + T::one();
            *w = T::one();
        } else {
            let product = k * d;
            let t = product.exp();
            *w = if t > T::zero() { t + t * (k.mul_add(d, -product) + k * residual) } else { t };
            sum = sum + *w;
        }
    }
    let others = (ties - T::one()) + sum;
    let total = T::one() + others;
    let mut mean = T::zero();
    for (w, &x) in weights.iter_mut().zip(x) {
        *w = *w / total;
        if *w > T::zero() {
            mean = mean + *w * (k * (x - m));
        }
    }
    let log = others.ln_1p();
    (m + log / k, (mean - log) / k / k)
}

/// `ln sum e^{x_i}` and its gradient, the softmax of `x`.
pub(crate) fn log_sum_exp_weights<T: Float>(x: &[T], weights: &mut [T]) -> T {
    smooth_max_weights(x, T::one(), weights).0
}

/// `x_i - ln sum e^{x_j}`, and the softmax.
pub(crate) fn log_softmax_weights<T: Float>(x: &[T], out: &mut [T], weights: &mut [T]) {
    let y = log_sum_exp_weights(x, weights);
    let m = x.iter().fold(T::neg_infinity(), |m, &x| m.max(x));
    // ln(1 + s) = y - m, taken from the sum itself: the largest weight is 1 / (1 + s).
    let log = if m.is_finite() {
        let top = weights.iter().fold(T::zero(), |top, &w| top.max(w));
        -top.ln()
    } else {
        T::zero()
    };
    for ((out, &x), &w) in out.iter_mut().zip(x).zip(&*weights) {
        *out = if y.is_nan() {
            y
        } else if m.is_finite() {
            (x - m) - log
        } else if m > T::zero() {
            w.ln()
        } else {
            T::neg_infinity()
        };
    }
}

/// `ln sum e^{x_i}`.
pub(crate) fn log_sum_exp<T: Float>(x: &[T]) -> T {
    log_sum_exp_weights(x, &mut vec![T::zero(); x.len()])
}

/// `(1/k) ln sum e^{k x_i}`.
pub(crate) fn smooth_max<T: Float>(x: &[T], k: T) -> T {
    smooth_max_weights(x, k, &mut vec![T::zero(); x.len()]).0
}
