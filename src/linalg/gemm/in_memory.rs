//! Products in memory: tiles of the result in parallel, the inner dimension in blocks.
//!
//! ```text
//! for each 2048 columns of C:  for each block of 256 of the inner dimension:
//!     pack B_block,cols, all threads together
//!     for each tile of C, in parallel:  pack A_rows,block  ->  C_tile += A_rows,block B_block,cols
//! ```
//!
//! The right panels, 4 MiB of `f64`, are read by all threads from their shared cache; the left ones of a task stay in
//! the cache of its core. Complex numbers, and processors for which there is no kernel, use ndarray's product, which
//! packs both operands for every tile.

use crate::linalg::algebra::Scalar;
use crate::linalg::gemm::packed::{add_product, pack, panel_widths};
use crate::storage::Context;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

/// Terms of the inner dimension that are summed before they are added to the result.
pub(super) const BLOCK: usize = 256;

/// Columns that are packed together.
const PACKED_COLUMNS: usize = 2048;

/// Maximum left panels of a task: half of the cache of a core.
const LEFT_PANELS: usize = 32;

/// Maximum rows and columns of a tile of ndarray's product: operands are packed once for this many rows or columns.
const TALL: usize = 512;
const WIDE: usize = 1024;

/// Bytes of packed operands per thread, which the allocator keeps in between.
const PACKED: u64 = 8 << 20;

/// Memory of [`gemm_into`], as far as a tiny limit allows it.
pub(super) fn packing_memory(ctx: &Context) -> u64 {
    (ctx.thread_count() as u64 * PACKED).min(ctx.memory_left() / 8)
}

/// Adds `A B` to `C`. The inner dimension is cut at multiples of [`BLOCK`] from its start, so that a product in several
/// calls has the bits of one if all but the last have whole blocks.
pub(super) fn gemm_into<T: Scalar>(
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    c: ArrayViewMut2<'_, T>,
    ctx: &Context,
) {
    let rows_are_contiguous = c.strides()[1] == 1 || c.ncols() <= 1;
    let Some(widths) = panel_widths::<T>().filter(|_| rows_are_contiguous) else {
        return in_tiles(a, b, c, ctx);
    };
    let mut packed = Vec::new();
    for (block, mut c) in split(c, Axis(1), PACKED_COLUMNS).into_iter().enumerate() {
        let first = block * PACKED_COLUMNS;
        let b = b.slice(s![.., first..first + c.ncols()]);
        for start in (0..a.ncols()).step_by(BLOCK) {
            let here = start..a.ncols().min(start + BLOCK);
            let (a, b) = (a.slice(s![.., here.clone()]), b.slice(s![here, ..]));
            ctx.with_threads(|| {
                pack_panels(b.t(), widths.1, true, &mut packed);
                add_block(a, &packed, c.view_mut(), widths, ctx);
            });
        }
    }
}

/// Packs all lines in panels of `width`, on all threads or on this one.
fn pack_panels<T: Scalar>(lines: ArrayView2<'_, T>, width: usize, parallel: bool, to: &mut Vec<T>) {
    let (count, depth) = lines.dim();
    to.resize(count.div_ceil(width) * width * depth, T::zero());
    let one = |panel: usize, to: &mut [T]| {
        let first = panel * width;
        pack(lines.slice(s![first..count.min(first + width), ..]), width, to);
    };
    match parallel {
        true => to.par_chunks_mut(width * depth).enumerate().for_each(|(k, to)| one(k, to)),
        false => to.chunks_mut(width * depth).enumerate().for_each(|(k, to)| one(k, to)),
    }
}

/// Adds the product with a packed block of the right matrix.
fn add_block<T: Scalar>(
    a: ArrayView2<'_, T>,
    packed: &[T],
    c: ArrayViewMut2<'_, T>,
    (height, width): (usize, usize),
    ctx: &Context,
) {
    let depth = a.ncols();
    let (tall, wide) = tile(c.dim(), (LEFT_PANELS * height, PACKED_COLUMNS), ctx.thread_count());
    let wide = wide.next_multiple_of(width);
    let tiles = tiles(c, (tall.next_multiple_of(height), wide));
    tiles.into_par_iter().for_each_init(Vec::new, |left, (i, j, mut tile)| {
        pack_panels(a.slice(s![i..i + tile.nrows(), ..]), height, false, left);
        let right = &packed[j * depth..][..tile.ncols().next_multiple_of(width) * depth];
        let rows = tile.axis_iter_mut(Axis(0));
        let mut rows: Vec<&mut [T]> = rows.filter_map(|row| row.into_slice()).collect();
        add_product(&mut rows, depth, left, right);
    });
}

/// The product by ndarray, tile by tile.
fn in_tiles<T: Scalar>(
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    c: ArrayViewMut2<'_, T>,
    ctx: &Context,
) {
    let largest = tile(c.dim(), (TALL, WIDE), ctx.thread_count());
    let tiles = tiles(c, largest);
    ctx.with_threads(|| {
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

/// Parts of at most this many rows and columns, and the first row and column of each.
fn tiles<T>(
    c: ArrayViewMut2<'_, T>,
    (tall, wide): (usize, usize),
) -> Vec<(usize, usize, ArrayViewMut2<'_, T>)> {
    let mut tiles = Vec::new();
    for (i, rows) in split(c, Axis(0), tall).into_iter().enumerate() {
        for (j, tile) in split(rows, Axis(1), wide).into_iter().enumerate() {
            tiles.push((i * tall, j * wide, tile));
        }
    }
    tiles
}

/// Rows and columns of a tile: large, but with some tiles for every thread.
fn tile(
    (m, n): (usize, usize),
    (mut tall, mut wide): (usize, usize),
    threads: usize,
) -> (usize, usize) {
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
