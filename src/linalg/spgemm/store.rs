//! The rows of the right matrix that are at hand: those that one stretch of the left matrix needs, and no others.
//!
//! They are picked out of what is read, so that rows far apart take no more memory than rows close together. They lie in
//! the order of the matrix, and a set of bits tells the number of a row among them.

use std::ops::Range;

use super::right::Right;
use super::row_set::RowSet;
use crate::linalg::kernels::Fault;
use crate::linalg::kernels::spgemm::Rows;
use crate::storage::{Entry, Index};

/// Some rows of a matrix.
pub(super) struct Store<T, I> {
    rows: RowSet,
    /// The rows of the stretch that comes next.
    next: RowSet,
    /// Where each row starts, and where the last ends.
    starts: Vec<usize>,
    indices: Vec<I>,
    data: Vec<T>,
    /// The row that comes next in what is read.
    at: usize,
}

impl<T: Entry, I: Index> Store<T, I> {
    /// None of `nrows` rows.
    pub(super) fn new(nrows: usize) -> Self {
        Store {
            rows: RowSet::new(nrows),
            next: RowSet::new(nrows),
            starts: vec![0],
            indices: Vec::new(),
            data: Vec::new(),
            at: 0,
        }
    }

    /// Bytes that the sets of rows take.
    pub(super) fn bytes_of_sets(nrows: usize) -> u64 {
        2 * RowSet::bytes(nrows)
    }

    /// Bytes that a row of `entries` entries takes.
    pub(super) fn bytes_of_row(entries: usize) -> u64 {
        (entries * (size_of::<I>() + size_of::<T>()) + size_of::<usize>()) as u64
    }

    /// Turns to the rows `needed`. If `carries`, those up to the last row at hand are at hand, and stay.
    pub(super) fn turn<'a, P: Index>(
        &mut self,
        right: &Right<T, I, P>,
        needed: impl Iterator<Item = &'a I>,
        carries: bool,
    ) -> Result<(), Fault>
    where
        I: 'a,
    {
        self.next.clear();
        for k in needed {
            // A row that does not exist has no bit; no pointer either, which is what is asked.
            right.span(k.to_usize())?;
            self.next.insert(k.to_usize());
        }
        self.at = if carries { self.retain() } else { 0 };
        if !carries {
            self.indices.clear();
            self.data.clear();
        }
        std::mem::swap(&mut self.rows, &mut self.next);
        self.rows.count();
        self.starts.clear();
        let mut end = 0usize;
        self.starts.push(end);
        for k in self.rows.rows_from(0) {
            end += right.span(k)?.len();
            self.starts.push(end);
        }
        self.indices.reserve_exact(end.saturating_sub(self.indices.len()));
        self.data.reserve_exact(end.saturating_sub(self.data.len()));
        Ok(())
    }

    /// Moves the rows that are needed next to the front, and tells the first row that is not at hand.
    fn retain(&mut self) -> usize {
        let mut kept = 0;
        for (n, row) in self.rows.rows_from(0).enumerate() {
            if self.next.contains(row) {
                let here = self.starts[n]..self.starts[n + 1];
                self.indices.copy_within(here.clone(), kept);
                self.data.copy_within(here.clone(), kept);
                kept += here.len();
            }
        }
        self.indices.truncate(kept);
        self.data.truncate(kept);
        self.rows.last().map_or(0, |last| last + 1)
    }

    /// Picks what is needed out of `entries` of the matrix. They come in order.
    pub(super) fn pick<P: Index>(
        &mut self,
        right: &Right<T, I, P>,
        entries: Range<usize>,
        (indices, data): (&[I], &[T]),
    ) -> Result<(), Fault> {
        let mut run = entries.start..entries.start;
        let mut copy = |run: &Range<usize>| {
            let here = run.start - entries.start..run.end - entries.start;
            self.indices.extend_from_slice(indices.get(here.clone()).ok_or(Fault)?);
            self.data.extend_from_slice(data.get(here).ok_or(Fault)?);
            Ok(())
        };
        for row in self.rows.rows_from(self.at) {
            let span = right.span(row)?;
            let here = span.start.max(entries.start)..span.end.min(entries.end);
            if here.start < here.end {
                // Rows one behind the other are copied together.
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

    /// Fails unless all rows that are needed are at hand.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let wanted = self.starts.last().copied();
        if wanted == Some(self.indices.len()) { Ok(()) } else { Err(Fault) }
    }
}

impl<'a, T: Entry, I: Index> Rows<'a, T, I> for &'a Store<T, I> {
    #[inline(always)]
    fn row(self, k: usize) -> Result<(&'a [I], &'a [T]), Fault> {
        let number = self.rows.number(k).ok_or(Fault)?;
        let here = self.starts[number]..self.starts[number + 1];
        let indices = self.indices.get(here.clone()).ok_or(Fault)?;
        Ok((indices, self.data.get(here).ok_or(Fault)?))
    }

    #[inline(always)]
    fn rising(self) -> bool {
        false
    }
}
