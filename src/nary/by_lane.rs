//! Library functions and n-ary nodes on [`Lanes`], and on dual numbers of them:
//! in one lane after another.

use super::{NaryKind, NaryNumber, SliceNumber};
use crate::Dual;
use crate::kernel::dispatch::{InstructionSet, Portable};
use crate::lanes::{LANES, Lanes};
use crate::rules::{self, Arguments, Number, Op, Row, RuleSet, Visitor, dispatch};

/// Numbers that can be taken apart into lanes.
trait InLanes: Copy {
    /// What one lane holds.
    type Lane: SliceNumber<Base = f64>;
    /// The same for no instruction set in particular, so that what is called
    /// lane by lane is compiled once.
    type Bare: InLanes<Lane = Self::Lane>;

    fn lane(&self, i: usize) -> Self::Lane;

    fn set_lane(&mut self, i: usize, value: Self::Lane);

    fn bare(self) -> Self::Bare;

    fn dress(bare: Self::Bare) -> Self;
}

impl<I> InLanes for Lanes<I> {
    type Lane = f64;
    type Bare = Lanes<Portable>;

    #[inline(always)]
    fn lane(&self, i: usize) -> f64 {
        self.lanes[i]
    }

    #[inline(always)]
    fn set_lane(&mut self, i: usize, value: f64) {
        self.lanes[i] = value;
    }

    #[inline(always)]
    fn bare(self) -> Lanes<Portable> {
        Lanes::new(self.lanes)
    }

    #[inline(always)]
    fn dress(bare: Lanes<Portable>) -> Self {
        Lanes::new(bare.lanes)
    }
}

impl<T: InLanes<Lane = f64>> InLanes for Dual<T> {
    type Lane = Dual;
    type Bare = Dual<T::Bare>;

    #[inline(always)]
    fn lane(&self, i: usize) -> Dual {
        Dual { value: self.value.lane(i), tangent: self.tangent.lane(i) }
    }

    #[inline(always)]
    fn set_lane(&mut self, i: usize, lane: Dual) {
        self.value.set_lane(i, lane.value);
        self.tangent.set_lane(i, lane.tangent);
    }

    #[inline(always)]
    fn bare(self) -> Dual<T::Bare> {
        Dual { value: self.value.bare(), tangent: self.tangent.bare() }
    }

    #[inline(always)]
    fn dress(bare: Dual<T::Bare>) -> Self {
        Dual { value: T::dress(bare.value), tangent: T::dress(bare.tangent) }
    }
}

/// [`Row::value`] in every lane.
#[inline(never)]
fn value_by_lane<L: InLanes>(op: Op, x: &Arguments<L>) -> L {
    dispatch(op, Value { x })
}

struct Value<'a, L> {
    x: &'a Arguments<L>,
}

impl<L: InLanes> Visitor for Value<'_, L> {
    type Output = L;

    #[inline(never)]
    fn rule<F: Row>(self) -> L {
        let mut y = self.x[0];
        for i in 0..LANES {
            y.set_lane(i, F::value(&rules::arguments(F::ARITY, |j| self.x[j].lane(i))));
        }
        y
    }

    fn structural(self, op: Op) -> L {
        unreachable!("{op:?} is no rule")
    }
}

/// [`Row::adjoint`] in every lane; unspecified for arguments the rule does not have.
#[inline(never)]
fn adjoint_by_lane<L: InLanes>(op: Op, x: &Arguments<L>, y: &L, y_bar: &L) -> Arguments<L> {
    dispatch(op, Adjoint { x, y, y_bar })
}

struct Adjoint<'a, L> {
    x: &'a Arguments<L>,
    y: &'a L,
    y_bar: &'a L,
}

impl<L: InLanes> Visitor for Adjoint<'_, L> {
    type Output = Arguments<L>;

    #[inline(never)]
    fn rule<F: Row>(self) -> Arguments<L> {
        let Adjoint { x, y, y_bar } = self;
        let mut x_bar = *x;
        for i in 0..LANES {
            let lane = F::adjoint(&rules::arguments(F::ARITY, |j| x[j].lane(i)), y.lane(i), y_bar.lane(i));
            for j in 0..F::ARITY {
                x_bar[j].set_lane(i, lane[j]);
            }
        }
        x_bar
    }

    fn structural(self, op: Op) -> Arguments<L> {
        unreachable!("{op:?} is no rule")
    }
}

/// One lane of a slice.
fn lane<L: InLanes>(slice: &[L], i: usize) -> Vec<L::Lane> {
    slice.iter().map(|number| number.lane(i)).collect()
}

fn set_lane<L: InLanes>(slice: &mut [L], i: usize, values: &[L::Lane]) {
    for (number, &value) in slice.iter_mut().zip(values) {
        number.set_lane(i, value);
    }
}

/// The sum of at least one number.
fn sum<R: Number>(x: &[R]) -> R {
    x[1..].iter().fold(x[0], |sum, &x| sum + x)
}

fn add_to_each<R: Number>(x: &mut [R], y: R) {
    for x in x {
        *x = *x + y;
    }
}

/// [`NaryKind::forward`] in every lane.
#[inline(never)]
fn nary_forward_by_lane<L: InLanes>(kind: &NaryKind<f64>, x: &[L], y: &mut [L], weights: &mut [L]) {
    for i in 0..LANES {
        let (mut lane_y, mut lane_weights) = (lane(y, i), lane(weights, i));
        kind.forward(&lane(x, i), &mut lane_y, &mut lane_weights);
        set_lane(y, i, &lane_y);
        set_lane(weights, i, &lane_weights);
    }
}

/// [`NaryKind::reverse`] in every lane.
#[inline(never)]
fn nary_reverse_by_lane<L: InLanes>(
    kind: &NaryKind<f64>,
    x: &[L],
    y: &[L],
    weights: &[L],
    y_bar: &[L],
    x_bar: &mut [L],
) {
    for i in 0..LANES {
        let lane_y_bar = lane(y_bar, i);
        if lane_y_bar.iter().all(|y_bar| y_bar.is_zero()) {
            continue;
        }
        let mut lane_x_bar = lane(x_bar, i);
        kind.reverse(&lane(x, i), &lane(y, i), &lane(weights, i), &lane_y_bar, &mut lane_x_bar);
        set_lane(x_bar, i, &lane_x_bar);
    }
}

macro_rules! impl_nary_number {
    ($($Number:ty, $inlined:expr);+) => {$(
        impl<I: InstructionSet> NaryNumber for $Number {
            const ASKS_FOR_ZERO: bool = false;
            const INLINED: RuleSet = $inlined;

            #[inline(always)]
            fn value_of(op: Op, x: &Arguments<Self>) -> Self {
                Self::dress(value_by_lane(op, &[x[0].bare(), x[1].bare(), x[2].bare()]))
            }

            #[inline(always)]
            fn adjoint_of(op: Op, x: &Arguments<Self>, y: Self, y_bar: Self) -> Arguments<Self> {
                let x = [x[0].bare(), x[1].bare(), x[2].bare()];
                let x_bar = adjoint_by_lane(op, &x, &y.bare(), &y_bar.bare());
                [Self::dress(x_bar[0]), Self::dress(x_bar[1]), Self::dress(x_bar[2])]
            }

            fn nary_forward(kind: &NaryKind<f64>, x: &[Self], y: &mut [Self], weights: &mut [Self]) {
                if let NaryKind::Sum = kind {
                    y[0] = sum(x);
                } else {
                    nary_forward_by_lane(kind, x, y, weights);
                }
            }

            fn nary_reverse(
                kind: &NaryKind<f64>,
                x: &[Self],
                y: &[Self],
                weights: &[Self],
                y_bar: &[Self],
                x_bar: &mut [Self],
            ) {
                if let NaryKind::Sum = kind {
                    add_to_each(x_bar, y_bar[0]);
                } else {
                    nary_reverse_by_lane(kind, x, y, weights, y_bar, x_bar);
                }
            }
        }
    )+};
}
impl_nary_number!(Lanes<I>, RuleSet::Arithmetic; Dual<Lanes<I>>, RuleSet::Ring);
