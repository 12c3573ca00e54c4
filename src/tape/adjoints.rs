//! The result of a reverse sweep.

use std::ops::Index;

use nalgebra::DVector;

use super::{Kink, Tape, Var, diagnosis, sweep};
use crate::print::{Readable, leading};
use crate::rules::{Op, Primitive};

/// The adjoints `dy/dv` of everything recorded before `y`; see
/// [`Var::backward`].
///
/// Index it with a variable, or take the gradient with [`wrt`](Self::wrt). A
/// constant, or a variable recorded after `y`, has adjoint zero.
///
/// ```
/// use smoothmax::Tape;
///
/// let tape = Tape::new();
/// let x = tape.vars(&[1.0, 2.0]);
/// let product = x[0] * x[1];
/// let adjoints = product.sin().backward();
/// assert_eq!(adjoints[product], 2f64.cos());
/// assert_eq!(adjoints.wrt(&x).as_slice(), [2.0 * 2f64.cos(), 2f64.cos()]);
/// ```
pub struct Adjoints<'t, T = f64> {
    tape: Option<&'t Tape<T>>,
    adjoints: Vec<T>,
    zero: T,
}

impl<'t, T: Primitive> Adjoints<'t, T> {
    /// Sweeps back from weighted outputs, in the memory of `buffer`.
    ///
    /// # Panics
    ///
    /// If the outputs are on two tapes.
    pub(crate) fn of(outputs: &[(Var<'t, T>, T)], buffer: Vec<T>) -> Self {
        let zero = T::constant(0.0);
        let mut adjoints = buffer;
        adjoints.clear();
        let places = || outputs.iter().filter_map(|(output, seed)| Some((output.place()?, *seed)));
        let Some(((_, tape), _)) = places().next() else {
            return Adjoints { tape: None, adjoints, zero };
        };
        assert!(places().all(|((_, other), _)| tape.is(other)), "the outputs are on two tapes");
        let recording = tape.recording();
        let last = places().map(|((node, _), _)| node).max().expect("an output on the tape");
        let siblings = recording.ops()[last + 1..].iter().take_while(|&&op| op == Op::Continued).count();
        adjoints.resize(last + 1 + siblings, zero);
        for ((node, _), seed) in places() {
            adjoints[node] += seed;
        }
        sweep::reverse(&recording, &recording.values, &recording.weights, &mut adjoints);
        Adjoints { tape: Some(tape), adjoints, zero }
    }

    /// The gradient with respect to the variables `x`.
    ///
    /// # Panics
    ///
    /// If a variable is on another tape.
    pub fn wrt(&self, x: &[Var<'_, T>]) -> DVector<T> {
        DVector::from_iterator(x.len(), x.iter().map(|&x| self[x]))
    }

    /// Where, on the way to the result, a function was not differentiable: the
    /// gradient is then one of several generalised ones: ties share
    /// equally, `abs` has slope 0 at 0. Nodes whose adjoint is zero are left
    /// out; one with several outputs is listed once, unless all theirs are zero.
    ///
    /// ```
    /// use smoothmax::{KinkKind, Tape};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// let adjoints = (x.abs() + x).backward();
    /// let kinks = adjoints.kinks();
    /// assert_eq!((kinks[0].operation.as_str(), kinks[0].kind), ("abs", KinkKind::Corner));
    /// assert_eq!(adjoints[x], 1.0);
    /// ```
    pub fn kinks(&self) -> Vec<Kink> {
        let Some(tape) = self.tape else {
            return Vec::new();
        };
        let recording = tape.recording();
        let ops = &recording.ops()[..self.adjoints.len()];
        let (mut kinks, mut head) = (Vec::new(), 0);
        for outputs in ops.chunk_by(|_, &next| next == Op::Continued) {
            let adjoints = &self.adjoints[head..][..outputs.len()];
            if adjoints.iter().any(|adjoint| !adjoint.is_zero()) {
                kinks.extend(diagnosis::kink_at(&recording, head));
            }
            head += outputs.len();
        }
        kinks
    }

    /// The memory, for [`Var::backward_reusing`].
    pub fn into_buffer(self) -> Vec<T> {
        self.adjoints
    }
}

impl<T: Primitive> Index<Var<'_, T>> for Adjoints<'_, T> {
    type Output = T;

    fn index(&self, x: Var<'_, T>) -> &T {
        let (Some(tape), Some((node, other))) = (self.tape, x.place()) else {
            return &self.zero;
        };
        assert!(std::ptr::eq(tape, other), "the variable is on another tape than the adjoints");
        self.adjoints.get(node).unwrap_or(&self.zero)
    }
}

/// The gradient: the adjoints of the inputs of the tape in the order they were made, the first eight.
///
/// ```
/// use smoothmax::Tape;
///
/// let tape = Tape::new();
/// let x = tape.vars(&[3.0, 2.0, 1.0]);
/// assert_eq!((x[0] * x[1]).backward().to_string(), "[2, 3, 0]");
/// ```
impl<T: Primitive + std::fmt::LowerExp> std::fmt::Display for Adjoints<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inputs: Vec<usize> = self.tape.map_or(Vec::new(), |tape| {
            let recording = tape.recording();
            let nodes = 0..recording.len();
            nodes.filter(|&node| recording.op(node) == Op::Input).collect()
        });
        let adjoint = |node| Readable(*self.adjoints.get(node).unwrap_or(&self.zero)).to_string();
        write!(f, "[{}]", leading(inputs.into_iter().map(adjoint)))
    }
}

impl<T: Primitive> std::fmt::Debug for Adjoints<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Adjoints").field(&self.adjoints).finish()
    }
}
