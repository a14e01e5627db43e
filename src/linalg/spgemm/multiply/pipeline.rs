//! Rows multiplied by all threads, and passed on in order.
//!
//! ```text
//! rows -> tasks of about equal work -> iterations of some tasks
//! each iteration:  the tasks, each into its own memory  |  the previous iteration is passed on
//! ```
//!
//! The tasks of an iteration are small enough to be in the cache when they are passed on. Two iterations are in flight, so
//! that neither waits for the other, whether a file being written or a thread with more work.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::{OutOfRange, Panel};
use crate::linalg::spgemm::budget::Budget;
use crate::linalg::spgemm::kernels::{Limits, ProductRows, RowMask, RowMultiplier, RowSource};
use crate::linalg::spgemm::multiply::sink::Sink;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, Index, parallel};

/// Iterations between two reports.
const REPORTED: usize = 16;

/// Multiplies consecutive runs of rows.
pub(super) struct RowPipeline<S: Semiring, I> {
    semiring: S,
    /// Rows of the whole product, and its columns.
    shape: (usize, usize),
    /// The phase for the progress callback, and the number of iterations so far.
    phase: &'static str,
    iterations: usize,
    budget: Budget,
    limits: Limits,
    /// Idle multipliers; there are never more than threads.
    multipliers: Mutex<Vec<RowMultiplier<S, I>>>,
    /// The results of the previous iteration, with their number of tasks.
    made: Vec<ProductRows<I, S::Sum>>,
    tasks_made: usize,
    /// Buffers for the next iteration.
    spare: Vec<ProductRows<I, S::Sum>>,
}

/// Rows for one thread.
struct RowTask<'t> {
    rows: Range<usize>,
    /// The terms of each row.
    terms: &'t [usize],
    /// The entries they can have, and one for each row.
    entries: usize,
}

impl<S: Semiring, I: Index> RowPipeline<S, I> {
    /// For a product of `shape`, whose progress is reported as `phase`.
    pub(super) fn new(
        semiring: S,
        shape: (usize, usize),
        phase: &'static str,
        budget: Budget,
        limits: Limits,
    ) -> Self {
        let lines = || (0..budget.tasks).map(|_| ProductRows::new()).collect();
        RowPipeline {
            semiring,
            shape,
            phase,
            iterations: 0,
            budget,
            limits,
            multipliers: Mutex::default(),
            made: lines(),
            tasks_made: 0,
            spare: lines(),
        }
    }

    /// The rows of A times B to `sink`; the last of them when [`flush`](Self::flush) is called.
    ///
    /// With a mask, only the positions that it keeps. `terms` gives the terms of a row, and `out_of_range` the error for a
    /// bad pointer or index.
    pub(super) fn rows<'a>(
        &mut self,
        (a, b): (Panel<'a, S::Left, I>, impl RowSource<'a, S::Right, I>),
        mask: Option<RowMask<'_, I>>,
        terms: impl Fn(usize) -> std::result::Result<usize, OutOfRange> + Sync,
        out_of_range: impl Fn() -> Error,
        sink: &mut dyn Sink<I, S::Sum>,
        ctx: &Context,
    ) -> Result<()> {
        for start in (0..a.nrows()).step_by(self.budget.block) {
            let block = start..a.nrows().min(start + self.budget.block);
            let counted = ctx.with_threads(|| {
                let terms = block.clone().into_par_iter().with_min_len(512).map(&terms);
                terms.collect::<std::result::Result<Vec<usize>, OutOfRange>>()
            });
            let terms = counted.map_err(|OutOfRange| out_of_range())?;
            let row = a.first_row() + block.start;
            let tasks = self.cut(block, &terms);
            for tasks in self.iterations(&tasks) {
                self.report(row, ctx)?;
                let RowPipeline { semiring, shape, limits, multipliers, made, spare, .. } = self;
                let makers =
                    Makers { semiring: *semiring, columns: shape.1, limits: *limits, multipliers };
                let made = &made[..self.tasks_made];
                let (handed, made) = ctx.with_threads(|| {
                    parallel::join(|| sink.lines(made), || makers.make((a, b), mask, tasks, spare))
                });
                handed?;
                made.map_err(|OutOfRange| out_of_range())?;
                self.turn(tasks.len());
            }
        }
        Ok(())
    }

    /// Reports from time to time how many rows are done.
    fn report(&mut self, rows: usize, ctx: &Context) -> Result<()> {
        self.iterations += 1;
        match self.iterations.is_multiple_of(REPORTED) {
            true => ctx.report(self.phase, rows as u64, self.shape.0 as u64),
            false => ctx.check_cancelled(),
        }
    }

    /// Passes on the last iteration.
    pub(super) fn flush(&mut self, sink: &mut dyn Sink<I, S::Sum>, ctx: &Context) -> Result<()> {
        ctx.with_threads(|| sink.lines(&self.made[..self.tasks_made]))?;
        self.turn(0);
        Ok(())
    }

    /// Releases all memory, after everything was passed on.
    pub(super) fn release(&mut self) {
        debug_assert_eq!(self.tasks_made, 0);
        self.multipliers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.made.iter_mut().chain(&mut self.spare).for_each(|lines| *lines = ProductRows::new());
    }

    /// Switches to the next iteration of `tasks` tasks, after the previous one was passed on.
    fn turn(&mut self, tasks: usize) {
        for lines in &mut self.made[..self.tasks_made] {
            lines.clear(self.budget.task);
        }
        std::mem::swap(&mut self.made, &mut self.spare);
        self.tasks_made = tasks;
    }

    /// Cuts rows with these numbers of terms into tasks of about equal work.
    fn cut<'t>(&self, rows: Range<usize>, terms: &'t [usize]) -> Vec<RowTask<'t>> {
        let mut tasks = Vec::new();
        let (mut start, mut work, mut entries) = (0, 0, 0);
        let task = |start: usize, end: usize, entries| RowTask {
            rows: rows.start + start..rows.start + end,
            terms: &terms[start..end],
            entries,
        };
        for (n, &terms) in terms.iter().enumerate() {
            if work > 0 && terms.saturating_add(work) >= self.budget.task {
                tasks.push(task(start, n, entries));
                (start, work, entries) = (n, 0, 0);
            }
            // An empty row is work too.
            work = terms.saturating_add(work + 1);
            entries += terms.min(self.shape.1) + 1;
        }
        tasks.push(task(start, terms.len(), entries));
        tasks
    }

    /// Cuts tasks into iterations that fit.
    fn iterations<'c, 't>(
        &self,
        tasks: &'c [RowTask<'t>],
    ) -> impl Iterator<Item = &'c [RowTask<'t>]> + use<'c, 't, S, I> {
        let (most_tasks, most_entries) = (self.budget.tasks, self.budget.in_flight);
        let mut rest = tasks;
        std::iter::from_fn(move || {
            let mut entries = 0;
            let fit = rest.iter().take(most_tasks).take_while(|task| {
                entries += task.entries;
                entries <= most_entries
            });
            let tasks;
            (tasks, rest) = rest.split_at(fit.count().max(1).min(rest.len()));
            (!tasks.is_empty()).then_some(tasks)
        })
    }
}

/// The state shared by all threads while they multiply.
struct Makers<'m, S: Semiring, I> {
    semiring: S,
    columns: usize,
    limits: Limits,
    multipliers: &'m Mutex<Vec<RowMultiplier<S, I>>>,
}

impl<S: Semiring, I: Index> Makers<'_, S, I> {
    fn make<'a>(
        &self,
        (a, b): (Panel<'a, S::Left, I>, impl RowSource<'a, S::Right, I>),
        mask: Option<RowMask<'_, I>>,
        tasks: &[RowTask<'_>],
        lines: &mut [ProductRows<I, S::Sum>],
    ) -> std::result::Result<(), OutOfRange> {
        let tasks = tasks.par_iter().zip(lines).with_max_len(1);
        tasks.try_for_each(|(task, lines)| {
            let mut multiplier = self.take();
            let rows = a.rows(task.rows.clone());
            lines.reserve_exact(task.entries);
            multiplier.rows(rows, task.terms, b, self.columns, mask, lines)?;
            self.multipliers.lock().unwrap_or_else(PoisonError::into_inner).push(multiplier);
            Ok(())
        })
    }

    fn take(&self) -> RowMultiplier<S, I> {
        let spare = self.multipliers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| RowMultiplier::new(self.semiring, self.limits))
    }
}
