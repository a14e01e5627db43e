//! A rectangle cut out of a sparse matrix, in one read of its lines and one sequential write.
//!
//! Lines (rows of CSR, columns of CSC) outside the range are never read: those inside form a matrix without a copy. Of
//! their entries those within the range of the other axis are selected, panel by panel.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::index_check::IndexCheck;
use crate::sparse::indices::by_index;
use crate::sparse::indices_mut::{IndicesMut, by_index_mut};
use crate::sparse::line_cuts::Pieces;
use crate::sparse::line_panels_of_several::{AnyLinePart, AnyZippedLines};
use crate::sparse::types::Types;
use crate::sparse::writer::{AnyWriter, memory_left};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::{Carrier, Raw, by_width, carriers_mut};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Place, Plan, RawBufferMut};

/// Lines of a task.
const TASK: usize = 1 << 12;

/// Lines sampled to estimate the number of entries, and the maximum entries read of one.
const SAMPLE: (usize, usize) = (1 << 14, 1 << 12);

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The entries of some rows and columns, as SciPy's `A[r0:r1, c0:c1]`: a separate matrix with indices from 0.
    ///
    /// Entries keep their order, and duplicates stay. For rows of CSR (columns of CSC) only,
    /// [`row_range`](crate::Csr::row_range) and [`col_range`](crate::Csc::col_range) need no copy.
    ///
    /// Cost: one read of the rows (columns, for CSC) and one sequential write, within the memory limit whatever the
    /// matrix; a second read of them before, to count the entries, if some columns (rows) are left out and the result
    /// goes to memory. The indices read are checked on the way; a bad one is an error that names its place, and no
    /// result is created. Fails if a range is not within the matrix.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let b = a.slice(0..2, 1..3, Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.get(0, 1)?, b.get(1, 0)?), ((2, 2), Some(2.0), Some(3.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("MatCreateSubMatrix", "getitem"))]
    pub fn slice(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        self.to_any().slice(rows, cols, &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

impl AnyCompressed {
    pub(crate) fn slice(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        check_range("rows", &rows, self.shape().0)?;
        check_range("columns", &cols, self.shape().1)?;
        let (majors, minors) = self.format().swap_if_cols((rows, cols));
        let lines = self.slice_major(majors.clone())?;
        let sliced = match minors == (0..self.minor()) {
            true => lines.copy_to(place, ctx),
            false => pick(&lines, minors, place, ctx),
        };
        sliced.map_err(|error| self.moved(error, majors.start))
    }

    /// Converts an error in the lines from `first` on into one in the matrix.
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
fn pick(
    from: &AnyCompressed,
    minors: Range<usize>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (kind, major, counted) =
        ((from.format(), from.types()), from.major(), *place == Place::Memory);
    // A counting pass needs no memory for the result, whose size is not known yet.
    let left = memory_left(0, place, ctx)?;
    let budget = AnyZippedLines::budget(left);
    let mut lines = AnyZippedLines::new(&[from], Pieces::Entries, budget, ctx)?;
    let room = (lines.most_lines(), lines.most_entries());
    let work = PickedEntries::bytes(kind.1, room);
    let _running = ctx.begin(|| {
        let entries = estimate(from, &minors);
        let passes = 1 + u64::from(counted);
        let plan = Plan::new("slicing").on_device_of(from.indices_buffer().file());
        let plan = plan.reads(passes, passes * lines.bytes_to_read());
        let plan = plan.holds(lines.memory() + work).works(passes * from.nnz() as u64, work::SLICE);
        let plan = match counted {
            // The counted number may exceed the estimate, up to the memory left.
            true => {
                let free = ctx.memory_left().saturating_sub(lines.memory() + work);
                plan.beside(kind.1.bytes_of(major, from.nnz()).min(free))
            }
            false => AnyWriter::plan(plan, kind.1, (major, entries), place, ctx),
        };
        Ok(Plan { entries: Some(entries as u64), ..plan })
    })?;
    let _held = ctx.hold(work);
    let mut picked = PickedEntries::new(kind.1, room, minors.clone(), ctx)?;
    let mut expected = 0;
    if counted {
        picked.sweep(from, &mut lines, ctx, &mut |_, lens, _, _| {
            expected += lens.iter().sum::<usize>();
            Ok(())
        })?;
        let bytes = kind.1.bytes_of(major, expected);
        memory_left(bytes.saturating_add(work + lines.memory()), place, ctx)?;
    }
    let shape = from.format().swap_if_cols((major, minors.len()));
    let mut writer = AnyWriter::new(kind, shape, expected, counted, place, ctx)?;
    let canonical =
        picked.sweep(from, &mut lines, ctx, &mut |closes, lens, indices, data| match closes {
            true => writer.push_lines(lens, indices, data),
            false => writer.push_part(indices, data),
        })?;
    writer.finish(canonical)
}

/// About how many entries have an index in `minors`: estimated from lines spread over the matrix; or from all, if they
/// are few.
fn estimate(from: &AnyCompressed, minors: &Range<usize>) -> usize {
    let (major, indices) = (from.major(), from.indices());
    let count = major.min(SAMPLE.0);
    let (mut seen, mut made) = (0usize, 0usize);
    for k in 0..count {
        // At a varying position within the k-th part, to avoid the period of a structured matrix.
        let (start, end) = (k * major / count, (k + 1) * major / count);
        let span = from.span(start + k.wrapping_mul(0x9E37_79B9) % (end - start));
        let stride = span.len().div_ceil(SAMPLE.1).max(1);
        let within = span.clone().step_by(stride).filter(|&k| minors.contains(&indices.at(k)));
        seen += span.len();
        made += (within.count() * stride).min(span.len());
    }
    match seen {
        0 => 0,
        _ => (from.nnz() as f64 * (made as f64 / seen as f64)).round() as usize,
    }
}

/// Receives the selection from a panel: whether its last line is whole, the number of entries per line, their indices
/// and values.
type TakeEntries<'a> = dyn FnMut(bool, &[usize], Raw<'_>, Raw<'_>) -> Result<()> + 'a;

/// The selection from a panel of lines.
struct PickedEntries {
    minors: Range<usize>,
    lens: Vec<usize>,
    indices: RawBufferMut,
    data: RawBufferMut,
}

impl PickedEntries {
    fn bytes(types: Types, (lines, entries): (usize, usize)) -> u64 {
        let (value, index, _) = types.sizes();
        (lines * size_of::<usize>() + entries * (value + index)) as u64
    }

    fn new(
        types: Types,
        (lines, entries): (usize, usize),
        minors: Range<usize>,
        ctx: &Context,
    ) -> Result<Self> {
        Ok(PickedEntries {
            minors,
            lens: ctx.room("lines of the slice", lines)?,
            indices: ctx.raw_work("the slice", (Some(types.indices), entries))?,
            data: ctx.raw_work("the slice", (types.values, entries))?,
        })
    }

    /// Calls `take` with the selection from every panel, in order. Returns whether the indices rise in every line.
    fn sweep(
        &mut self,
        from: &AnyCompressed,
        lines: &mut AnyZippedLines,
        ctx: &Context,
        take: &mut TakeEntries<'_>,
    ) -> Result<bool> {
        let mut check = IndexCheck::of(from);
        let swept = lines.sweep(ctx, &mut |panel| {
            let count = ctx.with_threads(|| {
                let rises = check.take_any(&panel, 0)?;
                Ok(self.pick(&panel.parts[0], rises))
            })?;
            let (indices, data) = (self.indices.as_raw(), self.data.as_raw());
            take(panel.closes, &self.lens, indices.slice(0..count), data.slice(0..count))
        });
        swept.map_err(|error| from.name_indices(error))?;
        Ok(check.canonical())
    }

    /// Selects from a panel, whose indices may be known to rise in every line; returns the number of entries.
    fn pick(&mut self, part: &AnyLinePart<'_>, rises: bool) -> usize {
        let PickedEntries { minors, lens, indices, data } = self;
        lens.clear();
        lens.resize(part.lines(), 0);
        lens.par_chunks_mut(TASK).enumerate().for_each(|(task, lens)| {
            let ends = part.ends(task * TASK..task * TASK + lens.len());
            by_index!(part.indices, indices => {
                for (len, ends) in lens.iter_mut().zip(ends.windows(2)) {
                    *len = count(&indices[ends[0]..ends[1]], minors, rises);
                }
            });
        });
        let (mut indices, mut data) = (IndicesMut::of(indices), data.as_mut());
        let (mut tasks, mut total) = (Vec::new(), 0);
        for (task, lens) in lens.chunks(TASK).enumerate() {
            let count = lens.iter().sum();
            total += count;
            let lines = task * TASK..task * TASK + lens.len();
            tasks.push((lines, indices.take_front(count), data.take_front(count)));
        }
        tasks.into_par_iter().for_each(|(lines, indices, data)| {
            by_index_mut!(indices, indices => by_width!(data.width(), W => {
                let ends = part.ends(lines);
                take_lines::<_, W>(part, &ends, (minors, rises), (indices, carriers_mut(data)));
            }));
        });
        total
    }
}

/// How many of the indices of a line are in a range.
fn count<I: Index>(line: &[I], range: &Range<usize>, rises: bool) -> usize {
    match rises {
        true => risen(line, range).len(),
        false => line.iter().filter(|index| range.contains(&index.to_usize())).count(),
    }
}

/// Copies the entries of some lines with an index in a range to their places.
fn take_lines<I: Index, const W: usize>(
    part: &AnyLinePart<'_>,
    ends: &[usize],
    (range, rises): (&Range<usize>, bool),
    (indices, data): (&mut [I], &mut [Carrier<W>]),
) {
    let (of_lines, of_data) = (part.indices.typed::<I>(), part.data.carriers::<W>());
    let mut room = indices.iter_mut().zip(data);
    for ends in ends.windows(2) {
        let span = ends[0]..ends[1];
        let (mut from, mut values) = (&of_lines[span.clone()], &of_data[span]);
        if rises {
            let within = risen(from, range);
            (from, values) = (&from[within.clone()], &values[within]);
        }
        let within = from.iter().zip(values).filter(|(i, _)| range.contains(&i.to_usize()));
        within.zip(&mut room).for_each(|((index, &value), (to_index, to_value))| {
            *to_index = I::from_usize(index.to_usize() - range.start);
            *to_value = value;
        });
    }
}

/// The positions of rising indices that are in a range.
fn risen<I: Index>(indices: &[I], range: &Range<usize>) -> Range<usize> {
    let before = |bound: usize| indices.partition_point(|index| index.to_usize() < bound);
    before(range.start)..before(range.end)
}
