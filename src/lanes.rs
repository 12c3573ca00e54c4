//! Several numbers side by side: one term of a batch on that many data rows.
//!
//! Every operation acts lane by lane, in loops over arrays of fixed length,
//! which the compiler turns into instructions of the set `I`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use crate::kernel::dispatch::InstructionSet;
use crate::kernel::lane;
use crate::rules::{self, Arguments, Number, Op, Row};

/// How many numbers stand side by side: enough to pay for choosing an operation.
pub(crate) const LANES: usize = 32;

/// [`LANES`] numbers, for code compiled for the instruction set `I`. Aligned to
/// cache lines: the widest vectors else lie across two of them.
#[repr(align(64))]
pub(crate) struct Lanes<I> {
    pub(crate) lanes: [f64; LANES],
    set: PhantomData<fn() -> I>,
}

impl<I> Clone for Lanes<I> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Lanes<I> {}

impl<I> PartialEq for Lanes<I> {
    fn eq(&self, other: &Self) -> bool {
        self.lanes == other.lanes
    }
}

impl<I> fmt::Debug for Lanes<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lanes.fmt(f)
    }
}

impl<I> Lanes<I> {
    #[inline(always)]
    pub(crate) fn new(lanes: [f64; LANES]) -> Self {
        Lanes { lanes, set: PhantomData }
    }

    /// The same number in every lane.
    #[inline(always)]
    pub(crate) fn splat(value: f64) -> Self {
        Lanes::new([value; LANES])
    }

    #[inline(always)]
    fn zip(mut self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        for i in 0..LANES {
            self.lanes[i] = f(self.lanes[i], other.lanes[i]);
        }
        self
    }

    /// The sum of the lanes.
    pub(crate) fn sum(self) -> f64 {
        self.lanes.iter().sum()
    }
}

impl<I: InstructionSet> Lanes<I> {
    /// Applies a rule. The exponential is the vector one.
    #[inline(always)]
    pub(crate) fn apply<F: Row, const N: usize>(arguments: [Self; N]) -> Self {
        let mut value = Lanes::splat(0.0);
        for i in 0..LANES {
            value.lanes[i] = if F::OP == Op::Exp {
                lane::exp::<I, f64>(arguments[0].lanes[i])
            } else {
                F::value(&rules::arguments(N, |j| arguments[j].lanes[i]))
            };
        }
        value
    }
}

macro_rules! impl_operators {
    ($($Trait:ident $method:ident),+) => {$(
        impl<I> $Trait for Lanes<I> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, $Trait::$method)
            }
        }
    )+};
}
impl_operators!(Add add, Sub sub, Mul mul, Div div, Rem rem);

impl<I> Neg for Lanes<I> {
    type Output = Self;

    #[inline(always)]
    fn neg(mut self) -> Self {
        for lane in &mut self.lanes {
            *lane = -*lane;
        }
        self
    }
}

/// [`Number::settle_tangent`] in each lane.
#[cold]
#[inline(never)]
fn settle_lanes<I: InstructionSet>(
    mut sum: Lanes<I>,
    y: Lanes<I>,
    arity: usize,
    partials: &Arguments<Lanes<I>>,
    x_dot: &Arguments<Lanes<I>>,
) -> Lanes<I> {
    for i in 0..LANES {
        let lane = |x: &Arguments<Lanes<I>>| rules::arguments(arity, |j| x[j].lanes[i]);
        sum.lanes[i] = f64::settle_tangent(sum.lanes[i], y.lanes[i], arity, &lane(partials), &lane(x_dot));
    }
    sum
}

impl<I: InstructionSet> Number for Lanes<I> {
    type Base = f64;

    #[inline(always)]
    fn constant(value: f64) -> Self {
        Lanes::splat(value)
    }

    #[inline(always)]
    fn from_base(value: f64) -> Self {
        Lanes::splat(value)
    }

    #[inline(always)]
    fn chain(self, inner: Self) -> Self {
        self.zip(inner, Number::chain)
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        let mut nonzero = false;
        for lane in self.lanes {
            nonzero |= lane != 0.0;
        }
        !nonzero
    }

    #[inline(always)]
    fn has_nan(self) -> bool {
        let mut has_nan = false;
        for lane in self.lanes {
            has_nan |= lane.is_nan();
        }
        has_nan
    }

    #[inline(always)]
    fn powi(self, n: Self) -> Self {
        self.zip(n, Number::powi)
    }

    /// In each lane for itself.
    #[inline(always)]
    fn settle_tangent(
        sum: Self,
        y: Self,
        arity: usize,
        partials: &Arguments<Self>,
        x_dot: &Arguments<Self>,
    ) -> Self {
        if sum.has_nan() { settle_lanes(sum, y, arity, partials, x_dot) } else { sum }
    }
}
