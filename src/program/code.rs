//! The compiled form of a recording: numbered slots, and steps that fill them.
//!
//! ```text
//! slots:    [ constants | passive inputs | passive results | active inputs | active results ]
//! adjoints:                                                [ active inputs | active results ]
//! ```
//!
//! Results stand in the order in which the steps compute them, so that a step
//! reads only below the slots it writes. *Passive* is what no derivative is
//! asked for, and what depends on nothing else; it stands below the first
//! active slot, so the bounds check of the adjoint array is also the question
//! whether an operand has an adjoint.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::nary::NaryKind;
use crate::rules::{Op, Primitive};
use crate::tape::{Guard, Instruction, Operands};

/// One argument of a [`Run`]: slot `start + j * stride` for its element `j`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strided {
    pub(crate) start: u32,
    pub(crate) stride: i32,
}

/// One rule applied `len` times, with arguments at constant strides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) op: Op,
    pub(crate) len: u32,
    /// The first slot written.
    pub(crate) output: u32,
    pub(crate) arguments: [Strided; 3],
}

impl Run {
    /// The elements from `first`, at most `count` of them, as a run.
    pub(crate) fn tile(&self, first: u32, count: u32) -> Run {
        let argument = |i: usize| {
            let Strided { start, stride } = self.arguments[i];
            Strided { start: start.wrapping_add_signed(first as i32 * stride), stride }
        };
        Run {
            op: self.op,
            len: count.min(self.len - first),
            output: self.output + first,
            arguments: [argument(0), argument(1), argument(2)],
        }
    }
}

/// Instructions without a common pattern, each writing the slot after the last.
#[derive(Clone, Debug)]
pub(crate) struct Scalars {
    /// The first slot written.
    pub(crate) output: u32,
    /// Which of [`Code::instructions`].
    pub(crate) range: Range<u32>,
}

impl Scalars {
    /// The instructions; each writes the slot after that of the one before.
    #[inline(always)]
    pub(crate) fn instructions<'a, T>(&self, code: &'a Code<T>) -> &'a [Instruction] {
        &code.instructions[self.range.start as usize..self.range.end as usize]
    }
}

/// One step of a replay.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Run(Run),
    Scalars(Scalars),
    /// One of [`Code::nary`].
    Nary(u32),
}

/// An n-ary node.
#[derive(Clone)]
pub(crate) struct NaryStep<T> {
    pub(crate) kind: NaryKind<T>,
    /// The first slot written.
    pub(crate) output: u32,
    /// Slots: consecutive ones, or a range of [`Code::operand_list`].
    pub(crate) operands: Operands,
    /// Where its weights start.
    pub(crate) weights: usize,
}

/// A number that no two compiled recordings of one process share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64);

impl Identity {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Identity(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A compiled recording.
#[derive(Clone)]
pub(crate) struct Code<T> {
    /// Tells programs apart, so that none runs in another's workspace.
    pub(crate) identity: Identity,
    pub(crate) constants: Vec<T>,
    pub(crate) passive_inputs: usize,
    pub(crate) active_inputs: usize,
    pub(crate) first_active: usize,
    pub(crate) slots: usize,
    pub(crate) steps: Vec<Step>,
    /// A partition of the steps: the runs of one part are evaluated together.
    pub(crate) parts: Vec<Range<usize>>,
    /// Operands are slots; a rule of three arguments has in `a` their place in
    /// the operand list.
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) operand_list: Vec<u32>,
    pub(crate) nary: Vec<NaryStep<T>>,
    /// How many weights the n-ary nodes keep.
    pub(crate) weights: usize,
    /// The most operands that are copied together for an n-ary node.
    pub(crate) gathered: usize,
    pub(crate) outputs: Vec<u32>,
    pub(crate) guards: Vec<Guard>,
}

impl<T: Primitive> Code<T> {
    /// The slots of the passive inputs.
    pub(crate) fn passive(&self) -> Range<usize> {
        self.constants.len()..self.constants.len() + self.passive_inputs
    }

    /// The slots of the active inputs.
    pub(crate) fn active(&self) -> Range<usize> {
        self.first_active..self.first_active + self.active_inputs
    }

    /// The number of adjoints.
    pub(crate) fn adjoints(&self) -> usize {
        self.slots - self.first_active
    }

    /// The operands of instruction `i`; of a rule with fewer than three, the
    /// rest is unspecified.
    #[inline(always)]
    pub(crate) fn rule_operands(&self, instruction: Instruction, arity: usize) -> [u32; 3] {
        match arity {
            1 => [instruction.a; 3],
            2 => [instruction.a, instruction.b, instruction.a],
            _ => {
                let list = &self.operand_list[instruction.a as usize..][..3];
                [list[0], list[1], list[2]]
            }
        }
    }

    /// The number of operations in one evaluation.
    pub(crate) fn operations(&self) -> usize {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Run(run) => run.len as usize,
                Step::Scalars(scalars) => scalars.range.len(),
                Step::Nary(_) => 1,
            })
            .sum()
    }

    /// The bytes of the compiled form.
    pub(crate) fn memory(&self) -> usize {
        size_of_val(&self.constants[..])
            + size_of_val(&self.steps[..])
            + size_of_val(&self.parts[..])
            + size_of_val(&self.instructions[..])
            + size_of_val(&self.operand_list[..])
            + size_of_val(&self.nary[..])
            + size_of_val(&self.outputs[..])
            + size_of_val(&self.guards[..])
    }
}
