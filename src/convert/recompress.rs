//! CSR to CSC and back: a stable counting sort by the other index.
//!
//! In memory the values alone move where the structure is symmetric (`symmetric.rs`). Else all threads sort: in two levels, so
//! that what is written stays in the cache (`assemble.rs`), or straight to owners of lines where the indices rise with the
//! rows (`owners.rs`). Where the limit has no room for that, or the result lies in a file, one thread does the same in one
//! level.
//!
//! A result that does not fit in half of the memory limit is made by the external sort in `sorter.rs`; any other in memory, and
//! written from there if its place is a file.

use std::ops::Range;

use crate::convert::assemble::{self, assemble};
use crate::convert::cost::{check_size, exceeds, written};
use crate::convert::owners::Owners;
use crate::convert::passes::Sink;
use crate::convert::sink::MatrixSink;
use crate::convert::sorter::{Sorter, room};
use crate::convert::spread::Entries;
use crate::convert::symmetric;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{
    Axis, Compressed, CompressedDraft, CompressedWriter, Csc, Csr, Duplicates, EntryPanels,
};
use crate::storage::{Context, Entry, Index, Place, Plan};

/// Lines between two looks at the cancel token.
const STEP: usize = 1 << 16;

/// Nanoseconds an entry takes one thread in memory.
const WORK: f64 = 8.0;

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// The same matrix in compressed columns, rows rising within each.
    ///
    /// Duplicates stay, in order. A matrix in memory whose structure is symmetric shares its pointers and indices with the
    /// result, and its values as well if it is, bit by bit, its own transpose.
    ///
    /// Cost of a result within half the memory limit, or in memory: the indices are read twice, the values once. The result
    /// is made in memory, and written from there in one go if its place is a file; besides, where the limit allows it, two
    /// bytes an entry and for each thread at most a sixteenth of the entries are taken, which is what lets threads work side
    /// by side. A larger one: two reads and two writes of the entries, half of them in the scratch folder, within the limit
    /// whatever the matrix.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let csc = a.to_csc(Place::Memory, &Context::new())?;
    /// assert_eq!(csc.col(2)?.indices, [0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csc(&self, place: impl Into<Place>, ctx: &Context) -> Result<Csc<T, I, P>> {
        recompress(self, "CSR to CSC", &place.into(), ctx)
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// The same matrix in compressed rows; otherwise as [`Csr::to_csc`].
    pub fn to_csr(&self, place: impl Into<Place>, ctx: &Context) -> Result<Csr<T, I, P>> {
        recompress(self, "CSC to CSR", &place.into(), ctx)
    }
}

/// The same matrix compressed along the other axis.
pub(crate) fn recompress<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    operation: &'static str,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A::Other>> {
    let bytes = Compressed::<T, I, P, A::Other>::bytes_of(from.minor(), from.nnz());
    let plan =
        Plan::new(operation).on_device_of(from.indices().file()).reads(1, from.stored_bytes());
    if exceeds(bytes, place, ctx) || from.stored_bytes() > ctx.memory_left() / 2 {
        let _running = ctx.begin(|| {
            check_size::<T, I, P, A>((from.minor(), from.nnz()), place, ctx)?;
            let plan = Sorter::<T, I>::plan(plan, from.nnz() as u64, ctx);
            Ok(written::<T, I, P, A>(plan, (from.minor(), from.nnz()), place, ctx))
        })?;
        return recompress_in_buckets(from, place, ctx);
    }
    let in_parallel = assemble::memory::<T, I>(from.nnz(), from.minor(), ctx)
        .filter(|beside| bytes + beside <= ctx.memory_left());
    let _running = ctx.begin(|| {
        if !symmetric::may_share(from) {
            check_size::<T, I, P, A>((from.minor(), from.nnz()), place, ctx)?;
        }
        let threads = if in_parallel.is_some() { 1.0 } else { ctx.thread_count() as f64 };
        let plan = plan.works(from.nnz() as u64, WORK * threads).holds(in_parallel.unwrap_or(0));
        let plan = written::<T, I, P, A>(plan, (from.minor(), from.nnz()), place, ctx);
        Ok(if *place == Place::Memory { plan } else { plan.beside(bytes) })
    })?;
    ctx.meter().pass();
    ctx.meter().read(from.stored_bytes());
    let made = in_memory(from, in_parallel.is_some(), ctx)?;
    at_place(made, place, ctx)
}

/// A matrix that was made in memory, at its place.
pub(super) fn at_place<T: Entry, I: Index, P: Index, A: Axis>(
    made: Compressed<T, I, P, A>,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    if *place == Place::Memory {
        return Ok(made);
    }
    // Stores all over a mapped file would dirty it page by page; what lies in memory is one sequential write.
    let mut writer =
        CompressedWriter::<T, I, P, A>::new(made.shape(), made.nnz(), true, place, ctx)?;
    let mut lens = Vec::with_capacity(STEP);
    for start in (0..made.major()).step_by(STEP) {
        ctx.report("writing", start as u64, made.major() as u64)?;
        let lines = start..made.major().min(start + STEP);
        lens.clear();
        lens.extend(lines.clone().map(|line| made.span(line).len()));
        let entries = made.span(start).start..made.span(lines.end - 1).end;
        writer.push_lines(&lens, &made.indices()[entries.clone()], &made.data()[entries])?;
    }
    writer.finish(made.known_canonical() == Some(true))
}

/// The matrix in memory, made on all threads if that pays.
fn in_memory<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    parallel: bool,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A::Other>> {
    if let Some(made) = symmetric::across(from, ctx)? {
        return Ok(made);
    }
    let mut draft =
        CompressedDraft::<T, I, P>::new::<A::Other>(from.shape(), from.nnz(), &Place::Memory, ctx)?;
    let fault = || fault(from);
    if parallel {
        let filled = in_parallel(from, &mut draft, ctx).map_err(|error| match error.kind() {
            ErrorKind::Index => fault(),
            _ => error,
        })?;
        if let Some(canonical) = filled {
            return draft.finish(from.shape(), canonical);
        }
        draft.indptr.fill(P::from_usize(0));
    }
    for index in from.indices().iter() {
        let slot = index.to_usize().checked_add(1).and_then(|at| draft.indptr.get_mut(at));
        let slot = slot.ok_or_else(fault)?;
        *slot = P::from_usize(slot.to_usize() + 1);
    }
    // The start of line `k` goes to `k + 1`; filling the line moves it to its end, the start of the next.
    let mut start = 0;
    for slot in &mut draft.indptr[1..] {
        let length = slot.to_usize();
        *slot = P::from_usize(start);
        start += length;
    }
    let (indptr, indices, data) =
        (&mut draft.indptr[1..], &mut draft.indices[..], &mut draft.data[..]);
    for (major, line) in from.lines().enumerate() {
        let major_index = I::from_usize(major);
        for (index, &value) in line.indices.iter().zip(line.data) {
            let slot = indptr.get_mut(index.to_usize()).ok_or_else(fault)?;
            let at = slot.to_usize();
            *slot = P::from_usize(at + 1);
            *indices.get_mut(at).ok_or_else(fault)? = major_index;
            data[at] = value;
        }
        if major % STEP == 0 {
            ctx.report("recompressing", major as u64, from.major() as u64)?;
        }
    }
    draft.finish_checked(from.shape()).map_err(|error| match error.kind() {
        ErrorKind::Index => fault(),
        _ => error,
    })
}

/// Fills a draft in memory on all threads, and tells whether indices rise in its lines; `None`, if that is not worth it.
fn in_parallel<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    draft: &mut CompressedDraft<T, I, P>,
    ctx: &Context,
) -> Result<Option<bool>> {
    let entries = Across(from);
    let threads = ctx.thread_count();
    if let Some(owners) = ctx.with_threads(|| Owners::new(from.indices(), from.minor(), threads)) {
        ctx.report("recompressing", 0, from.nnz() as u64)?;
        ctx.with_threads(|| owners.fill(&entries, draft)).ok_or_else(|| fault(from))?;
        // Where entries do not repeat, they rise; where they might, it is checked at first use.
        return Ok(Some(from.known_canonical() == Some(true)));
    }
    let assembled = assemble(&entries, None, draft, ctx)?;
    Ok(assembled.and_then(|assembled| assembled.ok()).map(|filled| filled.canonical))
}

/// The entries of a compressed matrix on their way across: their index is their line, and what was their line their index.
struct Across<'a, T: Entry, I: Index, P: Index, A: Axis>(&'a Compressed<T, I, P, A>);

impl<T: Entry, I: Index, P: Index, A: Axis> Entries<T, I> for Across<'_, T, I, P, A> {
    fn lines(&self) -> &[I] {
        self.0.indices()
    }

    fn each(
        &self,
        range: Range<usize>,
        mut visit: impl FnMut(I, I, T) -> Option<()>,
    ) -> Option<()> {
        let pointers = &self.0.indptr()[..];
        let (base, ends) = (pointers.first()?.to_usize(), &pointers[1..]);
        let mut indices = self.0.indices().get(range.clone())?;
        let mut data = self.0.data().get(range.clone())?;
        let first = ends.partition_point(|end| end.to_usize().wrapping_sub(base) <= range.start);
        let mut start = range.start;
        for (major, end) in (first..).zip(&ends[first..]) {
            if indices.is_empty() {
                break;
            }
            let end = end.to_usize().wrapping_sub(base).min(range.end);
            let count = end.checked_sub(start)?;
            let (lines, values);
            (lines, indices) = indices.split_at_checked(count)?;
            (values, data) = data.split_at_checked(count)?;
            let other = I::from_usize(major);
            for (&line, &value) in lines.iter().zip(values) {
                visit(line, other, value)?;
            }
            start = end;
        }
        indices.is_empty().then_some(())
    }
}

fn recompress_in_buckets<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A::Other>> {
    let nnz = from.nnz();
    let writer = CompressedWriter::<T, I, P, A::Other>::new(from.shape(), nnz, true, place, ctx)?;
    let mut sink = MatrixSink::new(writer);
    sort_lines(from, true, None, &mut sink, ctx)?;
    sink.finish()
}

/// Hands all entries to `sink`, brought to lines of the other axis if they go `across`; each line sorted and its duplicates
/// treated, if `sorting` says how.
pub(super) fn sort_lines<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    across: bool,
    sorting: Option<Duplicates>,
    sink: &mut dyn Sink<T, I>,
    ctx: &Context,
) -> Result<()> {
    let nnz = from.nnz();
    let lines = if across { from.minor() } else { from.major() };
    let mut sorter = Sorter::<T, I>::new(0..lines, nnz as u64, ctx);
    let mut panels = EntryPanels::new(&[from.indices()], from.data(), room::<T, I>(ctx), ctx)?;
    let mut majors: Vec<I> = Vec::with_capacity(nnz.min(room::<T, I>(ctx)));
    let _held = ctx.hold((majors.capacity() * size_of::<I>()) as u64);
    let mut line = 0;
    let sorted = panels.sweep(ctx, &mut |first, indices, data| {
        lines_of(from, (first, data.len()), &mut line, I::from_usize, &mut majors)?;
        match across {
            true => sorter.extend(indices[0], &majors, data),
            false => sorter.extend(&majors, indices[0], data),
        }
    });
    drop((panels, majors));
    sorted.and_then(|()| sorter.settle(sorting, sink, ctx)).map_err(|error| match error.kind() {
        ErrorKind::Index => fault(from),
        _ => error,
    })
}

/// The names of the lines of `count` entries from `first` on. `line` is the line of the entry at hand: runs of entries are
/// walked through once, one after the other.
pub(super) fn lines_of<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    (first, count): (usize, usize),
    line: &mut usize,
    name: impl Fn(usize) -> I,
    names: &mut Vec<I>,
) -> Result<()> {
    names.clear();
    while names.len() < count {
        let end = (*line < from.major()).then(|| from.span(*line).end);
        let end = end.ok_or_else(|| fault(from))?.saturating_sub(first).min(count);
        names.resize(end.max(names.len()), name(*line));
        *line += usize::from(names.len() < count);
    }
    Ok(())
}

/// Either an index of a file that was never checked is bad, or the file is changing under us.
pub(super) fn fault<T: Entry, I: Index, P: Index, A: Axis>(from: &Compressed<T, I, P, A>) -> Error {
    let changed = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
    from.check().err().unwrap_or_else(changed)
}
