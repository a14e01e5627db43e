//! From compressed lines to blocks: which encoding each gets, how much room it needs, and filling it.
//!
//! ```text
//! for each block of lines, in parallel:  read its indices, find runs and the span of columns, choose
//! make the arrays
//! for each block, in parallel:           write columns and values
//! ```

use std::ops::Range;

use crate::error::Result;
use crate::linalg::compact::encoding::{Block, Compact, StoredRun, Structure};
use crate::linalg::kernels::{PIECE, Panel, SIDE, Sums, interleave};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{BufferMut, Context, Entry, Index, Meter};

/// Lines and entries of a block, at most, unless one line has more.
const LINES: usize = 1 << 12;
const ENTRIES: usize = 1 << 16;

// A line in pieces is a block of its own, and no run: the sums over runs know no pieces.
const _: () = assert!(ENTRIES <= PIECE || cfg!(test));

/// Runs pay if they hold this share of a block's entries in at least as many lines as stand side by side.
const SHARE: (usize, usize) = (3, 4);

/// A block that has been looked at.
struct Looked {
    lines: Range<usize>,
    entries: Range<usize>,
    choice: Choice,
}

enum Choice {
    Runs { runs: Vec<LookedRun>, offsets: Vec<i64>, patterns: Vec<usize>, values: usize },
    Narrow { least: usize },
    Wide,
}

/// A run: its lines, its pattern within the block, and whether all lines have the same values.
struct LookedRun {
    lines: usize,
    pattern: usize,
    repeats: bool,
}

impl<T: Entry> Compact<T> {
    /// Encodes the lines of a panel with at most 2^32 columns; `None` if that saves no bytes, or takes more than `most`.
    ///
    /// Fails if a pointer or an index is out of range. Cost: two reads of the indices and one of the values, one write of
    /// the encoding.
    pub(crate) fn encode<I: Index, P: Index>(
        panel: Panel<'_, T, I, P>,
        sums: Sums,
        most: u64,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        if panel.ncols() > u32::MAX as usize {
            return Ok(None);
        }
        let blocks = cut(panel)?;
        let looked: Vec<Option<Looked>> = ctx.with_threads(|| {
            blocks.into_par_iter().map(|(lines, entries)| look(panel, lines, entries)).collect()
        });
        ctx.check_cancelled()?;
        let Some(looked) = looked.into_iter().collect::<Option<Vec<Looked>>>() else {
            return Err(panel.fault());
        };
        let plain =
            size_of_val(panel.indptr) + size_of_val(panel.indices) + size_of_val(panel.values);
        // Pages of new arrays are taken when they are written to, so that a look at their size costs nothing.
        let mut compact = room(panel, sums, &looked, ctx.meter())?;
        if compact.bytes() > most.min(plain as u64 / 16 * 15) {
            return Ok(None);
        }
        ctx.with_threads(|| fill(panel, &looked, &mut compact));
        Ok(Some(compact))
    }
}

/// Lines in blocks, with the entries of each.
fn cut<T: Entry, I: Index, P: Index>(
    panel: Panel<'_, T, I, P>,
) -> Result<Vec<(Range<usize>, Range<usize>)>> {
    let (mut blocks, mut start) = (Vec::new(), 0);
    let mut open = 0..0;
    for line in 0..panel.nrows() {
        let Ok(range) = panel.row(line) else { return Err(panel.fault()) };
        let full = line - start >= LINES || range.end - open.start > ENTRIES;
        if full && line > start {
            blocks.push((start..line, open.clone()));
            (start, open) = (line, range.start..range.start);
        }
        if range.start != open.end {
            return Err(panel.fault());
        }
        open.end = range.end;
    }
    if start < panel.nrows() {
        blocks.push((start..panel.nrows(), open));
    }
    Ok(blocks)
}

/// Chooses the encoding of a block; `None` if an index is out of range.
fn look<T: Entry, I: Index, P: Index>(
    panel: Panel<'_, T, I, P>,
    lines: Range<usize>,
    entries: Range<usize>,
) -> Option<Looked> {
    let indices = &panel.indices[entries.clone()];
    let (mut least, mut largest) = (usize::MAX, 0);
    for index in indices {
        least = least.min(index.to_usize());
        largest = largest.max(index.to_usize());
    }
    if !indices.is_empty() && largest >= panel.columns() {
        return None;
    }
    let choice = find_runs(panel, &lines).unwrap_or(match largest.saturating_sub(least) {
        0..=0xffff => Choice::Narrow { least: least.min(largest) },
        _ => Choice::Wide,
    });
    Some(Looked { lines, entries, choice })
}

/// The runs of a block, if they hold most of it.
fn find_runs<T: Entry, I: Index, P: Index>(
    panel: Panel<'_, T, I, P>,
    lines: &Range<usize>,
) -> Option<Choice> {
    let line = |i: usize| panel.row(i).ok();
    let (mut runs, mut offsets, mut patterns) = (Vec::<LookedRun>::new(), Vec::new(), Vec::new());
    let (mut held, mut total, mut values) = (0, 0, 0);
    let mut i = lines.start;
    while i < lines.end {
        let first = line(i)?;
        let width = first.len();
        let (mut length, mut repeats) = (1, true);
        let mut last = first.clone();
        while i + length < lines.end {
            let next = line(i + length)?;
            let moved = next.len() == width
                && panel.indices[next.clone()]
                    .iter()
                    .zip(&panel.indices[last.clone()])
                    .fold(true, |all, (b, a)| all & (b.to_usize() == a.to_usize() + 1));
            if !moved {
                break;
            }
            repeats = repeats && panel.values[next.clone()] == panel.values[last.clone()];
            last = next;
            length += 1;
        }
        // A line alone does not repeat itself; and a value that is no number equals none.
        repeats &= length > 1 && size_of::<T>() > 0;
        let pattern: Vec<i64> =
            panel.indices[first].iter().map(|j| j.to_usize() as i64 - i as i64).collect();
        let known = find(&offsets, &patterns, &pattern);
        let pattern = known.unwrap_or_else(|| {
            offsets.extend_from_slice(&pattern);
            patterns.push(offsets.len());
            patterns.len() - 1
        });
        total += width * length;
        held += if length >= SIDE { width * length } else { 0 };
        values += if repeats { 0 } else { width * length };
        runs.push(LookedRun { lines: length, pattern, repeats });
        i += length;
        // Without hope: a block of lines that have nothing in common.
        if runs.len() > 64 && held * SHARE.1 < total {
            return None;
        }
    }
    (held * SHARE.1 >= total * SHARE.0 && total > 0).then_some(Choice::Runs {
        runs,
        offsets,
        patterns,
        values,
    })
}

/// The number of a pattern that is known, looked for among the last few.
fn find(offsets: &[i64], ends: &[usize], pattern: &[i64]) -> Option<usize> {
    (ends.len().saturating_sub(16)..ends.len()).rev().find(|&k| {
        let start = if k == 0 { 0 } else { ends[k - 1] };
        offsets[start..ends[k]] == *pattern
    })
}

/// Arrays of the right size, with all that is small filled in.
fn room<T: Entry, I: Index, P: Index>(
    panel: Panel<'_, T, I, P>,
    sums: Sums,
    looked: &[Looked],
    meter: &Meter,
) -> Result<Compact<T>> {
    let (mut runs, mut patterns, mut offsets, mut repeated) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut ends, mut narrow, mut wide, mut values) = (0, 0, 0, 0);
    let take = |count: &mut usize, more: usize| {
        *count += more;
        *count - more..*count
    };
    let mut blocks = Vec::with_capacity(looked.len());
    for Looked { lines, entries, choice } in looked {
        let all = entries.len();
        let (structure, stored) = match choice {
            Choice::Runs { runs: found, offsets: own, patterns: own_ends, values } => {
                let (first_run, first_pattern) = (runs.len(), patterns.len());
                let before = offsets.len();
                offsets.extend_from_slice(own);
                patterns.extend(own_ends.iter().map(|end| before + end));
                let mut line = lines.start;
                for run in found {
                    let own = run.repeats.then(|| {
                        let start = repeated.len() as u32;
                        let range = panel.row(line).unwrap_or(0..0);
                        repeated.extend_from_slice(&panel.values[range]);
                        start
                    });
                    runs.push(StoredRun {
                        lines: run.lines as u32,
                        pattern: (first_pattern + run.pattern) as u32,
                        repeated: own,
                    });
                    line += run.lines;
                }
                (Structure::Runs(first_run..runs.len()), *values)
            }
            Choice::Narrow { least } => {
                let (ends, columns) = (take(&mut ends, lines.len() + 1), take(&mut narrow, all));
                (Structure::Narrow { ends, columns, least: *least }, all)
            }
            Choice::Wide => {
                let (ends, columns) = (take(&mut ends, lines.len() + 1), take(&mut wide, all));
                (Structure::Wide { ends, columns }, all)
            }
        };
        blocks.push(Block { lines: lines.clone(), values: take(&mut values, stored), structure });
    }
    Ok(Compact {
        columns: panel.ncols(),
        sums,
        blocks,
        runs,
        patterns,
        offsets,
        repeated,
        ends: BufferMut::fresh(ends)?.counted(meter),
        narrow: BufferMut::fresh(narrow)?.counted(meter),
        wide: BufferMut::fresh(wide)?.counted(meter),
        values: BufferMut::fresh(values)?.counted(meter),
    })
}

/// The parts of the arrays that belong to one block.
struct Parts<'a, T> {
    ends: &'a mut [u32],
    narrow: &'a mut [u16],
    wide: &'a mut [u32],
    values: &'a mut [T],
}

fn fill<T: Entry, I: Index, P: Index>(
    panel: Panel<'_, T, I, P>,
    looked: &[Looked],
    compact: &mut Compact<T>,
) {
    let Compact { blocks, runs, ends, narrow, wide, values, .. } = compact;
    let (mut ends, mut narrow, mut wide, mut values) =
        (&mut ends[..], &mut narrow[..], &mut wide[..], &mut values[..]);
    fn part<'a, E>(rest: &mut &'a mut [E], len: usize) -> &'a mut [E] {
        let (part, after) = std::mem::take(rest).split_at_mut(len);
        *rest = after;
        part
    }
    let tasks: Vec<_> = blocks
        .iter()
        .zip(looked)
        .map(|(block, looked)| {
            let (n_ends, n_narrow, n_wide) = match &block.structure {
                Structure::Runs(_) => (0, 0, 0),
                Structure::Narrow { ends, columns, .. } => (ends.len(), columns.len(), 0),
                Structure::Wide { ends, columns } => (ends.len(), 0, columns.len()),
            };
            let parts = Parts {
                ends: part(&mut ends, n_ends),
                narrow: part(&mut narrow, n_narrow),
                wide: part(&mut wide, n_wide),
                values: part(&mut values, block.values.len()),
            };
            (block, looked, parts)
        })
        .collect();
    tasks.into_par_iter().for_each(|(block, looked, parts)| {
        let indices = &panel.indices[looked.entries.clone()];
        match &block.structure {
            Structure::Runs(range) => {
                return fill_runs(panel, block, &runs[range.clone()], parts.values);
            }
            Structure::Narrow { least, .. } => {
                let columns = parts.narrow.iter_mut().zip(indices);
                columns.for_each(|(to, j)| *to = (j.to_usize() - least) as u16);
            }
            Structure::Wide { .. } => {
                let columns = parts.wide.iter_mut().zip(indices);
                columns.for_each(|(to, j)| *to = j.to_usize() as u32);
            }
        }
        parts.values.copy_from_slice(&panel.values[looked.entries.clone()]);
        for (end, line) in parts.ends[1..].iter_mut().zip(block.lines.clone()) {
            let range = panel.row(line).unwrap_or(0..0);
            *end = range.end.saturating_sub(looked.entries.start) as u32;
        }
    });
}

fn fill_runs<T: Entry, I: Index, P: Index>(
    panel: Panel<'_, T, I, P>,
    block: &Block,
    runs: &[StoredRun],
    mut to: &mut [T],
) {
    let mut line = block.lines.start;
    for run in runs {
        let lines = run.lines as usize;
        let (Ok(first), Ok(last)) = (panel.row(line), panel.row(line + lines - 1)) else { return };
        if run.repeated.is_none() {
            let width = first.len();
            let (these, rest) = std::mem::take(&mut to).split_at_mut(lines * width);
            to = rest;
            interleave(&panel.values[first.start..last.end], width, these);
        }
        line += lines;
    }
}
