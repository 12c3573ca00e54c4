//! A listing of a program, for people who debug by looking.

use std::fmt::{self, Display, Formatter};

use super::code::{Code, NaryStep, Run, Step, Strided};
use super::{Program, SmoothedProgram};
use crate::rules::Primitive;
use crate::tape::Operands;

/// Steps shown before the rest is only counted.
const SHOWN: usize = 200;

/// One line for each operation or run: `%7 = mul %3 2.5`, or
/// `%7..%12 = sin %0..%5 step 1`.
///
/// ```
/// use smoothmax::Program;
///
/// let program = Program::record(&[0.0; 2], |x| (x[0] * 2.0).sin() + x[1]);
/// assert_eq!(
///     program.to_string(),
///     "program: 2 inputs, 1 output, 3 operations\n\
///      inputs %1..%2\n\
///      %3 = mul %1 2\n\
///      %4 = sin %3\n\
///      %5 = add %4 %2\n\
///      outputs %5\n"
/// );
/// ```
impl<T: Primitive> Display for Program<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let code = &self.code;
        let plural =
            |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        writeln!(
            f,
            "program: {}, {}, {}",
            plural(self.inputs(), "input"),
            plural(self.outputs(), "output"),
            plural(self.operations(), "operation")
        )?;
        let inputs = code.active();
        if !inputs.is_empty() {
            writeln!(f, "inputs %{}..%{}", inputs.start, inputs.end - 1)?;
        }
        for step in code.steps.iter().take(SHOWN) {
            write_step(f, code, step)?;
        }
        if code.steps.len() > SHOWN {
            writeln!(f, ".. and {} more steps", code.steps.len() - SHOWN)?;
        }
        for guard in &code.guards {
            let [left, right] = guard.operands;
            writeln!(
                f,
                "guard {} {} {}: {:?}",
                Slot(code, left),
                guard.question.symbol(),
                Slot(code, right),
                guard.answer
            )?;
        }
        f.write_str("outputs")?;
        code.outputs.iter().try_for_each(|&slot| write!(f, " {}", Slot(code, slot)))?;
        f.write_str("\n")
    }
}

/// Its sharpness and its gap, then the listing of the program with twins.
///
/// ```
/// use smoothmax::Program;
///
/// let smooth = Program::record(&[0.0], |x| x[0].abs()).smoothed(4.0);
/// assert_eq!(
///     smooth.to_string(),
///     "sharpness %0 = 4, %1 = -4; gap 0.00e0 to 1.73e-1\n\
///      program: 1 input, 1 output, 1 operation\n\
///      inputs %2..%2\n\
///      %3 = smooth_abs %2 %0\n\
///      outputs %3\n"
/// );
/// ```
impl<T: Primitive> Display for SmoothedProgram<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ((low, high), k, end) = (self.gap(), self.sharpness(), self.code.passive().end);
        writeln!(f, "sharpness %{} = {k}, %{} = {}; gap {low:.2e} to {high:.2e}", end - 2, end - 1, -k)?;
        Display::fmt(&**self, f)
    }
}

/// A slot: its number, or the constant in it.
struct Slot<'a, T>(&'a Code<T>, u32);

impl<T: Primitive> Display for Slot<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.constants.get(self.1 as usize) {
            Some(constant) => write!(f, "{constant}"),
            None => write!(f, "%{}", self.1),
        }
    }
}

fn write_step<T: Primitive>(f: &mut Formatter<'_>, code: &Code<T>, step: &Step) -> fmt::Result {
    match step {
        Step::Run(run) => write_run(f, code, run),
        Step::Nary(index) => write_nary(f, code, &code.nary[*index as usize]),
        Step::Scalars(scalars) => {
            for (&instruction, output) in scalars.instructions(code).iter().zip(scalars.output..) {
                let arity = instruction.op.arity();
                write!(f, "%{output} = {}", instruction.op)?;
                for &slot in &code.rule_operands(instruction, arity)[..arity] {
                    write!(f, " {}", Slot(code, slot))?;
                }
                f.write_str("\n")?;
            }
            Ok(())
        }
    }
}

fn write_run<T: Primitive>(f: &mut Formatter<'_>, code: &Code<T>, run: &Run) -> fmt::Result {
    write!(f, "%{}..%{} = {}", run.output, run.output + run.len - 1, run.op)?;
    for &Strided { start, stride } in &run.arguments[..run.op.arity()] {
        if stride == 0 {
            write!(f, " {}", Slot(code, start))?;
            continue;
        }
        let last = i64::from(start) + i64::from(stride) * i64::from(run.len - 1);
        write!(f, " {}..{}", Slot(code, start), Slot(code, last as u32))?;
        if stride != 1 {
            write!(f, " step {stride}")?;
        }
    }
    f.write_str("\n")
}

fn write_nary<T: Primitive>(f: &mut Formatter<'_>, code: &Code<T>, node: &NaryStep<T>) -> fmt::Result {
    let outputs = node.kind.outputs(node.operands.count()) as u32;
    write!(f, "%{}", node.output)?;
    if outputs > 1 {
        write!(f, "..%{}", node.output + outputs - 1)?;
    }
    write!(f, " = {}", node.kind.name())?;
    match node.operands {
        Operands::Span { first, count } => write!(f, " %{first}..%{}", first + count - 1)?,
        Operands::List { offset, count } => {
            for &slot in &code.operand_list[offset as usize..][..count as usize] {
                write!(f, " {}", Slot(code, slot))?;
            }
        }
    }
    f.write_str("\n")
}
