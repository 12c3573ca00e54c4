//! Rows in chunks: the unit of work of a thread.

use std::ops::Range;

use crate::Error;
use crate::lanes::LANES;

/// The rows of each chunk that is reduced on its own: fixed, so that results do
/// not depend on the number of threads.
fn chunks(rows: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    const SMALLEST: usize = 1 << 13;
    const MOST: usize = 64;
    let size = rows.div_ceil(MOST).next_multiple_of(LANES).max(SMALLEST);
    (0..rows).step_by(size).map(move |first| first..rows.min(first + size))
}

/// Runs `part` on every chunk of rows, on as many threads as there are, and
/// merges the results in the order of the chunks.
#[cfg(feature = "parallel")]
pub(super) fn reduce<P: Send, R>(
    rows: usize,
    none: R,
    part: impl Fn(Range<usize>) -> Result<P, Error> + Send + Sync,
    mut merge: impl FnMut(R, P) -> R,
) -> Result<R, Error> {
    use rayon::prelude::*;
    let chunks: Vec<_> = chunks(rows).collect();
    let parts: Vec<_> = chunks.into_par_iter().map(&part).collect();
    parts.into_iter().try_fold(none, |merged, part| Ok(merge(merged, part?)))
}

/// Runs `part` on every chunk of rows and merges the results as they come.
#[cfg(not(feature = "parallel"))]
pub(super) fn reduce<P, R>(
    rows: usize,
    none: R,
    part: impl Fn(Range<usize>) -> Result<P, Error>,
    mut merge: impl FnMut(R, P) -> R,
) -> Result<R, Error> {
    chunks(rows).try_fold(none, |merged, rows| Ok(merge(merged, part(rows)?)))
}

/// Adds partial gradients up.
pub(super) fn add_to(sums: &mut [f64], parts: &[f64]) {
    sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
}
