//! **The table.** Adding a primitive is adding a row here.
//!
//! A row reads `Code = name(arguments) -> output { value, partials, samples,
//! edges, kink }`. Values are written for `f32` and `f64`, partials for any
//! [`Elementary`] number, with `c(2.0)` for literals. `samples` are interior
//! points, `edges` are kinks and domain edges with the partials defined there.
//! Partials avoid intermediate overflow and cancellation: `x / hypot(x, y)`
//! where `x * x` could overflow, a row of its own where a difference would
//! lose digits.
//!
//! Stable forms: N. Higham, *Accuracy and Stability of Numerical Algorithms*;
//! M. Mächler, *Accurately computing log(1 - exp(-|a|))*.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E, LOG10_E};

use super::macros::{kink, rules};
use super::number::c;
use super::{Arguments, Edge, KinkKind, KinkTable, Number, Primitive, Row, Rule, Valued, Visitor, pad};
use crate::kernel::dispatch::InstructionSet;
use crate::kernel::{exp_product, log_add_exp, log_add_exp_weights};
use crate::lanes::Lanes;
use crate::{Dual, Var};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

rules! {
    operators {
        /// Negation.
        Neg = neg(x) -> y { value: -x, partials: [c(-1.0)], samples: [[-2.0], [0.7]], edges: [[0.0] => [-1.0]] }
        /// Sum.
        Add = add(a, b) -> y { value: a + b, partials: [c(1.0), c(1.0)], samples: [[1.0, 2.0], [-0.3, 0.3]], edges: [] }
        /// Difference.
        Sub = sub(a, b) -> y { value: a - b, partials: [c(1.0), c(-1.0)], samples: [[1.0, 2.0], [0.3, 0.3]], edges: [] }
        /// Product.
        Mul = mul(a, b) -> y { value: a * b, partials: [b, a], samples: [[1.5, -2.0], [0.0, 3.0]], edges: [] }
        /// Quotient.
        Div = div(a, b) -> y {
            value: a / b, partials: [c::<T>(1.0) / b, -(y / b)],
            samples: [[1.0, 3.0], [-2.0, 0.5]], edges: [[1.0, 0.0] => [INF, -INF]]
        }
        /// Remainder of the truncated quotient, with the sign of the dividend.
        Rem = rem(a, b) -> y {
            value: a % b, partials: [c(1.0), -((a - y) / b).round()],
            samples: [[7.3, 2.0], [-7.3, 2.0], [7.3, -2.0]], edges: [[6.0, 2.0] => [1.0, -3.0]],
            Jump when y == 0.0 && a != 0.0
        }
        /// Integer power; the exponent is a constant, stored as a number.
        Powi = powi(x, n) -> y {
            value: Number::powi(x, n), partials: [n.chain(Number::powi(x, n - c(1.0))), c(0.0)],
            samples: [[1.3, 3.0], [-1.3, 5.0], [0.7, -2.0], [0.0, 4.0]],
            edges: [[0.0, 1.0] => [1.0, 0.0], [0.0, 0.0] => [0.0, 0.0], [0.0, -1.0] => [-INF, 0.0]]
        }
    }
    functions {
        /// Square.
        Square = square(x) -> y { value: x * x, partials: [x + x], samples: [[-1.5], [0.0], [2.0]], edges: [] }
        /// Fused multiply-add: `x * a + b`, rounded once.
        MulAdd = mul_add(x, a, b) -> y {
            value: x.mul_add(a, b), partials: [a, x, c(1.0)],
            samples: [[1.5, -2.0, 0.25], [0.1, 10.0, -1.0]], edges: []
        }
        /// Reciprocal.
        Recip = recip(x) -> y { value: x.recip(), partials: [-(y * y)], samples: [[0.25], [-3.0]], edges: [[0.0] => [-INF]] }
        /// Square root; its slope at 0 is infinite.
        Sqrt = sqrt(x) -> y { value: x.sqrt(), partials: [(y + y).recip()], samples: [[0.1], [4.0]], edges: [[0.0] => [INF], [-1.0] => [NAN]] }
        /// Cube root; its slope at 0 is infinite.
        Cbrt = cbrt(x) -> y { value: x.cbrt(), partials: [(c::<T>(3.0) * y * y).recip()], samples: [[0.2], [-8.0]], edges: [[0.0] => [INF]] }
        /// Exponential.
        Exp = exp(x) -> y { value: x.exp(), partials: [y], samples: [[-3.0], [0.0], [1.5]], edges: [[-INF] => [0.0]] }
        /// Power of two.
        Exp2 = exp2(x) -> y { value: x.exp2(), partials: [y * c(LN_2)], samples: [[-3.0], [0.5]], edges: [] }
        /// `e^x - 1`, accurate near 0.
        ExpM1 = exp_m1(x) -> y { value: x.exp_m1(), partials: [x.exp()], samples: [[-30.0], [1e-3], [1.0]], edges: [[0.0] => [1.0]] }
        /// Natural logarithm.
        Ln = ln(x) -> y { value: x.ln(), partials: [x.recip()], samples: [[0.1], [1.0], [7.0]], edges: [[0.0] => [INF]] }
        /// `ln(1 + x)`, accurate near 0.
        Ln1p = ln_1p(x) -> y { value: x.ln_1p(), partials: [(c::<T>(1.0) + x).recip()], samples: [[-0.5], [1e-3], [7.0]], edges: [[-1.0] => [INF]] }
        /// Binary logarithm.
        Log2 = log2(x) -> y { value: x.log2(), partials: [x.recip() * c(LOG2_E)], samples: [[0.1], [7.0], [1.7e308]], edges: [[0.0] => [INF]] }
        /// Decimal logarithm.
        Log10 = log10(x) -> y { value: x.log10(), partials: [x.recip() * c(LOG10_E)], samples: [[0.1], [7.0], [1.7e308]], edges: [[0.0] => [INF]] }
        /// `x^p`; a negative `x` needs an integer `p` and has no slope in `p`.
        Powf = powf(x, p) -> y {
            value: x.powf(p), partials: [p.chain(x.powf(p - c(1.0))), y.chain(x.ln())],
            samples: [[1.3, 2.5], [0.2, -1.5], [3.0, 0.4]],
            edges: [[0.0, 2.0] => [0.0, 0.0], [0.0, 0.5] => [INF, 0.0], [0.0, 0.0] => [0.0, -INF], [-2.0, 3.0] => [12.0, NAN]]
        }
        /// Sine.
        Sin = sin(x) -> y { value: x.sin(), partials: [x.cos()], samples: [[-2.0], [0.0], [0.7]], edges: [] }
        /// Cosine.
        Cos = cos(x) -> y { value: x.cos(), partials: [-x.sin()], samples: [[-2.0], [0.1], [0.7]], edges: [] }
        /// Tangent.
        Tan = tan(x) -> y { value: x.tan(), partials: [c::<T>(1.0) + y * y], samples: [[-1.2], [0.0], [0.7]], edges: [] }
        /// Inverse sine.
        Asin = asin(x) -> y {
            value: x.asin(), partials: [((c::<T>(1.0) - x) * (c::<T>(1.0) + x)).sqrt().recip()],
            samples: [[-0.6], [0.0], [0.9]], edges: [[1.0] => [INF], [-1.0] => [INF], [1.5] => [NAN]]
        }
        /// Inverse cosine.
        Acos = acos(x) -> y {
            value: x.acos(), partials: [-((c::<T>(1.0) - x) * (c::<T>(1.0) + x)).sqrt().recip()],
            samples: [[-0.6], [0.0], [0.9]], edges: [[1.0] => [-INF], [-1.0] => [-INF]]
        }
        /// Inverse tangent.
        Atan = atan(x) -> y { value: x.atan(), partials: [c::<T>(1.0).hypot(x).recip().square()], samples: [[-2.0], [0.0], [0.7]], edges: [] }
        /// Four-quadrant inverse tangent of `a / b`.
        Atan2 = atan2(a, b) -> y {
            value: a.atan2(b), partials: [b.direction(a) / a.hypot(b), -(a.direction(b) / a.hypot(b))],
            samples: [[1.0, 2.0], [-1.0, -0.5], [3e200, -4e200]], edges: [[0.0, 0.0] => [NAN, NAN], [0.0, -2.0] => [-0.5, 0.0]],
            Jump when a == 0.0 && b <= 0.0
        }
        /// Hyperbolic sine.
        Sinh = sinh(x) -> y { value: x.sinh(), partials: [x.cosh()], samples: [[-2.0], [0.0], [0.7]], edges: [] }
        /// Hyperbolic cosine.
        Cosh = cosh(x) -> y { value: x.cosh(), partials: [x.sinh()], samples: [[-2.0], [0.1], [0.7]], edges: [] }
        /// Hyperbolic tangent.
        Tanh = tanh(x) -> y { value: x.tanh(), partials: [c::<T>(4.0) * (x + x).logistic_density()], samples: [[-2.0], [0.1], [20.0]], edges: [[0.0] => [1.0]] }
        /// Inverse hyperbolic sine.
        Asinh = asinh(x) -> y {
            // Beyond 1/eps it is ln(2x) to the last bit; std overflows near the largest number.
            value: if x.abs() * Self::EPSILON > 1.0 { (x.abs().ln() + LN_2 as Self).copysign(x) } else { x.asinh() },
            partials: [x.hypot(c(1.0)).recip()],
            samples: [[-2.0], [0.7], [1e20], [-1.7e308]], edges: [[0.0] => [1.0]]
        }
        /// Inverse hyperbolic cosine.
        Acosh = acosh(x) -> y {
            value: if x * Self::EPSILON > 1.0 { x.ln() + LN_2 as Self } else { x.acosh() },
            partials: [((x - c(1.0)).sqrt() * (x + c(1.0)).sqrt()).recip()],
            samples: [[1.5], [7.0], [1e20], [1.7e308]], edges: [[1.0] => [INF]]
        }
        /// Inverse hyperbolic tangent.
        Atanh = atanh(x) -> y {
            value: x.atanh(), partials: [((c::<T>(1.0) - x) * (c::<T>(1.0) + x)).recip()],
            samples: [[-0.6], [0.1], [0.9]], edges: [[1.0] => [INF], [-1.0] => [INF]]
        }
        /// Euclidean length `sqrt(a^2 + b^2)` without intermediate overflow; a
        /// corner at the origin, with slope 0 there. `x.hypot(1.0 / k)` is the
        /// smooth `|x|` with error in `[0, 1/k]`.
        Hypot = hypot(a, b) -> y {
            value: a.hypot(b), partials: [a.direction(b), b.direction(a)],
            samples: [[3.0, 4.0], [-0.1, 2.0], [1e-3, 0.5], [1e200, 1e200]],
            edges: [[0.0, 0.0] => [0.0, 0.0], [1.5e308, 1.5e308] => [FRAC_1_SQRT_2, FRAC_1_SQRT_2]],
            Corner when y == 0.0
        }
        /// The cosine `a / hypot(a, b)` of a vector's angle, 0 at the origin.
        Direction = direction(a, b) -> y {
            value: {
                let h = a.hypot(b);
                if a.is_finite() && b.is_finite() {
                    if h == 0.0 { 0.0 }
                    else if h.is_infinite() { (0.5 * a) / (0.5 * a).hypot(0.5 * b) }
                    else { a / h }
                }
                else if a.is_nan() || b.is_nan() { a + b }
                else if a.is_finite() { 0.0 }
                else if b.is_finite() { a.signum() }
                else { a.signum() * FRAC_1_SQRT_2 as Self }
            },
            partials: [b.direction(a).square() / a.hypot(b), -(y * b.direction(a)) / a.hypot(b)],
            samples: [[3.0, 4.0], [-0.1, 2.0]], edges: [[0.0, 0.0] => [NAN, NAN]]
        }
        /// Absolute value; slope 0 at 0.
        Abs = abs(x) -> y { value: x.abs(), partials: [x.sign()], samples: [[-2.0], [0.7]], edges: [[0.0] => [0.0]], Corner when x == 0.0 }
        /// The larger of two; a tie splits the slope equally. Like
        /// [`f64::max`] it ignores a NaN beside a number.
        Max = max(a, b) -> y {
            value: a.max(b), partials: [a.max_weight(b), b.max_weight(a)],
            samples: [[1.0, 2.0], [0.3, -0.4]], edges: [[0.5, 0.5] => [0.5, 0.5], [NAN, 1.0] => [0.0, 1.0]], Corner when a == b
        }
        /// The smaller of two; a tie splits the slope equally. Like
        /// [`f64::min`] it ignores a NaN beside a number.
        Min = min(a, b) -> y {
            value: a.min(b), partials: [(-a).max_weight(-b), (-b).max_weight(-a)],
            samples: [[1.0, 2.0], [0.3, -0.4]], edges: [[0.5, 0.5] => [0.5, 0.5], [1.0, NAN] => [1.0, 0.0]], Corner when a == b
        }
        /// Positive part `max(x, 0)`; slope 1/2 at 0.
        Relu = relu(x) -> y { value: if x < 0.0 { 0.0 } else { x }, partials: [x.step()], samples: [[-2.0], [0.7]], edges: [[0.0] => [0.5], [NAN] => [NAN]], Corner when x == 0.0 }
        /// Chooses without a branch: `a` where `x > 0`, `b` where `x <= 0`.
        /// What is not chosen has slope 0, even where it is infinite or NaN.
        Select = select(x, a, b) -> y {
            value: if x > 0.0 { a } else if x <= 0.0 { b } else { x },
            partials: [c(0.0), x.positive(), c::<T>(1.0) - x.positive()],
            samples: [[1.0, 2.0, 3.0], [-1.0, 2.0, 3.0]], edges: [[0.0, 2.0, 3.0] => [0.0, 0.0, 1.0]], Jump when x == 0.0
        }
        /// Largest integer not above.
        Floor = floor(x) -> y { value: x.floor(), partials: [c(0.0)], samples: [[-1.5], [2.3]], edges: [[2.0] => [0.0]], Jump when x == y }
        /// Smallest integer not below.
        Ceil = ceil(x) -> y { value: x.ceil(), partials: [c(0.0)], samples: [[-1.5], [2.3]], edges: [[2.0] => [0.0]], Jump when x == y }
        /// Nearest integer, halves away from zero.
        Round = round(x) -> y { value: x.round(), partials: [c(0.0)], samples: [[-1.4], [2.3]], edges: [[2.5] => [0.0]], Jump when (x - x.trunc()).abs() == 0.5 }
        /// Integer part, towards zero.
        Trunc = trunc(x) -> y { value: x.trunc(), partials: [c(0.0)], samples: [[-1.5], [2.3]], edges: [[2.0] => [0.0]], Jump when x == y && x != 0.0 }
        /// Fractional part `x - trunc(x)`; slope 1 between the jumps.
        Fract = fract(x) -> y { value: x.fract(), partials: [c(1.0)], samples: [[-1.5], [2.3]], edges: [[2.0] => [1.0]], Jump when y == 0.0 && x != 0.0 }
        /// IEEE sign: 1 for +0, -1 for -0; NaN for NaN.
        Signum = signum(x) -> y { value: x.signum(), partials: [c(0.0)], samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0]], Jump when x == 0.0 }
        /// Sign of a number, 0 at 0: the slope of `abs`.
        Sign = sign(x) -> y { value: if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x * 0.0 }, partials: [c(0.0)], samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0]], Jump when x == 0.0 }
        /// Unit step, 1/2 at 0: the slope of `relu`.
        Step = step(x) -> y {
            value: if x > 0.0 { 1.0 } else if x < 0.0 { 0.0 } else { x + 0.5 }, partials: [c(0.0)],
            samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0]], Jump when x == 0.0
        }
        /// 1 where `x > 0`, else 0: the slope of `select`.
        Positive = positive(x) -> y {
            value: if x > 0.0 { 1.0 } else if x <= 0.0 { 0.0 } else { x }, partials: [c(0.0)],
            samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0]], Jump when x == 0.0
        }
        /// The share of `a` in `max(a, b)`: 1, 0, or 1/2 in a tie.
        MaxWeight = max_weight(a, b) -> y {
            value: if a > b { 1.0 } else if a < b { 0.0 } else if a == b { 0.5 } else if !b.is_nan() { 0.0 } else if !a.is_nan() { 1.0 } else { a },
            partials: [c(0.0), c(0.0)], samples: [[1.0, 2.0], [0.3, -0.4]], edges: [[0.5, 0.5] => [0.0, 0.0]], Jump when a == b
        }
        /// `ln(1 + e^x)`, the smooth `max(x, 0)`.
        Softplus = softplus(x) -> y {
            value: if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }, partials: [x.sigmoid()],
            samples: [[-30.0], [-1.0], [0.0], [2.0]], edges: [[-INF] => [0.0], [INF] => [1.0], [-745.0] => [5e-324]]
        }
        /// Logistic function `1 / (1 + e^-x)`.
        Sigmoid = sigmoid(x) -> y {
            value: { let t = (-x.abs()).exp(); if x < 0.0 { t / (1.0 + t) } else { 1.0 / (1.0 + t) } },
            partials: [x.logistic_density()],
            samples: [[-30.0], [-1.0], [0.1], [2.0]], edges: [[-INF] => [0.0], [0.0] => [0.25], [INF] => [0.0]]
        }
        /// Slope `e^x / (1 + e^x)^2` of the logistic function.
        LogisticDensity = logistic_density(x) -> y {
            value: { let t = (-x.abs()).exp(); t / ((1.0 + t) * (1.0 + t)) },
            partials: [-(y * (x * c(0.5)).tanh())],
            samples: [[-30.0], [-1.0], [0.1], [2.0]], edges: [[0.0] => [0.0]]
        }
        /// `ln(1 / (1 + e^-x))`.
        LogSigmoid = log_sigmoid(x) -> y {
            value: if x < 0.0 { x - x.exp().ln_1p() } else { -(-x).exp().ln_1p() }, partials: [(-x).sigmoid()],
            samples: [[-30.0], [-1.0], [0.1], [2.0]], edges: [[-INF] => [1.0], [INF] => [0.0]]
        }
        /// `ln(e^a + e^b)`.
        LogAddExp = log_add_exp(a, b) -> y {
            value: log_add_exp(a, b), partials: [a.pair_weight(b), b.pair_weight(a)],
            samples: [[1.0, 2.0], [-3.0, 30.0], [1e3, 1e3]],
            edges: [[INF, INF] => [0.5, 0.5], [-INF, -INF] => [0.0, 0.0], [INF, 1.0] => [1.0, 0.0], [1.0, -INF] => [1.0, 0.0]]
        }
        /// Softmax of two: `e^a / (e^a + e^b)`, the slope of `log_add_exp`.
        PairWeight = pair_weight(a, b) -> y {
            value: log_add_exp_weights(a, b).1[0],
            partials: [y.chain(b.pair_weight(a)), -(y.chain(b.pair_weight(a)))],
            samples: [[1.0, 2.0], [-3.0, 30.0], [0.5, 0.5]], edges: [[INF, 1.0] => [0.0, 0.0]]
        }
        /// Smooth absolute value `(1/k) ln(e^{kx} + e^{-kx})`: convex, above
        /// `|x|` by at most `ln 2 / k`. At `k/2` it is `(2/k) ln(1 + e^{kx}) - x`.
        /// NaN unless `k > 0`; at `k = inf` it is `|x|`.
        SmoothAbs = smooth_abs(x, k) -> y {
            value: if k > 0.0 {
                if k == Self::INFINITY { x.abs() } else { x.abs() + exp_product(-2.0 * x.abs(), k).ln_1p() / k }
            } else { Self::NAN },
            partials: [x.smooth_sign(k), x.smooth_abs_sharpness_slope(k)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [1e-3, 50.0], [0.4, 50.0]],
            edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0], [1.0, 0.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// Slope of `smooth_abs` in its sharpness.
        SmoothAbsSharpnessSlope = smooth_abs_sharpness_slope(x, k) -> y {
            value: if !(k > 0.0) { Self::NAN } else if k == Self::INFINITY { 0.0 } else {
                let t = exp_product(-2.0 * x.abs(), k);
                let pull = if t > 0.0 { 2.0 * x.abs() * t / (1.0 + t) } else { 0.0 };
                -(t.ln_1p() / k + pull) / k
            },
            partials: [x.chain(x.smooth_sign_slope(k)) / k, -(y + y - x.square().chain(x.smooth_sign_slope(k)) / k) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 0.25 * LN_2]]
        }
        /// Smooth sign `tanh(kx)`, the slope of `smooth_abs`.
        /// It tends to the sign everywhere but at 0, not uniformly. NaN unless `k > 0`.
        SmoothSign = smooth_sign(x, k) -> y {
            value: if !(k > 0.0) { Self::NAN } else if x == 0.0 { x } else { (k * x).tanh() },
            partials: [x.smooth_sign_slope(k), x.chain(x.smooth_sign_slope(k)) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [2.0, 0.0]]
        }
        /// Slope `k / cosh^2(kx)` of `smooth_sign`.
        SmoothSignSlope = smooth_sign_slope(x, k) -> y {
            value: if !(k > 0.0) { Self::NAN } else if k == Self::INFINITY { if x == 0.0 { k } else { 0.0 } } else {
                let t = exp_product(-2.0 * x.abs(), k);
                4.0 * k * (t / ((1.0 + t) * (1.0 + t)))
            },
            partials: [c::<T>(-2.0) * k * x.smooth_sign(k) * y, y / k - c::<T>(2.0) * x * x.smooth_sign(k) * y],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 1.0]]
        }
    }
}
