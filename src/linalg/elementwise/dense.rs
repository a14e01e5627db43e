//! Functions of every element: in place, or from one or two arrays into a new one.

use std::ops::Range;

use crate::dense::{
    AnyDense, AnyDenseMut, AnyDenseWriter, Dense, DenseMut, DensePanel, DensePanels, zipped,
};
use crate::error::Result;
use crate::storage::parallel::Tasks;
use crate::storage::raw::{Raw, RawMut};
use crate::storage::work;
use crate::storage::{Context, DType, Element, Maker, Order, Pass, Place, RawBufferMut};
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
        let block = |_: usize, from: Raw<'_>, to: RawMut<'_>| {
            let to = to.typed::<U>().expect("elements of the type that is made");
            to.iter_mut().zip(from.as_typed()).for_each(|(to, &x)| *to = f(x));
            Ok(())
        };
        let (a, place) = (self.to_any(), place.into());
        map(("mapping elements", work::MAP_DENSE), &a, (U::DTYPE, &block), &place, ctx)
            .map(AnyDense::into_typed)
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
        let block = |_: usize, [x, y]: [Raw<'_>; 2], to: RawMut<'_>| {
            let to = to.typed::<U>().expect("elements of the type that is made");
            let from = x.as_typed().iter().zip(y.as_typed());
            to.iter_mut().zip(from).for_each(|(to, (&x, &y))| *to = f(x, y));
            Ok(())
        };
        let (operation, pair) =
            (("mapping pairs of elements", work::MAP_DENSE), (&self.to_any(), &other.to_any()));
        zip_map(operation, pair, (U::DTYPE, &block), &place.into(), ctx).map(AnyDense::into_typed)
    }
}

/// Calls `block` with all elements, task by task.
fn each_task(elements: RawMut<'_>, block: &(dyn Fn(RawMut<'_>) + Sync)) {
    elements.par_chunks_mut(TASK).for_each(block);
}

/// Computes values from others, one for each, given the position of the first.
pub(crate) type MakeValues<'f> = dyn Fn(usize, Raw<'_>, RawMut<'_>) -> Result<()> + Sync + 'f;

/// The same from pairs.
type MakeOfPairs<'f> = dyn Fn(usize, [Raw<'_>; 2], RawMut<'_>) -> Result<()> + Sync + 'f;

/// A new array of elements of a type, computed by `block` from the existing ones, many at a time. `operation` is its
/// name in plans and the work for an element. The first element that fails is the error.
pub(crate) fn map(
    (operation, work): (&'static str, f64),
    a: &AnyDense,
    (dtype, block): (DType, &MakeValues<'_>),
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let budget = NewArray::budget((dtype, a.len()), place, ctx)?;
    let mut panels = DensePanels::once(&a.as_line(), (1, 1), budget)?;
    let plan = panels.reading.plan(operation).works(a.len() as u64, work);
    let pass = Pass::new(plan).holding(NewArray::extra_memory(dtype, place, ctx));
    pass.make((dtype, a.shape(), a.order()), place, ctx, &mut |made: &mut NewArray| {
        panels.sweep_part(ctx, &mut |DensePanel { offset, elements, .. }| {
            made.take(elements.len(), &|here, to| {
                block(offset + here.start, elements.slice(here), to)
            })
        })
    })
}

/// A new array of elements of a type, computed by `block` from two arrays of one shape and order; otherwise as [`map`].
pub(crate) fn zip_map(
    (operation, work): (&'static str, f64),
    (a, b): (&AnyDense, &AnyDense),
    (dtype, block): (DType, &MakeOfPairs<'_>),
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let budget = NewArray::budget((dtype, a.len()), place, ctx)?;
    let mut runs = zipped(a, b, budget)?;
    let plan = runs.plan(operation).works(a.len() as u64, work);
    let pass = Pass::new(plan).holding(NewArray::extra_memory(dtype, place, ctx));
    pass.make((dtype, a.shape(), a.order()), place, ctx, &mut |made: &mut NewArray| {
        let mut start = 0;
        runs.sweep_part(ctx, &mut |_, parts| {
            let (left, right) = (parts[0], parts[1]);
            made.take(left.len(), &|here, to| {
                let pair = [left.slice(here.clone()), right.slice(here.clone())];
                block(start + here.start, pair, to)
            })?;
            start += left.len();
            Ok(())
        })
    })
}

/// A new array computed in order, many elements at a time.
enum NewArray {
    /// In memory, with the number of elements so far.
    Here(Box<AnyDenseMut>, usize, Context),
    /// In a file, with a buffer in which elements are computed.
    Written(Box<AnyDenseWriter>, RawBufferMut, Context),
}

impl Maker for NewArray {
    type What<'w> = (DType, &'w [usize], Order);
    type Filled = ();
    type Made = AnyDense;

    fn arrays(what: Self::What<'_>, place: &Place) -> Result<Vec<u64>> {
        AnyDenseWriter::arrays(what, place)
    }

    fn start(what: Self::What<'_>, place: &Place, ctx: &Context) -> Result<Self> {
        if *place == Place::Memory {
            let array = AnyDenseMut::create(place, what, ctx)?;
            return Ok(NewArray::Here(Box::new(array), 0, ctx.clone()));
        }
        let writer = AnyDenseWriter::new(place, what, ctx)?;
        let len = buffer_len(what.0, ctx);
        let buffer = ctx.raw_work("a run of elements", (Some(what.0), len))?;
        Ok(NewArray::Written(Box::new(writer), buffer, ctx.clone()))
    }

    fn end(self, (): ()) -> Result<AnyDense> {
        match self {
            NewArray::Here(array, ..) => array.freeze(),
            NewArray::Written(writer, ..) => writer.finish(),
        }
    }
}

impl NewArray {
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

    /// Computes the next `len` elements: `fill` is called, on all threads, with ranges of them and their destination.
    fn take(&mut self, len: usize, fill: &FillElements<'_>) -> Result<()> {
        match self {
            NewArray::Here(array, at, ctx) => {
                let mut array = array.elements_mut();
                let mut to = array.slice_mut(*at..*at + len);
                *at += len;
                for start in (0..len).step_by(STEP) {
                    ctx.check_cancelled()?;
                    spread(to.take_front(STEP.min(len - start)), start, fill, ctx)?;
                }
            }
            NewArray::Written(writer, buffer, ctx) => {
                for start in (0..len).step_by(buffer.len()) {
                    ctx.check_cancelled()?;
                    let now = (len - start).min(buffer.len());
                    spread(buffer.as_mut().slice_mut(0..now), start, fill, ctx)?;
                    writer.push(buffer.as_raw().slice(0..now))?;
                }
            }
        }
        Ok(())
    }
}

/// Fills a range of elements.
type FillElements<'f> = dyn Fn(Range<usize>, RawMut<'_>) -> Result<()> + Sync + 'f;

/// Fills elements from the `start` on, task by task.
fn spread(to: RawMut<'_>, start: usize, fill: &FillElements<'_>, ctx: &Context) -> Result<()> {
    let failed = ctx.with_threads(|| {
        to.par_chunks_mut(TASK).enumerate().find_map_first(|(task, to)| {
            let first = start + task * TASK;
            fill(first..first + to.len(), to).err()
        })
    });
    failed.map_or(Ok(()), Err)
}

/// Elements that are computed before they are written: no more than a thirty-second of the limit.
fn buffer_len(dtype: DType, ctx: &Context) -> usize {
    (ctx.memory_left() as usize / 32 / dtype.size()).clamp(TASK, STEP)
}
