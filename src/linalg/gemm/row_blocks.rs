//! Some rows of the result at a time.
//!
//! ```text
//! for each block of rows:  read the rows of A, to stay  ->  for each panel of lines of B:
//!     rows of B:     C_block += A_block[:, rows] B_panel
//!     columns of B:  C_block[:, cols] += A_block B_panel
//! ```

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, s};

use crate::error::Result;
use crate::linalg::algebra::Scalar;
use crate::linalg::gemm::in_memory::gemm_into;
use crate::linalg::gemm::operand::{Operand, OperandPart, reader};
use crate::linalg::gemm::tiling::{Extents, GemmStrategy};
use crate::storage::{BufferMut, Context, Order, packed};

/// Multiplies block by block.
pub(super) struct RowBlocks<'a, T: Scalar> {
    a: &'a Operand<'a, T>,
    b: &'a Operand<'a, T>,
    extents: Extents,
    /// Lines of `B` in a panel.
    lines: usize,
    ring: u64,
    /// The rows of `A`, if they are read.
    left: BufferMut<T>,
    ctx: &'a Context,
}

impl<'a, T: Scalar> RowBlocks<'a, T> {
    pub(super) fn new(
        (a, b): (&'a Operand<'a, T>, &'a Operand<'a, T>),
        extents: Extents,
        lines: usize,
        strategy: &GemmStrategy,
        ctx: &'a Context,
    ) -> Result<Self> {
        let left =
            ctx.work("a block", strategy.kept as usize / size_of::<T>())?.counted(ctx.meter());
        Ok(RowBlocks { a, b, extents, lines, ring: strategy.ring, left, ctx })
    }

    /// Adds the product of some rows of `A` with `B` to `c`.
    pub(super) fn multiply(
        &mut self,
        rows: Range<usize>,
        mut c: ArrayViewMut2<'_, T>,
    ) -> Result<()> {
        let (Extents { k, .. }, a, b, ctx) = (self.extents, self.a, self.b, self.ctx);
        let block = OperandPart { rows: rows.clone(), cols: 0..k };
        let panels = self.panels();
        let mut extents = match a.streamed {
            // Half of what two of them may use: they share the ring with panels of `B`.
            true => packed(a.parts(&block, 0).into_iter(), size_of::<T>(), self.ring as usize / 4),
            false => Vec::new(),
        };
        let left_panels = extents.len();
        extents.extend(panels.iter().map(|panel| b.parts(panel, usize::from(a.streamed))));
        let Some(mut reader) = reader(a, b, extents, self.ring)? else {
            return self.multiply_resident(&block, c);
        };
        let (mut filled, buffer) = (0, &mut self.left);
        reader.sweep_part(ctx, &mut |step, runs| {
            if let Some(panel) = step.checked_sub(left_panels) {
                let left = match a.streamed {
                    true => a.shaped(&block, &buffer[..rows.len() * k])?,
                    false => a.view(&block),
                };
                let right = b.read(&panels[panel], runs, &mut [])?;
                add(left, &panels[panel], right, &mut c, b.matrix.order(), ctx);
                return Ok(());
            }
            for run in runs {
                let run = run.as_typed();
                buffer[filled..][..run.len()].copy_from_slice(run);
                filled += run.len();
            }
            Ok(())
        })?;
        if b.streamed {
            return Ok(());
        }
        let left = a.shaped(&block, &self.left[..rows.len() * k])?;
        gemm_into(left, b.matrix.as_ndarray(), c, ctx);
        Ok(())
    }

    fn multiply_resident(&self, block: &OperandPart, c: ArrayViewMut2<'_, T>) -> Result<()> {
        self.ctx.check_cancelled()?;
        gemm_into(self.a.view(block), self.b.matrix.as_ndarray(), c, self.ctx);
        Ok(())
    }

    /// The lines of `B` in the panels in which they are read.
    fn panels(&self) -> Vec<OperandPart> {
        let (Extents { k, n, .. }, step) = (self.extents, self.lines.max(1));
        if !self.b.streamed {
            return Vec::new();
        }
        match self.b.matrix.order() {
            Order::C => (0..k)
                .step_by(step)
                .map(|first| OperandPart { rows: first..k.min(first + step), cols: 0..n })
                .collect(),
            Order::Fortran => (0..n)
                .step_by(step)
                .map(|first| OperandPart { rows: 0..k, cols: first..n.min(first + step) })
                .collect(),
        }
    }
}

/// Adds the product with some lines of `B`.
fn add<T: Scalar>(
    left: ArrayView2<'_, T>,
    panel: &OperandPart,
    right: ArrayView2<'_, T>,
    c: &mut ArrayViewMut2<'_, T>,
    order: Order,
    ctx: &Context,
) {
    match order {
        Order::C => gemm_into(left.slice(s![.., panel.rows.clone()]), right, c.view_mut(), ctx),
        Order::Fortran => {
            gemm_into(left, right, c.slice_mut(s![.., panel.cols.clone()]), ctx);
        }
    }
}
