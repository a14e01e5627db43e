//! Some entries of every line of a matrix, in one read of its lines and one sequential write.
//!
//! A [`Selection`] decides which entries those are, some thousand lines at a time and on all threads. A result in memory is
//! counted first, in a separate pass, so that no more memory is allocated than it needs.

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::checked_panels::{CheckedLines, CheckedPanels};
use crate::sparse::indices::Indices;
use crate::sparse::indices_mut::IndicesMut;
use crate::sparse::line_cuts::LineSplit;
use crate::sparse::types::Types;
use crate::sparse::writer::{AnyWriter, memory_left};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::work;
use crate::storage::{Context, Place, Plan, RawBufferMut};

/// Lines of a task.
const TASK: usize = 1 << 12;

/// Lines sampled to estimate the number of entries.
const SAMPLE: usize = 1 << 14;

/// Some consecutive lines of a matrix, or a run of one.
pub(crate) struct SelectionLines<'a> {
    /// The number of the first line.
    pub(crate) first: usize,
    /// The begin and end of each line in the arrays, from 0 on: one number more than lines.
    pub(crate) ends: &'a [usize],
    /// Indices, all in range.
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
    /// Whether the indices are known to rise in every line.
    pub(crate) rises: bool,
}

/// A selection of entries, and their new indices.
pub(crate) trait Selection: Sync {
    /// Whether entries are marked when they are counted.
    fn marks(&self) -> bool {
        false
    }

    /// Bytes of memory that it uses.
    fn memory(&self) -> u64 {
        0
    }

    /// Counts the selected entries of each line. There is a mark per entry if [`marks`](Self::marks) is true.
    fn count(&self, lines: &SelectionLines<'_>, lens: &mut [usize], marks: &mut [u8]);

    /// Stores the selected entries in `to`, using their marks.
    fn take(&self, lines: &SelectionLines<'_>, marks: &[u8], to: (IndicesMut<'_>, RawMut<'_>));
}

/// The selected entries of all lines. Their indices are below `minor`; `estimate` gives their approximate number.
pub(crate) fn select(
    operation: &'static str,
    from: &AnyCompressed,
    (selection, minor): (&dyn Selection, usize),
    estimate: &dyn Fn() -> usize,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (kind, major, counted) =
        ((from.format(), from.types()), from.major(), *place == Place::Memory);
    // The counting pass runs before the result takes memory.
    let left = memory_left(0, place, ctx)?.saturating_sub(selection.memory());
    let mut lines = CheckedPanels::new(&[from], LineSplit::Entries, left, ctx)?;
    let capacity = (lines.most_lines(), lines.most_entries());
    let work = selection.memory() + SelectedEntries::bytes(kind.1, selection, capacity);
    let _running = ctx.begin(|| {
        let entries = estimate();
        let passes = 1 + u64::from(counted);
        let plan = Plan::new(operation).on_device_of(from.indices_buffer().file());
        let plan = plan.reads(passes, passes * lines.bytes_to_read());
        let plan = plan.holds(lines.memory() + work).works(passes * from.nnz() as u64, work::SLICE);
        let plan = match counted {
            // The counted number may exceed the estimate, up to the memory left.
            true => {
                let free = ctx.memory_left().saturating_sub(lines.memory() + work);
                plan.throughout(kind.1.bytes_of(major, from.nnz()).min(free))
            }
            false => AnyWriter::plan(plan, kind.1, (major, entries), place, ctx),
        };
        Ok(Plan { entries: Some(entries as u64), ..plan })
    })?;
    let _held = ctx.hold(work);
    let mut selected = SelectedEntries::new(kind.1, selection, capacity, ctx)?;
    let mut expected = 0;
    if counted {
        selected.sweep(&mut lines, ctx, &mut |_, lens, _, _| {
            expected += lens.iter().sum::<usize>();
            Ok(())
        })?;
        let bytes = kind.1.bytes_of(major, expected);
        memory_left(bytes.saturating_add(work + lines.memory()), place, ctx)?;
    }
    let shape = from.format().swap_if_cols((major, minor));
    let mut writer = AnyWriter::new(kind, shape, expected, counted, place, ctx)?;
    let canonical =
        selected.sweep(&mut lines, ctx, &mut |closes, lens, indices, data| match closes {
            true => writer.push_lines(lens, indices, data),
            false => writer.push_part(indices, data),
        })?;
    writer.finish(canonical)
}

/// An estimate of the number of selected entries from lines spread over the matrix: `look` returns for a line how many
/// entries it sampled, and how many of them are selected.
pub(crate) fn estimate(from: &AnyCompressed, look: &dyn Fn(usize) -> (usize, usize)) -> usize {
    let (major, count) = (from.major(), from.major().min(SAMPLE));
    let (mut seen, mut made) = (0, 0.0);
    for k in 0..count {
        // At a varying position within the k-th part, to avoid the period of a structured matrix.
        let (start, end) = (k * major / count, (k + 1) * major / count);
        let line = start + k.wrapping_mul(0x9E37_79B9) % (end - start);
        let (of, selected) = look(line);
        let len = from.span(line).len();
        seen += len;
        made += len as f64 * (selected as f64 / of.max(1) as f64);
    }
    match seen {
        0 => 0,
        _ => (from.nnz() as f64 * (made / seen as f64)).round() as usize,
    }
}

/// Receives the selection from a panel: whether its last line is whole, the number of entries per line, their indices
/// and values.
type TakeEntries<'a> = dyn FnMut(bool, &[usize], Raw<'_>, Raw<'_>) -> Result<()> + 'a;

/// The selection from a panel of lines.
struct SelectedEntries<'a> {
    selection: &'a dyn Selection,
    lens: Vec<usize>,
    marks: Vec<u8>,
    indices: RawBufferMut,
    data: RawBufferMut,
}

impl<'a> SelectedEntries<'a> {
    fn bytes(types: Types, selection: &dyn Selection, (lines, entries): (usize, usize)) -> u64 {
        let (value, index, _) = types.sizes();
        let entry = value + index + usize::from(selection.marks());
        (lines * size_of::<usize>() + entries * entry) as u64
    }

    fn new(
        types: Types,
        selection: &'a dyn Selection,
        (lines, entries): (usize, usize),
        ctx: &Context,
    ) -> Result<Self> {
        let marks = if selection.marks() { entries } else { 0 };
        Ok(SelectedEntries {
            selection,
            lens: ctx.with_capacity("lines of the result", lines)?,
            marks: ctx.filled("marks of entries", marks, 0)?,
            indices: ctx.raw_work("some lines", (Some(types.indices), entries))?,
            data: ctx.raw_work("some lines", (types.values, entries))?,
        })
    }

    /// Calls `take` with the selection from every panel, in order. Returns whether the indices rise in every line.
    fn sweep(
        &mut self,
        lines: &mut CheckedPanels,
        ctx: &Context,
        take: &mut TakeEntries<'_>,
    ) -> Result<bool> {
        lines.sweep(ctx, &mut |panel| {
            let count = ctx.with_threads(|| self.select(panel.first, &panel.parts[0]));
            let (indices, data) = (self.indices.as_raw(), self.data.as_raw());
            take(panel.closes, &self.lens, indices.slice(0..count), data.slice(0..count))
        })
    }

    /// Selects from a panel, whose indices may be known to rise in every line; returns the number of entries.
    fn select(&mut self, first: usize, part: &CheckedLines<'_>) -> usize {
        let SelectedEntries { selection, lens, marks, indices, data } = self;
        lens.clear();
        lens.resize(part.lines(), 0);
        let cut = SelectionTasks { first, part, marked: selection.marks() };
        let mut rest = &mut marks[..];
        let tasks = lens.chunks_mut(TASK).enumerate().map(|(task, lens)| {
            let marks = rest.split_off_mut(..cut.marks(task)).expect("a mark for each entry");
            (task, lens, marks)
        });
        let tasks: Vec<_> = tasks.collect();
        tasks.into_par_iter().for_each(|(task, lens, marks)| {
            cut.with(task, &mut |lines| selection.count(lines, lens, marks));
        });
        let (mut indices, mut data) = (IndicesMut::of(indices), data.as_mut());
        let (mut tasks, mut total, mut rest) = (Vec::new(), 0, &marks[..]);
        for (task, lens) in lens.chunks(TASK).enumerate() {
            let count = lens.iter().sum();
            total += count;
            let marks = rest.split_off(..cut.marks(task)).expect("a mark for each entry");
            tasks.push((task, marks, indices.take_front(count), data.take_front(count)));
        }
        tasks.into_par_iter().for_each(|(task, marks, indices, data)| {
            let mut to = Some((indices, data));
            cut.with(task, &mut |lines| {
                if let Some(to) = to.take() {
                    selection.take(lines, marks, to);
                }
            });
        });
        total
    }
}

/// A panel, cut into tasks.
struct SelectionTasks<'a> {
    first: usize,
    part: &'a CheckedLines<'a>,
    marked: bool,
}

impl SelectionTasks<'_> {
    fn lines(&self, task: usize) -> (usize, usize) {
        let start = task * TASK;
        (start, self.part.lines().min(start + TASK))
    }

    /// Marks of a task.
    fn marks(&self, task: usize) -> usize {
        let (start, end) = self.lines(task);
        let entries = self.part.indptr.at(end) - self.part.indptr.at(start);
        if self.marked { entries } else { 0 }
    }

    /// The lines of a task.
    fn with(&self, task: usize, work: &mut dyn FnMut(&SelectionLines<'_>)) {
        let (start, end) = self.lines(task);
        let mut ends = self.part.ends(start..end);
        let entries = ends[0]..ends[ends.len() - 1];
        ends.iter_mut().for_each(|end| *end -= entries.start);
        work(&SelectionLines {
            first: self.first + start,
            ends: &ends,
            indices: self.part.indices.slice(entries.clone()),
            data: self.part.data.slice(entries),
            rises: self.part.rises,
        });
    }
}
