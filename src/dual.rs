//! Forward mode: a value and its derivative along one direction.
//!
//! `Dual { value: x, tangent: ẋ }` stands for `x + ε ẋ` with `ε² = 0`; every
//! function maps it to `f(x) + ε f'(x) ẋ`, by the same [rules](crate::rules)
//! that drive the tape. A reverse sweep over `Dual` numbers gives
//! Hessian-vector products (forward over reverse).
//!
//! ```
//! use smoothmax::Dual;
//!
//! let x = Dual::variable(2.0);
//! let y = x * x.ln() + 1.0;
//! assert_eq!(y.value, 2.0 * 2f64.ln() + 1.0);
//! assert_eq!(y.tangent, 2f64.ln() + 1.0);
//! ```
//!
//! `Dual<f32>` and `Dual<f64>` are nalgebra [`RealField`](nalgebra::RealField)s,
//! so an LU solve of a matrix of them differentiates.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

use num_traits::Float;

use crate::num::{impl_arithmetic, impl_float, impl_left_operators, impl_on_references, impl_operators};
use crate::rules::{self, Elementary, Number, Row, Valued, table};

mod real_field;

/// A number with a derivative along one direction, `value + ε tangent` with
/// `ε² = 0`.
///
/// Functions act by the [rules](crate::rules); comparisons and conversions look
/// at the value. `Dual<f32>` and `Dual<f64>` are nalgebra
/// [`RealField`](nalgebra::RealField)s, so linear algebra differentiates:
///
/// ```
/// use nalgebra::{Matrix2, Vector2};
/// use smoothmax::Dual;
///
/// // x = A(t)^-1 b at t = 2.
/// let (t, c) = (Dual::variable(2.0), Dual::lift);
/// let a = Matrix2::new(t, c(1.0), c(0.0), t * t);
/// let x = a.lu().solve(&Vector2::new(c(3.0), c(4.0))).unwrap();
/// assert_eq!((x[1].value, x[1].tangent), (1.0, -1.0)); // 4 / t^2
/// assert_eq!((x[0].value, x[0].tangent), (1.0, 0.0)); // 3 / t - 4 / t^3
/// ```
///
/// So does the exponential of a matrix. A conversion to a plain number, such as
/// `nalgebra::try_convert`, gives the value and drops the tangent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dual<T = f64> {
    /// The value.
    pub value: T,
    /// The derivative along the chosen direction.
    pub tangent: T,
}

impl<T: Number> Dual<T> {
    /// A value with a given tangent.
    #[inline(always)]
    pub fn new(value: T, tangent: T) -> Self {
        Dual { value, tangent }
    }

    /// A variable: tangent 1.
    #[inline(always)]
    pub fn variable(value: T) -> Self {
        Dual::new(value, T::constant(1.0))
    }

    /// A constant: tangent 0.
    #[inline(always)]
    pub fn lift(value: T) -> Self {
        Dual::new(value, T::constant(0.0))
    }

    /// The value, without its derivative.
    #[inline(always)]
    pub(crate) fn read(self) -> T {
        self.value
    }
}

impl<T: Elementary> Dual<T> {
    /// Applies a rule.
    #[inline(always)]
    pub(crate) fn apply<R: Row, const N: usize>(arguments: [Self; N]) -> Self {
        let x = rules::arguments(N, |i| arguments[i].value);
        let x_dot = rules::arguments(N, |i| arguments[i].tangent);
        let value = R::value(&x);
        Dual::new(value, R::tangent(&x, value, &x_dot))
    }
}

impl<T: Elementary> Number for Dual<T> {
    type Base = T::Base;

    #[inline(always)]
    fn constant(value: f64) -> Self {
        Dual::lift(T::constant(value))
    }

    #[inline(always)]
    fn from_base(value: Self::Base) -> Self {
        Dual::lift(T::from_base(value))
    }

    #[inline(always)]
    fn chain(self, inner: Self) -> Self {
        Dual::new(
            self.value.chain(inner.value),
            self.tangent.chain(inner.value) + self.value.chain(inner.tangent),
        )
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        self.value.is_zero() && self.tangent.is_zero()
    }

    #[inline(always)]
    fn has_nan(self) -> bool {
        self.value.has_nan()
    }

    #[inline(always)]
    fn powi(self, n: Self) -> Self {
        Dual::apply::<table::Powi, _>([self, n])
    }
}

impl<T: Valued> Valued for Dual<T> {
    #[inline(always)]
    fn base(self) -> Self::Base {
        self.value.base()
    }
}

impl_arithmetic!([T: Elementary] Dual<T>, T);
impl_float!([T: Valued + Float] Dual<T>, T);
impl_left_operators!([] f32 => Dual<f32>, f64 => Dual<f64>);

impl<T: Valued + Float> std::iter::Sum for Dual<T> {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(T::zero().into(), |sum, term| sum + term)
    }
}

/// Compares the values; derivatives do not take part.
impl<T: PartialEq> PartialEq for Dual<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: PartialEq> PartialEq<T> for Dual<T> {
    fn eq(&self, other: &T) -> bool {
        self.value == *other
    }
}

/// Compares the values; derivatives do not take part.
impl<T: PartialOrd> PartialOrd for Dual<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: PartialOrd> PartialOrd<T> for Dual<T> {
    fn partial_cmp(&self, other: &T) -> Option<Ordering> {
        self.value.partial_cmp(other)
    }
}

impl<T: Display> Display for Dual<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.value, f)?;
        f.write_str(" + ")?;
        Display::fmt(&self.tangent, f)?;
        f.write_str("ε")
    }
}
