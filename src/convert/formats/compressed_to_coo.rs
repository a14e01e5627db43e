//! CSR and CSC to COO: the major index is expanded for every entry.

use crate::convert::in_memory::LineNumbers;
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, AnyCoo, AnyCooWriter, Axis, CheckedLines, CheckedPanels, Compressed, Coo,
    IndexVec, LineSplit, by_index_mut, coo_bytes, memory_left,
};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Pass, Place};

/// Entries of a task.
const TASK: usize = 1 << 14;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The same entries as coordinates, in the order in which they are stored.
    ///
    /// Cost: one read and one sequential write, within the memory limit whatever the matrix. The indices are checked on
    /// the way; a bad one is an error that gives its position, and no result is created.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let coo = Csr::<f64>::eye(2).to_coo(Place::Memory, &Context::new())?;
    /// assert_eq!(**coo.row_indices(), [0, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "tocoo")]
    pub fn to_coo(&self, place: impl Into<Place>, ctx: &Context) -> Result<Coo<T, I>> {
        expanded(&self.to_any(), &place.into(), ctx).map(AnyCoo::into_typed)
    }
}

/// The entries as coordinates, in the order in which they are stored.
pub(crate) fn expanded(from: &AnyCompressed, place: &Place, ctx: &Context) -> Result<AnyCoo> {
    let (format, nnz) = (from.format(), from.nnz());
    let types = (from.types().values, from.types().indices);
    let left = memory_left(coo_bytes(types, nnz), place, ctx)?;
    let mut lines = CheckedPanels::new(&[from], LineSplit::Entries, left, ctx)?;
    let work = (lines.most_entries() * types.1.size()) as u64;
    let (name, _) = format.swap_if_cols(("CSR to COO", "CSC to COO"));
    let pass = Pass::new(lines.plan(name).works(nnz as u64, work::EXPAND)).holding(work);
    let what = (types, from.shape(), nnz);
    pass.make(what, place, ctx, &mut |writer: &mut AnyCooWriter| {
        let mut majors = IndexVec::new(types.1);
        let swept = lines.sweep_part(ctx, &mut |panel| {
            let part = panel.parts[0];
            ctx.with_threads(|| write_out(panel.first, &part, &mut majors));
            let (rows, cols) = format.swap_if_cols((majors.as_raw(), part.indices.raw()));
            writer.push(rows, cols, part.data)
        });
        swept.map(drop)
    })
}

/// The line of every entry of a run, whose pointers were checked.
fn write_out(first: usize, part: &CheckedLines<'_>, majors: &mut IndexVec) {
    fn go<I: Index>(first: usize, part: &CheckedLines<'_>, majors: &mut [I]) {
        let tasks = majors.par_chunks_mut(TASK).enumerate();
        tasks.for_each(|(task, majors)| {
            let start = task * TASK;
            let written = LineNumbers::new(part.indptr, first, start).write(start, majors);
            debug_assert!(written.is_some());
        });
    }
    majors.resize(part.indices.len(), 0);
    by_index_mut!(majors.as_mut(), majors => go(first, part, majors));
}
