//! The operations of a compiled program one by one: what analyses walk, which
//! care about neither runs nor speed.

use super::code::{Code, Step};
use crate::nary::NaryKind;
use crate::rules::{Op, Primitive};
use crate::tape::Operands;

/// An operation; arguments, operands and outputs are slots.
pub(crate) enum Operation<'a, T> {
    /// A rule of the table.
    Rule { op: Op, arguments: &'a [u32], output: u32 },
    /// An n-ary node; further outputs follow the first.
    Nary { kind: &'a NaryKind<T>, operands: &'a [u32], output: u32 },
}

impl<T: Primitive> Code<T> {
    /// Visits every operation, each after those it depends on.
    pub(super) fn for_each_operation(&self, mut visit: impl FnMut(Operation<'_, T>)) {
        for step in &self.steps {
            match step {
                Step::Run(run) => {
                    let arity = run.op.arity();
                    for j in 0..run.len {
                        let arguments = run.arguments.map(|argument| argument.slot(j as usize) as u32);
                        let output = run.output + j;
                        visit(Operation::Rule { op: run.op, arguments: &arguments[..arity], output });
                    }
                }
                Step::Scalars(scalars) => {
                    for (&instruction, output) in scalars.instructions(self).iter().zip(scalars.output..) {
                        let arity = instruction.op.arity();
                        let arguments = self.rule_operands(instruction, arity);
                        visit(Operation::Rule { op: instruction.op, arguments: &arguments[..arity], output });
                    }
                }
                Step::Nary(index) => {
                    let node = &self.nary[*index as usize];
                    let operands = node.operands.slots(&self.operand_list);
                    visit(Operation::Nary { kind: &node.kind, operands: &operands, output: node.output });
                }
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
