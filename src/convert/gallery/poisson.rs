//! The finite-difference Laplacian on a grid of one, two or three dimensions: the classic PDE matrix.

use std::ops::Range;

use crate::convert::gallery::filling::{Positions, RowBuffers};
use crate::convert::gallery::formula::{Formula, generate};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCompressed, Csr, Types, by_index_mut};
use crate::storage::raw::{Carrier, Raw, by_width, carriers_mut};
use crate::storage::work;
use crate::storage::{Context, Element, Index, Place};

impl<T: Element + From<i8>, I: Index, P: Index> Csr<T, I, P> {
    /// The negative Laplacian on a regular grid with zero boundary values, times the square of the grid width:
    /// `2d` on the diagonal and `-1` for each neighbour in the `d` dimensions of `grid`, of which the last varies
    /// fastest. Symmetric and positive definite.
    ///
    /// Cost: one sequential write of the arrays, made on all threads; nothing is read. Memory: the result, or 32 MiB
    /// and the write buffers if it goes to a file.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::poisson(&[10, 10, 10], Place::Memory, &Context::new())?;
    /// assert_eq!((a.nrows(), a.nnz()), (1000, 7 * 1000 - 6 * 100));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn poisson(grid: &[usize], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let grid = Grid::new(grid)?;
        let weights = [T::from(-1), T::from(2 * grid.dimensions as i8)];
        let formula = Poisson { grid, weights: Raw::of(&weights) };
        let what = ((grid.points, grid.points), Types::of::<T, I, P>(), &formula as &dyn Formula);
        generate("Poisson matrix", what, work::POISSON, &place.into(), ctx)
            .map(AnyCompressed::into_typed)
    }
}

/// The matrix of a grid, with the weights of a neighbour and of the point.
struct Poisson<'a> {
    grid: Grid,
    weights: Raw<'a>,
}

impl Formula for Poisson<'_> {
    fn is_exact(&self) -> bool {
        true
    }

    fn expected(&self) -> usize {
        self.grid.entries_before(self.grid.points)
    }

    fn least(&self) -> usize {
        self.expected()
    }

    fn most(&self) -> usize {
        1 + 2 * self.grid.dimensions
    }

    fn count(&self, rows: Range<usize>) -> usize {
        self.grid.entries_before(rows.end) - self.grid.entries_before(rows.start)
    }

    fn fill(&self, rows: Range<usize>, buffers: RowBuffers<'_>) {
        let RowBuffers { start, ends, indices, data } = buffers;
        let of_rows = (rows, start, Positions::new(ends));
        by_index_mut!(indices, indices => by_width!(data.width(), W => {
            fill::<_, W>(&self.grid, self.weights.carriers(), of_rows, (indices, carriers_mut(data)))
        }));
    }
}

fn fill<I: Index, const W: usize>(
    grid: &Grid,
    weights: &[Carrier<W>],
    (rows, start, mut ends): (Range<usize>, usize, Positions<'_>),
    (indices, data): (&mut [I], &mut [Carrier<W>]),
) {
    let mut next = 0;
    for row in rows {
        grid.neighbours(row, |col| {
            indices[next] = I::from_usize(col);
            data[next] = weights[usize::from(col == row)];
            next += 1;
        });
        ends.push(start + next);
    }
    ends.flush();
}

/// A grid of up to three dimensions, padded to three with ones in front.
#[derive(Clone, Copy)]
struct Grid {
    extents: [usize; 3],
    /// Dimensions that were given; each adds 2 to the diagonal.
    dimensions: usize,
    points: usize,
}

impl Grid {
    fn new(grid: &[usize]) -> Result<Self> {
        if grid.is_empty() || grid.len() > 3 {
            return Err(Error::shape("the grid", "1, 2 or 3 dimensions", grid.len()));
        }
        let mut extents = [1; 3];
        extents[3 - grid.len()..].copy_from_slice(grid);
        let points =
            extents.iter().try_fold(7usize, |product, &n| product.checked_mul(n)).ok_or_else(
                || Error::new(ErrorKind::Shape, "the grid is too large").found(format!("{grid:?}")),
            )? / 7;
        Ok(Grid { extents, dimensions: grid.len(), points })
    }

    /// Entries stored in the rows before `row`: one per point, two per dimension, less those across the boundary.
    fn entries_before(&self, row: usize) -> usize {
        if self.points == 0 {
            return 0;
        }
        let [_, ny, nx] = self.extents;
        let mut entries = row * (1 + 2 * self.dimensions);
        let mut stride = 1;
        for extent in [nx, ny, self.extents[0]].into_iter().take(self.dimensions) {
            // Points before `row` whose coordinate along this axis is the first, and the last.
            let (full, rest) = (row / (stride * extent).max(1), row % (stride * extent).max(1));
            let first = full * stride + rest.min(stride);
            let last = full * stride + rest.saturating_sub(stride * (extent.max(1) - 1));
            entries -= first + last;
            stride *= extent;
        }
        entries
    }

    /// Calls `entry` with the column of every stored entry of a row, columns rising.
    fn neighbours(&self, row: usize, mut entry: impl FnMut(usize)) {
        let [nz, ny, nx] = self.extents;
        let (x, y, z) = (row % nx, row / nx % ny, row / (nx * ny));
        let plane = nx * ny;
        let below = [(z > 0, plane), (y > 0, nx), (x > 0, 1)];
        let above = [(x + 1 < nx, 1), (y + 1 < ny, nx), (z + 1 < nz, plane)];
        below.iter().filter(|(inside, _)| *inside).for_each(|(_, step)| entry(row - step));
        entry(row);
        above.iter().filter(|(inside, _)| *inside).for_each(|(_, step)| entry(row + step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_what_is_written() {
        for grid in [&[5][..], &[1], &[4, 3], &[1, 6], &[3, 4, 5], &[2, 1, 3], &[0, 3]] {
            let grid = Grid::new(grid).unwrap();
            let mut entries = 0;
            for row in 0..grid.points {
                assert_eq!(grid.entries_before(row), entries);
                grid.neighbours(row, |_| entries += 1);
            }
            assert_eq!(grid.entries_before(grid.points), entries);
        }
    }
}
