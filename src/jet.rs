//! Forward mode along several directions at once: a value and its gradient
//! with respect to `N` variables.
//!
//! `Jet { value: x, gradient: ∇x }` stands for `x + ε·∇x` with `ε_i ε_j = 0`;
//! every function maps it to `f(x) + ε·f'(x) ∇x`, by the same
//! [rules](crate::rules) that drive [`Dual`](crate::Dual) and the tape. For a
//! few variables that is the fastest way to a gradient: nothing is recorded.
//!
//! The name is that of the Ceres solver.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

use num_traits::Float;

use crate::Scalar;
use crate::nary::NaryKind;
use crate::num::{impl_arithmetic, impl_float, impl_left_operators, impl_on_references, impl_operators};
use crate::rules::{self, KinkKind, Primitive, Row, table};

/// A number with its gradient with respect to `N` variables; the number of a
/// [preaccumulated](crate::Tape::preaccumulate) block.
///
/// ```
/// use smoothmax::Jet;
///
/// let [x, y] = Jet::variables([3.0, 2.0]);
/// let z = x * y + y.ln();
/// assert_eq!(z.value, 6.0 + 2f64.ln());
/// assert_eq!(z.gradient, [2.0, 3.0 + 0.5]);
/// ```
///
/// It is a [`num_traits::Float`] and a [`Scalar`]; comparisons and conversions
/// look at the value.
#[derive(Clone, Copy, Debug)]
pub struct Jet<const N: usize, T = f64> {
    /// The value.
    pub value: T,
    /// The partial derivatives with respect to the variables.
    pub gradient: [T; N],
    /// A kink met on the way, at which the gradient is one of several.
    kink: Option<KinkKind>,
    /// Bit `i`: whether it depends on variable `i`.
    depends: u64,
}

impl<const N: usize, T: Primitive> Jet<N, T> {
    /// A constant: its gradient is zero.
    #[inline(always)]
    pub fn lift(value: T) -> Self {
        Jet { value, gradient: [T::constant(0.0); N], kink: None, depends: 0 }
    }

    /// The `N` variables, at most 64: the gradient of the `i`-th is the `i`-th
    /// unit vector.
    #[inline(always)]
    pub fn variables(values: [T; N]) -> [Self; N] {
        const { assert!(N <= 64, "a jet has at most 64 variables") };
        let mut variables = values.map(Jet::lift);
        for (i, variable) in variables.iter_mut().enumerate() {
            variable.gradient[i] = T::constant(1.0);
            variable.depends = 1 << i;
        }
        variables
    }

    /// A kink met on the way to this number: the gradient is then one of
    /// several generalised ones.
    ///
    /// ```
    /// use smoothmax::{Jet, KinkKind};
    ///
    /// let [x] = Jet::variables([0.0]);
    /// assert_eq!((x.abs() + x).kink(), Some(KinkKind::Corner));
    /// assert_eq!(x.exp().kink(), None);
    /// ```
    pub fn kink(self) -> Option<KinkKind> {
        self.kink
    }

    /// The value, without its gradient.
    #[inline(always)]
    fn read(self) -> T {
        self.value
    }

    /// Applies a rule.
    #[inline(always)]
    pub(crate) fn apply<R: Row, const M: usize>(arguments: [Self; M]) -> Self {
        let x = rules::arguments(M, |i| arguments[i].value);
        let value = R::value(&x);
        let partials = R::partials(&x, value);
        let mut y = Jet::lift(value);
        for argument in &arguments {
            y.kink = y.kink.or(argument.kink);
            y.depends |= argument.depends;
        }
        for j in 0..N {
            let x_dot = rules::arguments(M, |i| arguments[i].gradient[j]);
            // Plain products are right unless an infinite slope makes a NaN of them.
            let varies = |i: usize| i < M && arguments[i].depends != 0;
            let mut slope = T::constant(0.0);
            if varies(0) {
                slope = partials[0] * x_dot[0];
            }
            if varies(1) {
                slope += partials[1] * x_dot[1];
            }
            if varies(2) {
                slope += partials[2] * x_dot[2];
            }
            y.gradient[j] = slope;
        }
        if y.gradient.iter().any(|slope| Float::is_nan(*slope)) {
            y.gradient = Self::settled_gradient::<R, M>(arguments, partials, value);
        }
        if R::OP.has_kink() {
            y.kink = y.kink.or_else(|| T::kink(R::OP, &x, value));
        }
        y
    }
}

impl<const N: usize, T: Primitive> Jet<N, T> {
    /// The gradient by [`rules::tangent`], which knows what a zero times an
    /// infinity is.
    #[cold]
    #[inline(never)]
    fn settled_gradient<R: Row, const M: usize>(
        arguments: [Self; M],
        partials: rules::Arguments<T>,
        value: T,
    ) -> [T; N] {
        let mut y = Jet::lift(T::constant(0.0));
        y.depends = arguments.iter().fold(0, |depends, x| depends | x.depends);
        for j in 0..N {
            let x_dot = rules::arguments(M, |i| arguments[i].gradient[j]);
            y.set_slope(j, rules::tangent::<R, T>(&partials, value, &x_dot));
        }
        y.gradient
    }

    /// Sets a partial derivative: 0, not an infinite slope's NaN, with respect
    /// to what it does not depend on.
    #[inline(always)]
    fn set_slope(&mut self, variable: usize, slope: T) {
        let is_independent = Float::is_nan(slope) && self.depends >> variable & 1 == 0;
        self.gradient[variable] = if is_independent { T::constant(0.0) } else { slope };
    }
}

impl<const N: usize, T: Primitive> Scalar for Jet<N, T> {
    type Base = T;

    #[inline(always)]
    fn constant(value: f64) -> Self {
        Jet::lift(T::constant(value))
    }

    #[inline(always)]
    fn rule<R: Row, const M: usize>(arguments: [Self; M]) -> Self {
        Jet::apply::<R, M>(arguments)
    }

    fn nary(kind: NaryKind<T>, x: &[Self]) -> Self {
        Self::nary_outputs(kind, x)[0]
    }

    /// The chain rule with the gradient of each output, by a reverse pass over the node.
    fn nary_outputs(kind: NaryKind<T>, x: &[Self]) -> Vec<Self> {
        let zero = T::constant(0.0);
        let values: Vec<T> = x.iter().map(|x| x.value).collect();
        let mut y = vec![zero; kind.outputs(x.len())];
        let mut weights = vec![zero; kind.weights(x.len())];
        kind.forward(&values, &mut y, &mut weights);
        let kink = x.iter().find_map(|x| x.kink);
        let (mut seeds, mut slopes) = (vec![zero; y.len()], vec![zero; x.len()]);
        let mut outputs = Vec::with_capacity(y.len());
        for i in 0..y.len() {
            seeds[i] = T::constant(1.0);
            slopes.fill(zero);
            kind.reverse(&values, &y, &weights, &seeds, &mut slopes);
            seeds[i] = zero;
            let mut output = Jet::lift(y[i]);
            output.depends = x.iter().fold(0, |depends, x| depends | x.depends);
            for j in 0..N {
                let slope =
                    slopes.iter().zip(x).fold(zero, |sum, (slope, x)| sum + slope.chain(x.gradient[j]));
                output.set_slope(j, slope);
            }
            output.kink = kink.or_else(|| kind.kink(&values, y[i]));
            outputs.push(output);
        }
        outputs
    }
}

impl_arithmetic!([const N: usize, T: Primitive] Jet<N, T>, T);
impl_float!([const N: usize, T: Primitive] Jet<N, T>, T);
impl_left_operators!([const N: usize] f32 => Jet<N, f32>, f64 => Jet<N, f64>);

impl<const N: usize, T: Primitive> std::iter::Sum for Jet<N, T> {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Jet::lift(T::constant(0.0)), |sum, term| sum + term)
    }
}

impl<const N: usize, T: Primitive> Default for Jet<N, T> {
    /// The constant 0.
    fn default() -> Self {
        Jet::lift(T::constant(0.0))
    }
}

/// Compares the values; derivatives do not take part.
impl<const N: usize, T: PartialEq> PartialEq for Jet<N, T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<const N: usize, T: PartialEq> PartialEq<T> for Jet<N, T> {
    fn eq(&self, other: &T) -> bool {
        self.value == *other
    }
}

/// Compares the values; derivatives do not take part.
impl<const N: usize, T: PartialOrd> PartialOrd for Jet<N, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<const N: usize, T: PartialOrd> PartialOrd<T> for Jet<N, T> {
    fn partial_cmp(&self, other: &T) -> Option<Ordering> {
        self.value.partial_cmp(other)
    }
}

impl<const N: usize, T: Display> Display for Jet<N, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.value, f)?;
        f.write_str(" + ε·(")?;
        for (i, slope) in self.gradient.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            Display::fmt(slope, f)?;
        }
        f.write_str(")")
    }
}
