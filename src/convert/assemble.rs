//! Entries in memory brought to the lines of a result in memory, in two levels.
//!
//! ```text
//! 1. entries are spread to strips of lines (`spread.rs`): each strip's lie in the part of the result that is theirs
//! 2. for each strip, in parallel: copied aside -> by a counting sort to their lines (`region.rs`) -> lines sorted
//! 3. where duplicates were summed, the strips are moved together
//! ```
//!
//! Both levels write where the second-level cache holds what is being written; a single counting sort of a graph misses
//! every cache for every entry.

use std::ops::Range;
use std::sync::Mutex;

use crate::convert::region::{Clash, Filled, Region};
use crate::convert::spread::{self, Entries};
use crate::convert::strips::{Strips, largest_of};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{CompressedDraft, Duplicates};
use crate::storage::parallel::{self, IntoTasks, Tasks};
use crate::storage::{Context, Entry, Index};

/// The least entries that are worth it.
const LEAST: usize = if cfg!(test) { 1 } else { 1 << 15 };

/// The lines that were made, ready to be looked at.
pub(super) type Assembled = std::result::Result<Filled, Clash>;

/// Memory beside the result that bringing so many entries to so many lines takes; `None` if it is not done this way.
pub(super) fn memory<T, I>(entries: usize, lines: usize, ctx: &Context) -> Option<u64> {
    let threads = ctx.thread_count();
    if entries < LEAST || entries > u32::MAX as usize || lines > 1 << 28 {
        return None;
    }
    let room = largest_of(entries) * (size_of::<T>() + size_of::<I>());
    let lens = size_of::<usize>() << 16;
    let bytes = entries * size_of::<u16>() + threads * (room + lens);
    Some(bytes as u64 + spread::memory::<T, I>(threads, lines))
}

/// Fills a draft that has room for all entries with those of `lines` lines. `None`, with the draft as it was but for what
/// its arrays hold, if they are not made for this way.
pub(super) fn assemble<T: Entry, I: Index, P: Index>(
    entries: &impl Entries<T, I>,
    sorting: Option<Duplicates>,
    draft: &mut CompressedDraft<T, I, P>,
    ctx: &Context,
) -> Result<Option<Assembled>> {
    let (lines, nnz) = (draft.indptr.len() - 1, entries.lines().len());
    let parts = spread::parts(nnz, ctx.thread_count());
    let counts = ctx.with_threads(|| spread::count(entries, &parts, lines)).ok_or_else(changed)?;
    let bins = Strips::bins(lines);
    let mut sums = vec![0; bins.count()];
    for counts in &counts {
        sums.iter_mut().zip(counts).for_each(|(sum, &count)| *sum += u64::from(count));
    }
    let Some(strips) =
        Strips::new(bins, &sums).filter(|strips| strips.largest() <= largest_of(nnz))
    else {
        return Ok(None);
    };
    let _held = ctx.hold(memory::<T, I>(nnz, lines, ctx).unwrap_or(0));
    ctx.report("spreading entries", 0, nnz as u64)?;
    let mut marks = ctx.work::<u16>("a mark for each entry", nnz)?;
    let arrays = (&mut marks[..], &mut draft.indices[..nnz], &mut draft.data[..nnz]);
    let spread = ctx.with_threads(|| spread::spread(entries, &parts, &counts, &strips, arrays));
    spread.ok_or_else(changed)?;
    ctx.report("spreading entries", nnz as u64, nnz as u64)?;
    let filled = settle(tasks(&strips, &marks, draft), sorting, ctx)?;
    drop(marks);
    let filled = match filled.into_iter().collect::<std::result::Result<Vec<_>, Clash>>() {
        Ok(filled) => filled,
        Err(clash) => return Ok(Some(Err(clash))),
    };
    ctx.with_threads(|| join(&strips, &filled, draft));
    let entries = filled.iter().map(|filled| filled.entries).sum();
    let canonical = filled.iter().all(|filled| filled.canonical);
    Ok(Some(Ok(Filled { entries, canonical })))
}

/// A strip and its part of the result.
struct Task<'a, T, I, P> {
    lines: Range<usize>,
    marks: &'a [u16],
    ends: &'a mut [P],
    indices: &'a mut [I],
    data: &'a mut [T],
}

fn tasks<'a, T: Entry, I: Index, P: Index>(
    strips: &Strips,
    mut marks: &'a [u16],
    draft: &'a mut CompressedDraft<T, I, P>,
) -> Vec<Task<'a, T, I, P>> {
    let (mut ends, mut indices, mut data) =
        (&mut draft.indptr[1..], &mut draft.indices[..], &mut draft.data[..]);
    let task = |strip| {
        let (lines, room) = (strips.lines(strip), strips.entries(strip));
        let (these_marks, these_ends, these_indices, these);
        (these_marks, marks) = marks.split_at(room);
        (these_ends, ends) = std::mem::take(&mut ends).split_at_mut(lines.len());
        (these_indices, indices) = std::mem::take(&mut indices).split_at_mut(room);
        (these, data) = std::mem::take(&mut data).split_at_mut(room);
        Task { lines, marks: these_marks, ends: these_ends, indices: these_indices, data: these }
    };
    (0..strips.count()).map(task).collect()
}

/// Brings the entries of every strip to their lines, whose ends are counted from the first entry of the strip.
fn settle<T: Entry, I: Index, P: Index>(
    tasks: Vec<Task<'_, T, I, P>>,
    sorting: Option<Duplicates>,
    ctx: &Context,
) -> Result<Vec<Assembled>> {
    // Strips are handed out one by one, so that each thread has one set of arrays to work with.
    let queue = Mutex::new(tasks.into_iter().enumerate());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    let worker = |_| {
        let (mut hand, mut settled) = (Hand::new(), Vec::new());
        while let Some((strip, task)) = next() {
            ctx.check_cancelled()?;
            settled.push((strip, hand.settle(task, sorting)?));
        }
        Ok(settled)
    };
    let settled: Vec<Vec<_>> = ctx.with_threads(|| {
        (0..ctx.thread_count()).into_par_iter().map(worker).collect::<Result<Vec<_>>>()
    })?;
    let mut settled: Vec<_> = settled.into_iter().flatten().collect();
    settled.sort_unstable_by_key(|&(strip, _)| strip);
    Ok(settled.into_iter().map(|(_, filled)| filled).collect())
}

/// What a thread works with.
struct Hand<T, I> {
    lens: Vec<usize>,
    indices: Vec<I>,
    data: Vec<T>,
}

impl<T: Entry, I: Index> Hand<T, I> {
    fn new() -> Self {
        Hand { lens: Vec::new(), indices: Vec::new(), data: Vec::new() }
    }

    fn settle<P: Index>(
        &mut self,
        task: Task<'_, T, I, P>,
        sorting: Option<Duplicates>,
    ) -> Result<Assembled> {
        let Task { lines, marks, ends, indices, data } = task;
        self.lens.resize(lines.len(), 0);
        let first = lines.start as u16;
        let mut region = Region { lines, lens: &mut self.lens, indices, data };
        let filled = if let [end] = ends {
            // The entries of a single line are where they belong.
            *end = P::from_usize(marks.len());
            region.lens[0] = marks.len();
            region.settle(sorting)
        } else {
            self.indices.clear();
            self.indices.extend_from_slice(region.indices);
            self.data.clear();
            self.data.extend_from_slice(region.data);
            let lines = marks.iter().map(|mark| usize::from(mark.wrapping_sub(first)));
            region.place(lines, &self.indices, &self.data).ok_or_else(changed)?;
            region.settle(sorting)
        };
        ends.iter_mut().zip(&*region.lens).for_each(|(end, &len)| *end = P::from_usize(len));
        Ok(filled)
    }
}

/// Moves the entries of all strips together, and counts the ends of their lines from the first entry of all.
fn join<T: Entry, I: Index, P: Index>(
    strips: &Strips,
    filled: &[Filled],
    draft: &mut CompressedDraft<T, I, P>,
) {
    let (mut room, mut end, mut moves, mut lines) = (0, 0, Vec::new(), Vec::new());
    let mut ends = &mut draft.indptr[1..];
    for (strip, filled) in filled.iter().enumerate() {
        let these;
        (these, ends) = ends.split_at_mut(strips.lines(strip).len());
        lines.push((end, these));
        moves.push((room..room + filled.entries, end));
        room += strips.entries(strip);
        end += filled.entries;
    }
    lines.into_par_iter().for_each(|(start, ends)| {
        ends.iter_mut().for_each(|end| *end = P::from_usize(start + end.to_usize()));
    });
    if end < room {
        let (indices, data) = (&mut draft.indices, &mut draft.data);
        parallel::join(|| move_down(indices, &moves), || move_down(data, &moves));
    }
}

fn move_down<T: Copy>(elements: &mut [T], moves: &[(Range<usize>, usize)]) {
    moves.iter().for_each(|(from, to)| elements.copy_within(from.clone(), *to));
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "an index is out of range, or changed while it was read")
}
