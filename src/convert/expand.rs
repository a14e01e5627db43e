//! CSR and CSC to COO: the major index is written out for every entry.

use crate::error::Result;
use crate::sparse::{
    Axis, Compressed, Coo, CooWriter, IndexCheck, LinePart, Pieces, ZippedLines, memory_left,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Context, Entry, Index, Place, Plan};

/// Nanoseconds an entry takes.
const WORK: f64 = 1.0;

/// Lines of a task.
const TASK: usize = 1 << 12;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The same entries as coordinates, in the order in which they are stored.
    ///
    /// Cost: one read and one sequential write, within the memory limit whatever the matrix. The indices are checked on
    /// the way; a bad one is an error that names its place, and nothing appears.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let coo = Csr::<f64>::eye(2).to_coo(Place::Memory, &Context::new())?;
    /// assert_eq!(**coo.rows(), [0, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_coo(&self, place: impl Into<Place>, ctx: &Context) -> Result<Coo<T, I>> {
        let place = place.into();
        let left = memory_left(Coo::<T, I>::bytes_of(self.nnz()), &place, ctx)?;
        let budget = ZippedLines::<T, I, P, A>::budget(left);
        let mut lines = ZippedLines::new(&[self], Pieces::Entries, budget, ctx)?;
        let work = (lines.most_entries() * size_of::<I>()) as u64;
        let _running = ctx.begin(|| {
            let (name, _) = A::swap_if_cols(("CSR to COO", "CSC to COO"));
            let plan = Plan::new(name).on_device_of(self.indices().file());
            let plan = plan.reads(1, lines.bytes_to_read()).holds(lines.memory() + work);
            let plan = plan.works(self.nnz() as u64, WORK);
            Ok(CooWriter::<T, I>::plan(plan, self.nnz(), &place, ctx))
        })?;
        let mut writer = CooWriter::new(self.shape(), self.nnz(), &place, ctx)?;
        let _held = ctx.hold(work);
        let (mut check, mut majors) = (IndexCheck::new(self), Vec::new());
        let expanded = lines.sweep(ctx, &mut |panel| {
            let part = panel.parts[0];
            ctx.with_threads(|| {
                check.take(&panel, 0)?;
                write_out(panel.first, &part, &mut majors);
                Ok(())
            })?;
            let (rows, cols) = A::swap_if_cols((&majors[..], part.indices));
            writer.push(rows, cols, part.data)
        });
        expanded.map_err(|error| self.name_indices(error))?;
        writer.finish()
    }
}

/// The line of every entry of a run.
fn write_out<T: Entry, I: Index, P: Index>(
    first: usize,
    part: &LinePart<'_, T, I, P>,
    majors: &mut Vec<I>,
) {
    majors.resize(part.indices.len(), I::from_usize(0));
    let (mut rest, mut tasks) = (&mut majors[..], Vec::new());
    let lines = part.indptr.len() - 1;
    for start in (0..lines).step_by(TASK) {
        let pointers = &part.indptr[start..=lines.min(start + TASK)];
        let mine;
        (mine, rest) = rest.split_at_mut(pointers[pointers.len() - 1].to_usize() - base(pointers));
        tasks.push((first + start, pointers, mine));
    }
    tasks.into_par_iter().for_each(|(first, pointers, majors)| {
        for (line, ends) in pointers.windows(2).enumerate() {
            let span = ends[0].to_usize() - base(pointers)..ends[1].to_usize() - base(pointers);
            majors[span].fill(I::from_usize(first + line));
        }
    });
}

fn base<P: Index>(pointers: &[P]) -> usize {
    pointers[0].to_usize()
}
