//! The elements of a dense matrix copied to an array of the caller's, in any order.

use crate::convert::reshape::dense_order::{transpose_panel, transpose_to};
use crate::dense::{AnyDense, Dense, DensePanel, DensePanels};
use crate::error::{Result, check_shape};
use crate::storage::parallel::Tasks;
use crate::storage::raw::{Raw, RawMut};
use crate::storage::work;
use crate::storage::{Context, Element, Order};
use ndarray::ArrayViewMut2;

/// Elements of a task.
const TASK: usize = 1 << 16;

impl<T: Element> Dense<T> {
    /// Copies the elements to `out`, as NumPy's `copyto(out, a)`; nothing is allocated for the result.
    ///
    /// With [`transpose`](Self::transpose), which costs nothing, and an `out` in the order of this matrix, it makes a
    /// transposed copy. All threads write if `out` is contiguous in C or Fortran order, otherwise one.
    ///
    /// Cost: one read and one write. Memory: none in addition to `out`, except panels of a quarter of the memory limit
    /// for a stored matrix larger than half of it. Fails if `out` has another shape.
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
        check_shape("the array", self.shape(), out.dim())?;
        let (count, _) = self.lines();
        // As lines of this matrix, and as lines across them.
        let mut lines = match self.order() {
            Order::C => out,
            Order::Fortran => out.reversed_axes(),
        };
        if let Some(to) = lines.as_slice_mut() {
            return copy_to(&self.to_any(), CopyTarget::Along(RawMut::of(to)), ctx);
        }
        let mut across = lines.view_mut().reversed_axes();
        if let (Some(rows), 1..) = (across.as_slice_mut(), count) {
            return copy_to(&self.to_any(), CopyTarget::Across(RawMut::of(rows)), ctx);
        }
        let mut put = |line: usize, offset: usize, from: Raw<'_>| {
            let from: &[T] = from.typed().expect("elements of this type");
            let mut to = lines.row_mut(line);
            to.iter_mut().skip(offset).zip(from).for_each(|(to, &from)| *to = from);
        };
        copy_to(&self.to_any(), CopyTarget::Anywhere(&mut put), ctx)
    }
}

/// The destination of the elements.
enum CopyTarget<'a> {
    /// Consecutively, in the order read.
    Along(RawMut<'a>),
    /// To rows of an element of each line.
    Across(RawMut<'a>),
    /// To a callback that takes part of a line, from a given position on.
    Anywhere(&'a mut dyn FnMut(usize, usize, Raw<'_>)),
}

fn copy_to(a: &AnyDense, mut out: CopyTarget<'_>, ctx: &Context) -> Result<()> {
    let ((count, length), stored) = (a.lines(), a.stored_bytes());
    let fits = stored <= ctx.memory_left() / 2;
    let budget = if fits { stored } else { ctx.memory_left() / 4 };
    let mut panels = DensePanels::once(a, (1, 1), budget)?;
    let _running =
        ctx.begin(|| Ok(panels.reading.plan("copying").works(a.len() as u64, work::COPY_DENSE)))?;
    if let (true, CopyTarget::Across(rows)) = (fits, &mut out) {
        ctx.meter().pass_over(stored);
        return transpose_to(a, rows.reborrow(), ctx);
    }
    panels.sweep(ctx, &mut |panel| {
        match &mut out {
            CopyTarget::Along(to) => {
                let start = panel.first * length + panel.offset;
                let to = to.slice_mut(start..start + panel.elements.len());
                copy_elements(to, panel.elements, ctx);
            }
            CopyTarget::Across(rows) => transpose_panel(panel, rows.reborrow(), count, ctx),
            CopyTarget::Anywhere(put) => put_lines(panel, put),
        }
        Ok(())
    })
}

fn copy_elements(to: RawMut<'_>, from: Raw<'_>, ctx: &Context) {
    ctx.with_threads(|| {
        to.par_chunks_mut(TASK).enumerate().for_each(|(task, mut to)| {
            to.copy_from(from.slice(task * TASK..task * TASK + to.len()));
        });
    });
}

fn put_lines(
    DensePanel { first, lines, offset, elements }: DensePanel<'_>,
    put: &mut dyn FnMut(usize, usize, Raw<'_>),
) {
    let width = elements.len() / lines.max(1);
    for k in 0..if width == 0 { 0 } else { lines } {
        put(first + k, offset, elements.slice(k * width..(k + 1) * width));
    }
}
