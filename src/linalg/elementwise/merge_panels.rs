//! Panels of two sparse matrices, merged for a writer.
//!
//! The lines of a panel are merged on all threads, each task into its own part of one buffer for all entries of
//! both, and the parts are passed on one after the other, without joining them first.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::algebra::overflow;
use crate::linalg::elementwise::combine::{MergeClash, MergeLines};
use crate::linalg::elementwise::line_sort::Sorted;
use crate::linalg::elementwise::merge_lines::Combination;
use crate::sparse::{
    CheckedLines, CheckedPanel, CheckedPanels, IndexVec, Indices, IndicesMut, Types, partition,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{Context, RawBufferMut, SparseFormat};

/// Entries of a task.
const TASK: usize = 1 << 14;

/// Lines whose ends are converted to positions at a time.
pub(super) const BLOCK: usize = 128;

/// Merges panels of two matrices.
pub(super) struct Merging {
    how: Combination,
    types: Types,
    /// The start of each line of a panel in the buffer: the entries of both matrices before it.
    starts: IndexVec,
    /// The ends of each task's lines, counted from the first entry of the task.
    indptr: IndexVec,
    indices: RawBufferMut,
    data: RawBufferMut,
}

/// The output of a task, and its buffers.
struct Merged<'a> {
    indptr: IndicesMut<'a>,
    indices: IndicesMut<'a>,
    data: RawMut<'a>,
    lines: Range<usize>,
}

/// Receives merged lines: whether they are whole, their ends, indices and values.
type TakeLines<'t> = dyn FnMut(bool, Indices<'_>, Indices<'_>, Raw<'_>) -> Result<()> + 't;

impl Merging {
    /// Memory for panels of some lines and entries, including that for sorting lines.
    pub(super) fn bytes(types: Types, lines: usize, entries: usize) -> u64 {
        let (value, index, pointer) = types.sizes();
        let entry = index + value + Sorted::bytes_each(types.values, types.indices);
        // A task has at least one line, and one pointer more than lines.
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
            starts: IndexVec::with_capacity("merged lines", types.pointers, lines + 1, ctx)?,
            indptr: IndexVec::with_capacity("merged lines", types.pointers, 2 * lines, ctx)?,
            // For lines that could not be cut, which are in memory as well; whether they fit is checked as they are
            // read.
            indices: RawBufferMut::fresh(Some(types.indices), entries)?,
            data: RawBufferMut::fresh(types.values, entries)?,
        })
    }

    /// Calls `take` with merged lines, in order.
    pub(super) fn sweep(
        &mut self,
        format: SparseFormat,
        lines: &mut CheckedPanels,
        ctx: &Context,
        take: &mut TakeLines<'_>,
    ) -> Result<()> {
        let (mut last, what) = (None, self.how.what);
        let swept = lines.sweep(ctx, &mut |panel| {
            let rise = panel.parts.iter().all(|part| part.rises);
            if !(rise || panel.opens && panel.closes) {
                return Err(too_long(panel.first));
            }
            let merged = ctx.with_threads(|| self.merge(&panel, rise));
            for result in merged {
                let (Merged { indptr, indices, data, .. }, count) =
                    result.map_err(|clash| overflow(what, format, clash))?;
                let indices = indices.as_indices().slice(0..count);
                let first = (count > 0).then(|| indices.at(0));
                // Runs of one line were cut at the same columns, unless the file has changed since.
                if !panel.opens && first.is_some() && last >= first {
                    return Err(too_long(panel.first));
                }
                last = indices.last().or(last).filter(|_| !panel.closes);
                take(panel.closes, indptr.as_indices(), indices, data.as_raw().slice(0..count))?;
            }
            Ok(())
        });
        swept.map(drop)
    }

    /// Merges the lines of a panel; `rise` means that no line needs sorting. Returns the output of each task, and the
    /// number of entries; or the place of an overflow.
    fn merge(
        &mut self,
        panel: &CheckedPanel<'_>,
        rise: bool,
    ) -> Vec<std::result::Result<(Merged<'_>, usize), MergeClash>> {
        let (left, right) = (panel.parts[0], panel.parts[1]);
        self.starts.clear();
        let both = &mut |k| left.indptr.at(k) + right.indptr.at(k);
        self.starts.extend_with(left.indptr.len(), both);
        let (starts, entries) =
            (self.starts.as_indices(), left.indices.len() + right.indices.len());
        let runs = partition::split(starts, (entries / TASK).max(1));
        self.indptr.clear();
        self.indptr.resize(left.lines() + runs.len(), 0);
        let mut indptr = self.indptr.as_mut();
        let (mut indices, mut data) = (IndicesMut::of(&mut self.indices), self.data.as_mut());
        let mut tasks = Vec::with_capacity(runs.len());
        for lines in runs {
            let entries = starts.at(lines.end) - starts.at(lines.start);
            tasks.push(Merged {
                indptr: indptr.take_front(lines.len() + 1),
                indices: indices.take_front(entries),
                data: data.take_front(entries),
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
    /// Merges the lines of the task, sorted first if sorting buffers are given.
    fn merge(
        &mut self,
        how: Combination,
        (left, right): (&CheckedLines<'_>, &CheckedLines<'_>),
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
                    let count = how.merge(p, q, self.rest(end), ends).map_err(clash)?;
                    ends.iter_mut().for_each(|made| *made += end);
                    end += count;
                }
                Some((of_left, of_right)) => {
                    for (line, made) in ends.iter_mut().enumerate() {
                        let clash = |index| (first + line, index);
                        let p = of_left.of(p, line).map_err(clash)?;
                        let q = of_right.of(q, line).map_err(clash)?;
                        let (mut one, to) = ([0], self.rest(end));
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

    /// The rest of the buffers after `start` entries.
    fn rest(&mut self, start: usize) -> (IndicesMut<'_>, RawMut<'_>) {
        let len = self.data.len();
        (self.indices.slice_mut(start..len), self.data.slice_mut(start..len))
    }
}

/// The error for a line merged in runs whose indices do not rise.
fn too_long(line: usize) -> Error {
    Error::new(
        ErrorKind::Memory,
        "a row or column with unsorted indices is too long to be sorted in memory",
    )
    .at(Location::Row(line as u64))
    .remedy("raise the memory limit, or canonicalize the matrix first, which sorts on disk")
}
