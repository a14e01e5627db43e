//! Entries put into their lines at the end of a draft, lines sorted and duplicates treated: all lines at once, or a
//! range of them after the other.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::{Axis, CompressedDraft, Duplicates};
use crate::storage::{Context, Entry, Index};

/// Entries between two looks at the cancel token.
const STEP: usize = 1 << 20;

/// Appends ranges of lines to a draft.
pub(super) struct LineFiller<'a, T: Entry, I: Index, P: Index> {
    draft: &'a mut CompressedDraft<T, I, P>,
    ctx: &'a Context,
    /// Entries appended so far.
    written: usize,
    /// The lines filled last and the position of their first entry.
    last: (Range<usize>, usize),
    /// A row and a column as line and index, or the other way round.
    position: fn((usize, usize)) -> (usize, usize),
}

impl<'a, T: Entry, I: Index, P: Index> LineFiller<'a, T, I, P> {
    /// Starts with line 0 of a draft compressed along `A`.
    pub(super) fn new<A: Axis>(draft: &'a mut CompressedDraft<T, I, P>, ctx: &'a Context) -> Self {
        let position = A::swap_if_cols::<usize>;
        LineFiller { draft, ctx, written: 0, last: (0..0, 0), position }
    }

    /// Puts entries of the next `lines` into them, in the order in which they stand; or more of the one line that was
    /// filled last.
    pub(super) fn fill(
        &mut self,
        lines: Range<usize>,
        majors: &[I],
        minors: &[I],
        values: &[T],
    ) -> Result<()> {
        let CompressedDraft { indptr, indices, data, .. } = &mut *self.draft;
        let indptr = indptr.get_mut(lines.start + 1..lines.end + 1).ok_or_else(changed)?;
        let end = self.written + majors.len();
        let indices = indices.get_mut(..end).ok_or_else(changed)?;
        let data = data.get_mut(..end).ok_or_else(changed)?;
        start_lines(indptr, lines.start, majors, self.written)?;
        for (k, ((major, &minor), &value)) in majors.iter().zip(minors).zip(values).enumerate() {
            let line = major.to_usize().wrapping_sub(lines.start);
            // The entries were checked, but may lie in a file that another process changes.
            let slot = indptr.get_mut(line).ok_or_else(changed)?;
            let at = slot.to_usize();
            *slot = P::from_usize(at + 1);
            *indices.get_mut(at).ok_or_else(changed)? = minor;
            data[at] = value;
            if k % STEP == 0 {
                self.ctx.report("filling lines", (self.written + k) as u64, end as u64)?;
            }
        }
        self.last = (lines, self.written);
        self.written = end;
        Ok(())
    }

    /// Whether indices strictly rise in every line filled last.
    pub(super) fn rises(&self) -> bool {
        let (lines, start) = &self.last;
        let mut start = *start;
        self.draft.indptr[lines.start + 1..lines.end + 1].iter().fold(true, |rising, end| {
            let line = &self.draft.indices[start..end.to_usize()];
            start = end.to_usize();
            line.windows(2).fold(rising, |rising, pair| rising & (pair[0] < pair[1]))
        })
    }

    /// Sorts the lines filled last and treats their duplicates, closing the gaps that sums leave. Tells whether no
    /// duplicates are left.
    pub(super) fn merge(&mut self, duplicates: Duplicates) -> Result<bool> {
        let CompressedDraft { indptr, indices, data, .. } = &mut *self.draft;
        let (lines, start) = self.last.clone();
        let (mut start, mut written, mut canonical) = (start, start, true);
        let mut line = Vec::new();
        for major in lines.clone() {
            let end = indptr[major + 1].to_usize();
            if indices[start..end].windows(2).all(|pair| pair[0] < pair[1]) {
                if written < start {
                    indices.copy_within(start..end, written);
                    data.copy_within(start..end, written);
                }
                written += end - start;
            } else {
                line.clear();
                let entries = indices[start..end].iter().zip(&data[start..end]);
                line.extend(entries.map(|(&index, &value)| (index, value)));
                // Stable, so that duplicates are summed in the order in which they were given.
                line.sort_by_key(|&(index, _)| index);
                let room = (&mut indices[written..end], &mut data[written..end]);
                let (length, unique) = merge_line(&line, room, duplicates)
                    .map_err(|(kind, minor)| clash(kind, (self.position)((major, minor))))?;
                written += length;
                canonical &= unique;
            }
            start = end;
            indptr[major + 1] = P::from_usize(written);
            if major % STEP == 0 {
                self.ctx.report("sorting lines", major as u64, lines.end as u64)?;
            }
        }
        self.written = written;
        Ok(canonical)
    }
}

/// Sets the slot of every line to its start. Filling the line then moves the slot to its end, where the pointer behind
/// the line belongs.
fn start_lines<I: Index, P: Index>(
    slots: &mut [P],
    first: usize,
    majors: &[I],
    mut start: usize,
) -> Result<()> {
    // Zeros at first, but for the later parts of a line that comes in parts.
    slots.fill(P::from_usize(0));
    for major in majors {
        let slot = slots.get_mut(major.to_usize().wrapping_sub(first)).ok_or_else(changed)?;
        *slot = P::from_usize(slot.to_usize() + 1);
    }
    for slot in slots {
        let length = slot.to_usize();
        *slot = P::from_usize(start);
        start += length;
    }
    Ok(())
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the coordinates changed while they were read")
}

/// Writes a sorted line with its duplicates treated; gives the entries written and whether they are all distinct.
fn merge_line<T: Entry, I: Index>(
    line: &[(I, T)],
    (indices, data): (&mut [I], &mut [T]),
    duplicates: Duplicates,
) -> std::result::Result<(usize, bool), (ErrorKind, usize)> {
    let (mut written, mut unique) = (0, true);
    for &(index, value) in line {
        if written > 0 && indices[written - 1] == index {
            match duplicates {
                Duplicates::Keep => unique = false,
                Duplicates::Refuse => return Err((ErrorKind::Duplicate, index.to_usize())),
                Duplicates::Sum => {
                    let sum = data[written - 1].merge(value);
                    data[written - 1] = sum.ok_or((ErrorKind::Value, index.to_usize()))?;
                    continue;
                }
            }
        }
        (indices[written], data[written]) = (index, value);
        written += 1;
    }
    Ok((written, unique))
}

/// A position that holds more than it may.
fn clash(kind: ErrorKind, (row, col): (usize, usize)) -> Error {
    let what = match kind {
        ErrorKind::Duplicate => "a position holds several entries",
        _ => "the sum of the entries at a position overflows",
    };
    Error::new(kind, what).at(Location::Row(row as u64)).found(format!("row {row}, column {col}"))
}
