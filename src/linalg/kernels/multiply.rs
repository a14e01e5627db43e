//! The products of lines with vectors, for any types of indices and entries, along or across the lines.
//!
//! The kernels are compiled for 32-bit indices and for entries of the type of the vectors. Other lines are decoded,
//! some thousand entries at a time. Widening is exact, so the product has the bits of a separate kernel, and the
//! decoded entries are still in the first caches when they are multiplied.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::algebra::{Factor, Scalar, Values};
use crate::linalg::kernels::dense_gather::dense_gather;
use crate::linalg::kernels::dense_rows::DenseRows;
use crate::linalg::kernels::dense_scatter::dense_scatter;
use crate::linalg::kernels::gather::{CHUNK, gather, line_sum};
use crate::linalg::kernels::panel::{AnyPanel, OutOfRange, Panel};
use crate::linalg::kernels::scatter::scatter;
use crate::linalg::kernels::update::{Conjugation, SumShape, Update, check_len};
use crate::sparse::Indices;
use crate::storage::Entry;
use crate::storage::parallel::{IntoTasks, Tasks};

/// A requested product: along the stored lines or across them, with the entries or their conjugates, and how it enters
/// the output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) along: bool,
    pub(crate) entries: Conjugation,
    pub(crate) update: Update,
}

/// `k` interleaved vectors, and their products.
pub(crate) struct Vectors<'x, 'y, X> {
    pub(crate) k: usize,
    pub(crate) x: &'x [X],
    pub(crate) y: &'y mut [X],
}

/// The product of consecutive lines of a compressed matrix.
pub(crate) fn multiply_lines<V: Factor<X>, X: Scalar>(
    a: AnyPanel<'_>,
    values: Values<'_, V>,
    how: How,
    vectors: Vectors<'_, '_, X>,
) -> Result<()> {
    match (a.indices, values) {
        (Indices::Narrow(indices), Values::Plain(values)) => {
            let a = Panel::over(a.indptr, indices, values, a.ncols, a.first_row)?;
            multiply_panel(a, how, vectors)
        }
        (Indices::Wide(indices), values) if a.ncols > u32::MAX as usize => {
            multiply_wide(a, indices, values, how, vectors)
        }
        (_, values) => multiply_decoded(a, values, how, vectors),
    }
}

fn multiply_panel<V: Factor<X>, X: Scalar>(
    a: Panel<'_, V, u32>,
    How { along, entries, update }: How,
    Vectors { k, x, y }: Vectors<'_, '_, X>,
) -> Result<()> {
    match along {
        true => gather(a, entries, update, x, y, k),
        false => scatter(a, entries, update, x, y, k),
    }
}

/// Entries of lines that are decoded together: along the lines, as many as stay in the first-level cache; across them,
/// as many as make it worthwhile to distribute them.
const NEAR: usize = 1 << 12;
const MANY: usize = 1 << 18;

/// Buffers for decoded lines, reused for the next.
struct DecodeBuffers<V> {
    indices: Vec<u32>,
    values: Vec<V>,
}

/// Some lines, or one, starting at an entry of the panel.
struct LineTask {
    lines: Range<usize>,
    entries: Range<usize>,
}

/// As [`multiply_lines`], decoding some lines at a time.
fn multiply_decoded<V: Factor<X>, X: Scalar>(
    a: AnyPanel<'_>,
    values: Values<'_, V>,
    how: How,
    Vectors { k, x, y }: Vectors<'_, '_, X>,
) -> Result<()> {
    let (from, to) = if how.along { (a.ncols, a.nrows()) } else { (a.nrows(), a.ncols) };
    check_len("x", x, from, k)?;
    check_len("y", y, to, k)?;
    if k == 0 {
        return Ok(());
    }
    let empty = || DecodeBuffers { indices: Vec::new(), values: Vec::new() };
    let done = match how.along {
        true => {
            let (mut tasks, mut rest) = (Vec::new(), &mut *y);
            line_tasks(&a, NEAR, &mut |task| {
                let (these, after) = std::mem::take(&mut rest).split_at_mut(task.lines.len() * k);
                rest = after;
                tasks.push((task, these));
                Ok(())
            })
            .and_then(|()| {
                tasks.into_par_iter().try_for_each_init(empty, |buffer, (task, y)| {
                    match task.lines.len() == 1 && task.entries.len() > CHUNK {
                        true => buffer.sum_in_chunks(&a, values, task, how, Vectors { k, x, y }),
                        false => buffer.multiply(&a, values, task, how, Vectors { k, x, y }),
                    }
                })
            })
        }
        false => {
            how.update.prepare(y);
            let (mut buffer, how) = (empty(), How { update: Update::Add, ..how });
            line_tasks(&a, MANY, &mut |task| {
                let x = &x[task.lines.start * k..task.lines.end * k];
                let starts = task.entries.clone().step_by(MANY).chain(Some(task.entries.start));
                for start in starts.take(task.entries.len().div_ceil(MANY).max(1)) {
                    let entries = start..task.entries.end.min(start + MANY);
                    let part = LineTask { lines: task.lines.clone(), entries };
                    buffer.multiply(&a, values, part, how, Vectors { k, x, y })?;
                }
                Ok(())
            })
        }
    };
    done.map_err(|OutOfRange| a.out_of_range())
}

/// Yields the lines, some at a time with at most `most` entries; a longer line alone.
fn line_tasks(
    a: &AnyPanel<'_>,
    most: usize,
    take: &mut dyn FnMut(LineTask) -> std::result::Result<(), OutOfRange>,
) -> std::result::Result<(), OutOfRange> {
    let mut start = 0;
    while start < a.nrows() {
        let mut entries = a.row(start)?;
        let mut end = start + 1;
        while end < a.nrows() {
            let next = a.row(end)?;
            if next.start != entries.end || next.end - entries.start > most {
                break;
            }
            (entries.end, end) = (next.end, end + 1);
        }
        take(LineTask { lines: start..end, entries })?;
        start = end;
    }
    Ok(())
}

impl<V: Entry> DecodeBuffers<V> {
    /// The product of some lines, or of a chunk of one.
    fn multiply<X: Scalar>(
        &mut self,
        a: &AnyPanel<'_>,
        values: Values<'_, V>,
        LineTask { lines, entries }: LineTask,
        how: How,
        vectors: Vectors<'_, '_, X>,
    ) -> std::result::Result<(), OutOfRange>
    where
        V: Factor<X>,
    {
        let values = values.of(entries.clone(), &mut self.values);
        let indices = match a.indices {
            Indices::Narrow(indices) => &indices[entries.clone()],
            Indices::Wide(indices) => {
                narrow(&indices[entries.clone()], &mut self.indices)?;
                &self.indices
            }
        };
        let ends = [0, entries.len() as u64];
        let indptr = match lines.len() {
            1 => Indices::Wide(&ends),
            _ => a.indptr.slice(lines.start..lines.end + 1),
        };
        let panel = Panel::over(indptr, indices, values, a.ncols, 0).map_err(|_| OutOfRange)?;
        multiply_panel(panel, how, vectors).map_err(|_| OutOfRange)
    }

    /// The product of a line that is longer than a chunk: the sums over its chunks, added sequentially.
    fn sum_in_chunks<X: Scalar>(
        &mut self,
        a: &AnyPanel<'_>,
        values: Values<'_, V>,
        task: LineTask,
        how: How,
        Vectors { k, x, y }: Vectors<'_, '_, X>,
    ) -> std::result::Result<(), OutOfRange>
    where
        V: Factor<X>,
    {
        let (mut sums, mut chunk) = (vec![X::zero(); k], vec![X::zero(); k]);
        let how_chunk = How { update: Update::Set, ..how };
        for start in task.entries.clone().step_by(CHUNK) {
            let entries = start..task.entries.end.min(start + CHUNK);
            let part = LineTask { lines: task.lines.clone(), entries };
            self.multiply(a, values, part, how_chunk, Vectors { k, x, y: &mut chunk })?;
            sums.iter_mut().zip(&chunk).for_each(|(sum, &chunk)| *sum += chunk);
        }
        y.iter_mut().zip(sums).for_each(|(y, sum)| how.update.apply(sum, y));
        Ok(())
    }
}

/// As [`multiply_lines`], with indices that do not fit in 32 bits, line by line: for vectors of more than 2³² numbers.
pub(crate) fn multiply_wide<V: Factor<X>, X: Scalar>(
    a: AnyPanel<'_>,
    indices: &[u64],
    values: Values<'_, V>,
    How { along, entries, update }: How,
    Vectors { k, x, y }: Vectors<'_, '_, X>,
) -> Result<()> {
    let (from, to) = if along { (a.ncols, a.nrows()) } else { (a.nrows(), a.ncols) };
    check_len("x", x, from, k)?;
    check_len("y", y, to, k)?;
    if !along {
        update.prepare(y);
    }
    let mut buffer = Vec::new();
    let mut line = |i: usize| {
        let range = a.row(i)?;
        let values = values.of(range.clone(), &mut buffer);
        let entry = |n: usize| (indices[range.start + n] as usize, values[n]);
        for column in 0..k {
            if !along {
                let x = x[i * k + column];
                for (j, value) in (0..range.len()).map(entry) {
                    let at = j.saturating_mul(k).saturating_add(column);
                    *y.get_mut(at).ok_or(OutOfRange)? += entries.times(value, x);
                }
                continue;
            }
            let sum = match k {
                1 => {
                    line_sum((&indices[range.clone()], values), SumShape::Interleaved, entries, x)?
                }
                _ => sum_of_column(range.len(), entry, entries, (k, column, x))?,
            };
            update.apply(sum, &mut y[i * k + column]);
        }
        Ok(())
    };
    (0..a.nrows()).try_for_each(&mut line).map_err(|OutOfRange| a.out_of_range())
}

/// The sum of a line with one of `k` columns, in chunks as in `gather.rs`.
fn sum_of_column<V: Factor<X>, X: Scalar>(
    len: usize,
    entry: impl Fn(usize) -> (usize, V),
    entries: Conjugation,
    (k, column, x): (usize, usize, &[X]),
) -> std::result::Result<X, OutOfRange> {
    let mut sums = X::zero();
    for start in (0..len).step_by(CHUNK) {
        let mut sum = X::zero();
        for (j, value) in (start..len.min(start + CHUNK)).map(&entry) {
            let at = j.saturating_mul(k).saturating_add(column);
            sum += entries.times(value, *x.get(at).ok_or(OutOfRange)?);
        }
        sums += sum;
    }
    Ok(sums)
}

/// Converts indices to 32 bits, which suffice for all columns.
fn narrow(from: &[u64], to: &mut Vec<u32>) -> std::result::Result<(), OutOfRange> {
    to.clear();
    to.extend(from.iter().map(|&index| index as u32));
    let sound = from.iter().fold(true, |sound, &index| sound & (index <= u64::from(u32::MAX)));
    if sound { Ok(()) } else { Err(OutOfRange) }
}

/// The product of consecutive lines of a dense matrix.
pub(crate) fn multiply_dense<T: Factor<X>, X: Scalar>(
    a: DenseRows<'_, T>,
    How { along, entries, update }: How,
    Vectors { k, x, y }: Vectors<'_, '_, X>,
) -> Result<()> {
    match along {
        true => dense_gather(a, entries, update, x, y, k),
        false => dense_scatter(a, entries, update, x, y, k),
    }
}
