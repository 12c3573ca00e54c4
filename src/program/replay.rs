//! The two sweeps over compiled code, for any number type.
//!
//! ```text
//! forward:   value[y] = f(value[a], value[b])            for each step, in order
//! reverse:   adjoint[a] += adjoint[y] ∂f/∂a, ..; adjoint[y] = 0     in reverse order
//! ```
//!
//! With `T` itself they give values and gradients, with
//! [`Dual<T>`](crate::Dual) Hessian-vector products.

use super::code::{Code, NaryStep, Run, Scalars, Step};
use super::strided;
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
            values: Vec::with_capacity(code.slots),
            adjoints: Vec::with_capacity(code.adjoints()),
            weights: Vec::with_capacity(code.weights),
            gathered: Vec::with_capacity(code.gathered),
            gathered_bar: Vec::with_capacity(code.gathered),
        }
    }

    /// Fills the registers at their first use: constants, and zeros elsewhere.
    #[inline]
    pub(crate) fn prepare(&mut self, code: &Code<R::Base>) {
        if self.values.len() == code.slots {
            return;
        }
        let zero = R::constant(0.0);
        self.values.extend(code.constants.iter().map(|&constant| R::from_base(constant)));
        self.values.resize(code.slots, zero);
        self.adjoints.resize(code.adjoints(), zero);
        self.weights.resize(code.weights, zero);
        self.gathered.resize(code.gathered, zero);
        self.gathered_bar.resize(code.gathered, zero);
    }

    /// Sets the adjoints of the inputs to zero.
    pub(crate) fn clear_inputs(&mut self, code: &Code<R::Base>) {
        self.adjoints[..code.active_inputs].fill(R::constant(0.0));
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

/// How many elements of runs are taken through memory together.
const TILE: u32 = 512;

/// Evaluates every slot from the constants and inputs.
pub(crate) fn forward<R: NaryNumber>(code: &Code<R::Base>, registers: &mut Registers<R>) {
    for part in &code.parts {
        match &code.steps[part.clone()] {
            [Step::Run(run)] => strided::forward(run, &mut registers.values),
            [Step::Scalars(scalars)] => forward_scalars(code, scalars, &mut registers.values),
            [Step::Nary(index)] => forward_nary(code, &code.nary[*index as usize], registers),
            runs => for_each_tile(runs, false, |run| strided::forward(run, &mut registers.values)),
        }
    }
}

/// Propagates the seeded adjoints to the inputs, and leaves those of all
/// results at zero.
pub(crate) fn reverse<R: NaryNumber>(code: &Code<R::Base>, registers: &mut Registers<R>) {
    for part in code.parts.iter().rev() {
        let Registers { values, adjoints, .. } = registers;
        let mut reverse_run = |run: &Run| {
            if run.output as usize >= code.first_active {
                strided::reverse(run, code.first_active, values, adjoints);
            }
        };
        match &code.steps[part.clone()] {
            [Step::Run(run)] => reverse_run(run),
            [Step::Scalars(scalars)] => reverse_scalars(code, scalars, values, adjoints),
            [Step::Nary(index)] => reverse_nary(code, &code.nary[*index as usize], registers),
            runs => for_each_tile(runs, true, reverse_run),
        }
    }
}

/// Visits runs of equal length tile by tile; backwards in both ways if `reversed`.
#[inline(always)]
fn for_each_tile(runs: &[Step], reversed: bool, mut visit: impl FnMut(&Run)) {
    let len = match runs {
        [Step::Run(run), ..] => run.len,
        _ => unreachable!("only runs are tiled"),
    };
    let tiles = len.div_ceil(TILE);
    for i in 0..tiles {
        let first = TILE * if reversed { tiles - 1 - i } else { i };
        for j in 0..runs.len() {
            let Step::Run(run) = &runs[if reversed { runs.len() - 1 - j } else { j }] else {
                unreachable!("only runs are tiled");
            };
            visit(&run.tile(first, TILE));
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
) {
    let Registers { values, weights, gathered, .. } = registers;
    let count = node.operands.count();
    let weights = &mut weights[node.weights..][..node.kind.weights(count)];
    let (before, after) = values.split_at_mut(node.output as usize);
    let y = &mut after[..node.kind.outputs(count)];
    match node.operands {
        Operands::Span { first, .. } => {
            R::nary_forward(&node.kind, &before[first as usize..][..count], y, weights)
        }
        Operands::List { offset, .. } => {
            let x = &mut gathered[..count];
            gather(before, &code.operand_list[offset as usize..], x);
            R::nary_forward(&node.kind, x, y, weights);
        }
    }
}

pub(crate) fn reverse_nary<R: NaryNumber>(
    code: &Code<R::Base>,
    node: &NaryStep<R::Base>,
    registers: &mut Registers<R>,
) {
    let Registers { values, adjoints, weights, gathered, gathered_bar } = registers;
    let zero = R::constant(0.0);
    let count = node.operands.count();
    let outputs = node.kind.outputs(count);
    let output = node.output as usize;
    let Some(head) = output.checked_sub(code.first_active) else {
        return;
    };
    let (before, after) = adjoints.split_at_mut(head);
    let y_bar = &mut after[..outputs];
    if y_bar.iter().all(|y_bar| y_bar.is_zero()) {
        return;
    }
    let y = &values[output..][..outputs];
    let weights = &weights[node.weights..][..node.kind.weights(count)];
    match node.operands {
        Operands::Span { first, .. } => {
            let first = first as usize;
            let x_bar = &mut before[first - code.first_active..][..count];
            R::nary_reverse(&node.kind, &values[first..][..count], y, weights, y_bar, x_bar);
        }
        Operands::List { offset, .. } => {
            let operands = &code.operand_list[offset as usize..][..count];
            let (x, x_bar) = (&mut gathered[..count], &mut gathered_bar[..count]);
            gather(values, operands, x);
            x_bar.fill(zero);
            R::nary_reverse(&node.kind, x, y, weights, y_bar, x_bar);
            for (&operand, &x_bar) in operands.iter().zip(&*x_bar) {
                add_to(before, code.first_active, operand, x_bar);
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
