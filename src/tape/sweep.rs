//! The two passes over a recording, for any number type a rule can run on.
//!
//! With `T` itself the reverse pass gives the gradient. With [`Dual<T>`](crate::Dual)
//! the forward pass gives a directional derivative, and the reverse pass over
//! its values the Hessian times the direction.

use std::borrow::Cow;

use super::recording::Instruction;
use super::{NaryNode, Operands, Recording};
use crate::nary::SliceNumber;
use crate::rules::{Op, Primitive, Row, Visitor, dispatch, eval};

/// The values and weights of one evaluation of a recording.
pub(crate) struct Evaluation<R> {
    pub(crate) values: Vec<R>,
    pub(crate) weights: Vec<R>,
}

/// Evaluates a recording, at the point it was recorded at, on numbers that
/// carry derivatives: the inputs in the order they were declared. Those that
/// the function declared itself, beyond them, are constants.
pub(crate) fn forward<T: Primitive, R: SliceNumber<Base = T>>(
    recording: &Recording<T>,
    inputs: impl IntoIterator<Item = R>,
) -> Evaluation<R> {
    let zero = R::constant(0.0);
    let mut inputs = inputs.into_iter();
    let mut values: Vec<R> = Vec::with_capacity(recording.len());
    let mut weights = vec![zero; recording.weights.len()];
    for &instruction in &recording.instructions {
        match instruction.op {
            Op::Input => {
                let constant = R::from_base(recording.values[values.len()]);
                values.push(inputs.next().unwrap_or(constant));
            }
            Op::Nary => forward_nary(recording, instruction, &mut values, &mut weights),
            Op::Continued => {}
            Op::Preaccumulated => values.push(forward_block(recording, instruction, &values)),
            op => {
                let operands = recording.rule_operands(instruction, op.arity());
                values.push(eval(op, &recording.arguments(&values, operands, op.arity())));
            }
        }
    }
    Evaluation { values, weights }
}

/// Appends the outputs of an n-ary node.
fn forward_nary<T: Primitive, R: SliceNumber<Base = T>>(
    recording: &Recording<T>,
    instruction: Instruction,
    values: &mut Vec<R>,
    weights: &mut [R],
) {
    let NaryNode { kind, operands, weights: first_weight } = recording.nary(instruction);
    let count = operands.count();
    let range = *first_weight..*first_weight + kind.weights(count);
    let head = values.len();
    values.resize(head + kind.outputs(count), R::constant(0.0));
    let (before, y) = values.split_at_mut(head);
    let x = match *operands {
        Operands::Span { first, count } => Cow::Borrowed(&before[first as usize..][..count as usize]),
        Operands::List { offset, count } => Cow::Owned(gather(recording, before, offset, count)),
    };
    kind.forward(&x, y, &mut weights[range]);
}

/// The value of a preaccumulated block, and a derivative from its gradient.
fn forward_block<T: Primitive, R: SliceNumber<Base = T>>(
    recording: &Recording<T>,
    instruction: Instruction,
    values: &[R],
) -> R {
    let (operands, partials) = recording.block_operands(instruction);
    let mut change = R::constant(0.0);
    for (&operand, &partial) in operands.iter().zip(&recording.weights[partials]) {
        let x = values[operand as usize];
        let x_change = x - R::from_base(x.base());
        if !x_change.is_zero() {
            change = change + R::from_base(partial).chain(x_change);
        }
    }
    R::tie(recording.values[values.len()], std::iter::once(change))
}

/// Propagates adjoints from the end of `adjoints` to its start. On entry they
/// hold the seeds of the outputs, on return the adjoint of every node.
#[inline(never)]
pub(crate) fn reverse<T: Primitive, R: SliceNumber<Base = T>>(
    recording: &Recording<T>,
    values: &[R],
    weights: &[R],
    adjoints: &mut [R],
) {
    let count = adjoints.len();
    let (instructions, values) = (&recording.instructions[..count], &values[..count]);
    let inputs = instructions.iter().take_while(|instruction| instruction.op == Op::Input).count();
    for node in (inputs..count).rev() {
        let Instruction { op, a, b } = instructions[node];
        dispatch(op, ReverseInstruction { recording, values, weights, adjoints, node, a, b });
    }
}

/// Reverses one instruction.
struct ReverseInstruction<'a, T, R> {
    recording: &'a Recording<T>,
    values: &'a [R],
    weights: &'a [R],
    adjoints: &'a mut [R],
    node: usize,
    a: u32,
    b: u32,
}

impl<T: Primitive, R: SliceNumber<Base = T>> Visitor for ReverseInstruction<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn rule<F: Row>(self) {
        if F::OP.is_arithmetic() {
            // Zero adjoints too: the chain rule keeps them zero, and to ask costs more.
            self.reverse::<F>();
        } else {
            let ReverseInstruction { recording, values, adjoints, node, a, b, .. } = self;
            reverse_call::<T, R, F>(recording, values, adjoints, node, a, b);
        }
    }

    #[inline(always)]
    fn structural(self, op: Op) {
        let ReverseInstruction { recording, values, weights, adjoints, node, .. } = self;
        match op {
            Op::Nary => reverse_nary(recording, values, weights, adjoints, node),
            Op::Preaccumulated => reverse_block(recording, weights, adjoints, node),
            _ => {} // an input, or a further output of an n-ary node
        }
    }
}

impl<T: Primitive, R: SliceNumber<Base = T>> ReverseInstruction<'_, T, R> {
    #[inline(always)]
    fn reverse<F: Row>(self) {
        let operands =
            self.recording.rule_operands(Instruction { op: F::OP, a: self.a, b: self.b }, F::ARITY);
        // The partials of an affine rule are constants, whatever its arguments.
        let arity = if F::OP.is_affine() { 0 } else { F::ARITY };
        let x = self.recording.arguments(self.values, operands, arity);
        let x_bar = F::adjoint(&x, self.values[self.node], self.adjoints[self.node]);
        for i in 0..F::ARITY {
            // A constant, with its top bit set, is the index of no adjoint.
            if let Some(adjoint) = self.adjoints.get_mut(operands[i] as usize) {
                *adjoint = *adjoint + x_bar[i];
            }
        }
    }
}

/// Reverses a rule that calls a library, unless nothing depends on it.
///
/// Not inlined, it leaves the loop over all rules small.
#[inline(never)]
fn reverse_call<T: Primitive, R: SliceNumber<Base = T>, F: Row>(
    recording: &Recording<T>,
    values: &[R],
    adjoints: &mut [R],
    node: usize,
    a: u32,
    b: u32,
) {
    if !adjoints[node].is_zero() {
        ReverseInstruction { recording, values, weights: &[], adjoints, node, a, b }.reverse::<F>();
    }
}

/// Reverses an n-ary node whose first output is `head`.
#[inline(never)]
fn reverse_nary<T: Primitive, R: SliceNumber<Base = T>>(
    recording: &Recording<T>,
    values: &[R],
    weights: &[R],
    adjoints: &mut [R],
    head: usize,
) {
    let node = recording.nary(recording.instructions[head]);
    let kind = &node.kind;
    let outputs = kind.outputs(node.operands.count());
    let weights = &weights[node.weights..][..kind.weights(node.operands.count())];
    let y = &values[head..][..outputs];
    let (before, after) = adjoints.split_at_mut(head);
    let y_bar = &after[..outputs];
    if y_bar.iter().all(|y_bar| y_bar.is_zero()) {
        return;
    }
    match node.operands {
        Operands::Span { first, count } => {
            let span = first as usize..(first + count) as usize;
            kind.reverse(&values[span.clone()], y, weights, y_bar, &mut before[span]);
        }
        Operands::List { offset, count } if kind.weights_are_gradient() => {
            for (&operand, &weight) in recording.listed(offset, count).iter().zip(weights) {
                if let Some(variable) = Recording::<T>::variable(operand) {
                    before[variable] = before[variable] + y_bar[0].chain(weight);
                }
            }
        }
        Operands::List { offset, count } => {
            let x = gather(recording, values, offset, count);
            let mut x_bar = vec![R::constant(0.0); x.len()];
            kind.reverse(&x, y, weights, y_bar, &mut x_bar);
            for (&operand, x_bar) in recording.listed(offset, count).iter().zip(x_bar) {
                if let Some(variable) = Recording::<T>::variable(operand) {
                    before[variable] = before[variable] + x_bar;
                }
            }
        }
    }
}

/// Reverses a preaccumulated block.
#[inline(never)]
fn reverse_block<T: Primitive, R: SliceNumber<Base = T>>(
    recording: &Recording<T>,
    weights: &[R],
    adjoints: &mut [R],
    node: usize,
) {
    let y_bar = adjoints[node];
    let (operands, partials) = recording.block_operands(recording.instructions[node]);
    for (&operand, &partial) in operands.iter().zip(&weights[partials]) {
        adjoints[operand as usize] = adjoints[operand as usize] + y_bar.chain(partial);
    }
}

/// The numbers that listed operands stand for.
pub(super) fn gather<T: Primitive, R: SliceNumber<Base = T>>(
    recording: &Recording<T>,
    values: &[R],
    offset: u32,
    count: u32,
) -> Vec<R> {
    recording.listed(offset, count).iter().map(|&operand| recording.number(values, operand)).collect()
}
