//! The data of a batch: a table of numbers, owned or borrowed.

use std::borrow::Cow;

use nalgebra::DMatrix;

use super::selection::Block;
use crate::lanes::LANES;

/// Data rows, one for each term of a [`Batch`](super::Batch).
///
/// Made from a `DMatrix` or a `&DMatrix` (a row for each term), from arrays in a
/// `Vec`, a `&Vec`, an array or a slice, or from a plain slice by
/// [`row_major`](Self::row_major). Borrowed data is not copied.
///
/// ```
/// use nalgebra::dmatrix;
/// use smoothmax::Rows;
///
/// let points = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]];
/// let matrix = dmatrix![0.0, 1.0; 2.0, 3.0; 4.0, 5.0];
/// assert_eq!(Rows::from(&points), Rows::from(matrix));
/// assert_eq!(Rows::from(&points), Rows::from(points.to_vec()));
/// ```
#[derive(Clone, Debug)]
pub struct Rows<'d> {
    data: Cow<'d, [f64]>,
    count: usize,
    columns: usize,
    /// How far apart in `data` neighbours are.
    row_stride: usize,
    column_stride: usize,
}

impl<'d> Rows<'d> {
    /// `count` rows without data, for terms that need none.
    pub fn empty(count: usize) -> Self {
        Rows { data: Cow::Borrowed(&[]), count, columns: 0, row_stride: 0, column_stride: 0 }
    }

    /// Rows that stand one after another in a slice.
    ///
    /// # Panics
    ///
    /// If `columns` is 0 or does not divide the length of `data`.
    pub fn row_major(data: &'d [f64], columns: usize) -> Self {
        assert!(
            columns > 0 && data.len().is_multiple_of(columns),
            "Rows::row_major: `columns` is {columns}, `data` has {} numbers",
            data.len()
        );
        let count = data.len() / columns;
        Rows { data: Cow::Borrowed(data), count, columns, row_stride: columns, column_stride: 1 }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The numbers in each row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number in a row and column.
    #[inline]
    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.data[row * self.row_stride + column * self.column_stride]
    }

    /// Copies the numbers in a column of a block.
    #[inline(always)]
    pub(super) fn load(&self, block: Block<'_>, column: usize, lanes: &mut [f64; LANES]) {
        match block {
            Block::Consecutive { first, count: LANES } if self.row_stride == 1 => {
                lanes.copy_from_slice(&self.data[first + column * self.column_stride..][..LANES]);
            }
            _ => {
                for i in 0..LANES {
                    lanes[i] = self.at(block.row(i), column);
                }
            }
        }
    }

    fn from_arrays<const C: usize>(data: Cow<'d, [f64]>, count: usize) -> Self {
        Rows { data, count, columns: C, row_stride: C, column_stride: 1 }
    }

    fn from_columns(data: Cow<'d, [f64]>, count: usize, columns: usize) -> Self {
        Rows { data, count, columns, row_stride: 1, column_stride: count }
    }
}

impl PartialEq for Rows<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count
            && self.columns == other.columns
            && (0..self.count).all(|i| (0..self.columns).all(|j| self.at(i, j) == other.at(i, j)))
    }
}

impl From<DMatrix<f64>> for Rows<'_> {
    fn from(matrix: DMatrix<f64>) -> Self {
        let (count, columns) = matrix.shape();
        Rows::from_columns(Cow::Owned(matrix.data.into()), count, columns)
    }
}

impl<'d> From<&'d DMatrix<f64>> for Rows<'d> {
    fn from(matrix: &'d DMatrix<f64>) -> Self {
        Rows::from_columns(Cow::Borrowed(matrix.as_slice()), matrix.nrows(), matrix.ncols())
    }
}

impl<const C: usize> From<Vec<[f64; C]>> for Rows<'_> {
    fn from(rows: Vec<[f64; C]>) -> Self {
        let count = rows.len();
        Rows::from_arrays::<C>(Cow::Owned(rows.into_flattened()), count)
    }
}

impl<'d, const C: usize> From<&'d [[f64; C]]> for Rows<'d> {
    fn from(rows: &'d [[f64; C]]) -> Self {
        Rows::from_arrays::<C>(Cow::Borrowed(rows.as_flattened()), rows.len())
    }
}

impl<'d, const C: usize> From<&'d Vec<[f64; C]>> for Rows<'d> {
    fn from(rows: &'d Vec<[f64; C]>) -> Self {
        Rows::from(rows.as_slice())
    }
}

impl<'d, const C: usize, const N: usize> From<&'d [[f64; C]; N]> for Rows<'d> {
    fn from(rows: &'d [[f64; C]; N]) -> Self {
        Rows::from(rows.as_slice())
    }
}
