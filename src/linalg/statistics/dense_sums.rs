//! Sums of the rows or columns of a dense matrix, at the speed of memory.
//!
//! ```text
//! along a line:    runs of 16,384 numbers summed in pairs, the runs sequentially
//! across lines:    blocks of lines, each added to the sums of its block
//!                  blocks are added in order, with their rounding errors
//! ```
//!
//! Where lines are short, threads divide the blocks of a panel. Where they are long, threads divide the columns, and a
//! block may extend over several panels. Blocks and runs depend only on the shape: the same bits for any number of
//! threads, panels and places.

use crate::dense::{AnyDense, Dense, DensePanel, DensePanels};
use crate::error::{Error, Result};
use crate::linalg::algebra::{
    Coding, Factor, SUM_RUN as RUN, Values, f32s, f64s, sum_run, two_sum,
};
use crate::linalg::kernels::processor;
use crate::linalg::statistics::dense::stats;
use crate::linalg::statistics::moments::block_height;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, DType, Element, Order, work};

/// Maximum lines in a block.
const BLOCK: usize = 128;

/// Columns whose sums stay in the first-level cache.
const BAND: usize = 1024;

/// Length of lines from which on threads divide columns instead of lines.
const LONG: usize = 8 * BAND;

/// Lines that are read side by side while the sums of a band stay in registers.
const TOGETHER: usize = 4;

impl<T: Element + Factor<f64>> Dense<T> {
    /// The sum of every column (axis 0) or of every row (axis 1), as NumPy's `sum(axis)`, computed in `f64`; integers
    /// of 64 bits are summed exactly, and each sum is rounded once.
    ///
    /// Cost: one pass over the matrix, at the speed of memory. Memory: two numbers per sum, and panels of a file larger
    /// than the limit.
    ///
    /// ```
    /// use outcore::{Context, Dense};
    /// let a = Dense::from(ndarray::arr2(&[[1.0f32, 2.0], [3.0, 4.0]]));
    /// assert_eq!(a.sum_axis(0, &Context::new())?, [4.0, 6.0]);
    /// assert_eq!(a.sum_axis(1, &Context::new())?, [3.0, 7.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn sum_axis(&self, axis: usize, ctx: &Context) -> Result<Vec<f64>> {
        sum_axis(&self.to_any(), axis, ctx)
    }
}

/// The sums of columns or rows of a matrix of real numbers or `bool`.
pub(crate) fn sum_axis(a: &AnyDense, axis: usize, ctx: &Context) -> Result<Vec<f64>> {
    let dtype = Some(a.dtype());
    match a.dtype() {
        DType::Int64 | DType::UInt64 => Ok(stats(a, axis, ctx)?.sums()),
        DType::Int32 | DType::UInt32 | DType::Float64 => sums_of::<f64>(a, f64s(dtype)?, axis, ctx),
        _ => sums_of::<f32>(a, f32s(dtype)?, axis, ctx),
    }
}

fn sums_of<V: Element + Factor<f64>>(
    a: &AnyDense,
    decode: Coding<V>,
    axis: usize,
    ctx: &Context,
) -> Result<Vec<f64>> {
    if axis > 1 {
        return Err(Error::shape("the axis", "0 or 1", axis));
    }
    let ((nrows, ncols), length) = (a.dim(), a.lines().1);
    let len = if axis == 0 { ncols } else { nrows };
    let is_along = (axis == 1) == (a.order() == Order::C);
    let height = if length < LONG { block_height(length).min(BLOCK) } else { BLOCK };
    let of_lines = if length < LONG { (height, 1) } else { (1, BAND) };
    let kept = if is_along { 1 } else { 3 };
    let bytes = (len as u64).saturating_mul(kept * size_of::<f64>() as u64);
    ctx.check_memory("the sums", bytes)?;
    let budget = ctx.memory_left().saturating_sub(bytes);
    let mut panels = DensePanels::once(a, if is_along { (1, RUN) } else { of_lines }, budget)?;
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan("sums").throughout(bytes);
        Ok(plan.works(a.len() as u64, work::SUM_AXIS))
    })?;
    let _held = ctx.hold(bytes);
    let mut sums = ctx.filled("the sums", len, 0.0)?;
    let across_len = if is_along { 0 } else { len };
    let mut lost = ctx.filled("the sums", across_len, 0.0)?;
    let mut block = ctx.filled("the sums", across_len, 0.0)?;
    panels.sweep(ctx, &mut |DensePanel { first, lines, offset, elements }| {
        if elements.len() == 0 {
            return Ok(());
        }
        let values = Values::new(elements, decode);
        let here = offset..offset + elements.len() / lines;
        ctx.with_threads(|| match (is_along, length < LONG) {
            (true, _) => along(&mut sums[first..first + lines], values),
            (false, true) => across_short((&mut sums, &mut lost), values, height),
            (false, false) => {
                let (block, sums, lost) =
                    (&mut block[here.clone()], &mut sums[here.clone()], &mut lost[here]);
                across_long((block, sums, lost), values, first);
            }
        });
        Ok(())
    })?;
    merge(&mut block, &mut sums, &mut lost);
    sums.iter_mut().zip(&lost).for_each(|(sum, &lost)| *sum += lost);
    Ok(sums)
}

/// Adds to the sum of every line; a single one may be part of a line that begins at a multiple of a run.
fn along<V: Element + Factor<f64>>(sums: &mut [f64], values: Values<'_, V>) {
    let length = values.len() / sums.len();
    let number = |x: V| x.times(1.0);
    if let [sum] = sums {
        let runs = (0..length.div_ceil(RUN)).into_par_iter();
        let runs: Vec<f64> = runs
            .map(|run| {
                let mut buffer = Vec::new();
                let numbers = values.of(run * RUN..length.min((run + 1) * RUN), &mut buffer);
                processor::widest(|| sum_run(numbers, number))
            })
            .collect();
        *sum = runs.into_iter().fold(*sum, |sum, run| sum + run);
        return;
    }
    let few = (RUN / length.max(1)).max(1);
    let lines = sums.par_iter_mut().enumerate().with_min_len(few);
    lines.for_each_init(Vec::new, |buffer, (line, sum)| {
        let numbers = values.of(line * length..(line + 1) * length, buffer);
        let add = |sum, run| sum + processor::widest(|| sum_run(run, number));
        *sum = numbers.chunks(RUN).fold(*sum, add);
    });
}

/// Adds blocks of short lines to the sums of their columns.
fn across_short<V: Element + Factor<f64>>(
    (sums, lost): (&mut [f64], &mut [f64]),
    values: Values<'_, V>,
    height: usize,
) {
    let length = sums.len();
    let step = height * length;
    let mut blocks = vec![0.0; values.len().div_ceil(step) * length];
    let tasks = blocks.par_chunks_mut(length).enumerate();
    tasks.for_each_init(Vec::new, |buffer, (k, block)| {
        let lines = values.of(k * step..values.len().min((k + 1) * step), buffer);
        processor::widest(|| {
            let mut together = lines.chunks_exact(TOGETHER * length);
            for lines in &mut together {
                add_together(block, |k| &lines[k * length..]);
            }
            together.remainder().chunks_exact(length).for_each(|line| add_line(block, line));
        });
    });
    blocks.chunks_exact_mut(length).for_each(|block| merge(block, sums, lost));
}

/// Adds long lines, or a part of one, to the sums of their columns; `first` is the number of the first line.
fn across_long<V: Element + Factor<f64>>(
    (block, sums, lost): (&mut [f64], &mut [f64], &mut [f64]),
    values: Values<'_, V>,
    first: usize,
) {
    let length = sums.len();
    let lines = values.len() / length;
    let bands = block.par_chunks_mut(BAND).zip(sums.par_chunks_mut(BAND));
    let bands = bands.zip(lost.par_chunks_mut(BAND)).enumerate();
    bands.for_each_init(Default::default, |buffers: &mut [Vec<V>; TOGETHER], (band, sums)| {
        let ((block, sums), lost) = sums;
        let mut at = 0;
        while at < lines {
            let of_block = BLOCK - (first + at) % BLOCK;
            let count = if of_block.min(lines - at) >= TOGETHER { TOGETHER } else { 1 };
            let mut numbers = [&[][..]; TOGETHER];
            for (k, (numbers, buffer)) in
                numbers.iter_mut().zip(&mut *buffers).enumerate().take(count)
            {
                let start = (at + k) * length + band * BAND;
                *numbers = values.of(start..start + block.len(), buffer);
            }
            processor::widest(|| match count {
                TOGETHER => add_together(block, |k| numbers[k]),
                _ => add_line(block, numbers[0]),
            });
            at += count;
            if (first + at).is_multiple_of(BLOCK) {
                merge(block, sums, lost);
            }
        }
    });
}

/// Adds four lines, one after the other, to the sums of their columns.
#[inline(always)]
fn add_together<'a, V: Element + Factor<f64>>(sums: &mut [f64], line: impl Fn(usize) -> &'a [V]) {
    let line = |k| &line(k)[..sums.len()];
    let (a, b, c, d) = (line(0), line(1), line(2), line(3));
    for (j, sum) in sums.iter_mut().enumerate() {
        let first = *sum + a[j].times(1.0) + b[j].times(1.0);
        *sum = first + c[j].times(1.0) + d[j].times(1.0);
    }
}

/// Adds a line to the sums of its columns.
#[inline(always)]
fn add_line<V: Element + Factor<f64>>(sums: &mut [f64], line: &[V]) {
    sums.iter_mut().zip(line).for_each(|(sum, &x)| *sum += x.times(1.0));
}

/// Adds the sums of a block, keeps the rounding error, and starts the next block.
fn merge(block: &mut [f64], sums: &mut [f64], lost: &mut [f64]) {
    for ((sum, lost), more) in sums.iter_mut().zip(lost).zip(block) {
        let (total, less) = two_sum(*sum, std::mem::take(more));
        // A sum that is not finite has no rounding error.
        (*sum, *lost) = (total, if less.is_finite() { *lost + less } else { *lost });
    }
}
