//! One rule over a run of slots at constant strides: the loops that a compiler
//! turns into vector code.
//!
//! The result of element `j` is `y_j = f(a_j, b_j)` with `a_j` in slot
//! `start + j * stride`. Stride 1 is a slice, stride 0 a broadcast; rules that
//! are a few machine instructions get a loop of their own for each such pattern.

use std::marker::PhantomData;

use super::code::{Run, Strided};
use super::memory::{Sources, Targets};
use crate::kernel::dispatch::{self, InstructionSet, Kernel, Portable};
use crate::nary::NaryNumber;
use crate::rules::{self, Arguments, Number, Op, Row, Visitor};

/// Evaluates a run to `results`.
pub(super) fn forward<R: NaryNumber>(run: &Run, sources: Sources<'_, R>, results: &mut [R]) {
    rules::dispatch(run.op, Forward { run, sources, results });
}

/// Reverses a run with results `y`: takes their adjoints to its arguments, by
/// adding to what is there or, where it `is_first`, by replacing it.
pub(super) fn reverse<R: NaryNumber>(
    run: &Run,
    sources: Sources<'_, R>,
    y: &[R],
    y_bar: &[R],
    targets: Targets<'_, R>,
    is_first: [bool; 3],
) {
    rules::dispatch(run.op, Reverse { run, sources, y, y_bar, targets, is_first });
}

/// The values of one argument along a run.
trait Argument<R>: Copy {
    fn at(self, j: usize) -> R;

    /// The first elements only: a loop over them need not check its bounds.
    #[inline(always)]
    fn prefix(self, _len: usize) -> Self {
        self
    }
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

    #[inline(always)]
    fn prefix(self, len: usize) -> Self {
        Consecutive(&self.0[..len])
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

/// The arguments of all elements.
trait Elements<R>: Copy {
    /// The arguments of element `j` of a rule.
    fn element(self, arity: usize, j: usize) -> Arguments<R>;

    /// As [`Argument::prefix`].
    fn prefix(self, len: usize) -> Self;
}

impl<R: Number, A: Argument<R>, B: Argument<R>, C: Argument<R>> Elements<R> for (A, B, C) {
    #[inline(always)]
    fn element(self, arity: usize, j: usize) -> Arguments<R> {
        let none = R::constant(0.0);
        let (a, b, c) = self;
        [a.at(j), if arity > 1 { b.at(j) } else { none }, if arity > 2 { c.at(j) } else { none }]
    }

    #[inline(always)]
    fn prefix(self, len: usize) -> Self {
        (self.0.prefix(len), self.1.prefix(len), self.2.prefix(len))
    }
}

/// Calls `$body` with the arguments of a run as the patterns that fit their
/// strides. A macro, because each pattern is a type; constants choose where they
/// can, so that nothing is compiled for a rule that has no use for it.
macro_rules! with_arguments {
    ($F:ty, $run:expr, $sources:expr, |$x:ident| $body:expr) => {{
        let (sources, len) = ($sources, $run.len as usize);
        let [x, y, z] = $run.arguments;
        let none = Broadcast(R::constant(0.0));
        if const { !<$F>::OP.is_arithmetic() } {
            let $x = (x.at_stride(sources), y.at_stride(sources), z.at_stride(sources));
            $body
        } else if const { <$F>::ARITY == 1 } {
            if x.stride == 1 {
                let $x = (x.consecutive(sources, len), none, none);
                $body
            } else {
                let $x = (x.at_stride(sources), none, none);
                $body
            }
        } else {
            match (x.stride, y.stride) {
                (1, 1) => {
                    let $x = (x.consecutive(sources, len), y.consecutive(sources, len), none);
                    $body
                }
                (1, 0) => {
                    let $x = (x.consecutive(sources, len), y.broadcast(sources), none);
                    $body
                }
                (0, 1) => {
                    let $x = (x.broadcast(sources), y.consecutive(sources, len), none);
                    $body
                }
                _ => {
                    let $x = (x.at_stride(sources), y.at_stride(sources), none);
                    $body
                }
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
        let Forward { run, sources, results } = self;
        with_arguments!(F, run, sources, |x| on_best_vectors::<F, _>(Evaluate::<F, _, _> {
            x,
            results,
            rule: PhantomData
        }));
    }

    fn structural(self, op: Op) {
        unreachable!("{op:?} is not in runs")
    }
}

struct Reverse<'a, R> {
    run: &'a Run,
    sources: Sources<'a, R>,
    y: &'a [R],
    y_bar: &'a [R],
    targets: Targets<'a, R>,
    is_first: [bool; 3],
}

impl<R: NaryNumber> Visitor for Reverse<'_, R> {
    type Output = ();

    #[inline(never)]
    fn rule<F: Row>(mut self) {
        let Reverse { run, sources, .. } = self;
        with_arguments!(F, run, sources, |x| {
            // One loop for each argument: their targets may overlap.
            self.accumulate::<0, F, _>(x);
            if const { F::ARITY > 1 } {
                self.accumulate::<1, F, _>(x);
            }
            if const { F::ARITY > 2 } {
                self.accumulate::<2, F, _>(x);
            }
        });
    }

    fn structural(self, op: Op) {
        unreachable!("{op:?} is not in runs")
    }
}

impl<R: NaryNumber> Reverse<'_, R> {
    /// Adds to the adjoints of argument `I`, unless it is passive: all of a run's
    /// slots are on the same side of the first active one.
    #[inline(always)]
    fn accumulate<const I: usize, F: Row, X: Elements<R>>(&mut self, x: X) {
        let Strided { start, stride } = self.run.arguments[I];
        let (y, y_bar, is_first) = (self.y, self.y_bar, self.is_first[I]);
        if let Some((adjoints, start)) = self.targets.find(start as usize) {
            let argument = Strided { start: start as u32, stride };
            let rule = PhantomData;
            on_best_vectors::<F, _>(Accumulate::<I, F, R, X> {
                x,
                y,
                y_bar,
                argument,
                adjoints,
                is_first,
                rule,
            });
        }
    }
}

/// The fewest elements for which to ask which vectors there are.
const LONG: usize = 16;

/// Runs a loop over elements on the best vectors there are, if the rule is
/// arithmetic: every operation is rounded on its own, so no bit depends on it.
#[inline(always)]
fn on_best_vectors<F: Row, K: Kernel<Output = ()>>(kernel: K) {
    if const { F::OP.is_arithmetic() } && !kernel.is_short() {
        dispatch::dispatch(kernel);
    } else {
        kernel.run::<Portable>();
    }
}

/// Evaluates each element.
struct Evaluate<'a, F, R, X> {
    x: X,
    results: &'a mut [R],
    rule: PhantomData<F>,
}

impl<F: Row, R: NaryNumber, X: Elements<R>> Kernel for Evaluate<'_, F, R, X> {
    type Output = ();

    #[inline(always)]
    fn is_short(&self) -> bool {
        self.results.len() < LONG
    }

    #[inline(always)]
    fn run<S: InstructionSet>(self) {
        let Evaluate { x, results, .. } = self;
        let x = x.prefix(results.len());
        for j in 0..results.len() {
            results[j] = F::value(&x.element(F::ARITY, j));
        }
    }
}

/// Adds what argument `I` of each element receives to its adjoint.
struct Accumulate<'a, const I: usize, F, R, X> {
    x: X,
    y: &'a [R],
    y_bar: &'a [R],
    /// Where the argument stands in `adjoints`.
    argument: Strided,
    adjoints: &'a mut [R],
    /// Whether it replaces that adjoint.
    is_first: bool,
    rule: PhantomData<F>,
}

impl<const I: usize, F: Row, R: NaryNumber, X: Elements<R>> Kernel for Accumulate<'_, I, F, R, X> {
    type Output = ();

    #[inline(always)]
    fn is_short(&self) -> bool {
        self.y.len() < LONG
    }

    #[inline(always)]
    fn run<S: InstructionSet>(self) {
        let Accumulate { x, y, y_bar, argument, adjoints, is_first, .. } = self;
        let (start, len) = (argument.start as usize, y.len());
        let (x, y_bar) = (x.prefix(len), &y_bar[..len]);
        match argument.stride {
            0 => adjoints[start] = adjoints[start] + total::<I, F, R, X>(x, y, y_bar),
            1 if is_first => {
                let sums = &mut adjoints[start..][..len];
                for j in 0..len {
                    sums[j] = x_bar::<I, F, R, X>(x, y, y_bar, j);
                }
            }
            1 => {
                let sums = &mut adjoints[start..][..len];
                for j in 0..len {
                    sums[j] = sums[j] + x_bar::<I, F, R, X>(x, y, y_bar, j);
                }
            }
            _ => {
                for j in 0..len {
                    let sum = &mut adjoints[argument.slot(j)];
                    *sum = *sum + x_bar::<I, F, R, X>(x, y, y_bar, j);
                }
            }
        }
    }
}

/// What argument `I` of element `j` receives.
#[inline(always)]
fn x_bar<const I: usize, F: Row, R: NaryNumber, X: Elements<R>>(x: X, y: &[R], y_bar: &[R], j: usize) -> R {
    F::adjoint(&x.element(F::ARITY, j), y[j], y_bar[j])[I]
}

/// What one variable receives from all elements, as several sums side by side.
#[inline(always)]
fn total<const I: usize, F: Row, R: NaryNumber, X: Elements<R>>(x: X, y: &[R], y_bar: &[R]) -> R {
    const SUMS: usize = 8;
    let mut sums = [R::constant(0.0); SUMS];
    let (len, whole) = (y.len(), y.len() / SUMS * SUMS);
    let mut first = 0;
    while first < whole {
        for i in 0..SUMS {
            sums[i] = sums[i] + x_bar::<I, F, R, X>(x, y, y_bar, first + i);
        }
        first += SUMS;
    }
    let mut total = R::constant(0.0);
    for j in whole..len {
        total = total + x_bar::<I, F, R, X>(x, y, y_bar, j);
    }
    for i in 0..SUMS {
        total = total + sums[i];
    }
    total
}
