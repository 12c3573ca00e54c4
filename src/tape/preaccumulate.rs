//! Preaccumulation: a block of the computation as one node.
//!
//! Recording and reversing cost a few nanoseconds an operation. Where a block
//! of many operations has few inputs, its gradient with respect to those is
//! had faster in forward mode, without recording anything: the tape then gets
//! one node with `N` operands and the `N` partial derivatives.
//!
//! Source: A. Griewank, A. Walther, *Evaluating Derivatives* (2008), section
//! 10.2.

use super::recording::Partial;
use super::{Tape, Var, var};
use crate::Jet;
use crate::rules::{Op, Primitive};

impl<T: Primitive> Tape<T> {
    /// `f(x)` as one node, whatever the number of operations in it: `f` runs
    /// in forward mode with respect to `x`.
    ///
    /// It pays where `f` has many operations and `N` is small. The gradient is
    /// the same up to rounding. The price: the node knows its gradient at this
    /// point and nothing else, so second derivatives through it and replays of
    /// it are refused with a named error. A kink inside is reported as one of
    /// the node.
    ///
    /// ```
    /// use smoothmax::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.vars(&[1.0, 2.0, 3.0]);
    /// let terms = x.windows(2).map(|pair| {
    ///     tape.preaccumulate([pair[0], pair[1]], |[x, y]| 100.0 * (y - x * x).powi(2) + (x - 1.0).powi(2))
    /// });
    /// let y: smoothmax::Var = terms.sum();
    /// assert_eq!(y.value(), 201.0);
    /// assert_eq!(y.backward().wrt(&x).as_slice(), [-400.0, 1002.0, -200.0]);
    /// assert_eq!(tape.len(), 3 + 2 + 1); // the variables, the terms, their sum
    /// ```
    ///
    /// # Panics
    ///
    /// If an argument is on another tape, or the tape is full.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn preaccumulate<const N: usize>(
        &self,
        x: [Var<'_, T>; N],
        f: impl FnOnce([Jet<N, T>; N]) -> Jet<N, T>,
    ) -> Var<'_, T> {
        let y = f(Jet::variables(x.map(Var::unread_value)));
        match var::common_tape(&x) {
            Some(tape) if tape.is(self) => {}
            Some(_) => var::crossed_tapes(),
            None => return Var::lift(y.value),
        }
        let partials: [_; N] =
            std::array::from_fn(|i| Partial { operand: x[i].index(), slope: y.gradient[i] });
        let [first, end] = if x.iter().all(|x| !x.is_constant()) {
            self.recording.borrow_mut().block(&partials)
        } else {
            let of_variables =
                |(x, partial): (&Var<'_, T>, Partial<T>)| (!x.is_constant()).then_some(partial);
            let partials: Vec<_> = x.iter().zip(partials).filter_map(of_variables).collect();
            self.recording.borrow_mut().block(&partials)
        };
        let node = self.page().write(Op::Preaccumulated, first, end, y.value);
        if let Some(kink) = y.kink() {
            self.recording.borrow_mut().push_block_kink(node, kink);
        }
        Var::on(self, node, y.value)
    }
}
