//! One pass over a sparse matrix for something of every row or of every column: of the stored lines each by itself, or of
//! the columns across them, which take the entries in the order of the lines.

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::kernels::{Columns, rises};
use crate::sparse::partition;
use crate::sparse::{
    Axis, Compressed, IndexCheck, Indices, LinePart, Pieces, ZippedLines, ZippedPanel,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Context, Entry, Held, Index, Plan, Running};

/// A piece of a line that is not the last has a multiple of so many entries.
pub(crate) const RUN: usize = 1 << 12;

/// Entries of a task.
const TASK: usize = 1 << 14;

/// Nanoseconds an entry takes one thread.
const WORK: f64 = 4.0;

/// A pass that is about to begin: planned, its memory taken.
pub(crate) struct LinePass<'a, T: Entry, I: Index, P: Index, A: Axis> {
    matrix: &'a Compressed<T, I, P, A>,
    lines: ZippedLines<T, I, P, A>,
    _running: Running,
    _held: Held,
}

impl<'a, T: Entry, I: Index, P: Index, A: Axis> LinePass<'a, T, I, P, A> {
    /// A pass for results of `bytes` bytes, `along` the stored axis or across it. Ends here if it was only planned.
    pub(crate) fn new(
        operation: &'static str,
        matrix: &'a Compressed<T, I, P, A>,
        along: bool,
        bytes: u64,
        ctx: &Context,
    ) -> Result<Self> {
        ctx.check_memory("the result", bytes)?;
        let budget = ZippedLines::<T, I, P, A>::budget(ctx.memory_left().saturating_sub(bytes));
        let lines = ZippedLines::new(&[matrix], Pieces::Runs(RUN), budget, ctx)?;
        let entries = lines.most_entries();
        let bins = if along { 0 } else { Columns::<T, I>::bytes(entries, ctx.thread_count()) };
        // Lines that do not rise are sorted to see that no index repeats.
        let work = bytes + bins + (entries * size_of::<I>()) as u64;
        let running = ctx.begin(|| {
            let plan = Plan::new(operation).on_device_of(matrix.indices().file());
            let plan = plan.reads(1, lines.bytes_to_read()).holds(lines.memory() + work);
            Ok(plan.works(matrix.nnz() as u64, WORK))
        })?;
        Ok(LinePass { matrix, lines, _running: running, _held: ctx.hold(work) })
    }

    /// Calls `take` with the state of every stored line, how many of its entries came before, the values of the next ones,
    /// and whether these are the last.
    pub(crate) fn along<S: Send>(
        &mut self,
        states: &mut [S],
        ctx: &Context,
        take: impl Fn(&mut S, usize, &[T], bool) + Sync,
    ) -> Result<()> {
        let mut before = 0;
        self.sweep(ctx, &mut |panel| {
            let part = &panel.parts[0];
            if !(panel.opens && panel.closes) {
                before = if panel.opens { 0 } else { before };
                take(&mut states[panel.first], before, part.data, panel.closes);
                before += part.data.len();
                return;
            }
            let lines = part.indptr.len() - 1;
            let mut rest = &mut states[panel.first..panel.first + lines];
            let mut tasks = Vec::new();
            for lines in
                partition::split(Indices::new(part.indptr), (part.data.len() / TASK).max(1))
            {
                let mine;
                (mine, rest) = rest.split_at_mut(lines.len());
                tasks.push((lines, mine));
            }
            tasks.into_par_iter().for_each(|(lines, states)| {
                let each = lines.zip(states);
                each.for_each(|(line, state)| take(state, 0, part.line(line).1, true));
            });
        })
    }

    /// Calls `take` with the state of its column for every entry; of a column in the order of the lines.
    pub(crate) fn across<S: Send>(
        &mut self,
        states: &mut [S],
        ctx: &Context,
        take: impl Fn(&mut S, T) + Sync,
    ) -> Result<()> {
        let entries = self.lines.most_entries();
        let mut columns = Columns::new(states.len(), entries, ctx.thread_count());
        self.sweep(ctx, &mut |panel| {
            let LinePart { indices, data, .. } = panel.parts[0];
            columns.fold(states, (indices, data), &take);
        })
    }

    /// Calls `take` with the state of its line, along the stored axis or across it, for every entry, in order.
    pub(crate) fn fold<S: Send>(
        &mut self,
        along: bool,
        states: &mut [S],
        ctx: &Context,
        take: impl Fn(&mut S, T) + Sync,
    ) -> Result<()> {
        match along {
            true => self.along(states, ctx, |state, _, data, _| {
                data.iter().for_each(|&x| take(state, x));
            }),
            false => self.across(states, ctx, take),
        }
    }

    /// Calls `work`, on the threads of the context, with every run of lines; fails if an index is out of range, or if a
    /// position holds several entries.
    fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut (dyn FnMut(&ZippedPanel<'_, T, I, P>) + Send),
    ) -> Result<()> {
        let LinePass { matrix, lines, .. } = self;
        let mut check = IndexCheck::new(matrix);
        let swept = lines.sweep(ctx, &mut |panel| {
            ctx.with_threads(|| {
                if !check.take(&panel, 0)? {
                    check_distinct::<T, I, P, A>(&panel)?;
                }
                work(&panel);
                Ok(())
            })
        });
        swept.map_err(|error| matrix.name_indices(error))
    }
}

/// Fails if a line of a run holds an index twice.
fn check_distinct<T: Entry, I: Index, P: Index, A: Axis>(
    panel: &ZippedPanel<'_, T, I, P>,
) -> Result<()> {
    let part = &panel.parts[0];
    if !(panel.opens && panel.closes) {
        return Err(Error::new(
            ErrorKind::Memory,
            "a line that does not rise is too long to be searched for duplicates in memory",
        )
        .at(Location::Row(panel.first as u64))
        .remedy(
            "raise the memory limit, or go by to_coo and Duplicates::Sum, which sort on disk",
        ));
    }
    let twice = (0..part.indptr.len() - 1).into_par_iter().find_map_first(|line| {
        let (indices, _) = part.line(line);
        if rises(indices) {
            return None;
        }
        let mut sorted = indices.to_vec();
        sorted.sort_unstable();
        let twice = sorted.windows(2).find(|pair| pair[0] == pair[1])?;
        Some((panel.first + line, twice[0].to_usize()))
    });
    let Some(position) = twice else { return Ok(()) };
    let (row, col) = A::swap_if_cols(position);
    Err(Error::new(ErrorKind::Duplicate, "a position holds several entries")
        .at(Location::Row(row as u64))
        .found(format!("row {row}, column {col}"))
        .remedy("sum them first, by to_coo and Duplicates::Sum"))
}
