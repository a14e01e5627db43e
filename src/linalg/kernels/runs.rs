//! Gather over runs: consecutive lines whose entries are at the same offsets from the line number.
//!
//! ```text
//! for each run, for 8 lines i..i+8 of it at a time:
//!     sums = 0                                   8 numbers in a vector
//!     for each offset d of the run:  sums += values[d] * x[i+d .. i+d+8]
//!     y[i..i+8] = sums
//! ```
//!
//! 1. No index is read: lines of a grid or a band differ only by their number, and 8 of them are one vector.
//! 2. Values are stored 8 lines at a time, offset by offset, so that they are one stream; if the lines of a run also
//!    have the same values, only one line of values is stored.
//! 3. Each line is summed in the shape of `gather.rs`, sequentially below 16 entries and in 8 interleaved sums from
//!    there on, so that the bits are those of the plain product.
//! 4. Compiled once for the vector units found at run time, in plain loops over arrays of 8.

use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::gather::prefetch_row;
use crate::linalg::kernels::panel::OutOfRange;
use crate::linalg::kernels::processor;
use crate::linalg::kernels::update::{Conjugation, SumShape, Update};
use crate::storage::raw::{Carrier, Raw, RawMut, by_width, pair};

/// Lines processed together.
pub(crate) const SIDE: usize = 8;

/// Interleaved partial sums of a long line, as in `gather.rs`.
const STEP: usize = 8;

/// Lines that are processed together with several vectors.
const FOUR: usize = 4;

/// Lines by which rows of X are prefetched ahead.
const AHEAD: usize = 8;

/// Consecutive lines with entries at the same offsets.
#[derive(Clone, Copy)]
pub(crate) struct OffsetRun<'a, T> {
    /// The number of the first line.
    pub(crate) first: usize,
    pub(crate) lines: usize,
    /// Column minus line, rising.
    pub(crate) offsets: &'a [i64],
    pub(crate) values: RunValues<'a, T>,
}

impl<T> OffsetRun<'_, T> {
    /// Entries of a line that are added in interleaved sums: none, or all but a tail.
    fn long(&self, sums: SumShape) -> usize {
        match self.offsets.len() {
            width if width < 2 * STEP || sums == SumShape::InOrder => 0,
            width => width / STEP * STEP,
        }
    }
}

/// The values of a run.
#[derive(Clone, Copy)]
pub(crate) enum RunValues<'a, T> {
    /// Eight lines at a time, offset by offset; the last lines, if fewer, are packed as densely.
    Each(&'a [T]),
    /// One per offset: all lines have the same.
    Same(&'a [T]),
}

/// `y = A x` or `y += A x` for the lines of some runs, where `y` has only their outputs.
pub(crate) fn gather_runs<'a, T: Factor<X>, X: Scalar>(
    runs: impl Iterator<Item = OffsetRun<'a, T>>,
    sums: SumShape,
    entries: Conjugation,
    update: Update,
    x: &[X],
    mut y: &mut [X],
) -> Result<(), OutOfRange> {
    processor::widest(
        #[inline(always)]
        || {
            for run in runs {
                let (lines, rest) =
                    std::mem::take(&mut y).split_at_mut_checked(run.lines).ok_or(OutOfRange)?;
                y = rest;
                gather_run((run, run.long(sums)), entries, update, x, lines)?;
            }
            Ok(())
        },
    )
}

#[inline(always)]
fn gather_run<T: Factor<X>, X: Scalar>(
    (run, long): (OffsetRun<'_, T>, usize),
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
) -> Result<(), OutOfRange> {
    let width = run.offsets.len();
    let (offsets, tail) = run.offsets.split_at(long);
    let offsets = (offsets.as_chunks::<STEP>().0, tail);
    for (block, y) in y.chunks_mut(SIDE).enumerate() {
        let line = (run.first + block * SIDE) as i64;
        let start = block * SIDE * width;
        match <&mut [X; SIDE]>::try_from(&mut *y) {
            Ok(y) => {
                let sums = match run.values {
                    RunValues::Each(values) => {
                        let values = values.get(start..start + SIDE * width).ok_or(OutOfRange)?;
                        let (values, _) = values.as_chunks::<SIDE>();
                        side_by_side(offsets, values, |values| *values, line, x, entries)?
                    }
                    RunValues::Same(values) => {
                        side_by_side(offsets, values, |value| [*value; SIDE], line, x, entries)?
                    }
                };
                update.apply_all(sums, y);
            }
            Err(_) => {
                let lines = y.len();
                for (lane, y) in y.iter_mut().enumerate() {
                    let value = |k: usize| match run.values {
                        RunValues::Each(values) => values.get(start + k * lines + lane).copied(),
                        RunValues::Same(values) => values.get(k).copied(),
                    };
                    let offsets = (run.offsets, long);
                    update.apply(alone(offsets, line + lane as i64, x, value, entries)?, y);
                }
            }
        }
    }
    Ok(())
}

/// The sums of eight lines, each with one element of `values` for every offset.
#[inline(always)]
fn side_by_side<V, T: Factor<X>, X: Scalar>(
    (blocks, tail): (&[[i64; STEP]], &[i64]),
    values: &[V],
    spread: impl Fn(&V) -> [T; SIDE],
    line: i64,
    x: &[X],
    entries: Conjugation,
) -> Result<[X; SIDE], OutOfRange> {
    let add = |sums: &mut [X; SIDE], offset: i64, value: &V| {
        let start = (line + offset) as usize;
        let x = x.get(start..).and_then(|x| x.first_chunk::<SIDE>()).ok_or(OutOfRange)?;
        entries.add_times(sums, &spread(value), x);
        Ok(())
    };
    let long = blocks.len() * STEP;
    let values = values.get(..long + tail.len()).ok_or(OutOfRange)?;
    let mut sums = [X::zero(); SIDE];
    if long > 0 {
        // Named variables instead of an array: eight times eight sums stay in registers.
        let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5, mut s6, mut s7] = [sums; STEP];
        for (offsets, values) in blocks.iter().zip(values.as_chunks::<STEP>().0) {
            add(&mut s0, offsets[0], &values[0])?;
            add(&mut s1, offsets[1], &values[1])?;
            add(&mut s2, offsets[2], &values[2])?;
            add(&mut s3, offsets[3], &values[3])?;
            add(&mut s4, offsets[4], &values[4])?;
            add(&mut s5, offsets[5], &values[5])?;
            add(&mut s6, offsets[6], &values[6])?;
            add(&mut s7, offsets[7], &values[7])?;
        }
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum = ((s0[lane] + s1[lane]) + (s2[lane] + s3[lane]))
                + ((s4[lane] + s5[lane]) + (s6[lane] + s7[lane]));
        }
    }
    for (&offset, value) in tail.iter().zip(&values[long..]) {
        add(&mut sums, offset, value)?;
    }
    Ok(sums)
}

/// The sum of one line.
#[inline(always)]
fn alone<T: Factor<X>, X: Scalar>(
    (offsets, long): (&[i64], usize),
    line: i64,
    x: &[X],
    value: impl Fn(usize) -> Option<T>,
    entries: Conjugation,
) -> Result<X, OutOfRange> {
    let term = |k: usize| {
        let x = *x.get((line + offsets[k]) as usize).ok_or(OutOfRange)?;
        Ok(entries.times(value(k).ok_or(OutOfRange)?, x))
    };
    let mut sum = X::zero();
    if long > 0 {
        let mut steps = [X::zero(); STEP];
        for k in 0..long {
            steps[k % STEP] += term(k)?;
        }
        let [a0, a1, a2, a3, a4, a5, a6, a7] = steps;
        sum = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7));
    }
    for k in long..offsets.len() {
        sum += term(k)?;
    }
    Ok(sum)
}

/// `Y = A X` or `Y += A X` for `k` vectors at once, each column summed sequentially, as in `gather.rs`.
pub(crate) fn gather_runs_block<'a, T: Factor<X>, X: Scalar>(
    runs: impl Iterator<Item = OffsetRun<'a, T>>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    mut y: &mut [X],
    k: usize,
) -> Result<(), OutOfRange> {
    processor::widest(
        #[inline(always)]
        || {
            for run in runs {
                let (lines, rest) =
                    std::mem::take(&mut y).split_at_mut_checked(run.lines * k).ok_or(OutOfRange)?;
                y = rest;
                for (four, y) in lines.chunks_mut(FOUR * k).enumerate() {
                    let line = four * FOUR;
                    if let Some(offset) = run.offsets.last() {
                        let next = (run.first + line + AHEAD) as i64 + offset;
                        (next..next + FOUR as i64).for_each(|row| prefetch_row(x, row as usize, k));
                    }
                    match (k, y.len() / k) {
                        (2, FOUR) => four_lines::<2, T, X>((run, line, x), entries, update, y)?,
                        (4, FOUR) => four_lines::<4, T, X>((run, line, x), entries, update, y)?,
                        (8, FOUR) => four_lines::<8, T, X>((run, line, x), entries, update, y)?,
                        _ => {
                            for (line, y) in (line..).zip(y.chunks_exact_mut(k)) {
                                one_line((run, line, x), entries, update, y)?;
                            }
                        }
                    }
                }
            }
            Ok(())
        },
    )
}

/// Four lines of `K` columns, whose sums stay in registers: each offset is looked up once for all of them (Poisson 200³
/// with 8 columns 0.050 s, line by line 0.065).
#[inline(always)]
fn four_lines<const K: usize, T: Factor<X>, X: Scalar>(
    (run, line, x): (OffsetRun<'_, T>, usize, &[X]),
    entries: Conjugation,
    update: Update,
    y: &mut [X],
) -> Result<(), OutOfRange> {
    let [mut s0, mut s1, mut s2, mut s3] = [[X::zero(); K]; FOUR];
    let block = line / SIDE * SIDE;
    let side = SIDE.min(run.lines - block);
    let first = block * run.offsets.len() + line - block;
    for (d, offset) in run.offsets.iter().enumerate() {
        let [v0, v1, v2, v3]: [T; FOUR] = match run.values {
            RunValues::Each(values) => {
                *values.get(first + d * side..).and_then(|v| v.first_chunk()).ok_or(OutOfRange)?
            }
            RunValues::Same(values) => [*values.get(d).ok_or(OutOfRange)?; FOUR],
        };
        let start = (((run.first + line) as i64 + offset) as usize).wrapping_mul(K);
        let x = x.get(start..).and_then(|x| x.as_chunks::<K>().0.first_chunk::<FOUR>());
        let [x0, x1, x2, x3] = x.ok_or(OutOfRange)?;
        entries.add_times(&mut s0, &[v0; K], x0);
        entries.add_times(&mut s1, &[v1; K], x1);
        entries.add_times(&mut s2, &[v2; K], x2);
        entries.add_times(&mut s3, &[v3; K], x3);
    }
    let y: &mut [[X; K]; FOUR] = y.as_chunks_mut().0.first_chunk_mut().ok_or(OutOfRange)?;
    for (sums, y) in [s0, s1, s2, s3].into_iter().zip(y) {
        update.apply_all(sums, y);
    }
    Ok(())
}

/// One line, some columns at a time.
#[inline(always)]
fn one_line<T: Factor<X>, X: Scalar>(
    (run, line, x): (OffsetRun<'_, T>, usize, &[X]),
    entries: Conjugation,
    update: Update,
    y: &mut [X],
) -> Result<(), OutOfRange> {
    let (mut column, k) = (0, y.len());
    while column < k {
        let tile = (run, line, x, column);
        column += match k - column {
            16.. => tile_of::<16, T, X>(tile, entries, update, y)?,
            8.. => tile_of::<8, T, X>(tile, entries, update, y)?,
            4.. => tile_of::<4, T, X>(tile, entries, update, y)?,
            2.. => tile_of::<2, T, X>(tile, entries, update, y)?,
            _ => tile_of::<1, T, X>(tile, entries, update, y)?,
        };
    }
    Ok(())
}

/// `WIDTH` neighbouring columns of one line; returns `WIDTH`.
#[inline(always)]
fn tile_of<const WIDTH: usize, T: Factor<X>, X: Scalar>(
    (run, line, x, column): (OffsetRun<'_, T>, usize, &[X], usize),
    entries: Conjugation,
    update: Update,
    y: &mut [X],
) -> Result<usize, OutOfRange> {
    let k = y.len();
    let mut sums = [X::zero(); WIDTH];
    let block = line / SIDE * SIDE;
    let side = SIDE.min(run.lines - block);
    for (d, offset) in run.offsets.iter().enumerate() {
        let value = *match run.values {
            RunValues::Each(values) => {
                values.get(block * run.offsets.len() + d * side + line - block).ok_or(OutOfRange)?
            }
            RunValues::Same(values) => values.get(d).ok_or(OutOfRange)?,
        };
        let start = ((run.first + line) as i64 + offset) as usize * k + column;
        let x = x.get(start..).and_then(|x| x.first_chunk::<WIDTH>()).ok_or(OutOfRange)?;
        entries.add_times(&mut sums, &[value; WIDTH], x);
    }
    let y = y.get_mut(column..).and_then(|y| y.first_chunk_mut()).ok_or(OutOfRange)?;
    update.apply_all(sums, y);
    Ok(WIDTH)
}

/// Writes the values of lines of equal length in the layout of a run: `values` line by line, `to` eight lines at a
/// time.
pub(crate) fn interleave(values: Raw<'_>, width: usize, to: RawMut<'_>) {
    if width == 0 {
        return;
    }
    by_width!(values.width(), W => {
        let (to, values) = pair::<W>(to, values);
        interleave_carriers(values, width, to);
    });
}

fn interleave_carriers<const W: usize>(values: &[Carrier<W>], width: usize, to: &mut [Carrier<W>]) {
    let side = SIDE * width;
    // Wide values are moved as fast one by one, and narrow ones are rare.
    let sides = if W == 4 || W == 8 { values.len() / side * side } else { 0 };
    let (sides, rest) = values.split_at(sides);
    let (whole, to) = to.split_at_mut(sides.len());
    match width {
        3 => interleave_sides::<W, 3>(sides, whole),
        5 => interleave_sides::<W, 5>(sides, whole),
        7 => interleave_sides::<W, 7>(sides, whole),
        9 => interleave_sides::<W, 9>(sides, whole),
        _ => {
            for (lines, to) in sides.chunks_exact(side).zip(whole.chunks_exact_mut(side)) {
                for (k, to) in to.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
                    *to = std::array::from_fn(|lane| lines[lane * width + k]);
                }
            }
        }
    }
    for (lines, to) in rest.chunks(side).zip(to.chunks_mut(side)) {
        let side = lines.len() / width;
        for (lane, line) in lines.chunks_exact(width).enumerate() {
            for (k, &value) in line.iter().enumerate() {
                to[k * side + lane] = value;
            }
        }
    }
}

/// Whole sides of the widths of grids, which are known to the compiler: 3.6 numbers a nanosecond, with any width 2.6, and
/// line by line 1.2. Values that are read in their own order are interleaved for every product.
fn interleave_sides<const W: usize, const WIDTH: usize>(
    values: &[Carrier<W>],
    to: &mut [Carrier<W>],
) {
    let values = values.as_chunks::<WIDTH>().0.as_chunks::<SIDE>().0;
    let to = to.as_chunks_mut::<SIDE>().0.as_chunks_mut::<WIDTH>().0;
    for (lines, to) in values.iter().zip(to) {
        for (k, to) in to.iter_mut().enumerate() {
            *to = std::array::from_fn(|lane| lines[lane][k]);
        }
    }
}
