//! The recorded term on lanes: what sweeps of values and of dual numbers share.
//!
//! Functions in here count by index: in code as large as theirs the compiler
//! stops inlining iterators, and what is merely called keeps the instruction
//! set it was compiled for.

use super::Batch;
use super::selection::Block;
use crate::Error;
use crate::lanes::LANES;
use crate::nary::NaryNumber;
use crate::program::code::{Code, Step};
use crate::program::guards::changed;
use crate::program::replay::{self, Registers};

/// [`replay::forward`] for code that has no runs.
#[inline(always)]
pub(super) fn forward<R: NaryNumber<Base = f64>>(code: &Code<f64>, registers: &mut Registers<R>) {
    for step in &code.steps {
        match step {
            Step::Scalars(scalars) => replay::forward_scalars(code, scalars, &mut registers.values),
            Step::Nary(index) => replay::forward_nary(code, &code.nary[*index as usize], registers, &[]),
            Step::Run(_) => unreachable!("code for lanes is compiled without runs"),
        }
    }
}

/// [`replay::reverse`] for code that has no runs.
#[inline(always)]
pub(super) fn reverse<R: NaryNumber<Base = f64>>(code: &Code<f64>, registers: &mut Registers<R>) {
    for step in code.steps.iter().rev() {
        match step {
            Step::Scalars(scalars) => {
                replay::reverse_scalars(code, scalars, &registers.values, &mut registers.adjoints);
            }
            Step::Nary(index) => {
                replay::reverse_nary(code, &code.nary[*index as usize], registers, &[], &mut [])
            }
            Step::Run(_) => unreachable!("code for lanes is compiled without runs"),
        }
    }
}

impl Batch<'_> {
    /// Checks the comparisons of a block, given the values in a slot.
    #[inline(never)]
    pub(super) fn check_guards(
        &self,
        block: Block<'_>,
        values: impl Fn(u32) -> [f64; LANES],
    ) -> Result<(), Error> {
        for (comparison, guard) in self.code.guards.iter().enumerate() {
            let [left, right] = guard.operands.map(&values);
            let flipped = (0..block.count()).find(|&i| guard.question.ask(left[i], right[i]) != guard.answer);
            if let Some(i) = flipped {
                return Err(changed(comparison, guard, [left[i], right[i]], Some(block.row(i))));
            }
        }
        Ok(())
    }
}
