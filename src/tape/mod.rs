//! The tape: a list of the operations performed, from which a reverse sweep
//! takes the gradient.
//!
//! Every operation on a [`Var`] computes its value and appends one
//! *instruction* - operation and operands - to the tape. Then, for
//! `y = f(x)` and any intermediate `v`, the *adjoint* `v̄ = dy/dv` satisfies
//!
//! ```text
//! ȳ = 1,    v̄ = Σ over the users u of v:  ū du/dv
//! ```
//!
//! and since a user always comes later on the tape than what it uses, one pass
//! from the end to the start (`sweep.rs`) finds all adjoints, at the cost of a
//! small multiple of the evaluation, whatever the number of variables.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`Tape`], the handle that people hold |
//! | `recording.rs` | the instructions and how they are stored |
//! | `var.rs` | [`Var`], a number on the tape |
//! | `sweep.rs` | the two passes over a recording, for any number type |
//! | `adjoints.rs` | [`Adjoints`], the result of a reverse sweep |
//! | `preaccumulate.rs` | blocks of operations as one node |
//! | `guard.rs` | comparisons of variables, for replays to check |
//! | `diagnosis.rs` | where a NaN, an infinity or a kink came from |

use std::cell::{Cell, Ref, RefCell};

use crate::rules::{Op, Primitive};

mod adjoints;
mod diagnosis;
mod guard;
mod preaccumulate;
mod recording;
pub(crate) mod sweep;
mod var;

pub use adjoints::Adjoints;
pub use diagnosis::{Kink, NonFinite, Operand};
pub(crate) use guard::Guard;
pub(crate) use recording::{CONSTANT, Instruction, NaryNode, Operands, Recording};
pub use var::Var;

/// Records the operations on its variables; see the [module](self).
///
/// ```
/// use smoothmax::Tape;
///
/// let tape = Tape::new();
/// let x = tape.vars(&[0.5, -1.0]);
/// let y = 2.0 * x[0].sin() + x[1].powi(2);
/// let adjoints = y.backward();
/// assert_eq!(adjoints[x[0]], 2.0 * 0.5f64.cos());
/// assert_eq!(adjoints.wrt(&x).as_slice(), [2.0 * 0.5f64.cos(), -2.0]);
/// ```
///
/// Variables borrow the tape, so that one outliving it, or surviving a
/// [`clear`](Tape::clear), does not compile:
///
/// ```compile_fail
/// # use smoothmax::Tape;
/// let mut tape = Tape::new();
/// let x = tape.var(1.0);
/// tape.clear();
/// let y = x + 1.0;
/// ```
///
/// A tape belongs to one thread. Mixing variables of two tapes panics.
pub struct Tape<T = f64> {
    recording: RefCell<Recording<T>>,
    /// How often a value was read out of a variable.
    value_reads: Cell<usize>,
}

impl Tape<f64> {
    /// An empty tape of `f64`; for other types use
    /// [`with_capacity`](Tape::with_capacity).
    pub fn new() -> Self {
        Tape::with_capacity(0)
    }
}

impl Default for Tape<f64> {
    fn default() -> Self {
        Tape::new()
    }
}

impl<T: Primitive> Tape<T> {
    /// The largest number of nodes a tape can hold.
    pub const MAX_NODES: usize = recording::MAX_NODES;

    /// An empty tape with room for `nodes` operations.
    ///
    /// ```
    /// use smoothmax::Tape;
    ///
    /// let tape = Tape::<f32>::with_capacity(1_000);
    /// let x = tape.var(3.0);
    /// assert_eq!((x * x).backward()[x], 6.0f32);
    /// ```
    pub fn with_capacity(nodes: usize) -> Self {
        Tape { recording: RefCell::new(Recording::with_capacity(nodes)), value_reads: Cell::new(0) }
    }

    /// The same tape with a limit on its nodes, for those who would rather
    /// have a panic than a full memory.
    ///
    /// Recording more than `nodes` operations panics, as does exceeding
    /// [`MAX_NODES`](Self::MAX_NODES).
    pub fn with_node_limit(self, nodes: usize) -> Self {
        self.recording.borrow_mut().limit_nodes(nodes);
        self
    }

    /// An independent variable.
    pub fn var(&self, value: T) -> Var<'_, T> {
        self.push(Op::Input, 0, 0, value)
    }

    /// An independent variable for each value.
    pub fn vars(&self, values: &[T]) -> Vec<Var<'_, T>> {
        values.iter().map(|&value| self.var(value)).collect()
    }

    /// The number of nodes recorded.
    pub fn len(&self) -> usize {
        self.recording().len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory in use by what is recorded, in bytes; spare capacity not counted.
    pub fn memory(&self) -> usize {
        self.recording().memory()
    }

    /// Forgets everything, keeping the memory for the next recording.
    ///
    /// It borrows the tape mutably, which proves that no variable is alive.
    ///
    /// ```
    /// use smoothmax::Tape;
    ///
    /// let mut tape = Tape::new();
    /// for i in 0..3 {
    ///     {
    ///         let x = tape.var(i as f64);
    ///         assert_eq!(x.powi(2).backward()[x], 2.0 * i as f64);
    ///     }
    ///     tape.clear();
    /// }
    /// assert!(tape.is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.recording.get_mut().clear();
        self.value_reads.set(0);
    }

    /// The outputs of a function, coded as operands.
    ///
    /// # Panics
    ///
    /// If one is on another tape.
    pub(crate) fn outputs(&self, outputs: &[Var<'_, T>]) -> Vec<u32> {
        let on_this = |output: &&Var<'_, T>| output.place().is_none_or(|(_, tape)| self.is(tape));
        assert!(
            outputs.iter().all(|output| on_this(&output)),
            "an output is on another tape than the inputs"
        );
        let mut recording = self.recording.borrow_mut();
        outputs.iter().map(|output| output.operand(&mut recording)).collect()
    }

    /// How often a variable's value was taken out of the tape, by
    /// [`Var::value`], a conversion or a question like `is_nan`: what is done
    /// with it, a replay cannot follow.
    pub(crate) fn value_reads(&self) -> usize {
        self.value_reads.get()
    }

    /// What is recorded.
    pub(crate) fn recording(&self) -> Ref<'_, Recording<T>> {
        self.recording.borrow()
    }

    /// Takes what is recorded out of the tape.
    pub(crate) fn into_recording(self) -> Recording<T> {
        self.recording.into_inner()
    }

    /// Appends an instruction.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn push(&self, op: Op, a: u32, b: u32, value: T) -> Var<'_, T> {
        let index = self.recording.borrow_mut().push(op, a, b, value);
        Var::on(self, index, value)
    }

    /// Whether `self` and `other` are the same tape.
    #[inline(always)]
    fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl<T: Primitive> std::fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tape({} nodes)", self.len())
    }
}
