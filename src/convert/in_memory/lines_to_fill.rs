//! Records of some consecutive lines moved into their lines, lines sorted, duplicates treated.
//!
//! ```text
//! count the records of every line -> every line's start -> every record to the next place of its line
//! then, if lines are to be sorted: sort each that does not rise, treat its duplicates, close the gaps
//! ```
//!
//! The records come in chunks, in their given order, and keep it within their line: duplicates meet in that order,
//! and sums have the same bits however entries were cut into chunks.

use std::ops::Range;

use crate::convert::in_memory::line_sort::SortedLine;
use crate::convert::in_memory::record;
use crate::convert::in_memory::record::Layout;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::{Duplicates, Indices, by_index, by_index_type, typed_indices};
use crate::storage::raw::{Carrier, Raw, RawMut, by_width, carriers_mut, merge};
use crate::storage::{DType, Index, prefetch_to_write};

/// Entries whose destinations are prefetched before they are written: scattered stores would wait for one another.
const AHEAD: usize = 32;

/// Records that are moved to their lines at a time.
const RECORDS: usize = 64;

/// Some consecutive lines and the arrays for their entries.
pub(crate) struct LinesToFill<'a> {
    pub(crate) lines: Range<usize>,
    /// Entries of every line.
    pub(crate) lens: &'a mut [usize],
    pub(crate) indices: RawMut<'a>,
    pub(crate) data: RawMut<'a>,
}

/// The outcome of filling lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilledLines {
    /// Number of remaining entries.
    pub(crate) entries: usize,
    /// Whether indices strictly rise in every line.
    pub(crate) canonical: bool,
}

/// A position with a forbidden duplicate or an overflow: line and index.
pub(crate) struct EntryClash(ErrorKind, (usize, usize));

impl LinesToFill<'_> {
    /// Fills the lines with the records in `chunks`, which fill it exactly.
    pub(crate) fn fill(
        &mut self,
        chunks: &[&[u8]],
        sorting: Option<Duplicates>,
    ) -> Result<std::result::Result<FilledLines, EntryClash>> {
        by_index_type!(self.index_type(), I => self.fill_typed::<I>(chunks))?;
        let filled = self.finish(sorting);
        // Ends become lengths again.
        let mut before = 0;
        for slot in self.lens.iter_mut() {
            let end = *slot;
            *slot = end - before;
            before = end;
        }
        Ok(filled)
    }

    fn fill_typed<I: Index>(&mut self, chunks: &[&[u8]]) -> Result<()> {
        let (first, value) = (self.lines.start, self.data.width());
        let size = Layout { values: self.data.dtype(), indices: I::DTYPE }.size();
        let line = |record| record::major::<I>(record, value).to_usize().wrapping_sub(first);
        self.lens.fill(0);
        for chunk in chunks {
            for record in chunk.chunks_exact(size) {
                *record::undamaged(self.lens.get_mut(line(record)))? += 1;
            }
        }
        self.start_lines();
        let indices = typed_indices::<I>(self.indices.reborrow());
        let mut slots = [0; RECORDS];
        for records in chunks.iter().flat_map(|chunk| chunk.chunks(RECORDS * size)) {
            let slots = &mut slots[..records.len() / size];
            for (slot, record) in slots.iter_mut().zip(records.chunks_exact(size)) {
                let next = record::undamaged(self.lens.get_mut(line(record)))?;
                *slot = *next;
                *record::undamaged(indices.get_mut(*slot))? = record::minor(record, value);
                *next += 1;
            }
            record::undamaged(self.data.read_records(slots, records, size))?;
        }
        Ok(())
    }

    /// Fills the lines with entries, each with the low half of its line number; lengths become ends of lines.
    /// `None` if a line is not one of these.
    pub(crate) fn place(&mut self, marks: &[u16], indices: Raw<'_>, data: Raw<'_>) -> Option<()> {
        by_width!(data.width(), W => by_index!(Indices::of_raw(indices), indices => {
            self.place_typed(marks, indices, data.carriers::<W>())
        }))
    }

    fn place_typed<I: Index, const W: usize>(
        &mut self,
        marks: &[u16],
        indices: &[I],
        data: &[Carrier<W>],
    ) -> Option<()> {
        let first = self.lines.start as u16;
        let line = |mark: u16| usize::from(mark.wrapping_sub(first));
        self.lens.fill(0);
        for &mark in marks {
            *self.lens.get_mut(line(mark))? += 1;
        }
        self.start_lines();
        let to = typed_indices::<I>(self.indices.reborrow());
        let values = carriers_mut::<W>(self.data.reborrow());
        let mut slots = [0; AHEAD];
        let blocks = marks.chunks(AHEAD).zip(indices.chunks(AHEAD)).zip(data.chunks(AHEAD));
        for ((marks, indices), data) in blocks {
            for (slot, &mark) in slots.iter_mut().zip(marks) {
                let next = self.lens.get_mut(line(mark))?;
                *slot = *next;
                *next += 1;
                prefetch_to_write(to, *slot);
                prefetch_to_write(values, *slot);
            }
            for ((&slot, &index), &value) in slots.iter().zip(indices).zip(data) {
                *to.get_mut(slot)? = index;
                *values.get_mut(slot)? = value;
            }
        }
        Some(())
    }

    fn index_type(&self) -> DType {
        self.indices.dtype().unwrap_or(DType::UInt64)
    }

    /// Replaces each length by the start of its line, which moves to its end while the line is filled.
    fn start_lines(&mut self) {
        let mut start = 0;
        for slot in self.lens.iter_mut() {
            start += std::mem::replace(slot, start);
        }
    }

    /// Sorts the filled lines, if `sorting` is given, with ends stored in place of lengths.
    pub(crate) fn finish(
        &mut self,
        sorting: Option<Duplicates>,
    ) -> std::result::Result<FilledLines, EntryClash> {
        match sorting {
            Some(duplicates) => self.sort(duplicates),
            None => {
                let entries = self.lens.last().copied().unwrap_or(0);
                Ok(FilledLines { entries, canonical: self.rises() })
            }
        }
    }

    /// Whether indices strictly rise in every line: that is, whether they fall only between lines. A loop over all
    /// of them is much faster than one per short line.
    fn rises(&self) -> bool {
        fn go<I: Index>(indices: &[I], ends: &[usize]) -> bool {
            let falls = |before: I, index: I| usize::from(before >= index);
            let (mut start, mut between) = (0, 0);
            for &end in ends {
                if 0 < start && start < end {
                    between += falls(indices[start - 1], indices[start]);
                }
                start = end;
            }
            indices.windows(2).map(|pair| falls(pair[0], pair[1])).sum::<usize>() == between
        }
        let entries = self.lens.last().copied().unwrap_or(0);
        let indices = Indices::of_raw(self.indices.as_raw().slice(0..entries));
        by_index!(indices, indices => go(indices, self.lens))
    }

    fn sort(&mut self, duplicates: Duplicates) -> std::result::Result<FilledLines, EntryClash> {
        by_width!(self.data.width(), W => by_index_type!(self.index_type(), I => {
            self.sort_typed::<I, W>(duplicates)
        }))
    }

    fn sort_typed<I: Index, const W: usize>(
        &mut self,
        duplicates: Duplicates,
    ) -> std::result::Result<FilledLines, EntryClash> {
        let (mut start, mut written, mut canonical) = (0, 0, true);
        let mut line = SortedLine::<W>::new(merge(self.data.dtype()));
        let indices = typed_indices::<I>(self.indices.reborrow());
        let data = carriers_mut::<W>(self.data.reborrow());
        for (number, end) in self.lens.iter_mut().enumerate() {
            let here = start..*end;
            start = *end;
            if indices[here.clone()].windows(2).all(|pair| pair[0] < pair[1]) {
                if written < here.start {
                    indices.copy_within(here.clone(), written);
                    data.copy_within(here.clone(), written);
                }
                written += here.len();
            } else {
                line.sort(&indices[here.clone()], &data[here.clone()]);
                let target = written..here.end;
                let (length, unique) = line
                    .write((&mut indices[target.clone()], &mut data[target]), duplicates)
                    .map_err(|(kind, minor)| {
                        EntryClash(kind, (self.lines.start + number, minor))
                    })?;
                written += length;
                canonical &= unique;
            }
            *end = written;
        }
        Ok(FilledLines { entries: written, canonical })
    }
}

impl EntryClash {
    /// A clash of this kind at a line and an index.
    pub(crate) fn new(kind: ErrorKind, position: (usize, usize)) -> Self {
        EntryClash(kind, position)
    }

    /// The error; `position` converts line and index to row and column.
    pub(crate) fn into_error(self, position: fn((usize, usize)) -> (usize, usize)) -> Error {
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
