//! A program with its kinks rounded off.

use std::ops::Deref;

use super::Program;
use super::gap::{Interval, unit_gaps};
use super::twins::with_twins;
use crate::rules::Primitive;

/// A [`Program`] in which every exact `max`, `min`, `|x|` and `max(x, 0)` is a
/// smooth twin of sharpness `k`; from [`Program::smoothed`].
///
/// It is used as the program it is: it dereferences to one. Its sharpness can
/// [be changed](Self::set_sharpness) without recording again.
#[derive(Clone)]
pub struct SmoothedProgram<T = f64> {
    program: Program<T>,
    /// Of each output at sharpness 1.
    unit_gaps: Vec<Interval>,
}

impl<T: Primitive> Program<T> {
    /// The same program with a smooth twin for every exact `max`, `min`, `|x|`
    /// and `max(x, 0)`: write the maximum in your objective, get a smooth one.
    ///
    /// Of two numbers or of many, `max` becomes
    /// [`smooth_max`](crate::smooth_max) and `min`
    /// [`smooth_min`](crate::smooth_min), `|x|` becomes
    /// [`smooth_abs`](crate::smooth_abs), `max(x, 0)`
    /// [`smooth_relu`](crate::smooth::smooth_relu), all of sharpness `k`. They
    /// may be nested in any way. What jumps - `select`, `floor`, `sign` - stays
    /// as it is; so do custom nodes, and comparisons are still checked. At
    /// `k = inf` it is the exact program. A twin of a NaN is NaN, even where the
    /// exact `max` of two would ignore it.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// // max(min(x, y), |x - y|)
    /// let program = Program::record(&[0.0; 2], |x| x[0].min(x[1]).max((x[0] - x[1]).abs()));
    /// let smooth = program.smoothed(100.0);
    ///
    /// let mut g = [0.0; 2];
    /// let value = smooth.gradient(&mut smooth.workspace(), &[3.0, 3.01], &mut g)?;
    /// let exact = program.value(&mut program.workspace(), &[3.0, 3.01])?;
    /// let (low, high) = smooth.gap();
    /// assert_eq!((low, high), (-2f64.ln() / 100.0, 2.0 * 2f64.ln() / 100.0));
    /// assert!(low <= value - exact && value - exact <= high);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Unless `k > 0`.
    pub fn smoothed(&self, k: f64) -> SmoothedProgram<T> {
        let mut parameters = self.parameters.clone();
        parameters.extend(sharpnesses::<T>("smoothed", k));
        let program = Program::new(with_twins(&self.code), parameters, self.value_reads);
        SmoothedProgram { program, unit_gaps: unit_gaps(&self.code) }
    }
}

/// The values of the two passive inputs that twins read.
#[track_caller]
fn sharpnesses<T: Primitive>(function: &str, k: f64) -> [T; 2] {
    let rounded = T::constant(k);
    assert!(rounded > T::zero(), "{function}: the sharpness `k` is {rounded}; it must be positive");
    [rounded, -rounded]
}

impl<T: Primitive> SmoothedProgram<T> {
    /// The sharpness `k`.
    pub fn sharpness(&self) -> f64 {
        let [.., k, _] = self.program.parameters[..] else { unreachable!("the pass added two parameters") };
        k.to_f64().unwrap_or(f64::NAN)
    }

    /// Changes the sharpness; workspaces stay valid.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// let mut smooth = Program::record(&[0.0], |x| x[0].abs()).smoothed(1.0);
    /// let mut work = smooth.workspace();
    /// assert_eq!(smooth.value(&mut work, &[0.0])?, 2f64.ln());
    /// smooth.set_sharpness(8.0);
    /// assert_eq!(smooth.value(&mut work, &[0.0])?, 2f64.ln() / 8.0);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Unless `k > 0`.
    pub fn set_sharpness(&mut self, k: f64) {
        let parameters = &mut self.program.parameters;
        let own = parameters.len() - 2;
        parameters[own..].copy_from_slice(&sharpnesses::<T>("set_sharpness", k));
    }

    /// The total gap: the interval that holds `smooth - exact` of the first
    /// output at every input, up to rounding.
    ///
    /// It adds up the error intervals of the twins
    /// ([`SMOOTHINGS`](crate::smooth::SMOOTHINGS)) on their way to the output. A
    /// maximum, a sum, a product with a constant, `tanh` and other operations of
    /// bounded slope carry an interval on; where a bound cannot be stated - a
    /// square, a product of two variables, a custom node - an end is infinite.
    /// `exp`, which only increases, keeps the end that is 0.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// let gap = |program: Program| program.smoothed(10.0).gap();
    /// let error = 2f64.ln() / 10.0;
    /// assert_eq!(gap(Program::record(&[0.0], |x| 3.0 * x[0].abs() - 1.0)), (0.0, 3.0 * error));
    /// assert_eq!(gap(Program::record(&[0.0], |x| x[0].abs().exp())), (0.0, f64::INFINITY));
    /// assert_eq!(gap(Program::record(&[0.0], |x| x[0].sin() * x[0])), (0.0, 0.0));
    /// ```
    ///
    /// Where the program compares numbers that twins changed, it speaks of the
    /// recorded branch only.
    pub fn gap(&self) -> (f64, f64) {
        self.gap_of(0)
    }

    /// The [gap](Self::gap) of an output.
    ///
    /// # Panics
    ///
    /// If there are not so many outputs.
    pub fn gap_of(&self, output: usize) -> (f64, f64) {
        let outputs = self.outputs();
        assert!(output < outputs, "gap_of: output {output} is not below the {outputs} outputs");
        let (Interval { low, high }, k) = (self.unit_gaps[output], self.sharpness());
        // An unbounded gap is zero, too, where nothing is smoothed.
        let scaled = |end: f64| if k.is_infinite() { 0.0 } else { end / k };
        (scaled(low), scaled(high))
    }

    /// The least sharpness at which the [gap](Self::gap) is certain to be within
    /// `[-error, error]`: 0 if it always is, `None` if it has no bound.
    ///
    /// ```
    /// use smoothmax::Program;
    ///
    /// let smooth = Program::record(&[0.0], |x| x[0].abs()).smoothed(1.0);
    /// assert_eq!(smooth.sharpness_for(1e-3), Some(2f64.ln() / 1e-3));
    /// ```
    ///
    /// # Panics
    ///
    /// Unless `error > 0`.
    pub fn sharpness_for(&self, error: f64) -> Option<f64> {
        assert!(error > 0.0, "sharpness_for: `error` is {error}; it must be positive");
        let Interval { low, high } = self.unit_gaps[0];
        let largest = high.max(-low);
        largest.is_finite().then_some(largest / error)
    }
}

impl<T> Deref for SmoothedProgram<T> {
    type Target = Program<T>;

    fn deref(&self) -> &Program<T> {
        &self.program
    }
}

impl<T: Primitive> std::fmt::Debug for SmoothedProgram<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmoothedProgram({:?}, sharpness {}, gap {:?})", self.program, self.sharpness(), self.gap())
    }
}
