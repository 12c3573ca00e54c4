//! Recording a program of `f64`, and recording it again.

use super::{Program, Workspace};
use crate::{Error, Var};

impl Program<f64> {
    /// Records `f: R^n -> R` at `x0`.
    ///
    /// ```
    /// use smoothmax::{smooth_max, Program};
    ///
    /// let program = Program::record(&[0.0, 0.0], |x| smooth_max(x, 1.0));
    /// let mut g = [0.0; 2];
    /// let value = program.gradient(&mut program.workspace(), &[800.0, 801.0], &mut g)?;
    /// assert_eq!(value, 801.3132616875182);
    /// assert!((g[0] - 0.2689414213699951).abs() < 1e-15);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Where [`try_record`](Self::try_record) gives an error.
    pub fn record<F>(x0: &[f64], f: F) -> Self
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    {
        Program::try_record(x0, f).unwrap_or_else(|error| panic!("Program::record: {error}"))
    }

    /// [`record`](Self::record), or what cannot be recorded.
    ///
    /// # Errors
    ///
    /// [`Error::NotReplayable`] for a custom node that says so,
    /// [`Error::TooLong`] beyond 2^30 operations.
    pub fn try_record<F>(x0: &[f64], f: F) -> Result<Self, Error>
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    {
        Program::compile(x0, |x| vec![f(x)])
    }

    /// Records `f: R^n -> R^m` at `x0`.
    ///
    /// # Panics
    ///
    /// Where [`try_record_many`](Self::try_record_many) gives an error, and if
    /// `f` gives no outputs.
    pub fn record_many<F>(x0: &[f64], f: F) -> Self
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>,
    {
        Program::try_record_many(x0, f).unwrap_or_else(|error| panic!("Program::record_many: {error}"))
    }

    /// [`record_many`](Self::record_many), or what cannot be recorded.
    ///
    /// # Errors
    ///
    /// As [`try_record`](Self::try_record).
    ///
    /// # Panics
    ///
    /// If `f` gives no outputs.
    pub fn try_record_many<F>(x0: &[f64], f: F) -> Result<Self, Error>
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>,
    {
        Program::compile(x0, f)
    }

    /// The gradient at `x` by a replay; if a comparison flips there, by
    /// recording `f` again, which `self` then is.
    ///
    /// ```
    /// use smoothmax::{Program, Var};
    ///
    /// fn f<'t>(x: &[Var<'t>]) -> Var<'t> {
    ///     if x[0] > 0.0 { x[0] * 2.0 } else { -x[0] }
    /// }
    ///
    /// let mut program = Program::record(&[1.0], |x| f(x));
    /// let mut work = program.workspace();
    /// let mut g = [0.0];
    /// assert!(program.gradient(&mut work, &[-3.0], &mut g).is_err());
    /// let value = program.replay_or_record(&mut work, &[-3.0], &mut g, |x| f(x))?;
    /// assert_eq!((value, g), (3.0, [-1.0]));
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_record`](Self::try_record).
    ///
    /// # Panics
    ///
    /// As [`gradient`](Self::gradient).
    pub fn replay_or_record<F>(
        &mut self,
        work: &mut Workspace,
        x: &[f64],
        gradient: &mut [f64],
        f: F,
    ) -> Result<f64, Error>
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    {
        match self.gradient(work, x, gradient) {
            Err(Error::BranchChanged { .. }) => {
                *self = Program::try_record(x, f)?;
                *work = self.workspace();
                self.gradient(work, x, gradient)
            }
            result => result,
        }
    }
}
