//! A rectangle cut out of a sparse matrix, in one read of its lines and one sequential write.
//!
//! Lines (rows of CSR, columns of CSC) that are not wanted are never read: the wanted ones are a matrix of their own
//! without a copy. Of their entries those within the range of the other axis are picked, run by run.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::index_check::IndexCheck;
use crate::sparse::line_cuts::Pieces;
use crate::sparse::writer::{CompressedWriter, memory_left};
use crate::sparse::zipped_lines::{LinePart, ZippedLines};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{BufferMut, Context, Entry, Index, Place, Plan};

/// Nanoseconds an entry takes.
const WORK: f64 = 1.0;

/// Lines of a task.
const TASK: usize = 1 << 12;

/// Lines that are looked at to guess how many entries there will be, and the most entries of one.
const SAMPLE: (usize, usize) = (1 << 14, 1 << 12);

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The entries of some rows and columns, as SciPy's `A[r0:r1, c0:c1]`: a matrix of its own, counted from 0.
    ///
    /// Entries keep their order, and duplicates stay. Rows of CSR (columns of CSC) alone are had without a copy, by
    /// [`row_range`](crate::Csr::row_range) and [`col_range`](crate::Csc::col_range).
    ///
    /// Cost: one read of the rows (columns, for CSC) and one sequential write, within the memory limit whatever the
    /// matrix; a second read of them before, to count the entries, if some columns (rows) are left out and the result is
    /// to live in memory. The indices read are checked on the way; a bad one is an error that names its place, and nothing
    /// appears. Fails if a range does not lie within the matrix.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let b = a.slice(0..2, 1..3, Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.get(0, 1)?, b.get(1, 0)?), ((2, 2), Some(2.0), Some(3.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn slice(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        check_range("rows", &rows, self.nrows())?;
        check_range("columns", &cols, self.ncols())?;
        let (majors, minors) = A::swap_if_cols((rows, cols));
        let lines = self.slice_major(majors.clone())?;
        let sliced = match minors == (0..self.minor()) {
            true => lines.copy_to(place, ctx),
            false => pick(&lines, minors, &place.into(), ctx),
        };
        sliced.map_err(|error| self.moved(error, majors.start))
    }

    /// An error in some lines from `first` on as one in the matrix.
    fn moved(&self, error: Error, first: usize) -> Error {
        match error.location() {
            Some(&Location::Entry { major, position }) if first < self.major() => {
                let position = position + self.span(first).start as u64;
                error.at(Location::Entry { major: major + first as u64, position })
            }
            _ => error,
        }
    }
}

fn check_range(what: &str, range: &Range<usize>, extent: usize) -> Result<()> {
    if range.start <= range.end && range.end <= extent {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Shape, format!("there are no such {what}"))
        .expected(format!("a range within 0..{extent}"))
        .found(format!("{range:?}")))
}

/// The entries of all lines with an index in `minors`.
fn pick<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    minors: Range<usize>,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let counted = *place == Place::Memory;
    // A pass to count needs no room for the result, whose size nobody knows yet.
    let left = memory_left(0, place, ctx)?;
    let budget = ZippedLines::<T, I, P, A>::budget(left);
    let mut lines = ZippedLines::new(&[from], Pieces::Entries, budget, ctx)?;
    let work = Picked::<T, I>::bytes(lines.most_lines(), lines.most_entries());
    let _running = ctx.begin(|| {
        let entries = estimate(from, &minors);
        let passes = 1 + u64::from(counted);
        let plan = Plan::new("slicing").on_device_of(from.indices().file());
        let plan = plan.reads(passes, passes * lines.bytes_to_read());
        let plan = plan.holds(lines.memory() + work).works(passes * from.nnz() as u64, WORK);
        let size = (from.major(), entries);
        let plan = match counted {
            // What is counted first may be more than was guessed, up to what is left.
            true => plan.beside(most_bytes(from, ctx.memory_left(), lines.memory() + work)),
            false => CompressedWriter::<T, I, P, A>::plan(plan, size, place, ctx),
        };
        Ok(Plan { entries: Some(entries as u64), ..plan })
    })?;
    let _held = ctx.hold(work);
    let mut picked = Picked::new((lines.most_lines(), lines.most_entries()), minors.clone(), ctx)?;
    let mut expected = 0;
    if counted {
        picked.sweep(from, &mut lines, ctx, |_, lens, _, _| {
            expected += lens.iter().sum::<usize>();
            Ok(())
        })?;
        let bytes = Compressed::<T, I, P, A>::bytes_of(from.major(), expected);
        memory_left(bytes.saturating_add(work + lines.memory()), place, ctx)?;
    }
    let (major, _) = A::swap_if_cols(from.shape());
    let shape = A::swap_if_cols((major, minors.len()));
    let mut writer = CompressedWriter::<T, I, P, A>::new(shape, expected, counted, place, ctx)?;
    let canonical =
        picked.sweep(from, &mut lines, ctx, |closes, lens, indices, data| match closes {
            true => writer.push_lines(lens, indices, data),
            false => writer.push_part(indices, data),
        })?;
    writer.finish(canonical)
}

/// Most bytes of a result in memory beside the work.
fn most_bytes<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    limit: u64,
    used: u64,
) -> u64 {
    let all = Compressed::<T, I, P, A>::bytes_of(from.major(), from.nnz());
    all.min(limit.saturating_sub(used))
}

/// About how many entries have an index in `minors`: what some lines spread over the matrix say; all, if they are few.
fn estimate<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    minors: &Range<usize>,
) -> usize {
    let count = from.major().min(SAMPLE.0);
    let (mut seen, mut made) = (0usize, 0usize);
    for k in 0..count {
        // Somewhere within the k-th part, so that no period of the matrix is met.
        let (start, end) = (k * from.major() / count, (k + 1) * from.major() / count);
        let indices = from.line(start + k.wrapping_mul(0x9E37_79B9) % (end - start)).indices;
        let stride = indices.len().div_ceil(SAMPLE.1).max(1);
        let within = indices.iter().step_by(stride).filter(|i| minors.contains(&i.to_usize()));
        seen += indices.len();
        made += (within.count() * stride).min(indices.len());
    }
    match seen {
        0 => 0,
        _ => (from.nnz() as f64 * (made as f64 / seen as f64)).round() as usize,
    }
}

/// What was picked from a run of lines.
struct Picked<T: Entry, I: Index> {
    minors: Range<usize>,
    lens: Vec<usize>,
    indices: BufferMut<I>,
    data: BufferMut<T>,
}

impl<T: Entry, I: Index> Picked<T, I> {
    fn bytes(lines: usize, entries: usize) -> u64 {
        (lines * size_of::<usize>() + entries * (size_of::<I>() + size_of::<T>())) as u64
    }

    fn new((lines, entries): (usize, usize), minors: Range<usize>, ctx: &Context) -> Result<Self> {
        let lens = ctx.room("lines of the slice", lines)?;
        let (indices, data) = (ctx.work("the slice", entries)?, ctx.work("the slice", entries)?);
        Ok(Picked { minors, lens, indices, data })
    }

    /// Calls `take` with what was picked of every run, in order: whether its last line is whole, how many entries each line
    /// has, their indices and values. Tells whether the indices rise in every line.
    fn sweep<P: Index, A: Axis>(
        &mut self,
        from: &Compressed<T, I, P, A>,
        lines: &mut ZippedLines<T, I, P, A>,
        ctx: &Context,
        mut take: impl FnMut(bool, &[usize], &[I], &[T]) -> Result<()>,
    ) -> Result<bool> {
        let mut check = IndexCheck::new(from);
        let swept = lines.sweep(ctx, &mut |panel| {
            let count = ctx.with_threads(|| {
                let rises = check.take(&panel, 0)?;
                Ok(self.pick(&panel.parts[0], rises))
            })?;
            take(panel.closes, &self.lens, &self.indices[..count], &self.data[..count])
        });
        swept.map_err(|error| from.name_indices(error))?;
        Ok(check.canonical())
    }

    /// Picks from a run, in whose lines indices may be known to rise; the number of entries.
    fn pick<P: Index>(&mut self, part: &LinePart<'_, T, I, P>, rises: bool) -> usize {
        let minors = &self.minors;
        let lines = part.indptr.len() - 1;
        self.lens.clear();
        self.lens.resize(lines, 0);
        self.lens.par_chunks_mut(TASK).enumerate().for_each(|(task, lens)| {
            for (line, len) in (task * TASK..).zip(lens) {
                let indices = part.line(line).0;
                *len = match rises {
                    true => risen(indices, minors).len(),
                    false => indices.iter().filter(|i| minors.contains(&i.to_usize())).count(),
                };
            }
        });
        let (mut indices, mut data) = (&mut self.indices[..], &mut self.data[..]);
        let (mut tasks, mut total) = (Vec::new(), 0);
        for (task, lens) in self.lens.chunks(TASK).enumerate() {
            let count = lens.iter().sum();
            total += count;
            let (these_indices, these_data);
            (these_indices, indices) = indices.split_at_mut(count);
            (these_data, data) = data.split_at_mut(count);
            tasks.push((task * TASK..task * TASK + lens.len(), these_indices, these_data));
        }
        tasks.into_par_iter().for_each(|(lines, indices, data)| {
            let mut room = indices.iter_mut().zip(data);
            for line in lines {
                let (mut from, mut values) = part.line(line);
                if rises {
                    let within = risen(from, minors);
                    (from, values) = (&from[within.clone()], &values[within]);
                }
                let within =
                    from.iter().zip(values).filter(|(i, _)| minors.contains(&i.to_usize()));
                within.zip(&mut room).for_each(|((index, &value), (to_index, to_value))| {
                    *to_index = I::from_usize(index.to_usize() - minors.start);
                    *to_value = value;
                });
            }
        });
        total
    }
}

/// Where indices that rise lie in a range.
fn risen<I: Index>(indices: &[I], range: &Range<usize>) -> Range<usize> {
    let before = |bound: usize| indices.partition_point(|index| index.to_usize() < bound);
    before(range.start)..before(range.end)
}
