//! The two passes over a recording, for any number type a rule can run on.
//!
//! With `T` itself the reverse pass gives the gradient. With [`Dual<T>`](crate::Dual)
//! the forward pass gives a directional derivative, and the reverse pass over
//! its values the Hessian times the direction.

use std::borrow::Cow;

use super::instruction::Instruction;
use super::recording::Partial;
use super::{NaryNode, Operands, Recording};
use crate::nary::SliceNumber;
use crate::rules::{Op, Primitive, Row, Visitor, dispatch, eval, table};

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
    for node in 0..recording.len() {
        let instruction = recording.instruction(node);
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
    let mut change = R::constant(0.0);
    for &Partial { operand, slope } in recording.partials(instruction.a, instruction.b) {
        let x = values[operand as usize];
        let x_change = x - R::from_base(x.base());
        if !x_change.is_zero() {
            change = change + R::from_base(slope).chain(x_change);
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
    let (ops, operands, values) =
        (&recording.ops()[..count], &recording.operands()[..count], &values[..count]);
    let inputs = ops.iter().take_while(|&&op| op == Op::Input).count();
    let mut node = count;
    while node > inputs {
        node -= 1;
        let (op, a, b) = (ops[node], operands[node].a(), operands[node].b());
        let instruction = ReverseInstruction { recording, values, adjoints, node, a, b };
        // Sums and products are told apart by comparisons: the processor predicts
        // these at less cost than a jump through a table of all rules.
        if op.is_affine() {
            match op {
                Op::Add => instruction.rule::<table::Add>(),
                Op::Sub => instruction.rule::<table::Sub>(),
                _ => instruction.rule::<table::Neg>(),
            }
        } else if op == Op::Mul {
            instruction.rule::<table::Mul>();
        } else if op == Op::Square {
            instruction.rule::<table::Square>();
        } else if op == Op::Preaccumulated {
            reverse_block(recording.partials(a, b), adjoints, adjoints[node]);
        } else {
            node = reverse_other(recording, values, weights, adjoints, node);
        }
    }
}

/// Reverses what is neither a sum nor a product nor a block; returns its first node.
#[inline(never)]
fn reverse_other<T: Primitive, R: SliceNumber<Base = T>>(
    recording: &Recording<T>,
    values: &[R],
    weights: &[R],
    adjoints: &mut [R],
    node: usize,
) -> usize {
    let Instruction { op, a, b } = recording.instruction(node);
    let first = if op == Op::Continued { node - b as usize } else { node };
    match op {
        Op::Input => {}
        Op::Nary | Op::Continued => reverse_nary(recording, values, weights, adjoints, first),
        // Many rules call a library: not where nothing depends on the node.
        _ if adjoints[node].is_zero() => {}
        _ => dispatch(op, ReverseInstruction { recording, values, adjoints, node, a, b }),
    }
    first
}

/// Reverses one instruction.
struct ReverseInstruction<'a, T, R> {
    recording: &'a Recording<T>,
    values: &'a [R],
    adjoints: &'a mut [R],
    node: usize,
    a: u32,
    b: u32,
}

impl<T: Primitive, R: SliceNumber<Base = T>> Visitor for ReverseInstruction<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn rule<F: Row>(self) {
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

    fn structural(self, op: Op) {
        unreachable!("{op:?} is no rule")
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
    let node = recording.nary(recording.instruction(head));
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
#[inline(always)]
fn reverse_block<T: Primitive, R: SliceNumber<Base = T>>(
    partials: &[Partial<T>],
    adjoints: &mut [R],
    y_bar: R,
) {
    for &Partial { operand, slope } in partials {
        let x_bar = &mut adjoints[operand as usize];
        *x_bar = *x_bar + y_bar.chain(R::from_base(slope));
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
