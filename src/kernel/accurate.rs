//! `log_sum_exp` near its zero, in double-double arithmetic, and `log_add_exp`.
//!
//! `m + log1p(s)` cancels when `m` is negative and the value is much smaller
//! than `|m|`; the digits are then regained from
//! `ln(1 + (sum_i exp(x_i) - 1))` with the inner sum to about 32 digits.

use super::dispatch::Portable;
use super::double_double::DoubleDouble;
use super::lane::{Lane, difference, exp_nonpositive};
use super::scalar::ln_1p;

/// `n` and `exp(x) / 2^n - 1`, for `x` above the subnormal range of `exp`.
fn exp_m1_reduced(x: f64) -> (f64, DoubleDouble) {
    const LN_2: [f64; 3] = [std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17, 5.707_708_438_416_212e-34];
    /// Halvings of the reduced argument, undone by as many squarings.
    const HALVINGS: i32 = 5;
    // 1 / (i + 1)!
    const TAYLOR: [DoubleDouble; 12] = [
        DoubleDouble(1.0, 0.0),
        DoubleDouble(0.5, 0.0),
        DoubleDouble(0.166_666_666_666_666_66, 9.251_858_538_542_97e-18),
        DoubleDouble(0.041_666_666_666_666_664, 2.312_964_634_635_742_7e-18),
        DoubleDouble(0.008_333_333_333_333_333, 1.156_482_317_317_871_4e-19),
        DoubleDouble(0.001_388_888_888_888_889, -5.300_543_954_373_577e-20),
        DoubleDouble(0.000_198_412_698_412_698_4, 1.720_955_829_342_070_5e-22),
        DoubleDouble(2.480_158_730_158_73e-5, 2.151_194_786_677_588_2e-23),
        DoubleDouble(2.755_731_922_398_589_3e-6, -1.858_393_274_046_472e-22),
        DoubleDouble(2.755_731_922_398_589e-7, 2.376_771_462_225_029_7e-23),
        DoubleDouble(2.505_210_838_544_172e-8, -1.448_814_070_935_912e-24),
        DoubleDouble(2.087_675_698_786_81e-9, -1.207_345_059_113_26e-25),
    ];
    let n = (x * std::f64::consts::LOG2_E).round();
    let r = DoubleDouble(x, 0.0)
        .add(DoubleDouble::product(n, -LN_2[0]))
        .add(DoubleDouble::product(n, -LN_2[1]))
        .add(DoubleDouble(-n * LN_2[2], 0.0))
        .scaled(0.5f64.powi(HALVINGS));
    let series = TAYLOR.into_iter().rev().reduce(|sum, c| sum.mul(r).add(c));
    let mut t = series.map_or(r, |sum| sum.mul(r));
    for _ in 0..HALVINGS {
        // (1 + t)^2 - 1
        t = t.scaled(2.0).add(t.mul(t));
    }
    (n, t)
}

/// `ln sum_i exp(x_i)` of elements whose exponentials add up to about 1.
fn log_sum_exp_near_zero(x: impl Iterator<Item = f64>) -> f64 {
    // Powers of two apart from the rest: they often add up to 1 exactly.
    let mut powers = DoubleDouble(-1.0, 0.0);
    let mut rest = DoubleDouble(0.0, 0.0);
    for x in x {
        if x > -700.0 {
            let (n, t) = exp_m1_reduced(x);
            let power = 2f64.powi(n as i32);
            powers = powers.add(DoubleDouble(power, 0.0));
            rest = rest.add(t.scaled(power));
        }
    }
    let DoubleDouble(sum, lost) = powers.add(rest);
    ln_1p(sum) + lost / (1.0 + sum)
}

/// Whether `value = m + log1p(s)` lost digits to cancellation.
fn cancels(m: f64, value: f64) -> bool {
    m < 0.0 && m.is_finite() && value.abs() < -0.5 * m
}

/// `value`, the plain `log_sum_exp` of `x` with maximum `m`, made accurate.
pub(super) fn refine<T: Lane>(x: &[T], m: f64, value: T) -> T {
    if cancels(m, value.widen()) {
        T::round_from(log_sum_exp_near_zero(x.iter().map(|x| x.widen())))
    } else {
        value
    }
}

/// `ln(exp(x) + exp(y))` and its two weights.
pub(super) fn log_add_exp_weights(x: f64, y: f64) -> (f64, [f64; 2]) {
    if x.is_nan() || y.is_nan() {
        return (f64::NAN, [f64::NAN; 2]);
    }
    let (upper, lower) = if x < y { (y, x) } else { (x, y) };
    if upper == f64::NEG_INFINITY {
        return (upper, [0.0; 2]);
    }
    // Equal first: the difference of two infinities is NaN.
    let t = if upper == lower {
        1.0
    } else {
        let (d, lost) = difference(lower, upper);
        exp_nonpositive::<Portable, f64>(d, lost)
    };
    let value = upper + ln_1p(t);
    let value = if cancels(upper, value) { log_sum_exp_near_zero([x, y].into_iter()) } else { value };
    let weights = [1.0 / (1.0 + t), t / (1.0 + t)];
    (value, if x < y { [weights[1], weights[0]] } else { weights })
}
