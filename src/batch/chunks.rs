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

/// Runs `part` on every chunk of rows; the results are in the order of the chunks.
#[cfg(feature = "parallel")]
pub(super) fn reduce<P: Send>(
    rows: usize,
    part: impl Fn(Range<usize>) -> Result<P, Error> + Send + Sync,
) -> Result<Vec<P>, Error> {
    use rayon::prelude::*;
    let chunks: Vec<_> = chunks(rows).collect();
    let parts: Vec<_> = chunks.into_par_iter().map(&part).collect();
    parts.into_iter().collect()
}

/// Runs `part` on every chunk of rows.
#[cfg(not(feature = "parallel"))]
pub(super) fn reduce<P>(
    rows: usize,
    part: impl Fn(Range<usize>) -> Result<P, Error>,
) -> Result<Vec<P>, Error> {
    chunks(rows).map(part).collect()
}

/// Writes the sum of partial gradients to `gradient`.
pub(super) fn add_up(partials: &[Vec<f64>], gradient: &mut [f64]) {
    gradient.fill(0.0);
    for partial in partials {
        gradient.iter_mut().zip(partial).for_each(|(sum, slope)| *sum += slope);
    }
}
