//! Entries in memory moved to the lines of a result in memory, in two levels.
//!
//! ```text
//! 1. entries are spread to panels of lines (`distribute.rs`), each panel in its part of the result
//! 2. for each panel, in parallel: copied to a buffer -> counting sort to their lines (`lines_to_fill.rs`) -> lines sorted
//! 3. if duplicates were summed, the panels are joined
//! ```
//!
//! Both levels write to memory that stays in the second-level cache. A single counting sort of a graph misses
//! every cache for every entry.

use std::ops::Range;
use std::sync::Mutex;

use crate::convert::in_memory::cache_panels::{CachePanels, largest_of};
use crate::convert::in_memory::distribute;
use crate::convert::in_memory::entries::InputEntries;
use crate::convert::in_memory::grain_sizes::GrainSizes;
use crate::convert::in_memory::lines_to_fill::{EntryClash, FilledLines, LinesToFill};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyDraft, Duplicates, IndexVec, Indices, IndicesMut};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{RawMut, RawVec, width};
use crate::storage::{Context, DType, parallel};

/// The outcome for the lines that were made.
pub(crate) type Assembled = std::result::Result<FilledLines, EntryClash>;

/// Memory in addition to the result for moving this many entries, with values and indices of these types, to this many
/// lines; `None` if this method is not used.
pub(crate) fn memory(
    types: (Option<DType>, DType),
    (entries, lines): (usize, usize),
    grain: GrainSizes,
    ctx: &Context,
) -> Option<u64> {
    if entries < grain.least || entries > u32::MAX as usize || lines > 1 << 28 {
        return None;
    }
    let threads = ctx.thread_count();
    let most = largest_of(entries) * (width(types.0) + types.1.size());
    let lens = size_of::<usize>() << 16;
    let bytes = entries * size_of::<u16>() + threads * (most + lens);
    Some(bytes as u64 + distribute::memory(types, threads, lines))
}

/// Fills a draft that has capacity for all entries. `None` if the entries are unsuitable for this method; the draft is
/// then unchanged except for the contents of its arrays.
pub(crate) fn assemble(
    entries: &InputEntries<'_>,
    sorting: Option<Duplicates>,
    draft: &mut AnyDraft,
    grain: GrainSizes,
    ctx: &Context,
) -> Result<Option<Assembled>> {
    let (lines, nnz) = (draft.indptr.len() - 1, entries.lines.len());
    let parts = distribute::parts(nnz, ctx.thread_count());
    let counts =
        ctx.with_threads(|| distribute::count(entries.lines, &parts, lines)).ok_or_else(changed)?;
    let bins = CachePanels::bins(lines);
    let mut sums = vec![0; bins.count()];
    for counts in &counts {
        sums.iter_mut().zip(counts).for_each(|(sum, &count)| *sum += u64::from(count));
    }
    let Some(panels) = CachePanels::new(bins, &sums, grain.panel)
        .filter(|panels| panels.largest() <= largest_of(nnz))
    else {
        return Ok(None);
    };
    let types = (entries.data.dtype(), entries.lines.dtype());
    let _held = ctx.hold(memory(types, (nnz, lines), grain, ctx).unwrap_or(0));
    ctx.report("spreading entries", 0, nnz as u64)?;
    let mut marks = ctx.work::<u16>("a mark for each entry", nnz)?;
    let (mut indices, mut data) = (draft.indices.as_mut(), draft.data.as_mut());
    let arrays = (&mut marks[..], indices.slice_mut(0..nnz), data.slice_mut(0..nnz));
    let spread =
        ctx.with_threads(|| distribute::distribute(entries, &parts, &counts, &panels, arrays));
    spread.ok_or_else(changed)?;
    ctx.report("spreading entries", nnz as u64, nnz as u64)?;
    let filled = finish(tasks(&panels, &marks, draft), sorting, ctx)?;
    drop(marks);
    let filled = match filled.into_iter().collect::<std::result::Result<Vec<_>, EntryClash>>() {
        Ok(filled) => filled,
        Err(clash) => return Ok(Some(Err(clash))),
    };
    ctx.with_threads(|| join(&panels, &filled, draft));
    let entries = filled.iter().map(|filled| filled.entries).sum();
    let canonical = filled.iter().all(|filled| filled.canonical);
    Ok(Some(Ok(FilledLines { entries, canonical })))
}

/// A panel and its part of the result.
struct Task<'a> {
    lines: Range<usize>,
    marks: &'a [u16],
    ends: IndicesMut<'a>,
    indices: RawMut<'a>,
    data: RawMut<'a>,
}

fn tasks<'a>(panels: &CachePanels, mut marks: &'a [u16], draft: &'a mut AnyDraft) -> Vec<Task<'a>> {
    let mut ends = IndicesMut::of(&mut draft.indptr);
    ends.take_front(1);
    let (mut indices, mut data) = (draft.indices.as_mut(), draft.data.as_mut());
    let task = |panel| {
        let (lines, count) = (panels.lines(panel), panels.entries(panel));
        let these_marks;
        (these_marks, marks) = marks.split_at(count);
        Task {
            marks: these_marks,
            ends: ends.take_front(lines.len()),
            lines,
            indices: indices.take_front(count),
            data: data.take_front(count),
        }
    };
    (0..panels.count()).map(task).collect()
}

/// Moves the entries of every panel to their lines, whose ends are counted from the first entry of the panel.
fn finish(
    tasks: Vec<Task<'_>>,
    sorting: Option<Duplicates>,
    ctx: &Context,
) -> Result<Vec<Assembled>> {
    // CachePanels are taken one by one, so that each thread needs one set of buffers.
    let queue = Mutex::new(tasks.into_iter().enumerate());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    let worker = |_| {
        let (mut buffers, mut finished) = (None, Vec::new());
        while let Some((panel, task)) = next() {
            ctx.check_cancelled()?;
            let buffers = buffers.get_or_insert_with(|| ThreadBuffers::new(&task));
            finished.push((panel, buffers.finish(task, sorting)?));
        }
        Ok(finished)
    };
    let finished: Vec<Vec<_>> = ctx.with_threads(|| {
        (0..ctx.thread_count()).into_par_iter().map(worker).collect::<Result<Vec<_>>>()
    })?;
    let mut finished: Vec<_> = finished.into_iter().flatten().collect();
    finished.sort_unstable_by_key(|&(panel, _)| panel);
    Ok(finished.into_iter().map(|(_, filled)| filled).collect())
}

/// The buffers of a thread.
struct ThreadBuffers {
    lens: Vec<usize>,
    indices: IndexVec,
    data: RawVec,
}

impl ThreadBuffers {
    /// Buffers for tasks like this one.
    fn new(task: &Task<'_>) -> Self {
        let indices = IndexVec::new(task.indices.dtype().unwrap_or(DType::UInt64));
        ThreadBuffers { lens: Vec::new(), indices, data: RawVec::new(task.data.dtype()) }
    }

    fn finish(&mut self, task: Task<'_>, sorting: Option<Duplicates>) -> Result<Assembled> {
        let Task { lines, marks, mut ends, indices, data } = task;
        self.lens.resize(lines.len(), 0);
        let mut filling = LinesToFill { lines, lens: &mut self.lens, indices, data };
        let filled = if let [len] = filling.lens {
            // The entries of a single line are already in place.
            *len = marks.len();
            filling.finish(sorting)
        } else {
            self.indices.clear();
            self.indices.extend(Indices::of_raw(filling.indices.as_raw()));
            self.data.clear();
            self.data.extend(filling.data.as_raw());
            let (indices, data) = (self.indices.as_raw(), self.data.as_raw());
            filling.place(marks, indices, data).ok_or_else(changed)?;
            filling.finish(sorting)
        };
        ends.copy_from(filling.lens);
        Ok(filled)
    }
}

/// Joins the entries of all panels, and counts the ends of their lines from the first entry of all.
fn join(panels: &CachePanels, filled: &[FilledLines], draft: &mut AnyDraft) {
    let (mut start, mut end, mut moves, mut lines) = (0, 0, Vec::new(), Vec::new());
    let mut ends = IndicesMut::of(&mut draft.indptr);
    ends.take_front(1);
    for (panel, filled) in filled.iter().enumerate() {
        lines.push((end, ends.take_front(panels.lines(panel).len())));
        moves.push((start..start + filled.entries, end));
        start += panels.entries(panel);
        end += filled.entries;
    }
    lines.into_par_iter().for_each(|(start, mut ends)| ends.add(start));
    if end < start {
        let (indices, data) = (draft.indices.as_mut(), draft.data.as_mut());
        parallel::join(|| move_down(indices, &moves), || move_down(data, &moves));
    }
}

fn move_down(mut elements: RawMut<'_>, moves: &[(Range<usize>, usize)]) {
    moves.iter().for_each(|(from, to)| elements.copy_within(from.clone(), *to));
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "an index is out of range, or changed while it was read")
}
