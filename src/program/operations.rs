//! The operations of a compiled program one by one: what analyses walk, which
//! care about neither runs nor speed.

use super::code::{Code, Step};
use crate::nary::NaryKind;
use crate::rules::{Op, Primitive};
use crate::tape::Operands;

/// An operation; arguments, operands and outputs are slots.
pub(super) enum Operation<'a, T> {
    /// A rule of the table.
    Rule { op: Op, arguments: Arguments, output: u32 },
    /// An n-ary node; further outputs follow the first.
    Nary { kind: &'a NaryKind<T>, operands: Vec<u32>, output: u32 },
}

/// The slots of a rule's arguments: one to three.
pub(super) struct Arguments {
    slots: [u32; 3],
    count: usize,
}

impl std::ops::Deref for Arguments {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.slots[..self.count]
    }
}

impl<T: Primitive> Code<T> {
    /// Every operation, each after those it depends on.
    pub(super) fn operations_in_order(&self) -> impl DoubleEndedIterator<Item = Operation<'_, T>> {
        self.steps.iter().flat_map(move |step| (0..self.len(step)).map(move |j| self.operation(step, j)))
    }

    fn len(&self, step: &Step) -> u32 {
        match step {
            Step::Run(run) => run.len,
            Step::Scalars(scalars) => scalars.range.len() as u32,
            Step::Nary(_) => 1,
        }
    }

    fn operation(&self, step: &Step, j: u32) -> Operation<'_, T> {
        match step {
            Step::Run(run) => {
                let slots = run.arguments.map(|argument| argument.slot(j as usize) as u32);
                let arguments = Arguments { slots, count: run.op.arity() };
                Operation::Rule { op: run.op, arguments, output: run.output + j }
            }
            Step::Scalars(scalars) => {
                let instruction = scalars.instructions(self)[j as usize];
                let (op, count) = (instruction.op, instruction.op.arity());
                let arguments = Arguments { slots: self.rule_operands(instruction, count), count };
                Operation::Rule { op, arguments, output: scalars.output + j }
            }
            Step::Nary(index) => {
                let node = &self.nary[*index as usize];
                let operands = node.operands.slots(&self.operand_list);
                Operation::Nary { kind: &node.kind, operands, output: node.output }
            }
        }
    }
}

impl Operands {
    /// The slots that an n-ary node reads.
    pub(super) fn slots(self, operand_list: &[u32]) -> Vec<u32> {
        match self {
            Operands::Span { first, count } => (first..first + count).collect(),
            Operands::List { offset, count } => operand_list[offset as usize..][..count as usize].to_vec(),
        }
    }
}
