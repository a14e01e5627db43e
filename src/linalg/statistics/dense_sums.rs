//! Sums of the rows or columns of a dense matrix, at the speed of memory.
//!
//! ```text
//! along a line:    runs of 16,384 numbers summed in pairs, the runs sequentially
//! across lines:    blocks of lines, each added to the sums of its block
//!                  blocks are added in order, with their rounding errors
//! ```
//!
//! Where lines are short, threads divide the blocks of a panel. Where they are long, threads divide the columns, a band
//! at a time, whose sums stay in the first-level cache: bands of the whole matrix, or, of a file in which the parts of a
//! band would be too small to be read separately, of a panel of lines, so that a block may extend over several panels.
//! Blocks and runs depend only on the shape: the same bits for any number of threads, panels, bands and places.

use std::array;
use std::ops::Range;

use crate::dense::{
    AnyDense, Dense, DensePanel, DensePanels, RESIDENT, band_width, bands_of_width,
};
use crate::error::{Error, Result};
use crate::linalg::algebra::{
    Coding, Factor, SUM_RUN as RUN, Values, f32s, f64s, sum_run, two_sum,
};
use crate::linalg::kernels::processor;
use crate::linalg::statistics::dense::stats;
use crate::linalg::statistics::moments::block_height;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::Raw;
use crate::storage::{ArrayPanels, Context, DType, Element, Order, prefetch_ahead, work};

/// Maximum lines in a block.
const BLOCK: usize = 128;

/// Columns whose sums stay in the first-level cache.
const BAND: usize = 1024;

/// Length of lines from which on threads divide columns instead of lines.
const LONG: usize = 8192;

/// Fewest elements of a line in a band of a matrix in memory.
const LEAST_RESIDENT: usize = 64 * BAND;

/// Fewest bytes of a line that are read separately.
const SEPARATE: usize = 64 << 10;

/// Lines that are read side by side while the sums of a band stay in registers, and numbers of each at a time.
const TOGETHER: usize = 4;
const STEP: usize = 16;

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
    let is_long = length >= LONG;
    let height = if is_long { BLOCK } else { block_height(length).min(BLOCK) };
    let bytes = (len as u64).saturating_mul(size_of::<f64>() as u64);
    ctx.check_memory("the sums", bytes)?;
    let budget = ctx.memory_left().saturating_sub(bytes);
    if !is_along
        && is_long
        && let Some(width) = width_of_bands(a, budget)
    {
        return sums_by_bands(a, decode, bands_of_width(a, width, budget)?, ctx);
    }
    let bytes = bytes.saturating_mul(if is_along { 1 } else { 3 });
    ctx.check_memory("the sums", bytes)?;
    let budget = ctx.memory_left().saturating_sub(bytes);
    let steps = match (is_along, is_long) {
        (true, _) => (1, RUN),
        (false, true) => (1, BAND),
        (false, false) => (height, 1),
    };
    let mut panels = DensePanels::once(a, steps, budget)?;
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
        ctx.with_threads(|| match (is_along, is_long) {
            (true, _) => along(&mut sums[first..first + lines], values),
            (false, false) => across_short((&mut sums, &mut lost), values, height),
            (false, true) => {
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

/// Elements of every line in a band of long lines; `None` if panels of lines are read faster.
fn width_of_bands(a: &AnyDense, budget: u64) -> Option<usize> {
    if a.stored_bytes() <= budget {
        return Some((RESIDENT / a.lines().0.max(1)).max(LEAST_RESIDENT));
    }
    let width = band_width(a.dtype(), a.lines().0, budget / 8) / BAND * BAND;
    (width * a.dtype().size() >= SEPARATE).then_some(width)
}

/// Sums across lines that are as long as the sums are many, band by band.
fn sums_by_bands<V: Element + Factor<f64>>(
    a: &AnyDense,
    decode: Coding<V>,
    mut bands: ArrayPanels,
    ctx: &Context,
) -> Result<Vec<f64>> {
    let len = a.lines().1;
    let bytes = size_of::<f64>() as u64 * len as u64;
    let _running = ctx.begin(|| {
        let plan = bands.plan("sums").throughout(bytes);
        Ok(plan.works(a.len() as u64, work::SUM_AXIS))
    })?;
    let _held = ctx.hold(bytes);
    let mut sums = ctx.filled("the sums", len, 0.0)?;
    let mut rest = &mut sums[..];
    bands.sweep(ctx, &mut |_, lines| {
        let here = rest.split_off_mut(..lines.first().map_or(0, Raw::len));
        let lines: Vec<_> = lines.iter().map(|&line| Values::new(line, decode)).collect();
        ctx.with_threads(|| across_band(here.expect("bands divide the lines"), &lines));
        Ok(())
    })?;
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
                processor::widest(
                    #[inline(always)]
                    || sum_run(numbers, number),
                )
            })
            .collect();
        *sum = runs.into_iter().fold(*sum, |sum, run| sum + run);
        return;
    }
    let few = (RUN / length.max(1)).max(1);
    let tasks = sums.par_chunks_mut(few).enumerate();
    tasks.for_each_init(Vec::new, |buffer, (task, sums)| {
        let start = task * few * length;
        let lines = values.of(start..start + sums.len() * length, buffer);
        processor::widest(
            #[inline(always)]
            || {
                for (sum, line) in sums.iter_mut().zip(lines.chunks_exact(length)) {
                    *sum = line.chunks(RUN).fold(*sum, |sum, run| sum + sum_run(run, number));
                }
            },
        );
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
        processor::widest(
            #[inline(always)]
            || {
                let mut together = lines.chunks_exact(TOGETHER * length);
                for lines in &mut together {
                    add_together(block, |k| &lines[k * length..]);
                }
                together.remainder().chunks_exact(length).for_each(|line| add_line(block, line));
            },
        );
    });
    blocks.chunks_exact_mut(length).for_each(|block| merge(block, sums, lost));
}

/// The sums of columns over parts of all lines.
fn across_band<V: Element + Factor<f64>>(sums: &mut [f64], lines: &[Values<'_, V>]) {
    let bands = sums.par_chunks_mut(BAND).enumerate();
    bands.for_each_init(Default::default, |buffers: &mut LineBuffers<V>, (band, sums)| {
        let (mut block, mut lost) = ([0.0; BAND], [0.0; BAND]);
        let (block, lost) = (&mut block[..sums.len()], &mut lost[..sums.len()]);
        let line = |line: usize| (lines[line], band * BAND);
        add_lines((block, sums, lost), 0..lines.len(), buffers, line);
        merge(block, sums, lost);
        sums.iter_mut().zip(lost).for_each(|(sum, lost)| *sum += *lost);
    });
}

/// Adds long lines, or a part of one, to the sums of their columns; `first` is the number of the first line.
fn across_long<V: Element + Factor<f64>>(
    (block, sums, lost): (&mut [f64], &mut [f64], &mut [f64]),
    values: Values<'_, V>,
    first: usize,
) {
    let length = sums.len();
    let lines = first..first + values.len() / length;
    let bands = block.par_chunks_mut(BAND).zip(sums.par_chunks_mut(BAND));
    let bands = bands.zip(lost.par_chunks_mut(BAND)).enumerate();
    bands.for_each_init(Default::default, |buffers: &mut LineBuffers<V>, (band, sums)| {
        let ((block, sums), lost) = sums;
        let line = |line| (values, (line - first) * length + band * BAND);
        add_lines((block, sums, lost), lines.clone(), buffers, line);
    });
}

/// Numbers of lines that are added together, where they are decoded.
type LineBuffers<V> = [Vec<V>; TOGETHER];

/// Adds consecutive lines to the sums of their block, and the blocks that end to the sums and their rounding errors;
/// `line` says where the numbers of a line begin.
fn add_lines<'a, V: Element + Factor<f64>>(
    (block, sums, lost): (&mut [f64], &mut [f64], &mut [f64]),
    Range { start: mut at, end }: Range<usize>,
    buffers: &mut LineBuffers<V>,
    line: impl Fn(usize) -> (Values<'a, V>, usize),
) {
    let length = sums.len();
    while at < end {
        let of_block = (BLOCK - at % BLOCK).min(end - at);
        if of_block >= TOGETHER {
            let mut lines = [&[][..]; TOGETHER];
            for (k, (numbers, buffer)) in lines.iter_mut().zip(&mut *buffers).enumerate() {
                let (values, start) = line(at + k);
                *numbers = values.of(start..start + length, buffer);
            }
            processor::widest(
                #[inline(always)]
                || add_together(block, |k| lines[k]),
            );
            at += TOGETHER;
        } else {
            let (values, start) = line(at);
            let numbers = values.of(start..start + length, &mut buffers[0]);
            processor::widest(
                #[inline(always)]
                || add_line(block, numbers),
            );
            at += 1;
        }
        if at.is_multiple_of(BLOCK) {
            merge(block, sums, lost);
        }
    }
}

/// Adds four lines, one after the other, to the sums of their columns.
#[inline(always)]
fn add_together<'a, V: Element + Factor<f64>>(sums: &mut [f64], line: impl Fn(usize) -> &'a [V]) {
    let lines: [&[V]; TOGETHER] = array::from_fn(|k| &line(k)[..sums.len()]);
    let parts = lines.map(|line| line.as_chunks::<STEP>());
    let (steps, tail) = sums.as_chunks_mut::<STEP>();
    for (at, sums) in steps.iter_mut().enumerate() {
        // A copy that stays in registers.
        let mut step = *sums;
        for (line, _) in parts {
            prefetch_ahead(&line[at]);
            for k in 0..STEP {
                step[k] += line[at][k].times(1.0);
            }
        }
        *sums = step;
    }
    for (_, line) in parts {
        add_line(tail, line);
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
