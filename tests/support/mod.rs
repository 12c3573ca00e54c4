//! A multi-precision oracle and errors measured in ulp.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod expression;

use dashu::base::Abs;
use dashu::float::FBig;
use dashu::float::round::mode::HalfEven;
use std::str::FromStr;

/// A number of 192 bits: differences and products of doubles around 1e8 are exact.
pub(crate) type Big = FBig<HalfEven, 2>;

const BITS: usize = 192;

/// The exact value of a finite double.
pub(crate) fn big(x: f64) -> Big {
    Big::try_from(x).expect("finite").with_precision(BITS).value()
}

/// A decimal number.
pub(crate) fn big_decimal(decimal: &str) -> Big {
    dashu::float::DBig::from_str(decimal)
        .expect("a decimal number")
        .with_precision(90)
        .value()
        .with_base_and_precision::<2>(BITS)
        .value()
        .with_rounding()
}

/// The nearest double; infinite on overflow.
pub(crate) fn nearest(x: &Big) -> f64 {
    x.to_f64().value()
}

/// An element type, for what ulp means.
pub(crate) trait Ulp: Copy {
    /// The value in double precision.
    fn wide(self) -> f64;
    /// Bits of the significand.
    const DIGITS: i32;
    /// Exponent of the smallest subnormal.
    const MIN_EXP: i32;
    /// The largest number.
    const MAX: f64;
}

impl Ulp for f64 {
    fn wide(self) -> f64 {
        self
    }
    const DIGITS: i32 = 53;
    const MIN_EXP: i32 = -1074;
    const MAX: f64 = f64::MAX;
}

impl Ulp for f32 {
    fn wide(self) -> f64 {
        self.into()
    }
    const DIGITS: i32 = 24;
    const MIN_EXP: i32 = -149;
    const MAX: f64 = f32::MAX as f64;
}

/// `|got - exact|` in units of the spacing of `T` at `exact`.
pub(crate) fn ulps<T: Ulp>(got: T, exact: &Big) -> f64 {
    let got = got.wide();
    let rounded = nearest(exact);
    if rounded.abs() > T::MAX {
        return if got == rounded.signum() * f64::INFINITY { 0.0 } else { f64::INFINITY };
    }
    if !got.is_finite() {
        return f64::INFINITY;
    }
    let exponent = if rounded == 0.0 { T::MIN_EXP } else { exponent(rounded) - (T::DIGITS - 1) };
    let spacing = Big::from_parts(1.into(), exponent.max(T::MIN_EXP) as isize);
    nearest(&((big(got) - exact).abs() / spacing.with_precision(BITS).value()))
}

/// `floor(log2 |x|)` of a nonzero double.
fn exponent(x: f64) -> i32 {
    let raw = (x.to_bits() >> 52 & 0x7ff) as i32;
    if raw == 0 { exponent(x * 2f64.powi(64)) - 64 } else { raw - 1023 }
}

/// Errors of one function, for a report.
#[derive(Default)]
pub(crate) struct Errors {
    max: f64,
    sum: f64,
    count: usize,
}

impl Errors {
    /// Takes note of one error in ulp.
    pub(crate) fn add(&mut self, ulps: f64) {
        self.max = self.max.max(ulps);
        self.sum += ulps;
        self.count += 1;
    }

    /// Prints maximum and mean, and fails above the promise.
    pub(crate) fn report(&self, name: &str, promise: f64) {
        let Self { max, sum, count } = self;
        let mean = sum / *count as f64;
        println!("{name:<44} max {max:>6.3} mean {mean:>6.3} of {count:>8} (promise {promise})");
        assert!(*count > 0, "{name}: nothing was measured");
        assert!(*max <= promise, "{name}: {max} ulp, promised {promise}");
    }
}
