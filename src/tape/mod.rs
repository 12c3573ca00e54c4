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
//! | `page.rs` | the end of the tape, where instructions are written |
//! | `instruction.rs` | one operation and its operands |
//! | `recording.rs` | all instructions, and how they are stored |
//! | `var.rs` | [`Var`], a number on the tape |
//! | `sweep.rs` | the two passes over a recording, for any number type |
//! | `adjoints.rs` | [`Adjoints`], the result of a reverse sweep |
//! | `preaccumulate.rs` | blocks of operations as one node |
//! | `guard.rs` | comparisons of variables, for replays to check |
//! | `diagnosis.rs` | where a NaN, an infinity or a kink came from |

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::ops::{Deref, DerefMut};

use crate::rules::{Op, Primitive};

mod adjoints;
mod diagnosis;
mod guard;
mod instruction;
mod page;
mod preaccumulate;
mod recording;
pub(crate) mod sweep;
mod var;

pub use adjoints::Adjoints;
pub use diagnosis::{Kink, NonFinite, Operand};
pub(crate) use guard::Guard;
pub(crate) use instruction::{CONSTANT, Instruction, Operands};
pub(crate) use recording::{NaryNode, Recording};
pub use var::Var;

use page::Page;

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
    /// What was recorded last ...
    page: Page<T>,
    /// ... and everything before.
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
        let recording = Recording::with_capacity(nodes);
        Tape { page: Page::after(&recording), recording: RefCell::new(recording), value_reads: Cell::new(0) }
    }

    /// The same tape with a limit on its nodes, for those who would rather
    /// have a panic than a full memory.
    ///
    /// Recording more than `nodes` operations panics, as does exceeding
    /// [`MAX_NODES`](Self::MAX_NODES).
    pub fn with_node_limit(self, nodes: usize) -> Self {
        self.filed().limit_nodes(nodes);
        self
    }

    /// An independent variable.
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn var(&self, value: T) -> Var<'_, T> {
        self.push(Op::Input, 0, value)
    }

    /// An independent variable for each value.
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn vars(&self, values: &[T]) -> Vec<Var<'_, T>> {
        let first = self.filed().push_inputs(values);
        (first..).zip(values).map(|(index, &value)| Var::on(self, index, value)).collect()
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
        let recording = self.recording.get_mut();
        recording.clear();
        self.page.turn(recording);
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
        let mut recording = self.filed();
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
        self.file();
        self.recording.borrow()
    }

    /// Takes what is recorded out of the tape.
    pub(crate) fn into_recording(self) -> Recording<T> {
        self.file();
        self.recording.into_inner()
    }

    /// Appends an instruction without operands that could be constants.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn push(&self, op: Op, a: u32, value: T) -> Var<'_, T> {
        Var::on(self, self.page().write(op, a, 0, value), value)
    }

    /// The page to write the next node and its constants on.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn page(&self) -> &Page<T> {
        if self.page.is_full() {
            self.turn_page();
        }
        &self.page
    }

    #[cold]
    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn turn_page(&self) {
        self.file();
        if self.page.is_full() {
            self.recording.borrow().full();
        }
    }

    /// Moves what is on the page to the recording.
    fn file(&self) {
        self.page.file(&mut self.recording.borrow_mut());
    }

    /// The recording, with everything in it, to append to.
    fn filed(&self) -> Filed<'_, T> {
        self.file();
        Filed { recording: self.recording.borrow_mut(), page: &self.page }
    }

    /// Whether `self` and `other` are the same tape.
    #[inline(always)]
    fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// A whole recording, lent to be appended to: the page goes on after it.
struct Filed<'t, T: Primitive> {
    recording: RefMut<'t, Recording<T>>,
    page: &'t Page<T>,
}

impl<T: Primitive> Deref for Filed<'_, T> {
    type Target = Recording<T>;

    fn deref(&self) -> &Recording<T> {
        &self.recording
    }
}

impl<T: Primitive> DerefMut for Filed<'_, T> {
    fn deref_mut(&mut self) -> &mut Recording<T> {
        &mut self.recording
    }
}

impl<T: Primitive> Drop for Filed<'_, T> {
    fn drop(&mut self) {
        self.page.turn(&self.recording);
    }
}

impl<T: Primitive> std::fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tape({} nodes)", self.len())
    }
}
