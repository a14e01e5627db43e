//! CSR to CSC and back: a stable counting sort by the other index.
//!
//! In memory only the values move if the structure is symmetric (`symmetric.rs`). Otherwise all threads sort: in two
//! levels, so that writes stay in the cache (`assemble.rs`), or directly to owners of lines if the indices rise with
//! the rows (`owners.rs`). If the limit has no memory for that, or the result is in a file, one thread does the same in
//! one level.
//!
//! A result that does not fit in half of the memory limit is made by the external sort in `sorter.rs`. Any other is
//! made in memory, and written from there if its place is a file.

use crate::convert::formats::sort_matrix as sorting;
use crate::convert::formats::wrong_indices::{index_error_instead, index_error_of};
use crate::convert::in_memory::{
    Entries, GrainSizes, Layout, Owners, Sizes, assemble, check_fits, exceeds, few_across,
    symmetric,
};
use crate::convert::sort::{AnyMatrixSink, AnySorter};
use crate::error::Result;
use crate::sparse::{AnyCompressed, AnyDraft, AnyWriter, Csc, Csr, by_index};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Place, Plan};

/// Lines between two checks of the cancel token.
const STEP: usize = 1 << 16;

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// The same matrix in compressed columns, rows rising within each.
    ///
    /// Duplicates stay, in order. A matrix in memory whose structure is symmetric shares its pointers and indices with
    /// the result, and its values as well if it equals its transpose bit by bit.
    ///
    /// Cost of a result within half the memory limit, or in memory: the indices are read twice, the values once. The
    /// result is made in memory, and written sequentially if its place is a file. If the limit allows it, two bytes per
    /// entry, and for each thread at most a sixteenth of the entries, are used in addition so that threads can work in
    /// parallel. A larger result: two reads and two writes of the entries, half of them in the scratch folder, within
    /// the limit whatever the matrix.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let csc = a.to_csc(Place::Memory, &Context::new())?;
    /// assert_eq!(csc.col(2)?.indices, [0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "tocsc")]
    pub fn to_csc(&self, place: impl Into<Place>, ctx: &Context) -> Result<Csc<T, I, P>> {
        recompress(&self.to_any(), "CSR to CSC", &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// The same matrix in compressed rows; otherwise as [`Csr::to_csc`].
    #[doc(alias = "tocsr")]
    pub fn to_csr(&self, place: impl Into<Place>, ctx: &Context) -> Result<Csr<T, I, P>> {
        recompress(&self.to_any(), "CSC to CSR", &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

/// The same matrix compressed along the other axis.
pub(crate) fn recompress(
    from: &AnyCompressed,
    operation: &'static str,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    recompressed(from, operation, place, GrainSizes::USUAL, ctx)
}

/// As [`recompress`], with parts of this size for work in memory.
pub(crate) fn recompressed(
    from: &AnyCompressed,
    operation: &'static str,
    place: &Place,
    grain: GrainSizes,
    ctx: &Context,
) -> Result<AnyCompressed> {
    if *place == Place::Memory
        && let Some(made) = few_across(from, grain, ctx)?
    {
        return Ok(made);
    }
    let sizes = Sizes::of(from);
    let by_sort = sorts(sizes, place, ctx);
    let _running = ctx.begin(|| {
        if by_sort || !symmetric::may_share(from, grain) {
            check_fits(sizes.types, (sizes.minor, sizes.nnz), place, ctx)?;
        }
        let plan = Plan::new(operation).on_device_of(from.indices_buffer().file());
        Ok(plan_recompress(plan, sizes, place, grain, ctx))
    })?;
    if by_sort {
        return recompress_by_sort(from, place, ctx);
    }
    ctx.meter().pass_over(sizes.stored);
    let made = in_memory(from, for_threads(sizes, grain, ctx).is_some(), grain, ctx)?;
    at_place(made, place, ctx)
}

/// Adds compressing a matrix along its other axis to a plan.
pub(crate) fn plan_recompress(
    plan: Plan,
    from: Sizes,
    place: &Place,
    grain: GrainSizes,
    ctx: &Context,
) -> Plan {
    let Sizes { types, minor, nnz, stored, .. } = from;
    let (plan, size) = (plan.reads(1, stored), (minor, nnz));
    if sorts(from, place, ctx) {
        let plan = AnySorter::plan(plan, Layout::of(types), nnz as u64, ctx);
        return AnyWriter::plan(plan, types, size, place, ctx);
    }
    let extra = for_threads(from, grain, ctx);
    let threads = if extra.is_some() { 1.0 } else { ctx.thread_count() as f64 };
    let plan = plan.works(nnz as u64, work::TRANSPOSE * threads).holds(extra.unwrap_or(0));
    let plan = AnyWriter::plan(plan, types, size, place, ctx);
    if *place == Place::Memory { plan } else { plan.throughout(types.bytes_of(minor, nnz)) }
}

/// Whether the external sort is used.
fn sorts(from: Sizes, place: &Place, ctx: &Context) -> bool {
    let bytes = from.types.bytes_of(from.minor, from.nnz);
    exceeds(bytes, place, ctx) || from.stored > ctx.memory_left() / 2
}

/// Memory for threads to work in parallel, if there is as much besides the result.
fn for_threads(from: Sizes, grain: GrainSizes, ctx: &Context) -> Option<u64> {
    let Sizes { types, minor, nnz, .. } = from;
    let bytes = types.bytes_of(minor, nnz);
    assemble::memory((types.values, types.indices), (nnz, minor), grain, ctx)
        .filter(|extra| bytes + extra <= ctx.memory_left())
}

/// Moves a matrix made in memory to its place.
pub(crate) fn at_place(made: AnyCompressed, place: &Place, ctx: &Context) -> Result<AnyCompressed> {
    if *place == Place::Memory {
        return Ok(made);
    }
    // Scattered stores would dirty a mapped file page by page; from memory it is one sequential write.
    let kind = (made.format(), made.types());
    let mut writer = AnyWriter::new(kind, made.shape(), made.nnz(), true, place, ctx)?;
    append_made(&mut writer, &made, ctx)?;
    writer.finish(made.known_canonical() == Some(true))
}

/// Adds the lines of a matrix made in memory to one being written.
pub(crate) fn append_made(
    writer: &mut AnyWriter,
    made: &AnyCompressed,
    ctx: &Context,
) -> Result<()> {
    fn lens<P: Index>(indptr: &[P], lens: &mut Vec<usize>) {
        lens.clear();
        lens.extend(indptr.windows(2).map(|pair| pair[1].to_usize() - pair[0].to_usize()));
    }
    let (major, indices, data) = (made.major(), made.indices().raw(), made.data().as_raw());
    let mut lengths = Vec::with_capacity(STEP);
    for start in (0..major).step_by(STEP) {
        ctx.report("writing", start as u64, major as u64)?;
        let end = major.min(start + STEP);
        let pointers = made.indptr().slice(start..end + 1);
        by_index!(pointers, pointers => lens(pointers, &mut lengths));
        let entries = made.span(start).start..made.span(end - 1).end;
        writer.push_lines(&lengths, indices.slice(entries.clone()), data.slice(entries))?;
    }
    Ok(())
}

/// The matrix in memory, made on all threads if that pays.
fn in_memory(
    from: &AnyCompressed,
    parallel: bool,
    grain: GrainSizes,
    ctx: &Context,
) -> Result<AnyCompressed> {
    if let Some(made) = symmetric::across(from, grain, ctx)? {
        return Ok(made);
    }
    let (format, shape) = (from.format().other(), from.shape());
    let kind = (format, from.types());
    let mut draft = AnyDraft::new(kind, shape, from.nnz(), &Place::Memory, ctx)?;
    let entries = Entries::across(from);
    if parallel {
        let filled = in_parallel(from, &entries, &mut draft, grain, ctx);
        if let Some(canonical) = filled.map_err(|error| index_error_instead(from, error))? {
            return draft.finish(format, shape, canonical);
        }
        draft.indptr.as_mut().clear();
    }
    let one = Owners::one(from.nnz(), from.minor());
    one.fill(&entries, &mut draft, ctx)?.ok_or_else(|| index_error_of(from))?;
    if from.known_canonical() == Some(true) {
        // Without duplicates, indices rise strictly.
        return draft.finish(format, shape, true);
    }
    draft.finish_checked(format, shape).map_err(|error| index_error_instead(from, error))
}

/// Fills a draft in memory on all threads, and returns whether indices rise in its lines; `None` if that is not
/// worthwhile.
fn in_parallel(
    from: &AnyCompressed,
    entries: &Entries<'_>,
    draft: &mut AnyDraft,
    grain: GrainSizes,
    ctx: &Context,
) -> Result<Option<bool>> {
    let threads = ctx.thread_count();
    let owners =
        ctx.with_threads(|| Owners::new(entries.lines, from.minor(), threads, grain.block));
    if let Some(owners) = owners {
        ctx.with_threads(|| owners.fill(entries, draft, ctx))?
            .ok_or_else(|| index_error_of(from))?;
        // Without duplicates, indices rise strictly; if there may be duplicates, this is checked at first use.
        return Ok(Some(from.known_canonical() == Some(true)));
    }
    let assembled = assemble(entries, None, draft, grain, ctx)?;
    Ok(assembled.and_then(|assembled| assembled.ok()).map(|filled| filled.canonical))
}

fn recompress_by_sort(from: &AnyCompressed, place: &Place, ctx: &Context) -> Result<AnyCompressed> {
    let kind = (from.format().other(), from.types());
    let writer = AnyWriter::new(kind, from.shape(), from.nnz(), true, place, ctx)?;
    let mut sink = AnyMatrixSink::new(writer, kind.0);
    sorting::sort_lines(from, true, None, &mut sink, ctx)?;
    sink.finish()
}
