//! What a tape holds: its instructions, the values met on the way, and the lists
//! that instructions refer to.

use super::guard::{Answer, Guard, Question};
use super::instruction::{CONSTANT, Instruction, Operands, Pair};
use crate::nary::NaryKind;
use crate::rules::{self, Arguments, KinkKind, Number, Op, Primitive};

/// The largest number of nodes: indices are 31 bits.
pub(super) const MAX_NODES: usize = CONSTANT as usize;

/// An n-ary node.
pub(crate) struct NaryNode<T> {
    pub(crate) kind: NaryKind<T>,
    pub(crate) operands: Operands,
    /// Where its weights start.
    pub(crate) weights: usize,
}

/// The partial derivative of a preaccumulated block with respect to one of its
/// operands.
#[derive(Clone, Copy)]
pub(super) struct Partial<T> {
    pub(super) operand: u32,
    pub(super) slope: T,
}

/// Everything recorded, with the values met on the way.
pub(crate) struct Recording<T> {
    pub(super) ops: Vec<Op>,
    pub(super) operands: Vec<Pair>,
    pub(crate) values: Vec<T>,
    pub(crate) weights: Vec<T>,
    pub(crate) constants: Vec<T>,
    pub(crate) operand_list: Vec<u32>,
    pub(crate) nary_nodes: Vec<NaryNode<T>>,
    /// The partials of the preaccumulated blocks ...
    partials: Vec<Partial<T>>,
    /// ... and the nodes among these with a kink inside, in order.
    block_kinks: Vec<(u32, KinkKind)>,
    pub(crate) guards: Vec<Guard>,
    node_limit: usize,
    #[cfg(debug_assertions)]
    pub(super) locations: Vec<&'static std::panic::Location<'static>>,
}

impl<T: Primitive> Recording<T> {
    pub(super) fn with_capacity(nodes: usize) -> Self {
        Recording {
            ops: Vec::with_capacity(nodes),
            operands: Vec::with_capacity(nodes),
            values: Vec::with_capacity(nodes),
            weights: Vec::new(),
            constants: Vec::new(),
            operand_list: Vec::new(),
            nary_nodes: Vec::new(),
            partials: Vec::new(),
            block_kinks: Vec::new(),
            guards: Vec::new(),
            node_limit: MAX_NODES,
            #[cfg(debug_assertions)]
            locations: Vec::new(),
        }
    }

    pub(super) fn limit_nodes(&mut self, nodes: usize) {
        self.node_limit = nodes.clamp(self.len(), MAX_NODES);
    }

    pub(super) fn clear(&mut self) {
        self.ops.clear();
        self.operands.clear();
        self.values.clear();
        self.weights.clear();
        self.constants.clear();
        self.operand_list.clear();
        self.nary_nodes.clear();
        self.partials.clear();
        self.block_kinks.clear();
        self.guards.clear();
        #[cfg(debug_assertions)]
        self.locations.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.ops.len()
    }

    /// The operation of a node.
    #[inline(always)]
    pub(crate) fn op(&self, node: usize) -> Op {
        self.ops[node]
    }

    /// The operations of all nodes.
    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The operands in the instructions of all nodes.
    pub(super) fn operands(&self) -> &[Pair] {
        &self.operands
    }

    /// The instruction of a node.
    #[inline(always)]
    pub(crate) fn instruction(&self, node: usize) -> Instruction {
        let operands = self.operands[node];
        Instruction { op: self.ops[node], a: operands.a(), b: operands.b() }
    }

    /// Replaces the instruction of a node.
    pub(crate) fn set_instruction(&mut self, node: usize, Instruction { op, a, b }: Instruction) {
        self.ops[node] = op;
        self.operands[node] = Pair::new(a, b);
    }

    /// Appends an instruction; its value and source line are the caller's.
    fn push_instruction(&mut self, op: Op, a: u32, b: u32) {
        self.ops.push(op);
        self.operands.push(Pair::new(a, b));
    }

    pub(super) fn memory(&self) -> usize {
        size_of_val(&self.ops[..])
            + size_of_val(&self.operands[..])
            + size_of_val(&self.values[..])
            + size_of_val(&self.weights[..])
            + size_of_val(&self.constants[..])
            + size_of_val(&self.operand_list[..])
            + size_of_val(&self.nary_nodes[..])
            + size_of_val(&self.partials[..])
            + size_of_val(&self.block_kinks[..])
            + size_of_val(&self.guards[..])
    }

    /// How many nodes may be recorded.
    pub(super) fn node_limit(&self) -> usize {
        self.node_limit
    }

    #[cfg_attr(debug_assertions, track_caller)]
    fn require_room(&self, nodes: usize) {
        if nodes > self.node_limit - self.len() {
            self.full();
        }
    }

    #[cold]
    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub(super) fn full(&self) -> ! {
        panic!("the tape is full: its limit is {} nodes", self.node_limit)
    }

    /// An operand that is a constant.
    pub(super) fn constant(&mut self, value: T) -> u32 {
        let index = self.constants.len();
        assert!(index < MAX_NODES, "the tape is full: {MAX_NODES} constants");
        self.constants.push(value);
        index as u32 | CONSTANT
    }

    /// Keeps a comparison and its answer.
    #[cfg_attr(debug_assertions, track_caller)]
    pub(super) fn guard(&mut self, question: Question, operands: [u32; 2], answer: Answer) {
        #[cfg(debug_assertions)]
        let location = Some(std::panic::Location::caller());
        #[cfg(not(debug_assertions))]
        let location = None;
        self.guards.push(Guard { question, operands, answer, location });
    }

    /// Appends operands to the list and returns their place.
    pub(super) fn list(&mut self, operands: impl IntoIterator<Item = u32>) -> u32 {
        let offset = self.operand_list.len();
        self.operand_list.extend(operands);
        assert!(self.operand_list.len() <= MAX_NODES, "the tape is full: {MAX_NODES} listed operands");
        offset as u32
    }

    /// Appends an input for each value; returns the index of the first.
    #[cfg_attr(debug_assertions, track_caller)]
    pub(super) fn push_inputs(&mut self, values: &[T]) -> u32 {
        let first = self.len();
        self.require_room(values.len());
        self.ops.resize(first + values.len(), Op::Input);
        self.operands.resize(first + values.len(), Pair::new(0, 0));
        self.values.extend_from_slice(values);
        #[cfg(debug_assertions)]
        self.locations.resize(first + values.len(), std::panic::Location::caller());
        first as u32
    }

    /// Evaluates and appends an n-ary node; returns the index of its first output.
    #[cfg_attr(debug_assertions, track_caller)]
    pub(super) fn push_nary(&mut self, kind: NaryKind<T>, operands: Operands) -> u32 {
        let count = operands.count();
        let first = self.len();
        let outputs = kind.outputs(count);
        self.require_room(outputs);
        let weights = self.weights.len();
        let zero = T::constant(0.0);
        self.weights.resize(weights + kind.weights(count), zero);
        let node = self.nary_nodes.len() as u32;
        self.push_instruction(Op::Nary, node, 0);
        (1..outputs as u32).for_each(|b| self.push_instruction(Op::Continued, node, b));
        self.values.resize(first + outputs, zero);
        #[cfg(debug_assertions)]
        self.locations.resize(first + outputs, std::panic::Location::caller());
        let (before, after) = self.values.split_at_mut(first);
        let (y, w) = (&mut after[..outputs], &mut self.weights[weights..]);
        match operands {
            Operands::Span { first, count } => {
                kind.forward(&before[first as usize..][..count as usize], y, w);
            }
            Operands::List { offset, count } => {
                let list = &self.operand_list[offset as usize..][..count as usize];
                let x: Vec<T> = list.iter().map(|&o| fetch(before, &self.constants, o)).collect();
                kind.forward(&x, y, w);
            }
        }
        self.nary_nodes.push(NaryNode { kind, operands, weights });
        first as u32
    }

    /// Keeps the partials of a block; returns the range they take.
    #[inline(always)]
    pub(super) fn block(&mut self, partials: &[Partial<T>]) -> [u32; 2] {
        let first = self.partials.len();
        self.partials.extend_from_slice(partials);
        assert!(self.partials.len() <= MAX_NODES, "the tape is full: {MAX_NODES} preaccumulated partials");
        [first as u32, self.partials.len() as u32]
    }

    /// The partials of the block whose instruction names this range.
    #[inline(always)]
    pub(super) fn partials(&self, first: u32, end: u32) -> &[Partial<T>] {
        &self.partials[first as usize..end as usize]
    }

    /// Whether a block was preaccumulated.
    pub(crate) fn has_blocks(&self) -> bool {
        !self.partials.is_empty()
    }

    /// Notes that there is a kink in the block of `node`.
    #[cold]
    pub(super) fn push_block_kink(&mut self, node: u32, kink: KinkKind) {
        self.block_kinks.push((node, kink));
    }

    /// A kink met in the block of `node`.
    pub(super) fn block_kink(&self, node: usize) -> Option<KinkKind> {
        let found = self.block_kinks.binary_search_by_key(&node, |&(node, _)| node as usize);
        found.ok().map(|i| self.block_kinks[i].1)
    }

    /// The index of the value an operand refers to, unless it is a constant.
    #[inline(always)]
    pub(crate) fn variable(operand: u32) -> Option<usize> {
        (operand & CONSTANT == 0).then_some(operand as usize)
    }

    /// The number an operand stands for, among the values of a sweep.
    #[inline(always)]
    pub(crate) fn number<R: Number<Base = T>>(&self, values: &[R], operand: u32) -> R {
        fetch(values, &self.constants, operand)
    }

    /// The operands of a rule; of a rule with fewer than three the rest is unspecified.
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

    /// The arguments of a rule, among the values of a sweep.
    #[inline(always)]
    pub(crate) fn arguments<R: Number<Base = T>>(
        &self,
        values: &[R],
        operands: [u32; 3],
        arity: usize,
    ) -> Arguments<R> {
        rules::arguments(arity, |i| self.number(values, operands[i]))
    }

    /// The n-ary node an instruction heads.
    pub(crate) fn nary(&self, instruction: Instruction) -> &NaryNode<T> {
        &self.nary_nodes[instruction.a as usize]
    }

    /// All n-ary nodes.
    pub(crate) fn nary_nodes(&self) -> &[NaryNode<T>] {
        &self.nary_nodes
    }

    /// The operands in the list of an n-ary node.
    pub(crate) fn listed(&self, offset: u32, count: u32) -> &[u32] {
        &self.operand_list[offset as usize..][..count as usize]
    }

    /// Visits the nodes that a node uses; of a block, none.
    #[inline(always)]
    pub(crate) fn for_each_operand(&self, node: usize, mut visit: impl FnMut(usize)) {
        let instruction = self.instruction(node);
        match instruction.op {
            Op::Input | Op::Preaccumulated => {}
            Op::Continued => visit(node - instruction.b as usize),
            Op::Nary => match self.nary(instruction).operands {
                Operands::Span { first, count } => {
                    (first as usize..first as usize + count as usize).for_each(visit);
                }
                Operands::List { offset, count } => {
                    self.listed(offset, count)
                        .iter()
                        .filter_map(|&code| Self::variable(code))
                        .for_each(visit);
                }
            },
            op => {
                let arity = op.arity();
                let operands = self.rule_operands(instruction, arity);
                operands[..arity].iter().filter_map(|&code| Self::variable(code)).for_each(visit);
            }
        }
    }

    /// The source line that recorded a node, where that is known.
    pub(crate) fn location(&self, node: usize) -> Option<&'static std::panic::Location<'static>> {
        #[cfg(debug_assertions)]
        return self.locations.get(node).copied();
        #[cfg(not(debug_assertions))]
        {
            let _ = node;
            None
        }
    }
}

#[inline(always)]
fn fetch<R: Number>(values: &[R], constants: &[R::Base], operand: u32) -> R {
    // One question instead of two: a constant, with its top bit set, is the
    // index of no value.
    match values.get(operand as usize) {
        Some(&value) => value,
        None => {
            debug_assert!(operand & CONSTANT != 0, "no operand comes later than its use");
            R::from_base(constants[(operand & !CONSTANT) as usize])
        }
    }
}
