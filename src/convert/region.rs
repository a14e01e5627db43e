//! Records of some consecutive lines put into their lines, lines sorted, duplicates treated.
//!
//! ```text
//! count the records of every line -> every line's start -> every record to the next place of its line
//! then, if lines are to be sorted: sort each that does not rise, treat its duplicates, close the gaps
//! ```
//!
//! The records come in segments, in the order in which they were given, and keep it within their line: duplicates meet
//! in that order and sums have the same bits however entries were cut into segments.

use std::ops::Range;

use crate::convert::record;
use crate::convert::sorted_line::SortedLine;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::Duplicates;
use crate::storage::{Entry, Index, prefetch_to_write};

/// Entries whose places are asked for before they are written: stores to many places wait for one another.
const AHEAD: usize = 32;

/// Some consecutive lines and the room for their entries.
pub(super) struct Region<'a, T, I> {
    pub(super) lines: Range<usize>,
    /// Entries of every line.
    pub(super) lens: &'a mut [usize],
    pub(super) indices: &'a mut [I],
    pub(super) data: &'a mut [T],
}

/// What a region turned out to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled {
    /// Entries that are left.
    pub(super) entries: usize,
    /// Whether indices strictly rise in every line.
    pub(super) canonical: bool,
}

/// A position that holds more than it may: line and index.
pub(super) struct Clash(ErrorKind, (usize, usize));

impl<T: Entry, I: Index> Region<'_, T, I> {
    /// Fills the lines with the records in `segments`, which are as many as there is room for.
    pub(super) fn fill(
        &mut self,
        segments: &[&[u8]],
        sorting: Option<Duplicates>,
    ) -> Result<std::result::Result<Filled, Clash>> {
        let size = record::bytes::<T, I>();
        self.lens.fill(0);
        for segment in segments {
            for record in segment.chunks_exact(size) {
                let line = record::major::<T, I>(record).wrapping_sub(self.lines.start);
                *record::undamaged(self.lens.get_mut(line))? += 1;
            }
        }
        self.start_lines();
        for segment in segments {
            for record in segment.chunks_exact(size) {
                let line = record::major::<T, I>(record).wrapping_sub(self.lines.start);
                let slot = record::undamaged(self.lens.get_mut(line))?;
                let place = (self.indices.get_mut(*slot), self.data.get_mut(*slot));
                let (Some(index), Some(value)) = place else { return Err(record::damaged()) };
                (*index, *value) = record::undamaged(record::rest::<T, I>(record))?;
                *slot += 1;
            }
        }
        let filled = self.settle(sorting);
        // Ends become lengths again.
        let mut before = 0;
        for slot in self.lens.iter_mut() {
            let end = *slot;
            *slot = end - before;
            before = end;
        }
        Ok(filled)
    }

    /// Fills the lines with entries whose line, counted from the first, comes with each; lengths become ends of lines.
    /// `None` if a line is not one of these.
    pub(super) fn place(
        &mut self,
        mut lines: impl Iterator<Item = usize> + Clone,
        indices: &[I],
        data: &[T],
    ) -> Option<()> {
        self.lens.fill(0);
        for line in lines.clone() {
            *self.lens.get_mut(line)? += 1;
        }
        self.start_lines();
        let mut slots = [0; AHEAD];
        for (indices, data) in indices.chunks(AHEAD).zip(data.chunks(AHEAD)) {
            // Zipped in this order, no line is taken that has no slot.
            for (slot, line) in slots[..indices.len()].iter_mut().zip(lines.by_ref()) {
                let next = self.lens.get_mut(line)?;
                *slot = *next;
                *next += 1;
                prefetch_to_write(self.indices, *slot);
                prefetch_to_write(self.data, *slot);
            }
            for ((&slot, &index), &value) in slots.iter().zip(indices).zip(data) {
                *self.indices.get_mut(slot)? = index;
                *self.data.get_mut(slot)? = value;
            }
        }
        Some(())
    }

    /// Each length gives way to the start of its line, which moves to its end while the line is filled.
    fn start_lines(&mut self) {
        let mut start = 0;
        for slot in self.lens.iter_mut() {
            start += std::mem::replace(slot, start);
        }
    }

    /// Sorts the lines that were filled, if `sorting` says how, with ends in the place of lengths.
    pub(super) fn settle(
        &mut self,
        sorting: Option<Duplicates>,
    ) -> std::result::Result<Filled, Clash> {
        match sorting {
            Some(duplicates) => self.sort(duplicates),
            None => {
                let entries = self.lens.last().copied().unwrap_or(0);
                Ok(Filled { entries, canonical: self.rises() })
            }
        }
    }

    /// Whether indices strictly rise in every line: whether they fail to only from one line to the next. A loop over all
    /// of them is much faster than one over each short line.
    fn rises(&self) -> bool {
        let falls = |before: I, index: I| usize::from(before >= index);
        let entries = self.lens.last().copied().unwrap_or(0);
        let indices = &self.indices[..entries];
        let (mut start, mut between) = (0, 0);
        for &end in self.lens.iter() {
            if 0 < start && start < end {
                between += falls(indices[start - 1], indices[start]);
            }
            start = end;
        }
        indices.windows(2).map(|pair| falls(pair[0], pair[1])).sum::<usize>() == between
    }

    fn sort(&mut self, duplicates: Duplicates) -> std::result::Result<Filled, Clash> {
        let (mut start, mut written, mut canonical) = (0, 0, true);
        let mut line = SortedLine::new();
        for (number, end) in self.lens.iter_mut().enumerate() {
            let here = start..*end;
            start = *end;
            if self.indices[here.clone()].windows(2).all(|pair| pair[0] < pair[1]) {
                if written < here.start {
                    self.indices.copy_within(here.clone(), written);
                    self.data.copy_within(here.clone(), written);
                }
                written += here.len();
            } else {
                line.sort(&self.indices[here.clone()], &self.data[here.clone()]);
                let room = written..here.end;
                let room = (&mut self.indices[room.clone()], &mut self.data[room]);
                let (length, unique) = line
                    .write(room, duplicates)
                    .map_err(|(kind, minor)| Clash(kind, (self.lines.start + number, minor)))?;
                written += length;
                canonical &= unique;
            }
            *end = written;
        }
        Ok(Filled { entries: written, canonical })
    }
}

impl Clash {
    /// A clash of this kind at a line and an index.
    pub(super) fn new(kind: ErrorKind, position: (usize, usize)) -> Self {
        Clash(kind, position)
    }

    /// The error, `position` turning line and index into row and column.
    pub(super) fn into_error(self, position: fn((usize, usize)) -> (usize, usize)) -> Error {
        let (row, col) = position(self.1);
        let what = match self.0 {
            ErrorKind::Duplicate => "a position holds several entries",
            _ => "the sum of the entries at a position overflows",
        };
        Error::new(self.0, what)
            .at(Location::Row(row as u64))
            .found(format!("row {row}, column {col}"))
    }
}
