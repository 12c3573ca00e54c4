//! A number on a tape.

use std::cmp::Ordering;
use std::sync::Arc;

use super::guard::{Answer, Question};
use super::page::Page;
use super::{Adjoints, Operands, Recording, Tape};
use crate::nary::{CustomNode, NaryKind};
use crate::num::{impl_arithmetic, impl_float, impl_left_operators, impl_on_references, impl_operators};
use crate::rules::{self, Primitive, Row, table};

/// A number whose operations are recorded on a [`Tape`], or a constant.
///
/// It is `Copy`, 24 bytes, a [`num_traits::Float`], and works with plain
/// numbers on either side of an operator, by value or by reference:
///
/// ```
/// use smoothmax::Tape;
///
/// let tape = Tape::new();
/// let x = tape.var(3.0);
/// let y = 1.0 - x.max(0.0) * 2.0;
/// assert_eq!(y.value(), -5.0);
/// assert_eq!(y.backward()[x], -2.0);
///
/// let x = tape.vars(&[1.0, 2.0]);
/// let squares: smoothmax::Var = x.iter().map(|v| v * v).sum();
/// assert_eq!(squares.backward().wrt(&x).as_slice(), [2.0, 4.0]);
/// ```
///
/// Comparisons and conversions look at the value.
pub struct Var<'t, T = f64> {
    value: T,
    index: u32,
    tape: Option<&'t Tape<T>>,
}

impl<T: Copy> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy> Copy for Var<'_, T> {}

impl<'t, T: Primitive> Var<'t, T> {
    /// A constant: a number on no tape, with zero gradient.
    ///
    /// ```
    /// use smoothmax::{Tape, Var};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(2.0);
    /// let c = Var::lift(3.0);
    /// assert_eq!((c * x).backward()[c], 0.0);
    /// ```
    #[inline(always)]
    pub fn lift(value: T) -> Self {
        Var { value, index: 0, tape: None }
    }

    /// The value.
    ///
    /// A [`Program`](crate::Program) cannot follow what is done with it; while
    /// recording one, reads are [counted](crate::Program::value_reads).
    #[inline(always)]
    pub fn value(self) -> T {
        self.read()
    }

    /// Whether the number is a constant: on no tape.
    pub fn is_constant(self) -> bool {
        self.tape.is_none()
    }

    /// The tape the number is on, unless it is a constant.
    ///
    /// ```
    /// use smoothmax::{Tape, Var};
    ///
    /// let tape = Tape::new();
    /// assert_eq!(tape.var(2.0).tape().map(Tape::len), Some(1));
    /// assert!(Var::lift(3.0).tape().is_none());
    /// ```
    pub fn tape(self) -> Option<&'t Tape<T>> {
        self.tape
    }

    /// A user's function of `x` as one node; see [`CustomNode`].
    ///
    /// # Panics
    ///
    /// If `x` mixes variables of two tapes.
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn custom(node: Arc<dyn CustomNode<T>>, x: &[Self]) -> Self {
        Var::nary(NaryKind::Custom(node), x)
    }

    /// The adjoints `d self / d v` of everything recorded before `self`.
    ///
    /// The gradient of a constant is zero.
    pub fn backward(self) -> Adjoints<'t, T> {
        self.backward_reusing(Vec::new())
    }

    /// [`backward`](Self::backward) in the memory of an earlier result.
    ///
    /// ```
    /// use smoothmax::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(3.0);
    /// let buffer = (x * x).backward().into_buffer();
    /// let adjoints = (x * x * x).backward_reusing(buffer);
    /// assert_eq!(adjoints[x], 27.0);
    /// ```
    pub fn backward_reusing(self, buffer: Vec<T>) -> Adjoints<'t, T> {
        Adjoints::of(&[(self, T::constant(1.0))], buffer)
    }

    /// The index of the node on `tape`, unless a constant.
    ///
    /// # Panics
    ///
    /// If it is on another tape.
    pub(crate) fn node_on(self, tape: &Tape<T>) -> Option<usize> {
        let (node, own) = self.place()?;
        assert!(own.is(tape), "the result is on another tape than the variables");
        Some(node)
    }

    /// The value, uncounted: the tape itself takes it.
    #[inline(always)]
    pub(super) fn unread_value(self) -> T {
        self.value
    }

    /// The index of the node; of a constant, 0.
    #[inline(always)]
    pub(super) fn index(self) -> u32 {
        self.index
    }

    /// The index of the node and its tape, unless a constant.
    #[inline(always)]
    pub(super) fn place(self) -> Option<(usize, &'t Tape<T>)> {
        self.tape.map(|tape| (self.index as usize, tape))
    }

    /// Node `index` of `tape`.
    #[inline(always)]
    pub(super) fn on(tape: &'t Tape<T>, index: u32, value: T) -> Self {
        Var { value, index, tape: Some(tape) }
    }

    /// Takes the value out of the tape, which counts it.
    #[inline(always)]
    fn read(self) -> T {
        if let Some(tape) = self.tape {
            tape.value_reads.set(tape.value_reads.get() + 1);
        }
        self.value
    }

    /// Compares, and keeps question and answer for replays.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn ask(self, question: Question, other: Self) -> Answer {
        let answer = question.ask(self.value, other.value);
        if let Some(tape) = common_tape(&[self, other]) {
            let mut recording = tape.filed();
            let operands = [self, other].map(|operand| operand.operand(&mut recording));
            recording.guard(question, operands, answer);
        }
        answer
    }

    /// Applies a rule: computes the value and records the operation.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn apply<R: Row, const N: usize>(arguments: [Self; N]) -> Self {
        let value = R::value(&rules::arguments(N, |i| arguments[i].value));
        let Some(tape) = common_tape(&arguments) else {
            return Var::lift(value);
        };
        let page = tape.page();
        let operand = |i: usize| arguments[i].operand_on(page);
        let (a, b) = match N {
            1 => (operand(0), 0),
            2 => (operand(0), operand(1)),
            _ => {
                let operands = [operand(0), operand(1), operand(2)];
                (tape.recording.borrow_mut().list(operands), 0)
            }
        };
        Var::on(tape, page.write(R::OP, a, b, value), value)
    }

    /// This number as an operand of the node to be written next.
    #[inline(always)]
    fn operand_on(self, page: &Page<T>) -> u32 {
        if self.tape.is_some() { self.index } else { page.write_constant(self.value) }
    }

    /// This number as an operand of anything else.
    pub(super) fn operand(self, recording: &mut Recording<T>) -> u32 {
        if self.tape.is_some() { self.index } else { recording.constant(self.value) }
    }

    /// Records an n-ary node with one output.
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn nary(kind: NaryKind<T>, x: &[Self]) -> Self {
        let Some(tape) = common_tape(x) else {
            return Var::lift(evaluate(&kind, x)[0]);
        };
        let mut recording = tape.filed();
        let operands = nary_operands(&mut recording, x);
        let index = recording.push_nary(kind, operands);
        Var::on(tape, index, recording.values[index as usize])
    }

    /// Records an n-ary node with any number of outputs.
    #[cfg_attr(debug_assertions, track_caller)]
    pub(crate) fn nary_outputs(kind: NaryKind<T>, x: &[Self]) -> Vec<Self> {
        let outputs = kind.outputs(x.len());
        let Some(tape) = common_tape(x) else {
            return evaluate(&kind, x).into_iter().map(Var::lift).collect();
        };
        if outputs == 0 {
            return Vec::new();
        }
        let mut recording = tape.filed();
        let operands = nary_operands(&mut recording, x);
        let first = recording.push_nary(kind, operands);
        let values = &recording.values[first as usize..];
        (first..).zip(values).map(|(index, &value)| Var::on(tape, index, value)).collect()
    }
}

/// The tape of the arguments; `None` if all are constants.
///
/// It is that of the last one: of `total + term` the term, which is new, so
/// that the compiler knows its tape to be that of the operations before.
///
/// # Panics
///
/// If two of them are on different tapes.
#[inline(always)]
#[cfg_attr(debug_assertions, track_caller)]
pub(super) fn common_tape<'t, T: Primitive>(arguments: &[Var<'t, T>]) -> Option<&'t Tape<T>> {
    let mut common: Option<&'t Tape<T>> = None;
    for argument in arguments {
        if let Some(tape) = argument.tape {
            if common.is_some_and(|other| !tape.is(other)) {
                crossed_tapes()
            }
            common = Some(tape);
        }
    }
    common
}

#[cold]
#[inline(never)]
#[cfg_attr(debug_assertions, track_caller)]
pub(super) fn crossed_tapes() -> ! {
    panic!("an operation mixes variables of two tapes")
}

/// The operands of an n-ary node: read in place where they are consecutive.
fn nary_operands<T: Primitive>(recording: &mut Recording<T>, x: &[Var<'_, T>]) -> Operands {
    let count = u32::try_from(x.len()).expect("fewer than 2^32 operands");
    let first = x.first().map_or(0, |x| x.index);
    if x.iter().enumerate().all(|(i, x)| x.tape.is_some() && x.index as usize == first as usize + i) {
        return Operands::Span { first, count };
    }
    let operands: Vec<u32> = x.iter().map(|x| x.operand(recording)).collect();
    Operands::List { offset: recording.list(operands), count }
}

/// An n-ary function of constants.
fn evaluate<T: Primitive>(kind: &NaryKind<T>, x: &[Var<'_, T>]) -> Vec<T> {
    let values: Vec<T> = x.iter().map(|x| x.value).collect();
    crate::nary::evaluate(kind, &values)
}

impl_arithmetic!(['t, T: Primitive] Var<'t, T>, T);
impl_float!(['t, T: Primitive] Var<'t, T>, T);
impl_left_operators!(['t] f32 => Var<'t, f32>, f64 => Var<'t, f64>);

impl<'t, T: Primitive> std::iter::Sum for Var<'t, T> {
    /// One n-ary node.
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        Var::nary(NaryKind::Sum, &terms.collect::<Vec<_>>())
    }
}

/// Comparisons: each is kept, so that a replay notices when its answer changes.
macro_rules! impl_comparisons {
    ($($Rhs:ty),+) => {$(
        impl<T: Primitive> PartialEq<$Rhs> for Var<'_, T> {
            #[cfg_attr(debug_assertions, track_caller)]
            fn eq(&self, other: &$Rhs) -> bool {
                self.ask(Question::Equal, (*other).into()) == Answer::Holds(true)
            }
        }

        impl<T: Primitive> PartialOrd<$Rhs> for Var<'_, T> {
            #[cfg_attr(debug_assertions, track_caller)]
            fn partial_cmp(&self, other: &$Rhs) -> Option<Ordering> {
                match self.ask(Question::Order, (*other).into()) {
                    Answer::Is(order) => order,
                    Answer::Holds(_) => unreachable!("an order was asked for"),
                }
            }

            impl_comparisons!(@operators $Rhs; lt Less, le LessOrEqual, gt Greater, ge GreaterOrEqual);
        }
    )+};
    (@operators $Rhs:ty; $($method:ident $Question:ident),+) => {$(
        #[cfg_attr(debug_assertions, track_caller)]
        fn $method(&self, other: &$Rhs) -> bool {
            self.ask(Question::$Question, (*other).into()) == Answer::Holds(true)
        }
    )+};
}
impl_comparisons!(Self, T);

impl<T: Primitive> Default for Var<'_, T> {
    /// The constant 0.
    fn default() -> Self {
        Var::lift(T::zero())
    }
}

impl<T: Primitive> std::fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.tape {
            Some(_) => write!(f, "{:?} at node {}", self.value, self.index),
            None => write!(f, "{:?} constant", self.value),
        }
    }
}

impl<T: Primitive> std::fmt::Display for Var<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.value, f)
    }
}
