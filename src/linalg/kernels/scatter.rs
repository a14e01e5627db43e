//! Scatter: every stored row of a compressed matrix adds to the outputs that its indices name.
//!
//! ```text
//! y = beta * y
//! for each row i:
//!     for each entry (j, a) of row i:  y[j] += a * (alpha * x[i])
//! ```
//!
//! Every output takes its terms in the order of the rows, whatever the number of threads: the bits of the result are
//! those of the loop above. Two parallel methods keep that order, and which of them runs cannot be told from the result.
//!
//! 1. *Owners*, for banded and mesh matrices. The rows are cut into runs, and the window of columns that each run touches
//!    is found first. Every task owns a range of columns, passes through the runs whose windows meet it, in order, and
//!    leaves out the entries of others. Where windows are narrow beside the ranges, only few runs meet two owners. No
//!    memory beyond the windows.
//! 2. *Bins*, for graphs, where every window is the whole width: see `scatter_bins.rs`.
//!
//! Finding the windows reads the indices once more, a third of a product's bytes. A caller with many products of one
//! matrix finds them once with [`Windows::find`] and hands them in.

use std::ops::Range;

use rayon::prelude::*;

use super::compressed::SMALL;
use super::panel::{Fault, Panel};
use super::processor;
use super::scatter_bins;
use super::scatter_rows::{add, outputs_of};
use super::update::{Entries, Update, check_len};
use crate::error::{Error, Result};
use crate::linalg::{Factor, Scalar, partition};
use crate::storage::Index;

/// Rows and entries of a run whose window is found; small in tests, so that they see many runs.
const RUN: usize = if cfg!(test) { 16 } else { 1 << 15 };

/// Most runs of a panel; beyond it they grow longer.
const MOST_RUNS: usize = 1 << 14;

/// The columns that each of some runs of rows touches: what a parallel scatter wants to know beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    shape: (usize, usize),
    runs: Vec<Run>,
}

#[derive(Clone, Debug)]
struct Run {
    rows: Range<usize>,
    columns: Range<usize>,
    cost: usize,
}

impl Windows {
    /// Reads all indices of the panel, on all threads; fails if one is out of range.
    ///
    /// A few numbers for every 32,768 entries, at most 16,384 times.
    pub(crate) fn find<T: Sync, I: Index, P: Index>(a: Panel<'_, T, I, P>) -> Result<Self> {
        let parts = (partition::cost(a.indptr) / RUN).clamp(1, MOST_RUNS);
        let rows = partition::split(a.indptr, parts);
        let runs: std::result::Result<Vec<Run>, Fault> =
            rows.into_par_iter().map(|rows| Run::find(a, rows)).collect();
        let shape = (a.nrows(), a.ncols());
        runs.map(|runs| Windows { shape, runs }).map_err(|Fault| a.fault())
    }

    /// Ranges of columns for as many owners as pay, or `None` if bins are cheaper.
    fn owners(&self, threads: usize) -> Option<Vec<Range<usize>>> {
        let total: usize = self.runs.iter().map(|run| run.cost).sum();
        // More owners balance better; each boundary between two makes the runs that meet it be read by both.
        [(4 * threads, 1.06), (2 * threads, 1.1), (threads, 1.3)].into_iter().find_map(
            |(count, limit)| {
                let owners = self.cut_columns(total, count);
                let meeting = |owner: &Range<usize>| -> usize {
                    self.meeting(owner).map(|run| run.cost).sum()
                };
                let spent: usize = owners.iter().map(meeting).sum();
                (spent as f64 <= limit * total as f64).then_some(owners)
            },
        )
    }

    /// `count` ranges of columns, together all of them, with about equal cost if a run's cost lay in its window's middle.
    fn cut_columns(&self, total: usize, count: usize) -> Vec<Range<usize>> {
        let middle = |run: &Run| run.columns.start + run.columns.len() / 2;
        let mut middles: Vec<_> = self.runs.iter().map(|run| (middle(run), run.cost)).collect();
        middles.sort_unstable();
        let mut owners = Vec::with_capacity(count);
        let (mut start, mut spent) = (0, 0);
        for (column, cost) in middles {
            spent += cost;
            let full = spent >= total / count * (owners.len() + 1);
            if full && start < column && column < self.shape.1 && owners.len() + 1 < count {
                owners.push(start..column);
                start = column;
            }
        }
        owners.push(start..self.shape.1);
        owners
    }

    fn meeting(&self, owner: &Range<usize>) -> impl Iterator<Item = &Run> {
        let meets = |run: &&Run| run.columns.start < owner.end && owner.start < run.columns.end;
        self.runs.iter().filter(meets)
    }
}

impl Run {
    fn find<T, I: Index, P: Index>(
        a: Panel<'_, T, I, P>,
        rows: Range<usize>,
    ) -> std::result::Result<Run, Fault> {
        let run = a.rows(rows.clone());
        let (start, end) = (run.row(0)?.start, run.row(run.nrows() - 1)?.end);
        let indices = a.indices.get(start..end).ok_or(Fault)?;
        let columns = match bounds(indices) {
            None => 0..0,
            Some((least, largest)) if largest < a.columns() => least..largest + 1,
            Some(_) => return Err(Fault),
        };
        Ok(Run { cost: indices.len() + rows.len(), rows, columns })
    }
}

/// The least and the largest index.
pub(super) fn bounds<I: Index>(indices: &[I]) -> Option<(usize, usize)> {
    if let Some(bounds) = processor::bounds(indices) {
        return Some(bounds);
    }
    let (first, rest) = indices.split_first()?;
    let both = |(least, largest): (I, I), index: &I| (least.min(*index), largest.max(*index));
    let (least, largest) = rest.iter().fold((*first, *first), both);
    Some((least.to_usize(), largest.to_usize()))
}

/// Y = alpha Aᵀ X + beta Y, one pass over A and, with several threads and no `windows`, one more over its indices.
///
/// X is nrows x k and Y ncols x k, both row-major; the bits of a column of Y do not depend on the others. Fails with
/// `Shape` before anything is written, and with `Index` if a pointer or an index is out of range. The windows must be
/// those of the same panel.
pub(crate) fn scatter<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
    windows: Option<&Windows>,
) -> Result<()> {
    check_len("x", x, a.nrows(), k)?;
    check_len("y", y, a.ncols(), k)?;
    if k == 0 {
        return Ok(());
    }
    let threads = rayon::current_num_threads();
    if threads == 1 || partition::cost(a.indptr).saturating_mul(k) < SMALL {
        update.prepare(y);
        let all = 0..a.ncols();
        return add(a, entries, update.alpha, x, y, k, &all, true).map_err(|Fault| a.fault());
    }
    let found;
    let windows = match windows {
        Some(windows) if windows.shape != (a.nrows(), a.ncols()) => {
            let shape = format!("{:?}", (a.nrows(), a.ncols()));
            return Err(Error::shape("windows", shape, format!("{:?}", windows.shape)));
        }
        Some(windows) => windows,
        None => {
            found = Windows::find(a)?;
            &found
        }
    };
    match windows.owners(threads) {
        Some(owners) => add_by_owners(a, entries, update, x, y, k, (windows, owners)),
        None => {
            y.par_chunks_mut(SMALL).for_each(|y| update.prepare(y));
            scatter_bins::add(a, entries, update.alpha, x, y, k)
        }
    }
    .map_err(|Fault| a.fault())
}

fn add_by_owners<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    a: Panel<'_, T, I, P>,
    entries: Entries,
    update: Update<X>,
    x: &[X],
    y: &mut [X],
    k: usize,
    (windows, owners): (&Windows, Vec<Range<usize>>),
) -> std::result::Result<(), Fault> {
    outputs_of(owners, y, k).into_par_iter().try_for_each(|(owner, y)| {
        update.prepare(y);
        for Run { rows, columns, .. } in windows.meeting(&owner) {
            let alone = owner.start <= columns.start && columns.end <= owner.end;
            let x = &x[rows.start * k..rows.end * k];
            add(a.rows(rows.clone()), entries, update.alpha, x, y, k, &owner, alone)?;
        }
        Ok(())
    })
}
