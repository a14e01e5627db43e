//! Sparse to dense: entries into a matrix of zeros, duplicates summed.
//!
//! | the entries | the result | what is done |
//! |---|---|---|
//! | in the order of the result's lines, in memory or half the limit | in memory | lines filled in place, in parallel |
//! | in the order of the result's lines | anywhere | panel by panel, lines filled in parallel and written: 1 read, 1 write |
//! | across them, or in any order | anywhere | the same, but through the external sort of `sorter.rs` |
//! | the same, in memory or half the limit | in memory | scattered |

use crate::convert::formats::dense_rows::{LineClash, fill_rows, overflow};
use crate::convert::formats::dense_target::DenseTarget;
use crate::convert::formats::sort_matrix::{sort_entries, sort_lines};
use crate::convert::formats::wrong_indices::{
    coo_error_instead, index_error_instead, index_error_of,
};
use crate::convert::in_memory::{Entries, Layout, Others};
use crate::dense::{AnyDense, Dense};
use crate::error::{Error, Result, check_shape};
use crate::sparse::{
    AnyCompressed, AnyCoo, Axis, Compressed, CompressedPanels, Coo, Duplicates, Indices,
};
use crate::storage;
use crate::storage::parallel::Tasks;
use crate::storage::raw::{Raw, RawMut, put};
use crate::storage::work;
use crate::storage::{Context, Element, Entry, Index, Order, Place, Plan, SparseFormat, filled};
use ndarray::ArrayViewMut2;
use num_traits::One;

/// Lines between two checks of the cancel token.
const STEP: usize = 1 << 20;

/// Elements of the result that are one task.
const TASK: usize = 1 << 20;

/// Bytes of a task of a large array that is not fresh: zeros bypass the caches only in large runs.
/// 10⁹ elements of `f32` take 145 ms with two threads, 191 in tasks of 4 MB.
const LARGE_TASK: usize = 64 << 20;

/// Lines whose pointers are read together.
const LINES: usize = 128;

impl<T: Element, I: Index> Coo<T, I> {
    /// The matrix with its zeros filled in and duplicates summed.
    ///
    /// Cost: one read of the entries, and for those that do not fit in a sixth of the memory limit one write and one
    /// read in the scratch folder; one write of the dense array. Memory: at most the limit.
    ///
    /// ```
    /// use outcore::{Context, Coo, Order, Place};
    /// let a = Coo::<f64>::from_triplets((1, 2), [(0, 1, 2.0), (0, 1, 3.0)])?;
    /// assert_eq!(a.to_dense(Order::C, Place::Memory, &Context::new())?.as_slice(), [0.0, 5.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("toarray", "todense"))]
    pub fn to_dense(
        &self,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        coo_to_dense(&self.to_any(), order, &place.into(), ctx).map(AnyDense::into_typed)
    }
}

impl<T: Element, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The matrix with its zeros filled in and duplicates summed.
    ///
    /// Cost: one read of the entries, one write of the dense array. If its lines are not those of the matrix (CSR to
    /// Fortran order, CSC to C order), the entries that do not fit in a sixth of the memory limit are also written to
    /// the scratch folder and read once. Memory: at most the limit.
    ///
    /// ```
    /// use outcore::{Context, Csr, Order, Place};
    /// let a = Csr::<f64>::eye(2).to_dense(Order::C, Place::Memory, &Context::new())?;
    /// assert_eq!(a.as_slice(), [1.0, 0.0, 0.0, 1.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("toarray", "todense"))]
    pub fn to_dense(
        &self,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        to_dense(&self.to_any(), order, &place.into(), ctx).map(AnyDense::into_typed)
    }

    /// Writes the matrix with its zeros to `out`, duplicates summed; nothing is allocated. `out` is not read.
    ///
    /// All threads write if a line of the matrix is contiguous in `out` (CSR and C order, CSC and Fortran order),
    /// otherwise one. Cost: one read of the entries, of a stored matrix through its map, and one write of `out`.
    ///
    /// Fails if `out` has another shape, an index is out of range, or an integer overflows. The contents of `out` are
    /// then unspecified.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let mut out = ndarray::Array2::from_elem((2, 2), 7.0);
    /// Csr::<f64>::eye(2).to_dense_into(out.view_mut(), &Context::new())?;
    /// assert_eq!(out, ndarray::arr2(&[[1.0, 0.0], [0.0, 1.0]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_dense_into(&self, out: ArrayViewMut2<'_, T>, ctx: &Context) -> Result<()> {
        check_shape("the array", self.shape(), out.dim())?;
        let mut lines = match A::FORMAT {
            SparseFormat::Csc => out.reversed_axes(),
            _ => out,
        };
        if let Some(elements) = lines.as_slice_mut() {
            return to_dense_into(&self.to_any(), DenseOut::Lines(RawMut::of(elements)), ctx);
        }
        let mut fill = |line: usize, indices: Indices<'_>, data: Raw<'_>| {
            let (mut row, data) = (lines.row_mut(line), data.as_typed::<T>());
            row.fill(T::default());
            for (k, &value) in data.iter().enumerate() {
                let index = indices.at(k);
                let Some(element) = row.get_mut(index) else { return Some(LineClash::Outside) };
                let Some(sum) = storage::put(*element, value) else {
                    return Some(LineClash::Overflow(line, index));
                };
                *element = sum;
            }
            None
        };
        to_dense_into(&self.to_any(), DenseOut::Anywhere(&mut fill), ctx)
    }
}

impl<I: Index, P: Index, A: Axis> Compressed<(), I, P, A> {
    /// The pattern as a matrix of ones, in the same structure, which is shared; the ones are in memory.
    ///
    /// ```
    /// let a = outcore::Csr::<f64>::eye(2).pattern().to_ones::<i8>()?;
    /// assert_eq!(**a.data(), [1, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_ones<T: Entry + One>(&self) -> Result<Compressed<T, I, P, A>> {
        self.with_data(filled("the ones", self.nnz(), T::one())?)
    }
}

pub(crate) fn coo_to_dense(
    from: &AnyCoo,
    order: Order,
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let (values, indices) = from.types();
    let target = DenseTarget::new((values, from.shape()), order, place, ctx)?;
    if target.len() == 0 {
        return target.nothing();
    }
    let (stored, nnz) = (from.stored_bytes(), from.nnz());
    let plan = || Plan::new("COO to dense").on_device_of(from.rows().file()).reads(1, stored);
    let (lines, others) = target.along((from.rows(), from.cols()));
    let (count, length) = target.along(from.shape());
    if target.takes_any_order(stored) {
        let _running = ctx.begin(|| Ok(target.plan_to_scatter(plan(), nnz)))?;
        from.check()?;
        let others = Others::Given(Indices::of(others), length);
        let entries = Entries { lines: Indices::of(lines), others, data: from.data().as_raw() };
        return target.scatter(stored, nnz, &entries, length);
    }
    let layout = Layout { values, indices };
    let _running = ctx.begin(|| Ok(target.plan_to_sort(plan(), layout, nnz)))?;
    let (mut sink, arrays) = (target.sink()?, (lines, others, from.data()));
    sort_entries(arrays, (count, length), Duplicates::Sum, &mut sink, &target.free)
        .map_err(|error| coo_error_instead(from, error))?;
    sink.finish()
}

pub(crate) fn to_dense(
    from: &AnyCompressed,
    order: Order,
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let (format, types) = (from.format(), from.types());
    let target = DenseTarget::new((types.values, from.shape()), order, place, ctx)?;
    if target.len() == 0 {
        return target.nothing();
    }
    let (stored, nnz) = (from.stored_bytes(), from.nnz());
    let plan = Plan::new(name(format)).on_device_of(from.indices_buffer().file());
    let across = order != format.swap_if_cols((Order::C, Order::Fortran)).0;
    if target.takes_any_order(stored) {
        let plan = plan.reads(1, stored);
        let _running = ctx.begin(|| Ok(target.plan_to_scatter(plan, nnz)))?;
        if !across {
            let mut dense = target.create()?;
            fill(from, dense.elements_mut(), true, ctx)?;
            return dense.freeze();
        }
        from.check()?;
        return target.scatter(stored, nnz, &Entries::across(from), from.major());
    }
    if let (false, Some(panels)) = (across, target.panels(from)?) {
        let plan = panels.plan(name(format)).reads(1, panels.kept);
        let plan = plan.works(nnz as u64, work::SCATTER_DENSE);
        let _running = ctx.begin(|| Ok(target.plan_to_write(plan)))?;
        return along(from, panels, &target);
    }
    let plan = plan.reads(1, stored);
    let _running = ctx.begin(|| Ok(target.plan_to_sort(plan, Layout::of(types), nnz)))?;
    ctx.meter().read(from.indptr_buffer().stored_bytes());
    let mut sink = target.sink()?;
    // Read line by line, entries reach each line of the result in order.
    let sorting = if across { None } else { Some(Duplicates::Sum) };
    sort_lines(from, across, sorting, &mut sink, &target.free)?;
    sink.finish()
}

fn name(format: SparseFormat) -> &'static str {
    format.swap_if_cols(("CSR to dense", "CSC to dense")).0
}

/// The destination of the elements.
enum DenseOut<'a> {
    /// Consecutive lines of the matrix.
    Lines(RawMut<'a>),
    /// A callback that stores the entries of a line.
    Anywhere(&'a mut dyn FnMut(usize, Indices<'_>, Raw<'_>) -> Option<LineClash>),
}

fn to_dense_into(from: &AnyCompressed, out: DenseOut<'_>, ctx: &Context) -> Result<()> {
    let _running = ctx.begin(|| {
        let plan = Plan::new(name(from.format())).on_device_of(from.indices_buffer().file());
        let plan = plan.reads(1, from.stored_bytes()).works(from.nnz() as u64, work::SCATTER_DENSE);
        Ok(plan.works(from.major() as u64 * from.minor() as u64, work::FILL_DENSE))
    })?;
    let fill_line = match out {
        DenseOut::Lines(elements) => return fill(from, elements, false, ctx),
        DenseOut::Anywhere(fill_line) => fill_line,
    };
    ctx.meter().pass_over(from.stored_bytes());
    for major in 0..from.major() {
        let span = from.span(major);
        let (indices, data) = (from.indices().slice(span.clone()), from.data().as_raw());
        if let Some(clash) = fill_line(major, indices, data.slice(span)) {
            return Err(error_of(from, clash));
        }
        if major % STEP == 0 {
            ctx.report("scattering the entries", major as u64, from.major() as u64)?;
        }
    }
    Ok(())
}

/// Fills lines in memory with those of a matrix; they are zero already if `clean`.
fn fill(from: &AnyCompressed, elements: RawMut<'_>, clean: bool, ctx: &Context) -> Result<()> {
    ctx.meter().pass_over(from.stored_bytes());
    let length = from.minor();
    // Tasks are large, so that each page of fresh memory is touched by one thread.
    let large = LARGE_TASK / elements.width();
    let many = elements.len() / large >= 2 * ctx.thread_count();
    let task = if many && !clean { large } else { TASK };
    let lines = (task / length.max(1)).max(1);
    ctx.check_cancelled()?;
    let tasks = elements.par_chunks_mut((lines * length).max(1)).enumerate();
    ctx.with_threads(|| {
        tasks.find_map_first(|(task, elements)| {
            fill_lines(from, task * lines, elements, clean, ctx).err()
        })
    })
    .map_or(Ok(()), Err)
}

fn fill_lines(
    from: &AnyCompressed,
    first: usize,
    mut elements: RawMut<'_>,
    clean: bool,
    ctx: &Context,
) -> Result<()> {
    ctx.check_cancelled()?;
    if !clean {
        elements.clear();
    }
    let (length, nnz) = (from.minor(), from.nnz());
    let put = put(elements.dtype().expect("elements have a type"));
    let (indptr, entries) = (from.indptr(), (from.indices(), from.data().as_raw()));
    let (base, last) = (indptr.at(0), first + elements.len() / length);
    let mut starts = [0; LINES + 1];
    for first in (first..last).step_by(LINES) {
        let lines = LINES.min(last - first);
        let starts = &mut starts[..=lines];
        indptr.positions(first, starts);
        // Another process may have changed a mapped file since it was checked: stay within the arrays.
        starts.iter_mut().for_each(|start| *start = start.wrapping_sub(base).min(nnz));
        let rows = elements.take_front(lines * length);
        if let Some(clash) = fill_rows(rows, length, starts, entries, put) {
            return Err(error_of(from, clash.below(first)));
        }
    }
    Ok(())
}

/// The error for entries that cannot be stored.
fn error_of(from: &AnyCompressed, clash: LineClash) -> Error {
    match clash {
        LineClash::Outside => index_error_of(from),
        LineClash::Overflow(line, index) => overflow(from.format().swap_if_cols((line, index))),
    }
}

fn along(
    from: &AnyCompressed,
    mut panels: CompressedPanels,
    target: &DenseTarget<'_>,
) -> Result<AnyDense> {
    let (mut sink, ctx) = (target.sink()?, target.ctx);
    panels
        .sweep(ctx, &mut |panel| sink.take_panel(panel.indptr, (panel.indices, panel.data), ctx))
        .map_err(|error| index_error_instead(from, error))?;
    sink.finish()
}
