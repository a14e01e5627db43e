//! The number of entries stored in each row or column of a sparse matrix.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Values;
use crate::linalg::kernels::Columns;
use crate::linalg::statistics::sparse::{is_along, lines_of};
use crate::sparse::{AnyCompressed, Axis, Compressed, EntryPanels, by_index, by_index_type};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Plan, RawBuffer, bytes_of};

/// Indices that a task checks.
const TASK: usize = 1 << 16;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The number of entries stored in every column (axis 0) or every row (axis 1), including explicit zeros and
    /// duplicates, as SciPy's `getnnz`.
    ///
    /// Cost: one pass over the pointers along the stored axis, over the indices across it. Memory: 8 bytes per count,
    /// and for a matrix in files at most a quarter of what is left of the limit.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 2], vec![0, 1], vec![3.0, -4.0])?;
    /// assert_eq!(a.nnz_per(1, &Context::new())?, [2, 0]);
    /// assert_eq!(a.nnz_per(0, &Context::new())?, [1, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("getnnz", "count_nonzero"))]
    pub fn nnz_per(&self, axis: usize, ctx: &Context) -> Result<Vec<u64>> {
        nnz_per(&self.to_any(), axis, ctx)
    }
}

/// The number of entries in every column (axis 0) or every row (axis 1) of a matrix.
pub(crate) fn nnz_per(a: &AnyCompressed, axis: usize, ctx: &Context) -> Result<Vec<u64>> {
    let (_, len) = lines_of(a, axis)?;
    let bytes = bytes_of::<u64>(len);
    ctx.check_memory("the counts", bytes)?;
    if is_along(a, axis) {
        let (indptr, base) = (a.indptr_buffer(), a.indptr().at(0));
        let stored = indptr.stored_bytes();
        let _running = ctx.begin_pass(stored, || {
            let plan = Plan::new("counting entries").throughout(bytes);
            Ok(plan
                .on_device_of(indptr.file())
                .reads(1, stored)
                .works(len as u64, work::COUNT_LINES))
        })?;
        let _held = ctx.hold(bytes);
        return by_index!(a.indptr(), indptr => {
            // Another process may have changed a mapped file since it was checked: stay within the entries.
            let end = |pointer: usize| pointer.wrapping_sub(base).min(a.nnz());
            let count = |ends: &[_]| {
                let [start, end] = [0, 1].map(|at| end(Index::to_usize(ends[at])));
                end.saturating_sub(start) as u64
            };
            ctx.collected("the counts", indptr.windows(2).map(count))
        });
    }
    by_index_type!(a.types().indices, I => count_across::<I>(a, (len, bytes), ctx))
}

fn count_across<I: Index>(
    a: &AnyCompressed,
    (len, bytes): (usize, u64),
    ctx: &Context,
) -> Result<Vec<u64>> {
    let (left, units) = (ctx.memory_left().saturating_sub(bytes), RawBuffer::pattern(a.nnz()));
    let mut panels = EntryPanels::within(left, 1, &[a.indices_buffer()], &units)?;
    let entries = panels.max_entries_per_panel();
    let work = bytes + Columns::<(), I>::bytes(entries, ctx.thread_count());
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan("counting entries").throughout(work);
        Ok(plan.works(a.nnz() as u64, work::COUNT_ENTRIES))
    })?;
    let _held = ctx.hold(work);
    let mut counts = ctx.filled("the counts", len, 0)?;
    let mut columns = Columns::new(len, entries, ctx.thread_count());
    panels.sweep(ctx, &mut |_, indices, data| {
        ctx.with_threads(|| {
            // The check that finds the position reads the indices again.
            let within = |run: &[I]| run.iter().all(|index| index.to_usize() < len);
            let indices: &[I] = indices[0].typed();
            if !indices.par_chunks(TASK).all(within) {
                return Err(a.check().err().unwrap_or_else(changed));
            }
            let units = Values::Plain(data.as_typed());
            columns.fold(&mut counts, (indices, units), |count, ()| *count += 1);
            Ok(())
        })
    })?;
    Ok(counts)
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the matrix changed while it was read")
}
