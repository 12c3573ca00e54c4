//! Whether the comparisons of a recording still have the same answers.

use super::code::Code;
use crate::Error;
use crate::rules::{Primitive, Valued};
use crate::tape::Guard;

impl<T: Primitive> Code<T> {
    /// Checks every comparison at the values of a forward sweep; `row` is named
    /// if there is an error.
    #[inline]
    pub(crate) fn check_guards<R: Valued<Base = T>>(
        &self,
        values: &[R],
        row: Option<usize>,
    ) -> Result<(), Error> {
        let operands = |guard: &Guard| guard.operands.map(|slot| values[slot as usize].base());
        let flipped = self.guards.iter().position(|guard| {
            let [left, right] = operands(guard);
            guard.question.ask(left, right) != guard.answer
        });
        flipped.map_or(Ok(()), |comparison| {
            let guard = &self.guards[comparison];
            Err(changed(comparison, guard, operands(guard), row))
        })
    }
}

/// The error of a guard whose answer changed.
#[cold]
pub(crate) fn changed<T: Primitive>(
    comparison: usize,
    guard: &Guard,
    operands: [T; 2],
    row: Option<usize>,
) -> Error {
    let [left, right] = operands.map(|operand| num_traits::ToPrimitive::to_f64(&operand).unwrap_or(f64::NAN));
    Error::BranchChanged {
        comparison,
        operator: guard.question.symbol(),
        left,
        right,
        row,
        location: guard.location,
    }
}
