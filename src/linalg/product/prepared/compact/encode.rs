//! From compressed lines to blocks: choosing the encoding of each, computing its size, and filling it.
//!
//! ```text
//! for each block of lines, in parallel:  read its indices, find runs and the span of columns, choose
//! make the arrays
//! for each block, in parallel:           write columns and values
//! ```

use std::ops::Range;

use crate::error::Result;
use crate::linalg::kernels::{CHUNK, Panel, SIDE, SumShape, interleave};
use crate::linalg::product::prepared::compact::dictionary::number;
use crate::linalg::product::prepared::compact::encoding::{
    Compact, EncodedBlock, StoredRun, Structure,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Raw, RawMut, RawVec};
use crate::storage::{BufferMut, Context, Index, Meter, RawBufferMut};

/// Maximum lines and entries of a block, unless one line has more.
const LINES: usize = 1 << 12;
const ENTRIES: usize = 1 << 16;

// A line in chunks is a separate block, and not a run: the sums over runs do not support chunks.
const _: () = assert!(ENTRIES <= CHUNK);

/// Runs are worthwhile if they have this part of a block's entries, in at least as many lines as are processed
/// together.
const SHARE: (usize, usize) = (3, 4);

/// An inspected block.
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

impl Compact {
    /// Encodes the lines of a panel with at most 2^32 columns; `None` if that saves no bytes, or takes more than
    /// `most`.
    ///
    /// Fails if a pointer or an index is out of range. Cost: two reads of the indices and one of the values, one write
    /// of the encoding.
    pub(crate) fn encode<I: Index>(
        (panel, values): (Panel<'_, (), I>, Raw<'_>),
        sums: SumShape,
        most: u64,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        if panel.ncols() > u32::MAX as usize {
            return Ok(None);
        }
        let looked = look_at_all((panel, values), ctx)?;
        let plain = panel.indptr.bytes() + size_of_val(panel.indices) + values.bytes().len();
        // Pages of new arrays are allocated when they are written, so checking their size costs nothing.
        let mut compact = allocated((panel, values), sums, (&looked, false), ctx.meter())?;
        if compact.bytes() > most.min(plain as u64 / 16 * 15) {
            return Ok(None);
        }
        ctx.with_threads(|| fill((panel, values), &looked, &mut compact));
        Ok(Some(compact))
    }

    /// Encodes a panel of a matrix that is read again for every product; `None` if it is too wide. Values are kept if
    /// they are few or take few bytes, and otherwise handed in with every product.
    ///
    /// Fails if a pointer or an index is out of range.
    pub(crate) fn of_panel<I: Index>(
        (panel, values): (Panel<'_, (), I>, Raw<'_>),
        ctx: &Context,
    ) -> Result<Option<Self>> {
        if panel.ncols() > u32::MAX as usize {
            return Ok(None);
        }
        let numbered = number(values)?;
        let of_entries = numbered.as_ref().map_or(values, |(codes, _)| Raw::of(&codes[..]));
        let looked = look_at_all((panel, of_entries), ctx)?;
        let stored: usize = looked.iter().map(Looked::values).sum();
        // Those of one byte take no more than numbers of a dictionary.
        let few = values.width() < 2 || stored.saturating_mul(FEW) <= values.len();
        let streamed = numbered.is_none() && !few;
        let sums = SumShape::Interleaved;
        let mut compact = allocated((panel, of_entries), sums, (&looked, streamed), ctx.meter())?;
        ctx.with_threads(|| fill((panel, of_entries), &looked, &mut compact));
        compact.dictionary = numbered.map(|(_, dictionary)| dictionary);
        Ok(Some(compact))
    }
}

/// Values are kept if no more than one in `FEW` entries has a value of its own.
const FEW: usize = 8;

/// Inspects the lines, block by block.
fn look_at_all<I: Index>(
    (panel, values): (Panel<'_, (), I>, Raw<'_>),
    ctx: &Context,
) -> Result<Vec<Looked>> {
    let blocks = cut(panel)?;
    let looked: Vec<Option<Looked>> = ctx.with_threads(|| {
        let look = |(lines, entries)| look((panel, values), lines, entries);
        blocks.into_par_iter().map(look).collect()
    });
    ctx.check_cancelled()?;
    looked.into_iter().collect::<Option<Vec<Looked>>>().ok_or_else(|| panel.out_of_range())
}

impl Looked {
    /// Values that are stored for the block, except those that lines of a run have in common.
    fn values(&self) -> usize {
        match &self.choice {
            Choice::Runs { values, .. } => *values,
            Choice::Narrow { .. } | Choice::Wide => self.entries.len(),
        }
    }
}

/// Lines in blocks, with the entries of each.
fn cut<I: Index>(panel: Panel<'_, (), I>) -> Result<Vec<(Range<usize>, Range<usize>)>> {
    let (mut blocks, mut start) = (Vec::new(), 0);
    let mut open = 0..0;
    for line in 0..panel.nrows() {
        let Ok(range) = panel.row(line) else { return Err(panel.out_of_range()) };
        let full = line - start >= LINES || range.end - open.start > ENTRIES;
        if full && line > start {
            blocks.push((start..line, open.clone()));
            (start, open) = (line, range.start..range.start);
        }
        if range.start != open.end {
            return Err(panel.out_of_range());
        }
        open.end = range.end;
    }
    if start < panel.nrows() {
        blocks.push((start..panel.nrows(), open));
    }
    Ok(blocks)
}

/// Chooses the encoding of a block; `None` if an index is out of range.
fn look<I: Index>(
    (panel, values): (Panel<'_, (), I>, Raw<'_>),
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
    let choice =
        find_runs((panel, values), &lines).unwrap_or(match largest.saturating_sub(least) {
            0..=0xffff => Choice::Narrow { least: least.min(largest) },
            _ => Choice::Wide,
        });
    Some(Looked { lines, entries, choice })
}

/// The runs of a block, if they have most of its entries.
fn find_runs<I: Index>(
    (panel, of_entries): (Panel<'_, (), I>, Raw<'_>),
    lines: &Range<usize>,
) -> Option<Choice> {
    let line = |i: usize| panel.row(i).ok();
    // Equal bit by bit, so that their products have the same bits.
    let bytes_of = |entries: Range<usize>| of_entries.slice(entries).bytes();
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
            repeats = repeats && bytes_of(next.clone()) == bytes_of(last.clone());
            last = next;
            length += 1;
        }
        // A single line does not repeat.
        repeats &= length > 1 && of_entries.width() > 0;
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
        // Hopeless: a block of lines that have nothing in common.
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

/// The number of a known pattern, searched among the last few.
fn find(offsets: &[i64], ends: &[usize], pattern: &[i64]) -> Option<usize> {
    (ends.len().saturating_sub(16)..ends.len()).rev().find(|&k| {
        let start = if k == 0 { 0 } else { ends[k - 1] };
        offsets[start..ends[k]] == *pattern
    })
}

/// Arrays of the right size, with the small ones filled in.
fn allocated<I: Index>(
    (panel, of_entries): (Panel<'_, (), I>, Raw<'_>),
    sums: SumShape,
    (looked, streamed): (&[Looked], bool),
    meter: &Meter,
) -> Result<Compact> {
    let (mut runs, mut patterns, mut offsets, mut repeated) =
        (Vec::new(), Vec::new(), Vec::new(), RawVec::new(of_entries.dtype()));
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
                        repeated.extend(of_entries.slice(range));
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
        let values = if streamed { 0..0 } else { take(&mut values, stored) };
        blocks.push(EncodedBlock {
            lines: lines.clone(),
            entries: entries.clone(),
            values,
            structure,
        });
    }
    let array = |len| RawBufferMut::fresh(of_entries.dtype(), len);
    let mut aligned = array(repeated.len())?;
    aligned.as_mut().copy_from(repeated.as_raw());
    Ok(Compact {
        columns: panel.ncols(),
        sums,
        blocks,
        runs,
        patterns,
        offsets,
        repeated: aligned,
        ends: BufferMut::fresh(ends)?.counted(meter),
        narrow: BufferMut::fresh(narrow)?.counted(meter),
        wide: BufferMut::fresh(wide)?.counted(meter),
        values: array(values)?.counted(meter),
        dictionary: None,
        streamed,
    })
}

/// The parts of the arrays that belong to one block.
struct EncodedParts<'a> {
    ends: &'a mut [u32],
    narrow: &'a mut [u16],
    wide: &'a mut [u32],
    values: RawMut<'a>,
}

fn fill<I: Index>(
    (panel, of_entries): (Panel<'_, (), I>, Raw<'_>),
    looked: &[Looked],
    compact: &mut Compact,
) {
    let Compact { blocks, runs, ends, narrow, wide, values, streamed, .. } = compact;
    let streamed = *streamed;
    let (mut ends, mut narrow, mut wide, mut values) =
        (&mut ends[..], &mut narrow[..], &mut wide[..], values.as_mut());
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
            let parts = EncodedParts {
                ends: part(&mut ends, n_ends),
                narrow: part(&mut narrow, n_narrow),
                wide: part(&mut wide, n_wide),
                values: values.take_front(block.values.len()),
            };
            (block, looked, parts)
        })
        .collect();
    tasks.into_par_iter().for_each(|(block, looked, mut parts)| {
        let indices = &panel.indices[looked.entries.clone()];
        match &block.structure {
            Structure::Runs(range) => {
                let runs = &runs[range.clone()];
                if streamed {
                    return;
                }
                return fill_runs((panel, of_entries), block, runs, parts.values);
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
        if !streamed {
            parts.values.copy_from(of_entries.slice(looked.entries.clone()));
        }
        for (end, line) in parts.ends[1..].iter_mut().zip(block.lines.clone()) {
            let range = panel.row(line).unwrap_or(0..0);
            *end = range.end.saturating_sub(looked.entries.start) as u32;
        }
    });
}

fn fill_runs<I: Index>(
    (panel, of_entries): (Panel<'_, (), I>, Raw<'_>),
    block: &EncodedBlock,
    runs: &[StoredRun],
    mut to: RawMut<'_>,
) {
    let mut line = block.lines.start;
    for run in runs {
        let lines = run.lines as usize;
        let (Ok(first), Ok(last)) = (panel.row(line), panel.row(line + lines - 1)) else { return };
        if run.repeated.is_none() {
            let width = first.len();
            let these = to.take_front(lines * width);
            interleave(of_entries.slice(first.start..last.end), width, these);
        }
        line += lines;
    }
}
