//! Sums and norms over all entries of a matrix, the same bits for any number of threads, any limit and any place.
//!
//! Entries are summed in lanes within fixed runs, and the runs in order. Values of a file larger than the memory limit come
//! in panels that are cut between runs, so that nothing of that changes.

use ndarray::Dimension;
use num_traits::Float;
use rayon::prelude::*;

use crate::dense::{Dense, DenseBase};
use crate::error::Result;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, Coo, EntryPanels};
use crate::storage::{Buffer, BufferMut, Context, Element, Entry, Index, Plan};

/// Entries summed by one task.
const RUN: usize = 1 << 14;

/// Sums side by side within a run, so that additions do not wait for each other.
const LANES: usize = 16;

/// Entries between two looks at the cancel token.
const STEP: usize = 1 << 24;

/// Nanoseconds an entry takes one thread.
const WORK: f64 = 0.3;

/// The values of a matrix.
enum Values<'a, T> {
    /// In memory, or in a file that may be larger.
    Stored(&'a Buffer<T>),
    /// Where somebody writes.
    Written(&'a [T]),
}

/// The sum of `term(entry)` over all entries.
fn total<T: Entry, X: Scalar>(
    operation: &'static str,
    values: Values<'_, T>,
    ctx: &Context,
    term: impl Fn(T) -> X + Sync,
) -> Result<X> {
    let (data, stored, file) = match &values {
        Values::Stored(buffer) => (&buffer[..], buffer.stored_bytes(), buffer.file()),
        Values::Written(data) => (*data, 0, None),
    };
    let plan = Plan::new(operation).on_device_of(file).works(data.len() as u64, WORK);
    let mut sum: X = std::iter::empty().sum();
    if let Values::Stored(buffer) = values
        && stored > ctx.memory_left()
    {
        let budget = ctx.memory_left() / 4 * 3;
        let mut panels = EntryPanels::<T, u32>::within(budget, RUN, &[], buffer, ctx)?;
        let _running =
            ctx.begin(|| Ok(plan.reads(1, panels.bytes_to_read()).holds(panels.memory())))?;
        panels.sweep(ctx, &mut |_, _, data| {
            add_runs(&mut sum, data, ctx, &term);
            Ok(())
        })?;
        return Ok(sum);
    }
    let _running = ctx.begin(|| Ok(plan.reads(1, stored)))?;
    ctx.meter().pass();
    ctx.meter().read(stored);
    for (step, part) in data.chunks(STEP).enumerate() {
        ctx.report(operation, (step * STEP) as u64, data.len() as u64)?;
        add_runs(&mut sum, part, ctx, &term);
    }
    Ok(sum)
}

/// Adds the sums of the runs of `data`, which starts with a run.
fn add_runs<T: Entry, X: Scalar>(
    sum: &mut X,
    data: &[T],
    ctx: &Context,
    term: &(impl Fn(T) -> X + Sync),
) {
    let runs: Vec<X> = ctx.run(|| {
        let runs = data.par_chunks(RUN).map(|run| {
            let (run, tail) = run.as_chunks::<LANES>();
            let mut lanes = [X::zero(); LANES];
            for entries in run {
                lanes.iter_mut().zip(entries).for_each(|(lane, &entry)| *lane += term(entry));
            }
            lanes.into_iter().sum::<X>() + tail.iter().map(|&entry| term(entry)).sum::<X>()
        });
        runs.collect()
    });
    runs.into_iter().for_each(|run| *sum += run);
}

fn sum<T: Factor<X>, X: Scalar>(values: Values<'_, T>, ctx: &Context) -> Result<X> {
    total("sum", values, ctx, |entry| entry.times(X::from_f64(1.0)))
}

fn norm_fro<T: Factor<X>, X: Scalar>(values: Values<'_, T>, ctx: &Context) -> Result<X::Real> {
    let square = |entry: T| entry.times(X::from_f64(1.0)).abs_squared();
    Ok(total("Frobenius norm", values, ctx, square)?.sqrt())
}

macro_rules! reductions {
    () => {
        /// The sum of all stored entries, computed in `X`; a pattern counts its entries. Cost: one read of the values;
        /// memory: none, or some panels of a file larger than the limit.
        ///
        /// ```
        /// # use outcore::{Context, Csr};
        /// assert_eq!(Csr::<i32>::eye(3).sum::<f64>(&Context::new())?, 3.0);
        /// # Ok::<(), outcore::Error>(())
        /// ```
        pub fn sum<X: Scalar>(&self, ctx: &Context) -> Result<X>
        where
            T: Factor<X>,
        {
            sum(self.values(), ctx)
        }

        /// The Frobenius norm of the stored entries, computed in `X`. Cost: as for [`sum`](Self::sum).
        ///
        /// ```
        /// # use outcore::{Context, Csr};
        /// assert_eq!(Csr::<f64>::eye(4).norm_fro::<f64>(&Context::new())?, 2.0);
        /// # Ok::<(), outcore::Error>(())
        /// ```
        pub fn norm_fro<X: Scalar>(&self, ctx: &Context) -> Result<X::Real>
        where
            T: Factor<X>,
        {
            norm_fro::<T, X>(self.values(), ctx)
        }
    };
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    reductions!();

    fn values(&self) -> Values<'_, T> {
        Values::Stored(self.data())
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    reductions!();

    fn values(&self) -> Values<'_, T> {
        Values::Stored(self.data())
    }
}

impl<T: Element, D: Dimension> Dense<T, D> {
    reductions!();

    fn values(&self) -> Values<'_, T> {
        Values::Stored(self.buffer())
    }
}

impl<T: Element, D: Dimension> DenseBase<BufferMut<T>, D> {
    reductions!();

    fn values(&self) -> Values<'_, T> {
        Values::Written(self.as_slice())
    }
}
