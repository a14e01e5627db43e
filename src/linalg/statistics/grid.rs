//! The number of entries in every cell of a grid over the rows and columns of a matrix: its picture.
//!
//! ```text
//! for each panel of entries, each thread takes a part:
//!     band = zeros for the rows of the grid from the first entry of the part to the last
//!     for each entry:  band[cell of its row][cell of its column] += 1
//! grid += all bands
//! ```
//!
//! 1. Parts are cut by entries, so that a line that holds half the matrix keeps all threads busy.
//! 2. In stored order the bands of a panel overlap only in the rows of the grid where one part ends and the next
//!    begins, and a line of the grid stays in the cache. So there are no atomic additions, and hardly any memory.
//! 3. The cell of an index is found by a multiplication with a rounded reciprocal, exact for indices of 32 bits.

use crate::convert::nonzero;
use crate::dense::{AnyDense, DensePanel, DensePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCompressed, AnyCoo, EntryPanels, by_index};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::Raw;
use crate::storage::{Context, Index, Order, RawBuffer, SparseFormat, work};

/// Least entries of a part.
const PART: usize = 1 << 16;

/// Elements of a dense matrix that are marked together.
const RUN: usize = 1 << 12;

/// Cells along one axis.
#[derive(Clone, Copy)]
struct Cells {
    count: usize,
    extent: usize,
    /// `count / extent` times 2⁶⁴, rounded up; 0 if that is 1, or too inexact.
    factor: u64,
}

impl Cells {
    fn new(count: usize, extent: usize) -> Result<Self> {
        if count == 0 || count > extent.max(1) {
            let expected = format!("from 1 to {} cells", extent.max(1));
            return Err(Error::shape("the grid", expected, count));
        }
        let factor = match count < extent && extent <= 1 << 32 {
            true => (((count as u128) << 64) / extent as u128) as u64 + 1,
            false => 0,
        };
        Ok(Cells { count, extent, factor })
    }

    /// The cell of an index; at least `count` for an index that is out of range.
    #[inline(always)]
    fn of(self, index: usize) -> usize {
        match self.factor {
            0 if self.count == self.extent => index,
            0 => (index as u128 * self.count as u128 / self.extent.max(1) as u128) as usize,
            factor => ((index as u128 * u128::from(factor)) >> 64) as usize,
        }
    }

    /// The first index of the next cell.
    fn end(self, cell: usize) -> usize {
        let end = (cell as u128 + 1) * self.extent as u128;
        end.div_ceil(self.count as u128) as usize
    }
}

/// Counts of consecutive rows of the grid.
struct GridRows {
    first: usize,
    counts: Vec<u32>,
}

/// The grid as it grows: cells along the lines of the matrix, and within a line.
struct CellGrid {
    major: Cells,
    minor: Cells,
    counts: Vec<u64>,
}

impl CellGrid {
    fn new(major: Cells, minor: Cells, ctx: &Context) -> Result<Self> {
        let cells = major.count.saturating_mul(minor.count);
        let counts = ctx.filled("the counts", cells, 0)?;
        Ok(CellGrid { major, minor, counts })
    }

    /// Most memory for this many parts at a time, of which `whole` says whether each may need the whole grid.
    fn bytes(major: Cells, minor: Cells, parts: usize, whole: bool) -> u64 {
        let cells = (major.count as u64).saturating_mul(minor.count as u64);
        let bands = match whole {
            true => cells.saturating_mul(parts as u64),
            false => cells.saturating_add((parts as u64).saturating_mul(minor.count as u64)),
        };
        cells.saturating_mul(8).saturating_add(bands.saturating_mul(4))
    }

    /// Zeros for the rows of the grid from one line to another.
    fn band(&self, first: usize, last: usize) -> GridRows {
        let rows = last + 1 - first;
        GridRows { first, counts: vec![0; rows * self.minor.count] }
    }

    /// Adds the counts of some parts. Fails if one met an index out of range.
    fn add(&mut self, bands: Vec<Option<GridRows>>) -> Option<()> {
        for band in bands {
            let GridRows { first, counts } = band?;
            let here = self.counts.iter_mut().skip(first * self.minor.count);
            here.zip(counts).for_each(|(sum, count)| *sum += u64::from(count));
        }
        Some(())
    }

    /// The counts row by row, where lines are columns if `by_columns`.
    fn finish(self, by_columns: bool, ctx: &Context) -> Result<Vec<u64>> {
        if !by_columns {
            return Ok(self.counts);
        }
        let (height, width) = (self.minor.count, self.major.count);
        let turned = (0..height * width).map(|k| self.counts[k % width * height + k / width]);
        ctx.collected("the counts", turned)
    }
}

/// How many parts a run of `entries` is cut into, and the number of entries in each but the last.
fn parts(entries: usize, most: usize) -> (usize, usize) {
    let size = entries.div_ceil(most).max(PART);
    (entries.div_ceil(size), size)
}

/// The number of entries in every cell of a grid of `(rows, columns)` cells, row by row.
pub(crate) fn lines_grid(
    a: &AnyCompressed,
    (rows, cols): (usize, usize),
    ctx: &Context,
) -> Result<Vec<u64>> {
    let by_columns = a.format() == SparseFormat::Csc;
    let (major, minor) = if by_columns { (cols, rows) } else { (rows, cols) };
    let (major, minor) = (Cells::new(major, a.major())?, Cells::new(minor, a.minor())?);
    // Threads that the device keeps waiting take smaller parts.
    let most = 4 * ctx.thread_count().max(1);
    let bytes = CellGrid::bytes(major, minor, most, false);
    ctx.check_memory("the counts", bytes)?;
    let (left, units) = (ctx.memory_left().saturating_sub(bytes), RawBuffer::pattern(a.nnz()));
    let mut panels = EntryPanels::within(left, 1, &[a.indices_buffer()], &units)?;
    // The pointers stay in the map, of which every page is used once.
    let pointers = a.indptr_buffer().stored_bytes();
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan("counting entries in a grid").throughout(bytes);
        Ok(plan.reads(1, pointers).works(a.nnz() as u64, work::COUNT_ENTRIES))
    })?;
    let _held = ctx.hold(bytes);
    ctx.meter().read(pointers);
    let mut grid = CellGrid::new(major, minor, ctx)?;
    panels.sweep(ctx, &mut |first, indices, data| {
        let (count, size) = parts(data.len(), most);
        let bands: Vec<Option<GridRows>> = ctx.with_threads(|| {
            let parts = (0..count).into_par_iter().map(|part| {
                let here = part * size..data.len().min((part + 1) * size);
                by_index!(indices[0], indices => by_index!(a.indptr(), indptr => {
                    part_of_lines(&grid, indptr, first + here.start, &indices[here])
                }))
            });
            parts.collect()
        });
        grid.add(bands).ok_or_else(|| a.check().err().unwrap_or_else(changed))
    })?;
    grid.finish(by_columns, ctx)
}

/// Counts the entries from position `start` on, which have these indices; `None` if one is out of range.
fn part_of_lines<P: Index, I: Index>(
    grid: &CellGrid,
    indptr: &[P],
    start: usize,
    indices: &[I],
) -> Option<GridRows> {
    let base = indptr.first()?.to_usize();
    // The line of a position: the last that begins at it or before.
    let line_of = |position: usize| {
        indptr.partition_point(|p| p.to_usize().wrapping_sub(base) <= position).checked_sub(1)
    };
    let (mut line, last) = (line_of(start)?, line_of(start + indices.len().checked_sub(1)?)?);
    let width = grid.minor.count;
    let first = grid.major.of(line);
    if last < line || grid.major.of(last) >= grid.major.count {
        return None;
    }
    let mut band = grid.band(first, grid.major.of(last));
    let mut done = 0;
    while done < indices.len() {
        // All lines of one row of the grid, one after the other.
        let cell = grid.major.of(line);
        let until = grid.major.end(cell).min(indptr.len() - 1);
        let end = indptr[until].to_usize().wrapping_sub(base).checked_sub(start)?;
        let end = end.min(indices.len());
        let counts = band.counts.get_mut((cell - first) * width..)?.get_mut(..width)?;
        for index in indices.get(done..end)? {
            *counts.get_mut(grid.minor.of(index.to_usize()))? += 1;
        }
        if until <= line {
            return None;
        }
        (done, line) = (end, until);
    }
    Some(band)
}

/// As [`lines_grid`], of coordinates in any order.
pub(crate) fn coo_grid(
    a: &AnyCoo,
    (rows, cols): (usize, usize),
    ctx: &Context,
) -> Result<Vec<u64>> {
    let (nrows, ncols) = a.shape();
    let (major, minor) = (Cells::new(rows, nrows)?, Cells::new(cols, ncols)?);
    let threads = ctx.thread_count().max(1);
    let least = CellGrid::bytes(major, minor, 1, true);
    // As many parts at a time as the memory holds, since each may need the whole grid.
    let half = ctx.memory_left() / 2;
    let most = (1..=threads).rev().find(|&n| CellGrid::bytes(major, minor, n, true) <= half);
    let most = most.unwrap_or(1);
    let bytes = CellGrid::bytes(major, minor, most, true).max(least);
    ctx.check_memory("the counts", bytes)?;
    let (left, units) = (ctx.memory_left().saturating_sub(bytes), RawBuffer::pattern(a.nnz()));
    let mut panels = EntryPanels::within(left, 1, &[a.rows(), a.cols()], &units)?;
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan("counting entries in a grid").throughout(bytes);
        Ok(plan.works(a.nnz() as u64, work::COUNT_ENTRIES))
    })?;
    let _held = ctx.hold(bytes);
    let mut grid = CellGrid::new(major, minor, ctx)?;
    panels.sweep(ctx, &mut |first, indices, data| {
        let (count, size) = parts(data.len(), most);
        let bands: Vec<Option<GridRows>> = ctx.with_threads(|| {
            let parts = (0..count).into_par_iter().map(|part| {
                let here = part * size..data.len().min((part + 1) * size);
                let (rows, cols) = (indices[0].slice(here.clone()), indices[1].slice(here));
                by_index!(rows, rows => part_of_coordinates(&grid, rows, cols.typed()))
            });
            parts.collect()
        });
        let failed = || a.check_run(first, indices[0], indices[1]).err().unwrap_or_else(changed);
        grid.add(bands).ok_or_else(failed)
    })?;
    grid.finish(false, ctx)
}

fn part_of_coordinates<I: Index>(grid: &CellGrid, rows: &[I], cols: &[I]) -> Option<GridRows> {
    let (least, most) = (rows.iter().min()?, rows.iter().max()?);
    let (first, last) = (grid.major.of(least.to_usize()), grid.major.of(most.to_usize()));
    if last >= grid.major.count {
        return None;
    }
    let (mut band, width) = (grid.band(first, last), grid.minor.count);
    for (row, col) in rows.iter().zip(cols) {
        let (y, x) = (grid.major.of(row.to_usize()) - first, grid.minor.of(col.to_usize()));
        if x >= width {
            return None;
        }
        *band.counts.get_mut(y * width + x)? += 1;
    }
    Some(band)
}

/// As [`lines_grid`], of the elements of a dense matrix that are not zero.
pub(crate) fn dense_grid(
    a: &AnyDense,
    (rows, cols): (usize, usize),
    ctx: &Context,
) -> Result<Vec<u64>> {
    let by_columns = a.order() == Order::Fortran;
    let (lines, length) = a.lines();
    let (major, minor) = if by_columns { (cols, rows) } else { (rows, cols) };
    let (major, minor) = (Cells::new(major, lines)?, Cells::new(minor, length)?);
    let most = 4 * ctx.thread_count().max(1);
    let bytes = CellGrid::bytes(major, minor, most, false);
    ctx.check_memory("the counts", bytes)?;
    let left = ctx.memory_left().saturating_sub(bytes);
    let mut panels = DensePanels::once(a, (1, 1), left / 2)?;
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan("counting entries in a grid").throughout(bytes);
        Ok(plan.works(a.len() as u64, work::COUNT_ENTRIES))
    })?;
    let _held = ctx.hold(bytes);
    let mut grid = CellGrid::new(major, minor, ctx)?;
    panels.sweep(ctx, &mut |DensePanel { first, lines, offset, elements }| {
        let width = elements.len() / lines.max(1);
        let (count, size) = parts(elements.len(), most);
        let bands: Vec<Option<GridRows>> = ctx.with_threads(|| {
            let parts = (0..count).into_par_iter().map(|part| {
                let here = part * size..elements.len().min((part + 1) * size);
                let place = |k: usize| (first + k / width, offset + k % width);
                part_of_elements(&grid, here.start, elements.slice(here), &place)
            });
            parts.collect()
        });
        grid.add(bands).ok_or_else(changed)
    })?;
    grid.finish(by_columns, ctx)
}

/// Counts elements that are not zero; `place` is the line of an element and its position there.
fn part_of_elements(
    grid: &CellGrid,
    start: usize,
    elements: Raw<'_>,
    place: &dyn Fn(usize) -> (usize, usize),
) -> Option<GridRows> {
    let keep = nonzero(elements.dtype()?);
    let [first, last] = [start, start + elements.len() - 1].map(|k| grid.major.of(place(k).0));
    let (mut band, width) = (grid.band(first, last), grid.minor.count);
    let mut marks = [0; RUN];
    for done in (0..elements.len()).step_by(RUN) {
        let run = elements.slice(done..elements.len().min(done + RUN));
        let marks = &mut marks[..run.len()];
        keep.mark(run, marks);
        for k in marks.iter().enumerate().filter(|(_, mark)| **mark != 0).map(|(k, _)| k) {
            let (line, position) = place(start + done + k);
            let (y, x) = (grid.major.of(line) - first, grid.minor.of(position));
            *band.counts.get_mut(y * width + x)? += 1;
        }
    }
    Some(band)
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the matrix changed while it was read")
}
