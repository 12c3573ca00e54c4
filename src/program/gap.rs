//! How far a program with smooth twins can be from the exact one: an interval
//! for `smooth - exact`, over all inputs.
//!
//! Let the arguments of an operation `f` be off by errors `e_i`. Then
//!
//! ```text
//! f(x + e) - f(x) ∈ Σ [m_i, M_i] e_i
//! ```
//!
//! where `[m_i, M_i]` holds every difference quotient of `f` in its `i`-th
//! argument; and for a maximum, a minimum, a log-sum-exp - whose slopes are
//! weights that sum to 1 - it lies in the hull of the `e_i`. A twin adds the
//! error interval that the [table of smoothings](crate::smooth::SMOOTHINGS)
//! states. Where the quotients have no bound, as those of `x²`, neither has the
//! result: its interval is infinite, on both sides or on one.
//!
//! All errors are multiples of `1/k`, so they are computed for `k = 1`.

use std::ops::Add;

use super::code::Code;
use super::operations::Operation;
use super::twins::{nary_twin, twin};
use crate::nary::NaryKind;
use crate::rules::{Op, Primitive};
use crate::smooth::Smoothing;

/// The numbers from `low` to `high`. An error's interval holds 0: twins may be exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
}

const ZERO: Interval = Interval { low: 0.0, high: 0.0 };
const ALL: Interval = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };

impl Add for Interval {
    type Output = Interval;

    fn add(self, other: Interval) -> Interval {
        Interval { low: self.low + other.low, high: self.high + other.high }
    }
}

impl Interval {
    const fn new(low: f64, high: f64) -> Self {
        Interval { low, high }
    }

    fn is_zero(self) -> bool {
        self == ZERO
    }

    /// The products of numbers of the two. Zero times any quotient, however
    /// large, is zero.
    fn times(self, other: Interval) -> Interval {
        let product = |a: f64, b: f64| if a == 0.0 || b == 0.0 { 0.0 } else { a * b };
        let ends =
            [(self.low, other.low), (self.low, other.high), (self.high, other.low), (self.high, other.high)];
        let products = ends.map(|(a, b)| product(a, b));
        let low = products.iter().copied().fold(f64::INFINITY, f64::min);
        Interval { low, high: products.iter().copied().fold(f64::NEG_INFINITY, f64::max) }
    }

    fn negated(self) -> Interval {
        Interval { low: -self.high, high: -self.low }
    }

    /// The smallest interval around some.
    fn hull(intervals: impl IntoIterator<Item = Interval>) -> Interval {
        intervals
            .into_iter()
            .reduce(|a, b| Interval { low: a.low.min(b.low), high: a.high.max(b.high) })
            .unwrap_or(ZERO)
    }

    /// A constant; of a NaN nothing is known.
    fn of_constant<T: Primitive>(constant: T) -> Interval {
        constant.to_f64().filter(|c| !c.is_nan()).map_or(ALL, |c| Interval::new(c, c))
    }

    /// The error of a smoothing of `n` operands at `k = 1`.
    fn of_twin(row: &Smoothing, n: usize) -> Interval {
        row.error_interval(n, 1.0).map_or(ALL, |(low, high)| Interval { low, high })
    }
}

/// For each output the interval of `smooth - exact` at sharpness 1, for the
/// program `exact`.
pub(super) fn unit_gaps<T: Primitive>(exact: &Code<T>) -> Vec<Interval> {
    let mut errors = vec![ZERO; exact.slots];
    let value = |slot: u32| {
        exact.constants.get(slot as usize).map_or(ALL, |&constant| Interval::of_constant(constant))
    };
    for operation in exact.operations_in_order() {
        match operation {
            Operation::Rule { op, arguments, output } => {
                let own = twin(op).map_or(ZERO, |(_, row)| Interval::of_twin(row, op.arity()));
                let of_arguments: Vec<Interval> =
                    arguments.iter().map(|&slot| errors[slot as usize]).collect();
                let values: Vec<Interval> = arguments.iter().map(|&slot| value(slot)).collect();
                errors[output as usize] = own + propagate(op, &of_arguments, &values);
            }
            Operation::Nary { kind, operands, output } => {
                let own = nary_twin(kind).map_or(ZERO, |row| Interval::of_twin(row, operands.len()));
                let of_operands: Vec<Interval> = operands.iter().map(|&slot| errors[slot as usize]).collect();
                for i in 0..kind.outputs(operands.len()) {
                    errors[output as usize + i] =
                        own + propagate_nary(kind, i, &operands, &of_operands, value);
                }
            }
        }
    }
    exact.outputs.iter().map(|&slot| errors[slot as usize]).collect()
}

/// The error of a rule from those of its arguments, whose values are known to
/// be in `values`.
fn propagate(op: Op, errors: &[Interval], values: &[Interval]) -> Interval {
    if errors.iter().all(|error| error.is_zero()) {
        return ZERO;
    }
    match op {
        Op::Max | Op::Min | Op::LogAddExp => Interval::hull(errors.iter().copied()),
        Op::SmoothMaxPair | Op::SmoothMinPair | Op::SmoothMax2 if errors[2].is_zero() => {
            Interval::hull(errors[..2].iter().copied())
        }
        Op::Select if errors[0].is_zero() => Interval::hull(errors[1..].iter().copied()),
        _ => {
            let terms = errors.iter().zip(quotients(op, values)).map(|(error, slopes)| slopes.times(*error));
            terms.reduce(Interval::add).unwrap_or(ZERO)
        }
    }
}

/// For each argument an interval that holds every quotient
/// `(f(.., y, ..) - f(.., x, ..)) / (y - x)`, given intervals for the arguments.
fn quotients(op: Op, values: &[Interval]) -> [Interval; 3] {
    const ONE: Interval = Interval::new(1.0, 1.0);
    const UP_TO_ONE: Interval = Interval::new(0.0, 1.0);
    const WITHIN_ONE: Interval = Interval::new(-1.0, 1.0);
    const INCREASING: Interval = Interval::new(0.0, f64::INFINITY);
    match op {
        Op::Neg => [ONE.negated(), ALL, ALL],
        Op::Add => [ONE, ONE, ALL],
        Op::Sub | Op::Gap => [ONE, ONE.negated(), ALL],
        Op::Mul => [values[1], values[0], ALL],
        Op::MulAdd => [values[1], values[0], ONE],
        Op::Div if values[1].low == values[1].high && values[1].low != 0.0 => {
            let slope = values[1].low.recip();
            [Interval::new(slope, slope), ALL, ALL]
        }
        Op::Relu | Op::Atan | Op::Tanh | Op::Asinh | Op::Softplus | Op::LogSigmoid => [UP_TO_ONE, ALL, ALL],
        Op::SmoothRelu | Op::Squareplus | Op::Sparseplus => [UP_TO_ONE, ALL, ALL],
        Op::Sigmoid => [Interval::new(0.0, 0.25), ALL, ALL],
        Op::Abs | Op::Sin | Op::Cos => [WITHIN_ONE, ALL, ALL],
        Op::Hypot => [WITHIN_ONE, WITHIN_ONE, ALL],
        Op::SmoothAbs | Op::LogCosh | Op::AbsSqrt | Op::PseudoHuber | Op::Huber => [WITHIN_ONE, ALL, ALL],
        Op::GaussianAbs | Op::XAtan => [WITHIN_ONE, ALL, ALL],
        // Without bound, but one-sided: an error above stays above.
        Op::Exp | Op::Exp2 | Op::ExpM1 | Op::Ln | Op::Log2 | Op::Log10 | Op::Ln1p => [INCREASING, ALL, ALL],
        Op::Sqrt | Op::Cbrt | Op::Sinh | Op::Asin | Op::Atanh | Op::Acosh => [INCREASING, ALL, ALL],
        Op::Floor | Op::Ceil | Op::Round | Op::Trunc => [INCREASING, ALL, ALL],
        Op::Signum | Op::SignBit | Op::Sign | Op::Step | Op::Positive => [INCREASING, ALL, ALL],
        Op::Acos => [INCREASING.negated(), ALL, ALL],
        _ => [ALL; 3],
    }
}

/// The error of output `i` of an n-ary node from those of its operands.
fn propagate_nary<T: Primitive>(
    kind: &NaryKind<T>,
    i: usize,
    operands: &[u32],
    errors: &[Interval],
    value: impl Fn(u32) -> Interval,
) -> Interval {
    if errors.iter().all(|error| error.is_zero()) {
        return ZERO;
    }
    let hull = |errors: &[Interval]| Interval::hull(errors.iter().copied());
    let weighted = |coefficients: &mut dyn Iterator<Item = T>| {
        let terms = coefficients.zip(errors).map(|(c, error)| Interval::of_constant(c).times(*error));
        terms.fold(ZERO, Interval::add)
    };
    let (last, rest) = errors.split_last().expect("some error is not zero");
    match kind {
        NaryKind::Sum => errors.iter().copied().fold(ZERO, Interval::add),
        NaryKind::Dot(coefficients) => weighted(&mut coefficients.iter().copied()),
        NaryKind::MatVec(matrix) => weighted(&mut matrix.row(i).iter().copied()),
        NaryKind::DotProduct => {
            let n = operands.len() / 2;
            let slope = |j: usize| value(operands[if j < n { j + n } else { j - n }]);
            (0..2 * n).map(|j| slope(j).times(errors[j])).fold(ZERO, Interval::add)
        }
        NaryKind::Max | NaryKind::Min | NaryKind::LogSumExp | NaryKind::SmoothMax(_) => hull(errors),
        NaryKind::SmoothMaxAt if last.is_zero() => hull(rest),
        NaryKind::LogSoftmax => errors[i] + hull(errors).negated(),
        _ => ALL,
    }
}
