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
//! `k = 1e6`). The rounding errors of `x_i - m` and of the product with `k` go
//! into the exponential, so offsets cost no accuracy. `log1p` keeps
//! `log_sum_exp([0, -40]) = 4.2e-18` (N. Higham, "What is the softmax
//! function").
//!
//! Long slices are read from memory once: each of at most [`BLOCKS`] blocks
//! takes its own maximum as reference while it is in cache, and the blocks are
//! brought to the common maximum at the end.

use super::dispatch::{InstructionSet, Kernel};
use super::few::{FEW, sum_few};
use super::lane::{LANES, Lane};
use super::scalar::ln_1p;
use super::sharpness::Sharpness;
use super::sum::{CHUNK, CompensatedSum, argmax, max_of, sum_of};

/// Most blocks that a slice is cut into.
const BLOCKS: usize = 64;
/// Fewest elements of a block; with their weights they fill a 64 kB cache.
const BLOCK: usize = 4096;
/// Elements whose exponentials are taken before they are summed.
const BUFFER: usize = 256;

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
    if x.len() <= BLOCK {
        let whole = if x.len() <= FEW {
            sum_few::<I, T, UNIT>(x, sharpness, weights.as_deref_mut())
        } else {
            sum_block::<I, T, UNIT>(x, sharpness, weights.as_deref_mut())
        };
        if whole.extreme.is_infinite() {
            return without_exponentials(x, k, weights);
        }
        if let Some(weights) = weights {
            scale(weights, T::round_from(1.0 / (1.0 + whole.excess)));
        }
        return whole;
    }

    let size = x.len().div_ceil(BLOCKS).max(BLOCK).next_multiple_of(CHUNK);
    let mut parts = [Shifted { extreme: 0.0, excess: 0.0 }; BLOCKS];
    let parts = &mut parts[..x.len().div_ceil(size)];
    for (i, (part, x)) in parts.iter_mut().zip(x.chunks(size)).enumerate() {
        let weights = weights.as_deref_mut().map(|w| &mut w[i * size..][..x.len()]);
        *part = sum_block::<I, T, UNIT>(x, sharpness, weights);
    }
    let sharpness = Sharpness::<f64, UNIT> { k: k.widen() };
    let whole = join::<I, UNIT>(parts, sharpness);
    if whole.extreme.is_infinite() {
        return without_exponentials(x, k, weights);
    }
    if let Some(weights) = weights {
        for (part, weights) in parts.iter().zip(weights.chunks_mut(size)) {
            let factor = sharpness.exp::<I>(part.extreme, whole.extreme);
            scale(weights, T::round_from(factor / (1.0 + whole.excess)));
        }
    }
    whole
}

/// `m` and `s` of one block; its exponentials, not yet divided, go to `weights`.
#[inline(always)]
fn sum_block<I: InstructionSet, T: Lane, const UNIT: bool>(
    x: &[T],
    sharpness: Sharpness<T, UNIT>,
    weights: Option<&mut [T]>,
) -> Shifted {
    let sign = sharpness.sign();
    let (argmax, max) = argmax(x, sign);
    let m = sign * max;
    if m.is_infinite() {
        // Infinite or NaN throughout: nothing here to exponentiate.
        if let Some(weights) = weights {
            weights.fill(T::zero());
        }
        let excess = if x.iter().any(|x| x.is_nan()) { f64::NAN } else { 0.0 };
        return Shifted { extreme: m.widen(), excess };
    }
    let excess = if let Some(weights) = weights {
        sum_but_one::<I, T, UNIT>(x, argmax, sharpness, weights)
    } else {
        sum_but_one::<I, T, UNIT>(x, argmax, sharpness, &mut [T::zero(); BUFFER])
    };
    Shifted { extreme: m.widen(), excess }
}

/// The sum of `exp(k (x_i - x_j))` over all `i` but `j`. The exponentials go to
/// `out`; where that is shorter than `x`, it is used again and again.
#[inline(always)]
fn sum_but_one<I: InstructionSet, T: Lane, const UNIT: bool>(
    x: &[T],
    j: usize,
    sharpness: Sharpness<T, UNIT>,
    out: &mut [T],
) -> f64 {
    let m = x[j];
    let keep = out.len() >= x.len();
    let mut sum = CompensatedSum::default();
    for (i, x) in x.chunks(BUFFER).enumerate() {
        let start = i * BUFFER;
        let e = &mut out[if keep { start } else { 0 }..][..x.len()];
        sharpness.exp_slice::<I>(x, m, e);
        if (start..start + x.len()).contains(&j) {
            e[j - start] = T::zero();
            sum.add(sum_of(e));
            e[j - start] = T::one();
        } else {
            sum.add(sum_of(e));
        }
    }
    sum.value()
}

/// `m` and `s` of all blocks together.
#[inline(always)]
fn join<I: InstructionSet, const UNIT: bool>(parts: &[Shifted], sharpness: Sharpness<f64, UNIT>) -> Shifted {
    let sign = sharpness.sign();
    let extreme = parts
        .iter()
        .fold(-sign * f64::INFINITY, |m, part| if sign * part.extreme > sign * m { part.extreme } else { m });
    let mut sum = CompensatedSum::default();
    let mut left_out = false;
    for part in parts {
        if part.extreme == extreme && !left_out {
            left_out = true;
            sum.add(part.excess);
        } else {
            sum.add((1.0 + part.excess) * sharpness.exp::<I>(part.extreme, extreme));
        }
    }
    Shifted { extreme, excess: sum.value() }
}

#[inline(always)]
fn scale<T: Lane>(weights: &mut [T], factor: T) {
    for weight in weights {
        *weight = *weight * factor;
    }
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
