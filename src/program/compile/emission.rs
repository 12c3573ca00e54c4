//! Slots, constants and strides.

use super::schedule::Order;
use crate::program::code::{Code, Identity, NaryStep, Run, Scalars, Step, Strided};
use crate::rules::{Op, Primitive};
use crate::tape::{CONSTANT, Instruction, NaryNode, Operands, Recording};

/// The fewest operations that make a run.
const SHORTEST_RUN: usize = 4;

/// A place is the number of a constant, or with one of these marks that of a
/// passive or of an active slot. Where each region starts is known only when
/// all constants are.
const PASSIVE: u32 = 1 << 30;
const ACTIVE: u32 = 1 << 31;

/// Builds the code for nodes in order.
pub(super) fn emit<T: Primitive>(
    mut recording: Recording<T>,
    order: &Order,
    outputs: Vec<u32>,
    inputs: [usize; 2],
    find_runs: bool,
) -> Code<T> {
    let nary_nodes = std::mem::take(&mut recording.nary_nodes);
    let mut emitter = Emitter::new(&recording, nary_nodes, inputs);
    let mut start = 0;
    for &end in &order.group_ends {
        let group = &order.nodes[start..end as usize];
        start = end as usize;
        emitter.group(group, find_runs);
    }
    emitter.finish(outputs)
}

struct Emitter<'a, T> {
    recording: &'a Recording<T>,
    nary_nodes: Vec<Option<NaryNode<T>>>,
    /// The place of each node.
    places: Vec<u32>,
    /// The next free places.
    next_passive: u32,
    next_active: u32,
    /// The arguments of the group in work.
    arguments: [Vec<u32>; 3],
    code: Code<T>,
}

impl<'a, T: Primitive> Emitter<'a, T> {
    fn new(recording: &'a Recording<T>, nary_nodes: Vec<NaryNode<T>>, inputs: [usize; 2]) -> Self {
        let [active_inputs, passive_inputs] = inputs;
        let mut places = vec![0; recording.len()];
        let mut constants = Vec::new();
        let declared = (0..recording.len()).filter(|&node| recording.op(node) == Op::Input);
        for (ordinal, node) in declared.enumerate() {
            places[node] = if ordinal < active_inputs {
                ACTIVE + ordinal as u32
            } else if ordinal < active_inputs + passive_inputs {
                PASSIVE + (ordinal - active_inputs) as u32
            } else {
                constants.push(recording.values[node]);
                constants.len() as u32 - 1
            };
        }
        let code = Code {
            identity: Identity::new(),
            constants,
            passive_inputs,
            active_inputs,
            first_active: 0,
            slots: 0,
            stored: 0,
            steps: Vec::new(),
            parts: Vec::new(),
            instructions: Vec::new(),
            operand_list: Vec::new(),
            nary: Vec::new(),
            weights: 0,
            gathered: 0,
            outputs: Vec::new(),
            guards: Vec::new(),
            in_place: false,
            one_pass: None,
        };
        let nary_nodes = nary_nodes.into_iter().map(Some).collect();
        Emitter {
            recording,
            nary_nodes,
            places,
            next_passive: PASSIVE + passive_inputs as u32,
            next_active: ACTIVE + active_inputs as u32,
            arguments: Default::default(),
            code,
        }
    }

    /// Emits equal operations that do not depend on each other.
    fn group(&mut self, nodes: &[u32], find_runs: bool) {
        let op = self.recording.op(nodes[0] as usize);
        if op == Op::Nary {
            nodes.iter().for_each(|&node| self.nary(node as usize));
            return;
        }
        let arity = op.arity();
        self.load_arguments(nodes, arity);
        let first_output = self.place_outputs(nodes, arity);
        let mut start = 0;
        while start < nodes.len() {
            let end = if find_runs { self.end_of_run(start, nodes.len(), arity) } else { start + 1 };
            let output = first_output + start as u32;
            if end - start >= SHORTEST_RUN {
                let arguments = std::array::from_fn(|i| self.strided(i, start, arity));
                let len = (end - start) as u32;
                self.code.steps.push(Step::Run(Run { op, len, output, arguments }));
            } else {
                (start..end).for_each(|j| self.scalar(op, arity, j, first_output + j as u32));
            }
            start = end;
        }
    }

    /// The places of the arguments of a group; constants get theirs here.
    fn load_arguments(&mut self, nodes: &[u32], arity: usize) {
        let recording = self.recording;
        for i in 0..arity {
            let operand =
                |&node: &u32| recording.rule_operands(recording.instruction(node as usize), arity)[i];
            let mut arguments = std::mem::take(&mut self.arguments[i]);
            arguments.clear();
            if let Some(value) = common_constant(recording, nodes.iter().map(operand)) {
                let place = self.constant(value);
                arguments.resize(nodes.len(), place);
            } else {
                arguments.extend(nodes.iter().map(|node| self.place(operand(node))));
            }
            self.arguments[i] = arguments;
        }
    }

    /// The place of an operand; a constant gets a new one.
    fn place(&mut self, operand: u32) -> u32 {
        match Recording::<T>::variable(operand) {
            Some(node) => self.places[node],
            None => self.constant(self.recording.constants[(operand & !CONSTANT) as usize]),
        }
    }

    fn constant(&mut self, value: T) -> u32 {
        self.code.constants.push(value);
        self.code.constants.len() as u32 - 1
    }

    /// Gives the nodes of a group consecutive places; returns the first.
    fn place_outputs(&mut self, nodes: &[u32], arity: usize) -> u32 {
        let is_active = (0..arity).any(|i| self.arguments[i][0] & ACTIVE != 0);
        let first = self.reserve(nodes.len(), is_active);
        for (place, &node) in (first..).zip(nodes) {
            self.places[node as usize] = place;
        }
        first
    }

    fn reserve(&mut self, count: usize, is_active: bool) -> u32 {
        let next = if is_active { &mut self.next_active } else { &mut self.next_passive };
        let first = *next;
        *next += count as u32;
        first
    }

    /// The end of the longest run from `start` in which every argument keeps its stride.
    ///
    /// A run of at least [`SHORTEST_RUN`] elements stays within one region of
    /// places: a stride from one region to another would leave all of them.
    fn end_of_run(&self, start: usize, len: usize, arity: usize) -> usize {
        let keeps_stride = |j: usize| {
            self.arguments[..arity].iter().all(|places| {
                places[j].wrapping_sub(places[j - 1]) == places[start + 1].wrapping_sub(places[start])
            })
        };
        (start + 2..len).find(|&j| !keeps_stride(j)).unwrap_or(len)
    }

    fn strided(&self, i: usize, start: usize, arity: usize) -> Strided {
        if i >= arity {
            return Strided::default();
        }
        let places = &self.arguments[i];
        Strided { start: places[start], stride: places[start + 1].wrapping_sub(places[start]) as i32 }
    }

    /// Emits operation `j` of the group on its own.
    fn scalar(&mut self, op: Op, arity: usize, j: usize, output: u32) {
        let [a, b] = match arity {
            1 => [self.arguments[0][j], 0],
            2 => [self.arguments[0][j], self.arguments[1][j]],
            _ => {
                let offset = self.code.operand_list.len() as u32;
                self.code.operand_list.extend((0..3).map(|i| self.arguments[i][j]));
                [offset, 0]
            }
        };
        let index = self.code.instructions.len() as u32;
        self.code.instructions.push(Instruction { op, a, b });
        match self.code.steps.last_mut() {
            Some(Step::Scalars(last)) if last.output + last.range.len() as u32 == output => {
                last.range.end = index + 1;
            }
            _ => self.code.steps.push(Step::Scalars(Scalars { output, range: index..index + 1 })),
        }
    }

    fn nary(&mut self, head: usize) {
        let index = self.recording.instruction(head).a as usize;
        let NaryNode { kind, operands, .. } = self.nary_nodes[index].take().expect("a node is emitted once");
        let places: Vec<u32> = match operands {
            Operands::Span { first, count } => self.places[first as usize..][..count as usize].to_vec(),
            Operands::List { offset, count } => {
                self.recording.listed(offset, count).iter().map(|&operand| self.place(operand)).collect()
            }
        };
        let is_active = places.iter().any(|place| place & ACTIVE != 0);
        let output = self.reserve(kind.outputs(places.len()), is_active);
        for (i, place) in (output..output + kind.outputs(places.len()) as u32).enumerate() {
            self.places[head + i] = place;
        }
        let weights = self.code.weights;
        self.code.weights += kind.weights(places.len());
        let operands = self.nary_operands(places);
        self.code.steps.push(Step::Nary(self.code.nary.len() as u32));
        self.code.nary.push(NaryStep { kind, output, operands, weights });
    }

    /// Consecutive slots of one region are read in place.
    fn nary_operands(&mut self, places: Vec<u32>) -> Operands {
        let count = places.len() as u32;
        let is_consecutive = places.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let region = |place: u32| place & (ACTIVE | PASSIVE);
        match (places.first(), places.last()) {
            (Some(&first), Some(&last)) if is_consecutive && region(first) == region(last) => {
                Operands::Span { first, count }
            }
            _ => {
                let offset = self.code.operand_list.len() as u32;
                self.code.gathered = self.code.gathered.max(places.len());
                self.code.operand_list.extend(places);
                Operands::List { offset, count }
            }
        }
    }

    /// Turns places into slots.
    fn finish(mut self, outputs: Vec<u32>) -> Code<T> {
        let outputs: Vec<u32> = outputs.into_iter().map(|operand| self.place(operand)).collect();
        let mut guards = self.recording.guards.clone();
        for guard in &mut guards {
            guard.operands = guard.operands.map(|operand| self.place(operand));
        }
        let Emitter { mut code, next_passive, next_active, .. } = self;
        let first_passive = code.constants.len() as u32;
        let first_active = first_passive + (next_passive - PASSIVE);
        let slot = |place: u32| {
            if place & ACTIVE != 0 {
                place - ACTIVE + first_active
            } else if place & PASSIVE != 0 {
                place - PASSIVE + first_passive
            } else {
                place
            }
        };
        code.first_active = first_active as usize;
        code.slots = code.first_active + (next_active - ACTIVE) as usize;
        code.stored = code.slots;
        code.outputs = outputs;
        code.guards = guards;
        code.rename_slots(slot);
        code
    }
}

/// The constant that all operands are, if they are one and the same.
fn common_constant<T: Primitive>(
    recording: &Recording<T>,
    mut operands: impl Iterator<Item = u32>,
) -> Option<T> {
    let constant = |operand: u32| {
        Recording::<T>::variable(operand)
            .is_none()
            .then(|| recording.constants[(operand & !CONSTANT) as usize])
    };
    let first = constant(operands.next()?)?;
    operands
        .all(|operand| {
            constant(operand)
                .is_some_and(|value| value == first && value.is_sign_negative() == first.is_sign_negative())
        })
        .then_some(first)
}
