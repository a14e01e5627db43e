//! A run of rows of a compressed matrix as plain slices, with every pointer distrusted.
//!
//! The slices may be maps of files that somebody else can change, so nothing read from them is believed twice: a
//! pointer is read once, checked, and only the checked copy is used. The indices are checked by the kernels while they
//! use them. A kernel that meets something wrong stops with [`Fault`]; [`Panel::fault`] then looks for the first
//! fault in row order, slowly, and says where it is.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::storage::Index;

/// Something in the panel was out of range; [`Panel::fault`] says what and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault;

/// Consecutive rows (columns, for CSC) of a compressed matrix.
///
/// Entry `n` of row `i` is at position `indptr[i] - base + n` of `indices` and `values`, `base` being the first
/// pointer of the window that the panel was made from.
pub(crate) struct Panel<'a, T, I, P> {
    pub(crate) indptr: &'a [P],
    pub(crate) indices: &'a [I],
    pub(crate) values: &'a [T],
    ncols: usize,
    first_row: usize,
    base: usize,
}

impl<T, I, P> Clone for Panel<'_, T, I, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, I, P> Copy for Panel<'_, T, I, P> {}

impl<'a, T, I: Index, P: Index> Panel<'a, T, I, P> {
    /// Rows `first_row..first_row + indptr.len() - 1` of a matrix with `ncols` columns.
    ///
    /// Fails if there is no pointer at all or if indices and values differ in number. Nothing is read but the first
    /// pointer.
    pub(crate) fn new(
        indptr: &'a [P],
        indices: &'a [I],
        values: &'a [T],
        ncols: usize,
        first_row: usize,
    ) -> Result<Self> {
        let Some(first) = indptr.first() else {
            return Err(Error::new(ErrorKind::Index, "a compressed matrix without pointers")
                .expected("rows + 1 pointers")
                .found(0));
        };
        if indices.len() != values.len() {
            return Err(Error::shape("values", indices.len(), values.len()));
        }
        Ok(Panel { indptr, indices, values, ncols, first_row, base: first.to_usize() })
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
            indptr: &self.indptr[rows.start..=rows.end],
            first_row: self.first_row + rows.start,
            ..*self
        }
    }

    /// The positions of row `i`'s entries; whatever the pointers hold, the range lies in `0..indices.len()`.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> std::result::Result<Range<usize>, Fault> {
        let (from, to) = (self.indptr[i].to_usize(), self.indptr[i + 1].to_usize());
        if self.base <= from && from <= to && to - self.base <= self.indices.len() {
            Ok(from - self.base..to - self.base)
        } else {
            Err(Fault)
        }
    }

    /// Columns that an index can name: all, but for a matrix wider than its index type.
    ///
    /// An index that its signed type on disk cannot hold is no column of any matrix.
    #[inline(always)]
    pub(crate) fn columns(&self) -> usize {
        self.ncols.min(I::LARGEST.saturating_add(1))
    }

    /// The first fault in row order, as the error for the caller. Reads every index until then.
    #[cold]
    pub(crate) fn fault(&self) -> Error {
        (0..self.nrows()).find_map(|i| self.row_fault(i)).unwrap_or_else(|| {
            Error::new(ErrorKind::Index, "the matrix changed while it was being read")
        })
    }

    fn row_fault(&self, i: usize) -> Option<Error> {
        let major = (self.first_row + i) as u64;
        let Ok(range) = self.row(i) else {
            let end = self.base.saturating_add(self.indices.len());
            return Some(
                Error::new(ErrorKind::Index, "pointers out of order or beyond the entries")
                    .at(Location::Row(major))
                    .expected(format!("{} <= start <= end <= {end}", self.base))
                    .found(format!("{} and {}", self.indptr[i], self.indptr[i + 1])),
            );
        };
        let limit = self.columns();
        let indices = self.indices[range.clone()].iter();
        let (n, index) = indices.enumerate().find(|(_, index)| index.to_usize() >= limit)?;
        let position = (self.base + range.start + n) as u64;
        Some(
            Error::new(ErrorKind::Index, "an index is out of range")
                .at(Location::Entry { major, position })
                .expected(format!("an index below {limit}"))
                .found(index),
        )
    }
}
