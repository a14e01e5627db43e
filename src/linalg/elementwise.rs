//! Functions of every element: in place, or from one or two arrays into a new one.

use std::ops::Range;

use crate::dense::{Dense, DenseMut, DenseWriter, LinePanel, LinePanels, ZippedRuns};
use crate::error::Result;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{BufferMut, Context, Element, Order, Place, Plan};
use ndarray::Dimension;

/// Elements of a task.
const TASK: usize = 1 << 14;

/// Elements between two looks at the cancel token, and at most made before they are written.
const STEP: usize = 1 << 20;

/// Nanoseconds that an element takes one thread, apart from the function.
const WORK: f64 = 0.7;

impl<T: Element, D: Dimension> DenseMut<T, D> {
    /// Replaces every element `x` by `f(x)`, on the threads of the context the array was made with.
    ///
    /// Cost: one read and one write of the array, in the order of the file. An array in a file that is larger than half the
    /// memory limit is read ahead and written behind the work, past its map, and summed on the way. Cancelled in between, it
    /// leaves the elements before some place replaced and the others not.
    ///
    /// ```
    /// use outcore::{Context, DenseMut, Order, Place};
    /// let mut a = DenseMut::<f64>::create(Place::Memory, (2, 2), Order::C, &Context::new())?;
    /// a.map_inplace(|x| x + 1.0)?;
    /// assert_eq!(a.as_slice(), [1.0; 4]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn map_inplace(&mut self, f: impl Fn(T) -> T + Sync) -> Result<()> {
        let ctx = self.context().clone();
        self.replace("mapping elements", WORK, |elements| {
            ctx.with_threads(|| {
                let tasks = elements.par_chunks_mut(TASK);
                tasks.for_each(|task| task.iter_mut().for_each(|x| *x = f(*x)));
            });
        })
    }
}

impl<T: Element, D: Dimension> Dense<T, D> {
    /// A new array of `f(x)` for every element `x`, in the same shape and order, at `place`.
    ///
    /// Cost: one read and one sequential write. Memory: the result, unless it goes to a file, and for a file larger than
    /// half the limit four panels of at most 12 MiB. Cancelled or failing, it leaves nothing behind.
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[1i32, -2]]));
    /// let b = a.map(Place::Memory, &Context::new(), |x| x as f64 / 2.0)?;
    /// assert_eq!(b.as_slice(), [0.5, -1.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn map<U: Element>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
        f: impl Fn(T) -> U + Sync,
    ) -> Result<Dense<U, D>> {
        let place = place.into();
        let budget = Made::<U, D>::budget(self.len(), &place, ctx)?;
        let line = Dense::from_parts((1, self.len()), Order::C, self.buffer().clone())?;
        let mut panels = LinePanels::once(&line, (1, 1), budget, ctx)?;
        let _running = ctx.begin(|| {
            let plan = Plan::new("mapping elements").on_device_of(self.buffer().file());
            let plan = plan.reads(1, self.buffer().stored_bytes()).holds(panels.memory());
            Ok(Made::<U, D>::plan(plan, self.len(), &place, ctx))
        })?;
        let mut made = Made::<U, D>::new(&place, self.view().raw_dim(), self.order(), ctx)?;
        panels.sweep(ctx, &mut |LinePanel { elements, .. }| {
            made.take(elements.len(), |here, to| {
                to.iter_mut().zip(&elements[here]).for_each(|(to, &x)| *to = f(x));
            })
        })?;
        made.finish()
    }

    /// A new array of `f(x, y)` for the elements `x` of this array and `y` of another of the same shape and order, at
    /// `place`.
    ///
    /// Cost: one read of both and one sequential write; memory as for [`map`](Self::map). Fails if shapes or orders differ.
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0]]));
    /// let b = a.zip_map(&a, Place::Memory, &Context::new(), |x, y| x * y)?;
    /// assert_eq!(b.as_slice(), [1.0, 4.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn zip_map<S: Element, U: Element>(
        &self,
        other: &Dense<S, D>,
        place: impl Into<Place>,
        ctx: &Context,
        f: impl Fn(T, S) -> U + Sync,
    ) -> Result<Dense<U, D>> {
        let place = place.into();
        let budget = Made::<U, D>::budget(self.len(), &place, ctx)?;
        let mut runs = ZippedRuns::new(self, other, budget, ctx)?;
        let _running = ctx.begin(|| {
            let stored = self.buffer().stored_bytes() + other.buffer().stored_bytes();
            let file = self.buffer().file().or(other.buffer().file());
            let plan = Plan::new("mapping pairs of elements").on_device_of(file);
            let plan = plan.reads(1, stored).holds(runs.memory());
            Ok(Made::<U, D>::plan(plan, self.len(), &place, ctx))
        })?;
        let mut made = Made::<U, D>::new(&place, self.view().raw_dim(), self.order(), ctx)?;
        runs.sweep(ctx, &mut |_, left, right| {
            made.take(left.len(), |here, to| {
                let from = left[here.clone()].iter().zip(&right[here]);
                to.iter_mut().zip(from).for_each(|(to, (&x, &y))| *to = f(x, y));
            })
        })?;
        made.finish()
    }
}

/// A new array that is made in order, many elements at a time.
enum Made<'a, U: Element, D: Dimension> {
    /// In memory, so many elements of it so far.
    Here(Box<DenseMut<U, D>>, usize, &'a Context),
    /// In a file, on whose way elements are made here.
    Written(Box<DenseWriter<U, D>>, BufferMut<U>, &'a Context),
}

impl<'a, U: Element, D: Dimension> Made<'a, U, D> {
    fn new(place: &Place, shape: D, order: Order, ctx: &'a Context) -> Result<Self> {
        if *place == Place::Memory {
            let array = DenseMut::create(place, shape, order, ctx)?;
            return Ok(Made::Here(Box::new(array), 0, ctx));
        }
        let writer = DenseWriter::new(place, shape, order, ctx)?;
        let room = ctx.work("a run of elements", room::<U>(ctx))?.counted(ctx.meter());
        Ok(Made::Written(Box::new(writer), room, ctx))
    }

    /// The memory besides the array or what is made of it at a time.
    fn memory_beside(place: &Place, ctx: &Context) -> u64 {
        if *place == Place::Memory { 0 } else { (room::<U>(ctx) * size_of::<U>()) as u64 }
    }

    /// The memory that is left for reading beside an array of `len` elements.
    fn budget(len: usize, place: &Place, ctx: &Context) -> Result<u64> {
        let limit = ctx.memory_left();
        let taken = DenseWriter::<U, D>::memory(len, place, ctx);
        ctx.check_memory("the result", if *place == Place::Memory { taken } else { 0 })?;
        let left = limit.saturating_sub(taken.saturating_add(Self::memory_beside(place, ctx)));
        Ok(left.min(limit / 2))
    }

    fn plan(plan: Plan, len: usize, place: &Place, ctx: &Context) -> Plan {
        let plan = plan.works(len as u64, WORK).beside(Self::memory_beside(place, ctx));
        DenseWriter::<U, D>::plan(plan, len, place, ctx)
    }

    /// Makes the next `len` elements: `fill` is called, on all threads, with ranges of them and where they go.
    fn take(&mut self, len: usize, fill: impl Fn(Range<usize>, &mut [U]) + Sync) -> Result<()> {
        match self {
            Made::Here(array, at, ctx) => {
                let to = &mut array.as_mut_slice()[*at..*at + len];
                *at += len;
                for (step, to) in to.chunks_mut(STEP).enumerate() {
                    ctx.check_cancelled()?;
                    spread(to, step * STEP, &fill, ctx);
                }
            }
            Made::Written(writer, room, ctx) => {
                for start in (0..len).step_by(room.len()) {
                    ctx.check_cancelled()?;
                    let now = (len - start).min(room.len());
                    spread(&mut room[..now], start, &fill, ctx);
                    writer.push(&room[..now])?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Dense<U, D>> {
        match self {
            Made::Here(array, ..) => array.freeze(),
            Made::Written(writer, ..) => writer.finish(),
        }
    }
}

/// Fills elements from the `start` on, task by task.
fn spread<U: Element>(
    to: &mut [U],
    start: usize,
    fill: &(impl Fn(Range<usize>, &mut [U]) + Sync),
    ctx: &Context,
) {
    ctx.with_threads(|| {
        to.par_chunks_mut(TASK).enumerate().for_each(|(task, to)| {
            let first = start + task * TASK;
            fill(first..first + to.len(), to);
        });
    });
}

/// Elements that are made before they are written: no more than a thirty-second of the limit.
fn room<U>(ctx: &Context) -> usize {
    (ctx.memory_left() as usize / 32 / size_of::<U>()).clamp(TASK, STEP)
}
