//! The two sweeps over compiled code, for any number type.
//!
//! ```text
//! forward:   value[y] = f(value[a], value[b])            for each step, in order
//! reverse:   adjoint[a] += adjoint[y] ∂f/∂a, ..; adjoint[y] = 0     in reverse order
//! ```
//!
//! Long runs go through memory in [tiles]. With `T` itself the sweeps give
//! values and gradients, with [`Dual<T>`](crate::Dual) Hessian-vector products.

use super::code::{Code, NaryStep, Part, Run, Scalars, Step};
use super::memory::{Sources, Targets};
use super::{strided, tiles};
use crate::nary::NaryNumber;
use crate::rules::{Arguments, Number, Op, Primitive, Row, Visitor, arguments, dispatch};
use crate::tape::{Instruction, Operands};

/// The numbers of one replay.
pub(crate) struct Registers<R> {
    pub(crate) values: Vec<R>,
    /// Of the active slots. Those of results are zero between replays.
    pub(crate) adjoints: Vec<R>,
    weights: Vec<R>,
    /// Operands of an n-ary node that are not consecutive, and their adjoints.
    gathered: Vec<R>,
    gathered_bar: Vec<R>,
}

impl<R: Number> Registers<R> {
    /// Registers with room for a program, still without numbers.
    pub(crate) fn reserve<T>(code: &Code<T>) -> Self
    where
        T: Primitive,
    {
        Registers {
            values: Vec::with_capacity(code.values()),
            adjoints: Vec::with_capacity(code.adjoints()),
            weights: Vec::with_capacity(code.weights),
            gathered: Vec::with_capacity(code.gathered),
            gathered_bar: Vec::with_capacity(code.gathered),
        }
    }

    /// Fills the registers at their first use: constants, and zeros elsewhere.
    #[inline]
    pub(crate) fn prepare(&mut self, code: &Code<R::Base>) {
        if !self.values.is_empty() {
            return;
        }
        let zero = R::constant(0.0);
        self.values.extend(code.constants.iter().map(|&constant| R::from_base(constant)));
        self.values.resize(code.values(), zero);
        self.adjoints.resize(code.adjoints(), zero);
        self.weights.resize(code.weights, zero);
        self.gathered.resize(code.gathered, zero);
        self.gathered_bar.resize(code.gathered, zero);
    }

    /// Moves out the adjoints of the inputs, so that they are zero again.
    pub(crate) fn take_adjoints(&mut self, code: &Code<R::Base>) -> impl Iterator<Item = R> {
        let adjoints = self.adjoints[..code.active_inputs].iter_mut();
        adjoints.map(|adjoint| std::mem::replace(adjoint, R::constant(0.0)))
    }

    /// Adds to the adjoint of a slot, if it has one.
    #[inline(always)]
    pub(crate) fn seed(&mut self, code: &Code<R::Base>, slot: u32, adjoint: R) {
        add_to(&mut self.adjoints, code.first_active, slot, adjoint);
    }
}

/// Adds to the adjoint of a slot, if it is an active one.
#[inline(always)]
fn add_to<R: Number>(adjoints: &mut [R], first_active: usize, slot: u32, adjoint: R) {
    if let Some(sum) = adjoints.get_mut((slot as usize).wrapping_sub(first_active)) {
        *sum = *sum + adjoint;
    }
}

/// Evaluates every slot from the constants and inputs; `inputs` are the active
/// ones if they are [in place](Code::in_place), else nothing.
pub(crate) fn forward<R: NaryNumber>(code: &Code<R::Base>, registers: &mut Registers<R>, inputs: &[R]) {
    forward_parts(code, &code.parts, registers, inputs);
}

fn forward_parts<R: NaryNumber>(
    code: &Code<R::Base>,
    parts: &[Part],
    registers: &mut Registers<R>,
    inputs: &[R],
) {
    for part in parts {
        match part {
            Part::Tiled(part) => tiles::forward(code, part, &mut registers.values, inputs),
            Part::Step(step) => match &code.steps[*step] {
                Step::Run(run) => forward_run(code, run, &mut registers.values, inputs),
                Step::Scalars(scalars) => forward_scalars(code, scalars, &mut registers.values),
                Step::Nary(node) => forward_nary(code, &code.nary[*node as usize], registers, inputs),
            },
        }
    }
}

/// Propagates the seeded adjoints to the inputs, and leaves those of all
/// results at zero; to `gradient` if the inputs are [in place](Code::in_place).
pub(crate) fn reverse<R: NaryNumber>(
    code: &Code<R::Base>,
    registers: &mut Registers<R>,
    inputs: &[R],
    gradient: &mut [R],
) {
    reverse_parts(code, &code.parts, registers, inputs, gradient);
}

/// Both sweeps, in one pass over the [last tiled part](Code::one_pass).
pub(super) fn forward_and_reverse<R: NaryNumber>(
    code: &Code<R::Base>,
    part: usize,
    registers: &mut Registers<R>,
    inputs: &[R],
    gradient: &mut [R],
) {
    let (before, after) = (&code.parts[..part], &code.parts[part + 1..]);
    let Part::Tiled(part) = &code.parts[part] else {
        unreachable!("it is a tiled part");
    };
    forward_parts(code, before, registers, inputs);
    reverse_parts(code, after, registers, inputs, gradient);
    tiles::forward_and_reverse(code, part, &mut registers.values, &mut registers.adjoints, inputs, gradient);
    forward_parts(code, after, registers, inputs);
    reverse_parts(code, before, registers, inputs, gradient);
}

fn reverse_parts<R: NaryNumber>(
    code: &Code<R::Base>,
    parts: &[Part],
    registers: &mut Registers<R>,
    inputs: &[R],
    gradient: &mut [R],
) {
    for part in parts.iter().rev() {
        let Registers { values, adjoints, .. } = registers;
        match part {
            Part::Tiled(part) => tiles::reverse(code, part, values, adjoints, inputs, gradient),
            Part::Step(step) => match &code.steps[*step] {
                Step::Run(run) => reverse_run(code, run, [false; 3], values, adjoints, inputs, gradient),
                Step::Scalars(scalars) => reverse_scalars(code, scalars, values, adjoints),
                Step::Nary(node) => {
                    reverse_nary(code, &code.nary[*node as usize], registers, inputs, gradient);
                }
            },
        }
    }
}

pub(super) fn forward_run<R: NaryNumber>(code: &Code<R::Base>, run: &Run, values: &mut [R], inputs: &[R]) {
    let (results, sources) = Sources::around(run.results(), code.first_active, inputs, values);
    strided::forward(run, sources, results);
}

/// Passive runs have no adjoints. What is added to an argument `is_first` of
/// all, so it replaces what is there.
pub(super) fn reverse_run<R: NaryNumber>(
    code: &Code<R::Base>,
    run: &Run,
    is_first: [bool; 3],
    values: &[R],
    adjoints: &mut [R],
    inputs: &[R],
    gradient: &mut [R],
) {
    let (slots, first_active) = (run.results(), code.first_active);
    if slots.start >= first_active {
        let y = &values[slots.clone()];
        let sources = Sources::all(first_active, inputs, values);
        let (y_bar, targets) = Targets::around(slots, first_active, gradient, adjoints);
        strided::reverse(run, sources, y, y_bar, targets, is_first);
        if (run.output as usize) < code.stored {
            y_bar.fill(R::constant(0.0));
        }
    }
}

#[inline(always)]
pub(crate) fn forward_scalars<R: NaryNumber>(code: &Code<R::Base>, scalars: &Scalars, values: &mut [R]) {
    // Counted by index: in code as large as this, iterators are not inlined.
    let (instructions, first) = (scalars.instructions(code), scalars.output as usize);
    for i in 0..instructions.len() {
        let instruction = instructions[i];
        dispatch(instruction.op, ForwardScalar { code, instruction, values, output: first + i });
    }
}

struct ForwardScalar<'a, T, R> {
    code: &'a Code<T>,
    instruction: Instruction,
    values: &'a mut [R],
    output: usize,
}

/// An instruction with any rule: one call for all that are not inlined.
#[inline(never)]
fn forward_by_code<R: NaryNumber>(
    code: &Code<R::Base>,
    instruction: Instruction,
    values: &mut [R],
    output: usize,
) {
    let (op, arity) = (instruction.op, instruction.op.arity());
    let operands = code.rule_operands(instruction, arity);
    let x = arguments(arity, |i| values[operands[i] as usize]);
    values[output] = R::value_of(op, &x);
}

impl<T: Primitive, R: NaryNumber<Base = T>> Visitor for ForwardScalar<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn rule<F: Row>(self) {
        if const { !R::INLINED.contains(F::OP) } {
            return forward_by_code(self.code, self.instruction, self.values, self.output);
        }
        let operands = self.code.rule_operands(self.instruction, F::ARITY);
        let x = arguments(F::ARITY, |i| self.values[operands[i] as usize]);
        self.values[self.output] =
            if const { F::OP.is_arithmetic() } { F::value(&x) } else { library_value::<F, R>(&x) };
    }

    fn structural(self, op: Op) {
        unreachable!("{op:?} is not a scalar instruction")
    }
}

#[inline(always)]
pub(crate) fn reverse_scalars<R: NaryNumber>(
    code: &Code<R::Base>,
    scalars: &Scalars,
    values: &[R],
    adjoints: &mut [R],
) {
    let (instructions, first) = (scalars.instructions(code), scalars.output as usize);
    let mut i = instructions.len();
    while i > 0 {
        i -= 1;
        let instruction = instructions[i];
        dispatch(instruction.op, ReverseScalar { code, instruction, values, adjoints, output: first + i });
    }
}

struct ReverseScalar<'a, T, R> {
    code: &'a Code<T>,
    instruction: Instruction,
    values: &'a [R],
    adjoints: &'a mut [R],
    output: usize,
}

/// An instruction with any rule: one call for all that are not inlined.
#[inline(never)]
fn reverse_by_code<R: NaryNumber>(
    code: &Code<R::Base>,
    instruction: Instruction,
    values: &[R],
    adjoints: &mut [R],
    output: usize,
) {
    let Some(place) = adjoints.get_mut(output.wrapping_sub(code.first_active)) else {
        return;
    };
    let y_bar = std::mem::replace(place, R::constant(0.0));
    if y_bar.is_zero() {
        return;
    }
    let (op, arity) = (instruction.op, instruction.op.arity());
    let operands = code.rule_operands(instruction, arity);
    let x = arguments(arity, |i| values[operands[i] as usize]);
    let x_bar = R::adjoint_of(op, &x, values[output], y_bar);
    for i in 0..arity {
        add_to(adjoints, code.first_active, operands[i], x_bar[i]);
    }
}

impl<T: Primitive, R: NaryNumber<Base = T>> Visitor for ReverseScalar<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn rule<F: Row>(self) {
        if const { !R::INLINED.contains(F::OP) } {
            let ReverseScalar { code, instruction, values, adjoints, output } = self;
            return reverse_by_code(code, instruction, values, adjoints, output);
        }
        let first_active = self.code.first_active;
        let Some(place) = self.adjoints.get_mut(self.output.wrapping_sub(first_active)) else {
            return;
        };
        let y_bar = std::mem::replace(place, R::constant(0.0));
        if R::ASKS_FOR_ZERO && y_bar.is_zero() {
            return;
        }
        let operands = self.code.rule_operands(self.instruction, F::ARITY);
        let x = arguments(F::ARITY, |i| self.values[operands[i] as usize]);
        let y = self.values[self.output];
        let x_bar = if const { F::OP.is_arithmetic() } {
            F::adjoint(&x, y, y_bar)
        } else {
            library_adjoint::<F, R>(&x, y, y_bar)
        };
        for i in 0..F::ARITY {
            add_to(self.adjoints, first_active, operands[i], x_bar[i]);
        }
    }

    fn structural(self, op: Op) {
        unreachable!("{op:?} is not a scalar instruction")
    }
}

/// A value that takes a library call: apart from the loop over instructions.
#[inline(never)]
fn library_value<F: Row, R: NaryNumber>(x: &Arguments<R>) -> R {
    F::value(x)
}

#[inline(never)]
fn library_adjoint<F: Row, R: NaryNumber>(x: &Arguments<R>, y: R, y_bar: R) -> Arguments<R> {
    F::adjoint(x, y, y_bar)
}

pub(crate) fn forward_nary<R: NaryNumber>(
    code: &Code<R::Base>,
    node: &NaryStep<R::Base>,
    registers: &mut Registers<R>,
    inputs: &[R],
) {
    let Registers { values, weights, gathered, .. } = registers;
    let count = node.operands.count();
    let weights = &mut weights[node.weights..][..node.kind.weights(count)];
    match node.operands {
        Operands::Span { first, .. } => {
            let (y, sources) = Sources::around(node.results(), code.first_active, inputs, values);
            let (x, start) = sources.find(first as usize);
            R::nary_forward(&node.kind, &x[start..][..count], y, weights);
        }
        Operands::List { offset, .. } => {
            let x = &mut gathered[..count];
            gather(values, &code.operand_list[offset as usize..], x);
            R::nary_forward(&node.kind, x, &mut values[node.results()], weights);
        }
    }
}

pub(crate) fn reverse_nary<R: NaryNumber>(
    code: &Code<R::Base>,
    node: &NaryStep<R::Base>,
    registers: &mut Registers<R>,
    inputs: &[R],
    gradient: &mut [R],
) {
    let Registers { values, adjoints, weights, gathered, gathered_bar } = registers;
    let zero = R::constant(0.0);
    let count = node.operands.count();
    let (slots, first_active) = (node.results(), code.first_active);
    if slots.start < first_active {
        return;
    }
    let y = &values[slots.clone()];
    let (y_bar, mut targets) = Targets::around(slots, first_active, gradient, adjoints);
    if y_bar.iter().all(|y_bar| y_bar.is_zero()) {
        return;
    }
    let weights = &weights[node.weights..][..node.kind.weights(count)];
    match node.operands {
        Operands::Span { first, .. } => {
            let (x, start) = Sources::all(first_active, inputs, values).find(first as usize);
            let x = &x[start..][..count];
            let (x_bar, start) = targets.find(first as usize).expect("consecutive operands are all active");
            R::nary_reverse(&node.kind, x, y, weights, y_bar, &mut x_bar[start..][..count]);
        }
        Operands::List { offset, .. } => {
            let operands = &code.operand_list[offset as usize..][..count];
            let (x, x_bar) = (&mut gathered[..count], &mut gathered_bar[..count]);
            gather(values, operands, x);
            x_bar.fill(zero);
            R::nary_reverse(&node.kind, x, y, weights, y_bar, x_bar);
            for (&operand, &x_bar) in operands.iter().zip(&*x_bar) {
                targets.add(operand as usize, x_bar);
            }
        }
    }
    y_bar.fill(zero);
}

/// Copies the numbers that listed operands stand for.
fn gather<R: Number>(values: &[R], operands: &[u32], x: &mut [R]) {
    for (x, &operand) in x.iter_mut().zip(operands) {
        *x = values[operand as usize];
    }
}
