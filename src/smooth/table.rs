//! The public table of smoothings: what each tends to, how near it is, and
//! which properties it has.
//!
//! Tests, docs and pictures walk it; a bound is stated here and nowhere else.

use std::f64::consts::{E, FRAC_2_PI, LN_2, PI};
use std::fmt;

use super::{
    Target, abs_softplus, abs_sqrt, boltzmann_max, double_exp_m1_max, double_exp_max, gaussian_abs, huber,
    log_cosh, mellowmax, odd_root_max, p_norm, pseudo_huber, simplex_max, smooth_clamp, smooth_hinge,
    smooth_max2, smooth_norm_inf, smooth_pinball, smooth_relu, smooth_sign, smooth_step, sparseplus,
    squareplus, sum_largest, x_atan, x_erf, x_tanh,
};
use crate::sharpness::Requirement;
use crate::{Scalar, smooth_abs, smooth_max, smooth_min};

/// How far `smooth - exact` can be from 0, for `n` operands.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Bound {
    /// An interval, times `1/k`. At a negative sharpness, which turns some maxima
    /// into minima and back, it is mirrored.
    PerSharpness(fn(n: usize) -> (f64, f64)),
    /// `smooth / exact` lies between 1 and `n^{1/k}`: the error is relative.
    RootOfCount,
    /// No bound uniform in `x`: the target jumps.
    Pointwise,
}

/// On which side of its target a smoothing lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `smooth >= exact`.
    Above,
    /// `smooth <= exact`.
    Below,
    /// Either.
    Both,
}

/// Where the entries of a row hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Domain {
    /// For all operands.
    Everywhere,
    /// Where all operands are positive.
    Positive,
    /// Where the maximum is not negative.
    NonnegativeMax,
}

impl Domain {
    /// Whether `x` is in it.
    pub fn contains(self, x: &[f64]) -> bool {
        match self {
            Domain::Everywhere => true,
            Domain::Positive => x.iter().all(|&x| x > 0.0),
            Domain::NonnegativeMax => x.iter().any(|&x| x >= 0.0),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Domain::Everywhere => "everywhere",
            Domain::Positive => "all x_i > 0",
            Domain::NonnegativeMax => "max x_i >= 0",
        })
    }
}

/// A row of [`SMOOTHINGS`].
///
/// The properties are those of the function of `x` at a fixed sharpness.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Smoothing {
    /// The name of the function.
    pub name: &'static str,
    /// The formula, with `k` the sharpness. A further parameter has the value given.
    pub formula: &'static str,
    /// What it tends to.
    pub target: Target,
    /// How near it is.
    pub bound: Bound,
    /// Whether it is convex.
    pub convex: bool,
    /// Whether it does not decrease in any operand.
    pub monotone: bool,
    /// Whether `f(x + c) = f(x) + c` for every number `c`.
    pub shift_equivariant: bool,
    /// Whether `f(c x) = c f(x)` for every `c > 0`.
    pub homogeneous: bool,
    /// Where all this holds.
    pub domain: Domain,
    /// The number of operands, if it is fixed.
    pub operands: Option<usize>,
    sharpness: Requirement,
    function: Function,
}

impl Smoothing {
    /// The interval that holds `smooth - exact`, for `n` operands at sharpness
    /// `k`; in units of the exact value where the error
    /// [is relative](Self::is_relative). `None` if there is no uniform bound.
    ///
    /// ```
    /// use smoothmax::smooth::smoothing;
    ///
    /// let row = smoothing("smooth_max").unwrap();
    /// assert_eq!(row.error_interval(5, 2.0), Some((0.0, 5f64.ln() / 2.0)));
    /// // A smooth minimum:
    /// assert_eq!(row.error_interval(5, -2.0), Some((-5f64.ln() / 2.0, 0.0)));
    /// ```
    ///
    /// # Panics
    ///
    /// As the function does: if `n` is fewer than it needs, or `k` no sharpness
    /// of it.
    pub fn error_interval(&self, n: usize, k: f64) -> Option<(f64, f64)> {
        self.require_operands(n);
        self.sharpness.check::<f64>(self.name, k);
        match self.bound {
            Bound::PerSharpness(interval) => {
                let (low, high) = interval(n);
                let (low, high) = if k < 0.0 { (0.0 - high, 0.0 - low) } else { (low, high) };
                Some((low / k.abs(), high / k.abs()))
            }
            Bound::RootOfCount => Some((0.0, (ln(n) / k).exp_m1())),
            Bound::Pointwise => None,
        }
    }

    #[cfg_attr(debug_assertions, track_caller)]
    fn require_operands(&self, n: usize) {
        let least = match self.target {
            Target::SumLargest(m) => m,
            _ => self.operands.unwrap_or(1),
        };
        assert!(n >= least, "{}: the number of operands `n` is {n}; it must be at least {least}", self.name);
    }

    /// Whether the error interval is relative to the exact value.
    pub fn is_relative(&self) -> bool {
        matches!(self.bound, Bound::RootOfCount)
    }

    /// The side of the target it lies on, for `n` operands at a positive sharpness;
    /// of a target that jumps, none.
    ///
    /// # Panics
    ///
    /// If `n` is fewer than the function needs.
    pub fn direction(&self, n: usize) -> Option<Direction> {
        self.error_interval(n, 1.0).map(|interval| match interval {
            (0.0, _) => Direction::Above,
            (_, 0.0) => Direction::Below,
            _ => Direction::Both,
        })
    }

    /// The least positive sharpness at which `|smooth - exact| <= error` is certain,
    /// for `n` operands: the inverse of [`error_interval`](Self::error_interval).
    /// 0 if there is no error at any sharpness, `None` if there is no uniform bound.
    ///
    /// # Panics
    ///
    /// Unless `error > 0`, or if `n` is fewer than the function needs.
    pub fn sharpness_for(&self, error: f64, n: usize) -> Option<f64> {
        assert!(error > 0.0, "sharpness_for: `error` is {error}; it must be positive");
        match self.bound {
            Bound::RootOfCount => {
                self.require_operands(n);
                let k = ln(n) / error.ln_1p();
                Some(if k > 0.0 { k.max(1.0) } else { k })
            }
            _ => self.error_interval(n, 1.0).map(|(low, high)| high.max(-low) / error),
        }
    }
}

/// The row of a function, by name.
///
/// ```
/// use smoothmax::smooth::{Domain, smoothing};
///
/// assert_eq!(smoothing("double_exp_max").unwrap().domain, Domain::NonnegativeMax);
/// assert!(smoothing("no such function").is_none());
/// ```
pub fn smoothing(name: &str) -> Option<&'static Smoothing> {
    SMOOTHINGS.iter().find(|row| row.name == name)
}

/// `W(a)`, the solution of `w e^w = a` for `a >= 0`: Lambert's function, by
/// Newton's method from above, where it converges monotonically.
fn lambert_w(a: f64) -> f64 {
    let mut w = a.ln_1p();
    loop {
        let next = w - (w - a * (-w).exp()) / (1.0 + w);
        if next >= w {
            return w;
        }
        w = next;
    }
}

fn ln(n: usize) -> f64 {
    (n as f64).ln()
}

/// `ln C(n, m)`.
fn ln_choose(n: usize, m: usize) -> f64 {
    (0..m).map(|i| ((n - i) as f64 / (i + 1) as f64).ln()).sum()
}

/// The least odd number that is not below `p`.
fn odd_from(p: f64) -> u32 {
    let p = p.ceil() as u32;
    p + u32::from(p.is_multiple_of(2))
}

/// `sup t erfc t`, reached at `t = 0.531596885149393`.
const T_ERFC_T: f64 = 0.240_375_586_831_011;

/// Turns rows into [`SMOOTHINGS`] and [`Smoothing::apply`]. The properties named
/// are those that hold.
macro_rules! smoothings {
    ($(
        $Code:ident = $name:literal($formula:literal) {
            target: $target:expr, bound: $bound:expr,
            $(operands: $operands:expr,)? $(domain: $domain:expr,)? $(sharpness: $sharpness:expr,)?
            properties: [$($property:ident),*],
            apply: |$x:ident, $k:ident| $body:expr $(,)?
        }
    )+) => {
        #[derive(Clone, Copy, Debug)]
        enum Function { $($Code),+ }

        /// Every smoothing of the crate.
        pub const SMOOTHINGS: &[Smoothing] = &[$(
            Smoothing {
                $(operands: Some($operands),)?
                $(domain: $domain,)?
                $(sharpness: $sharpness,)?
                $($property: true,)*
                ..row($name, $formula, $target, $bound, Function::$Code)
            }
        ),+];

        impl Smoothing {
            /// The function at `x` with sharpness `k`. Functions of one number look
            /// at `x[0]`.
            ///
            /// # Panics
            ///
            /// If `x` is shorter than the function needs, or `k` no sharpness of it.
            #[cfg_attr(debug_assertions, track_caller)]
            pub fn apply<S: Scalar>(&self, x: &[S], k: f64) -> S {
                self.sharpness.check::<S>(self.name, k);
                match self.function {
                    $(Function::$Code => { let ($x, $k) = (x, k); $body })+
                }
            }
        }
    };
}

/// A row without properties.
const fn row(
    name: &'static str,
    formula: &'static str,
    target: Target,
    bound: Bound,
    function: Function,
) -> Smoothing {
    Smoothing {
        name,
        formula,
        target,
        bound,
        convex: false,
        monotone: false,
        shift_equivariant: false,
        homogeneous: false,
        domain: Domain::Everywhere,
        operands: target.operands(),
        sharpness: Requirement::POSITIVE,
        function,
    }
}

use Bound::{PerSharpness, Pointwise, RootOfCount};

smoothings! {
    SmoothMax = "smooth_max"("ln(sum e^(k x_i)) / k") {
        target: Target::Max, bound: PerSharpness(|n| (0.0, ln(n))),
        sharpness: Requirement::NONZERO,
        properties: [convex, monotone, shift_equivariant], apply: |x, k| smooth_max(x, k)
    }
    Mellowmax = "mellowmax"("ln(mean e^(k x_i)) / k") {
        target: Target::Max, bound: PerSharpness(|n| (-ln(n), 0.0)),
        sharpness: Requirement::NONZERO,
        properties: [convex, monotone, shift_equivariant], apply: |x, k| mellowmax(x, k)
    }
    BoltzmannMax = "boltzmann_max"("sum p_i x_i, p = softmax(k x)") {
        target: Target::Max, bound: PerSharpness(|n| (-lambert_w((n - 1) as f64 / E), 0.0)),
        sharpness: Requirement::NONZERO,
        properties: [shift_equivariant], apply: |x, k| boltzmann_max(x, k)
    }
    SimplexMax = "simplex_max"("max over p in the simplex of p.x - (|p|^2 - 1/n) / 2k") {
        target: Target::Max, bound: PerSharpness(|n| (-0.5 * (1.0 - 1.0 / n as f64), 0.0)),
        properties: [convex, monotone, shift_equivariant], apply: |x, k| simplex_max(x, k)
    }
    SmoothMax2 = "smooth_max2"("(a + b + sqrt((a - b)^2 + 4/k^2)) / 2") {
        target: Target::Max, bound: PerSharpness(|_| (0.0, 1.0)), operands: 2,
        properties: [convex, monotone, shift_equivariant], apply: |x, k| smooth_max2(x[0], x[1], k)
    }
    DoubleExpMax = "double_exp_max"("ln(ln(sum e^(e^(k x_i)))) / k") {
        target: Target::Max, bound: PerSharpness(|n| (0.0, ln(n).ln_1p())), domain: Domain::NonnegativeMax,
        sharpness: Requirement::POSITIVE_FINITE,
        properties: [convex, monotone], apply: |x, k| double_exp_max(x, k)
    }
    DoubleExpM1Max = "double_exp_m1_max"("ln(ln(1 + sum (e^(e^(k x_i)) - 1))) / k") {
        target: Target::Max, bound: PerSharpness(|n| (0.0, ln(n))),
        properties: [monotone], apply: |x, k| double_exp_m1_max(x, k)
    }
    OddRootMax = "odd_root_max"("(x^p + y^p)^(1/p), p the least odd number >= k") {
        target: Target::Max, bound: RootOfCount, operands: 2, domain: Domain::Positive,
        sharpness: Requirement::AT_LEAST_ONE,
        properties: [convex, monotone, homogeneous], apply: |x, k| odd_root_max(x[0], x[1], odd_from(k))
    }
    SmoothMin = "smooth_min"("-ln(sum e^(-k x_i)) / k") {
        target: Target::Min, bound: PerSharpness(|n| (-ln(n), 0.0)),
        sharpness: Requirement::NONZERO,
        properties: [monotone, shift_equivariant], apply: |x, k| smooth_min(x, k)
    }
    PNorm = "p_norm"("(sum |x_i|^k)^(1/k)") {
        target: Target::NormInf, bound: RootOfCount,
        sharpness: Requirement::AT_LEAST_ONE,
        properties: [convex, homogeneous], apply: |x, k| p_norm(x, k)
    }
    SmoothNormInf = "smooth_norm_inf"("ln(sum (e^(2k x_i) + e^(-2k x_i))) / 2k") {
        target: Target::NormInf, bound: PerSharpness(|n| (0.0, 0.5 * ln(2 * n))),
        properties: [convex], apply: |x, k| smooth_norm_inf(x, k)
    }
    SumLargest = "sum_largest"("ln(e_m(e^(k x))) / k, m = 2") {
        target: Target::SumLargest(2), bound: PerSharpness(|n| (0.0, ln_choose(n, 2))),
        properties: [convex, monotone], apply: |x, k| sum_largest(x, 2, k)
    }
    SmoothAbs = "smooth_abs"("ln(e^(kx) + e^(-kx)) / k") {
        target: Target::Abs, bound: PerSharpness(|_| (0.0, LN_2)),
        properties: [convex], apply: |x, k| smooth_abs(x[0], k)
    }
    AbsSoftplus = "abs_softplus"("2 ln(1 + e^(kx)) / k - x") {
        target: Target::Abs, bound: PerSharpness(|_| (0.0, 2.0 * LN_2)),
        properties: [convex], apply: |x, k| abs_softplus(x[0], k)
    }
    LogCosh = "log_cosh"("ln(cosh(kx)) / k") {
        target: Target::Abs, bound: PerSharpness(|_| (-LN_2, 0.0)),
        properties: [convex], apply: |x, k| log_cosh(x[0], k)
    }
    AbsSqrt = "abs_sqrt"("sqrt(x^2 + 1/k^2)") {
        target: Target::Abs, bound: PerSharpness(|_| (0.0, 1.0)),
        properties: [convex], apply: |x, k| abs_sqrt(x[0], k)
    }
    PseudoHuber = "pseudo_huber"("sqrt(x^2 + 1/k^2) - 1/k") {
        target: Target::Abs, bound: PerSharpness(|_| (-1.0, 0.0)),
        properties: [convex], apply: |x, k| pseudo_huber(x[0], k)
    }
    Huber = "huber"("k x^2 / 2 for |x| <= 1/k, |x| - 1/2k beyond") {
        target: Target::Abs, bound: PerSharpness(|_| (-0.5, 0.0)),
        properties: [convex], apply: |x, k| huber(x[0], k)
    }
    GaussianAbs = "gaussian_abs"("x erf(kx) + e^(-(kx)^2) / (k sqrt(pi))") {
        target: Target::Abs, bound: PerSharpness(|_| (0.0, 1.0 / PI.sqrt())),
        properties: [convex], apply: |x, k| gaussian_abs(x[0], k)
    }
    XTanh = "x_tanh"("x tanh(kx)") {
        target: Target::Abs, bound: PerSharpness(|_| (-lambert_w(1.0 / E), 0.0)),
        properties: [], apply: |x, k| x_tanh(x[0], k)
    }
    XErf = "x_erf"("x erf(kx)") {
        target: Target::Abs, bound: PerSharpness(|_| (-T_ERFC_T, 0.0)),
        properties: [], apply: |x, k| x_erf(x[0], k)
    }
    XAtan = "x_atan"("(2/pi) x atan(kx)") {
        target: Target::Abs, bound: PerSharpness(|_| (-FRAC_2_PI, 0.0)),
        properties: [convex], apply: |x, k| x_atan(x[0], k)
    }
    SmoothRelu = "smooth_relu"("ln(1 + e^(kx)) / k") {
        target: Target::Relu, bound: PerSharpness(|_| (0.0, LN_2)),
        properties: [convex, monotone], apply: |x, k| smooth_relu(x[0], k)
    }
    Squareplus = "squareplus"("(x + sqrt(x^2 + 4/k^2)) / 2") {
        target: Target::Relu, bound: PerSharpness(|_| (0.0, 1.0)),
        properties: [convex, monotone], apply: |x, k| squareplus(x[0], k)
    }
    Sparseplus = "sparseplus"("0 for x <= -1/k, x for x >= 1/k, (kx + 1)^2 / 4k between") {
        target: Target::Relu, bound: PerSharpness(|_| (0.0, 0.25)),
        properties: [convex, monotone], apply: |x, k| sparseplus(x[0], k)
    }
    SmoothClamp = "smooth_clamp"("smooth_min(smooth_max(x, low), high), low = -1, high = 1") {
        target: Target::Clamp(-1.0, 1.0), bound: PerSharpness(|_| (-LN_2, LN_2)),
        properties: [monotone], apply: |x, k| smooth_clamp(x[0], -1.0, 1.0, k)
    }
    SmoothHinge = "smooth_hinge"("ln(1 + e^(k (1 - x))) / k") {
        target: Target::Hinge, bound: PerSharpness(|_| (0.0, LN_2)),
        properties: [convex], apply: |x, k| smooth_hinge(x[0], k)
    }
    SmoothPinball = "smooth_pinball"("tau x + ln(1 + e^(-kx)) / k, tau = 3/4") {
        target: Target::Pinball(0.75), bound: PerSharpness(|_| (0.0, LN_2)),
        properties: [convex], apply: |x, k| smooth_pinball(x[0], 0.75, k)
    }
    SmoothStep = "smooth_step"("1 / (1 + e^(-kx))") {
        target: Target::Step, bound: Pointwise,
        properties: [monotone], apply: |x, k| smooth_step(x[0], k)
    }
    SmoothSign = "smooth_sign"("tanh(kx)") {
        target: Target::Sign, bound: Pointwise,
        properties: [monotone], apply: |x, k| smooth_sign(x[0], k)
    }
}
