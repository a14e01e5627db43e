//! COO to CSR and CSC: entries are moved to their lines, lines sorted, duplicates treated.

use crate::convert::formats::sort_matrix as sorting;
use crate::convert::formats::wrong_indices::{changed, coo_error_instead};
use crate::convert::in_memory::{
    Bins, GrainSizes, InputEntries, LinesToFill, Others, RecordLayout, assemble, check_fits,
    reading_budget, small,
};
use crate::convert::sort::{AnyMatrixSink, AnySorter, SortedBins, position, sorted_run, sorter};
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, AnyCoo, AnyDraft, AnyWriter, Axis, ByCols, ByRows, Compressed, Coo, Csc, Csr,
    Duplicates, Indices, IndicesMut, Types,
};
use crate::storage::work;
use crate::storage::{Context, DType, Entry, Index, Place, Plan, SparseFormat};

impl<T: Entry, I: Index> Coo<T, I> {
    /// The matrix in compressed rows, columns rising within each.
    ///
    /// Duplicates are treated in the stored order, so that the result is always the same. `P` is the
    /// type of the pointers: `u64` for more than 2^31 entries.
    ///
    /// Cost: one read of the entries, and for those that do not fit in a quarter of the memory limit one write and one
    /// read in the scratch folder; one write of the result. Memory in addition to the result: the entries again, or the
    /// limit; for a result in memory two bytes per entry, and for each thread at most a sixteenth of the entries, if
    /// the limit allows it.
    ///
    /// ```
    /// use outcore::{Context, Coo, Csr, Duplicates, ErrorKind, Place};
    /// let a = Coo::<i64>::from_triplets((2, 2), [(0, 1, 3), (0, 1, 4)])?;
    /// let ctx = Context::new();
    /// let csr: Csr<i64> = a.to_csr(Duplicates::Sum, Place::Memory, &ctx)?;
    /// assert_eq!(*csr.data().as_ref(), [7]);
    /// let error = a.to_csr::<u32>(Duplicates::Refuse, Place::Memory, &ctx).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Duplicate);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "tocsr")]
    pub fn to_csr<P: Index>(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        compress::<T, I, P, ByRows>(self, duplicates, &place.into(), ctx)
    }

    /// The matrix in compressed columns, rows rising within each; otherwise as [`to_csr`](Self::to_csr).
    #[doc(alias = "tocsc")]
    pub fn to_csc<P: Index>(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        compress::<T, I, P, ByCols>(self, duplicates, &place.into(), ctx)
    }
}

impl<T: Entry, A: Axis> Compressed<T, u32, u32, A> {
    /// A matrix in memory from `(row, column, value)` triplets in any order, on all processors and within the limit of
    /// the default [`Context`]; [`from_triplets_with`](Self::from_triplets_with) takes another, and other types of
    /// indices.
    ///
    /// ```
    /// use outcore::{Csr, Duplicates};
    /// let a = Csr::from_triplets((2, 2), [(1, 1, 2.0), (0, 0, 1.0)], Duplicates::Refuse)?;
    /// assert_eq!(**a.indices(), [0, 1]);
    /// assert_eq!(a.get(1, 1)?, Some(2.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("coo_matrix", "setFromTriplets"))]
    pub fn from_triplets(
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
        duplicates: Duplicates,
    ) -> Result<Self> {
        Self::from_triplets_with(shape, triplets, duplicates, Place::Memory, &Context::new())
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// A matrix at `place` from `(row, column, value)` triplets in any order, which are first gathered in memory; a
    /// [`CooBuilder`](crate::CooBuilder) accepts more than that. Then as [`Coo::to_csr`].
    ///
    /// ```
    /// use outcore::{Context, Csr, Duplicates, Place};
    /// let (entries, ctx) = ([(1, 1, 2.0), (0, 0, 1.0)], Context::new().threads(2)?);
    /// let a = Csr::<f64>::from_triplets_with((2, 2), entries, Duplicates::Sum, Place::Memory, &ctx)?;
    /// assert_eq!(**a.indices(), [0, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn from_triplets_with(
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        ctx.check_cancelled()?;
        let coo = Coo::<T, I>::gathered(shape, triplets, &|bytes| {
            ctx.check_cancelled()?;
            ctx.check_memory("the triplets", bytes)
        })?;
        compress(&coo, duplicates, &place.into(), ctx)
    }
}

fn compress<T: Entry, I: Index, P: Index, A: Axis>(
    coo: &Coo<T, I>,
    duplicates: Duplicates,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    to_compressed(&coo.to_any(), (A::FORMAT, P::DTYPE), duplicates, place, ctx)
        .map(AnyCompressed::into_typed)
}

/// The matrix in a format, with pointers of a type.
pub(crate) fn to_compressed(
    coo: &AnyCoo,
    kind: (SparseFormat, DType),
    duplicates: Duplicates,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    compressed(coo, kind, duplicates, place, GrainSizes::USUAL, ctx)
}

/// As [`to_compressed`], with parts of this size for work in memory.
pub(crate) fn compressed(
    coo: &AnyCoo,
    (format, pointers): (SparseFormat, DType),
    duplicates: Duplicates,
    place: &Place,
    grain: GrainSizes,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (values, indices) = coo.types();
    let kind = (format, Types { values, indices, pointers });
    let ((major, _), nnz) = (format.swap_if_cols(coo.shape()), coo.nnz());
    let (layout, stored) = (RecordLayout::of(kind.1), coo.stored_bytes());
    let sizes = (coo.shape(), nnz, stored);
    let strategy = CompressStrategy::choose(sizes, kind, place, grain, ctx);
    let _running = ctx.begin(|| {
        check_fits(kind.1, (major, nnz), place, ctx)?;
        let (name, _) = format.swap_if_cols(("COO to CSR", "COO to CSC"));
        let plan = Plan::new(name).on_device_of(coo.rows().file()).reads(1, stored);
        let plan = match strategy {
            CompressStrategy::OneThread(extra) | CompressStrategy::AllThreads(extra) => {
                plan.works(nnz as u64, work::COMPRESS).holds(extra)
            }
            CompressStrategy::Sorter => AnySorter::plan(plan, layout, nnz as u64, ctx),
        };
        Ok(AnyWriter::plan(plan, kind.1, (major, nnz), place, ctx))
    })?;
    let made = match strategy {
        CompressStrategy::OneThread(extra) => {
            in_one_thread(coo, kind, duplicates, extra, ctx).map(Some)
        }
        CompressStrategy::AllThreads(_) => in_parallel(coo, kind, duplicates, grain, ctx),
        CompressStrategy::Sorter => Ok(None),
    };
    if let Some(matrix) = made.map_err(|error| coo_error_instead(coo, error))? {
        return Ok(matrix);
    }
    let writer = AnyWriter::new(kind, coo.shape(), nnz, true, place, ctx)?;
    let mut sink = AnyMatrixSink::new(writer, format);
    let outcome = if sorter::holds(layout, nnz, ctx) && stored <= reading_budget(ctx) {
        coo.check()?;
        ctx.meter().pass_over(stored);
        let (lines, others) = coordinates(coo, format);
        let (bins, entries) = (Bins::new(0..major), (lines, others, coo.data().as_raw()));
        sorted_run(&bins, entries, None, ctx).and_then(|(buffer, runs)| {
            let sorted = SortedBins::new(layout, bins, runs, None, ctx);
            sorted.fill_lines_in_memory((&[buffer.bytes()], u64::MAX), Some(duplicates), &mut sink)
        })
    } else {
        let (lines, others) = format.swap_if_cols((coo.rows(), coo.cols()));
        let extents = format.swap_if_cols(coo.shape());
        let arrays = (lines, others, coo.data());
        sorting::sort_entries(arrays, extents, duplicates, &mut sink, ctx)
    };
    outcome.map_err(|error| coo_error_instead(coo, error))?;
    sink.finish()
}

/// How entries are moved to their lines, and the memory for it in addition to the result.
#[derive(Clone, Copy)]
enum CompressStrategy {
    /// Few of them, in memory, by one thread.
    OneThread(u64),
    /// In memory, by all threads.
    AllThreads(u64),
    /// By the external sort, or only its second pass.
    Sorter,
}

impl CompressStrategy {
    /// For `nnz` entries of a shape, of which `stored` bytes are in files.
    fn choose(
        (shape, nnz, stored): ((usize, usize), usize, u64),
        (format, types): (SparseFormat, Types),
        place: &Place,
        grain: GrainSizes,
        ctx: &Context,
    ) -> Self {
        let limit = ctx.memory_left();
        if *place != Place::Memory || stored > limit / 2 {
            return CompressStrategy::Sorter;
        }
        let (major, minor) = format.swap_if_cols(shape);
        let bytes = types.bytes_of(major, nnz);
        let fits = |extra: &u64| bytes.saturating_add(*extra) <= limit;
        if let Some(extra) = small::memory(nnz, major, minor, grain).filter(fits) {
            return CompressStrategy::OneThread(extra);
        }
        assemble::memory((types.values, types.indices), (nnz, major), grain, ctx)
            .filter(fits)
            .map_or(CompressStrategy::Sorter, CompressStrategy::AllThreads)
    }
}

/// The memory, in addition to the result, in which entries in memory become a matrix in memory; `None` if it is too
/// much.
pub(crate) fn memory_to_compress(
    shape: (usize, usize),
    nnz: usize,
    kind: (SparseFormat, Types),
    ctx: &Context,
) -> Option<u64> {
    let sizes = (shape, nnz, 0);
    match CompressStrategy::choose(sizes, kind, &Place::Memory, GrainSizes::USUAL, ctx) {
        CompressStrategy::OneThread(extra) | CompressStrategy::AllThreads(extra) => Some(extra),
        CompressStrategy::Sorter => None,
    }
}

/// The line of every entry, and its index across.
fn coordinates(coo: &AnyCoo, format: SparseFormat) -> (Indices<'_>, Indices<'_>) {
    format.swap_if_cols((Indices::of(coo.rows()), Indices::of(coo.cols())))
}

fn entries(coo: &AnyCoo, format: SparseFormat) -> InputEntries<'_> {
    let (lines, others) = coordinates(coo, format);
    let (_, extent) = format.swap_if_cols(coo.shape());
    InputEntries { lines, others: Others::Given(others, extent), data: coo.data().as_raw() }
}

/// A matrix of few entries in memory.
fn in_one_thread(
    coo: &AnyCoo,
    kind: (SparseFormat, Types),
    duplicates: Duplicates,
    extra: u64,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (format, shape) = (kind.0, coo.shape());
    let mut draft = AnyDraft::new(kind, shape, coo.nnz(), &Place::Memory, ctx)?;
    let _held = ctx.hold(extra);
    let mut lens = vec![0; draft.indptr.len() - 1];
    let mut filling = LinesToFill {
        lines: 0..lens.len(),
        lens: &mut lens,
        indices: draft.indices.as_mut(),
        data: draft.data.as_mut(),
    };
    small::fill(&entries(coo, format), &mut filling).ok_or_else(changed)?;
    ctx.meter().pass_over(coo.stored_bytes());
    let filled = filling.finish(Some(duplicates));
    let filled = filled.map_err(|clash| clash.into_error(position(format)))?;
    let mut ends = IndicesMut::of(&mut draft.indptr);
    ends.take_front(1);
    ends.copy_from(&lens);
    draft.finish(format, shape, filled.canonical)
}

/// A matrix in memory made on all threads; `None` if its lines are unsuitable.
fn in_parallel(
    coo: &AnyCoo,
    kind: (SparseFormat, Types),
    duplicates: Duplicates,
    grain: GrainSizes,
    ctx: &Context,
) -> Result<Option<AnyCompressed>> {
    let (format, shape) = (kind.0, coo.shape());
    let mut draft = AnyDraft::new(kind, shape, coo.nnz(), &Place::Memory, ctx)?;
    let assembled = assemble(&entries(coo, format), Some(duplicates), &mut draft, grain, ctx)?;
    let Some(filled) = assembled else { return Ok(None) };
    ctx.meter().pass_over(coo.stored_bytes());
    let filled = filled.map_err(|clash| clash.into_error(position(format)))?;
    draft.finish(format, shape, filled.canonical).map(Some)
}
