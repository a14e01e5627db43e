//! One pass over a sparse matrix for a result per row or per column: along the stored lines, each separately, or across
//! them, where every column takes its entries in the order of the lines.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::algebra::{Coding, Values};
use crate::linalg::kernels::Columns;
use crate::sparse::{
    AnyCompressed, CheckedLines, CheckedPanel, CheckedPanels, LineSplit, by_index, by_index_type,
    partition, rises,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::work;
use crate::storage::{Context, Entry, Held, Index, Running, SparseFormat};

/// A part of a line that is not the last has a multiple of this many entries.
pub(crate) const RUN: usize = 1 << 12;

/// Entries of a task.
const TASK: usize = 1 << 14;

/// Lines whose ends are read together.
const BLOCK: usize = 128;

/// A pass over entries as numbers of type `V`, ready to begin: planned, with its memory held.
pub(crate) struct LinePass<'a, V: Entry> {
    matrix: &'a AnyCompressed,
    decode: Coding<V>,
    lines: CheckedPanels,
    /// Whether a position that has several entries is an error.
    distinct: bool,
    _running: Running,
    _held: Held,
}

impl<'a, V: Entry> LinePass<'a, V> {
    /// A pass for results of `bytes` bytes, `along` the stored axis or across it. Ends here if it was only planned.
    pub(crate) fn new(
        operation: &'static str,
        numbers: (&'a AnyCompressed, Coding<V>),
        (along, bytes): (bool, u64),
        ctx: &Context,
    ) -> Result<Self> {
        Self::begin(operation, numbers, (along, true), bytes, ctx)
    }

    /// As [`new`](Self::new), for results that take every entry of a position with several.
    pub(crate) fn with_duplicates(
        operation: &'static str,
        numbers: (&'a AnyCompressed, Coding<V>),
        (along, bytes): (bool, u64),
        ctx: &Context,
    ) -> Result<Self> {
        Self::begin(operation, numbers, (along, false), bytes, ctx)
    }

    fn begin(
        operation: &'static str,
        (matrix, decode): (&'a AnyCompressed, Coding<V>),
        (along, distinct): (bool, bool),
        bytes: u64,
        ctx: &Context,
    ) -> Result<Self> {
        ctx.check_memory("the result", bytes)?;
        let left = ctx.memory_left().saturating_sub(bytes);
        let lines = CheckedPanels::new(&[matrix], LineSplit::Runs(RUN), left, ctx)?;
        let (entries, index) = (lines.most_entries(), matrix.types().indices);
        let bins = match along {
            true => 0,
            false => {
                by_index_type!(index, I => Columns::<V, I>::bytes(entries, ctx.thread_count()))
            }
        };
        // Lines that do not rise are sorted to check that no index repeats.
        let sorted = if distinct { (entries * index.size()) as u64 } else { 0 };
        let work = bytes + bins + sorted;
        let running = ctx.begin(|| {
            let plan = lines.plan(operation).throughout(work);
            Ok(plan.works(matrix.nnz() as u64, work::SPARSE_STATISTICS))
        })?;
        let _held = ctx.hold(work);
        Ok(LinePass { matrix, decode, lines, distinct, _running: running, _held })
    }

    /// Calls `take` with the state of every stored line, the number of its earlier entries, the next entries (at least
    /// one, except for an empty line), and whether these are the last.
    pub(crate) fn along<S: Send>(
        &mut self,
        states: &mut [S],
        ctx: &Context,
        take: impl Fn(&mut S, usize, &[V], bool) + Sync,
    ) -> Result<()> {
        let (mut before, decode) = (0, self.decode);
        self.sweep(ctx, &mut |panel| {
            let part = &panel.parts[0];
            let values = Values::new(part.data, decode);
            if !(panel.opens && panel.closes) {
                before = if panel.opens { 0 } else { before };
                let (state, mut buffer) = (&mut states[panel.first], Vec::new());
                let here = (before, panel.closes);
                runs(values, 0..values.len(), &mut buffer, &mut |at, run, ends| {
                    take(state, here.0 + at, run, here.1 && ends);
                });
                before += values.len();
                return;
            }
            let mut rest = &mut states[panel.first..panel.first + part.lines()];
            let mut tasks = Vec::new();
            for lines in partition::split(part.indptr, (values.len() / TASK).max(1)) {
                let mine;
                (mine, rest) = rest.split_at_mut(lines.len());
                tasks.push((lines, mine));
            }
            tasks.into_par_iter().for_each_init(Vec::new, |buffer, (lines, states)| {
                whole_lines(part, values, lines, buffer, states, &take);
            });
        })
    }

    /// Calls `take` with the state of its column for every entry; within a column in the order of the lines.
    pub(crate) fn across<S: Send>(
        &mut self,
        states: &mut [S],
        ctx: &Context,
        take: impl Fn(&mut S, V) + Sync,
    ) -> Result<()> {
        let (entries, decode) = (self.lines.most_entries(), self.decode);
        by_index_type!(self.matrix.types().indices, I => {
            let mut columns = Columns::<V, I>::new(states.len(), entries, ctx.thread_count());
            self.sweep(ctx, &mut |panel| {
                let CheckedLines { indices, data, .. } = panel.parts[0];
                columns.fold(states, (indices.typed(), Values::new(data, decode)), &take);
            })
        })
    }

    /// Calls `take` with the state of its line, along the stored axis or across it, for every entry, in order.
    pub(crate) fn fold<S: Send + Copy>(
        &mut self,
        along: bool,
        states: &mut [S],
        ctx: &Context,
        take: impl Fn(&mut S, V) + Sync,
    ) -> Result<()> {
        match along {
            true => self.along(states, ctx, |state, _, data, _| {
                // A copy that stays in registers.
                let mut folded = *state;
                data.iter().for_each(|&x| take(&mut folded, x));
                *state = folded;
            }),
            false => self.across(states, ctx, take),
        }
    }

    /// Calls `work`, on the threads of the context, with every run of lines; fails if an index is out of range, or if a
    /// position has several entries and must not.
    fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut (dyn FnMut(&CheckedPanel<'_>) + Send),
    ) -> Result<()> {
        sweep((self.matrix, self.distinct), &mut self.lines, ctx, work)
    }
}

fn sweep(
    (matrix, distinct): (&AnyCompressed, bool),
    lines: &mut CheckedPanels,
    ctx: &Context,
    work: &mut (dyn FnMut(&CheckedPanel<'_>) + Send),
) -> Result<()> {
    let swept = lines.sweep(ctx, &mut |panel| {
        ctx.with_threads(|| {
            if !panel.parts[0].rises && distinct {
                check_distinct(&panel, matrix.format())?;
            }
            work(&panel);
            Ok(())
        })
    });
    swept.map(drop).map_err(|error| matrix.name_indices(error))
}

/// Passes on the lines in a range, each with its state. Short ones are decoded together, long ones in parts.
fn whole_lines<V: Entry, S>(
    part: &CheckedLines<'_>,
    values: Values<'_, V>,
    lines: Range<usize>,
    buffer: &mut Vec<V>,
    states: &mut [S],
    take: &impl Fn(&mut S, usize, &[V], bool),
) {
    let mut ends = [0; BLOCK + 1];
    let blocks = lines.clone().step_by(BLOCK).zip(states.chunks_mut(BLOCK));
    for (first, states) in blocks {
        let ends = &mut ends[..=states.len()];
        part.indptr.positions(first, ends);
        let (start, end) = (ends[0], ends[states.len()]);
        if end - start <= RUN || matches!(values, Values::Plain(_)) {
            let values = values.of(start..end, buffer);
            for (state, line) in states.iter_mut().zip(ends.windows(2)) {
                take(state, 0, &values[line[0] - start..line[1] - start], true);
            }
            continue;
        }
        for (state, line) in states.iter_mut().zip(ends.windows(2)) {
            runs(values, line[0]..line[1], buffer, &mut |at, run, ends| {
                take(state, at, run, ends);
            });
        }
    }
}

/// Passes on a run of entries in parts: the number of earlier entries, the entries, and whether they are the last.
fn runs<V: Entry>(
    values: Values<'_, V>,
    entries: Range<usize>,
    buffer: &mut Vec<V>,
    take: &mut dyn FnMut(usize, &[V], bool),
) {
    let Range { mut start, end } = entries;
    let before = start;
    loop {
        let next = end.min(start + RUN);
        take(start - before, values.of(start..next, buffer), next == end);
        if next == end {
            return;
        }
        start = next;
    }
}

/// Fails if a line of a run has an index twice.
fn check_distinct(panel: &CheckedPanel<'_>, format: SparseFormat) -> Result<()> {
    let part = &panel.parts[0];
    if !(panel.opens && panel.closes) {
        return Err(Error::new(
            ErrorKind::Memory,
            "a row or column with unsorted indices is too long to be searched for duplicates in memory",
        )
        .at(Location::Row(panel.first as u64))
        .remedy("raise the memory limit, or canonicalize the matrix first, which sorts on disk"));
    }
    let twice = (0..part.lines()).into_par_iter().find_map_first(|line| {
        let here = part.indptr.at(line)..part.indptr.at(line + 1);
        let index = by_index!(part.indices, indices => repeated(&indices[here]))?;
        Some((panel.first + line, index))
    });
    let Some(position) = twice else { return Ok(()) };
    let (row, col) = format.swap_if_cols(position);
    Err(Error::new(ErrorKind::Duplicate, "a position holds several entries")
        .at(Location::Row(row as u64))
        .found(format!("row {row}, column {col}"))
        .remedy("add them first, by canonicalize and Duplicates::Sum"))
}

/// The first index that occurs twice in a line, if there is one.
fn repeated<I: Index>(indices: &[I]) -> Option<usize> {
    if rises(indices) {
        return None;
    }
    let mut sorted = indices.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_usize())
}
