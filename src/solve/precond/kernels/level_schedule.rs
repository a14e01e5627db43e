//! Triangles whose rows are in levels: a row needs only rows of earlier levels, so that those of a level can be solved
//! at the same time.
//!
//! Source: Anderson and Saad, "Solving sparse triangular linear systems on parallel computers" (1989).
//!
//! The rows are stored in the order of the levels, and so are the numbers of a vector during a solve. A level is then a
//! range that threads share, and all it needs lies before it. Each row is summed in the order of its columns: the bits
//! are those of substitution row by row.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::Scalar;
use crate::solve::precond::kernels::block::{BlockRows, inverse};
use crate::solve::precond::kernels::sweeps::gather;
use crate::storage::Context;
use crate::storage::parallel::{ParallelSlice, Tasks};

/// The number of entries of a level from which on several threads share it.
const WIDE: usize = 1 << 15;

/// Rows of a task.
const TASK: usize = 512;

/// Rows between two checks of the cancel token.
const CHECK: usize = 1 << 16;

/// Which triangle of a matrix a system is solved with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Triangle {
    /// The entries on and below the diagonal: substitution from the first row on.
    Lower,
    /// The entries on and above the diagonal: substitution from the last row on.
    Upper,
}

/// A triangle of a matrix with its rows in levels.
pub(crate) struct TriangleLevels<X> {
    /// Row `k` here is row `order[k]` of the matrix.
    order: Vec<u32>,
    /// The inverse of `order`.
    place: Vec<u32>,
    /// The rows of a level that is wide, or of several narrow ones.
    runs: Vec<(Range<usize>, bool)>,
    count: usize,
    indptr: Vec<usize>,
    /// Columns, numbered as the rows are, each before its row.
    indices: Vec<u32>,
    data: Vec<X>,
    /// Empty if it is all ones.
    diagonal: Vec<X>,
}

impl<X: Scalar> TriangleLevels<X> {
    /// Brings a triangle to levels. Fails, naming the row, if the diagonal has a zero, unless it counts as ones.
    pub(crate) fn new(block: &BlockRows<'_, &[X]>, triangle: Triangle, unit: bool) -> Result<Self> {
        let n = block.len();
        let others = |row: usize| {
            let (indices, data, diagonal) = block.row(row);
            let kept = match triangle {
                Triangle::Lower => 0..diagonal,
                Triangle::Upper => diagonal + 1..indices.len(),
            };
            (&indices[kept.clone()], &data[kept])
        };
        let step = |k: usize| if triangle == Triangle::Lower { k } else { n - 1 - k };
        let mut level = vec![0u32; n];
        for row in (0..n).map(step) {
            let needed = others(row).0.iter().map(|&col| level[col as usize] + 1);
            level[row] = needed.max().unwrap_or(0);
        }
        let count = level.iter().max().map_or(0, |&last| last as usize + 1);
        // The size of each level, and where it begins.
        let mut entries = vec![0; count];
        let mut starts = vec![0; count + 1];
        for row in 0..n {
            entries[level[row] as usize] += others(row).0.len() + 1;
            starts[level[row] as usize + 1] += 1;
        }
        (0..count).for_each(|at| starts[at + 1] += starts[at]);
        let mut runs: Vec<(Range<usize>, bool)> = Vec::new();
        for at in 0..count {
            let (rows, wide) = (starts[at]..starts[at + 1], entries[at] >= WIDE);
            match runs.last_mut() {
                Some((run, false)) if !wide && run.len() < CHECK => run.end = rows.end,
                _ => runs.push((rows, wide)),
            }
        }
        let mut order = vec![0u32; n];
        if runs.iter().any(|(_, wide)| *wide) {
            for row in (0..n).map(step) {
                let next = &mut starts[level[row] as usize];
                order[*next] = row as u32;
                *next += 1;
            }
        } else {
            order.iter_mut().enumerate().for_each(|(k, row)| *row = step(k) as u32);
        }
        let mut place = level;
        order.iter().enumerate().for_each(|(k, &row)| place[row as usize] = k as u32);
        let diagonal: Vec<X> = match unit {
            true => Vec::new(),
            false => {
                let entry = |&row: &u32| block.data[block.diagonal_at(row as usize)];
                order.iter().map(entry).collect()
            }
        };
        if let Some(k) = diagonal.iter().position(|&entry| inverse(entry).is_none()) {
            let what = "the triangle has a zero or invalid entry on its diagonal";
            let rows = diagonal.iter().zip(&order).filter(|&(&entry, _)| inverse(entry).is_none());
            let first = rows.map(|(_, &row)| row).min().unwrap_or(order[k]) as usize;
            return Err(block.bad_pivot(first, block.data[block.diagonal_at(first)], what));
        }
        let total: usize = (0..n).map(|row| others(row).0.len()).sum();
        let (mut indices, mut data) = (Vec::with_capacity(total), Vec::with_capacity(total));
        let mut indptr = Vec::with_capacity(n + 1);
        indptr.push(0);
        for &row in &order {
            let (cols, values) = others(row as usize);
            indices.extend(cols.iter().map(|&col| place[col as usize]));
            data.extend_from_slice(values);
            indptr.push(indices.len());
        }
        Ok(TriangleLevels { order, place, runs, count, indptr, indices, data, diagonal })
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The number of levels.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The number of entries, with the diagonal.
    pub(crate) fn nnz(&self) -> usize {
        self.indices.len() + self.len()
    }

    /// Solves for `k` interleaved vectors, or with the adjoint; `z` is work space of their length.
    pub(crate) fn solve(
        &self,
        (adjoint, k): (bool, usize),
        b: &[X],
        (x, z): (&mut [X], &mut [X]),
        ctx: &Context,
    ) -> Result<()> {
        reorder(&self.order, k, b, z, ctx);
        match adjoint {
            false => self.substitute(k, z, ctx)?,
            true => self.substitute_back(k, z, ctx)?,
        }
        reorder(&self.place, k, z, x, ctx);
        Ok(())
    }

    fn substitute(&self, k: usize, z: &mut [X], ctx: &Context) -> Result<()> {
        for (rows, wide) in &self.runs {
            ctx.check_cancelled()?;
            if *wide {
                let (done, rest) = z.split_at_mut(rows.start * k);
                let level = &mut rest[..rows.len() * k];
                ctx.with_threads(|| {
                    level.par_chunks_mut(TASK * k).enumerate().for_each(|(task, own)| {
                        for (own, row) in own.chunks_mut(k).zip(rows.start + task * TASK..) {
                            self.finish(row, k, done, own);
                        }
                    });
                });
                continue;
            }
            for row in rows.clone() {
                let (done, own) = z.split_at_mut(row * k);
                self.finish(row, k, done, &mut own[..k]);
            }
        }
        Ok(())
    }

    /// `x = (b − Σ a x) / d` for a row whose columns are done.
    #[inline(always)]
    fn finish(&self, row: usize, k: usize, done: &[X], own: &mut [X]) {
        let entries = self.indptr[row]..self.indptr[row + 1];
        let entries = (&self.indices[entries.clone()], &self.data[entries]);
        match self.diagonal.get(row) {
            Some(&diagonal) => gather(entries, k, done, 0, own, |own, sum| (own - sum) / diagonal),
            None => gather(entries, k, done, 0, own, |own, sum| own - sum),
        }
    }

    /// With the adjoint, from the last row to the first, on the calling thread.
    fn substitute_back(&self, k: usize, z: &mut [X], ctx: &Context) -> Result<()> {
        for row in (0..self.len()).rev() {
            if row % CHECK == 0 {
                ctx.check_cancelled()?;
            }
            let (rest, own) = z.split_at_mut(row * k);
            let own = &mut own[..k];
            if let Some(diagonal) = self.diagonal.get(row) {
                own.iter_mut().for_each(|own| *own = *own / diagonal.conj());
            }
            let entries = self.indptr[row]..self.indptr[row + 1];
            for (&j, &a) in self.indices[entries.clone()].iter().zip(&self.data[entries]) {
                let to = &mut rest[j as usize * k..][..k];
                to.iter_mut().zip(&*own).for_each(|(to, &own)| *to -= a.conj() * own);
            }
        }
        Ok(())
    }
}

/// Copies row `order[i]` of `from`, of `k` numbers, to row `i` of `to`.
fn reorder<X: Scalar>(order: &[u32], k: usize, from: &[X], to: &mut [X], ctx: &Context) {
    let chunk = TASK * 8;
    ctx.with_threads(|| {
        to.par_chunks_mut(chunk * k).zip(order.par_chunks(chunk)).for_each(|(to, order)| {
            for (to, &row) in to.chunks_mut(k).zip(order) {
                to.copy_from_slice(&from[row as usize * k..][..k]);
            }
        });
    });
}
