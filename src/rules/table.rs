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

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, FRAC_2_SQRT_PI, LN_2, LOG2_E, LOG10_E};

use super::macros::{kink, rules};
use super::number::c;
use super::stable::{self, plain, sharp};
use super::{Arguments, Edge, KinkKind, KinkTable, Number, Primitive, Row, Rule, Valued, Visitor, pad};
use crate::kernel::dispatch::InstructionSet;
use crate::kernel::{log_add_exp, log_add_exp_weights};
use crate::lanes::Lanes;
use crate::{Dual, Jet, Var};

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
        Ln = ln(x) -> y { value: x.ln(), partials: [defined(x.recip(), y)], samples: [[0.1], [1.0], [7.0]], edges: [[0.0] => [INF], [-INF] => [NAN]] }
        /// `ln(1 + x)`, accurate near 0.
        Ln1p = ln_1p(x) -> y { value: x.ln_1p(), partials: [defined((c::<T>(1.0) + x).recip(), y)], samples: [[-0.5], [1e-3], [7.0]], edges: [[-1.0] => [INF], [-INF] => [NAN]] }
        /// Binary logarithm.
        Log2 = log2(x) -> y { value: x.log2(), partials: [defined(x.recip() * c(LOG2_E), y)], samples: [[0.1], [7.0], [1.7e308]], edges: [[0.0] => [INF], [-INF] => [NAN]] }
        /// Decimal logarithm.
        Log10 = log10(x) -> y { value: x.log10(), partials: [defined(x.recip() * c(LOG10_E), y)], samples: [[0.1], [7.0], [1.7e308]], edges: [[0.0] => [INF], [-INF] => [NAN]] }
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
            value: x.atanh(), partials: [defined(((c::<T>(1.0) - x) * (c::<T>(1.0) + x)).recip(), y)],
            samples: [[-0.6], [0.1], [0.9]], edges: [[1.0] => [INF], [-1.0] => [INF], [-1e160] => [NAN]]
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
        Floor = floor(x) -> y { value: x.floor(), partials: [flat(y)], samples: [[-1.5], [2.3]], edges: [[2.0] => [0.0], [INF] => [NAN]], Jump when x == y }
        /// Smallest integer not below.
        Ceil = ceil(x) -> y { value: x.ceil(), partials: [flat(y)], samples: [[-1.5], [2.3]], edges: [[2.0] => [0.0], [INF] => [NAN]], Jump when x == y }
        /// Nearest integer, halves away from zero.
        Round = round(x) -> y { value: x.round(), partials: [flat(y)], samples: [[-1.4], [2.3]], edges: [[2.5] => [0.0], [INF] => [NAN]], Jump when (x - x.trunc()).abs() == 0.5 }
        /// Integer part, towards zero.
        Trunc = trunc(x) -> y { value: x.trunc(), partials: [flat(y)], samples: [[-1.5], [2.3]], edges: [[2.0] => [0.0], [INF] => [NAN]], Jump when x == y && x != 0.0 }
        /// Fractional part `x - trunc(x)`; slope 1 between the jumps.
        Fract = fract(x) -> y { value: x.fract(), partials: [c(1.0)], samples: [[-1.5], [2.3]], edges: [[2.0] => [1.0]], Jump when y == 0.0 && x != 0.0 }
        /// IEEE sign: 1 for +0, -1 for -0; NaN for NaN.
        Signum = signum(x) -> y { value: x.signum(), partials: [flat(y)], samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0], [INF] => [0.0], [NAN] => [NAN]], Jump when x == 0.0 }
        /// 1 or -1 by the sign bit, which zeros and NaN have too.
        SignBit = sign_bit(x) -> y { value: (1.0 as Self).copysign(x), partials: [c(0.0)], samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0]], Jump when x == 0.0 }
        /// Sign of a number, 0 at 0: the slope of `abs`.
        Sign = sign(x) -> y { value: if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x * 0.0 }, partials: [flat(y)], samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0], [INF] => [0.0], [NAN] => [NAN]], Jump when x == 0.0 }
        /// Unit step, 1/2 at 0: the slope of `relu`.
        Step = step(x) -> y {
            value: if x > 0.0 { 1.0 } else if x < 0.0 { 0.0 } else { x + 0.5 }, partials: [flat(y)],
            samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0], [INF] => [0.0], [NAN] => [NAN]], Jump when x == 0.0
        }
        /// 1 where `x > 0`, else 0: the slope of `select`.
        Positive = positive(x) -> y {
            value: if x > 0.0 { 1.0 } else if x <= 0.0 { 0.0 } else { x }, partials: [flat(y)],
            samples: [[-1.5], [2.3]], edges: [[0.0] => [0.0]], Jump when x == 0.0
        }
        /// The share of `a` in `max(a, b)`: 1, 0, or 1/2 in a tie.
        MaxWeight = max_weight(a, b) -> y {
            value: if a > b { 1.0 } else if a < b { 0.0 } else if a == b { 0.5 } else if !b.is_nan() { 0.0 } else if !a.is_nan() { 1.0 } else { a },
            partials: [flat(y), flat(y)], samples: [[1.0, 2.0], [0.3, -0.4]], edges: [[0.5, 0.5] => [0.0, 0.0]], Jump when a == b
        }
        /// `ln(1 + e^x)`, the smooth `max(x, 0)`.
        Softplus = softplus(x) -> y {
            value: plain(stable::softplus, x), partials: [x.sigmoid()],
            samples: [[-30.0], [-1.0], [0.0], [2.0]], edges: [[-INF] => [0.0], [INF] => [1.0], [-745.0] => [5e-324]]
        }
        /// Logistic function `1 / (1 + e^-x)`.
        Sigmoid = sigmoid(x) -> y {
            value: plain(stable::sigmoid, x),
            partials: [x.logistic_density()],
            samples: [[-30.0], [-1.0], [0.1], [2.0]], edges: [[-INF] => [0.0], [0.0] => [0.25], [INF] => [0.0]]
        }
        /// Slope `e^x / (1 + e^x)^2` of the logistic function.
        LogisticDensity = logistic_density(x) -> y {
            value: plain(stable::logistic_density, x),
            partials: [-(y * x.smooth_sign(c(0.5)))],
            samples: [[-30.0], [-1.0], [0.1], [2.0]], edges: [[0.0] => [0.0]]
        }
        /// `ln(1 / (1 + e^-x))`.
        LogSigmoid = log_sigmoid(x) -> y {
            value: -plain(stable::softplus, -x), partials: [(-x).sigmoid()],
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
        // Smooth |x|: each is within a multiple of 1/k of it, and NaN unless k > 0.

        /// Smooth absolute value `(1/k) ln(e^{kx} + e^{-kx})`: convex, above
        /// `|x|` by at most `ln 2 / k`. At `k/2` it is `(2/k) ln(1 + e^{kx}) - x`.
        /// NaN unless `k > 0`; at `k = inf` it is `|x|`.
        SmoothAbs = smooth_abs(x, k) -> y {
            value: sharp(stable::smooth_abs, x, k), partials: [x.smooth_sign(k), x.smooth_abs_sharpness_slope(k)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [1e-3, 50.0], [0.4, 50.0]],
            edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0], [1.0, 0.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// Slope of `smooth_abs` in its sharpness.
        SmoothAbsSharpnessSlope = smooth_abs_sharpness_slope(x, k) -> y {
            value: sharp(stable::smooth_abs_sharpness_slope, x, k),
            partials: [x.chain(x.smooth_sign_slope(k)) / k, -(y + y - x.chain(x.chain(x.smooth_sign_slope(k))) / k) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 0.25 * LN_2]]
        }
        /// Smooth sign `tanh(kx)`, the slope of `smooth_abs`.
        /// It tends to the sign everywhere but at 0, not uniformly. NaN unless `k > 0`.
        SmoothSign = smooth_sign(x, k) -> y {
            value: sharp(stable::smooth_sign, x, k), partials: [x.smooth_sign_slope(k), x.chain(x.smooth_sign_slope(k)) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [2.0, 0.0], [1.0, -1.0] => [NAN, NAN]]
        }
        /// Slope `k / cosh^2(kx)` of `smooth_sign`.
        SmoothSignSlope = smooth_sign_slope(x, k) -> y {
            value: sharp(stable::smooth_sign_slope, x, k),
            partials: [c::<T>(-2.0) * y.chain(k * x.smooth_sign(k)), y / k - c::<T>(2.0) * y.chain(x * x.smooth_sign(k))],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 1.0]]
        }
        /// Smooth absolute value `ln(cosh(kx)) / k`: convex, below `|x|` by at
        /// most `ln 2 / k`. NaN unless `k > 0`.
        LogCosh = log_cosh(x, k) -> y {
            value: sharp(stable::log_cosh, x, k), partials: [x.smooth_sign(k), x.log_cosh_sharpness_slope(k)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [1e-9, 1.0], [0.4, 50.0]],
            edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0], [1.0, 0.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// Slope of `log_cosh` in its sharpness.
        LogCoshSharpnessSlope = log_cosh_sharpness_slope(x, k) -> y {
            value: sharp(stable::log_cosh_sharpness_slope, x, k),
            partials: [x.chain(x.smooth_sign_slope(k)) / k, x.log_cosh_sharpness_curvature(k)],
            samples: [[-2.0, 1.0], [0.3, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 0.0], [2.0, INF] => [0.0, 0.0]]
        }
        /// Second derivative of `log_cosh` in its sharpness. Its own slope in `k`
        /// loses a digit as `kx` vanishes.
        LogCoshSharpnessCurvature = log_cosh_sharpness_curvature(x, k) -> y {
            value: sharp(stable::log_cosh_sharpness_curvature, x, k),
            partials: [
                c::<T>(-2.0) * x.chain(x.chain(x.smooth_sign_slope(k))) * x.smooth_sign(k) / k,
                -(c::<T>(3.0) * y + c::<T>(2.0) * x.chain(x.chain(x.smooth_sign_slope(k))) * x * x.smooth_sign(k) / k) / k
            ],
            samples: [[-2.0, 1.0], [0.9, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 0.0]]
        }
        /// Smooth absolute value `√(x² + 1/k²)`: convex, above `|x|` by at most
        /// `1/k`. NaN unless `k > 0`.
        AbsSqrt = abs_sqrt(x, k) -> y {
            value: sharp(stable::abs_sqrt, x, k), partials: [x.sqrt_sign(k), -(x.sqrt_bump(k) / k / k)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [1e-3, 50.0], [0.4, 50.0]],
            edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0], [1.0, -1.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// Pseudo-Huber function `√(x² + 1/k²) - 1/k`: convex, below `|x|` by
        /// at most `1/k`. NaN unless `k > 0`.
        PseudoHuber = pseudo_huber(x, k) -> y {
            value: sharp(stable::pseudo_huber, x, k), partials: [x.sqrt_sign(k), y * x.sqrt_bump(k) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [1e-3, 50.0], [0.4, 50.0]],
            edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0], [1.0, -1.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// `kx / √(1 + (kx)²)`, the slope of `abs_sqrt` and `pseudo_huber`. NaN unless `k > 0`.
        SqrtSign = sqrt_sign(x, k) -> y {
            value: sharp(stable::sqrt_sign, x, k), partials: [x.sqrt_sign_slope(k), x.chain(x.sqrt_sign_slope(k)) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [2.0, 0.0], [3.0, INF] => [0.0, 0.0]]
        }
        /// Slope `k / √(1 + (kx)²)³` of `sqrt_sign`.
        SqrtSignSlope = sqrt_sign_slope(x, k) -> y {
            value: sharp(stable::sqrt_sign_slope, x, k),
            partials: [
                c::<T>(-3.0) * y.chain(k * x.sqrt_sign(k) * x.sqrt_bump(k)),
                y / k - c::<T>(3.0) * y.chain(x * x.sqrt_sign(k) * x.sqrt_bump(k))
            ],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 1.0]]
        }
        /// `1 / √(1 + (kx)²)`: what `sqrt_sign` lacks of a unit vector.
        SqrtBump = sqrt_bump(x, k) -> y {
            value: sharp(stable::sqrt_bump, x, k),
            partials: [-x.sqrt_sign(k).chain(y.square().chain(k)), -x.sqrt_sign(k).chain(y.square().chain(x))],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 0.0], [3.0, INF] => [0.0, 0.0]]
        }
        /// Huber function, `kx²/2` within `1/k` of 0, else `|x| - 1/2k`: the
        /// Moreau envelope of `|x|`, below it by at most `1/2k`. NaN unless `k > 0`.
        Huber = huber(x, k) -> y {
            value: sharp(stable::huber, x, k), partials: [x.hard_sign(k), x.hard_sign(k).square() * c(0.5) / k / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]],
            edges: [[0.0, INF] => [0.0, 0.0], [0.5, 2.0] => [1.0, 0.125], [1.0, 0.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// `kx` clipped to `[-1, 1]`, the slope of `huber`. NaN unless `k > 0`.
        HardSign = hard_sign(x, k) -> y {
            value: sharp(stable::hard_sign, x, k), partials: [x.hard_sign_slope(k), x.chain(x.hard_sign_slope(k)) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]],
            edges: [[0.0, 2.0] => [2.0, 0.0], [0.5, 2.0] => [1.0, 0.25]], Corner when (k * x).abs() == 1.0
        }
        /// Slope of `hard_sign`: `k` within `1/k` of 0, half of it on the border, else 0.
        HardSignSlope = hard_sign_slope(x, k) -> y {
            value: sharp(stable::hard_sign_slope, x, k), partials: [c(0.0), y / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.5, 2.0] => [0.0, 0.5]], Jump when (k * x).abs() == 1.0
        }
        /// `|x|` averaged over a Gaussian, `x erf(kx) + e^{-(kx)²} / (k√π)`:
        /// convex, above `|x|` by at most `1 / (k√π)`. NaN unless `k > 0`.
        GaussianAbs = gaussian_abs(x, k) -> y {
            value: sharp(stable::gaussian_abs, x, k), partials: [x.gaussian_sign(k), x.gaussian_abs_sharpness_slope(k)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [0.1, 50.0]],
            edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0], [1.0, 0.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// Slope `-e^{-(kx)²} / (k²√π)` of `gaussian_abs` in its sharpness.
        GaussianAbsSharpnessSlope = gaussian_abs_sharpness_slope(x, k) -> y {
            value: sharp(stable::gaussian_abs_sharpness_slope, x, k),
            partials: [x.chain(x.gaussian_sign_slope(k)) / k, -(y + y - x.chain(x.chain(x.gaussian_sign_slope(k))) / k) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.1, 50.0]], edges: [[0.0, INF] => [0.0, 0.0], [3.0, INF] => [0.0, 0.0]]
        }
        /// `erf(kx)`, the slope of `gaussian_abs`. NaN unless `k > 0`.
        GaussianSign = gaussian_sign(x, k) -> y {
            value: sharp(stable::gaussian_sign, x, k), partials: [x.gaussian_sign_slope(k), x.chain(x.gaussian_sign_slope(k)) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.1, 50.0]], edges: [[0.0, INF] => [INF, 0.0]]
        }
        /// `(2k/√π) e^{-(kx)²}`, the slope of `gaussian_sign`.
        GaussianSignSlope = gaussian_sign_slope(x, k) -> y {
            value: sharp(stable::gaussian_sign_slope, x, k),
            partials: [c::<T>(-2.0) * y.chain(k * x).chain(k), y / k - c::<T>(2.0) * y.chain(k * x).chain(x)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.1, 50.0]], edges: [[0.0, 2.0] => [0.0, FRAC_2_SQRT_PI]]
        }
        /// `x tanh(kx)`: below `|x|` by at most `0.2784.. / k`, not convex. NaN unless `k > 0`.
        XTanh = x_tanh(x, k) -> y {
            value: sharp(stable::x_tanh, x, k), partials: [x.x_tanh_slope(k), x.chain(x.chain(x.smooth_sign_slope(k))) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [0.4, 50.0]], edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// `tanh z + z / cosh² z` with `z = kx`, the slope of `x_tanh`.
        XTanhSlope = x_tanh_slope(x, k) -> y {
            value: sharp(stable::x_tanh_slope, x, k), partials: [x.x_tanh_curvature(k), x.chain(x.x_tanh_curvature(k)) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [4.0, 0.0]]
        }
        /// `2k (1 - z tanh z) / cosh² z` with `z = kx`, the slope of `x_tanh_slope`.
        XTanhCurvature = x_tanh_curvature(x, k) -> y {
            value: sharp(stable::x_tanh_curvature, x, k),
            partials: [
                c::<T>(-2.0) * x.smooth_sign_slope(k).chain(k * x_tanh_bend(x, k)),
                y / k - c::<T>(2.0) * x.smooth_sign_slope(k).chain(x * x_tanh_bend(x, k))
            ],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [0.0, 2.0]]
        }
        /// `x erf(kx)`: below `|x|` by at most `0.2403.. / k`, not convex. NaN unless `k > 0`.
        XErf = x_erf(x, k) -> y {
            value: x * sharp(stable::gaussian_sign, x, k), partials: [x.x_erf_slope(k), x.chain(x.chain(x.gaussian_sign_slope(k))) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [0.1, 50.0]], edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// `erf z + (2/√π) z e^{-z²}` with `z = kx`, the slope of `x_erf`.
        XErfSlope = x_erf_slope(x, k) -> y {
            value: sharp(stable::x_erf_slope, x, k),
            partials: [
                c::<T>(2.0) * x.gaussian_sign_slope(k).chain(c::<T>(1.0) - (k * x).square()),
                c::<T>(2.0) * x.chain(x.gaussian_sign_slope(k)).chain(c::<T>(1.0) - (k * x).square()) / k
            ],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.1, 50.0]], edges: [[0.0, 2.0] => [4.0 * FRAC_2_SQRT_PI, 0.0], [3.0, INF] => [0.0, 0.0]]
        }
        /// `(2/π) x atan(kx)`: convex, below `|x|` by at most `2 / (πk)`. NaN unless `k > 0`.
        XAtan = x_atan(x, k) -> y {
            value: sharp(stable::x_atan, x, k), partials: [x.x_atan_slope(k), (x.sqrt_sign(k) / k).square() * c(FRAC_2_PI)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [0.4, 50.0]], edges: [[0.0, INF] => [0.0, 0.0], [-3.0, INF] => [-1.0, 0.0]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// `(2/π) (atan z + z / (1 + z²))` with `z = kx`, the slope of `x_atan`.
        XAtanSlope = x_atan_slope(x, k) -> y {
            value: sharp(stable::x_atan_slope, x, k),
            partials: [x.sqrt_sign_slope(k) * x.sqrt_bump(k) * c(2.0 * FRAC_2_PI), x.chain(x.sqrt_sign_slope(k)) * x.sqrt_bump(k) * c(2.0 * FRAC_2_PI) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]], edges: [[0.0, 2.0] => [4.0 * FRAC_2_PI, 0.0]]
        }

        // Smooth max(x, 0) and max(a, b), likewise.

        /// Smooth positive part `ln(1 + e^{kx}) / k`: convex, above
        /// `max(x, 0)` by at most `ln 2 / k`. NaN unless `k > 0`.
        SmoothRelu = smooth_relu(x, k) -> y {
            value: sharp(stable::smooth_relu, x, k), partials: [x.smooth_step(k), half(x).smooth_abs_sharpness_slope(k)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [-0.4, 50.0]],
            edges: [[0.0, INF] => [0.5, 0.0], [-3.0, INF] => [0.0, 0.0], [1.0, 0.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// Smooth step `1 / (1 + e^{-kx})`, the slope of `smooth_relu`. It
        /// tends to the step everywhere but at 0, not uniformly. NaN unless `k > 0`.
        SmoothStep = smooth_step(x, k) -> y {
            value: sharp(stable::smooth_step, x, k),
            partials: [c::<T>(0.25) * half(x).smooth_sign_slope(k), x.chain(half(x).smooth_sign_slope(k)) * c(0.25) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [-0.4, 50.0]], edges: [[0.0, 2.0] => [0.5, 0.0]]
        }
        /// Smooth positive part `(x + √(x² + 4/k²)) / 2`: convex, above
        /// `max(x, 0)` by at most `1/k`. NaN unless `k > 0`.
        Squareplus = squareplus(x, k) -> y {
            value: sharp(stable::squareplus, x, k), partials: [x.squareplus_slope(k), -(half(x).sqrt_bump(k) / k / k)],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.0, 5.0], [-0.4, 50.0]],
            edges: [[0.0, INF] => [0.5, 0.0], [-3.0, INF] => [0.0, 0.0], [1.0, 0.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// `(1 + x / √(x² + 4/k²)) / 2`, the slope of `squareplus`.
        SquareplusSlope = squareplus_slope(x, k) -> y {
            value: sharp(stable::squareplus_slope, x, k),
            partials: [c::<T>(0.25) * half(x).sqrt_sign_slope(k), x.chain(half(x).sqrt_sign_slope(k)) * c(0.25) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [-0.4, 50.0]], edges: [[0.0, 2.0] => [0.5, 0.0]]
        }
        /// Smooth positive part: 0 below `-1/k`, `x` above `1/k`, the parabola
        /// `(kx + 1)² / 4k` between: convex, above `max(x, 0)` by at most `1/4k`. NaN unless `k > 0`.
        Sparseplus = sparseplus(x, k) -> y {
            value: sharp(stable::sparseplus, x, k), partials: [x.hard_step(k), -(x.hard_step(k) * (-x).hard_step(k)) / k / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [-0.2, 3.0], [0.4, 50.0]],
            edges: [[0.0, INF] => [0.5, 0.0], [0.5, 2.0] => [1.0, 0.0], [-0.5, 2.0] => [0.0, 0.0], [1.0, 0.0] => [NAN, NAN]],
            Corner when x == 0.0 && k == Self::INFINITY
        }
        /// `(1 + kx) / 2` clipped to `[0, 1]`, the slope of `sparseplus`. NaN unless `k > 0`.
        HardStep = hard_step(x, k) -> y {
            value: sharp(stable::hard_step, x, k), partials: [c::<T>(0.5) * x.hard_sign_slope(k), x.chain(x.hard_sign_slope(k)) * c(0.5) / k],
            samples: [[-2.0, 1.0], [0.1, 3.0], [0.4, 50.0]],
            edges: [[0.0, 2.0] => [1.0, 0.0], [-0.5, 2.0] => [0.5, -0.125]], Corner when (k * x).abs() == 1.0
        }
        /// Difference `a - b` that is 0 of equal infinities.
        Gap = gap(a, b) -> y {
            value: if a == b { 0.0 } else { a - b }, partials: [c(1.0), c(-1.0)],
            samples: [[1.0, 2.0], [0.3, 0.3]], edges: [[INF, INF] => [1.0, -1.0]]
        }
        /// Smooth maximum of two `(a + b + √((a - b)² + 4/k²)) / 2`: convex,
        /// above the maximum by at most `1/k`. NaN unless `k > 0`.
        SmoothMax2 = smooth_max2(a, b, k) -> y {
            // The maximum and the squareplus of minus the distance: nothing cancels.
            value: a.max(b) + sharp(stable::squareplus, -a.gap(b).abs(), k),
            partials: [a.gap(b).squareplus_slope(k), b.gap(a).squareplus_slope(k), -(half(a.gap(b)).sqrt_bump(k) / k / k)],
            samples: [[1.0, 2.0, 3.0], [0.3, -0.4, 5.0], [1.0, 1.0, 2.0]],
            edges: [[1.0, 1.0, INF] => [0.5, 0.5, 0.0], [INF, INF, 2.0] => [0.5, 0.5, -0.25], [2.0, 1.0, INF] => [1.0, 0.0, 0.0], [1.0, 2.0, 0.0] => [NAN, NAN, NAN]],
            Corner when a == b && k == Self::INFINITY
        }
        /// Smooth maximum of two `ln(e^{ka} + e^{kb}) / k`: convex, above the
        /// maximum by at most `ln 2 / k`. NaN unless `k > 0`.
        SmoothMaxPair = smooth_max_pair(a, b, k) -> y {
            // The maximum and the smooth positive part of minus the distance: nothing cancels.
            value: a.max(b) + sharp(stable::smooth_relu, -a.gap(b).abs(), k),
            partials: [a.gap(b).smooth_step(k), b.gap(a).smooth_step(k), half(a.gap(b)).smooth_abs_sharpness_slope(k)],
            samples: [[1.0, 2.0, 3.0], [0.3, -0.4, 5.0], [1.0, 1.0, 2.0]],
            edges: [[1.0, 1.0, INF] => [0.5, 0.5, 0.0], [2.0, 1.0, INF] => [1.0, 0.0, 0.0], [1.0, 2.0, 0.0] => [NAN, NAN, NAN]],
            Corner when a == b && k == Self::INFINITY
        }
        /// Smooth minimum of two `-ln(e^{-ka} + e^{-kb}) / k`: concave, below
        /// the minimum by at most `ln 2 / k`. NaN unless `k > 0`.
        SmoothMinPair = smooth_min_pair(a, b, k) -> y {
            value: a.min(b) - sharp(stable::smooth_relu, -a.gap(b).abs(), k),
            partials: [b.gap(a).smooth_step(k), a.gap(b).smooth_step(k), -half(a.gap(b)).smooth_abs_sharpness_slope(k)],
            samples: [[1.0, 2.0, 3.0], [0.3, -0.4, 5.0], [1.0, 1.0, 2.0]],
            edges: [[1.0, 1.0, INF] => [0.5, 0.5, 0.0], [2.0, 1.0, INF] => [0.0, 1.0, 0.0], [1.0, 2.0, 0.0] => [NAN, NAN, NAN]],
            Corner when a == b && k == Self::INFINITY
        }
    }
}

/// The slope of a step whose value is `y`: 0, but NaN where that is not finite.
#[inline(always)]
fn flat<T: Number>(y: T) -> T {
    y * c(0.0)
}

/// The slope of a value `y`: NaN where that is.
#[inline(always)]
fn defined<T: Elementary>(slope: T, y: T) -> T {
    slope * y.signum().square()
}

/// `x / 2`: a function of `kx/2` is one of `x/2` and `k`, which cannot underflow to a bad sharpness.
#[inline(always)]
fn half<T: Number>(x: T) -> T {
    x * c(0.5)
}

/// `(3 - 2 z tanh z) tanh z + z / cosh² z` with `z = kx`, in the third derivative of `x_tanh`.
#[inline(always)]
fn x_tanh_bend<T: Elementary>(x: T, k: T) -> T {
    let (sign, slope) = (x.smooth_sign(k), x.smooth_sign_slope(k));
    (c::<T>(3.0) - c::<T>(2.0) * k * x * sign) * sign + x * slope
}
