//! Several matrices as one: below each other or side by side, in one read and one sequential write.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::axis::Axis;
use crate::sparse::check::check_widths;
use crate::sparse::compressed::{Compressed, Csc, Csr};
use crate::sparse::copy::append;
use crate::sparse::index_check::IndexCheck;
use crate::sparse::line_cuts::Pieces;
use crate::sparse::writer::{CompressedWriter, memory_left};
use crate::sparse::zipped_lines::{ZippedLines, ZippedPanel};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{BufferMut, Context, Entry, Index, Place, Plan};

/// Nanoseconds an entry takes.
const WORK: f64 = 1.5;

/// Lines of a task.
const TASK: usize = 1 << 12;

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// The matrices below each other, as SciPy's `vstack`: the rows of the first, then those of the second, and so on.
    ///
    /// Cost: one read of each and one sequential write, within the memory limit whatever the matrices; the indices are
    /// checked on the way. Fails if there is no matrix, or the numbers of columns differ. To append rows to a stored matrix,
    /// stack it and the new rows at [`Place::Replace`] of its own path: a stored matrix is never changed where it lies.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::vstack(&[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.get(3, 1)?), ((4, 2), Some(1.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn vstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        one_after_the_other("stacking vertically", matrices, &place.into(), ctx)
    }

    /// The matrices side by side, as SciPy's `hstack`: each row is that of the first, then that of the second, and so on.
    ///
    /// Cost: one read of each and one sequential write, within the memory limit whatever the matrices; the indices are
    /// checked on the way. Fails if there is no matrix, if the numbers of rows differ, or if there are more columns than the
    /// index type can count.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::hstack(&[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.row(1)?.indices), ((2, 4), &[1, 3][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn hstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        side_by_side("stacking horizontally", matrices, &place.into(), ctx)
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// The matrices below each other; otherwise as [`Csr::hstack`], columns and rows being exchanged.
    pub fn vstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        side_by_side("stacking vertically", matrices, &place.into(), ctx)
    }

    /// The matrices side by side; otherwise as [`Csr::vstack`], columns and rows being exchanged.
    pub fn hstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        one_after_the_other("stacking horizontally", matrices, &place.into(), ctx)
    }
}

/// The shape and the entries of matrices whose extents along one axis add up and along the other are the same.
fn sizes<T: Entry, I: Index, P: Index, A: Axis>(
    matrices: &[&Compressed<T, I, P, A>],
    along: bool,
) -> Result<((usize, usize), usize)> {
    let extents = |matrix: &Compressed<T, I, P, A>| match along {
        true => (matrix.major(), matrix.minor()),
        false => (matrix.minor(), matrix.major()),
    };
    let Some(&first) = matrices.first() else {
        return Err(Error::new(ErrorKind::Shape, "there is no matrix to stack"));
    };
    let (mut sum, mut nnz, same) = (0usize, 0usize, extents(first).1);
    for (k, matrix) in matrices.iter().enumerate() {
        let (more, found) = extents(matrix);
        if found != same {
            return Err(Error::shape(&format!("matrix {k}"), same, found));
        }
        sum = sum.saturating_add(more);
        nnz = nnz.saturating_add(matrix.nnz());
    }
    let shape = if along { (sum, same) } else { (same, sum) };
    Ok((A::swap_if_cols(shape), nnz))
}

fn one_after_the_other<T: Entry, I: Index, P: Index, A: Axis>(
    operation: &'static str,
    matrices: &[&Compressed<T, I, P, A>],
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let (shape, nnz) = sizes(matrices, true)?;
    let (major, minor) = A::swap_if_cols(shape);
    check_widths::<I, P>(major, minor, nnz)?;
    let left = memory_left(Compressed::<T, I, P, A>::bytes_of(major, nnz), place, ctx)?;
    let budget = ZippedLines::<T, I, P, A>::budget(left);
    // One at a time, because each has its files open.
    let lines = |matrix| ZippedLines::new(&[matrix], Pieces::Entries, budget, ctx);
    let _running = ctx.begin(|| {
        let mut plan = Plan::new(operation).works(nnz as u64, WORK);
        for matrix in matrices {
            let lines = lines(matrix)?;
            plan = plan.on_device_of(matrix.indices().file());
            plan = plan.reads(1, lines.bytes_to_read()).holds(lines.memory());
        }
        Ok(CompressedWriter::<T, I, P, A>::plan(plan, (major, nnz), place, ctx))
    })?;
    let mut writer = CompressedWriter::new(shape, nnz, true, place, ctx)?;
    let mut canonical = true;
    ctx.meter().pass();
    for matrix in matrices {
        canonical &= append(&mut writer, matrix, &mut lines(matrix)?, ctx)?;
    }
    writer.finish(canonical)
}

fn side_by_side<T: Entry, I: Index, P: Index, A: Axis>(
    operation: &'static str,
    matrices: &[&Compressed<T, I, P, A>],
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let (shape, nnz) = sizes(matrices, false)?;
    let (major, minor) = A::swap_if_cols(shape);
    check_widths::<I, P>(major, minor, nnz)?;
    let left = memory_left(Compressed::<T, I, P, A>::bytes_of(major, nnz), place, ctx)?;
    let budget = ZippedLines::<T, I, P, A>::budget(left);
    let mut lines = ZippedLines::new(matrices, Pieces::Entries, budget, ctx)?;
    let work = Compressed::<T, I, P, A>::bytes_of(lines.most_lines(), lines.most_entries());
    let _running = ctx.begin(|| {
        let files = matrices.iter().find_map(|matrix| matrix.indices().file());
        let plan = Plan::new(operation).on_device_of(files).works(nnz as u64, WORK);
        let plan = plan.reads(1, lines.bytes_to_read()).holds(lines.memory() + work);
        Ok(CompressedWriter::<T, I, P, A>::plan(plan, (major, nnz), place, ctx))
    })?;
    let mut writer = CompressedWriter::new(shape, nnz, true, place, ctx)?;
    let _held = ctx.hold(work);
    let mut joined = Joined::new(matrices, (lines.most_lines(), lines.most_entries()), ctx)?;
    let mut checks: Vec<_> = matrices.iter().map(|matrix| IndexCheck::new(matrix)).collect();
    lines.sweep(ctx, &mut |panel| {
        for (m, check) in checks.iter_mut().enumerate() {
            let checked = ctx.with_threads(|| check.take(&panel, m));
            checked.map_err(|error| matrices[m].name_indices(error))?;
        }
        let (indptr, indices, data) = ctx.with_threads(|| joined.join(&panel));
        match panel.closes {
            true => writer.push_run(indptr, indices, data),
            false => writer.push_part(indices, data),
        }
    })?;
    writer.finish(checks.iter().all(IndexCheck::canonical))
}

/// A run of lines of all matrices, put side by side.
struct Joined<T, I, P> {
    /// What is added to the indices of each matrix.
    offsets: Vec<usize>,
    indptr: Vec<P>,
    indices: BufferMut<I>,
    data: BufferMut<T>,
}

impl<T: Entry, I: Index, P: Index> Joined<T, I, P> {
    /// Room for runs of some lines and entries.
    fn new<A: Axis>(
        matrices: &[&Compressed<T, I, P, A>],
        (lines, entries): (usize, usize),
        ctx: &Context,
    ) -> Result<Self> {
        let offsets = matrices.iter().scan(0, |end, matrix| {
            *end += matrix.minor();
            Some(*end - matrix.minor())
        });
        Ok(Joined {
            offsets: offsets.collect(),
            indptr: ctx.room("pointers of joined lines", lines + 1)?,
            indices: ctx.work("joined lines", entries)?,
            data: ctx.work("joined lines", entries)?,
        })
    }

    fn join(&mut self, panel: &ZippedPanel<'_, T, I, P>) -> (&[P], &[I], &[T]) {
        let lines = panel.parts[0].indptr.len() - 1;
        let end = |line: usize| {
            panel.parts.iter().map(|part| part.indptr[line].to_usize()).sum::<usize>()
        };
        self.indptr.clear();
        self.indptr.extend((0..=lines).map(|line| P::from_usize(end(line))));
        let count = end(lines);
        let (mut indices, mut data) = (&mut self.indices[..count], &mut self.data[..count]);
        let mut tasks = Vec::new();
        for start in (0..lines).step_by(TASK) {
            let lines = start..lines.min(start + TASK);
            let room = end(lines.end) - end(lines.start);
            let (these_indices, these_data);
            (these_indices, indices) = indices.split_at_mut(room);
            (these_data, data) = data.split_at_mut(room);
            tasks.push((lines, these_indices, these_data));
        }
        let offsets = &self.offsets;
        tasks.into_par_iter().for_each(|(lines, indices, data)| {
            let mut at = 0;
            for line in lines {
                for (part, offset) in panel.parts.iter().zip(offsets) {
                    let (from, values) = part.line(line);
                    let to = &mut indices[at..at + from.len()];
                    to.iter_mut()
                        .zip(from)
                        .for_each(|(to, from)| *to = I::from_usize(from.to_usize() + offset));
                    data[at..at + from.len()].copy_from_slice(values);
                    at += from.len();
                }
            }
        });
        (&self.indptr, &self.indices[..count], &self.data[..count])
    }
}
