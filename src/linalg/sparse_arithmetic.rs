//! Sums, differences and elementwise products of two sparse matrices that may be larger than memory.
//!
//! Both are looked at side by side, the same lines of each at a time. The lines of a panel are merged on all threads, each
//! task into its own part of one buffer that has room for all entries of both, and the parts are handed to the writer one
//! after the other as they are: nothing is moved together first. Where all three lie in memory, `sparse_merged.rs` counts
//! first and makes the result where it stays.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::arithmetic::{Multiply, Subtract};
use crate::linalg::kernels::{Combine, Difference, Overflow, Product, Sorted, Sum, merge};
use crate::linalg::sparse_merged::Pair;
use crate::sparse::partition;
use crate::sparse::{
    Axis, Compressed, CompressedWriter, IndexCheck, Indices, LinePart, Pieces, ZippedLines,
    ZippedPanel, memory_left,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{BufferMut, Context, Entry, Index, Place, Plan};

/// Nanoseconds an entry of either matrix takes one thread.
const WORK: f64 = 6.0;

/// Entries of a task.
const TASK: usize = 1 << 14;

/// Lines that a plan looks at, and entries of a line beyond which it does not.
const SAMPLE: (usize, usize) = (1000, 1 << 16);

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The sum of two matrices: an entry wherever one of them has one.
    ///
    /// The result is canonical: indices rise in every row (column, for CSC) and no position repeats. A row that is not so
    /// in an input is sorted first, and its duplicates are summed in the order in which they stand. Where entries cancel, a
    /// zero stays stored. `bool` entries are joined by *or*, and patterns united. Two matrices in memory with one structure
    /// share it with the result, as by [`with_data`](Self::with_data).
    ///
    /// Cost: one read of both and one sequential write, within the memory limit whatever the matrices; a result in memory
    /// that might be more than half of the limit is counted in a pass of its own first. Fails if the shapes differ, an index
    /// is out of range, an integer overflows (naming row and column), or a row pair of more than a sixteenth of the
    /// limit does not rise.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::<f64>::from_parts((2, 2), vec![0, 1, 1], vec![1], vec![5.0])?;
    /// let sum = a.add(&b, Place::Memory, &Context::new())?;
    /// assert_eq!((sum.nnz(), sum.get(0, 1)?), (3, Some(5.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn add(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        combine::<Sum, _, _, _, _>("adding", self, other, &place.into(), ctx)
    }
}

impl<T: Subtract, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The difference of two matrices; otherwise as [`add`](Self::add).
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let zero = a.sub(&a, Place::Memory, &Context::new())?;
    /// assert_eq!((zero.nnz(), zero.get(0, 0)?), (2, Some(0.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn sub(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        combine::<Difference, _, _, _, _>("subtracting", self, other, &place.into(), ctx)
    }
}

impl<T: Multiply, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The elementwise product of two matrices: an entry wherever both have one. `bool` entries are joined by *and*, and
    /// patterns intersected; otherwise as [`add`](Self::add).
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::<f64>::from_parts((2, 2), vec![0, 2, 2], vec![0, 1], vec![3.0, 5.0])?;
    /// let product = a.multiply(&b, Place::Memory, &Context::new())?;
    /// assert_eq!((product.nnz(), product.get(0, 0)?), (1, Some(3.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn multiply(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        combine::<Product, _, _, _, _>("multiplying elements", self, other, &place.into(), ctx)
    }
}

fn combine<C: Combine<T>, T: Entry, I: Index, P: Index, A: Axis>(
    operation: &'static str,
    a: &Compressed<T, I, P, A>,
    b: &Compressed<T, I, P, A>,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    if a.shape() != b.shape() {
        let (expected, found) = (format!("{:?}", a.shape()), format!("{:?}", b.shape()));
        return Err(Error::shape("the second matrix", expected, found));
    }
    if *place == Place::Memory
        && let Some(pair) = Pair::new(a, b)?
    {
        return in_memory::<C, T, I, P, A>(operation, &pair, (a, b), ctx);
    }
    let size = Size::new::<C, T, I, P, A>(a, b, place, ctx);
    let left = memory_left(if size.counted { 0 } else { size.bytes }, place, ctx)?;
    let budget = ZippedLines::<T, I, P, A>::budget(left);
    let mut lines = ZippedLines::new(&[a, b], Pieces::Columns, budget, ctx)?;
    let work = Merging::<T, I, P>::bytes(lines.most_lines(), lines.most_entries());
    let _running = ctx.begin(|| {
        let passes = 1 + u64::from(size.counted);
        let (entries, file) = (estimate::<C, T, I, P, A>(a, b), a.indices().file());
        let plan = Plan::new(operation).on_device_of(file.or(b.indices().file()));
        let plan = plan.works(passes * (a.nnz() + b.nnz()) as u64, WORK);
        let plan = plan.reads(passes, passes * lines.bytes_to_read());
        let used = lines.memory() + work;
        let plan = plan.holds(used);
        let plan = match place {
            // One that is counted first is refused where it does not fit.
            Place::Memory => plan.beside(size.bytes.min(ctx.memory_left().saturating_sub(used))),
            _ => CompressedWriter::<T, I, P, A>::plan(plan, (a.major(), entries), place, ctx),
        };
        Ok(Plan { entries: Some(entries as u64), ..plan })
    })?;
    let _held = ctx.hold(work);
    let mut merging = Merging::new(lines.most_lines(), lines.most_entries(), ctx)?;
    let mut expected = size.expected;
    if size.counted {
        expected = 0;
        merging.sweep::<C, A>(a, b, &mut lines, ctx, |_, _, indices, _| {
            expected += indices.len();
            Ok(())
        })?;
        let bytes = Compressed::<T, I, P, A>::bytes_of(a.major(), expected);
        memory_left(bytes + work + lines.memory(), place, ctx)?;
    }
    let exact = *place == Place::Memory;
    let mut writer = CompressedWriter::<T, I, P, A>::new(a.shape(), expected, exact, place, ctx)?;
    merging.sweep::<C, A>(a, b, &mut lines, ctx, |closes, indptr, indices, data| match closes {
        true => writer.push_run(indptr, indices, data),
        false => writer.push_part(indices, data),
    })?;
    writer.finish(true)
}

fn in_memory<C: Combine<T>, T: Entry, I: Index, P: Index, A: Axis>(
    operation: &'static str,
    pair: &Pair<'_, T, I, P, A>,
    (a, b): (&Compressed<T, I, P, A>, &Compressed<T, I, P, A>),
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let _running = ctx.begin(|| {
        let bytes = Size::new::<C, T, I, P, A>(a, b, &Place::Memory, ctx).bytes;
        let plan = Plan::new(operation).reads(1, 0).works((a.nnz() + b.nnz()) as u64, WORK);
        let plan = plan.beside(bytes.min(ctx.memory_left()));
        Ok(Plan { entries: Some(estimate::<C, T, I, P, A>(a, b) as u64), ..plan })
    })?;
    ctx.meter().pass();
    pair.combine::<C>(ctx)?.map_err(|(line, index)| overflow::<C, T, A>(line, index))
}

/// How large the result is taken to be before it is known.
struct Size {
    /// Entries to make room for.
    expected: usize,
    /// Most bytes of a result in memory.
    bytes: u64,
    /// Whether the entries are counted first.
    counted: bool,
}

impl Size {
    fn new<C: Combine<T>, T: Entry, I: Index, P: Index, A: Axis>(
        a: &Compressed<T, I, P, A>,
        b: &Compressed<T, I, P, A>,
        place: &Place,
        ctx: &Context,
    ) -> Self {
        let (least, most) = match C::UNION {
            true => (a.nnz().max(b.nnz()), a.nnz().saturating_add(b.nnz())),
            false => (0, a.nnz().min(b.nnz())),
        };
        if *place != Place::Memory {
            return Size { expected: least, bytes: 0, counted: false };
        }
        let bytes = Compressed::<T, I, P, A>::bytes_of(a.major(), most);
        // Memory that is never touched costs nothing, but what might be half of the limit is worth a look first.
        let counted = bytes > ctx.memory_left() / 2 || most > P::LARGEST;
        Size { expected: most, bytes, counted }
    }
}

/// About how many entries the result has: what some lines spread over both matrices would give.
fn estimate<C: Combine<T>, T: Entry, I: Index, P: Index, A: Axis>(
    a: &Compressed<T, I, P, A>,
    b: &Compressed<T, I, P, A>,
) -> usize {
    let (count, total) = (a.major().min(SAMPLE.0), a.nnz() + b.nnz());
    let (mut seen, mut made) = (0, 0);
    for k in 0..count {
        // Somewhere within the k-th part, so that no period of the matrix is met.
        let (start, end) = (k * a.major() / count, (k + 1) * a.major() / count);
        let line = start + k.wrapping_mul(0x9E37_79B9) % (end - start);
        let (left, right) = (a.line(line), b.line(line));
        if left.indices.len() + right.indices.len() > SAMPLE.1 {
            continue;
        }
        let sorted = |indices: &[I]| {
            let mut sorted = indices.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            sorted
        };
        let (p, q) = (sorted(left.indices), sorted(right.indices));
        let shared = p.iter().filter(|index| q.binary_search(index).is_ok()).count();
        seen += left.indices.len() + right.indices.len();
        made += if C::UNION { p.len() + q.len() - shared } else { shared };
    }
    match seen {
        0 if C::UNION => total,
        0 => 0,
        _ => (total as f64 * (made as f64 / seen as f64)).round() as usize,
    }
}

/// Merges panels of two matrices.
struct Merging<T, I, P> {
    /// Where the lines of a panel begin in the buffer: entries of both matrices before each.
    rooms: Vec<P>,
    /// Where each task's lines end, counted from the first entry of the task.
    indptr: Vec<P>,
    indices: BufferMut<I>,
    data: BufferMut<T>,
}

/// What a task has made.
struct Merged<'a, T, I, P> {
    indptr: &'a mut [P],
    indices: &'a mut [I],
    data: &'a mut [T],
    lines: Range<usize>,
}

impl<T: Entry, I: Index, P: Index> Merging<T, I, P> {
    /// Memory for panels of some lines and entries, that for sorting lines included.
    fn bytes(lines: usize, entries: usize) -> u64 {
        let entry = size_of::<I>() + size_of::<T>() + Sorted::<T, I>::bytes_each();
        // A task has at least one line and one pointer more.
        (entries * entry + 3 * (lines + 1) * size_of::<P>()) as u64
    }

    fn new(lines: usize, entries: usize, ctx: &Context) -> Result<Self> {
        Ok(Merging {
            rooms: ctx.room("merged lines", lines + 1)?,
            indptr: ctx.room("merged lines", 2 * lines)?,
            // Of lines that could not be cut, which lie in memory as well; whether they fit is seen when they come by.
            indices: BufferMut::fresh(entries)?,
            data: BufferMut::fresh(entries)?,
        })
    }

    /// Calls `take` with merged lines, in order: whether they are whole, where they end, their indices and values.
    fn sweep<C: Combine<T>, A: Axis>(
        &mut self,
        a: &Compressed<T, I, P, A>,
        b: &Compressed<T, I, P, A>,
        lines: &mut ZippedLines<T, I, P, A>,
        ctx: &Context,
        mut take: impl FnMut(bool, &[P], &[I], &[T]) -> Result<()>,
    ) -> Result<()> {
        let mut checks = [IndexCheck::new(a), IndexCheck::new(b)];
        let mut last = None;
        lines.sweep(ctx, &mut |panel| {
            let mut rise = true;
            for ((m, check), matrix) in checks.iter_mut().enumerate().zip([a, b]) {
                let checked = ctx.with_threads(|| check.take(&panel, m));
                rise &= checked.map_err(|error| matrix.name_indices(error))?;
            }
            if !(rise || panel.opens && panel.closes) {
                return Err(too_long(panel.first));
            }
            let merged = ctx.with_threads(|| self.merge::<C>(&panel, rise));
            for result in merged {
                let (Merged { indptr, indices, data, .. }, count) =
                    result.map_err(|(line, index)| overflow::<C, T, A>(line, index))?;
                let (first, end) = (indices[..count].first(), indices[..count].last());
                // Pieces of one line were cut at the same columns, unless the file has changed since.
                if !panel.opens && first.is_some_and(|&first| last >= Some(first)) {
                    return Err(too_long(panel.first));
                }
                last = end.copied().or(last).filter(|_| !panel.closes);
                take(panel.closes, indptr, &indices[..count], &data[..count])?;
            }
            Ok(())
        })
    }

    /// Merges the lines of a panel; `rise` tells that no line needs sorting. For each task what it made, and the number of
    /// entries; or line and index of an overflow.
    fn merge<C: Combine<T>>(
        &mut self,
        panel: &ZippedPanel<'_, T, I, P>,
        rise: bool,
    ) -> Vec<std::result::Result<(Merged<'_, T, I, P>, usize), (usize, usize)>> {
        let (left, right) = (panel.parts[0], panel.parts[1]);
        let both = left.indptr.iter().zip(right.indptr);
        self.rooms.clear();
        self.rooms.extend(both.map(|(p, q)| P::from_usize(p.to_usize() + q.to_usize())));
        let entries = left.indices.len() + right.indices.len();
        let runs = partition::split(Indices::new(&self.rooms), (entries / TASK).max(1));
        self.indptr.clear();
        self.indptr.resize(self.rooms.len() - 1 + runs.len(), P::from_usize(0));
        let (mut indptr, mut indices, mut data) =
            (&mut self.indptr[..], &mut self.indices[..], &mut self.data[..]);
        let mut tasks = Vec::with_capacity(runs.len());
        for lines in runs {
            let room = self.rooms[lines.end].to_usize() - self.rooms[lines.start].to_usize();
            let (these_pointers, these_indices, these_data);
            (these_pointers, indptr) = indptr.split_at_mut(lines.len() + 1);
            (these_indices, indices) = indices.split_at_mut(room);
            (these_data, data) = data.split_at_mut(room);
            tasks.push(Merged {
                indptr: these_pointers,
                indices: these_indices,
                data: these_data,
                lines,
            });
        }
        let merged = tasks.into_par_iter().map(|mut task| {
            let made = merge_lines::<C, T, I, P>(&mut task, (&left, &right), rise);
            made.map(|count| (task, count)).map_err(|(line, index)| (panel.first + line, index))
        });
        merged.collect()
    }
}

fn merge_lines<C: Combine<T>, T: Entry, I: Index, P: Index>(
    task: &mut Merged<'_, T, I, P>,
    (left, right): (&LinePart<'_, T, I, P>, &LinePart<'_, T, I, P>),
    rise: bool,
) -> std::result::Result<usize, (usize, usize)> {
    let (mut sorted_left, mut sorted_right) = (Sorted::new(), Sorted::new());
    let mut end = 0;
    for (line, pointer) in task.lines.clone().zip(&mut task.indptr[1..]) {
        let overflowed = |Overflow(index): Overflow<I>| (line, index.to_usize());
        let (mut p, mut q) = (left.line(line), right.line(line));
        if !rise {
            p = sorted_left.of(p).map_err(overflowed)?;
            q = sorted_right.of(q).map_err(overflowed)?;
        }
        let to = (&mut task.indices[end..], &mut task.data[end..]);
        end += merge::<C, T, I>(p, q, to).map_err(overflowed)?;
        *pointer = P::from_usize(end);
    }
    Ok(end)
}

pub(super) fn overflow<C: Combine<T>, T, A: Axis>(line: usize, index: usize) -> Error {
    let (row, col) = A::swap_if_cols((line, index));
    let what = format!("the {} of the entries at a position overflows", C::WHAT);
    Error::new(ErrorKind::Value, what)
        .at(Location::Row(row as u64))
        .found(format!("row {row}, column {col}"))
}

/// A line that is merged in pieces must rise.
fn too_long(line: usize) -> Error {
    Error::new(ErrorKind::Memory, "a line that does not rise is too long to be sorted in memory")
        .at(Location::Row(line as u64))
        .remedy("raise the memory limit, or go by to_coo and Duplicates::Sum, which sort on disk")
}
