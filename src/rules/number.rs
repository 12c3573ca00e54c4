//! The numbers a rule can be evaluated on.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use super::{Arguments, tangent_of_varying};
use crate::nary::SliceNumber;

/// Ring operations, constants and the chain-rule product: what a rule needs
/// besides the elementary functions.
///
/// Implemented by `f32`, `f64`, [`Dual`](crate::Dual) and the lanes of a batch.
pub trait Number:
    Copy
    + Debug
    + Send
    + Sync
    + 'static
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Rem<Output = Self>
    + Neg<Output = Self>
{
    /// The floating-point type underneath.
    type Base: Primitive;

    /// A constant in the underlying precision, with zero derivative.
    fn constant(value: f64) -> Self;

    /// Lifts an underlying number to a constant.
    fn from_base(value: Self::Base) -> Self;

    /// The product of the chain rule, `outer.chain(inner)`: an outer derivative
    /// that is exactly zero absorbs whatever it meets.
    ///
    /// What does not influence the result has derivative zero, even where its
    /// own slope is infinite: `select(x, sqrt(x), 0)` at 0. The inner factor
    /// does not absorb: `ln(exp(-800))` must not report a slope of 0 for a
    /// value of -inf, so its `inf * 0` stays NaN.
    ///
    /// Reverse sweeps use the adjoint as the outer factor. Forward sweeps use
    /// the partial, and know of an argument only that its tangent is zero: such
    /// arguments count for nothing beside one that varies, and where none varies
    /// the tangent is 0 if the value is finite, NaN if not. So the two agree
    /// wherever no infinite slope meets a zero. Where one does, forward mode
    /// gives 0 at a finite value, and reverse mode for what is not on the way:
    /// of `x + √y` at `y = 0`, the derivative in `x` is 1 in both; of
    /// `√exp(-800)`, it is 0 in forward mode and NaN in reverse mode.
    fn chain(self, inner: Self) -> Self;

    /// Whether the value and every derivative carried along are exactly zero.
    fn is_zero(self) -> bool;

    /// Whether the value is NaN; of lanes, that of any.
    fn has_nan(self) -> bool;

    /// `self^n`, where `n` holds an integer.
    fn powi(self, n: Self) -> Self;

    /// The tangent `sum = Σ p_i ẋ_i` of `y`; where that is NaN, the sum over what varies.
    #[inline(always)]
    fn settle_tangent(
        sum: Self,
        y: Self,
        arity: usize,
        partials: &Arguments<Self>,
        x_dot: &Arguments<Self>,
    ) -> Self {
        if sum.has_nan() { tangent_of_varying(y, arity, partials, x_dot) } else { sum }
    }
}

/// Numbers that stand for one underlying value: all but the lanes of a batch.
pub trait Valued: super::Elementary {
    /// The underlying value, without derivatives.
    fn base(self) -> Self::Base;
}

/// The two floating-point types a tape can be made of: `f32` and `f64`.
pub trait Primitive:
    SliceNumber + Number<Base = Self> + num_traits::Float + nalgebra::RealField + super::KinkTable
{
}

macro_rules! impl_number {
    ($($float:ty),+) => {$(
        impl Number for $float {
            type Base = Self;

            #[inline(always)]
            fn constant(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn from_base(value: Self) -> Self {
                value
            }

            #[inline(always)]
            fn chain(self, inner: Self) -> Self {
                if self == 0.0 { 0.0 } else { self * inner }
            }

            #[inline(always)]
            fn is_zero(self) -> bool {
                self == 0.0
            }

            #[inline(always)]
            fn has_nan(self) -> bool {
                self.is_nan()
            }

            #[inline(always)]
            fn powi(self, n: Self) -> Self {
                <$float>::powi(self, n as i32)
            }
        }

        impl super::Valued for $float {
            #[inline(always)]
            fn base(self) -> Self {
                self
            }
        }

        impl Primitive for $float {}
    )+};
}
impl_number!(f32, f64);

/// A literal in a rule: `c(2.0)`.
#[inline(always)]
pub(crate) fn c<T: Number>(value: f64) -> T {
    T::constant(value)
}
