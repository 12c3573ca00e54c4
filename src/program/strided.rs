//! One rule over a run of slots at constant strides: the loops that a compiler
//! turns into vector code.
//!
//! The result of element `j` is `y_j = f(a_j, b_j)` with `a_j` in slot
//! `start + j * stride`. Stride 1 is a slice, stride 0 a broadcast; rules that
//! are a few machine instructions get a loop of their own for each such pattern.

use super::code::{Run, Strided};
use crate::nary::NaryNumber;
use crate::rules::{Number, Op, Row, Visitor, arguments, dispatch};

/// Evaluates a run.
pub(super) fn forward<R: NaryNumber>(run: &Run, values: &mut [R]) {
    dispatch(run.op, Forward { run, values });
}

/// Reverses a run: takes the adjoints of its results to its arguments.
pub(super) fn reverse<R: NaryNumber>(run: &Run, first_active: usize, values: &[R], adjoints: &mut [R]) {
    dispatch(run.op, Reverse { run, first_active, values, adjoints });
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
    fn consecutive<R>(self, values: &[R], len: usize) -> Consecutive<'_, R> {
        Consecutive(&values[self.start as usize..][..len])
    }

    #[inline(always)]
    fn broadcast<R: Copy>(self, values: &[R]) -> Broadcast<R> {
        Broadcast(values[self.start as usize])
    }

    #[inline(always)]
    fn at_stride<R>(self, values: &[R]) -> AtStride<'_, R> {
        AtStride { values, argument: self }
    }
}

/// Calls `$body` with the three arguments of a run as the patterns that fit
/// their strides. A macro, because each pattern is a type.
macro_rules! with_arguments {
    ($F:ty, $run:expr, $values:expr, |$a:ident, $b:ident, $c:ident| $body:expr) => {{
        let (run, values, len) = ($run, $values, $run.len as usize);
        let [x, y, z] = run.arguments;
        let none = Broadcast(R::constant(0.0));
        match (<$F>::ARITY, x.stride, y.stride) {
            (1, 1, _) if <$F>::OP.is_arithmetic() => {
                let ($a, $b, $c) = (x.consecutive(values, len), none, none);
                $body
            }
            (2, 1, 1) if <$F>::OP.is_arithmetic() => {
                let ($a, $b, $c) = (x.consecutive(values, len), y.consecutive(values, len), none);
                $body
            }
            (2, 1, 0) if <$F>::OP.is_arithmetic() => {
                let ($a, $b, $c) = (x.consecutive(values, len), y.broadcast(values), none);
                $body
            }
            (2, 0, 1) if <$F>::OP.is_arithmetic() => {
                let ($a, $b, $c) = (x.broadcast(values), y.consecutive(values, len), none);
                $body
            }
            _ => {
                let ($a, $b, $c) = (x.at_stride(values), y.at_stride(values), z.at_stride(values));
                $body
            }
        }
    }};
}

struct Forward<'a, R> {
    run: &'a Run,
    values: &'a mut [R],
}

impl<R: NaryNumber> Visitor for Forward<'_, R> {
    type Output = ();

    #[inline(never)]
    fn rule<F: Row>(self) {
        let (before, after) = self.values.split_at_mut(self.run.output as usize);
        let results = &mut after[..self.run.len as usize];
        with_arguments!(F, self.run, &*before, |a, b, c| evaluate::<F, R>(a, b, c, results));
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
    for (j, result) in results.iter_mut().enumerate() {
        *result = F::value(&element::<F, R>(a, b, c, j));
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
    arguments(F::ARITY, |i| match i {
        0 => a.at(j),
        1 => b.at(j),
        _ => c.at(j),
    })
}

struct Reverse<'a, R> {
    run: &'a Run,
    first_active: usize,
    values: &'a [R],
    adjoints: &'a mut [R],
}

impl<R: NaryNumber> Visitor for Reverse<'_, R> {
    type Output = ();

    #[inline(never)]
    fn rule<F: Row>(self) {
        let Reverse { run, first_active, values, adjoints } = self;
        let len = run.len as usize;
        let output = run.output as usize;
        let (before, after) = adjoints.split_at_mut(output - first_active);
        let (y, y_bar) = (&values[output..][..len], &mut after[..len]);
        with_arguments!(F, run, values, |a, b, c| {
            // One loop for each argument: their targets may overlap.
            let x_bar = |j: usize| F::adjoint(&element::<F, R>(a, b, c, j), y[j], y_bar[j]);
            accumulate(run.arguments[0], first_active, before, len, |j| x_bar(j)[0]);
            if F::ARITY > 1 {
                accumulate(run.arguments[1], first_active, before, len, |j| x_bar(j)[1]);
            }
            if F::ARITY > 2 {
                accumulate(run.arguments[2], first_active, before, len, |j| x_bar(j)[2]);
            }
        });
        y_bar.fill(R::constant(0.0));
    }

    fn structural(self, op: Op) {
        unreachable!("{op:?} is not in runs")
    }
}

/// Adds `x_bar(j)` to the adjoint of element `j` of an argument, unless it is
/// passive: all of a run's slots are on the same side of the first active one.
#[inline(always)]
fn accumulate<R: Number>(
    argument: Strided,
    first_active: usize,
    adjoints: &mut [R],
    len: usize,
    x_bar: impl Fn(usize) -> R,
) {
    let Some(start) = (argument.start as usize).checked_sub(first_active) else {
        return;
    };
    match argument.stride {
        0 => adjoints[start] = adjoints[start] + total(len, x_bar),
        1 => {
            for (j, sum) in adjoints[start..][..len].iter_mut().enumerate() {
                *sum = *sum + x_bar(j);
            }
        }
        _ => {
            for j in 0..len {
                let sum = &mut adjoints[argument.slot(j) - first_active];
                *sum = *sum + x_bar(j);
            }
        }
    }
}

/// `Σ term(j)`, as several sums side by side.
#[inline(always)]
fn total<R: Number>(len: usize, term: impl Fn(usize) -> R) -> R {
    const SUMS: usize = 8;
    let mut sums = [R::constant(0.0); SUMS];
    let whole = len - len % SUMS;
    for first in (0..whole).step_by(SUMS) {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = *sum + term(first + i);
        }
    }
    let rest = (whole..len).fold(R::constant(0.0), |sum, j| sum + term(j));
    sums.into_iter().fold(rest, |total, sum| total + sum)
}
