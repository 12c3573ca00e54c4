//! Whether a gradient needs one pass over the last tiled part, not two.
//!
//! Let `y = g(t)` with `t` what leaves the last tiled part, and `g` linear: the
//! sum of many terms is the case in point. The adjoints `g'` of `t` are known
//! before `t` is, so each tile can be reversed as soon as it is evaluated.

use crate::nary::NaryKind;
use crate::program::code::{Code, Part, Step};
use crate::rules::{Op, Primitive};

/// The last tiled part, if all that follows is linear and nothing compared: a
/// comparison that flips must not leave half a gradient.
pub(super) fn last_part<T: Primitive>(code: &Code<T>) -> Option<usize> {
    let last = code.parts.iter().rposition(|part| matches!(part, Part::Tiled(_)))?;
    let mut rest = code.parts[last + 1..].iter().flat_map(|part| &code.steps[part.steps()]);
    (code.guards.is_empty() && rest.all(|step| is_linear(code, step))).then_some(last)
}

/// Whether the reverse of a step asks for no value of an active slot.
fn is_linear<T: Primitive>(code: &Code<T>, step: &Step) -> bool {
    let is_passive = |slot: u32| (slot as usize) < code.first_active;
    let rule = |op: Op, a: u32, b: u32| op.is_affine() || op == Op::Mul && (is_passive(a) || is_passive(b));
    match step {
        Step::Run(run) => rule(run.op, run.arguments[0].start, run.arguments[1].start),
        Step::Scalars(scalars) => scalars.instructions(code).iter().all(|i| rule(i.op, i.a, i.b)),
        Step::Nary(node) => matches!(code.nary[*node as usize].kind, NaryKind::Sum | NaryKind::Dot(_)),
    }
}
