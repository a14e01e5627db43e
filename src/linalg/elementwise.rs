//! Functions of every element: in place, or from one or two arrays into a new one.

use ndarray::Dimension;
use rayon::prelude::*;

use crate::dense::{Dense, DenseMut, LinePanel, LinePanels, ZippedRuns};
use crate::error::Result;
use crate::storage::{Context, Element, Order, Place};

/// Elements of a task.
const TASK: usize = 1 << 14;

/// Elements between two looks at the cancel token.
const STEP: usize = 1 << 22;

impl<T: Element, D: Dimension> DenseMut<T, D> {
    /// Replaces every element `x` by `f(x)`, on the threads of the context the array was made with.
    ///
    /// Cost: one read and one write of the array, in the order of the file, no memory. Cancelled in between, it leaves
    /// the elements before some place replaced and the others not.
    ///
    /// ```
    /// use outcore::{Context, DenseMut, Order, Place};
    /// let mut a = DenseMut::<f64>::create(Place::Memory, (2, 2), Order::C, &Context::new())?;
    /// a.map_inplace(|x| x + 1.0)?;
    /// assert_eq!(a.as_slice(), [1.0; 4]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn map_inplace(&mut self, f: impl Fn(T) -> T + Sync) -> Result<()> {
        let (ctx, len) = (self.context().clone(), self.len());
        for (step, elements) in self.as_mut_slice().chunks_mut(STEP).enumerate() {
            ctx.report("mapping elements", (step * STEP) as u64, len as u64)?;
            ctx.run(|| {
                let tasks = elements.par_chunks_mut(TASK);
                tasks.for_each(|task| task.iter_mut().for_each(|x| *x = f(*x)));
            });
        }
        ctx.report("mapping elements", len as u64, len as u64)
    }
}

impl<T: Element, D: Dimension> Dense<T, D> {
    /// A new array of `f(x)` for every element `x`, in the same shape and order, at `place`.
    ///
    /// Cost: one read and one sequential write. Memory: the result, unless it goes to a file, and for a file larger than
    /// the limit four panels of at most 12 MiB. Cancelled or failing, it leaves nothing behind.
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
        let budget = beside::<U>(self.len(), &place, ctx)?;
        let line = Dense::from_parts((1, self.len()), Order::C, self.buffer().clone())?;
        let mut panels = LinePanels::once(&line, (1, 1), budget, ctx)?;
        let mut result = self.like::<U>(&place, ctx)?;
        let to = result.as_mut_slice();
        panels.sweep(ctx, |LinePanel { offset, elements, .. }| {
            ctx.run(|| {
                let to = to[offset..offset + elements.len()].par_chunks_mut(TASK);
                to.zip(elements.par_chunks(TASK)).for_each(|(to, from)| {
                    to.iter_mut().zip(from).for_each(|(to, &x)| *to = f(x));
                });
            });
            Ok(())
        })?;
        result.freeze()
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
        let budget = beside::<U>(self.len(), &place, ctx)?;
        let mut runs = ZippedRuns::new(self, other, budget, ctx)?;
        let mut result = self.like::<U>(&place, ctx)?;
        let to = result.as_mut_slice();
        runs.sweep(ctx, |start, left, right| {
            ctx.run(|| {
                let to = to[start..start + left.len()].par_chunks_mut(TASK);
                let from = left.par_chunks(TASK).zip(right.par_chunks(TASK));
                to.zip(from).for_each(|(to, (left, right))| {
                    let from = left.iter().zip(right);
                    to.iter_mut().zip(from).for_each(|(to, (&x, &y))| *to = f(x, y));
                });
            });
            Ok(())
        })?;
        result.freeze()
    }

    /// An array of zeros in this one's shape and order.
    fn like<U: Element>(&self, place: &Place, ctx: &Context) -> Result<DenseMut<U, D>> {
        DenseMut::create(place, self.view().raw_dim(), self.order(), ctx)
    }
}

/// The memory that is left for reading beside a result of `len` elements.
fn beside<U>(len: usize, place: &Place, ctx: &Context) -> Result<u64> {
    let result = if *place == Place::Memory { (len * size_of::<U>()) as u64 } else { 0 };
    ctx.check_memory("the result", result)?;
    Ok(ctx.memory_limit_bytes() - result)
}
