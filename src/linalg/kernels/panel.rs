//! A run of rows of a compressed matrix as plain slices, with every pointer checked.
//!
//! The slices may be maps of files that another process can change, so nothing is read from them twice: a
//! pointer is read once, checked, and only the checked copy is used. The indices are checked by the kernels while they
//! use them. A kernel that finds an invalid value stops with [`OutOfRange`]; [`Panel::out_of_range`] then looks for the first
//! of them in row order, slowly, and reports its place.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::{Indices, by_index, index_out_of_range, partition};
use crate::storage::Index;

/// Something in the panel was out of range; [`Panel::out_of_range`] reports what and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfRange;

/// Consecutive rows (columns, for CSC) of a compressed matrix.
///
/// Entry `n` of row `i` is at position `indptr[i] - base + n` of `indices` and `values`, where `base` is the first
/// pointer of the window from which the panel was made.
pub(crate) struct Panel<'a, T, I> {
    pub(crate) indptr: Indices<'a>,
    pub(crate) indices: &'a [I],
    pub(crate) values: &'a [T],
    ncols: usize,
    first_row: usize,
    base: usize,
}

/// Consecutive rows with indices of either width, and without their values.
#[derive(Clone, Copy)]
pub(crate) struct AnyPanel<'a> {
    pub(crate) indptr: Indices<'a>,
    pub(crate) indices: Indices<'a>,
    pub(crate) ncols: usize,
    pub(crate) first_row: usize,
}

impl AnyPanel<'_> {
    pub(crate) fn nrows(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    /// As [`Panel::row`].
    pub(crate) fn row(&self, i: usize) -> std::result::Result<Range<usize>, OutOfRange> {
        let (base, from, to) = (self.indptr.at(0), self.indptr.at(i), self.indptr.at(i + 1));
        match base <= from && from <= to && to - base <= self.indices.len() {
            true => Ok(from - base..to - base),
            false => Err(OutOfRange),
        }
    }

    /// As [`Panel::out_of_range`].
    #[cold]
    pub(crate) fn out_of_range(&self) -> Error {
        let AnyPanel { indptr, ncols, first_row, .. } = *self;
        let base = if indptr.len() == 0 { 0 } else { indptr.at(0) };
        by_index!(self.indices, indices => {
            Panel::<'_, (), _> { indptr, indices, values: &[], ncols, first_row, base }.out_of_range()
        })
    }
}

impl<T, I> Clone for Panel<'_, T, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, I> Copy for Panel<'_, T, I> {}

impl<'a, T, I: Index> Panel<'a, T, I> {
    /// Rows `first_row..first_row + indptr.len() - 1` of a matrix with `ncols` columns.
    ///
    /// Fails if there is no pointer, or if indices and values differ in number. Only the first pointer
    /// is read.
    pub(crate) fn new<P: Index>(
        indptr: &'a [P],
        indices: &'a [I],
        values: &'a [T],
        ncols: usize,
        first_row: usize,
    ) -> Result<Self> {
        Self::over(Indices::new(indptr), indices, values, ncols, first_row)
    }

    /// As [`new`](Self::new), with pointers of either width.
    pub(crate) fn over(
        indptr: Indices<'a>,
        indices: &'a [I],
        values: &'a [T],
        ncols: usize,
        first_row: usize,
    ) -> Result<Self> {
        if indptr.len() == 0 {
            return Err(Error::new(ErrorKind::Index, "a compressed matrix without pointers")
                .expected("rows + 1 pointers")
                .found(0));
        }
        if indices.len() != values.len() {
            return Err(Error::shape("values", indices.len(), values.len()));
        }
        Ok(Panel { indptr, indices, values, ncols, first_row, base: indptr.at(0) })
    }

    /// The number of rows plus entries.
    pub(crate) fn cost(&self) -> usize {
        partition::cost(self.indptr)
    }

    /// At most `parts` runs of rows of about equal cost.
    pub(crate) fn split(&self, parts: usize) -> Vec<Range<usize>> {
        partition::split(self.indptr, parts)
    }

    pub(crate) fn nrows(&self) -> usize {
        self.indptr.len() - 1
    }

    pub(crate) fn ncols(&self) -> usize {
        self.ncols
    }

    /// The number of the first row in the matrix.
    pub(crate) fn first_row(&self) -> usize {
        self.first_row
    }

    /// The rows `rows` of this panel, as a panel over the same entries.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Self {
        Panel {
            indptr: self.indptr.slice(rows.start..rows.end + 1),
            first_row: self.first_row + rows.start,
            ..*self
        }
    }

    /// The positions of row `i`'s entries; whatever the pointers are, the range is within `0..indices.len()`.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> std::result::Result<Range<usize>, OutOfRange> {
        self.between(self.indptr.at(i), self.indptr.at(i + 1))
    }

    /// The positions between two pointers; whatever they are, the range is within `0..indices.len()`.
    #[inline(always)]
    pub(crate) fn between(
        &self,
        from: usize,
        to: usize,
    ) -> std::result::Result<Range<usize>, OutOfRange> {
        if self.base <= from && from <= to && to - self.base <= self.indices.len() {
            Ok(from - self.base..to - self.base)
        } else {
            Err(OutOfRange)
        }
    }

    /// Columns that an index can name: all, except for a matrix wider than its index type.
    ///
    /// An index that its signed type on disk cannot hold is not a column of any matrix.
    #[inline(always)]
    pub(crate) fn columns(&self) -> usize {
        self.ncols.min(I::LARGEST.saturating_add(1))
    }

    /// The panel without its values, for code that is compiled once for all types of entries.
    pub(crate) fn structure(&self) -> Panel<'a, (), I> {
        let Panel { indptr, indices, ncols, first_row, base, .. } = *self;
        Panel { indptr, indices, values: &[], ncols, first_row, base }
    }

    /// The error for the first bad pointer or index in row order. Reads every index until then.
    #[cold]
    pub(crate) fn out_of_range(&self) -> Error {
        self.structure().first_out_of_range()
    }
}

impl<I: Index> Panel<'_, (), I> {
    #[cold]
    fn first_out_of_range(&self) -> Error {
        (0..self.nrows()).find_map(|i| self.row_out_of_range(i)).unwrap_or_else(|| {
            Error::new(ErrorKind::Index, "the matrix changed while it was being read")
        })
    }

    fn row_out_of_range(&self, i: usize) -> Option<Error> {
        let major = (self.first_row + i) as u64;
        let Ok(range) = self.row(i) else {
            let end = self.base.saturating_add(self.indices.len());
            return Some(
                Error::new(ErrorKind::Index, "pointers out of order or beyond the entries")
                    .at(Location::Row(major))
                    .expected(format!("{} <= start <= end <= {end}", self.base))
                    .found(format!("{} and {}", self.indptr.at(i), self.indptr.at(i + 1))),
            );
        };
        let limit = self.columns();
        let indices = self.indices[range.clone()].iter();
        let (n, index) = indices.enumerate().find(|(_, index)| index.to_usize() >= limit)?;
        Some(index_out_of_range(self.first_row + i, self.base + range.start + n, index, limit))
    }
}
