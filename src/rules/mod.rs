//! The rules: every elementary function once.
//!
//! A rule is one row of the [table]: the function's name and meaning,
//! its value, its partial derivatives (which may use the output), points to
//! test it at, and where it is not differentiable. Everything else is made
//! from the row:
//!
//! | from a row | used by |
//! |---|---|
//! | `Var::sin`, `Dual::sin`, `Jet::sin` | people |
//! | [`Elementary::sin`] | the partials of other rows |
//! | [`table::Sin`], a [`Row`], and its code [`Op::Sin`] | every way to run a recording |
//! | [`Rule`] in [`TABLE`] | tests, documentation |
//!
//! So **adding a primitive is adding a row**. Derivatives of any order come
//! from rows too: the partial of `sin` is the row `cos`, and where a partial is
//! itself a delicate function (the slope of `sigmoid`) it has its own row.
//!
//! # Equations
//!
//! With `y = f(x_1, .., x_n)` and partials `p_i = df/dx_i`,
//!
//! - forward mode: `ẏ = Σ p_i ẋ_i` ([`Row::tangent`]),
//! - reverse mode: `x̄_i += ȳ p_i` ([`Row::adjoint`]).
//!
//! Both multiply by [`Number::chain`], which says what `0 · inf` means.
//!
//! ```
//! use smoothmax::rules::TABLE;
//!
//! let sin = TABLE.iter().find(|rule| rule.name == "sin").unwrap();
//! assert_eq!(sin.value(&[0.5]), 0.5f64.sin());
//! assert_eq!(sin.partials(&[0.5]), [0.5f64.cos()]);
//! ```

mod macros;
mod number;
mod stable;
pub mod table;

pub use number::{Number, Primitive, Valued};
pub(crate) use table::dispatch;
pub use table::{Elementary, Op, TABLE};

use crate::Scalar;

/// How a function fails to be differentiable at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KinkKind {
    /// Continuous, but the slope jumps: `|x|` at 0, a tie in a max.
    Corner,
    /// The value itself jumps: `floor` at an integer.
    Jump,
}

impl std::fmt::Display for KinkKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            KinkKind::Corner => "corner",
            KinkKind::Jump => "jump",
        })
    }
}

/// A point on the boundary of a function's domain or of its
/// differentiability, with the partials the crate defines there.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The arguments.
    pub at: &'static [f64],
    /// The partial derivatives by convention.
    pub partials: &'static [f64],
}

/// One row of the table, as data.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The operation.
    pub op: Op,
    /// The name of the method, or of the operator's trait method.
    pub name: &'static str,
    /// What it computes.
    pub doc: &'static str,
    /// Arguments inside the domain, where the function is smooth.
    pub samples: &'static [&'static [f64]],
    /// Kinks and domain edges, with the partials defined there.
    pub edges: &'static [Edge],
}

impl Rule {
    /// The value at `x`, one number for each argument.
    ///
    /// # Panics
    ///
    /// If `x` has not [`Op::arity`] elements.
    pub fn value<T: Elementary>(&self, x: &[T]) -> T {
        eval(self.op, &self.arguments(x))
    }

    /// The partial derivatives at `x`.
    ///
    /// # Panics
    ///
    /// If `x` has not [`Op::arity`] elements.
    pub fn partials<T: Elementary>(&self, x: &[T]) -> Vec<T> {
        let arguments = self.arguments(x);
        partials(self.op, &arguments, eval(self.op, &arguments))[..x.len()].to_vec()
    }

    /// The rule applied to scalars: on variables of a tape it is recorded.
    ///
    /// # Panics
    ///
    /// If `x` has not [`Op::arity`] elements, or mixes variables of two tapes.
    pub fn apply<S: Scalar>(&self, x: &[S]) -> S {
        self.require_arguments(x.len());
        dispatch(self.op, Apply(x))
    }

    fn arguments<T: Number>(&self, x: &[T]) -> Arguments<T> {
        self.require_arguments(x.len());
        arguments(x.len(), |i| x[i])
    }

    fn require_arguments(&self, given: usize) {
        let arity = self.op.arity();
        assert!(given == arity, "`{}` takes {arity} argument(s), not {given}", self.name);
    }
}

struct Apply<'a, S>(&'a [S]);

impl<S: Scalar> Visitor for Apply<'_, S> {
    type Output = S;

    fn rule<R: Row>(self) -> S {
        match *self.0 {
            [x] => S::rule::<R, 1>([x]),
            [x, y] => S::rule::<R, 2>([x, y]),
            [x, y, z] => S::rule::<R, 3>([x, y, z]),
            _ => unreachable!("rules take one to three arguments"),
        }
    }

    fn structural(self, op: Op) -> S {
        panic!("{op:?} is no rule")
    }
}

impl Op {
    /// Whether every partial is the constant 1 or -1, so that no infinity can
    /// meet a zero in the chain rule.
    #[inline(always)]
    pub(crate) const fn is_affine(self) -> bool {
        matches!(self, Op::Neg | Op::Add | Op::Sub)
    }

    /// Whether the rule is a few machine instructions - on lanes, `exp` is too -
    /// rather than a call into a library. Only these are worth copies of their
    /// code for each pattern of operands and each instruction set.
    pub(crate) const fn is_arithmetic(self) -> bool {
        matches!(
            self,
            Op::Neg
                | Op::Add
                | Op::Sub
                | Op::Mul
                | Op::Div
                | Op::Square
                | Op::Abs
                | Op::Max
                | Op::Min
                | Op::Relu
                | Op::Exp
        )
    }
}

/// Rules that are compiled into one loop.
#[derive(Clone, Copy)]
pub(crate) enum RuleSet {
    /// Each with a call of its own if it is more than arithmetic.
    All,
    /// See [`Op::is_arithmetic`].
    Arithmetic,
    /// Sums and products.
    Ring,
}

impl RuleSet {
    #[inline(always)]
    pub(crate) const fn contains(self, op: Op) -> bool {
        match self {
            RuleSet::All => true,
            RuleSet::Arithmetic => op.is_arithmetic(),
            RuleSet::Ring => matches!(op, Op::Neg | Op::Add | Op::Sub | Op::Mul | Op::Square),
        }
    }
}

impl std::fmt::Display for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Where the rules are not differentiable, as the table says.
pub trait KinkTable: Sized {
    /// The kind of kink `y = op(x)` has at this point, if it has one.
    fn kink(op: Op, x: &[Self; 3], y: Self) -> Option<KinkKind>;
}

/// A row of the table as a type, so that code is specialised for each rule.
pub trait Row {
    /// Its code.
    const OP: Op;
    /// The number of its arguments.
    const ARITY: usize;

    /// The value.
    fn value<T: Elementary>(x: &Arguments<T>) -> T;

    /// The partial derivatives of `y = f(x)`, padded with zeros.
    fn partials<T: Elementary>(x: &Arguments<T>, y: T) -> Arguments<T>;

    /// Reverse mode: what the arguments of `y = f(x)` receive from the adjoint `y_bar`.
    #[inline(always)]
    fn adjoint<T: Elementary>(x: &Arguments<T>, y: T, y_bar: T) -> Arguments<T> {
        // Written out: on lanes, closures are not always inlined, nor loops unrolled.
        let zero = T::constant(0.0);
        if Self::OP.is_affine() {
            let signs = Self::partials(&[0.0; 3], 0.0);
            let second = if Self::ARITY > 1 { with_sign(signs[1], y_bar) } else { zero };
            return [with_sign(signs[0], y_bar), second, zero];
        }
        let p = Self::partials(x, y);
        [
            y_bar.chain(p[0]),
            if Self::ARITY > 1 { y_bar.chain(p[1]) } else { zero },
            if Self::ARITY > 2 { y_bar.chain(p[2]) } else { zero },
        ]
    }

    /// Forward mode: the tangent of `y = f(x)` from the tangents of its arguments.
    #[inline(always)]
    fn tangent<T: Elementary>(x: &Arguments<T>, y: T, x_dot: &Arguments<T>) -> T {
        tangent::<Self, T>(&Self::partials(x, y), x_dot)
    }
}

/// `x` or `-x`.
#[inline(always)]
fn with_sign<T: Number>(sign: f64, x: T) -> T {
    if sign < 0.0 { -x } else { x }
}

/// `Σ p_i ẋ_i` with the partials of a rule.
#[inline(always)]
pub(crate) fn tangent<F: Row + ?Sized, T: Number>(partials: &Arguments<T>, x_dot: &Arguments<T>) -> T {
    let mut sum = partials[0].chain(x_dot[0]);
    for i in 1..F::ARITY {
        sum = sum + partials[i].chain(x_dot[i]);
    }
    // Partials of 1 and -1 make no NaN.
    if F::OP.is_affine() { sum } else { T::settle_tangent(sum, F::ARITY, partials, x_dot) }
}

/// The tangent where the plain sum is NaN, without the arguments that do not
/// vary: neither a constant exponent's undefined slope nor the infinite one of
/// a constant divisor 0 says anything about the others.
///
/// An infinite slope still meets a zero tangent - and gives NaN - where nothing
/// varies: `ln(exp(-800))` has no slope 0, see [`Number::chain`].
#[cold]
#[inline(never)]
fn tangent_of_varying<T: Number>(arity: usize, partials: &Arguments<T>, x_dot: &Arguments<T>) -> T {
    let varies = x_dot[..arity].iter().any(|x_dot| !x_dot.is_zero());
    let mut sum = T::constant(0.0);
    for (&p, &x_dot) in partials.iter().zip(x_dot).take(arity) {
        let counts = if varies { !x_dot.is_zero() } else { !p.has_nan() };
        if counts {
            sum = sum + p.chain(x_dot);
        }
    }
    sum
}

/// What to do with a rule known at compile time; see [`dispatch`].
pub(crate) trait Visitor {
    /// What a visit gives.
    type Output;

    /// Visits a rule.
    fn rule<R: Row>(self) -> Self::Output;

    /// Visits one of the structural codes.
    fn structural(self, op: Op) -> Self::Output;
}

/// Arguments of any rule: at most three; a rule of fewer ignores the rest.
pub type Arguments<T> = [T; 3];

/// Fills up with zeros.
#[inline(always)]
pub(crate) fn pad<T: Number, const N: usize>(x: [T; N]) -> Arguments<T> {
    arguments(N, |i| x[i])
}

/// The arguments `at(0), ..` of a rule with so many, filled up with zeros.
///
/// Written out because `array::map` and `from_fn` are not always inlined, which
/// made replays ten times slower.
#[inline(always)]
pub(crate) fn arguments<T: Number>(arity: usize, at: impl Fn(usize) -> T) -> Arguments<T> {
    let zero = T::constant(0.0);
    [
        if arity > 0 { at(0) } else { zero },
        if arity > 1 { at(1) } else { zero },
        if arity > 2 { at(2) } else { zero },
    ]
}

/// The value of `op` at `x`, of which [`Op::arity`] elements count.
///
/// # Panics
///
/// If `op` is a structural code.
pub fn eval<T: Elementary>(op: Op, x: &Arguments<T>) -> T {
    dispatch(op, Value(x))
}

/// The partial derivatives of `y = op(x)`, padded with zeros.
///
/// # Panics
///
/// If `op` is a structural code.
pub fn partials<T: Elementary>(op: Op, x: &Arguments<T>, y: T) -> Arguments<T> {
    dispatch(op, Partials(x, y))
}

/// [`Row::adjoint`] of a rule known by its code.
pub(crate) fn adjoint<T: Elementary>(op: Op, x: &Arguments<T>, y: T, y_bar: T) -> Arguments<T> {
    dispatch(op, Adjoint(x, y, y_bar))
}

struct Value<'a, T>(&'a Arguments<T>);

impl<T: Elementary> Visitor for Value<'_, T> {
    type Output = T;

    #[inline(always)]
    fn rule<R: Row>(self) -> T {
        R::value(self.0)
    }

    fn structural(self, op: Op) -> T {
        panic!("{op:?} is no rule")
    }
}

struct Adjoint<'a, T>(&'a Arguments<T>, T, T);

impl<T: Elementary> Visitor for Adjoint<'_, T> {
    type Output = Arguments<T>;

    #[inline(always)]
    fn rule<R: Row>(self) -> Arguments<T> {
        R::adjoint(self.0, self.1, self.2)
    }

    fn structural(self, op: Op) -> Arguments<T> {
        panic!("{op:?} is no rule")
    }
}

struct Partials<'a, T>(&'a Arguments<T>, T);

impl<T: Elementary> Visitor for Partials<'_, T> {
    type Output = Arguments<T>;

    #[inline(always)]
    fn rule<R: Row>(self) -> Arguments<T> {
        R::partials(self.0, self.1)
    }

    fn structural(self, op: Op) -> Arguments<T> {
        panic!("{op:?} is no rule")
    }
}
