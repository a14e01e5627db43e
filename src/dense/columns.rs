//! Filling a matrix by rows or by columns, in any order of the file, with bounded memory.
//!
//! A store at every row for one column touches every page of a C-order file: for a million rows and a hundred columns
//! that is a hundred passes over the whole file. Here lines across the order of the file are gathered in a bounded
//! staging area and put into the file many at a time, so that each visit to a row writes a whole cache line or more.

use ndarray::Ix2;
use rayon::prelude::*;

use crate::dense::writable::DenseMut;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{BufferMut, Context, Element, Order};

/// Staged bytes: enough lines for a full cache line a row up to a million rows, little enough to be reused warm.
const STAGING: u64 = 64 << 20;

/// Rows of the file that one task fills from the staging area: their ends stay in the first-level cache.
const TILE: usize = 64;

/// Writes a matrix one column after the other, as a simulation produces them, from column 0 on.
///
/// Memory: at most 64 MiB or a quarter of the memory limit, whichever is less, and at least one column. Cost: in
/// Fortran order one pass over the file; in C order one pass over it for each staging area full of columns.
///
/// ```
/// use outcore::{ColumnWriter, Context, DenseMut, Order, Place};
/// let mut a = DenseMut::<f32>::create(Place::Memory, (4, 3), Order::C, &Context::new())?;
/// let mut columns = ColumnWriter::new(&mut a)?;
/// for j in 0..3 {
///     columns.push(&[j as f32; 4])?;
/// }
/// columns.finish()?;
/// assert_eq!(a.row(2)?.to_vec(), [0.0, 1.0, 2.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct ColumnWriter<'a, T: Element> {
    lines: LineWriter<'a, T>,
}

impl<'a, T: Element> ColumnWriter<'a, T> {
    /// Starts at column 0.
    pub fn new(array: &'a mut DenseMut<T, Ix2>) -> Result<Self> {
        let (nrows, ncols) = (array.nrows(), array.ncols());
        let along = array.order() == Order::Fortran;
        LineWriter::new(array, ncols, nrows, along, "filling columns")
            .map(|lines| ColumnWriter { lines })
    }

    /// Writes the next column: `nrows` elements.
    pub fn push(&mut self, column: &[T]) -> Result<()> {
        if column.len() != self.lines.length {
            return Err(Error::shape("the column", self.lines.length, column.len()));
        }
        self.lines.next_line(|line| line.copy_from_slice(column))
    }

    /// Puts the last columns into the array. Fails if fewer than `ncols` were pushed.
    pub fn finish(self) -> Result<()> {
        self.lines.finish()
    }
}

impl<T: Element> DenseMut<T, Ix2> {
    /// Fills every column: `fill(j, column)` is called for `j` from 0 on with a column of zeros or of old elements to
    /// overwrite. Memory and cost as for [`ColumnWriter`].
    ///
    /// ```
    /// use outcore::{Context, DenseMut, Order, Place};
    /// let mut a = DenseMut::<i32>::create(Place::Memory, (2, 3), Order::C, &Context::new())?;
    /// a.fill_columns(|j, column| column.fill(j as i32))?;
    /// assert_eq!(a.as_slice(), [0, 1, 2, 0, 1, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn fill_columns(&mut self, fill: impl FnMut(usize, &mut [T])) -> Result<()> {
        let (nrows, ncols) = (self.nrows(), self.ncols());
        let along = self.order() == Order::Fortran;
        LineWriter::new(self, ncols, nrows, along, "filling columns")?.fill(fill)
    }

    /// Fills every row: `fill(i, row)` is called for `i` from 0 on with a row to overwrite. Cost: in C order one pass
    /// over the file, in Fortran order as for [`ColumnWriter`] with rows for columns.
    pub fn fill_rows(&mut self, fill: impl FnMut(usize, &mut [T])) -> Result<()> {
        let (nrows, ncols) = (self.nrows(), self.ncols());
        let along = self.order() == Order::C;
        LineWriter::new(self, nrows, ncols, along, "filling rows")?.fill(fill)
    }
}

/// Writes `count` lines of `length` elements into a matrix in which either the lines are contiguous (`along`) or
/// element `i` of every line is, one after the other.
struct LineWriter<'a, T: Element> {
    array: &'a mut [T],
    ctx: Context,
    phase: &'static str,
    count: usize,
    length: usize,
    /// Lines written or staged so far.
    next: usize,
    /// Lines across the file that are not in it yet, one after the other; empty for lines along the file.
    staged: BufferMut<T>,
    /// Lines that fit in `staged`; 0 for lines along the file.
    capacity: usize,
}

impl<'a, T: Element> LineWriter<'a, T> {
    fn new(
        array: &'a mut DenseMut<T, Ix2>,
        count: usize,
        length: usize,
        along: bool,
        phase: &'static str,
    ) -> Result<Self> {
        let ctx = array.context().clone();
        let capacity = if along { 0 } else { staged_lines::<T>(count, length, &ctx)? };
        let staged = BufferMut::zeros(capacity * length)?;
        let array = array.as_mut_slice();
        Ok(LineWriter { array, ctx, phase, count, length, next: 0, staged, capacity })
    }

    /// Has `fill` write the next line.
    fn next_line(&mut self, fill: impl FnOnce(&mut [T])) -> Result<()> {
        if self.next == self.count {
            return Err(Error::new(ErrorKind::Shape, "the array is full")
                .found(format!("one line more than its {}", self.count)));
        }
        if self.capacity == 0 {
            fill(&mut self.array[self.next * self.length..][..self.length]);
            self.next += 1;
        } else {
            let slot = self.next % self.capacity;
            fill(&mut self.staged[slot * self.length..][..self.length]);
            self.next += 1;
            if slot + 1 == self.capacity {
                self.unload(self.capacity);
            }
        }
        self.ctx.report(self.phase, self.next as u64, self.count as u64)
    }

    fn fill(mut self, mut fill: impl FnMut(usize, &mut [T])) -> Result<()> {
        for k in 0..self.count {
            self.next_line(|line| fill(k, line))?;
        }
        self.finish()
    }

    fn finish(mut self) -> Result<()> {
        if self.next != self.count {
            return Err(Error::new(ErrorKind::Shape, "lines are missing")
                .expected(self.count)
                .found(self.next));
        }
        if self.capacity > 0 && !self.next.is_multiple_of(self.capacity) {
            self.unload(self.next % self.capacity);
        }
        Ok(())
    }

    /// Puts the last `lines` staged lines into the array: row `i` of it gets element `i` of each.
    fn unload(&mut self, lines: usize) {
        let (count, length, first) = (self.count, self.length, self.next - lines);
        let staged = &self.staged[..lines * length];
        let array = &mut *self.array;
        self.ctx.run(|| {
            array.par_chunks_mut(count * TILE).enumerate().for_each(|(tile, rows)| {
                let start = tile * TILE;
                for (line, source) in staged.chunks_exact(length).enumerate() {
                    let source = &source[start..length.min(start + TILE)];
                    for (row, &element) in rows.chunks_exact_mut(count).zip(source) {
                        row[first + line] = element;
                    }
                }
            });
        });
    }
}

/// Lines to stage: at most all of them, at least one, otherwise what the staging area holds, in whole cache lines.
fn staged_lines<T: Element>(count: usize, length: usize, ctx: &Context) -> Result<usize> {
    let line = (length * size_of::<T>()) as u64;
    ctx.check_memory("one line of the staging area", line)?;
    let area = STAGING.min(ctx.memory_limit_bytes() / 4);
    let lines = (area / line.max(1)) as usize;
    let in_cache_line = 64 / size_of::<T>();
    let whole = if lines > in_cache_line { lines - lines % in_cache_line } else { lines };
    Ok(whole.clamp(1, count.max(1)))
}
