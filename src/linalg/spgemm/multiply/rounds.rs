//! Rows multiplied by all threads, and passed on in order.
//!
//! ```text
//! rows -> chunks of about equal work -> rounds of some chunks
//! each round:  the chunks, each into its own memory  |  the previous round is passed on
//! ```
//!
//! The chunks of a round are small enough to be in the cache when they are passed on. Two rounds are in flight, so that
//! neither waits for the other, whether a file being written or a thread with more work.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::{Fault, Panel};
use crate::linalg::spgemm::budget::Budget;
use crate::linalg::spgemm::kernels::{Limits, ProductRows, RowMask, RowMultiplier, Rows};
use crate::linalg::spgemm::multiply::sink::Sink;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, Index, parallel};

/// Rounds between two reports.
const TOLD: usize = 16;

/// Multiplies consecutive runs of rows.
pub(super) struct Rounds<S: Semiring, I> {
    semiring: S,
    /// Rows of the whole product, and its columns.
    shape: (usize, usize),
    /// The phase for the progress callback, and the number of rounds so far.
    phase: &'static str,
    rounds_made: usize,
    budget: Budget,
    limits: Limits,
    /// Idle multipliers; there are never more than threads.
    multipliers: Mutex<Vec<RowMultiplier<S, I>>>,
    /// The results of the previous round, with their number of chunks.
    made: Vec<ProductRows<I, S::Sum>>,
    chunks_made: usize,
    /// Buffers for the next round.
    spare: Vec<ProductRows<I, S::Sum>>,
}

/// Rows for one thread.
struct RowsOfThread<'t> {
    rows: Range<usize>,
    /// The terms of each row.
    terms: &'t [usize],
    /// The entries they can have, and one for each row.
    entries: usize,
}

impl<S: Semiring, I: Index> Rounds<S, I> {
    /// For a product of `shape`, whose progress is reported as `phase`.
    pub(super) fn new(
        semiring: S,
        shape: (usize, usize),
        phase: &'static str,
        budget: Budget,
        limits: Limits,
    ) -> Self {
        let lines = || (0..budget.chunks).map(|_| ProductRows::new()).collect();
        Rounds {
            semiring,
            shape,
            phase,
            rounds_made: 0,
            budget,
            limits,
            multipliers: Mutex::default(),
            made: lines(),
            chunks_made: 0,
            spare: lines(),
        }
    }

    /// The rows of A times B to `sink`; the last of them when [`flush`](Self::flush) is called.
    ///
    /// With a mask, only the positions that it keeps. `terms` gives the terms of a row, and `fault` the error for a
    /// fault.
    pub(super) fn rows<'a>(
        &mut self,
        (a, b): (Panel<'a, S::Left, I>, impl Rows<'a, S::Right, I>),
        mask: Option<RowMask<'_, I>>,
        terms: impl Fn(usize) -> std::result::Result<usize, Fault> + Sync,
        fault: impl Fn() -> Error,
        sink: &mut dyn Sink<I, S::Sum>,
        ctx: &Context,
    ) -> Result<()> {
        for start in (0..a.nrows()).step_by(self.budget.block) {
            let block = start..a.nrows().min(start + self.budget.block);
            let counted = ctx.with_threads(|| {
                let terms = block.clone().into_par_iter().with_min_len(512).map(&terms);
                terms.collect::<std::result::Result<Vec<usize>, Fault>>()
            });
            let terms = counted.map_err(|Fault| fault())?;
            let row = a.first_row() + block.start;
            let chunks = self.cut(block, &terms);
            for round in self.rounds(&chunks) {
                self.tell(row, ctx)?;
                let Rounds { semiring, shape, limits, multipliers, made, spare, .. } = self;
                let makers =
                    Makers { semiring: *semiring, columns: shape.1, limits: *limits, multipliers };
                let made = &made[..self.chunks_made];
                let (handed, made) = ctx.with_threads(|| {
                    parallel::join(|| sink.lines(made), || makers.make((a, b), mask, round, spare))
                });
                handed?;
                made.map_err(|Fault| fault())?;
                self.turn(round.len());
            }
        }
        Ok(())
    }

    /// Reports from time to time how many rows are done.
    fn tell(&mut self, rows: usize, ctx: &Context) -> Result<()> {
        self.rounds_made += 1;
        match self.rounds_made.is_multiple_of(TOLD) {
            true => ctx.report(self.phase, rows as u64, self.shape.0 as u64),
            false => ctx.check_cancelled(),
        }
    }

    /// Passes on the last round.
    pub(super) fn flush(&mut self, sink: &mut dyn Sink<I, S::Sum>, ctx: &Context) -> Result<()> {
        ctx.with_threads(|| sink.lines(&self.made[..self.chunks_made]))?;
        self.turn(0);
        Ok(())
    }

    /// Releases all memory, after everything was passed on.
    pub(super) fn release(&mut self) {
        debug_assert_eq!(self.chunks_made, 0);
        self.multipliers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.made.iter_mut().chain(&mut self.spare).for_each(|lines| *lines = ProductRows::new());
    }

    /// Switches to the next round of `chunks` chunks, after the previous one was passed on.
    fn turn(&mut self, chunks: usize) {
        for lines in &mut self.made[..self.chunks_made] {
            lines.clear(self.budget.chunk);
        }
        std::mem::swap(&mut self.made, &mut self.spare);
        self.chunks_made = chunks;
    }

    /// Cuts rows with these numbers of terms into chunks of about equal work.
    fn cut<'t>(&self, rows: Range<usize>, terms: &'t [usize]) -> Vec<RowsOfThread<'t>> {
        let mut chunks = Vec::new();
        let (mut start, mut work, mut entries) = (0, 0, 0);
        let chunk = |start: usize, end: usize, entries| RowsOfThread {
            rows: rows.start + start..rows.start + end,
            terms: &terms[start..end],
            entries,
        };
        for (n, &terms) in terms.iter().enumerate() {
            if work > 0 && terms.saturating_add(work) >= self.budget.chunk {
                chunks.push(chunk(start, n, entries));
                (start, work, entries) = (n, 0, 0);
            }
            // An empty row is work too.
            work = terms.saturating_add(work + 1);
            entries += terms.min(self.shape.1) + 1;
        }
        chunks.push(chunk(start, terms.len(), entries));
        chunks
    }

    /// Cuts chunks into rounds that fit.
    fn rounds<'c, 't>(
        &self,
        chunks: &'c [RowsOfThread<'t>],
    ) -> impl Iterator<Item = &'c [RowsOfThread<'t>]> + use<'c, 't, S, I> {
        let (most_chunks, most_entries) = (self.budget.chunks, self.budget.round);
        let mut rest = chunks;
        std::iter::from_fn(move || {
            let mut entries = 0;
            let fit = rest.iter().take(most_chunks).take_while(|chunk| {
                entries += chunk.entries;
                entries <= most_entries
            });
            let round;
            (round, rest) = rest.split_at(fit.count().max(1).min(rest.len()));
            (!round.is_empty()).then_some(round)
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
        (a, b): (Panel<'a, S::Left, I>, impl Rows<'a, S::Right, I>),
        mask: Option<RowMask<'_, I>>,
        chunks: &[RowsOfThread<'_>],
        lines: &mut [ProductRows<I, S::Sum>],
    ) -> std::result::Result<(), Fault> {
        let tasks = chunks.par_iter().zip(lines).with_max_len(1);
        tasks.try_for_each(|(chunk, lines)| {
            let mut multiplier = self.take();
            let rows = a.rows(chunk.rows.clone());
            lines.reserve_exact(chunk.entries);
            multiplier.rows(rows, chunk.terms, b, self.columns, mask, lines)?;
            self.multipliers.lock().unwrap_or_else(PoisonError::into_inner).push(multiplier);
            Ok(())
        })
    }

    fn take(&self) -> RowMultiplier<S, I> {
        let spare = self.multipliers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| RowMultiplier::new(self.semiring, self.limits))
    }
}
