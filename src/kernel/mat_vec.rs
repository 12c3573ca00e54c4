//! `y = A x` and `x̄ += A' ȳ` for a matrix stored by columns, read once: a
//! matrix is much larger than the vectors, so that what counts is how fast it
//! streams in.

use super::dispatch::{InstructionSet, Kernel};
use super::lane::{LANES, Lane};
use super::sum::fold_lanes;

/// The kernel of `y = A x`; every `y_i` is summed in the order of the columns.
pub(crate) struct MatVec<'a, T> {
    /// The columns one after the other, each as long as `y`.
    pub(crate) matrix: &'a [T],
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
}

impl<T: Lane> Kernel for MatVec<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let Self { matrix, x, y } = self;
        let rows = y.len();
        y.fill(T::zero());
        let (fours, rest) = x.as_chunks::<4>();
        for (j, &[x0, x1, x2, x3]) in fours.iter().enumerate() {
            let columns = &matrix[4 * j * rows..][..4 * rows];
            let (a0, columns) = columns.split_at(rows);
            let (a1, columns) = columns.split_at(rows);
            let (a2, a3) = columns.split_at(rows);
            for i in 0..rows {
                y[i] = y[i] + a0[i] * x0 + a1[i] * x1 + a2[i] * x2 + a3[i] * x3;
            }
        }
        for (j, &x) in rest.iter().enumerate() {
            let column = &matrix[(4 * fours.len() + j) * rows..][..rows];
            for i in 0..rows {
                y[i] += column[i] * x;
            }
        }
    }
}

/// The kernel of `x̄ += A' ȳ`.
pub(crate) struct MatVecPullback<'a, T> {
    /// The columns one after the other, each as long as `y_bar`.
    pub(crate) matrix: &'a [T],
    pub(crate) y_bar: &'a [T],
    pub(crate) x_bar: &'a mut [T],
}

impl<T: Lane> Kernel for MatVecPullback<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let Self { matrix, y_bar, x_bar } = self;
        let rows = y_bar.len();
        let (blocks, tail) = y_bar.as_chunks::<LANES>();
        for (j, x_bar) in x_bar.iter_mut().enumerate() {
            let (column_blocks, column_tail) = matrix[j * rows..][..rows].as_chunks::<LANES>();
            let mut sums = [T::zero(); LANES];
            for (a, y_bar) in column_blocks.iter().zip(blocks) {
                for i in 0..LANES {
                    sums[i] += a[i] * y_bar[i];
                }
            }
            for (i, (&a, &y_bar)) in column_tail.iter().zip(tail).enumerate() {
                sums[i] += a * y_bar;
            }
            *x_bar += fold_lanes(sums, |a, b| a + b);
        }
    }
}
