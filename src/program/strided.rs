//! One rule over a run of slots at constant strides: the loops that a compiler
//! turns into vector code.
//!
//! The result of element `j` is `y_j = f(a_j, b_j)` with `a_j` in slot
//! `start + j * stride`. Stride 1 is a slice, stride 0 a broadcast; rules that
//! are a few machine instructions get a loop of their own for each such pattern.

use std::marker::PhantomData;

use super::code::{Run, Strided};
use super::memory::{Sources, Targets};
use crate::nary::NaryNumber;
use crate::rules::{Number, Op, Row, Visitor, dispatch};

/// Evaluates a run to `results`.
pub(super) fn forward<R: NaryNumber>(run: &Run, sources: Sources<'_, R>, results: &mut [R]) {
    dispatch(run.op, Forward { run, sources, results });
}

/// Reverses a run with results `y`: takes their adjoints to its arguments, and
/// leaves them at zero.
pub(super) fn reverse<R: NaryNumber>(
    run: &Run,
    sources: Sources<'_, R>,
    y: &[R],
    y_bar: &mut [R],
    targets: Targets<'_, R>,
) {
    dispatch(run.op, Reverse { run, sources, y, y_bar, targets });
}

/// The values of one argument along a run.
trait Argument<R>: Copy {
    fn at(self, j: usize) -> R;
}

/// Stride 1.
#[derive(Clone, Copy)]
struct Consecutive<'a, R>(&'a [R]);

/// Stride 0, or an argument the rule does not have.
#[derive(Clone, Copy)]
struct Broadcast<R>(R);

/// Any stride.
#[derive(Clone, Copy)]
struct AtStride<'a, R> {
    values: &'a [R],
    argument: Strided,
}

impl<R: Copy> Argument<R> for Consecutive<'_, R> {
    #[inline(always)]
    fn at(self, j: usize) -> R {
        self.0[j]
    }
}

impl<R: Copy> Argument<R> for Broadcast<R> {
    #[inline(always)]
    fn at(self, _: usize) -> R {
        self.0
    }
}

impl<R: Copy> Argument<R> for AtStride<'_, R> {
    #[inline(always)]
    fn at(self, j: usize) -> R {
        self.values[self.argument.slot(j)]
    }
}

impl Strided {
    #[inline(always)]
    pub(super) fn slot(self, j: usize) -> usize {
        (self.start as isize + j as isize * self.stride as isize) as usize
    }

    #[inline(always)]
    fn consecutive<R>(self, sources: Sources<'_, R>, len: usize) -> Consecutive<'_, R> {
        let (values, start) = sources.find(self.start as usize);
        Consecutive(&values[start..][..len])
    }

    #[inline(always)]
    fn broadcast<R: Copy>(self, sources: Sources<'_, R>) -> Broadcast<R> {
        let (values, start) = sources.find(self.start as usize);
        Broadcast(values[start])
    }

    #[inline(always)]
    fn at_stride<R>(self, sources: Sources<'_, R>) -> AtStride<'_, R> {
        let (values, start) = sources.find(self.start as usize);
        AtStride { values, argument: Strided { start: start as u32, stride: self.stride } }
    }
}

/// Calls `$body` with the three arguments of a run as the patterns that fit
/// their strides. A macro, because each pattern is a type.
macro_rules! with_arguments {
    ($F:ty, $run:expr, $sources:expr, |$a:ident, $b:ident, $c:ident| $body:expr) => {{
        let (run, sources, len) = ($run, $sources, $run.len as usize);
        let [x, y, z] = run.arguments;
        let none = Broadcast(R::constant(0.0));
        match (<$F>::ARITY, x.stride, y.stride) {
            (1, 1, _) if <$F>::OP.is_arithmetic() => {
                let ($a, $b, $c) = (x.consecutive(sources, len), none, none);
                $body
            }
            (2, 1, 1) if <$F>::OP.is_arithmetic() => {
                let ($a, $b, $c) = (x.consecutive(sources, len), y.consecutive(sources, len), none);
                $body
            }
            (2, 1, 0) if <$F>::OP.is_arithmetic() => {
                let ($a, $b, $c) = (x.consecutive(sources, len), y.broadcast(sources), none);
                $body
            }
            (2, 0, 1) if <$F>::OP.is_arithmetic() => {
                let ($a, $b, $c) = (x.broadcast(sources), y.consecutive(sources, len), none);
                $body
            }
            _ => {
                let ($a, $b, $c) = (x.at_stride(sources), y.at_stride(sources), z.at_stride(sources));
                $body
            }
        }
    }};
}

struct Forward<'a, R> {
    run: &'a Run,
    sources: Sources<'a, R>,
    results: &'a mut [R],
}

impl<R: NaryNumber> Visitor for Forward<'_, R> {
    type Output = ();

    #[inline(never)]
    fn rule<F: Row>(self) {
        with_arguments!(F, self.run, self.sources, |a, b, c| evaluate::<F, R>(a, b, c, self.results));
    }

    fn structural(self, op: Op) {
        unreachable!("{op:?} is not in runs")
    }
}

#[inline(always)]
fn evaluate<F: Row, R: NaryNumber>(
    a: impl Argument<R>,
    b: impl Argument<R>,
    c: impl Argument<R>,
    results: &mut [R],
) {
    for j in 0..results.len() {
        results[j] = F::value(&element::<F, R>(a, b, c, j));
    }
}

/// The arguments of element `j`.
#[inline(always)]
fn element<F: Row, R: Number>(
    a: impl Argument<R>,
    b: impl Argument<R>,
    c: impl Argument<R>,
    j: usize,
) -> [R; 3] {
    let none = R::constant(0.0);
    [a.at(j), if F::ARITY > 1 { b.at(j) } else { none }, if F::ARITY > 2 { c.at(j) } else { none }]
}

struct Reverse<'a, R> {
    run: &'a Run,
    sources: Sources<'a, R>,
    y: &'a [R],
    y_bar: &'a mut [R],
    targets: Targets<'a, R>,
}

impl<R: NaryNumber> Visitor for Reverse<'_, R> {
    type Output = ();

    #[inline(never)]
    fn rule<F: Row>(self) {
        let Reverse { run, sources, y, y_bar, mut targets } = self;
        with_arguments!(F, run, sources, |a, b, c| {
            let elements = Elements { a, b, c, y, y_bar, rule: PhantomData::<F> };
            // One loop for each argument: their targets may overlap.
            elements.accumulate::<0>(run.arguments[0], &mut targets);
            if F::ARITY > 1 {
                elements.accumulate::<1>(run.arguments[1], &mut targets);
            }
            if F::ARITY > 2 {
                elements.accumulate::<2>(run.arguments[2], &mut targets);
            }
        });
        y_bar.fill(R::constant(0.0));
    }

    fn structural(self, op: Op) {
        unreachable!("{op:?} is not in runs")
    }
}

/// The elements of a run, as the reverse sweep meets them.
///
/// Methods, not closures: those are not always inlined.
struct Elements<'a, F, R, A, B, C> {
    a: A,
    b: B,
    c: C,
    y: &'a [R],
    y_bar: &'a [R],
    rule: PhantomData<F>,
}

impl<F: Row, R: NaryNumber, A: Argument<R>, B: Argument<R>, C: Argument<R>> Elements<'_, F, R, A, B, C> {
    /// What argument `I` of element `j` receives.
    #[inline(always)]
    fn x_bar<const I: usize>(&self, j: usize) -> R {
        F::adjoint(&element::<F, R>(self.a, self.b, self.c, j), self.y[j], self.y_bar[j])[I]
    }

    /// Adds to the adjoints of argument `I`, unless it is passive: all of a
    /// run's slots are on the same side of the first active one.
    #[inline(always)]
    fn accumulate<const I: usize>(&self, argument: Strided, targets: &mut Targets<'_, R>) {
        let Some((adjoints, start)) = targets.find(argument.start as usize) else {
            return;
        };
        let len = self.y.len();
        match argument.stride {
            0 => adjoints[start] = adjoints[start] + self.total::<I>(),
            1 => {
                let sums = &mut adjoints[start..][..len];
                for j in 0..len {
                    sums[j] = sums[j] + self.x_bar::<I>(j);
                }
            }
            stride => {
                let argument = Strided { start: start as u32, stride };
                for j in 0..len {
                    let sum = &mut adjoints[argument.slot(j)];
                    *sum = *sum + self.x_bar::<I>(j);
                }
            }
        }
    }

    /// What one variable receives from all elements, as several sums side by side.
    #[inline(always)]
    fn total<const I: usize>(&self) -> R {
        const SUMS: usize = 8;
        let mut sums = [R::constant(0.0); SUMS];
        let (len, whole) = (self.y.len(), self.y.len() / SUMS * SUMS);
        for first in (0..whole).step_by(SUMS) {
            for i in 0..SUMS {
                sums[i] = sums[i] + self.x_bar::<I>(first + i);
            }
        }
        let mut total = R::constant(0.0);
        for j in whole..len {
            total = total + self.x_bar::<I>(j);
        }
        for sum in sums {
            total = total + sum;
        }
        total
    }
}
