//! The columns that runs of rows touch: needed by a parallel scatter beforehand.
//!
//! Finding them exactly takes a read of all indices, a third of a product's bytes. Usually a few rows of each run
//! suffice, and the scatter itself detects a wrong guess: every task reads all indices of the runs that it processes
//! anyway.

use std::ops::Range;

use crate::linalg::kernels::panel::{OutOfRange, Panel};
use crate::linalg::kernels::processor;
use crate::storage::Index;
use crate::storage::parallel::{IntoTasks, Tasks};

/// Maximum runs of a panel; beyond it they grow longer.
const MOST_RUNS: usize = 1 << 14;

/// Rows of a run that a guess samples, and entries at either end of each.
const ROWS: usize = 16;
const ENDS: usize = 8;

/// Runs of rows, each with the columns that it touches.
pub(super) struct Windows {
    ncols: usize,
    runs: Vec<WindowRun>,
}

pub(super) struct WindowRun {
    pub(super) rows: Range<usize>,
    /// The columns between the least and the largest, and once widened those of the owners that process the run.
    pub(super) columns: Range<usize>,
    /// One past the largest.
    pub(super) end: usize,
    cost: usize,
}

impl Windows {
    /// Reads all indices of the panel, on all threads; fails if one is out of range.
    ///
    /// A few numbers for every `run` rows and entries, at most 16,384 times.
    pub(super) fn find<I: Index>(a: Panel<'_, (), I>, run: usize) -> Result<Self, OutOfRange> {
        Self::of_runs(a, run, WindowRun::find)
    }

    /// Samples some rows of every run, and extends their columns a little to the left and to the right.
    ///
    /// Fails if a pointer is out of order; the indices are still to be checked.
    pub(super) fn guess<I: Index>(a: Panel<'_, (), I>, run: usize) -> Result<Self, OutOfRange> {
        Self::of_runs(a, run, WindowRun::guess)
    }

    fn of_runs<'a, I: Index>(
        a: Panel<'a, (), I>,
        run: usize,
        look: impl Fn(Panel<'a, (), I>, Range<usize>) -> Result<WindowRun, OutOfRange> + Sync,
    ) -> Result<Self, OutOfRange> {
        let parts = (a.cost() / run).clamp(1, MOST_RUNS);
        let rows = a.split(parts).into_par_iter();
        let runs: Result<Vec<WindowRun>, OutOfRange> = rows.map(|rows| look(a, rows)).collect();
        Ok(Windows { ncols: a.ncols(), runs: runs? })
    }

    /// Ranges of columns for the most worthwhile number of owners, or `None` if bins are cheaper.
    pub(super) fn owners(&self, threads: usize) -> Option<Vec<Range<usize>>> {
        let total: usize = self.runs.iter().map(|run| run.cost).sum();
        // More owners balance better; but the runs that cross a boundary are read by both sides.
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

    /// Widens every run's columns to those of all owners that it intersects: an index among them is added by one of
    /// these, whatever the guess for the run was.
    pub(super) fn widen(&mut self, owners: &[Range<usize>]) {
        for run in &mut self.runs {
            let mut met = owners.iter().filter(|owner| meets(run, owner));
            let first = met.next().cloned().unwrap_or(0..0);
            run.columns = first.start..met.next_back().map_or(first.end, |last| last.end);
        }
    }

    pub(super) fn meeting(&self, owner: &Range<usize>) -> impl Iterator<Item = &WindowRun> {
        self.runs.iter().filter(|run| meets(run, owner))
    }

    /// `count` ranges of columns, together all columns, with about equal cost if the cost of a run were in the middle
    /// of its window.
    fn cut_columns(&self, total: usize, count: usize) -> Vec<Range<usize>> {
        let middle = |run: &WindowRun| run.columns.start + run.columns.len() / 2;
        let mut middles: Vec<_> = self.runs.iter().map(|run| (middle(run), run.cost)).collect();
        middles.sort_unstable();
        let mut owners = Vec::with_capacity(count);
        let (mut start, mut spent) = (0, 0);
        for (column, cost) in middles {
            spent += cost;
            let full = spent >= total / count * (owners.len() + 1);
            if full && start < column && column < self.ncols && owners.len() + 1 < count {
                owners.push(start..column);
                start = column;
            }
        }
        owners.push(start..self.ncols);
        owners
    }
}

fn meets(run: &WindowRun, owner: &Range<usize>) -> bool {
    run.columns.start < owner.end && owner.start < run.columns.end
}

impl WindowRun {
    fn find<I: Index>(a: Panel<'_, (), I>, rows: Range<usize>) -> Result<WindowRun, OutOfRange> {
        let run = a.rows(rows.clone());
        let (start, end) = (run.row(0)?.start, run.row(run.nrows() - 1)?.end);
        let indices = a.indices.get(start..end).ok_or(OutOfRange)?;
        let columns = match bounds(indices) {
            None => 0..a.ncols().min(1),
            Some((least, largest)) if largest < a.columns() => least..largest + 1,
            Some(_) => return Err(OutOfRange),
        };
        Ok(WindowRun { cost: indices.len() + rows.len(), rows, end: columns.end, columns })
    }

    /// Other rows of a grid or a band touch the columns of the sampled ones, shifted.
    fn guess<I: Index>(a: Panel<'_, (), I>, rows: Range<usize>) -> Result<WindowRun, OutOfRange> {
        let run = a.rows(rows.clone());
        let entries = run.row(0)?.start..run.row(run.nrows() - 1)?.end;
        let mut seen: Option<Range<usize>> = None;
        for sample in 0..ROWS {
            let i = (run.nrows() - 1) * sample / (ROWS - 1);
            let range = run.row(i)?;
            let (left, right) = (i, run.nrows() - 1 - i);
            let ends = range.clone().take(ENDS).chain(range.rev().take(ENDS));
            for j in ends.map(|n| a.indices[n].to_usize()) {
                let (from, to) = (j.saturating_sub(left), j.saturating_add(right + 1));
                let all = seen.get_or_insert(from..to);
                *all = all.start.min(from)..all.end.max(to);
            }
        }
        // A run without samples is processed by the owner of the first column, even if it seems to be empty: its
        // pointers are still to be checked.
        let seen = seen.unwrap_or(0..1);
        let more = seen.len() / 16;
        let columns = seen.start.saturating_sub(more).min(a.ncols().saturating_sub(1))
            ..seen.end.saturating_add(more).min(a.ncols());
        Ok(WindowRun { cost: entries.len() + rows.len(), rows, end: columns.end, columns })
    }
}

/// The least and the largest index.
pub(crate) fn bounds<I: Index>(indices: &[I]) -> Option<(usize, usize)> {
    if let Some(bounds) = processor::bounds(indices) {
        return Some(bounds);
    }
    let (first, rest) = indices.split_first()?;
    let both = |(least, largest): (I, I), index: &I| (least.min(*index), largest.max(*index));
    let (least, largest) = rest.iter().fold((*first, *first), both);
    Some((least.to_usize(), largest.to_usize()))
}
