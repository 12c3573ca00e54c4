//! What code that is to be differentiated is generic over.

use std::fmt::{Debug, Display};
use std::iter::{Product, Sum};

use num_traits::{Float, FloatConst, NumAssignOps};

use crate::nary::{self, NaryKind, SliceNumber};
use crate::rules::{Number, Primitive, Row, pad, table};
use crate::{Dual, Var, kernel};

/// Numbers a function can be written for once and run on plainly
/// (`f32`, `f64`), in forward mode ([`Dual`], [`Jet`](crate::Jet)) and on a tape ([`Var`]).
///
/// It is a [`num_traits::Float`] - bring that trait into scope for `sin`,
/// `exp` and the others - with `+=`, sums and products of iterators, `{}`, the
/// constants of [`FloatConst`], literals, the smooth functions and the n-ary
/// primitives. In generic code, literals are written [`Scalar::constant`].
///
/// ```
/// use smoothmax::{gradient, Scalar};
///
/// fn rosenbrock<S: Scalar>(x: &[S]) -> S {
///     let c = S::constant;
///     c(100.0) * (x[1] - x[0] * x[0]).powi(2) + (c(1.0) - x[0]).powi(2)
/// }
///
/// assert_eq!(rosenbrock(&[1.0, 2.0]), 100.0);
/// let (_, g) = gradient(&[1.0, 2.0], |x| rosenbrock(x));
/// assert_eq!(g.as_slice(), [-400.0, 200.0]);
/// ```
///
/// Pass a generic function in place, as `|x| rosenbrock(x)`: a closure bound
/// to a variable first, or the bare name, fixes one lifetime and does not
/// compile.
pub trait Scalar:
    Float
    + FloatConst
    + NumAssignOps
    + Sum
    + Product
    + for<'a> Sum<&'a Self>
    + for<'a> Product<&'a Self>
    + Debug
    + Display
{
    /// The floating-point type underneath.
    type Base: Primitive;

    /// A literal.
    fn constant(value: f64) -> Self;

    /// Applies a rule.
    #[doc(hidden)]
    fn rule<R: Row, const N: usize>(arguments: [Self; N]) -> Self;

    /// Applies an n-ary primitive with one output.
    #[doc(hidden)]
    fn nary(kind: NaryKind<Self::Base>, x: &[Self]) -> Self;

    /// Applies an n-ary primitive.
    #[doc(hidden)]
    fn nary_outputs(kind: NaryKind<Self::Base>, x: &[Self]) -> Vec<Self>;

    /// `x^2`.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn square(self) -> Self {
        Self::rule::<table::Square, _>([self])
    }

    /// `max(x, 0)`; slope 1/2 at 0.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn relu(self) -> Self {
        Self::rule::<table::Relu, _>([self])
    }

    /// `positive` where `self > 0`, `otherwise` where `self <= 0`: a choice
    /// that a recording can follow.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn select(self, positive: Self, otherwise: Self) -> Self {
        Self::rule::<table::Select, _>([self, positive, otherwise])
    }

    /// `ln(1 + e^x)`.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn softplus(self) -> Self {
        Self::rule::<table::Softplus, _>([self])
    }

    /// `1 / (1 + e^-x)`.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn sigmoid(self) -> Self {
        Self::rule::<table::Sigmoid, _>([self])
    }

    /// `ln(1 / (1 + e^-x))`.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn log_sigmoid(self) -> Self {
        Self::rule::<table::LogSigmoid, _>([self])
    }

    /// `ln(e^x + e^y)`.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn log_add_exp(self, y: Self) -> Self {
        Self::rule::<table::LogAddExp, _>([self, y])
    }

    /// `(1/k) ln(e^{kx} + e^{-kx})`; NaN unless `k > 0`.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn smooth_abs(self, k: Self) -> Self {
        Self::rule::<table::SmoothAbs, _>([self, k])
    }

    /// `tanh(kx)`; NaN unless `k > 0`.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn smooth_sign(self, k: Self) -> Self {
        Self::rule::<table::SmoothSign, _>([self, k])
    }

    /// [`crate::log_sum_exp`].
    #[doc(hidden)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn log_sum_exp_of(x: &[Self]) -> Self {
        Self::nary(NaryKind::LogSumExp, x)
    }

    /// [`crate::smooth_max`].
    #[doc(hidden)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn smooth_max_of(x: &[Self], k: Self::Base) -> Self {
        Self::nary(NaryKind::SmoothMax(k), x)
    }
}

macro_rules! impl_scalar {
    ($($float:ty),+) => {$(
        impl Scalar for $float {
            type Base = Self;

            #[inline(always)]
            fn constant(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn rule<R: Row, const N: usize>(arguments: [Self; N]) -> Self {
                R::value(&pad(arguments))
            }

            fn nary(kind: NaryKind<Self>, x: &[Self]) -> Self {
                nary::evaluate(&kind, x)[0]
            }

            fn nary_outputs(kind: NaryKind<Self>, x: &[Self]) -> Vec<Self> {
                nary::evaluate(&kind, x)
            }

            fn log_sum_exp_of(x: &[Self]) -> Self {
                kernel::log_sum_exp(x)
            }

            fn smooth_max_of(x: &[Self], k: Self) -> Self {
                kernel::smooth_max(x, k)
            }
        }
    )+};
}
impl_scalar!(f32, f64);

impl<T: SliceNumber + Float + Display> Scalar for Dual<T> {
    type Base = T::Base;

    #[inline(always)]
    fn constant(value: f64) -> Self {
        <Self as Number>::constant(value)
    }

    #[inline(always)]
    fn rule<R: Row, const N: usize>(arguments: [Self; N]) -> Self {
        Dual::apply::<R, N>(arguments)
    }

    fn nary(kind: NaryKind<Self::Base>, x: &[Self]) -> Self {
        nary::evaluate(&kind, x)[0]
    }

    fn nary_outputs(kind: NaryKind<Self::Base>, x: &[Self]) -> Vec<Self> {
        nary::evaluate(&kind, x)
    }
}

impl<T: Primitive> Scalar for Var<'_, T> {
    type Base = T;

    #[inline(always)]
    fn constant(value: f64) -> Self {
        Var::lift(T::constant(value))
    }

    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn rule<R: Row, const N: usize>(arguments: [Self; N]) -> Self {
        Var::apply::<R, N>(arguments)
    }

    #[cfg_attr(debug_assertions, track_caller)]
    fn nary(kind: NaryKind<T>, x: &[Self]) -> Self {
        Var::nary(kind, x)
    }

    #[cfg_attr(debug_assertions, track_caller)]
    fn nary_outputs(kind: NaryKind<T>, x: &[Self]) -> Vec<Self> {
        Var::nary_outputs(kind, x)
    }
}
