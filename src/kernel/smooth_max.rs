//! `smooth_max(x, k) = m + ln(sum_i exp(k (x_i - m))) / k`, and its weights;
//! `log_sum_exp` is the case `k = 1`.
//!
//! With `m` the largest `x_i` (the smallest when `k < 0`) the sum is `1 + s`,
//! where the excess `s` leaves out one maximum, and
//!
//! ```text
//! value = m + log1p(s) / k,   weight_i = exp(k (x_i - m)) / (1 + s).
//! ```
//!
//! Never `log_sum_exp(k x) / k`: that loses the digits of `k x` (7 of 16 at
//! `k = 1e6`). The rounding error of the product with `k` goes into the
//! exponential and `x_i - m` is not rounded (see [`super::reference`]), so
//! offsets cost no accuracy. `log1p` keeps `log_sum_exp([0, -40]) = 4.2e-18`
//! (N. Higham, "What is the softmax function").

use super::dispatch::{InstructionSet, Kernel};
use super::double_double::DoubleDouble;
use super::few::{FEW, sum_few};
use super::lane::{LANES, Lane, mul_add};
use super::scalar::ln_1p;
use super::sharpness::Sharpness;
use super::sum::max_of;
use super::sweep::{CHUNK, sweep};

/// The extreme element `m`, its exponential and the sum of the others', both
/// times some factor.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    pub(super) extreme: f64,
    pub(super) largest: f64,
    /// NaN when an element is.
    pub(super) others: f64,
}

impl Sums {
    /// Exponentials to weights. Divisions, which few elements do not notice.
    #[inline(always)]
    fn divide<T: Lane>(self, weights: &mut [T]) {
        let total = T::round_from(self.largest + self.others);
        for weight in weights {
            *weight = *weight / total;
        }
    }

    /// Exponentials to weights, by the inverse in two parts: a product with the
    /// rounded one would give a single element a weight beside 1.
    #[inline(always)]
    fn scale<I: InstructionSet, T: Lane>(self, weights: &mut [T]) {
        let total = DoubleDouble::from(self.largest).plus(self.others.into());
        let inverse = DoubleDouble::from(1.0).div(total);
        let upper = T::round_from(inverse.upper());
        let lower = T::round_from(inverse.plus((-upper.widen()).into()).value());
        for weight in weights {
            *weight = mul_add::<I, _>(*weight, upper, *weight * lower);
        }
    }
}

/// `m` and `s` of the equation above, in double precision whatever the lanes.
#[derive(Clone, Copy)]
pub(super) struct Shifted {
    /// The extreme element `m`.
    pub(super) extreme: f64,
    /// The excess `s`; NaN when an element is.
    pub(super) excess: f64,
}

impl Shifted {
    /// `m + log1p(s) / k`, by halves where only an intermediate overflows.
    #[inline(always)]
    fn value<T: Lane, const UNIT: bool>(self, sharpness: Sharpness<T, UNIT>) -> f64 {
        let rise = ln_1p(self.excess);
        if UNIT {
            return self.extreme + rise;
        }
        let k = sharpness.k.widen();
        let value = self.extreme + rise / k;
        if value.is_infinite() { 2.0 * (0.5 * self.extreme + 0.5 * rise / k) } else { value }
    }
}

/// The kernel: the smooth maximum of `x`, and its weights if there is a place
/// for them.
pub struct SmoothMax<'a, T, const UNIT: bool> {
    x: &'a [T],
    sharpness: Sharpness<T, UNIT>,
    weights: Option<&'a mut [T]>,
}

impl<'a, T: Lane> SmoothMax<'a, T, true> {
    /// `log_sum_exp(x)`.
    pub fn unit(x: &'a [T], weights: Option<&'a mut [T]>) -> Self {
        Self { x, sharpness: Sharpness { k: T::one() }, weights }
    }
}

impl<'a, T: Lane> SmoothMax<'a, T, false> {
    /// `smooth_max(x, k)`.
    pub fn sharp(x: &'a [T], k: T, weights: Option<&'a mut [T]>) -> Self {
        Self { x, sharpness: Sharpness { k }, weights }
    }
}

impl<T: Lane, const UNIT: bool> Kernel for SmoothMax<'_, T, UNIT> {
    type Output = T;

    #[inline(always)]
    fn is_short(&self) -> bool {
        self.x.len() <= FEW
    }

    #[inline(always)]
    fn run<I: InstructionSet>(self) -> T {
        let shifted = shift_and_sum::<I, T, UNIT>(self.x, self.sharpness, self.weights);
        T::round_from(shifted.value(self.sharpness))
    }
}

/// `m` and `s` of `log_sum_exp(x)`.
#[inline(always)]
pub(super) fn shift_and_sum_unit<I: InstructionSet, T: Lane>(x: &[T]) -> Shifted {
    shift_and_sum::<I, T, true>(x, Sharpness { k: T::one() }, None)
}

/// `m` and `s`, and the weights.
#[inline(always)]
fn shift_and_sum<I: InstructionSet, T: Lane, const UNIT: bool>(
    x: &[T],
    sharpness: Sharpness<T, UNIT>,
    mut weights: Option<&mut [T]>,
) -> Shifted {
    let k = sharpness.k;
    if !UNIT && (k.is_nan() || k == T::zero() || k.is_infinite()) {
        return without_exponentials(x, k, weights);
    }
    let few = x.len() <= FEW;
    let sums = match weights.as_deref_mut() {
        Some(weights) if few => sum_few::<I, T, UNIT>(x, sharpness, weights),
        Some(weights) => sweep::<I, T, UNIT>(x, sharpness, weights),
        None if few => sum_few::<I, T, UNIT>(x, sharpness, &mut [T::zero(); FEW][..x.len()]),
        None => sweep::<I, T, UNIT>(x, sharpness, &mut [T::zero(); CHUNK]),
    };
    if sums.extreme.is_infinite() {
        return without_exponentials(x, k, weights);
    }
    match weights {
        Some(weights) if few => sums.divide(weights),
        Some(weights) => sums.scale::<I, T>(weights),
        None => {}
    }
    Shifted { extreme: sums.extreme, excess: sums.others / sums.largest }
}

/// Infinite elements or sharpness: the exact maximum, shared equally among
/// those that attain it; nobody attains an infinity on the losing side. NaN
/// for a NaN element or sharpness and for sharpness zero.
#[cold]
fn without_exponentials<T: Lane>(x: &[T], k: T, weights: Option<&mut [T]>) -> Shifted {
    let sign = k.signum();
    let m = sign * max_of::<T, LANES>(x, sign);
    let ties = x.iter().filter(|&&x| x == m).count();
    let nan = k.is_nan() || k == T::zero() || x.iter().any(|x| x.is_nan());
    let share = if nan {
        f64::NAN
    } else if m == -sign * T::infinity() {
        0.0
    } else {
        1.0 / ties as f64
    };
    if let Some(weights) = weights {
        for (weight, &x) in weights.iter_mut().zip(x) {
            *weight = if x == m || nan { T::round_from(share) } else { T::zero() };
        }
    }
    let excess = if nan { f64::NAN } else { ties.max(1) as f64 - 1.0 };
    Shifted { extreme: m.widen(), excess: if share == 0.0 { 0.0 } else { excess } }
}
