//! Panels of two sparse matrices merged, on their way to a writer.
//!
//! The lines of a panel are merged on all threads, each task into its own part of one buffer that has room for all entries of
//! both, and the parts are handed on one after the other as they are: nothing is moved together first.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::algebra::overflow;
use crate::linalg::elementwise::combine::{MergeClash, MergeLines};
use crate::linalg::elementwise::line_sort::Sorted;
use crate::linalg::elementwise::merge_lines::Combination;
use crate::sparse::{
    AnyCompressed, AnyLinePart, AnyZippedLines, AnyZippedPanel, IndexCheck, IndexVec, Indices,
    IndicesMut, Types, partition,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{Context, RawBufferMut};

/// Entries of a task.
const TASK: usize = 1 << 14;

/// Lines whose ends are made positions at a time.
pub(super) const BLOCK: usize = 128;

/// Merges panels of two matrices.
pub(super) struct Merging {
    how: Combination,
    types: Types,
    /// Where the lines of a panel begin in the buffer: entries of both matrices before each.
    rooms: IndexVec,
    /// Where each task's lines end, counted from the first entry of the task.
    indptr: IndexVec,
    indices: RawBufferMut,
    data: RawBufferMut,
}

/// What a task has made, and room for it.
struct Merged<'a> {
    indptr: IndicesMut<'a>,
    indices: IndicesMut<'a>,
    data: RawMut<'a>,
    lines: Range<usize>,
}

/// Takes merged lines: whether they are whole, where they end, their indices and values.
type TakeLines<'t> = dyn FnMut(bool, Indices<'_>, Indices<'_>, Raw<'_>) -> Result<()> + 't;

impl Merging {
    /// Memory for panels of some lines and entries, that for sorting lines included.
    pub(super) fn bytes(types: Types, lines: usize, entries: usize) -> u64 {
        let (value, index, pointer) = types.sizes();
        let entry = index + value + Sorted::bytes_each(types.values, types.indices);
        // A task has at least one line and one pointer more.
        (entries * entry + 3 * (lines + 1) * pointer) as u64
    }

    pub(super) fn new(
        how: Combination,
        types: Types,
        (lines, entries): (usize, usize),
        ctx: &Context,
    ) -> Result<Self> {
        Ok(Merging {
            how,
            types,
            rooms: IndexVec::room("merged lines", types.pointers, lines + 1, ctx)?,
            indptr: IndexVec::room("merged lines", types.pointers, 2 * lines, ctx)?,
            // Of lines that could not be cut, which lie in memory as well; whether they fit is seen when they come by.
            indices: RawBufferMut::fresh(Some(types.indices), entries)?,
            data: RawBufferMut::fresh(types.values, entries)?,
        })
    }

    /// Calls `take` with merged lines, in order.
    pub(super) fn sweep(
        &mut self,
        [a, b]: [&AnyCompressed; 2],
        lines: &mut AnyZippedLines,
        ctx: &Context,
        take: &mut TakeLines<'_>,
    ) -> Result<()> {
        let mut checks = [IndexCheck::of(a), IndexCheck::of(b)];
        let (mut last, what, format) = (None, self.how.what, a.format());
        lines.sweep(ctx, &mut |panel| {
            let mut rise = true;
            for ((m, check), matrix) in checks.iter_mut().enumerate().zip([a, b]) {
                let checked = ctx.with_threads(|| check.take_any(&panel, m));
                rise &= checked.map_err(|error| matrix.name_indices(error))?;
            }
            if !(rise || panel.opens && panel.closes) {
                return Err(too_long(panel.first));
            }
            let merged = ctx.with_threads(|| self.merge(&panel, rise));
            for result in merged {
                let (Merged { indptr, indices, data, .. }, count) =
                    result.map_err(|clash| overflow(what, format, clash))?;
                let indices = indices.as_indices().slice(0..count);
                let first = (count > 0).then(|| indices.at(0));
                // Pieces of one line were cut at the same columns, unless the file has changed since.
                if !panel.opens && first.is_some() && last >= first {
                    return Err(too_long(panel.first));
                }
                last = indices.last().or(last).filter(|_| !panel.closes);
                take(panel.closes, indptr.as_indices(), indices, data.as_raw().slice(0..count))?;
            }
            Ok(())
        })
    }

    /// Merges the lines of a panel; `rise` tells that no line needs sorting. For each task what it made, and the number of
    /// entries; or where one overflows.
    fn merge(
        &mut self,
        panel: &AnyZippedPanel<'_>,
        rise: bool,
    ) -> Vec<std::result::Result<(Merged<'_>, usize), MergeClash>> {
        let (left, right) = (panel.parts[0], panel.parts[1]);
        self.rooms.clear();
        let both = &mut |k| left.indptr.at(k) + right.indptr.at(k);
        self.rooms.extend_with(left.indptr.len(), both);
        let (rooms, entries) = (self.rooms.as_indices(), left.indices.len() + right.indices.len());
        let runs = partition::split(rooms, (entries / TASK).max(1));
        self.indptr.clear();
        self.indptr.resize(left.lines() + runs.len(), 0);
        let mut indptr = self.indptr.as_mut();
        let (mut indices, mut data) = (IndicesMut::of(&mut self.indices), self.data.as_mut());
        let mut tasks = Vec::with_capacity(runs.len());
        for lines in runs {
            let room = rooms.at(lines.end) - rooms.at(lines.start);
            tasks.push(Merged {
                indptr: indptr.take_front(lines.len() + 1),
                indices: indices.take_front(room),
                data: data.take_front(room),
                lines,
            });
        }
        let (how, types) = (self.how, self.types);
        let merged = tasks.into_par_iter().map(|mut task| {
            let sorting = (!rise).then(|| {
                let sorted = || Sorted::new(types.values, types.indices);
                (sorted(), sorted())
            });
            let made = task.merge(how, (&left, &right), sorting);
            made.map(|count| (task, count)).map_err(|(line, index)| (panel.first + line, index))
        });
        merged.collect()
    }
}

impl Merged<'_> {
    /// Merges the lines of the task, which are sorted first if there is something to do it with.
    fn merge(
        &mut self,
        how: Combination,
        (left, right): (&AnyLinePart<'_>, &AnyLinePart<'_>),
        mut sorting: Option<(Sorted, Sorted)>,
    ) -> std::result::Result<usize, MergeClash> {
        let (mut end, mut ends) = (0, [0; BLOCK]);
        for first in self.lines.clone().step_by(BLOCK) {
            let lines = first..self.lines.end.min(first + BLOCK);
            let bounds = (left.ends(lines.clone()), right.ends(lines.clone()));
            let p = MergeLines { ends: &bounds.0, indices: left.indices, data: left.data };
            let q = MergeLines { ends: &bounds.1, indices: right.indices, data: right.data };
            let ends = &mut ends[..lines.len()];
            let clash = |(line, index)| (first + line, index);
            match &mut sorting {
                None => {
                    let count = how.merge(p, q, self.room(end), ends).map_err(clash)?;
                    ends.iter_mut().for_each(|made| *made += end);
                    end += count;
                }
                Some((of_left, of_right)) => {
                    for (line, made) in ends.iter_mut().enumerate() {
                        let clash = |index| (first + line, index);
                        let p = of_left.of(p, line).map_err(clash)?;
                        let q = of_right.of(q, line).map_err(clash)?;
                        let (mut one, to) = ([0], self.room(end));
                        let merged = how.merge(p, q, to, &mut one);
                        end += merged.map_err(|(_, index)| clash(index))?;
                        *made = end;
                    }
                }
            }
            let at = first - self.lines.start + 1;
            self.indptr.slice_mut(at..at + lines.len()).copy_from(ends);
        }
        Ok(end)
    }

    /// What is left of the room behind `start` entries.
    fn room(&mut self, start: usize) -> (IndicesMut<'_>, RawMut<'_>) {
        let len = self.data.len();
        (self.indices.slice_mut(start..len), self.data.slice_mut(start..len))
    }
}

/// A line that is merged in pieces must rise.
fn too_long(line: usize) -> Error {
    Error::new(ErrorKind::Memory, "a line that does not rise is too long to be sorted in memory")
        .at(Location::Row(line as u64))
        .remedy("raise the memory limit, or go by to_coo and Duplicates::Sum, which sort on disk")
}
