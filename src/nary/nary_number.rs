//! How a replay calls what is more than arithmetic - n-ary nodes and library
//! functions: directly, or for each lane in turn.

use super::{NaryKind, SliceNumber};
use crate::kernel::dispatch::InstructionSet;
use crate::lanes::{LANES, Lanes};
use crate::rules::{self, Arguments, Elementary, Number, Row};

/// Numbers that a replay can run on.
pub(crate) trait NaryNumber: Elementary {
    /// Whether a reverse sweep had better ask if an adjoint is zero before it
    /// does arithmetic: one number yes, lanes are seldom all zero.
    const ASKS_FOR_ZERO: bool;

    /// [`Row::value`] of a rule that is not arithmetic.
    fn value_of<F: Row>(x: &Arguments<Self>) -> Self;

    /// [`Row::adjoint`] of a rule that is not arithmetic.
    fn adjoint_of<F: Row>(x: &Arguments<Self>, y: Self, y_bar: Self) -> Arguments<Self>;

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

    #[inline(never)]
    fn value_of<F: Row>(x: &Arguments<R>) -> R {
        F::value(x)
    }

    #[inline(never)]
    fn adjoint_of<F: Row>(x: &Arguments<R>, y: R, y_bar: R) -> Arguments<R> {
        F::adjoint(x, y, y_bar)
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

/// One lane of a slice.
fn lane<I>(slice: &[Lanes<I>], i: usize) -> Vec<f64> {
    slice.iter().map(|lanes| lanes.lanes[i]).collect()
}

fn set_lane<I>(slice: &mut [Lanes<I>], i: usize, values: &[f64]) {
    for (lanes, &value) in slice.iter_mut().zip(values) {
        lanes.lanes[i] = value;
    }
}

/// A rule's values in every lane; the same code for all instruction sets.
#[inline(never)]
fn values_by_lane<F: Row>(x: &[[f64; LANES]; 3]) -> [f64; LANES] {
    let mut y = [0.0; LANES];
    for (i, y) in y.iter_mut().enumerate() {
        *y = F::value(&rules::arguments(F::ARITY, |j| x[j][i]));
    }
    y
}

/// A rule's adjoints in every lane.
#[inline(never)]
fn adjoints_by_lane<F: Row>(
    x: &[[f64; LANES]; 3],
    y: &[f64; LANES],
    y_bar: &[f64; LANES],
) -> [[f64; LANES]; 3] {
    let mut x_bar = [[0.0; LANES]; 3];
    for i in 0..LANES {
        let lane = F::adjoint(&rules::arguments(F::ARITY, |j| x[j][i]), y[i], y_bar[i]);
        for (x_bar, lane) in x_bar.iter_mut().zip(lane) {
            x_bar[i] = lane;
        }
    }
    x_bar
}

impl<I: InstructionSet> NaryNumber for Lanes<I> {
    const ASKS_FOR_ZERO: bool = false;

    #[inline(always)]
    fn value_of<F: Row>(x: &Arguments<Self>) -> Self {
        Lanes::new(values_by_lane::<F>(&[x[0].lanes, x[1].lanes, x[2].lanes]))
    }

    #[inline(always)]
    fn adjoint_of<F: Row>(x: &Arguments<Self>, y: Self, y_bar: Self) -> Arguments<Self> {
        let x_bar = adjoints_by_lane::<F>(&[x[0].lanes, x[1].lanes, x[2].lanes], &y.lanes, &y_bar.lanes);
        [Lanes::new(x_bar[0]), Lanes::new(x_bar[1]), Lanes::new(x_bar[2])]
    }

    fn nary_forward(kind: &NaryKind<f64>, x: &[Self], y: &mut [Self], weights: &mut [Self]) {
        if let NaryKind::Sum = kind {
            y[0] = x[1..].iter().fold(x[0], |sum, &x| sum + x);
            return;
        }
        let (mut lane_y, mut lane_weights) = (vec![0.0; y.len()], vec![0.0; weights.len()]);
        for i in 0..LANES {
            kind.forward(&lane(x, i), &mut lane_y, &mut lane_weights);
            set_lane(y, i, &lane_y);
            set_lane(weights, i, &lane_weights);
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
            x_bar.iter_mut().for_each(|x_bar| *x_bar = *x_bar + y_bar[0]);
            return;
        }
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
}
