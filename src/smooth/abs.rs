//! Smooth absolute values, signs and positive parts: functions of one number.
//!
//! Most are rows of the [rule table](crate::rules::table); the others are
//! products and sums of rows.

use crate::Scalar;
use crate::rules::table;
use crate::sharpness::Requirement;

/// Declares `name(x, k)` with a number `k`, and `name_at(x, k)` with a variable one.
macro_rules! of_sharpness {
    ($(
        $(#[$doc:meta])+
        $name:ident, $name_at:ident = |$x:ident, $k:ident| $body:expr;
    )+) => {$(
        $(#[$doc])+
        ///
        /// # Panics
        ///
        /// Unless `k > 0`.
        #[cfg_attr(debug_assertions, track_caller)]
        pub fn $name<S: Scalar>(x: S, k: f64) -> S {
            Requirement::POSITIVE.check::<S>(stringify!($name), k);
            $name_at(x, S::constant(k))
        }

        #[doc = concat!("[`", stringify!($name), "`] with a sharpness that may be a variable; NaN unless `k > 0`.")]
        #[inline]
        #[cfg_attr(debug_assertions, track_caller)]
        pub fn $name_at<S: Scalar>($x: S, $k: S) -> S {
            $body
        }
    )+};
}

of_sharpness! {
    /// `(2/k) ln(1 + e^{kx}) - x = (1/k) ln(2 + e^{kx} + e^{-kx})`, equation
    /// (6): convex, above `|x|` by at most `2 ln 2 / k`, with slope `tanh(kx/2)`.
    ///
    /// It is [`smooth_abs`](crate::smooth_abs), equation (7), at sharpness `k/2`.
    ///
    /// ```
    /// use smoothmax::smooth::abs_softplus;
    ///
    /// assert_eq!(abs_softplus(0.0, 10.0), 2.0 * 2f64.ln() / 10.0);
    /// assert_eq!(abs_softplus(-0.3, 10.0), smoothmax::smooth_abs(-0.3, 5.0));
    /// ```
    abs_softplus, abs_softplus_at = |x, k| x.smooth_abs(k * S::constant(0.5));

    /// `ln(cosh(kx)) / k`: convex, below `|x|` by at most `ln 2 / k`, with
    /// slope `tanh(kx)`. It is 0 at 0, accurately near it.
    ///
    /// ```
    /// let smooth = smoothmax::smooth::log_cosh(1e-9_f64, 2.0);
    /// assert!((smooth - 1e-18).abs() < 1e-33); // k x^2 / 2
    /// ```
    log_cosh, log_cosh_at = |x, k| S::rule::<table::LogCosh, _>([x, k]);

    /// `√(x² + 1/k²)`: convex, above `|x|` by at most `1/k`.
    ///
    /// ```
    /// assert_eq!(smoothmax::smooth::abs_sqrt(3.0, 0.25), 5.0);
    /// ```
    abs_sqrt, abs_sqrt_at = |x, k| S::rule::<table::AbsSqrt, _>([x, k]);

    /// Pseudo-Huber function `√(x² + 1/k²) - 1/k`: convex, below `|x|` by at
    /// most `1/k`. It is 0 at 0, accurately near it.
    ///
    /// ```
    /// assert_eq!(smoothmax::smooth::pseudo_huber(3.0, 0.25), 1.0);
    /// ```
    pseudo_huber, pseudo_huber_at = |x, k| S::rule::<table::PseudoHuber, _>([x, k]);

    /// Huber function: `kx²/2` within `1/k` of 0, else `|x| - 1/2k`. Convex,
    /// below `|x|` by at most `1/2k`; the second derivative jumps at `±1/k`.
    ///
    /// It is the Moreau envelope of `|x|`: the least value of `|y| + k(x - y)²/2`.
    ///
    /// ```
    /// use smoothmax::smooth::huber;
    ///
    /// assert_eq!([huber(0.25, 2.0), huber(3.0, 2.0)], [0.0625, 2.75]);
    /// ```
    ///
    /// Source: P. Huber, *Robust estimation of a location parameter* (1964).
    huber, huber_at = |x, k| S::rule::<table::Huber, _>([x, k]);

    /// `|x|` averaged over a Gaussian of standard deviation `1/(k√2)`:
    /// `x erf(kx) + e^{-(kx)²} / (k√π)`. Convex, above `|x|` by at most
    /// `1 / (k√π)`, with slope `erf(kx)`.
    ///
    /// ```
    /// use smoothmax::smooth::gaussian_abs;
    ///
    /// assert_eq!(gaussian_abs(0.0, 1.0), 1.0 / std::f64::consts::PI.sqrt());
    /// assert_eq!(gaussian_abs(-3.0, 10.0), 3.0);
    /// ```
    gaussian_abs, gaussian_abs_at = |x, k| S::rule::<table::GaussianAbs, _>([x, k]);

    /// `x tanh(kx)`: below `|x|` by at most `W(1/e) / k = 0.2784.. / k`; not
    /// convex. 0 at 0.
    ///
    /// ```
    /// assert_eq!(smoothmax::smooth::x_tanh(-20.0, 9.0), 20.0);
    /// ```
    x_tanh, x_tanh_at = |x, k| S::rule::<table::XTanh, _>([x, k]);

    /// `x erf(kx)`, from the smooth maximum unit (SMU): below `|x|` by at most
    /// `0.2403.. / k`; not convex. 0 at 0.
    ///
    /// ```
    /// assert_eq!(smoothmax::smooth::x_erf(-20.0, 9.0), 20.0);
    /// ```
    ///
    /// Source: K. Biswas et al., *SMU: smooth activation function for deep
    /// networks using smoothing maximum technique* (2021).
    x_erf, x_erf_at = |x, k| S::rule::<table::XErf, _>([x, k]);

    /// `(2/π) x atan(kx)`: convex, below `|x|` by at most `2 / (πk)`. 0 at 0.
    ///
    /// ```
    /// assert_eq!(smoothmax::smooth::x_atan(-2.0, 0.5), 1.0);
    /// ```
    x_atan, x_atan_at = |x, k| S::rule::<table::XAtan, _>([x, k]);

    /// `tanh(kx)`, the smooth sign: the slope of [`smooth_abs`](crate::smooth_abs),
    /// and `2 smooth_step(x, 2k) - 1`. It tends to the sign except at 0; there is
    /// no uniform bound.
    ///
    /// ```
    /// use smoothmax::smooth::{smooth_sign, smooth_step};
    ///
    /// assert_eq!(smooth_sign(-3.0, 50.0), -1.0);
    /// assert!((smooth_sign(0.3_f64, 2.0) - (2.0 * smooth_step(0.3, 4.0) - 1.0)).abs() < 1e-15);
    /// ```
    smooth_sign, smooth_sign_at = |x, k| x.smooth_sign(k);

    /// `1 / (1 + e^{-kx})`, the smooth step: the slope of [`smooth_relu`]. It
    /// tends to the step except at 0; there is no uniform bound.
    ///
    /// ```
    /// assert_eq!(smoothmax::smooth::smooth_step(-3.0, 500.0), 0.0);
    /// ```
    smooth_step, smooth_step_at = |x, k| S::rule::<table::SmoothStep, _>([x, k]);

    /// `k / (4 cosh²(kx/2))`, the slope of [`smooth_step`]: a bump of integral 1
    /// that tends to Dirac's delta.
    ///
    /// Averaging a function with it smooths the function: `max(x, 0)` becomes
    /// [`smooth_relu`].
    ///
    /// ```
    /// assert_eq!(smoothmax::smooth::smooth_dirac(0.0, 8.0), 2.0);
    /// ```
    smooth_dirac, smooth_dirac_at =
        |x, k| S::constant(0.5) * S::rule::<table::SmoothSignSlope, _>([x, k * S::constant(0.5)]);

    /// `ln(1 + e^{kx}) / k`, the softplus of sharpness `k`: convex, above
    /// `max(x, 0)` by at most `ln 2 / k`.
    ///
    /// ```
    /// use smoothmax::smooth::smooth_relu;
    ///
    /// assert_eq!(smooth_relu(0.0, 10.0), 2f64.ln() / 10.0);
    /// assert_eq!(smooth_relu(-20.0, 2.0), (-40f64).exp() / 2.0);
    /// ```
    smooth_relu, smooth_relu_at = |x, k| S::rule::<table::SmoothRelu, _>([x, k]);

    /// `(x + √(x² + 4/k²)) / 2`: convex, above `max(x, 0)` by at most `1/k`.
    ///
    /// ```
    /// assert_eq!(smoothmax::smooth::squareplus(-3.0, 0.5), 1.0);
    /// ```
    ///
    /// Source: J. Barron, *Squareplus: a softplus-like algebraic rectifier* (2021).
    squareplus, squareplus_at = |x, k| S::rule::<table::Squareplus, _>([x, k]);

    /// 0 below `-1/k`, `x` above `1/k`, the parabola `(kx + 1)² / 4k` between.
    /// Convex, above `max(x, 0)` by at most `1/4k`; the second derivative jumps
    /// at `±1/k`.
    ///
    /// ```
    /// use smoothmax::smooth::sparseplus;
    ///
    /// assert_eq!([-1.0, 0.0, 1.0].map(|x| sparseplus(x, 2.0)), [0.0, 0.125, 1.0]);
    /// ```
    sparseplus, sparseplus_at = |x, k| S::rule::<table::Sparseplus, _>([x, k]);
}

/// `(a + b + √((a - b)² + 4/k²)) / 2`, the smooth maximum of two of Chen,
/// Harker, Kanzow and Smale: convex, above the maximum by at most `1/k`.
///
/// In the form with `√((a - b)² + ε)`, `ε = 4/k²`.
///
/// ```
/// assert_eq!(smoothmax::smooth::smooth_max2(4.0, 1.0, 0.5), 5.0);
/// ```
///
/// # Panics
///
/// Unless `k > 0`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_max2<S: Scalar>(a: S, b: S, k: f64) -> S {
    Requirement::POSITIVE.check::<S>("smooth_max2", k);
    smooth_max2_at(a, b, S::constant(k))
}

/// [`smooth_max2`] with a sharpness that may be a variable; NaN unless `k > 0`.
#[cfg_attr(debug_assertions, track_caller)]
pub fn smooth_max2_at<S: Scalar>(a: S, b: S, k: S) -> S {
    S::rule::<table::SmoothMax2, _>([a, b, k])
}
