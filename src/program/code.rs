//! The compiled form of a recording: numbered slots, and steps that fill them.
//!
//! ```text
//! slots:    [ constants | passive inputs | passive results | active inputs | active results | local results ]
//! values:   [ constants | passive inputs | passive results | active inputs | active results | a tile ]
//! adjoints:                                                [ active inputs | active results | a tile ]
//! ```
//!
//! Every result has a slot, in the order in which the steps compute them; a
//! step reads none that a later one writes. *Passive* is what no derivative is
//! asked for, and what depends on nothing else; it stands below the first
//! active slot, so the bounds check of the adjoint array is also the question
//! whether an operand has an adjoint. *Local* results, numbered last, are those
//! that only their own [tiled part](Tiled) uses: memory is kept for one tile of
//! them, which all parts share.

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
    /// The slots written.
    pub(crate) fn results(&self) -> Range<usize> {
        self.output as usize..(self.output + self.len) as usize
    }

    /// The slots between the ends of an argument.
    pub(crate) fn argument_range(&self, i: usize) -> Range<usize> {
        let (first, last) = (self.arguments[i].slot(0), self.arguments[i].slot(self.len as usize - 1));
        first.min(last)..first.max(last) + 1
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

/// How many elements of a tiled part are taken through memory together.
pub(crate) const TILE: u32 = 256;

/// The most steps in a tiled part, so that comparing them stays linear in their number.
pub(crate) const MOST_TILED: usize = 64;

/// What is evaluated together.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A step on its own.
    Step(usize),
    Tiled(Tiled),
}

impl Part {
    /// Which of [`Code::steps`].
    pub(crate) fn steps(&self) -> Range<usize> {
        match self {
            Part::Step(step) => *step..*step + 1,
            Part::Tiled(tiled) => tiled.steps.clone(),
        }
    }
}

/// Runs of one length, and sums of all results of one, in which element `j`
/// needs only elements `j` of the others: they can go through memory a tile of
/// elements at a time.
#[derive(Clone, Debug)]
pub(crate) struct Tiled {
    /// Which of [`Code::steps`].
    pub(crate) steps: Range<usize>,
    /// The length of each run.
    pub(crate) len: u32,
    /// The slot of its first local result.
    pub(crate) first_local: u32,
    /// How many of the runs are local.
    pub(crate) locals: u32,
}

impl Tiled {
    /// Where the value is that the part has in a slot, for elements of the
    /// first tile: a tile of each local run stands behind what is stored.
    pub(crate) fn place(&self, stored: usize, slot: u32) -> u32 {
        let stored = stored as u32;
        if slot < stored { slot } else { stored + (slot - self.first_local) / self.len * TILE }
    }
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

impl<T: 'static> NaryStep<T> {
    /// The slots written.
    #[inline(always)]
    pub(crate) fn results(&self) -> Range<usize> {
        let output = self.output as usize;
        output..output + self.kind.outputs(self.operands.count())
    }
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
    /// The slots that are not local.
    pub(crate) stored: usize,
    pub(crate) steps: Vec<Step>,
    /// A partition of the steps.
    pub(crate) parts: Vec<Part>,
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
    /// Whether all that reads active inputs are runs and consecutive operands,
    /// so that the inputs need no copy among the values of a replay, nor their
    /// adjoints one among its adjoints.
    pub(crate) in_place: bool,
    /// The tiled part that a gradient can evaluate and reverse tile by tile: the
    /// adjoints of its results do not depend on any value.
    pub(crate) one_pass: Option<usize>,
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

    /// The number of values that a replay keeps.
    pub(crate) fn values(&self) -> usize {
        let tiles = self.parts.iter().map(|part| match part {
            Part::Step(_) => 0,
            Part::Tiled(tiled) => tiled.locals,
        });
        self.stored + (tiles.max().unwrap_or(0) * TILE) as usize
    }

    /// The number of adjoints that a replay keeps.
    pub(crate) fn adjoints(&self) -> usize {
        self.values() - self.first_active
    }

    /// Renames every slot; those of a run stay together.
    pub(crate) fn rename_slots(&mut self, name: impl Fn(u32) -> u32) {
        for step in &mut self.steps {
            match step {
                Step::Run(run) => {
                    run.output = name(run.output);
                    let arguments = &mut run.arguments[..run.op.arity()];
                    arguments.iter_mut().for_each(|argument| argument.start = name(argument.start));
                }
                Step::Scalars(scalars) => scalars.output = name(scalars.output),
                Step::Nary(_) => {}
            }
        }
        for instruction in self.instructions.iter_mut().filter(|instruction| instruction.op.arity() < 3) {
            instruction.a = name(instruction.a);
            instruction.b = name(instruction.b);
        }
        for node in &mut self.nary {
            node.output = name(node.output);
            if let Operands::Span { first, .. } = &mut node.operands {
                *first = name(*first);
            }
        }
        let listed = self.operand_list.iter_mut().chain(&mut self.outputs);
        let compared = self.guards.iter_mut().flat_map(|guard| &mut guard.operands);
        listed.chain(compared).for_each(|slot| *slot = name(*slot));
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
