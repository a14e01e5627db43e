//! Permuting the rows and columns of a sparse matrix.
//!
//! A matrix that fits in memory with its result is copied line by line, wherever the lines are
//! (`permute_in_memory.rs`). A larger one is read once, in the order of the file, and the external sort moves its
//! entries to the new lines.

use crate::convert::formats::{
    Names, all_below, at_place, index_error_instead, index_error_of, reserve,
};
use crate::convert::in_memory::{GrainSizes, RecordLayout, Sizes, check_fits, exceeds};
use crate::convert::reshape::permute_in_memory::Permuted;
use crate::convert::sort::{AnyMatrixSink, AnySorter, entries_in_memory};
use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::sparse::{
    AnyCompressed, AnyWriter, Axis, Compressed, Duplicates, EntryPanels, IndexVec, Indices,
    Permutation, by_index_type,
};
use crate::storage::work;
use crate::storage::{Context, DType, Entry, Index, Place, Plan, RawBufferMut};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Rows and columns in another order, as SciPy's `A[rows][:, cols]`: entry (i, j) of the result is entry
    /// (`rows.order()[i]`, `cols.order()[j]`) of this matrix. `None` leaves an axis unchanged.
    ///
    /// If the columns of CSR (rows of CSC) are permuted, indices rise in every line afterwards, and duplicates keep
    /// their order; otherwise each line is unchanged.
    ///
    /// Cost of a result within half the memory limit, or in memory: one read of the matrix, in the order of the result,
    /// and one write; also an index per column of CSR (row of CSC) if they are permuted. A larger one: two reads and
    /// two writes of the entries, half of them in the scratch folder, within the limit whatever the matrix, and an
    /// index for each row and column if permuted, which may take half of the limit.
    ///
    /// Fails if the length of a permutation differs from its axis, if an index is out of range, giving its position, or
    /// if the memory limit is too small; no result is created then.
    ///
    /// ```
    /// use outcore::{Context, Csr, Permutation, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let (rows, cols) = (Permutation::new(vec![1, 0])?, Permutation::new(vec![2, 0, 1])?);
    /// let b = a.permute(&rows, &cols, Place::Memory, &Context::new())?;
    /// assert_eq!((b.get(0, 2)?, b.get(1, 0)?, b.get(1, 1)?), (Some(3.0), Some(2.0), Some(1.0)));
    /// let c = a.permute(&rows, None, Place::Memory, &Context::new())?;
    /// assert_eq!(c.row(0)?.indices, [1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatPermute")]
    pub fn permute<'p>(
        &self,
        rows: impl Into<Option<&'p Permutation>>,
        cols: impl Into<Option<&'p Permutation>>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let (orders, place) = ((rows.into(), cols.into()), place.into());
        permute(&self.to_any(), orders, &place, ctx).map(AnyCompressed::into_typed)
    }
}

/// The matrix with its rows and columns in another order.
pub(crate) fn permute(
    from: &AnyCompressed,
    orders: (Option<&Permutation>, Option<&Permutation>),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    permuted(from, orders, place, GrainSizes::USUAL, ctx)
}

/// The matrix with its rows and columns permuted, with parts of this size for work in memory.
pub(crate) fn permuted(
    from: &AnyCompressed,
    (rows, cols): (Option<&Permutation>, Option<&Permutation>),
    place: &Place,
    grain: GrainSizes,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (nrows, ncols) = from.shape();
    check_shape("the order of rows", nrows, rows.map_or(nrows, Permutation::len))?;
    check_shape("the order of columns", ncols, cols.map_or(ncols, Permutation::len))?;
    let (majors, minors) = from.format().swap_if_cols((rows, cols));
    let (sizes, moved) = (Sizes::of(from), (majors.is_some(), minors.is_some()));
    let (by_sort, tables, limit) =
        (sorts(sizes, place, ctx), tables(sizes, moved), ctx.memory_left());
    if by_sort && tables > limit / 2 {
        return Err(tables_do_not_fit(tables, limit));
    }
    let _running = ctx.begin(|| {
        // The sort uses what the tables leave.
        let left = if by_sort { &ctx.less(tables) } else { ctx };
        check_fits(sizes.types, (sizes.major, sizes.nnz), place, left)?;
        let plan = Plan::new("permuting").on_device_of(from.indices_buffer().file());
        Ok(plan_permute(plan, sizes, moved, place, ctx))
    })?;
    if by_sort {
        let _held = ctx.hold(tables);
        return permute_by_sort(from, (majors, minors), place, &ctx.less(tables));
    }
    let (stored, types) = (sizes.stored, sizes.types);
    ctx.meter().pass_over(stored);
    let minors = positions(minors, types.indices, ctx)?;
    let _held = ctx.hold(minors.as_ref().map_or(0, RawBufferMut::bytes));
    let (majors, minors) = (majors.map(Permutation::order), minors.as_ref().map(Indices::of_mut));
    let permuted = Permuted { from, majors, nnz: from.nnz(), minors };
    let made = permuted.in_memory(grain, ctx)?.ok_or_else(|| index_error_of(from))?;
    at_place(made, place, ctx)
}

/// Adds permuting a matrix to a plan; `moved` says which axes, the lines first, are permuted.
pub(crate) fn plan_permute(
    plan: Plan,
    from: Sizes,
    moved: (bool, bool),
    place: &Place,
    ctx: &Context,
) -> Plan {
    let Sizes { types, major, nnz, stored, .. } = from;
    let (layout, size) = (RecordLayout::of(types), (major, nnz));
    let plan = plan.reads(1, stored);
    if sorts(from, place, ctx) {
        let tables = tables(from, moved);
        let less = ctx.less(tables);
        let renamed = if moved.1 {
            nnz.min(entries_in_memory(layout, &less)) * types.indices.size()
        } else {
            0
        };
        let plan = AnySorter::plan(plan, layout, nnz as u64, &less);
        let plan = plan.throughout(tables + renamed as u64);
        return AnyWriter::plan(plan, types, size, place, &less);
    }
    let plan = plan.works(nnz as u64, work::PERMUTE).holds(tables(from, (false, moved.1)));
    let plan = AnyWriter::plan(plan, types, size, place, ctx);
    if *place == Place::Memory { plan } else { plan.throughout(from.bytes()) }
}

/// Whether the external sort is used.
fn sorts(from: Sizes, place: &Place, ctx: &Context) -> bool {
    exceeds(from.bytes(), place, ctx) || from.stored > ctx.memory_left() / 2
}

/// Bytes of the new places of the permuted axes.
fn tables(from: Sizes, (lines, others): (bool, bool)) -> u64 {
    let count = if lines { from.major } else { 0 } + if others { from.minor } else { 0 };
    (count * from.types.indices.size()) as u64
}

/// The new index for each old one.
fn positions(
    order: Option<&Permutation>,
    index: DType,
    ctx: &Context,
) -> Result<Option<RawBufferMut>> {
    let Some(order) = order else { return Ok(None) };
    by_index_type!(index, I => Ok(Some(order.positions::<I>(ctx)?.into_raw())))
}

fn tables_do_not_fit(tables: u64, limit: u64) -> Error {
    Error::new(ErrorKind::Memory, "the positions of rows and columns do not fit")
        .expected(format!("a memory limit of at least {} bytes", 2 * tables))
        .found(limit)
}

/// The matrix by the external sort.
fn permute_by_sort(
    from: &AnyCompressed,
    (majors, minors): (Option<&Permutation>, Option<&Permutation>),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (nnz, kind) = (from.nnz(), (from.format(), from.types()));
    let layout = RecordLayout::of(kind.1);
    let most = entries_in_memory(layout, ctx);
    let writer = AnyWriter::new(kind, from.shape(), nnz, true, place, ctx)?;
    let lines = positions(majors, layout.indices, ctx)?;
    let lines = lines.as_ref().map(Indices::of_mut);
    let minors = positions(minors, layout.indices, ctx)?;
    let minors = minors.as_ref().map(Indices::of_mut);
    let mut sorter = AnySorter::new(layout, 0..from.major(), nnz as u64, ctx);
    let mut panels = EntryPanels::new(&[from.indices_buffer()], from.data(), most)?;
    let mut names = Names::new(from, layout, ctx)?;
    let mut renamed = IndexVec::new(layout.indices);
    if minors.is_some() {
        reserve(&mut renamed, nnz.min(most))?;
    }
    let held = match minors {
        Some(_) => ctx.hold((nnz.min(most) * layout.indices.size()) as u64),
        None => ctx.hold(0),
    };
    let minor = from.minor();
    let sorted = panels.sweep(ctx, &mut |first, indices, data| {
        let names = names.of(first, data.len(), lines)?;
        let Some(positions) = minors else {
            // Renaming would have found an index that is out of range; the sort does not check them.
            return match all_below(indices[0], minor) {
                true => sorter.extend((names, indices[0], data)),
                false => Err(index_error_of(from)),
            };
        };
        renamed.clear();
        renamed.extend(indices[0]);
        renamed.look_up(positions).ok_or_else(|| index_error_of(from))?;
        sorter.extend((names, renamed.as_indices(), data))
    });
    drop((panels, names, renamed, held));
    let sorting = minors.map(|_| Duplicates::Keep);
    let mut sink = AnyMatrixSink::new(writer, from.format());
    let swept = sorted.and_then(|()| sorter.fill_lines(sorting, &mut sink, ctx));
    swept.map_err(|error| index_error_instead(from, error))?;
    sink.finish()
}
