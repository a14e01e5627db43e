//! Access to a compressed matrix line by line (row for CSR, column for CSC) and entry by entry.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::axis::Axis;
use crate::sparse::compressed::{Compressed, Csc, Csr};
use crate::sparse::indices::{Indices, by_index};
use crate::storage::{Entry, Index};

/// The stored entries of one row of a CSR or one column of a CSC matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line<'a, T, I> {
    /// Column indices for a row, row indices for a column. They are below the extent for a line that was requested
    /// singly; for lines of an iterator only if the matrix was [checked](Compressed::check).
    pub indices: &'a [I],
    /// The value at each index.
    pub data: &'a [T],
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    pub(crate) fn line(&self, major: usize) -> Line<'_, T, I> {
        let span = self.span(major);
        Line { indices: &self.indices()[span.clone()], data: &self.data()[span] }
    }

    pub(crate) fn lines(
        &self,
    ) -> impl ExactSizeIterator<Item = Line<'_, T, I>> + DoubleEndedIterator + Clone {
        (0..self.major()).map(|major| self.line(major))
    }

    fn line_at(&self, major: usize) -> Result<Line<'_, T, I>> {
        if major >= self.major() {
            return Err(outside(self.shape(), A::swap_if_cols((major, 0))));
        }
        self.check_major(major)?;
        Ok(self.line(major))
    }

    /// The value stored at row `i` and column `j`, `None` if nothing is stored.
    ///
    /// One binary search, or a scan of the line if its indices are not in order or not known to be. For a matrix from a
    /// file only the requested line is checked, until checking the whole matrix is less work. Fails if the position is
    /// outside the matrix or has several entries, or if an index of the line is out of range.
    pub fn get(&self, i: usize, j: usize) -> Result<Option<T>> {
        if i >= self.nrows() || j >= self.ncols() {
            return Err(outside(self.shape(), (i, j)));
        }
        let (major, minor) = A::swap_if_cols((i, j));
        let canonical = self.check_major(major)?;
        let Line { indices, data } = self.line(major);
        match position_of(minor, Indices::new(indices), canonical) {
            Ok(found) => Ok(found.map(|k| data[k])),
            Err(error) => Err(error.found(format!("more at row {i}, column {j}"))),
        }
    }
}

/// The position of an index in a line, if present. Fails if it occurs several times.
fn position_of(index: usize, line: Indices<'_>, canonical: bool) -> Result<Option<usize>> {
    by_index!(line, line => {
        if canonical {
            return Ok(line.binary_search_by(|stored| stored.to_usize().cmp(&index)).ok());
        }
        let mut stored = (0..line.len()).filter(|&k| line[k].to_usize() == index);
        let first = stored.next();
        match stored.next() {
            None => Ok(first),
            Some(_) => {
                let what = "several entries are stored at one position";
                Err(Error::new(ErrorKind::Duplicate, what).expected("one entry"))
            }
        }
    })
}

fn outside(shape: (usize, usize), position: (usize, usize)) -> Error {
    Error::new(ErrorKind::Index, "the position is outside the matrix")
        .expected(format!("one inside {shape:?}"))
        .found(format!("{position:?}"))
}

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// Row `i`, its indices checked. For a matrix from a file no other row is read.
    pub fn row(&self, i: usize) -> Result<Line<'_, T, I>> {
        self.line_at(i)
    }

    /// Every row, from the first.
    ///
    /// ```
    /// let a = outcore::Csr::<f64>::eye(3);
    /// let trace: f64 = a.rows().enumerate().filter(|(i, row)| row.indices == [*i as u32]).map(|(_, row)| row.data[0]).sum();
    /// assert_eq!(trace, 3.0);
    /// ```
    pub fn rows(
        &self,
    ) -> impl ExactSizeIterator<Item = Line<'_, T, I>> + DoubleEndedIterator + Clone {
        self.lines()
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// Column `j`, its indices checked. For a matrix from a file no other column is read.
    pub fn col(&self, j: usize) -> Result<Line<'_, T, I>> {
        self.line_at(j)
    }

    /// Every column, from the first.
    pub fn cols(
        &self,
    ) -> impl ExactSizeIterator<Item = Line<'_, T, I>> + DoubleEndedIterator + Clone {
        self.lines()
    }
}

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// The rows in `range` as a separate matrix, without a copy.
    ///
    /// ```
    /// let a = outcore::Csr::<f64>::eye(5);
    /// assert_eq!(a.row_range(1..3)?.shape(), (2, 5));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn row_range(&self, range: Range<usize>) -> Result<Self> {
        self.slice_major(range)
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// The columns in `range` as a separate matrix, without a copy.
    pub fn col_range(&self, range: Range<usize>) -> Result<Self> {
        self.slice_major(range)
    }
}
