//! The loaded rows of the right matrix: those that one panel of the left matrix needs.
//!
//! They are selected from the data read, so that scattered rows take no more memory than adjacent ones. They are in the
//! order of the matrix, and a set of bits gives the number of a row among them. Rows that the next panel may still
//! need stay in place: rows before the first needed one are dropped, rows after the last are appended.

use std::ops::Range;

use crate::linalg::kernels::OutOfRange;
use crate::linalg::spgemm::kernels::RowSource;
use crate::linalg::spgemm::load::row_set::RowSet;
use crate::linalg::spgemm::right_matrix::{RightMatrix, bytes_of_row};
use crate::storage::{Entry, Index};

/// Some rows of a matrix.
pub(crate) struct Store<T, I> {
    rows: RowSet,
    /// The start of each row, and the end of the last. Data before the first belongs to dropped rows.
    starts: Vec<usize>,
    indices: Vec<I>,
    data: Vec<T>,
    /// The next row in the data being read.
    at: usize,
}

impl<T: Entry, I: Index> Store<T, I> {
    /// No rows loaded out of `nrows`.
    pub(crate) fn new(nrows: usize) -> Self {
        Store {
            rows: RowSet::new(nrows),
            starts: vec![0],
            indices: Vec::new(),
            data: Vec::new(),
            at: 0,
        }
    }

    /// Bytes of the set of rows.
    pub(crate) fn bytes_of_set(nrows: usize) -> u64 {
        RowSet::bytes(nrows)
    }

    /// Switches to the rows `needed`, within `space` bytes. If `carries`, loaded rows from the first needed one on stay;
    /// then no needed row that is not loaded comes before the last loaded one.
    pub(crate) fn turn<'a, P: Index>(
        &mut self,
        right: &RightMatrix<T, I, P>,
        needed: impl Iterator<Item = &'a I> + Clone,
        carries: bool,
        space: u64,
    ) -> Result<(), OutOfRange>
    where
        I: 'a,
    {
        // A row that does not exist has no pointer, and an empty row has no bit.
        let has_entries = |k: usize| right.span(k).map(|span| !span.is_empty());
        let needed = needed.map(|k| k.to_usize());
        let first = needed.clone().filter(|&k| has_entries(k) == Ok(true)).min();
        match first.filter(|_| carries) {
            Some(first) => self.drop_before(first),
            None => self.forget(),
        }
        self.at = self.rows.last().map_or(0, |last| last + 1);
        for k in needed {
            if has_entries(k)? && self.rows.insert(k) && k < self.at {
                return Err(OutOfRange);
            }
        }
        self.rows.count();
        self.reserve(right, space)
    }

    /// Drops the rows before `first`.
    fn drop_before(&mut self, first: usize) {
        let gone = self.rows.remove_before(first);
        self.starts.drain(..gone);
    }

    /// Drops all rows.
    pub(crate) fn forget(&mut self) {
        self.rows.clear();
        self.starts.clear();
        self.starts.push(0);
        self.indices.clear();
        self.data.clear();
    }

    /// Reserves memory for the rows that are not loaded, which follow the others.
    fn reserve<P: Index>(
        &mut self,
        right: &RightMatrix<T, I, P>,
        space: u64,
    ) -> Result<(), OutOfRange> {
        let mut end = self.indices.len();
        self.starts.reserve_exact(self.rows.rows_from(self.at).count());
        for row in self.rows.rows_from(self.at) {
            end += right.span(row)?.len();
            self.starts.push(end);
        }
        let entry = (size_of::<I>() + size_of::<T>()) as u64;
        let starts = bytes_of_row(0, 0) * self.starts.len() as u64;
        let (most, gone) = ((space.saturating_sub(starts) / entry) as usize, self.starts[0]);
        if end > most && gone > 0 {
            self.indices.drain(..gone);
            self.data.drain(..gone);
            self.starts.iter_mut().for_each(|start| *start -= gone);
            end -= gone;
        }
        if self.indices.capacity() < end {
            // Reserves the maximum at once, because vectors that grow exist twice for a moment. Pages are allocated
            // when they are written.
            let goal = right.matrix.nnz().min((space / entry) as usize).max(end);
            self.indices.reserve_exact(goal - self.indices.len());
            self.data.reserve_exact(goal - self.data.len());
        }
        Ok(())
    }

    /// Selects the needed rows from `entries` of the matrix. Calls are in order.
    pub(crate) fn pick<P: Index>(
        &mut self,
        right: &RightMatrix<T, I, P>,
        entries: Range<usize>,
        (indices, data): (&[I], &[T]),
    ) -> Result<(), OutOfRange> {
        let mut run = entries.start..entries.start;
        let mut copy = |run: &Range<usize>| {
            let here = run.start - entries.start..run.end - entries.start;
            self.indices.extend_from_slice(indices.get(here.clone()).ok_or(OutOfRange)?);
            self.data.extend_from_slice(data.get(here).ok_or(OutOfRange)?);
            Ok(())
        };
        for row in self.rows.rows_from(self.at) {
            let span = right.span(row)?;
            let here = span.start.max(entries.start)..span.end.min(entries.end);
            if here.start < here.end {
                // Adjacent rows are copied together.
                if here.start != run.end {
                    copy(&run)?;
                    run.start = here.start;
                }
                run.end = here.end;
            }
            self.at = row;
            if span.end > entries.end {
                break;
            }
            self.at = row + 1;
        }
        copy(&run)
    }

    /// Fails unless all needed rows are loaded.
    pub(crate) fn check(&self) -> Result<(), OutOfRange> {
        let wanted = self.starts.last().copied();
        if wanted == Some(self.indices.len()) { Ok(()) } else { Err(OutOfRange) }
    }
}

/// The loaded rows, for multiplying.
pub(crate) struct StoredRows<'a, T: Entry, I: Index, P: Index> {
    pub(crate) store: &'a Store<T, I>,
    pub(crate) right: &'a RightMatrix<T, I, P>,
}

impl<T: Entry, I: Index, P: Index> Clone for StoredRows<'_, T, I, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Entry, I: Index, P: Index> Copy for StoredRows<'_, T, I, P> {}

impl<'a, T: Entry, I: Index, P: Index> RowSource<'a, T, I> for StoredRows<'a, T, I, P> {
    #[inline(always)]
    fn row(self, k: usize) -> Result<(&'a [I], &'a [T]), OutOfRange> {
        let Store { rows, starts, indices, data, .. } = self.store;
        let Some(number) = rows.number(k) else {
            return if self.right.span(k)?.is_empty() { Ok((&[], &[])) } else { Err(OutOfRange) };
        };
        let here = starts[number]..starts[number + 1];
        let indices = indices.get(here.clone()).ok_or(OutOfRange)?;
        Ok((indices, data.get(here).ok_or(OutOfRange)?))
    }

    #[inline(always)]
    fn announce(self, _: usize) {}

    #[inline(always)]
    fn rising(self) -> bool {
        false
    }
}
