//! Sums of the rows or columns of a dense matrix, at the speed of memory.
//!
//! ```text
//! along a line:    runs of 16,384 numbers summed in pairs, the runs sequentially
//! across lines:    groups of lines: four lines at a time are added to the sums of the group
//!                  groups are added in order, with their rounding errors
//! ```
//!
//! Groups and runs depend only on the shape: the same bits for any number of threads, panels and places.

use crate::dense::{AnyDense, AnyDensePanels, Dense, LinePanel};
use crate::error::{Error, Result};
use crate::linalg::algebra::{
    Coding, Factor, SUM_RUN as RUN, Values, f32s, f64s, sum_run, two_sum,
};
use crate::linalg::statistics::dense::stats;
use crate::linalg::statistics::moments::block_height;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, DType, Element, Order, work};

/// Maximum lines in a group.
const GROUP: usize = 128;

/// Columns whose sums stay in the first-level cache; from this many on, threads divide columns instead of lines.
const STRIP: usize = 1024;
const WIDE: usize = 8 * STRIP;

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
    let height = block_height(length).min(GROUP);
    let bytes = (len as u64).saturating_mul(2 * size_of::<f64>() as u64);
    ctx.check_memory("the sums", bytes)?;
    let budget = ctx.memory_left().saturating_sub(bytes);
    let steps = if is_along { (1, RUN) } else { (height, 1) };
    let mut panels = AnyDensePanels::once(a, steps, budget)?;
    let _running = ctx.begin(|| {
        let plan = panels.plan("sums").throughout(bytes);
        Ok(plan.works(a.len() as u64, work::SUM_AXIS))
    })?;
    let _held = ctx.hold(bytes);
    let mut sums = ctx.filled("the sums", len, 0.0)?;
    let mut lost = ctx.filled("the sums", if is_along { 0 } else { len }, 0.0)?;
    panels.sweep(ctx, &mut |LinePanel { first, lines, offset, elements }| {
        if elements.len() == 0 {
            return Ok(());
        }
        let values = Values::new(elements, decode);
        ctx.with_threads(|| match is_along {
            true => along(&mut sums[first..first + lines], values),
            false => {
                let here = offset..offset + elements.len() / lines;
                across((&mut sums[here.clone()], &mut lost[here]), values, height);
            }
        });
        Ok(())
    })?;
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
                let mut room = Vec::new();
                let numbers = values.of(run * RUN..length.min((run + 1) * RUN), &mut room);
                sum_run(numbers, number)
            })
            .collect();
        *sum = runs.into_iter().fold(*sum, |sum, run| sum + run);
        return;
    }
    let few = (RUN / length.max(1)).max(1);
    let lines = sums.par_iter_mut().enumerate().with_min_len(few);
    lines.for_each_init(Vec::new, |room, (line, sum)| {
        let numbers = values.of(line * length..(line + 1) * length, room);
        *sum = numbers.chunks(RUN).fold(*sum, |sum, run| sum + sum_run(run, number));
    });
}

/// Adds groups of lines to the sums of their columns.
fn across<V: Element + Factor<f64>>(
    (sums, lost): (&mut [f64], &mut [f64]),
    values: Values<'_, V>,
    height: usize,
) {
    let length = sums.len();
    let groups = values.len().div_ceil(length * height);
    let group =
        |group: usize| group * height * length..values.len().min((group + 1) * height * length);
    if length < WIDE {
        let mut partial = vec![0.0; groups * length];
        let tasks = partial.par_chunks_mut(length).enumerate();
        tasks.for_each_init(Vec::new, |room, (k, partial)| {
            add_lines(values.of(group(k), room), (length, 0), partial);
        });
        return partial.chunks_exact(length).for_each(|partial| merge(partial, sums, lost));
    }
    let strips = sums.par_chunks_mut(STRIP).zip(lost.par_chunks_mut(STRIP)).enumerate();
    strips.for_each_init(Vec::new, |room: &mut Vec<V>, (strip, (sums, lost))| {
        let mut partial = [0.0; STRIP];
        let partial = &mut partial[..sums.len()];
        for k in 0..groups {
            partial.fill(0.0);
            match values {
                Values::Plain(all) => add_lines(&all[group(k)], (length, strip * STRIP), partial),
                // Part of every line is decoded, line by line.
                Values::Coded(..) => {
                    let lines = group(k).len() / length;
                    let (width, mut some) = (partial.len(), Vec::new());
                    for line in 0..lines {
                        let start = group(k).start + line * length + strip * STRIP;
                        some.extend_from_slice(values.of(start..start + width, room));
                    }
                    add_lines(&some, (width, 0), partial);
                }
            }
            merge(partial, sums, lost);
        }
    });
}

/// Adds some columns, starting at a given one, to their sums: four lines at a time.
#[inline]
fn add_lines<V: Element + Factor<f64>>(
    lines: &[V],
    (length, from): (usize, usize),
    sums: &mut [f64],
) {
    let number = |x: V| x.times(1.0);
    let mut fours = lines.chunks_exact(4 * length);
    for four in &mut fours {
        let line = |k: usize| &four[k * length + from..][..sums.len()];
        let (a, b, c, d) = (line(0), line(1), line(2), line(3));
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum += (number(a[j]) + number(b[j])) + (number(c[j]) + number(d[j]));
        }
    }
    for line in fours.remainder().chunks_exact(length) {
        let line = &line[from..][..sums.len()];
        sums.iter_mut().zip(line).for_each(|(sum, &x)| *sum += number(x));
    }
}

/// Adds the sums of a group, and keeps the rounding error.
fn merge(group: &[f64], sums: &mut [f64], lost: &mut [f64]) {
    for ((sum, lost), &more) in sums.iter_mut().zip(lost).zip(group) {
        let (total, less) = two_sum(*sum, more);
        // A sum that is not finite has no rounding error.
        (*sum, *lost) = (total, if less.is_finite() { *lost + less } else { *lost });
    }
}
