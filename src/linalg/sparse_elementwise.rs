//! Functions of the stored values of a sparse matrix: mapped one by one, or scaled by row and column.
//!
//! The structure stays. In memory it is shared with the matrix the values come from, and only values are made; in files
//! all three arrays are written, in one pass.

use crate::error::{Result, check_shape};
use crate::linalg::scalar::Scalar;
use crate::sparse::partition;
use crate::sparse::{
    Axis, Compressed, CompressedWriter, EntryPanels, IndexCheck, Indices, LinePart, Pieces,
    ZippedLines, memory_left,
};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, Entry, Index, Place, Plan, SparseFormat};

/// Nanoseconds an entry takes one thread.
const WORK: f64 = 1.5;

/// Elements of a task.
const TASK: usize = 1 << 14;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The same structure with `f(value)` for every stored value; positions without an entry stay without.
    ///
    /// Cost: one read and one sequential write, within the memory limit whatever the matrix. In memory the structure is
    /// shared with this matrix, and only the values are read. In a file all arrays are written, and the indices checked.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2).map_values(|x| x as f32 * 3.0, Place::Memory, &Context::new())?;
    /// assert_eq!(a.get(1, 1)?, Some(3.0f32));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn map_values<U: Entry>(
        &self,
        f: impl Fn(T) -> U + Sync,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Compressed<U, I, P, A>> {
        match place.into() {
            Place::Memory => map_in_memory("mapping values", self, f, ctx),
            place => transform("mapping values", self, |_, _, value| f(value), &place, ctx),
        }
    }
}

impl<T: Scalar, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The matrix times a number. Cost: as for [`map_values`](Self::map_values).
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2).scale(3.0, Place::Memory, &Context::new())?;
    /// assert_eq!(a.get(1, 1)?, Some(3.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn scale(&self, alpha: T, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        match place.into() {
            Place::Memory => map_in_memory("scaling", self, |value| alpha * value, ctx),
            place => transform("scaling", self, |_, _, value| alpha * value, &place, ctx),
        }
    }

    /// Every row times its number: `diag(d) A`.
    ///
    /// Cost: one read of the matrix and one sequential write; in memory the structure is shared with this matrix. Fails if
    /// there is not one number for each row.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2).scale_rows(&[3.0, 4.0], Place::Memory, &Context::new())?;
    /// assert_eq!(a.get(1, 1)?, Some(4.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn scale_rows(&self, d: &[T], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        check_shape("d", self.nrows(), d.len())?;
        let along = A::FORMAT == SparseFormat::Csr;
        scale_lines("scaling rows", self, d, along, &place.into(), ctx)
    }

    /// Every column times its number: `A diag(d)`; otherwise as [`scale_rows`](Self::scale_rows).
    pub fn scale_cols(&self, d: &[T], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        check_shape("d", self.ncols(), d.len())?;
        let along = A::FORMAT == SparseFormat::Csc;
        scale_lines("scaling columns", self, d, along, &place.into(), ctx)
    }
}

fn scale_lines<T: Scalar, I: Index, P: Index, A: Axis>(
    operation: &'static str,
    a: &Compressed<T, I, P, A>,
    d: &[T],
    along: bool,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    match along {
        true => transform(operation, a, |line, _, value| d[line] * value, place, ctx),
        false => transform(operation, a, |_, index, value| d[index] * value, place, ctx),
    }
}

/// The structure shared, and values that depend on values alone.
fn map_in_memory<T: Entry, U: Entry, I: Index, P: Index, A: Axis>(
    operation: &'static str,
    a: &Compressed<T, I, P, A>,
    f: impl Fn(T) -> U + Sync,
    ctx: &Context,
) -> Result<Compressed<U, I, P, A>> {
    let bytes = (a.nnz() * size_of::<U>()) as u64;
    let left = memory_left(bytes, &Place::Memory, ctx)?;
    let mut panels = EntryPanels::<T, I>::within(left / 4, 1, &[], a.data(), ctx)?;
    let _running = ctx.begin(|| {
        let plan = Plan::new(operation).on_device_of(a.data().file()).works(a.nnz() as u64, WORK);
        Ok(plan.reads(1, panels.bytes_to_read()).holds(panels.memory()).beside(bytes))
    })?;
    let mut values = ctx.zeros::<U>("the values", a.nnz())?;
    panels.sweep(ctx, &mut |start, _, data| {
        let to = values[start..start + data.len()].par_chunks_mut(TASK);
        ctx.with_threads(|| {
            to.zip(data.par_chunks(TASK)).for_each(|(to, from)| {
                to.iter_mut().zip(from).for_each(|(to, &value)| *to = f(value));
            });
        });
        Ok(())
    })?;
    a.with_data(values.freeze())
}

/// The same structure with `f(line, index, value)` for every entry; the indices are checked before they are handed in.
fn transform<T: Entry, U: Entry, I: Index, P: Index, A: Axis>(
    operation: &'static str,
    a: &Compressed<T, I, P, A>,
    f: impl Fn(usize, usize, T) -> U + Sync,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<U, I, P, A>> {
    let bytes = (a.nnz() * size_of::<U>()) as u64;
    let left = memory_left(bytes, place, ctx)?;
    let budget = ZippedLines::<T, I, P, A>::budget(left);
    let mut lines = ZippedLines::new(&[a], Pieces::Entries, budget, ctx)?;
    let work = (lines.most_entries() * size_of::<U>()) as u64;
    let _running = ctx.begin(|| {
        let plan =
            Plan::new(operation).on_device_of(a.indices().file()).works(a.nnz() as u64, WORK);
        let plan = plan.reads(1, lines.bytes_to_read()).holds(lines.memory());
        Ok(match place {
            Place::Memory => plan.beside(bytes),
            _ => {
                let size = (a.major(), a.nnz());
                CompressedWriter::<U, I, P, A>::plan(plan, size, place, ctx).beside(work)
            }
        })
    })?;
    let mut check = IndexCheck::new(a);
    let named = |error| a.name_indices(error);
    if *place == Place::Memory {
        let mut values = ctx.zeros::<U>("the values", a.nnz())?;
        let swept = lines.sweep(ctx, &mut |panel| {
            let part = &panel.parts[0];
            let to = &mut values[part.start..part.start + part.data.len()];
            ctx.with_threads(|| check.take(&panel, 0).map(|_| fill(panel.first, part, &f, to)))
        });
        swept.map_err(named)?;
        return a.with_data(values.freeze());
    }
    let mut writer = CompressedWriter::<U, I, P, A>::new(a.shape(), a.nnz(), true, place, ctx)?;
    let _held = ctx.hold(work);
    let mut values = ctx.work::<U>("a run of values", lines.most_entries())?;
    let swept = lines.sweep(ctx, &mut |panel| {
        let part = &panel.parts[0];
        let values = &mut values[..part.data.len()];
        ctx.with_threads(|| check.take(&panel, 0).map(|_| fill(panel.first, part, &f, values)))?;
        match panel.closes {
            true => writer.push_run(part.indptr, part.indices, values),
            false => writer.push_part(part.indices, values),
        }
    });
    swept.map_err(named)?;
    writer.finish(check.canonical())
}

/// The new values of a run of lines.
fn fill<T: Entry, U: Entry, I: Index, P: Index>(
    first: usize,
    part: &LinePart<'_, T, I, P>,
    f: &(impl Fn(usize, usize, T) -> U + Sync),
    mut to: &mut [U],
) {
    let parts = (part.data.len() / TASK).max(1);
    let tasks: Vec<_> = partition::split(Indices::new(part.indptr), parts)
        .into_iter()
        .map(|lines| {
            let room = part.indptr[lines.end].to_usize() - part.indptr[lines.start].to_usize();
            let (mine, rest) = std::mem::take(&mut to).split_at_mut(room);
            to = rest;
            (lines, mine)
        })
        .collect();
    tasks.into_par_iter().for_each(|(lines, mut to)| {
        for line in lines {
            let (indices, data) = part.line(line);
            let (mine, rest) = to.split_at_mut(data.len());
            for ((to, index), &value) in mine.iter_mut().zip(indices).zip(data) {
                *to = f(first + line, index.to_usize(), value);
            }
            to = rest;
        }
    });
}
