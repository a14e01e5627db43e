//! The elements of a dense matrix written where the caller says, in whatever order that is.

use crate::convert::reorder::transpose_to;
use crate::dense::{Dense, LinePanel, LinePanels};
use crate::error::{Result, check_shape};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{Context, Element, Order, Plan};
use ndarray::ArrayViewMut2;

/// Elements of a task.
const TASK: usize = 1 << 16;

/// Nanoseconds that an element takes one thread.
const WORK: f64 = 0.7;

impl<T: Element> Dense<T> {
    /// The elements into `out`, as NumPy's `copyto(out, a)`; nothing is allocated for the result.
    ///
    /// With [`transpose`](Self::transpose), which costs nothing, and an `out` in the order of this matrix, it makes a transposed copy. All
    /// threads write if `out` is contiguous in C or Fortran order, else one.
    ///
    /// Cost: one read and one write. Memory: none beside `out`, and for a stored matrix larger than half of the memory limit panels
    /// of a quarter of it. Fails if `out` has another shape.
    ///
    /// ```
    /// use outcore::{Context, Dense};
    /// let a = Dense::from(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]));
    /// let mut out = ndarray::Array2::zeros((3, 2));
    /// a.transpose().copy_into(out.view_mut(), &Context::new())?;
    /// assert_eq!(out, ndarray::arr2(&[[1, 4], [2, 5], [3, 6]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn copy_into(&self, out: ArrayViewMut2<'_, T>, ctx: &Context) -> Result<()> {
        check_shape("the array", self.dim(), out.dim())?;
        let stored = self.buffer().stored_bytes();
        let plan = Plan::new("copying").on_device_of(self.buffer().file()).reads(1, stored);
        let plan = plan.works(self.len() as u64, WORK);
        // As lines of this matrix, and as lines across them.
        let (count, length) = self.lines();
        let mut lines = match self.order() {
            Order::C => out,
            Order::Fortran => out.reversed_axes(),
        };
        if stored > ctx.memory_left() / 2 {
            let mut panels = LinePanels::once(self, (1, 1), ctx.memory_left() / 4, ctx)?;
            let _running = ctx.begin(|| Ok(plan.holds(panels.memory())))?;
            return panels.sweep(ctx, &mut |LinePanel {
                                               first,
                                               lines: count,
                                               offset,
                                               elements,
                                           }| {
                let width = elements.len() / count.max(1);
                for (k, line) in elements.chunks_exact(width.max(1)).enumerate() {
                    let mut to = lines.row_mut(first + k);
                    to.iter_mut().skip(offset).zip(line).for_each(|(to, &from)| *to = from);
                }
                Ok(())
            });
        }
        let _running = ctx.begin(|| Ok(plan))?;
        ctx.meter().pass();
        ctx.meter().read(stored);
        let elements = self.as_slice();
        if let Some(to) = lines.as_slice_mut() {
            ctx.check_cancelled()?;
            ctx.with_threads(|| {
                let tasks = to.par_chunks_mut(TASK).zip(elements.par_chunks(TASK));
                tasks.for_each(|(to, from)| to.copy_from_slice(from));
            });
            return Ok(());
        }
        let mut across = lines.view_mut().reversed_axes();
        if let (Some(rows), 1..) = (across.as_slice_mut(), count) {
            return transpose_to(self, rows, ctx);
        }
        for (mut to, from) in lines.outer_iter_mut().zip(elements.chunks_exact(length.max(1))) {
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        }
        Ok(())
    }
}
