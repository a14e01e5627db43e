//! A tile of the result at a time.
//!
//! ```text
//! for each tile:  for each run of the inner dimension:  read A[rows, run] and B[run, cols]  ->  C_tile += A B
//! ```

use std::ops::Range;

use ndarray::ArrayViewMut2;

use crate::error::Result;
use crate::linalg::algebra::Scalar;
use crate::linalg::gemm::in_memory::gemm_into;
use crate::linalg::gemm::operand::{Operand, OperandPart, reader};
use crate::linalg::gemm::tiling::{Extents, GemmStrategy};
use crate::storage::{BufferMut, Context};

/// Multiplies tile by tile.
pub(super) struct Tiles<'a, T: Scalar> {
    a: &'a Operand<'a, T>,
    b: &'a Operand<'a, T>,
    extents: Extents,
    /// Terms of the inner dimension in a panel.
    inner: usize,
    ring: u64,
    /// The buffer in which parts are assembled.
    buffer: BufferMut<T>,
    ctx: &'a Context,
}

impl<'a, T: Scalar> Tiles<'a, T> {
    pub(super) fn new(
        (a, b): (&'a Operand<'a, T>, &'a Operand<'a, T>),
        extents: Extents,
        inner: usize,
        strategy: &GemmStrategy,
        ctx: &'a Context,
    ) -> Result<Self> {
        let buffer =
            ctx.work("a tile", strategy.kept as usize / size_of::<T>())?.counted(ctx.meter());
        Ok(Tiles { a, b, extents, inner, ring: strategy.ring, buffer, ctx })
    }

    /// Adds the product of some rows of `A` with some columns of `B` to `c`.
    pub(super) fn multiply(
        &mut self,
        rows: Range<usize>,
        cols: Range<usize>,
        mut c: ArrayViewMut2<'_, T>,
    ) -> Result<()> {
        let (Extents { k, .. }, a, b, ctx) = (self.extents, self.a, self.b, self.ctx);
        let runs = (0..k).step_by(self.inner).map(|first| first..k.min(first + self.inner));
        let parts: Vec<(OperandPart, OperandPart)> = runs
            .map(|run| {
                let left = OperandPart { rows: rows.clone(), cols: run.clone() };
                (left, OperandPart { rows: run, cols: cols.clone() })
            })
            .collect();
        let extents = parts.iter().map(|(left, right)| {
            let mut extents = Vec::new();
            if a.streamed {
                extents.extend(a.parts(left, 0));
            }
            if b.streamed {
                extents.extend(b.parts(right, usize::from(a.streamed)));
            }
            extents
        });
        let Some(mut reader) = reader(a, b, extents.collect(), self.ring)? else {
            return Ok(());
        };
        let buffer = &mut self.buffer;
        reader.sweep_part(ctx, &mut |step, read| {
            let (left, right) = &parts[step];
            let count = if a.streamed { a.runs(left) } else { 0 };
            let (of_left, of_right) = read.split_at(count);
            let taken = if a.streamed { left.rows.len() * left.cols.len() } else { 0 };
            let (buffer_left, buffer_right) = buffer.split_at_mut(taken);
            let left = match a.streamed {
                true => a.read(left, of_left, buffer_left)?,
                false => a.view(left),
            };
            let right = match b.streamed {
                true => b.read(right, of_right, buffer_right)?,
                false => b.view(right),
            };
            gemm_into(left, right, c.view_mut(), ctx);
            Ok(())
        })
    }
}
