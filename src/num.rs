//! Operators and `num_traits` for the numbers that carry derivatives,
//! [`Dual`](crate::Dual), [`Jet`](crate::Jet) and [`Var`](crate::Var): written
//! once for all.
//!
//! Arithmetic goes to the rules; comparisons, classification and conversions
//! look at the value only.

/// A binary operator on references, as plain numbers have it: `&x + y`, `x + &y`, `&x + &y`.
macro_rules! impl_on_references {
    ([$($generics:tt)*] $Left:ty, $Right:ty => $Output:ty; $Trait:ident $method:ident) => {
        impl<$($generics)*> std::ops::$Trait<$Right> for &$Left {
            type Output = $Output;

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn $method(self, rhs: $Right) -> $Output {
                std::ops::$Trait::$method(*self, rhs)
            }
        }

        impl<$($generics)*> std::ops::$Trait<&$Right> for $Left {
            type Output = $Output;

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn $method(self, rhs: &$Right) -> $Output {
                std::ops::$Trait::$method(self, *rhs)
            }
        }

        impl<$($generics)*> std::ops::$Trait<&$Right> for &$Left {
            type Output = $Output;

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn $method(self, rhs: &$Right) -> $Output {
                std::ops::$Trait::$method(*self, *rhs)
            }
        }
    };
}

/// Binary operators between two of the type, and with plain numbers on the right.
macro_rules! impl_operators {
    ($generics:tt $Type:ty, $T:ty; $($names:tt),+) => {
        $( impl_operators!(@one $generics $Type, $T; $names); )+
    };
    (@one [$($generics:tt)*] $Type:ty, $T:ty; ($Trait:ident $method:ident $Assign:ident $assign:ident)) => {
        impl_operators!(@with [$($generics)*] $Type, $Type; $Trait $method $Assign $assign);
        impl_operators!(@with [$($generics)*] $Type, $T; $Trait $method $Assign $assign);
    };
    (@with [$($generics:tt)*] $Type:ty, $Rhs:ty; $Trait:ident $method:ident $Assign:ident $assign:ident) => {
        impl<$($generics)*> std::ops::$Trait<$Rhs> for $Type {
            type Output = Self;

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn $method(self, rhs: $Rhs) -> Self {
                Self::apply::<table::$Trait, _>([self, rhs.into()])
            }
        }

        impl<$($generics)*> std::ops::$Assign<$Rhs> for $Type {
            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn $assign(&mut self, rhs: $Rhs) {
                *self = std::ops::$Trait::$method(*self, rhs);
            }
        }

        impl<$($generics)*> std::ops::$Assign<&$Rhs> for $Type {
            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn $assign(&mut self, rhs: &$Rhs) {
                std::ops::$Assign::$assign(self, *rhs);
            }
        }

        impl_on_references!([$($generics)*] $Type, $Rhs => $Type; $Trait $method);
    };
}

/// The same, and comparisons, with a plain number on the left, which Rust wants for each type.
macro_rules! impl_left_operators {
    ($generics:tt $($float:ty => $Type:ty),+) => {$(
        impl_left_operators!(@one $generics $float, $Type; Add add);
        impl_left_operators!(@one $generics $float, $Type; Sub sub);
        impl_left_operators!(@one $generics $float, $Type; Mul mul);
        impl_left_operators!(@one $generics $float, $Type; Div div);
        impl_left_operators!(@one $generics $float, $Type; Rem rem);
        impl_left_operators!(@comparisons $generics $float, $Type);
    )+};
    (@one [$($generics:tt)*] $float:ty, $Type:ty; $Trait:ident $method:ident) => {
        impl<$($generics)*> std::ops::$Trait<$Type> for $float {
            type Output = $Type;

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn $method(self, rhs: $Type) -> $Type {
                <$Type>::apply::<table::$Trait, _>([self.into(), rhs])
            }
        }

        impl_on_references!([$($generics)*] $float, $Type => $Type; $Trait $method);
    };
    (@comparisons [$($generics:tt)*] $float:ty, $Type:ty) => {
        impl<$($generics)*> PartialEq<$Type> for $float {
            #[cfg_attr(debug_assertions, track_caller)]
            fn eq(&self, other: &$Type) -> bool {
                <$Type>::lift(*self) == *other
            }
        }

        impl<$($generics)*> PartialOrd<$Type> for $float {
            #[cfg_attr(debug_assertions, track_caller)]
            fn partial_cmp(&self, other: &$Type) -> Option<std::cmp::Ordering> {
                <$Type>::lift(*self).partial_cmp(other)
            }

            // Each on its own: a variable records what it was asked.
            impl_left_operators!(@asked $Type; lt <, le <=, gt >, ge >=);
        }
    };
    (@asked $Type:ty; $($method:ident $operator:tt),+) => {$(
        #[cfg_attr(debug_assertions, track_caller)]
        fn $method(&self, other: &$Type) -> bool {
            <$Type>::lift(*self) $operator *other
        }
    )+};
}

/// The operators and the conversion from a plain number.
macro_rules! impl_arithmetic {
    ([$($generics:tt)*] $Type:ty, $T:ty) => {
        impl_operators!([$($generics)*] $Type, $T;
            (Add add AddAssign add_assign),
            (Sub sub SubAssign sub_assign),
            (Mul mul MulAssign mul_assign),
            (Div div DivAssign div_assign),
            (Rem rem RemAssign rem_assign));

        impl<$($generics)*> std::ops::Neg for $Type {
            type Output = Self;

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn neg(self) -> Self {
                Self::apply::<table::Neg, _>([self])
            }
        }

        impl<$($generics)*> std::ops::Neg for &$Type {
            type Output = $Type;

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn neg(self) -> $Type {
                -*self
            }
        }

        impl<$($generics)*> From<$T> for $Type {
            #[inline(always)]
            fn from(value: $T) -> Self {
                Self::lift(value)
            }
        }
    };
}

/// The rest of what makes the type a `num_traits::Float`.
macro_rules! impl_float {
    ([$($generics:tt)*] $Type:ty, $T:ty) => {
        impl<$($generics)*> num_traits::Zero for $Type {
            #[inline(always)]
            fn zero() -> Self {
                Self::lift(<$T as num_traits::Zero>::zero())
            }

            /// Whether the value is zero, whatever the derivative.
            #[inline(always)]
            fn is_zero(&self) -> bool {
                *self == <$T as num_traits::Zero>::zero()
            }
        }

        impl<$($generics)*> num_traits::One for $Type {
            #[inline(always)]
            fn one() -> Self {
                Self::lift(<$T as num_traits::One>::one())
            }
        }

        impl<$($generics)*> num_traits::Num for $Type {
            type FromStrRadixErr = <$T as num_traits::Num>::FromStrRadixErr;

            fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
                <$T as num_traits::Num>::from_str_radix(text, radix).map(Self::lift)
            }
        }

        impl<$($generics)*> num_traits::NumCast for $Type {
            fn from<P: num_traits::ToPrimitive>(n: P) -> Option<Self> {
                <$T as num_traits::NumCast>::from(n).map(Self::lift)
            }
        }

        impl<$($generics)*> num_traits::ToPrimitive for $Type {
            fn to_i64(&self) -> Option<i64> {
                num_traits::ToPrimitive::to_i64(&self.read())
            }

            fn to_u64(&self) -> Option<u64> {
                num_traits::ToPrimitive::to_u64(&self.read())
            }

            fn to_f64(&self) -> Option<f64> {
                num_traits::ToPrimitive::to_f64(&self.read())
            }

            fn to_f32(&self) -> Option<f32> {
                num_traits::ToPrimitive::to_f32(&self.read())
            }
        }

        impl<$($generics)*> std::iter::Product for $Type {
            fn product<I: Iterator<Item = Self>>(factors: I) -> Self {
                factors.fold(num_traits::One::one(), |product, factor| product * factor)
            }
        }

        impl<'borrow, $($generics)*> std::iter::Product<&'borrow Self> for $Type {
            fn product<I: Iterator<Item = &'borrow Self>>(factors: I) -> Self {
                factors.copied().product()
            }
        }

        impl<'borrow, $($generics)*> std::iter::Sum<&'borrow Self> for $Type {
            fn sum<I: Iterator<Item = &'borrow Self>>(terms: I) -> Self {
                terms.copied().sum()
            }
        }

        impl<$($generics)*> num_traits::FloatConst for $Type {
            impl_float!(@mathematics $T; E FRAC_1_PI FRAC_1_SQRT_2 FRAC_2_PI FRAC_2_SQRT_PI FRAC_PI_2 FRAC_PI_3
                FRAC_PI_4 FRAC_PI_6 FRAC_PI_8 LN_10 LN_2 LOG10_2 LOG10_E LOG2_10 LOG2_E PI SQRT_2 TAU);
        }

        impl<$($generics)*> $Type {
            /// `self^n`.
            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            pub fn powi(self, n: i32) -> Self {
                if n == 2 {
                    return self.square();
                }
                let exponent = <$T as crate::rules::Number>::constant(f64::from(n));
                if num_traits::ToPrimitive::to_i32(&exponent) == Some(n) {
                    return Self::apply::<table::Powi, _>([self, Self::lift(exponent)]);
                }
                // An exponent that f32 cannot hold.
                let root = self.powi(n / 2).square();
                if n % 2 == 0 { root } else { root * self.powi(n % 2) }
            }

            /// Logarithm to any base.
            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            pub fn log(self, base: impl Into<Self>) -> Self {
                self.ln() / base.into().ln()
            }

            /// `min(max(x, min), max)` by the rules of `max` and `min`: no comparison,
            /// so a recording follows it. Where `min > max` it is `max`.
            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            pub fn clamp(self, min: impl Into<Self>, max: impl Into<Self>) -> Self {
                self.max(min).min(max)
            }

            /// Sine and cosine.
            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            pub fn sin_cos(self) -> (Self, Self) {
                (self.sin(), self.cos())
            }
        }

        impl<$($generics)*> num_traits::Float for $Type {
            impl_float!(@constants $T; nan infinity neg_infinity neg_zero min_value min_positive_value max_value epsilon);
            impl_float!(@questions $T; is_nan is_infinite is_finite is_normal is_sign_positive is_sign_negative);
            impl_float!(@unary $Type; floor ceil round trunc fract abs signum recip sqrt exp exp2 ln log2 log10 cbrt
                sin cos tan asin acos atan exp_m1 ln_1p sinh cosh tanh asinh acosh atanh);
            impl_float!(@binary $Type; powf log max min hypot atan2);

            fn classify(self) -> std::num::FpCategory {
                num_traits::Float::classify(self.read())
            }

            fn integer_decode(self) -> (u64, i16, i8) {
                num_traits::Float::integer_decode(self.read())
            }

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                <$Type>::mul_add(self, a, b)
            }

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn powi(self, n: i32) -> Self {
                <$Type>::powi(self, n)
            }

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn abs_sub(self, other: Self) -> Self {
                self.gap(other).relu()
            }

            #[inline(always)]
            #[cfg_attr(debug_assertions, track_caller)]
            fn sin_cos(self) -> (Self, Self) {
                <$Type>::sin_cos(self)
            }

            #[cfg_attr(debug_assertions, track_caller)]
            fn to_degrees(self) -> Self {
                self * <$T as crate::rules::Number>::constant(180.0 / std::f64::consts::PI)
            }

            #[cfg_attr(debug_assertions, track_caller)]
            fn to_radians(self) -> Self {
                self * <$T as crate::rules::Number>::constant(std::f64::consts::PI / 180.0)
            }

            #[cfg_attr(debug_assertions, track_caller)]
            fn copysign(self, sign: Self) -> Self {
                self.abs() * sign.sign_bit()
            }
        }
    };

    (@constants $T:ty; $($name:ident)+) => {$(
        fn $name() -> Self {
            Self::lift(<$T as num_traits::Float>::$name())
        }
    )+};
    (@mathematics $T:ty; $($name:ident)+) => {$(
        fn $name() -> Self {
            Self::lift(<$T as crate::rules::Number>::constant(std::f64::consts::$name))
        }
    )+};
    (@questions $T:ty; $($name:ident)+) => {$(
        fn $name(self) -> bool {
            num_traits::Float::$name(self.read())
        }
    )+};
    (@unary $Type:ty; $($name:ident)+) => {$(
        #[inline(always)]
        #[cfg_attr(debug_assertions, track_caller)]
        fn $name(self) -> Self {
            <$Type>::$name(self)
        }
    )+};
    (@binary $Type:ty; $($name:ident)+) => {$(
        #[inline(always)]
        #[cfg_attr(debug_assertions, track_caller)]
        fn $name(self, other: Self) -> Self {
            <$Type>::$name(self, other)
        }
    )+};
}

pub(crate) use {impl_arithmetic, impl_float, impl_left_operators, impl_on_references, impl_operators};
