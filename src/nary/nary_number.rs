//! How a replay calls what is more than arithmetic - n-ary nodes and library
//! functions: directly, or [for each lane in turn](super::by_lane).

use super::{NaryKind, SliceNumber};
use crate::rules::{self, Arguments, Elementary, Op, RuleSet};

/// Numbers that a replay can run on.
pub(crate) trait NaryNumber: Elementary {
    /// Whether a reverse sweep had better ask if an adjoint is zero before it
    /// does arithmetic: one number yes, lanes are seldom all zero.
    const ASKS_FOR_ZERO: bool;

    /// The rules that are part of the loop over instructions; others are called
    /// by their code. On lanes, a call for each rule would be more code than the loop.
    const INLINED: RuleSet;

    /// [`Row::value`](rules::Row::value) of a rule that is called.
    fn value_of(op: Op, x: &Arguments<Self>) -> Self;

    /// [`Row::adjoint`](rules::Row::adjoint) of a rule that is called.
    fn adjoint_of(op: Op, x: &Arguments<Self>, y: Self, y_bar: Self) -> Arguments<Self>;

    /// [`NaryKind::forward`].
    fn nary_forward(kind: &NaryKind<Self::Base>, x: &[Self], y: &mut [Self], weights: &mut [Self]);

    /// [`NaryKind::reverse`].
    fn nary_reverse(
        kind: &NaryKind<Self::Base>,
        x: &[Self],
        y: &[Self],
        weights: &[Self],
        y_bar: &[Self],
        x_bar: &mut [Self],
    );
}

impl<R: SliceNumber> NaryNumber for R {
    const ASKS_FOR_ZERO: bool = true;
    const INLINED: RuleSet = RuleSet::All;

    fn value_of(op: Op, x: &Arguments<R>) -> R {
        rules::eval(op, x)
    }

    fn adjoint_of(op: Op, x: &Arguments<R>, y: R, y_bar: R) -> Arguments<R> {
        rules::adjoint(op, x, y, y_bar)
    }

    #[inline]
    fn nary_forward(kind: &NaryKind<R::Base>, x: &[R], y: &mut [R], weights: &mut [R]) {
        kind.forward(x, y, weights);
    }

    #[inline]
    fn nary_reverse(kind: &NaryKind<R::Base>, x: &[R], y: &[R], weights: &[R], y_bar: &[R], x_bar: &mut [R]) {
        kind.reverse(x, y, weights, y_bar, x_bar);
    }
}
