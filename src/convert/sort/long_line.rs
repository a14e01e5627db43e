//! A line too long to be sorted in memory, assembled from its entries in the order of their indices.

use crate::convert::in_memory::{EntryClash, Layout};
use crate::convert::sort::passes::AnySink;
use crate::error::{ErrorKind, Result};
use crate::sparse::{Duplicates, IndexVec, Indices};
use crate::storage::raw::{Merge, Raw, RawVec, merge};

/// Entries gathered before they are passed on.
const WAITING: usize = 4096;

/// A line too long to be sorted in memory: its entries come sorted by index, those of each index as a separate line.
pub(super) struct LongLine<'a> {
    line: usize,
    /// The index of the next entries.
    next: usize,
    /// Whether the last waiting entry has that index, if entries are summed or may not repeat.
    open: bool,
    duplicates: Duplicates,
    sink: &'a mut dyn AnySink,
    indices: IndexVec,
    data: RawVec,
    merge: Merge,
}

impl<'a> LongLine<'a> {
    /// Line `line`, passed on to `sink`.
    pub(super) fn new(
        layout: Layout,
        line: usize,
        duplicates: Duplicates,
        sink: &'a mut dyn AnySink,
    ) -> Self {
        let (indices, data) = (IndexVec::new(layout.indices), RawVec::new(layout.values));
        let merge = merge(layout.values);
        LongLine { line, next: 0, open: false, duplicates, sink, indices, data, merge }
    }

    fn take(&mut self, mut values: Raw<'_>) -> Result<()> {
        while self.duplicates == Duplicates::Keep && values.len() > 0 {
            let these;
            (these, values) = values.split_at(values.len().min(WAITING));
            self.indices.resize(self.indices.len() + these.len(), self.next);
            self.data.extend(these);
            self.flush_if_full()?;
        }
        let (place, position) = ((self.line, self.next), self.sink.position());
        let clash = |kind| EntryClash::new(kind, place).into_error(position);
        for k in 0..values.len() {
            match (self.open, self.duplicates) {
                (true, Duplicates::Refuse) => return Err(clash(ErrorKind::Duplicate)),
                (true, _) => {
                    let last = self.data.len() - 1;
                    let sum = self.data.as_mut().merge(last, values, k, self.merge);
                    sum.ok_or_else(|| clash(ErrorKind::Value))?;
                }
                (false, _) => {
                    self.indices.resize(self.indices.len() + 1, self.next);
                    self.data.extend(values.slice(k..k + 1));
                    self.open = true;
                }
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        self.open = false;
        self.next += 1;
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<()> {
        if self.data.len() >= WAITING { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let canonical = self.duplicates != Duplicates::Keep;
        self.sink.part(self.indices.as_indices(), self.data.as_raw(), canonical)?;
        self.indices.clear();
        self.data.clear();
        Ok(())
    }
}

impl AnySink for LongLine<'_> {
    fn lines(&mut self, lens: &[usize], _: Indices<'_>, mut data: Raw<'_>, _: bool) -> Result<()> {
        for &len in lens {
            let values;
            (values, data) = data.split_at(len);
            self.take(values)?;
            self.close()?;
        }
        self.flush()
    }

    fn part(&mut self, _: Indices<'_>, data: Raw<'_>, _: bool) -> Result<()> {
        self.take(data)
    }

    fn end_line(&mut self) -> Result<()> {
        self.close()?;
        self.flush()
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        self.sink.position()
    }
}
