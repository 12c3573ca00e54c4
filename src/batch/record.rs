//! Recording the term of a batch.

use super::incidence::Incidence;
use super::{Batch, Rows};
use crate::program::code::Code;
use crate::program::compile::{Source, compile};
use crate::program::require_length;
use crate::{Error, Tape, Var};

impl<'d> Batch<'d> {
    /// Records the term at `p0` and the first row (zeros, if there are no rows).
    ///
    /// # Panics
    ///
    /// Where [`try_record`](Self::try_record) gives an error.
    pub fn record<F>(p0: &[f64], rows: impl Into<Rows<'d>>, term: F) -> Self
    where
        F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        Batch::try_record(p0, rows, term).unwrap_or_else(|error| panic!("Batch::record: {error}"))
    }

    /// [`record`](Self::record), or what cannot be recorded.
    ///
    /// # Errors
    ///
    /// As [`Program::try_record`](crate::Program::try_record).
    pub fn try_record<F>(p0: &[f64], rows: impl Into<Rows<'d>>, term: F) -> Result<Self, Error>
    where
        F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        let rows = rows.into();
        let (code, value_reads) = record_term(p0, &rows, term)?;
        Ok(Batch { code, rows, inputs: p0.len(), incidence: None, value_reads })
    }

    /// Records a term of `N` of the variables: term `i` sees
    /// `x[indices[i][0]], .., x[indices[i][N - 1]]` and data row `i`.
    ///
    /// ```
    /// use smoothmax::{Batch, Rows};
    ///
    /// // Squared distances of neighbours on a line.
    /// let pairs = [[0, 1], [1, 2]];
    /// let batch = Batch::gather(&[0.0; 3], &pairs, Rows::empty(2), |x, _| (x[0] - x[1]).powi(2));
    /// let mut g = [0.0; 3];
    /// assert_eq!(batch.sum(&[0.0, 1.0, 3.0], &mut g)?, 1.0 + 4.0);
    /// assert_eq!(g, [-2.0, 2.0 - 4.0, 4.0]);
    /// # Ok::<(), smoothmax::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Where [`try_gather`](Self::try_gather) gives an error.
    pub fn gather<const N: usize, F>(
        x0: &[f64],
        indices: &[[u32; N]],
        rows: impl Into<Rows<'d>>,
        term: F,
    ) -> Self
    where
        F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        Batch::try_gather(x0, indices, rows, term).unwrap_or_else(|error| panic!("Batch::gather: {error}"))
    }

    /// [`gather`](Self::gather), or what cannot be recorded.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] unless there is a row of data for each of indices,
    /// [`Error::Invalid`] if an index is not below the length of `x0`, and as
    /// [`try_record`](Self::try_record).
    pub fn try_gather<const N: usize, F>(
        x0: &[f64],
        indices: &[[u32; N]],
        rows: impl Into<Rows<'d>>,
        term: F,
    ) -> Result<Self, Error>
    where
        F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        let rows = rows.into();
        require_length("rows", rows.len(), indices.len())?;
        let incidence = Incidence::new(indices, x0.len())?;
        let local: Vec<f64> = match indices.first() {
            Some(first) => first.iter().map(|&variable| x0[variable as usize]).collect(),
            None => vec![0.0; N],
        };
        let (code, value_reads) = record_term(&local, &rows, term)?;
        Ok(Batch { code, rows, inputs: x0.len(), incidence: Some(incidence), value_reads })
    }
}

/// Records `term` with the first row; gives its code and the values it read.
fn record_term<F>(x0: &[f64], rows: &Rows<'_>, term: F) -> Result<(Code<f64>, usize), Error>
where
    F: for<'t> Fn(&[Var<'t, f64>], &[Var<'t, f64>]) -> Var<'t, f64>,
{
    let sample = |column| if rows.is_empty() { 0.0 } else { rows.at(0, column) };
    let row: Vec<f64> = (0..rows.columns()).map(sample).collect();
    let tape = Tape::new();
    let outputs = tape.outputs(&[term(&tape.vars(x0), &tape.vars(&row))]);
    let value_reads = tape.value_reads();
    let recording = tape.into_recording();
    let (active_inputs, passive_inputs) = (x0.len(), row.len());
    let code = compile(Source { recording, outputs, active_inputs, passive_inputs, find_runs: false })?;
    Ok((code, value_reads))
}
