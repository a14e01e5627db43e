//! Functions of every element: in place, or from one or two arrays into a new one.

use std::ops::Range;

use crate::dense::{
    AnyDense, AnyDenseMut, AnyDenseWriter, Dense, DenseMut, DensePanel, DensePanels, zipped,
};
use crate::error::Result;
use crate::storage::parallel::Tasks;
use crate::storage::raw::{Raw, RawMut};
use crate::storage::work;
use crate::storage::{Context, DType, Element, Order, Place, Plan, RawBufferMut};
use ndarray::Dimension;

/// Elements of a task.
const TASK: usize = 1 << 14;

/// Elements between two checks of the cancel token, and the maximum computed before they are written.
const STEP: usize = 1 << 20;

impl<T: Element, D: Dimension> DenseMut<T, D> {
    /// Replaces every element `x` by `f(x)`, on the threads of the context with which the array was made.
    ///
    /// Cost: one read and one write of the array, in the order of the file. An array in a file that is larger than half
    /// the memory limit is read ahead and written behind the work, past its map, with checksums computed on the way. If
    /// cancelled in between, the elements before some position are replaced and the others are not.
    ///
    /// ```
    /// use outcore::{Context, DenseMut, Order, Place};
    /// let mut a = DenseMut::<f64>::create((2, 2), Order::C, Place::Memory, &Context::new())?;
    /// a.map_inplace(|x| x + 1.0)?;
    /// assert_eq!(a.as_slice(), [1.0; 4]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn map_inplace(&mut self, f: impl Fn(T) -> T + Sync) -> Result<()> {
        let ctx = self.context().clone();
        let block = |elements: RawMut<'_>| {
            let elements = elements.typed::<T>().expect("elements of the array's type");
            elements.iter_mut().for_each(|x| *x = f(*x));
        };
        self.replace("mapping elements", work::MAP_DENSE, &mut |elements| {
            ctx.with_threads(|| each_task(elements, &block));
        })
    }
}

impl<T: Element, D: Dimension> Dense<T, D> {
    /// A new array of `f(x)` for every element `x`, in the same shape and order, at `place`.
    ///
    /// Cost: one read and one sequential write. Memory: the result, unless it goes to a file, and for a file larger
    /// than half the limit four panels of at most 12 MiB. If it is cancelled or fails, it leaves nothing behind.
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
        let block = |from: Raw<'_>, to: RawMut<'_>| {
            let to = to.typed::<U>().expect("elements of the type that is made");
            to.iter_mut().zip(from.as_typed()).for_each(|(to, &x)| *to = f(x));
        };
        map(&self.to_any(), (U::DTYPE, &block), &place.into(), ctx).map(AnyDense::into_typed)
    }

    /// A new array of `f(x, y)` for the elements `x` of this array and `y` of another of the same shape and order, at
    /// `place`.
    ///
    /// Cost: one read of both and one sequential write; memory as for [`map`](Self::map). Fails if shapes or orders
    /// differ.
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
        let block = |x: Raw<'_>, y: Raw<'_>, to: RawMut<'_>| {
            let to = to.typed::<U>().expect("elements of the type that is made");
            let from = x.as_typed().iter().zip(y.as_typed());
            to.iter_mut().zip(from).for_each(|(to, (&x, &y))| *to = f(x, y));
        };
        zip_map((&self.to_any(), &other.to_any()), (U::DTYPE, &block), &place.into(), ctx)
            .map(AnyDense::into_typed)
    }
}

/// Calls `block` with all elements, task by task.
fn each_task(elements: RawMut<'_>, block: &(dyn Fn(RawMut<'_>) + Sync)) {
    elements.par_chunks_mut(TASK).for_each(block);
}

/// A new array of elements of a type, computed by `block` from the existing ones, many at a time.
pub(crate) fn map(
    a: &AnyDense,
    (dtype, block): (DType, &(dyn Fn(Raw<'_>, RawMut<'_>) + Sync)),
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let budget = NewArray::budget((dtype, a.len()), place, ctx)?;
    let mut panels = DensePanels::once(&a.as_line(), (1, 1), budget)?;
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan("mapping elements");
        Ok(NewArray::plan(plan, (dtype, a.len()), place, ctx))
    })?;
    let mut made = NewArray::new(place, (dtype, a.shape(), a.order()), ctx)?;
    panels.sweep(ctx, &mut |DensePanel { elements, .. }| {
        made.take(elements.len(), &|here, to| block(elements.slice(here), to))
    })?;
    made.finish()
}

/// A new array of elements of a type, computed by `block` from two arrays of one shape and order, many at a time.
pub(crate) fn zip_map(
    (a, b): (&AnyDense, &AnyDense),
    (dtype, block): (DType, &(dyn Fn(Raw<'_>, Raw<'_>, RawMut<'_>) + Sync)),
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let budget = NewArray::budget((dtype, a.len()), place, ctx)?;
    let mut runs = zipped(a, b, budget)?;
    let _running = ctx.begin(|| {
        let plan = runs.plan("mapping pairs of elements");
        Ok(NewArray::plan(plan, (dtype, a.len()), place, ctx))
    })?;
    let mut made = NewArray::new(place, (dtype, a.shape(), a.order()), ctx)?;
    runs.sweep(ctx, &mut |_, parts| {
        let (left, right) = (parts[0], parts[1]);
        made.take(left.len(), &|here, to| block(left.slice(here.clone()), right.slice(here), to))
    })?;
    made.finish()
}

/// A new array computed in order, many elements at a time.
enum NewArray<'a> {
    /// In memory, with the number of elements so far.
    Here(Box<AnyDenseMut>, usize, &'a Context),
    /// In a file, with a buffer in which elements are computed.
    Written(Box<AnyDenseWriter>, RawBufferMut, &'a Context),
}

impl<'a> NewArray<'a> {
    fn new(
        place: &Place,
        (dtype, shape, order): (DType, &[usize], Order),
        ctx: &'a Context,
    ) -> Result<Self> {
        let what = (dtype, shape, order);
        if *place == Place::Memory {
            return Ok(NewArray::Here(Box::new(AnyDenseMut::create(place, what, ctx)?), 0, ctx));
        }
        let writer = AnyDenseWriter::new(place, what, ctx)?;
        let buffer = ctx.raw_work("a run of elements", (Some(dtype), buffer_len(dtype, ctx)))?;
        Ok(NewArray::Written(Box::new(writer), buffer.counted(ctx.meter()), ctx))
    }

    /// The memory in addition to the array, for the part computed at a time.
    fn extra_memory(dtype: DType, place: &Place, ctx: &Context) -> u64 {
        if *place == Place::Memory { 0 } else { dtype.bytes_of(buffer_len(dtype, ctx)) }
    }

    /// The memory left for reading next to an array of this many elements.
    fn budget(what: (DType, usize), place: &Place, ctx: &Context) -> Result<u64> {
        let left = AnyDenseWriter::memory_left(what, place, ctx)?;
        let left = left.saturating_sub(Self::extra_memory(what.0, place, ctx));
        Ok(left.min(ctx.memory_left() / 2))
    }

    fn plan(plan: Plan, what: (DType, usize), place: &Place, ctx: &Context) -> Plan {
        let plan = plan
            .works(what.1 as u64, work::MAP_DENSE)
            .throughout(Self::extra_memory(what.0, place, ctx));
        AnyDenseWriter::plan(plan, what, place, ctx)
    }

    /// Computes the next `len` elements: `fill` is called, on all threads, with ranges of them and their destination.
    fn take(&mut self, len: usize, fill: &(dyn Fn(Range<usize>, RawMut<'_>) + Sync)) -> Result<()> {
        match self {
            NewArray::Here(array, at, ctx) => {
                let mut array = array.elements_mut();
                let mut to = array.slice_mut(*at..*at + len);
                *at += len;
                for start in (0..len).step_by(STEP) {
                    ctx.check_cancelled()?;
                    spread(to.take_front(STEP.min(len - start)), start, fill, ctx);
                }
            }
            NewArray::Written(writer, buffer, ctx) => {
                for start in (0..len).step_by(buffer.len()) {
                    ctx.check_cancelled()?;
                    let now = (len - start).min(buffer.len());
                    spread(buffer.as_mut().slice_mut(0..now), start, fill, ctx);
                    writer.push(buffer.as_raw().slice(0..now))?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<AnyDense> {
        match self {
            NewArray::Here(array, ..) => array.freeze(),
            NewArray::Written(writer, ..) => writer.finish(),
        }
    }
}

/// Fills elements from the `start` on, task by task.
fn spread(
    to: RawMut<'_>,
    start: usize,
    fill: &(dyn Fn(Range<usize>, RawMut<'_>) + Sync),
    ctx: &Context,
) {
    ctx.with_threads(|| {
        to.par_chunks_mut(TASK).enumerate().for_each(|(task, to)| {
            let first = start + task * TASK;
            fill(first..first + to.len(), to);
        });
    });
}

/// Elements that are computed before they are written: no more than a thirty-second of the limit.
fn buffer_len(dtype: DType, ctx: &Context) -> usize {
    (ctx.memory_left() as usize / 32 / dtype.size()).clamp(TASK, STEP)
}
