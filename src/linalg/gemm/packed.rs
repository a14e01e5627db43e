//! Products of matrices of real numbers from packed panels, tile by tile in vector registers.
//!
//! ```text
//! a panel:  some interleaved lines, element k of each, then element k + 1 of each, ...
//! a tile:   the 4 or 8 lines of one panel with the vectors of lines of another:  sum over k of a[k] b[k]
//! ```
//!
//! 1. All sums of a tile stay in registers for the whole inner dimension; each step loads one to three vectors and a
//!    number for each line of the other panel. Reads are in memory order.
//! 2. A tile's part of the result is prefetched before its product is computed, which takes longer than the fetch: 103
//!    Gflop/s of `f64` on two threads against 94.
//! 3. Sums are fused multiplications and additions in the order of `k`, so a number of the result depends neither on
//!    its tile nor on the width of the processor's vectors.
//!
//! Types without a kernel on this processor, including complex numbers, use ndarray's product of the panels.

use ndarray::{ArrayView2, Axis};

use crate::linalg::algebra::Scalar;
use crate::linalg::kernels::processor;
use crate::storage::prefetch_lines;

/// Lines that are transposed in registers at a time, and elements of each.
const BLOCK: usize = 8;

/// The widths of a left and of a right panel, if there is a kernel for this type on this processor. The right one is a
/// multiple of the left one and of 64 bytes.
#[inline(always)]
pub(crate) fn panel_widths<T: Scalar>() -> Option<(usize, usize)> {
    processor::tile_lines::<T>()
}

/// Packs at most `width` lines, with zeros for missing ones.
pub(crate) fn pack<T: Scalar>(lines: ArrayView2<'_, T>, width: usize, to: &mut [T]) {
    let count = lines.nrows().min(width);
    if count < width {
        to.fill(T::zero());
    }
    if lines.strides()[0] == 1 {
        for (run, to) in lines.axis_iter(Axis(1)).zip(to.chunks_exact_mut(width)) {
            match run.to_slice() {
                Some(run) => to[..count].copy_from_slice(&run[..count]),
                None => to.iter_mut().zip(run).for_each(|(to, &x)| *to = x),
            }
        }
        return;
    }
    let slices: Option<Vec<&[T]>> = lines.axis_iter(Axis(0)).map(|line| line.to_slice()).collect();
    match slices {
        Some(slices) => pack_lines(&slices, width, to),
        None => lines.axis_iter(Axis(0)).take(width).enumerate().for_each(|(l, line)| {
            line.iter().zip(to[l..].iter_mut().step_by(width)).for_each(|(&x, to)| *to = x);
        }),
    }
}

/// Packs at most `width` contiguous lines, and zeros.
pub(crate) fn pack_lines<T: Scalar>(lines: &[&[T]], width: usize, to: &mut [T]) {
    let lines = &lines[..lines.len().min(width)];
    if lines.len() < width {
        to.fill(T::zero());
    }
    let (blocks, rest) = lines.as_chunks::<BLOCK>();
    for (block, lines) in blocks.iter().enumerate() {
        processor::widest(
            #[inline(always)]
            || interleave(*lines, width, &mut to[block * BLOCK..]),
        );
    }
    let mut done = blocks.len() * BLOCK;
    let rest = match rest.split_first_chunk::<{ BLOCK / 2 }>() {
        Some((half, rest)) => {
            processor::widest(
                #[inline(always)]
                || interleave(*half, width, &mut to[done..]),
            );
            done += BLOCK / 2;
            rest
        }
        None => rest,
    };
    for (l, line) in (done..).zip(rest) {
        line.iter().zip(to[l..].iter_mut().step_by(width)).for_each(|(&x, to)| *to = x);
    }
}

/// Stores element `k` of every line at `to[k * width..]`, some elements at a time in registers.
#[inline(always)]
fn interleave<T: Copy, const LINES: usize>(lines: [&[T]; LINES], width: usize, to: &mut [T]) {
    let length = lines.iter().map(|line| line.len()).min().unwrap_or(0);
    let whole = length / BLOCK * BLOCK;
    for (k, to) in (0..whole).step_by(BLOCK).zip(to.chunks_mut(BLOCK * width)) {
        let block: [&[T; BLOCK]; LINES] =
            lines.map(|line| line[k..].first_chunk().expect("whole blocks of every line"));
        let block: [[T; BLOCK]; LINES] = block.map(|elements| *elements);
        for (k, to) in to.chunks_mut(width).enumerate() {
            let to: &mut [T; LINES] = to.first_chunk_mut().expect("space for all lines");
            for l in 0..LINES {
                to[l] = block[l][k];
            }
        }
    }
    for (k, to) in (whole..length).zip(to.chunks_mut(width).skip(whole)) {
        to.iter_mut().zip(lines).for_each(|(to, line)| *to = line[k]);
    }
}

/// The left panel of the lines of a right one from `first`, a multiple of the left width.
pub(crate) fn take_left<T: Scalar>(panel: &[T], first: usize, to: &mut [T]) {
    match panel_widths::<T>() {
        Some((4, width)) => take::<T, 4>(panel, width, first, to),
        Some((8, width)) => take::<T, 8>(panel, width, first, to),
        other => debug_assert!(other.is_none(), "a width that is not known here: {other:?}"),
    }
}

fn take<T: Copy, const LINES: usize>(panel: &[T], width: usize, first: usize, to: &mut [T]) {
    for (to, from) in to.as_chunks_mut::<LINES>().0.iter_mut().zip(panel.chunks_exact(width)) {
        *to = *from[first..].first_chunk().expect("left panels fill a right one");
    }
}

/// `out = A Bᵀ` of a left panel `a` with the lines from `from` to `to` of a right one, in whole vectors. Rows of `out`
/// have the width of the right panel; the rest of each row is unchanged.
#[inline(always)]
pub(crate) fn multiply_packed<T: Scalar>(
    a: &[T],
    b: &[T],
    (from, to): (usize, usize),
    out: &mut [T],
) {
    let lanes = 64 / size_of::<T>();
    if from < to {
        processor::multiply_tile(a, b, (from / lanes, to.div_ceil(lanes)), out);
    }
}

/// Adds `A Bᵀ` to some rows of the result, from left panels of `A` and right ones of `B` with `depth` elements of every
/// line.
pub(crate) fn add_product<T: Scalar>(rows: &mut [&mut [T]], depth: usize, left: &[T], right: &[T]) {
    let Some((height, width)) = panel_widths::<T>() else { return };
    let mut product = vec![T::zero(); height * width];
    for (panel, right) in right.chunks_exact((depth * width).max(1)).enumerate() {
        for (rows, left) in rows.chunks_mut(height).zip(left.chunks_exact((depth * height).max(1)))
        {
            let length = rows.first().map_or(0, |row| row.len());
            let columns = (panel * width).min(length)..((panel + 1) * width).min(length);
            for row in rows.iter() {
                prefetch_lines(row, columns.start, columns.len());
            }
            multiply_packed(left, right, (0, columns.len()), &mut product);
            for (row, product) in rows.iter_mut().zip(product.chunks_exact(width)) {
                row[columns.clone()].iter_mut().zip(product).for_each(|(c, &term)| *c += term);
            }
        }
    }
}
