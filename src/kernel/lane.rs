//! What one lane of a kernel must be able to do, for `f32` and `f64`: an
//! exponential that takes a residual, and the rounding errors of a difference
//! and of a product.
//!
//! The exponential follows Cody and Waite: `x + e = n ln 2 + r` with
//! `|r| <= ln 2 / 2`, then `exp(x + e) = 2^n (1 + r + r^2 q(r))` with `q` the
//! minimax polynomial (Remez) of relative error 1e-18 (`f64`, degree 10), 1e-17
//! (degree 9, the coarse one) and 6e-9 (`f32`, degree 5). It is free of
//! branches, so a loop over an array of lanes becomes vector code.
//!
//! It comes in two forms. [`exp`] and [`exp_m1_reduced`] add the smallest terms
//! first, keep within 1 ulp and cover the whole range in two steps of scaling.
//! [`exp_scaled`] is for sums and weights: a third fewer instructions, a
//! quarter of an ulp more, and a power of two of the caller's choice.

use super::dispatch::InstructionSet;
use num_traits::Float;
use std::fmt::Debug;
use std::ops::AddAssign;

/// Lanes are processed in arrays of this many elements, whatever the
/// instruction set, so that sums are always taken in the same order.
pub(crate) const LANES: usize = 16;

/// The arithmetic of one lane.
pub trait Lane: Float + AddAssign + Debug + Send + Sync + 'static {
    /// `exp` of anything below is zero.
    const EXP_UNDERFLOW: Self;
    /// `exp` of anything above is infinite.
    const EXP_OVERFLOW: Self;
    /// A power of two large enough to lift all subnormal numbers.
    const SCALE_STEP: Self;
    /// `log2(e)`.
    const LOG2_E: Self;
    /// `ln 2` in two parts, the first as near as can be: where products are fused.
    const LN_2_FUSED: [Self; 2];
    /// `ln 2` in two parts, the first so short that `n` times it is exact.
    const LN_2_SHORT: [Self; 2];
    /// Adding it rounds to an integer and leaves that in the low bits.
    const ROUND: Self;
    /// The exponent bits of [`exp_scaled`] at 0: so far above those of 1 that
    /// [`DEPTH`](Self::DEPTH) and [`ROOM`](Self::ROOM) hold.
    const EXPONENT_BITS: Self;
    /// `exp_scaled` is a normal number down to minus this.
    const DEPTH: Self;
    /// Sums of `exp_scaled`, and their inverses, are normal numbers up to this.
    const ROOM: Self;

    /// `q(r)` of the module's equation, given `r` and its square.
    fn q<I: InstructionSet, const FINE: bool>(r: Self, r2: Self) -> Self;

    /// The power of two that has the low bits of a float as its exponent bits.
    fn from_exponent_bits(rounded: Self) -> Self;

    /// `2^n SCALE_STEP^STEP` from a float with `n` in its low bits.
    fn power_of_two<const STEP: i32>(rounded: Self) -> Self;

    /// The upper half of the significand; `x - upper_half(x)` is the exact rest.
    fn upper_half(x: Self) -> Self;

    /// The nearest number of this type.
    fn round_from(x: f64) -> Self;

    /// The same number in double precision.
    fn widen(self) -> f64;
}

/// `n` nearest to `x / ln 2` as `(round + n, n)`, for `round` an integer near
/// [`Lane::ROUND`], and the two parts of `ln 2`.
#[inline(always)]
fn nearest_power<I: InstructionSet, T: Lane>(x: T, round: T) -> (T, T, [T; 2]) {
    let rounded = mul_add::<I, _>(x, T::LOG2_E, round);
    (rounded, rounded - round, if I::FMA { T::LN_2_FUSED } else { T::LN_2_SHORT })
}

/// `exp(x + residual)` as `2^n (1 + upper + rest)` with the bracket near 1,
/// for `x` within the range: `upper`, which is exact, the smaller `rest`,
/// and a float with `n` in its low bits.
#[inline(always)]
pub(super) fn exp_m1_reduced<I: InstructionSet, T: Lane>(x: T, residual: T) -> (T, T, T) {
    let (rounded, n, ln_2) = nearest_power::<I, T>(x, T::ROUND);
    let upper = mul_add::<I, _>(n, -ln_2[0], x);
    let lower = mul_add::<I, _>(n, -ln_2[1], residual);
    let r = upper + lower;
    let r2 = r * r;
    (upper, mul_add::<I, _>(T::q::<I, true>(r, r2), r2, lower), rounded)
}

/// `exp(upper + lower)`, where `x` is that sum rounded, times the power of two
/// whose exponent bits are the low bits of `round`, which is an integer near
/// [`Lane::ROUND`]. Nonsense where the result is not a normal number.
#[inline(always)]
pub(super) fn exp_scaled<I: InstructionSet, T: Lane>(x: T, [upper, lower]: [T; 2], round: T) -> T {
    let (rounded, n, ln_2) = nearest_power::<I, T>(x, round);
    let r = mul_add::<I, _>(n, -ln_2[1], mul_add::<I, _>(n, -ln_2[0], upper) + lower);
    let r2 = r * r;
    let power = T::from_exponent_bits(rounded);
    mul_add::<I, _>(mul_add::<I, _>(T::q::<I, false>(r, r2), r2, r), power, power)
}

/// `exp(x)`: all of the range, down to subnormal results; NaN to NaN.
#[inline(always)]
pub(crate) fn exp<I: InstructionSet, T: Lane>(x: T) -> T {
    let x = if x > T::EXP_OVERFLOW { T::EXP_OVERFLOW } else { x };
    let zero = x < T::EXP_UNDERFLOW;
    let (upper, rest, n) = exp_m1_reduced::<I, T>(if zero { T::zero() } else { x }, T::zero());
    let y = T::one() + (upper + rest);
    // 2^n in two exact steps, so that neither end of the range is cut off.
    let (power, rest) = if x < T::zero() {
        (T::power_of_two::<1>(n), T::SCALE_STEP.recip())
    } else {
        (T::power_of_two::<-1>(n), T::SCALE_STEP)
    };
    (y * power) * if zero { T::zero() } else { rest }
}

/// `exp(x + residual)` for `x <= 0` and a tiny residual, which may be NaN where
/// the result is zero.
#[inline(always)]
pub(super) fn exp_nonpositive<I: InstructionSet, T: Lane>(x: T, residual: T) -> T {
    let (upper, rest, n) = exp_m1_reduced::<I, T>(x, residual);
    let y = T::one() + (upper + rest);
    let e = (y * T::power_of_two::<1>(n)) * T::SCALE_STEP.recip();
    if x < T::EXP_UNDERFLOW { T::zero() } else { e }
}

/// `a b + c`, fused where that is one instruction.
#[inline(always)]
pub(super) fn mul_add<I: InstructionSet, T: Float>(a: T, b: T, c: T) -> T {
    if I::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `x - m` rounded, and what the rounding lost (Knuth's TwoSum). The loss is
/// NaN when the difference is not finite.
#[inline(always)]
pub(super) fn difference<T: Float>(x: T, m: T) -> (T, T) {
    let d = x - m;
    let minus_m = d - x;
    (d, (x - (d - minus_m)) - (m + minus_m))
}

/// `a b` rounded, and what the rounding lost (a fused multiply-add, else
/// Dekker's product of halves). The loss is NaN when the product overflows.
#[inline(always)]
pub(super) fn product<I: InstructionSet, T: Lane>(a: T, b: T) -> (T, T) {
    let p = a * b;
    if I::FMA {
        return (p, a.mul_add(b, -p));
    }
    let (a1, b1) = (T::upper_half(a), T::upper_half(b));
    let (a0, b0) = (a - a1, b - b1);
    (p, (((a1 * b1 - p) + a1 * b0) + a0 * b1) + a0 * b0)
}

impl Lane for f64 {
    const EXP_UNDERFLOW: f64 = -745.5;
    const EXP_OVERFLOW: f64 = 710.0;
    const SCALE_STEP: f64 = 18_446_744_073_709_551_616.0;
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2_FUSED: [f64; 2] = [std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17];
    // 21 trailing zero bits.
    const LN_2_SHORT: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    // 1.5 * 2^52
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // Those of 2^512: 2^512 e^-1000 = 2^-931, 2^512 e^300 = 2^945.
    const EXPONENT_BITS: f64 = 1023.0 + 512.0;
    const DEPTH: f64 = 1000.0;
    const ROOM: f64 = 300.0;

    #[inline(always)]
    fn q<I: InstructionSet, const FINE: bool>(r: f64, r2: f64) -> f64 {
        // Remez on |r| <= ln 2 / 2.
        const COARSE: [f64; 11] = [
            0.500_000_000_000_001_1,
            0.166_666_666_666_664_13,
            0.041_666_666_666_530_16,
            0.008_333_333_333_494_399,
            0.001_388_888_894_362_952,
            0.000_198_412_695_067_187_3,
            2.480_149_309_952_850_6e-5,
            2.755_758_622_692_254_4e-6,
            2.763_024_817_117_492e-7,
            2.500_010_210_768_237_7e-8,
            0.0,
        ];
        const FINEST: [f64; 11] = [
            0.5,
            0.166_666_666_666_666_82,
            0.041_666_666_666_666_095,
            0.008_333_333_333_317_035,
            0.001_388_888_888_911_549_4,
            0.000_198_412_698_963_802_6,
            2.480_158_692_687_531_5e-5,
            2.755_723_486_539_1e-6,
            2.755_758_165_435_987_5e-7,
            2.511_203_566_747_976_5e-8,
            2.082_668_414_213_529_8e-9,
        ];
        let c = if FINE { FINEST } else { COARSE };
        // Estrin's scheme: short dependency chains.
        let q = |i: usize| mul_add::<I, _>(c[i + 1], r, c[i]);
        let r4 = r2 * r2;
        let q03 = mul_add::<I, _>(q(2), r2, q(0));
        let q47 = mul_add::<I, _>(q(6), r2, q(4));
        let q8 = if FINE { mul_add::<I, _>(c[10], r2, q(8)) } else { q(8) };
        mul_add::<I, _>(mul_add::<I, _>(q8, r4, q47), r4, q03)
    }

    #[inline(always)]
    fn from_exponent_bits(rounded: f64) -> f64 {
        f64::from_bits(rounded.to_bits() << 52)
    }

    #[inline(always)]
    fn power_of_two<const STEP: i32>(rounded: f64) -> f64 {
        let bias = (1023 + STEP * 64) as u64;
        f64::from_bits(rounded.to_bits().wrapping_add(bias) << 52)
    }

    #[inline(always)]
    fn upper_half(x: f64) -> f64 {
        f64::from_bits(x.to_bits() & !((1 << 27) - 1))
    }

    #[inline(always)]
    fn round_from(x: f64) -> f64 {
        x
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }
}

impl Lane for f32 {
    const EXP_UNDERFLOW: f32 = -104.5;
    const EXP_OVERFLOW: f32 = 89.0;
    const SCALE_STEP: f32 = 4_294_967_296.0;
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2_FUSED: [f32; 2] = Self::LN_2_SHORT;
    // 12 trailing zero bits.
    const LN_2_SHORT: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    // 1.5 * 2^23
    const ROUND: f32 = 12_582_912.0;
    // Those of 2^48: 2^48 e^-120 = 2^-125, 2^48 e^18 = 2^74.
    const EXPONENT_BITS: f32 = 127.0 + 48.0;
    const DEPTH: f32 = 120.0;
    const ROOM: f32 = 18.0;

    #[inline(always)]
    fn q<I: InstructionSet, const FINE: bool>(r: f32, r2: f32) -> f32 {
        // Remez on |r| <= ln 2 / 2.
        const Q: [f32; 6] =
            [0.5, 0.166_666_66, 0.041_666_295, 0.008_333_497, 0.001_394_465_9, 0.000_197_903_22];
        let q = |i: usize| mul_add::<I, _>(Q[i + 1], r, Q[i]);
        let q03 = mul_add::<I, _>(q(2), r2, q(0));
        mul_add::<I, _>(q(4), r2 * r2, q03)
    }

    #[inline(always)]
    fn from_exponent_bits(rounded: f32) -> f32 {
        f32::from_bits(rounded.to_bits() << 23)
    }

    #[inline(always)]
    fn power_of_two<const STEP: i32>(rounded: f32) -> f32 {
        let bias = (127 + STEP * 32) as u32;
        f32::from_bits(rounded.to_bits().wrapping_add(bias) << 23)
    }

    #[inline(always)]
    fn upper_half(x: f32) -> f32 {
        f32::from_bits(x.to_bits() & !((1 << 12) - 1))
    }

    #[inline(always)]
    fn round_from(x: f64) -> f32 {
        x as f32
    }

    #[inline(always)]
    fn widen(self) -> f64 {
        self.into()
    }
}
