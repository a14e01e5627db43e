//! The product of what is in memory: tiles of the result in parallel, the inner dimension in blocks.
//!
//! ```text
//! for each tile of C, in parallel:  for each block of 256 of the inner dimension:  C_tile += A_rows,block B_block,cols
//! ```
//!
//! The products of blocks are ndarray's, which packs both operands for the vector units. Everything above needs this one
//! function alone, so that a faster kernel takes a change here and nowhere else.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

use crate::linalg::scalar::Scalar;
use crate::storage::Context;

/// Terms of the inner dimension that are summed before they are added to the result.
pub(super) const BLOCK: usize = 256;

/// Rows and columns of a tile at most: operands are packed once for so many rows or columns.
const TALL: usize = 512;
const WIDE: usize = 1024;

/// Bytes that packed operands take for each thread, and that stay with the allocator in between.
const PACKED: u64 = 8 << 20;

/// Memory that [`gemm_into`] takes, as far as a tiny limit leaves room for it.
pub(super) fn packing_memory(ctx: &Context) -> u64 {
    (ctx.thread_count() as u64 * PACKED).min(ctx.memory_limit_bytes() / 8)
}

/// Adds `A B` to `C`. The inner dimension is cut at multiples of [`BLOCK`] from its start, so that a product in several
/// calls has the bits of one if all but the last have whole blocks.
pub(super) fn gemm_into<T: Scalar>(
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    c: ArrayViewMut2<'_, T>,
    ctx: &Context,
) {
    let (tall, wide) = tile(c.dim(), ctx.thread_count());
    let mut tiles = Vec::new();
    for (i, rows) in split(c, Axis(0), tall).into_iter().enumerate() {
        for (j, tile) in split(rows, Axis(1), wide).into_iter().enumerate() {
            tiles.push((i * tall, j * wide, tile));
        }
    }
    ctx.run(|| {
        tiles.into_par_iter().for_each(|(i, j, mut tile)| {
            let (rows, cols) = tile.dim();
            for start in (0..a.ncols()).step_by(BLOCK) {
                let here = start..a.ncols().min(start + BLOCK);
                let a = a.slice(s![i..i + rows, here.clone()]);
                let b = b.slice(s![here, j..j + cols]);
                general_mat_mul(T::one(), &a, &b, T::one(), &mut tile);
            }
        });
    });
}

/// Rows and columns of a tile: large ones, but some for every thread.
fn tile((m, n): (usize, usize), threads: usize) -> (usize, usize) {
    let (mut tall, mut wide) = (TALL, WIDE);
    while m.div_ceil(tall) * n.div_ceil(wide) < 4 * threads && (tall > 64 || wide > 64) {
        if wide >= tall { wide /= 2 } else { tall /= 2 }
    }
    (tall, wide)
}

/// Consecutive parts of at most `step` rows or columns.
fn split<T>(c: ArrayViewMut2<'_, T>, axis: Axis, step: usize) -> Vec<ArrayViewMut2<'_, T>> {
    let (mut parts, mut rest) = (Vec::new(), c);
    while rest.len_of(axis) > step {
        let part;
        (part, rest) = rest.split_at(axis, step);
        parts.push(part);
    }
    parts.push(rest);
    parts
}
