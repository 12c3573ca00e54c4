//! Where a NaN, an infinity or a kink came from.

use std::fmt;
use std::panic::Location;

use super::instruction::Instruction;
use super::{Operands, Recording, Tape, sweep};
use crate::print::Readable;
use crate::rules::{KinkKind, Op, Primitive};

/// An operand of a reported operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operand {
    /// Its value.
    pub value: f64,
    /// Its node on the tape; `None` for a constant.
    pub node: Option<usize>,
}

/// The first NaN or infinity on a tape; see [`Tape::first_nonfinite`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NonFinite {
    /// The node on the tape.
    pub node: usize,
    /// The name of the operation.
    pub operation: String,
    /// What it was applied to.
    pub operands: Vec<Operand>,
    /// What it gave.
    pub value: f64,
    /// The source line that recorded it; known in debug builds.
    pub location: Option<&'static Location<'static>>,
}

/// A point where a recorded operation is not differentiable; see
/// [`Adjoints::kinks`](super::Adjoints::kinks).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Kink {
    /// The node on the tape.
    pub node: usize,
    /// The name of the operation.
    pub operation: String,
    /// What happens there.
    pub kind: KinkKind,
    /// What the operation was applied to.
    pub operands: Vec<Operand>,
    /// The source line that recorded it; known in debug builds.
    pub location: Option<&'static Location<'static>>,
}

impl<T: Primitive> Tape<T> {
    /// The first node whose value is NaN or infinite: where it went wrong.
    ///
    /// ```
    /// use smoothmax::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.vars(&[2.0, 5.0]);
    /// let y = (x[0] - x[1]).ln() + 1.0;
    /// let culprit = tape.first_nonfinite().unwrap();
    /// assert_eq!(culprit.operation, "ln");
    /// assert_eq!(culprit.operands[0].value, -3.0);
    /// assert!(culprit.to_string().starts_with("`ln` of -3 at node 3 is NaN"));
    /// ```
    pub fn first_nonfinite(&self) -> Option<NonFinite> {
        let recording = self.recording();
        let node = recording.values.iter().position(|value| !value.is_finite())?;
        Some(NonFinite {
            node,
            operation: operation(&recording, node),
            operands: operands(&recording, node),
            value: to_f64(recording.values[node]),
            location: recording.location(node),
        })
    }
}

/// The kink of a node, if its operation has one at its operands.
pub(super) fn kink_at<T: Primitive>(recording: &Recording<T>, node: usize) -> Option<Kink> {
    let instruction = recording.instruction(node);
    let kind = match instruction.op {
        Op::Input | Op::Continued => None,
        Op::Nary => {
            let nary = recording.nary(instruction);
            let x = nary_arguments(recording, instruction);
            nary.kind.kink(&x, recording.values[node])
        }
        Op::Preaccumulated => recording.block_kink(node),
        op => {
            let operands = recording.rule_operands(instruction, op.arity());
            let x = recording.arguments(&recording.values, operands, op.arity());
            T::kink(op, &x, recording.values[node])
        }
    }?;
    Some(Kink {
        node,
        operation: operation(recording, node),
        kind,
        operands: operands(recording, node),
        location: recording.location(node),
    })
}

/// The node that evaluates `node`: itself, or the head of its n-ary node.
fn head<T: Primitive>(recording: &Recording<T>, node: usize) -> Instruction {
    let instruction = recording.instruction(node);
    let back = if instruction.op == Op::Continued { instruction.b as usize } else { 0 };
    recording.instruction(node - back)
}

fn operation<T: Primitive>(recording: &Recording<T>, node: usize) -> String {
    let instruction = head(recording, node);
    match instruction.op {
        Op::Nary => recording.nary(instruction).kind.name().to_owned(),
        op => op.name().to_owned(),
    }
}

fn nary_arguments<T: Primitive>(recording: &Recording<T>, instruction: Instruction) -> Vec<T> {
    match recording.nary(instruction).operands {
        Operands::Span { first, count } => recording.values[first as usize..][..count as usize].to_vec(),
        Operands::List { offset, count } => sweep::gather(recording, &recording.values, offset, count),
    }
}

fn operands<T: Primitive>(recording: &Recording<T>, node: usize) -> Vec<Operand> {
    let instruction = head(recording, node);
    let codes: Vec<u32> = match instruction.op {
        Op::Nary => match recording.nary(instruction).operands {
            Operands::Span { first, count } => (first..first + count).collect(),
            Operands::List { offset, count } => recording.listed(offset, count).to_vec(),
        },
        Op::Input => Vec::new(),
        Op::Preaccumulated => {
            recording.partials(instruction.a, instruction.b).iter().map(|partial| partial.operand).collect()
        }
        op => recording.rule_operands(instruction, op.arity())[..op.arity()].to_vec(),
    };
    codes
        .into_iter()
        .map(|code| Operand {
            value: to_f64(recording.number(&recording.values, code)),
            node: Recording::<T>::variable(code),
        })
        .collect()
}

fn to_f64<T: Primitive>(value: T) -> f64 {
    num_traits::ToPrimitive::to_f64(&value).unwrap_or(f64::NAN)
}

/// "`ln` of -3 at node 41", with at most four operands.
fn describe(f: &mut fmt::Formatter<'_>, operation: &str, operands: &[Operand], node: usize) -> fmt::Result {
    const SHOWN: usize = 4;
    write!(f, "`{operation}`")?;
    for (i, operand) in operands.iter().take(SHOWN).enumerate() {
        write!(f, "{}{}", if i == 0 { " of " } else { ", " }, Readable(operand.value))?;
    }
    if operands.len() > SHOWN {
        write!(f, ", .. ({} operands)", operands.len())?;
    }
    write!(f, " at node {node}")
}

fn locate(f: &mut fmt::Formatter<'_>, location: Option<&Location<'_>>) -> fmt::Result {
    location.map_or(Ok(()), |location| write!(f, " ({location})"))
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.operation, &self.operands, self.node)?;
        write!(f, " is {}", Readable(self.value))?;
        locate(f, self.location)
    }
}

impl fmt::Display for Kink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.operation, &self.operands, self.node)?;
        write!(f, " is at a {}", self.kind)?;
        locate(f, self.location)
    }
}
