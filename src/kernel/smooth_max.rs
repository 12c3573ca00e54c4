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

use super::dispatch::{InstructionSet, Kernel, Portable};
use super::lane::{LANES, Lane, difference, exp_nonpositive, exp_scalar, product};
use super::sum::{CHUNK, CompensatedSum, argmax, max_of, padded, sum_of};

/// Most blocks that a slice is cut into.
const BLOCKS: usize = 64;
/// Fewest elements of a block; with their weights they fill a 64 kB cache.
const BLOCK: usize = 4096;
/// Up to so many elements go one by one.
const FEW: usize = 12;
/// Elements whose exponentials are taken before they are summed.
const BUFFER: usize = 256;

/// A sharpness `k`; `UNIT` is `k = 1` known to the compiler.
#[derive(Clone, Copy)]
struct Sharpness<T, const UNIT: bool> {
    k: T,
}

impl<T: Lane, const UNIT: bool> Sharpness<T, UNIT> {
    /// +1 for a maximum, -1 for a minimum.
    #[inline(always)]
    fn sign(self) -> T {
        if UNIT || self.k > T::zero() { T::one() } else { -T::one() }
    }

    /// `k (x - m)` rounded, and what the roundings lost.
    #[inline(always)]
    fn argument<I: InstructionSet>(self, x: T, m: T) -> (T, T) {
        if UNIT {
            return difference(x, m);
        }
        let half = T::round_from(0.5);
        let halved = self.k.abs() < T::HALVING_SHARPNESS;
        let (scale, k) = if halved { (half, self.k / half) } else { (T::one(), self.k) };
        let (d, d_lost) = difference(x * scale, m * scale);
        let (p, p_lost) = product::<I, T>(k, d);
        (p, p_lost + k * d_lost)
    }

    /// `exp(k (x - m))`, accurate to the rounding of the result.
    #[inline(always)]
    fn exp<I: InstructionSet>(self, x: T, m: T) -> T {
        let (argument, lost) = self.argument::<I>(x, m);
        exp_nonpositive::<I, T>(argument, lost)
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

/// `ln(1 + x)` for `x >= -1/2`; from `libm` in the deterministic mode. The
/// logarithm proper is twice as fast: it does where `ln(1 + x)` is not small,
/// with the rounding error of `1 + x` to first order.
#[inline(always)]
pub(super) fn ln_1p(x: f64) -> f64 {
    if x > 0.5 && x.is_finite() {
        let y = 1.0 + x;
        let lost = x - (y - 1.0);
        ln(y) + lost / y
    } else if cfg!(feature = "deterministic") {
        libm::log1p(x)
    } else {
        x.ln_1p()
    }
}

#[inline(always)]
fn ln(x: f64) -> f64 {
    if cfg!(feature = "deterministic") { libm::log(x) } else { x.ln() }
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
    if k.is_nan() || k == T::zero() || k.is_infinite() {
        return without_exponentials(x, k, weights);
    }
    if x.len() <= BLOCK {
        let whole = if x.len() <= FEW {
            sum_few::<T, UNIT>(x, sharpness, weights.as_deref_mut())
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

/// [`sum_block`] of so few elements that vector code does not pay: scalar, and
/// apart, to spare it the registers of the vector code around.
#[inline(never)]
fn sum_few<T: Lane, const UNIT: bool>(
    x: &[T],
    sharpness: Sharpness<T, UNIT>,
    weights: Option<&mut [T]>,
) -> Shifted {
    let sign = sharpness.sign();
    let losing = -sign * T::infinity();
    let m = x.iter().fold(losing, |m, &x| if sign * x > sign * m { x } else { m });
    // All exponentials before any sum: calls in between would make it wait.
    let mut e = [T::zero(); FEW];
    for (e, &x) in e.iter_mut().zip(x) {
        let (argument, lost) = sharpness.argument::<Portable>(x, m);
        *e = exp_scalar(argument, lost);
    }
    let (mut below, mut ties) = (0.0, -1.0);
    for (e, &x) in e.iter().zip(x) {
        below += if x == m { 0.0 } else { e.widen() };
        ties += if x == m { 1.0 } else { 0.0 };
    }
    if let Some(weights) = weights {
        weights.copy_from_slice(&e[..x.len()]);
    }
    Shifted { extreme: m.widen(), excess: below + ties }
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
        exp_shifted::<I, T, UNIT>(x, m, sharpness, e);
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

/// `exp(k (x_i - m))` into `out`.
#[inline(always)]
fn exp_shifted<I: InstructionSet, T: Lane, const UNIT: bool>(
    x: &[T],
    m: T,
    sharpness: Sharpness<T, UNIT>,
    out: &mut [T],
) {
    let (x_blocks, x_tail) = x.as_chunks::<LANES>();
    let (out_blocks, out_tail) = out.as_chunks_mut::<LANES>();
    for (x, out) in x_blocks.iter().zip(out_blocks) {
        for i in 0..LANES {
            out[i] = sharpness.exp::<I>(x[i], m);
        }
    }
    if !x_tail.is_empty() {
        let mut block = padded(x_tail, m);
        for x in &mut block {
            *x = sharpness.exp::<I>(*x, m);
        }
        out_tail.copy_from_slice(&block[..out_tail.len()]);
    }
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
    let m = sign * max_of(x, sign);
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
