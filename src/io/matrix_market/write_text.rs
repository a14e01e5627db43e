//! Entries as text: formatted in blocks on all threads, written in their order.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::io::matrix_market::header::Field;
use crate::io::matrix_market::number::{Number, check_type};
use crate::io::matrix_market::writer::Writer;
use crate::io::text::digits::push_unsigned;
use crate::sparse::{Indices, by_index};
use crate::storage::parallel::{ParallelSlice, Tasks, join};
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Index, by_dtype};

/// Entries of a block, at most and at least.
const BLOCK: usize = 1 << 12;
const SMALL_BLOCK: usize = 1 << 7;

/// The most bytes of a line: two indices and two floats.
const LINE: usize = 96;

/// The name of the operation, also for the progress callback.
pub(super) const PHASE: &str = "writing Matrix Market";

/// Where entries are.
pub(super) enum Places<'a> {
    /// In consecutive lines: the number of the first, pointers whose first is the base of the others, indices across,
    /// all of them below `across`. Lines are columns if `by_cols`.
    Lines { first: usize, indptr: Indices<'a>, indices: Indices<'a>, across: usize, by_cols: bool },
    /// At these rows and columns.
    Each(Indices<'a>, Indices<'a>),
    /// At the next positions of an array file.
    Next,
    /// The same, of values stored row by row: so many rows and columns.
    NextColumn(usize, usize),
}

/// Some entries.
pub(super) struct Part<'a> {
    pub(super) places: Places<'a>,
    pub(super) data: Raw<'a>,
}

/// Appends entries of a part to a text; fails with the number of the first whose index is out of range.
type Format = fn(&Part<'_>, Range<usize>, Field, &mut Vec<u8>) -> std::result::Result<(), usize>;

/// How values of a type are written, and whether they may be to a field.
fn by_type(values: Option<DType>) -> (Format, fn(Field, bool) -> Result<()>) {
    fn of<T: Number>() -> (Format, fn(Field, bool) -> Result<()>) {
        (format::<T>, check_type::<T>)
    }
    match values {
        None => of::<()>(),
        Some(dtype) => {
            by_dtype!(dtype, T => of::<T>(), _ => unreachable!("a type of this library"))
        }
    }
}

/// Formats entries and appends them to a file.
pub(super) struct TextWriter<'a> {
    writer: &'a mut Writer,
    format: Format,
    field: Field,
    /// Texts that are formatted, and texts that are written.
    texts: [Vec<Vec<u8>>; 2],
    /// Entries of a block.
    block: usize,
    done: u64,
    total: u64,
}

/// Why a part was not written.
pub(super) enum WriteHalt {
    /// The index of this entry is out of range.
    Index(usize),
    Error(Error),
}

impl<'a> TextWriter<'a> {
    /// For values of a type, `total` of them.
    pub(super) fn new(
        writer: &'a mut Writer,
        values: Option<DType>,
        total: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let field = writer.field();
        let (format, check) = by_type(values);
        check(field, false).map_err(|error| error.in_file(writer.path()))?;
        let (blocks, block) = sizes(ctx);
        let texts = [0, 1].map(|_| vec![Vec::new(); blocks]);
        Ok(TextWriter { writer, format, field, texts, block, done: 0, total })
    }

    /// Memory that writing takes.
    pub(super) fn memory(ctx: &Context) -> u64 {
        let (blocks, block) = sizes(ctx);
        (2 * blocks * block * LINE) as u64
    }

    /// Appends the entries of a part.
    pub(super) fn write(
        &mut self,
        part: &Part<'_>,
        ctx: &Context,
    ) -> std::result::Result<(), WriteHalt> {
        let (count, block) = (part.data.len(), self.block);
        let (mut start, mut ready) = (0usize, 0..0);
        let [mut formatted, mut written] = std::mem::take(&mut self.texts);
        loop {
            ctx.report(PHASE, self.done, self.total).map_err(WriteHalt::Error)?;
            let end = count.min(start.saturating_add(formatted.len() * block));
            let blocks = (end - start).div_ceil(block);
            let format = || {
                let texts = formatted[..blocks].par_iter_mut().with_max_len(1).enumerate();
                texts
                    .map(|(k, text)| {
                        let here = start + k * block..end.min(start + (k + 1) * block);
                        text.clear();
                        (self.format)(part, here, self.field, text)
                    })
                    .collect::<std::result::Result<Vec<()>, usize>>()
            };
            let texts = &written[..ready.len().div_ceil(block)];
            let writer = &mut *self.writer;
            let write = || texts.iter().try_for_each(|text| writer.append(text));
            let (wrote, made) = ctx.with_threads(|| join(write, format));
            wrote.map_err(WriteHalt::Error)?;
            made.map_err(WriteHalt::Index)?;
            self.done += ready.len() as u64;
            self.writer.count(ready.len() as u64);
            if end == start {
                break;
            }
            (ready, start) = (start..end, end);
            std::mem::swap(&mut formatted, &mut written);
        }
        self.texts = [formatted, written];
        Ok(())
    }
}

/// Blocks that are formatted at a time, and their entries: a few blocks per thread, and not more than a small part of the
/// memory limit.
fn sizes(ctx: &Context) -> (usize, usize) {
    let entries = (ctx.memory_left() / 16) as usize / (2 * LINE);
    let block = entries.clamp(SMALL_BLOCK, BLOCK);
    ((entries / block).clamp(1, 4 * ctx.thread_count()), block)
}

fn format<T: Number>(
    part: &Part<'_>,
    range: Range<usize>,
    field: Field,
    out: &mut Vec<u8>,
) -> std::result::Result<(), usize> {
    let data = part.data.as_typed::<T>();
    let mut entry = |row: usize, col: usize, value: T| {
        push_unsigned(out, row as u64 + 1);
        out.push(b' ');
        push_unsigned(out, col as u64 + 1);
        if field != Field::Pattern {
            out.push(b' ');
            value.write(field, out);
        }
        out.push(b'\n');
    };
    match part.places {
        Places::Lines { first, indptr, indices, across, by_cols } => {
            let (base, lines) = (indptr.at(0), indptr.len() - 1);
            let end_of = |line: usize| indptr.at(line + 1).wrapping_sub(base);
            let mut line = by_index!(indptr, indptr => {
                indptr.partition_point(|end| end.to_usize().wrapping_sub(base) <= range.start)
            });
            line = line.saturating_sub(1);
            for (k, &value) in range.clone().zip(&data[range]) {
                while line + 1 < lines && end_of(line) <= k {
                    line += 1;
                }
                let (major, minor) = (first + line, indices.at(k));
                if minor >= across {
                    return Err(k);
                }
                let (row, col) = if by_cols { (minor, major) } else { (major, minor) };
                entry(row, col, value);
            }
        }
        Places::Each(rows, cols) => {
            for (k, &value) in range.clone().zip(&data[range]) {
                entry(rows.at(k), cols.at(k), value);
            }
        }
        Places::Next => {
            for &value in &data[range] {
                value.write(field, out);
                out.push(b'\n');
            }
        }
        Places::NextColumn(nrows, ncols) => {
            for k in range {
                data[k % nrows * ncols + k / nrows].write(field, out);
                out.push(b'\n');
            }
        }
    }
    Ok(())
}
