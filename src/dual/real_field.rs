//! `Dual` as a nalgebra real number, so that linear algebra differentiates.

use approx::{AbsDiffEq, RelativeEq, UlpsEq};
use nalgebra::{ComplexField, Field, RealField};
use num_traits::{Float, FromPrimitive, Signed};
use simba::scalar::SubsetOf;

use super::Dual;
use crate::kernel::impl_one_lane;
use crate::rules::{Number, Primitive};

impl_one_lane!([T: Primitive] Dual<T>);

impl<T: Primitive> Field for Dual<T> {}

/// A plain number is the dual with tangent zero. A conversion back gives the
/// value, as [`to_f64`](num_traits::ToPrimitive::to_f64) does: nalgebra decides
/// by it, such as how often a matrix exponential squares.
macro_rules! impl_subset {
    ($($float:ident),+) => {$(
        impl<T: Primitive> SubsetOf<Dual<T>> for $float {
            fn to_superset(&self) -> Dual<T> {
                Dual::constant(f64::from(*self))
            }

            fn from_superset_unchecked(dual: &Dual<T>) -> Self {
                dual.value.to_f64().unwrap_or(f64::NAN) as $float
            }

            fn is_in_subset(_: &Dual<T>) -> bool {
                true
            }
        }
    )+};
}
impl_subset!(f32, f64);

impl<T: Primitive> SubsetOf<Self> for Dual<T> {
    fn to_superset(&self) -> Self {
        *self
    }

    fn from_superset_unchecked(dual: &Self) -> Self {
        *dual
    }

    fn is_in_subset(_: &Self) -> bool {
        true
    }
}

impl<T: Primitive> FromPrimitive for Dual<T> {
    fn from_i64(n: i64) -> Option<Self> {
        <T as FromPrimitive>::from_i64(n).map(Dual::lift)
    }

    fn from_u64(n: u64) -> Option<Self> {
        <T as FromPrimitive>::from_u64(n).map(Dual::lift)
    }

    fn from_f64(x: f64) -> Option<Self> {
        Some(Dual::constant(x))
    }
}

impl<T: Primitive> Signed for Dual<T> {
    fn abs(&self) -> Self {
        Dual::abs(*self)
    }

    fn abs_sub(&self, other: &Self) -> Self {
        Float::abs_sub(*self, *other)
    }

    fn signum(&self) -> Self {
        Dual::signum(*self)
    }

    fn is_positive(&self) -> bool {
        self.value > T::constant(0.0)
    }

    fn is_negative(&self) -> bool {
        self.value < T::constant(0.0)
    }
}

/// Compares the values, as `==` does.
impl<T: Primitive> AbsDiffEq for Dual<T> {
    type Epsilon = Self;

    fn default_epsilon() -> Self {
        <Self as Float>::epsilon()
    }

    fn abs_diff_eq(&self, other: &Self, epsilon: Self) -> bool {
        Float::abs(self.value - other.value) <= epsilon.value
    }
}

/// Compares the values, as `==` does.
impl<T: Primitive> RelativeEq for Dual<T> {
    fn default_max_relative() -> Self {
        <Self as Float>::epsilon()
    }

    fn relative_eq(&self, other: &Self, epsilon: Self, max_relative: Self) -> bool {
        let scale = Float::max(Float::abs(self.value), Float::abs(other.value));
        self.abs_diff_eq(other, epsilon) || self.abs_diff_eq(other, max_relative * scale)
    }
}

/// Compares the values, as `==` does.
impl<T: Primitive> UlpsEq for Dual<T> {
    fn default_max_ulps() -> u32 {
        T::default_max_ulps()
    }

    fn ulps_eq(&self, other: &Self, epsilon: Self, max_ulps: u32) -> bool {
        self.value.ulps_eq(&other.value, epsilon.value, max_ulps)
    }
}

/// Methods that are the rules under the names of another trait.
macro_rules! forward {
    ($($name:ident($($argument:ident),*));+ $(;)?) => {$(
        fn $name(self $(, $argument: Self)*) -> Self {
            Dual::$name(self $(, $argument)*)
        }
    )+};
}

impl<T: Primitive> ComplexField for Dual<T> {
    type RealField = Self;

    forward!(floor(); ceil(); round(); trunc(); fract(); signum(); abs(); recip(); sqrt(); cbrt();
        exp(); exp2(); exp_m1(); ln(); ln_1p(); log2(); log10();
        sin(); cos(); tan(); asin(); acos(); atan();
        sinh(); cosh(); tanh(); asinh(); acosh(); atanh();
        mul_add(a, b); hypot(other); powf(exponent); log(base));

    fn from_real(re: Self) -> Self {
        re
    }

    fn real(self) -> Self {
        self
    }

    fn imaginary(self) -> Self {
        Dual::constant(0.0)
    }

    fn modulus(self) -> Self {
        Dual::abs(self)
    }

    fn modulus_squared(self) -> Self {
        self.square()
    }

    fn argument(self) -> Self {
        Dual::constant(if self.value < T::constant(0.0) { std::f64::consts::PI } else { 0.0 })
    }

    fn norm1(self) -> Self {
        Dual::abs(self)
    }

    fn scale(self, factor: Self) -> Self {
        self * factor
    }

    fn unscale(self, factor: Self) -> Self {
        self / factor
    }

    fn conjugate(self) -> Self {
        self
    }

    fn sin_cos(self) -> (Self, Self) {
        Dual::sin_cos(self)
    }

    fn powi(self, n: i32) -> Self {
        Dual::powi(self, n)
    }

    fn powc(self, exponent: Self) -> Self {
        Dual::powf(self, exponent)
    }

    fn is_finite(&self) -> bool {
        Float::is_finite(self.value)
    }

    fn try_sqrt(self) -> Option<Self> {
        (self.value >= T::constant(0.0)).then(|| Dual::sqrt(self))
    }
}

/// The constants of mathematics, under the names of nalgebra.
macro_rules! constants {
    ($($name:ident $NAME:ident),+) => {$(
        fn $name() -> Self {
            Dual::constant(std::f64::consts::$NAME)
        }
    )+};
}

impl<T: Primitive> RealField for Dual<T> {
    forward!(max(other); min(other); clamp(min, max); atan2(other));
    constants!(pi PI, two_pi TAU, frac_pi_2 FRAC_PI_2, frac_pi_3 FRAC_PI_3, frac_pi_4 FRAC_PI_4,
        frac_pi_6 FRAC_PI_6, frac_pi_8 FRAC_PI_8, frac_1_pi FRAC_1_PI, frac_2_pi FRAC_2_PI,
        frac_2_sqrt_pi FRAC_2_SQRT_PI, e E, log2_e LOG2_E, log10_e LOG10_E, ln_2 LN_2, ln_10 LN_10);

    fn is_sign_positive(&self) -> bool {
        Float::is_sign_positive(self.value)
    }

    fn is_sign_negative(&self) -> bool {
        Float::is_sign_negative(self.value)
    }

    fn copysign(self, sign: Self) -> Self {
        Float::copysign(self, sign)
    }

    fn min_value() -> Option<Self> {
        Some(<Self as Float>::min_value())
    }

    fn max_value() -> Option<Self> {
        Some(<Self as Float>::max_value())
    }
}
