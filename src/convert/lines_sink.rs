//! Entries of lines on their way into a dense matrix: zeros are written out, duplicates summed.
//!
//! Whole lines are made in a band of some of them, in parallel. A line that is longer than the band, or whose entries come
//! in parts, is made piece after piece.

use crate::convert::passes::Sink;
use crate::dense::{Dense, DenseWriter};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{BufferMut, Context, Element, Index, Order, put};
use ndarray::Ix2;

/// Lines of a panel that are looked at together.
const LINES: usize = 1 << 14;

/// Elements of a task.
const TASK: usize = 1 << 16;

/// Makes the lines of a dense matrix.
pub(super) struct LinesSink<T: Element> {
    writer: DenseWriter<T, Ix2>,
    /// Elements of a line.
    length: usize,
    position: fn((usize, usize)) -> (usize, usize),
    /// Lines that are complete.
    lines: usize,
    /// Elements on their way to the writer.
    band: BufferMut<T>,
    /// Elements of the band that are filled, and elements of the line that is made piece after piece.
    filled: usize,
    at: usize,
    ctx: Context,
}

impl<T: Element> LinesSink<T> {
    pub(super) fn new(
        writer: DenseWriter<T, Ix2>,
        (nrows, ncols): (usize, usize),
        order: Order,
        ctx: &Context,
    ) -> Result<Self> {
        let band = ctx.work("lines of the result", band::<T>(ctx))?.counted(ctx.meter());
        let (length, position): (_, fn(_) -> _) = match order {
            Order::C => (ncols, |(line, index)| (line, index)),
            Order::Fortran => (nrows, |(line, index)| (index, line)),
        };
        let (lines, filled, at, ctx) = (0, 0, 0, ctx.clone());
        Ok(LinesSink { writer, length, position, lines, band, filled, at, ctx })
    }

    /// Memory beside the writer.
    pub(super) fn memory(ctx: &Context) -> u64 {
        (band::<T>(ctx) * size_of::<T>() + LINES * size_of::<usize>()) as u64
    }

    /// Takes the lines of a panel of a compressed matrix, whose pointers may change while they are looked at.
    pub(super) fn take_panel<I: Index, P: Index>(
        &mut self,
        indptr: &[P],
        indices: &[I],
        data: &[T],
        ctx: &Context,
    ) -> Result<()> {
        let Some(base) = indptr.first() else { return Ok(()) };
        let mut lens = Vec::with_capacity(LINES);
        let mut start = 0;
        let mut end = base.to_usize();
        for pointers in indptr[1..].chunks(LINES) {
            ctx.check_cancelled()?;
            lens.clear();
            for pointer in pointers {
                let next = pointer.to_usize();
                lens.push(next.checked_sub(end).ok_or_else(outside)?);
                end = next;
            }
            let stop = end.checked_sub(base.to_usize()).ok_or_else(outside)?;
            let indices = indices.get(start..stop).ok_or_else(outside)?;
            self.lines(&lens, indices, data.get(start..stop).ok_or_else(outside)?, false)?;
            start = stop;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Dense<T>> {
        self.writer.finish()
    }

    /// Makes as many lines as fit in the band.
    fn make<I: Index>(&mut self, starts: &[usize], indices: &[I], data: &[T]) -> Result<()> {
        let (length, count) = (self.length, starts.len() - 1);
        let band = &mut self.band[..count * length];
        let step = (TASK / length.max(1)).max(1);
        let clash = self.ctx.with_threads(|| {
            band.par_chunks_mut((step * length).max(1)).enumerate().find_map_first(
                |(task, rows)| {
                    let last = count.min(task * step + step);
                    let starts = &starts[task * step..=last];
                    fill(rows, length, starts, indices, data).map(|clash| clash.below(task * step))
                },
            )
        });
        match clash {
            Some(Clash::Outside) => return Err(outside()),
            Some(Clash::Overflow(line, index)) => {
                return Err(overflow((self.position)((self.lines + line, index))));
            }
            None => {}
        }
        self.writer.push(&self.band[..count * length])?;
        self.lines += count;
        Ok(())
    }

    /// Makes a line from entries in any order: for each piece of it, those that fall there are picked out of all.
    fn pick<I: Index>(&mut self, indices: &[I], data: &[T]) -> Result<()> {
        let (length, piece) = (self.length, self.band.len());
        for start in (0..length).step_by(piece) {
            let band = &mut self.band[..piece.min(length - start)];
            band.fill(T::default());
            for (index, &value) in indices.iter().zip(data) {
                let index = index.to_usize();
                if index >= length {
                    return Err(outside());
                }
                if let Some(element) = band.get_mut(index.wrapping_sub(start)) {
                    let sum = put(*element, value);
                    *element = sum.ok_or_else(|| overflow((self.position)((self.lines, index))))?;
                }
            }
            (self.filled, self.at) = (band.len(), start + band.len());
            self.flush()?;
        }
        Ok(())
    }

    /// Takes the next entry of the line that is made piece after piece; indices do not fall.
    fn put(&mut self, index: usize, value: T) -> Result<()> {
        if index >= self.length || index + 1 < self.at {
            return Err(outside());
        }
        if index + 1 == self.at {
            // What was put last is still in the band.
            let element = &mut self.band[self.filled - 1];
            let sum = put(*element, value);
            *element = sum.ok_or_else(|| overflow((self.position)((self.lines, index))))?;
            return Ok(());
        }
        self.put_zeros(index)?;
        self.make_room()?;
        self.band[self.filled] = value;
        self.filled += 1;
        self.at += 1;
        Ok(())
    }

    /// Puts zeros up to a position of the line.
    fn put_zeros(&mut self, end: usize) -> Result<()> {
        while self.at < end {
            self.make_room()?;
            let zeros = (end - self.at).min(self.band.len() - self.filled);
            self.band[self.filled..][..zeros].fill(T::default());
            self.filled += zeros;
            self.at += zeros;
        }
        Ok(())
    }

    fn make_room(&mut self) -> Result<()> {
        if self.filled == self.band.len() {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.ctx.check_cancelled()?;
        self.writer.push(&self.band[..self.filled])?;
        self.filled = 0;
        Ok(())
    }
}

impl<T: Element, I: Index> Sink<T, I> for LinesSink<T> {
    fn lines(&mut self, lens: &[usize], indices: &[I], data: &[T], _: bool) -> Result<()> {
        let ends = lens.iter().scan(0, |end, len| {
            *end += len;
            Some(*end)
        });
        let starts: Vec<usize> = std::iter::once(0).chain(ends).collect();
        let fit = self.band.len() / self.length.max(1);
        if fit > 0 {
            for first in (0..lens.len()).step_by(fit) {
                let last = lens.len().min(first + fit);
                self.make(&starts[first..=last], indices, data)?;
            }
            return Ok(());
        }
        for here in starts.windows(2) {
            let (indices, data) = (&indices[here[0]..here[1]], &data[here[0]..here[1]]);
            if indices.is_sorted() {
                self.part(indices, data, false)?;
            } else {
                self.pick(indices, data)?;
            }
            Sink::<T, I>::end_line(self)?;
        }
        Ok(())
    }

    fn part(&mut self, indices: &[I], data: &[T], _: bool) -> Result<()> {
        indices.iter().zip(data).try_for_each(|(index, &value)| self.put(index.to_usize(), value))
    }

    fn end_line(&mut self) -> Result<()> {
        self.put_zeros(self.length)?;
        self.flush()?;
        self.at = 0;
        self.lines += 1;
        Ok(())
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        self.position
    }
}

/// What a line cannot hold.
#[derive(Clone, Copy)]
enum Clash {
    /// An index beyond its end.
    Outside,
    /// A sum that overflows: line and index.
    Overflow(usize, usize),
}

impl Clash {
    /// The same, with lines counted from so many earlier.
    fn below(self, lines: usize) -> Self {
        match self {
            Clash::Overflow(line, index) => Clash::Overflow(lines + line, index),
            other => other,
        }
    }
}

/// Fills rows of `length` elements with the entries between every two of `starts`; stops at the first that does not go.
fn fill<T: Element, I: Index>(
    rows: &mut [T],
    length: usize,
    starts: &[usize],
    indices: &[I],
    data: &[T],
) -> Option<Clash> {
    rows.fill(T::default());
    for (line, row) in rows.chunks_exact_mut(length).enumerate() {
        let here = starts[line]..starts[line + 1];
        for (index, &value) in indices[here.clone()].iter().zip(&data[here]) {
            let index = index.to_usize();
            let Some(element) = row.get_mut(index) else { return Some(Clash::Outside) };
            let Some(sum) = put(*element, value) else {
                return Some(Clash::Overflow(line, index));
            };
            *element = sum;
        }
    }
    None
}

/// Elements of the band.
fn band<T>(ctx: &Context) -> usize {
    (ctx.memory_left() / 16).clamp(16 << 10, 32 << 20) as usize / size_of::<T>()
}

fn outside() -> Error {
    Error::new(ErrorKind::Index, "the matrix changed while it was read")
}

/// The error for entries at a row and a column whose sum the type does not hold.
pub(super) fn overflow((row, col): (usize, usize)) -> Error {
    Error::new(ErrorKind::Value, "the sum of the entries at a position overflows")
        .at(Location::Row(row as u64))
        .found(format!("row {row}, column {col}"))
}
