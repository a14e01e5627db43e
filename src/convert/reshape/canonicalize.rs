//! A sparse matrix whose indices rise in every line, duplicates treated.
//!
//! ```text
//! for each run of lines:  copy -> sort each line that does not rise, treat its duplicates -> write
//! ```
//!
//! A matrix with a line much larger than a panel goes through the external sort instead.

use crate::convert::formats::sort_lines;
use crate::convert::in_memory::{EntryClash, FilledLines, LinesToFill, RecordLayout};
use crate::convert::sort::{AnyMatrixSink, AnySorter, position};
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, AnyWriter, Axis, CheckedLines, CheckedPanels, Compressed, Duplicates, LineSplit,
    Types, memory_left, partition,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Pass, Place, Plan, RawBufferMut};

/// Entries of a task.
const TASK: usize = 1 << 14;

/// Bytes of the sort key of an entry.
const KEY: usize = 16;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The matrix in SciPy's canonical format: indices strictly increase in every row (column, for CSC), which
    /// [`check`](Self::check) then confirms. Entries at one position are treated by `duplicates`, in stored order; if
    /// they are kept, indices increase but not strictly.
    ///
    /// A matrix in memory that is known to be in this format shares its arrays with the result in memory.
    ///
    /// Cost: one read of the matrix and one sequential write, within the memory limit whatever the matrix. If a row
    /// (column) takes more than about a sixteenth of the limit, entries are written to the scratch folder and read from
    /// there, once or twice. The indices are checked on the way; a bad one is an error that gives its position, and no
    /// result is created. Fails with kind [`Value`](crate::ErrorKind::Value) if a sum of integers overflows, and with
    /// kind [`Duplicate`](crate::ErrorKind::Duplicate) if a position has several entries and these are refused.
    ///
    /// ```
    /// use outcore::{Context, Csr, Duplicates, Place};
    /// let a = Csr::<f64>::from_parts((1, 3), vec![0, 3], vec![2, 0, 2], vec![1.0, 2.0, 3.0])?;
    /// let b = a.canonicalize(Duplicates::Sum, Place::Memory, &Context::new())?;
    /// assert_eq!((&b.indices()[..], &b.data()[..]), (&[0, 2][..], &[2.0, 4.0][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "sum_duplicates")]
    #[doc(alias = "sort_indices")]
    pub fn canonicalize(
        &self,
        duplicates: Duplicates,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        canonicalize(&self.to_any(), duplicates, &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

/// The matrix with indices that rise in every line.
pub(crate) fn canonicalize(
    from: &AnyCompressed,
    duplicates: Duplicates,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    const OPERATION: &str = "canonicalizing";
    if from.known_canonical() == Some(true) && *place == Place::Memory {
        let _running = ctx.begin(|| Ok(Plan::new(OPERATION)))?;
        return Ok(from.clone());
    }
    let (kind, size) = ((from.format(), from.types()), (from.major(), from.nnz()));
    let bytes = kind.1.bytes_of(size.0, size.1);
    let left = memory_left(bytes, place, ctx)?;
    let mut lines = CheckedPanels::new(&[from], LineSplit::Runs(1), left, ctx)?;
    if lines.cuts_a_line() {
        // The memory of a result is not available to the sort.
        let less = if *place == Place::Memory { ctx.less(bytes) } else { ctx.clone() };
        let _running = less.begin(|| {
            let plan = Plan::new(OPERATION).on_device_of(from.indices_buffer().file());
            let plan = plan.reads(1, from.stored_bytes());
            let plan = AnySorter::plan(plan, RecordLayout::of(kind.1), size.1 as u64, &less);
            Ok(AnyWriter::plan(plan, kind.1, size, place, ctx))
        })?;
        let writer = AnyWriter::new(kind, from.shape(), size.1, true, place, ctx)?;
        let mut sink = AnyMatrixSink::new(writer, kind.0);
        sort_lines(from, false, Some(duplicates), &mut sink, &less)?;
        return sink.finish();
    }
    let most = (lines.most_lines(), lines.most_entries());
    let work = SortedLines::bytes(kind.1, most);
    let plan = lines.plan(OPERATION).works(size.1 as u64, work::CANONICALIZE);
    let what = (kind, from.shape(), size.1);
    Pass::new(plan).holding(work).make(what, place, ctx, &mut |writer: &mut AnyWriter| {
        let mut sorting = SortedLines::new(kind.1, most, ctx)?;
        let mut canonical = true;
        lines.sweep_part(ctx, &mut |panel| {
            let part = &panel.parts[0];
            let sorted = ctx.with_threads(|| sorting.sort(panel.first, part, duplicates));
            let sorted = sorted.map_err(|clash| clash.into_error(position(kind.0)))?;
            let (mut line, mut entry) = (0, 0);
            for SortedTask { lines, taken, filled } in sorted {
                let lens = &mut sorting.lens[line..line + lines];
                // Ends become lengths.
                (1..lines).rev().for_each(|k| lens[k] -= lens[k - 1]);
                let (indices, data) = (sorting.indices.as_raw(), sorting.data.as_raw());
                let entries = entry..entry + filled.entries;
                writer.push_lines(lens, indices.slice(entries.clone()), data.slice(entries))?;
                canonical &= filled.canonical;
                (line, entry) = (line + lines, entry + taken);
            }
            Ok(())
        })?;
        Ok(canonical)
    })
}

/// A sorted copy of a panel of lines.
struct SortedLines {
    /// The end of each line, counted from the first entry of its task.
    lens: Vec<usize>,
    indices: RawBufferMut,
    data: RawBufferMut,
}

/// The outcome for the lines of a task.
struct SortedTask {
    lines: usize,
    /// Entries before sorting.
    taken: usize,
    filled: FilledLines,
}

impl SortedLines {
    /// Bytes, including those for sorting the lines of all tasks.
    fn bytes(types: Types, (lines, entries): (usize, usize)) -> u64 {
        let (value, index, _) = types.sizes();
        (lines * size_of::<usize>() + entries * (value + index + 2 * (KEY + value))) as u64
    }

    fn new(types: Types, (lines, entries): (usize, usize), ctx: &Context) -> Result<Self> {
        Ok(SortedLines {
            lens: ctx.with_capacity("the ends of lines", lines)?,
            indices: ctx.raw_work("some lines", (Some(types.indices), entries))?,
            data: ctx.raw_work("some lines", (types.values, entries))?,
        })
    }

    /// Sorts the lines of a panel, whose first line has this number.
    fn sort(
        &mut self,
        first: usize,
        part: &CheckedLines<'_>,
        duplicates: Duplicates,
    ) -> std::result::Result<Vec<SortedTask>, EntryClash> {
        self.lens.clear();
        self.lens.resize(part.lines(), 0);
        let mut lens = &mut self.lens[..];
        let (mut indices, mut data) = (self.indices.as_mut(), self.data.as_mut());
        let mut tasks = Vec::new();
        for lines in partition::split(part.indptr, part.data.len().div_ceil(TASK)) {
            let entries = part.indptr.at(lines.start)..part.indptr.at(lines.end);
            let lens = lens.split_off_mut(..lines.len()).expect("a number for each line");
            let to = (indices.take_front(entries.len()), data.take_front(entries.len()));
            tasks.push((lines, entries, lens, to));
        }
        let sorted = tasks.into_par_iter().map(|(lines, entries, lens, to)| {
            let (mut indices, mut data) = to;
            indices.copy_from(part.indices.slice(entries.clone()).raw());
            data.copy_from(part.data.slice(entries.clone()));
            part.indptr.positions(lines.start + 1, lens);
            lens.iter_mut().for_each(|end| *end -= entries.start);
            let count = lines.len();
            let lines = first + lines.start..first + lines.end;
            let filled = LinesToFill { lines, lens, indices, data }.finish(Some(duplicates))?;
            Ok(SortedTask { lines: count, taken: entries.len(), filled })
        });
        sorted.collect::<Vec<_>>().into_iter().collect()
    }
}
