//! The pass that rounds off kinks: every exact `max`, `min`, `|x|` and
//! `max(x, 0)` of a program becomes its smooth twin.
//!
//! | exact | twin |
//! |---|---|
//! | `max(a, b)` | `ln(e^{ka} + e^{kb}) / k` |
//! | `min(a, b)` | `-ln(e^{-ka} + e^{-kb}) / k` |
//! | `max x_i`, `min x_i` | `±ln Σ e^{±k x_i} / k` |
//! | `|x|` | `ln(e^{kx} + e^{-kx}) / k` |
//! | `max(x, 0)` | `ln(1 + e^{kx}) / k` |
//!
//! A twin stands where the exact operation stood, so schedule and runs remain
//! as they are. The sharpnesses `k` and `-k` are two new passive inputs, the
//! last ones; every slot after them moves up by two.

use super::code::{Code, Identity, Part, Run, Step, Strided};
use super::compile::are_in_place;
use crate::nary::NaryKind;
use crate::rules::{Op, Primitive};
use crate::smooth::{Smoothing, smoothing};
use crate::tape::{Instruction, Operands};

/// The passive inputs that the pass adds: `k` and `-k`.
const SHARPNESSES: u32 = 2;

/// The smooth twin of a rule, if the rule has one, and its row of the public table.
pub(super) fn twin(op: Op) -> Option<(Op, &'static Smoothing)> {
    let (twin, name) = match op {
        Op::Max => (Op::SmoothMaxPair, "smooth_max"),
        Op::Min => (Op::SmoothMinPair, "smooth_min"),
        Op::Abs => (Op::SmoothAbs, "smooth_abs"),
        Op::Relu => (Op::SmoothRelu, "smooth_relu"),
        _ => return None,
    };
    Some((twin, row(name)))
}

/// The row of the twin of an n-ary node, if it has one.
pub(super) fn nary_twin<T>(kind: &NaryKind<T>) -> Option<&'static Smoothing> {
    match kind {
        NaryKind::Max => Some(row("smooth_max")),
        NaryKind::Min => Some(row("smooth_min")),
        _ => None,
    }
}

fn row(name: &str) -> &'static Smoothing {
    smoothing(name).expect("the table has a row for every twin")
}

/// The program with twins. Its passive inputs end in `k` and `-k`.
pub(super) fn with_twins<T: Primitive>(exact: &Code<T>) -> Code<T> {
    let mut code = exact.clone();
    code.identity = Identity::new();
    let positive = code.passive().end as u32;
    make_room(&mut code, positive);
    let Code { steps, instructions, operand_list, nary, weights, gathered, .. } = &mut code;
    for step in steps {
        if let Step::Run(run) = step
            && let Some((twin, _)) = twin(run.op)
        {
            run.arguments[run.op.arity()] = Strided { start: positive, stride: 0 };
            *run = Run { op: twin, ..*run };
        }
    }
    for instruction in instructions {
        if let Some((twin, _)) = twin(instruction.op) {
            *instruction = match (instruction.op.arity(), instruction.a, instruction.b) {
                (1, a, _) => Instruction { op: twin, a, b: positive },
                (_, a, b) => Instruction { op: twin, a: list(operand_list, [a, b, positive]), b: 0 },
            };
        }
    }
    for node in nary {
        let sharpness = match node.kind {
            NaryKind::Max => positive,
            NaryKind::Min => positive + 1,
            _ => continue,
        };
        let operands = node.operands.slots(operand_list);
        let count = operands.len() + 1;
        let offset = list(operand_list, operands.into_iter().chain([sharpness]));
        node.kind = NaryKind::SmoothMaxAt;
        node.operands = Operands::List { offset, count: count as u32 };
        node.weights = *weights;
        *weights += node.kind.weights(count);
        *gathered = count.max(*gathered);
    }
    // An input that stood in a span may stand in a list now.
    code.in_place = exact.in_place && are_in_place(&code);
    code
}

/// Appends slots to the operand list; returns their place.
fn list(operand_list: &mut Vec<u32>, slots: impl IntoIterator<Item = u32>) -> u32 {
    let offset = operand_list.len() as u32;
    operand_list.extend(slots);
    offset
}

/// Opens the slots of the sharpnesses at `place`.
fn make_room<T: Primitive>(code: &mut Code<T>, place: u32) {
    code.passive_inputs += SHARPNESSES as usize;
    code.first_active += SHARPNESSES as usize;
    code.slots += SHARPNESSES as usize;
    code.stored += SHARPNESSES as usize;
    for part in &mut code.parts {
        if let Part::Tiled(tiled) = part {
            tiled.first_local += SHARPNESSES;
        }
    }
    code.rename_slots(|slot| if slot < place { slot } else { slot + SHARPNESSES });
}
