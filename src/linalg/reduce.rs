//! Sums and norms over all entries of a matrix, the same bits for any number of threads, any limit and any place.
//!
//! Entries are summed in fixed runs, and those in pairs (`kernels/sums.rs`); integers exactly, whatever type the result has.
//! Values of a file larger than the memory limit come in panels that are cut between runs, so that nothing of that changes.

use crate::dense::{Dense, DenseBase};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::kernels::{
    Pairs, SUM_RUN as RUN, integer, is_integer, is_safe, largest_part, power_of_two, sum_run,
};
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, Coo, EntryPanels};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{Buffer, BufferMut, Context, Element, Entry, Index, Plan};
use ndarray::Dimension;
use num_traits::{Float, PrimInt, Zero};

/// Entries between two looks at the cancel token.
const STEP: usize = 1 << 24;

/// Nanoseconds an entry takes one thread.
const WORK: f64 = 0.3;

/// The values of a matrix.
#[derive(Clone, Copy)]
enum Values<'a, T> {
    /// In memory, or in a file that may be larger.
    Stored(&'a Buffer<T>),
    /// Where somebody writes.
    Written(&'a [T]),
}

impl<T: Entry> Values<'_, T> {
    /// Hands out what `of` makes of every run of entries, in order.
    fn each_run<S: Send>(
        self,
        operation: &'static str,
        ctx: &Context,
        of: impl Fn(&[T]) -> S + Sync,
        mut take: impl FnMut(S),
    ) -> Result<()> {
        let (data, stored, file) = match self {
            Values::Stored(buffer) => (&buffer[..], buffer.stored_bytes(), buffer.file()),
            Values::Written(data) => (data, 0, None),
        };
        let plan = Plan::new(operation).on_device_of(file).works(data.len() as u64, WORK);
        let mut runs = |data: &[T]| {
            let runs: Vec<S> = ctx.with_threads(|| data.par_chunks(RUN).map(&of).collect());
            runs.into_iter().for_each(&mut take);
        };
        if let Values::Stored(buffer) = self
            && stored > ctx.memory_left()
        {
            let budget = ctx.memory_left() / 4 * 3;
            let mut panels = EntryPanels::<T, u32>::within(budget, RUN, &[], buffer, ctx)?;
            let _running =
                ctx.begin(|| Ok(plan.reads(1, panels.bytes_to_read()).holds(panels.memory())))?;
            return panels.sweep(ctx, &mut |_, _, data| {
                runs(data);
                Ok(())
            });
        }
        let _running = ctx.begin(|| Ok(plan.reads(1, stored)))?;
        ctx.meter().pass();
        ctx.meter().read(stored);
        for (step, part) in data.chunks(STEP).enumerate() {
            ctx.report(operation, (step * STEP) as u64, data.len() as u64)?;
            runs(part);
        }
        Ok(())
    }

    /// The sum of `term(entry)` over all entries.
    fn total<X: Scalar>(
        self,
        operation: &'static str,
        ctx: &Context,
        term: impl Fn(T) -> X + Sync,
    ) -> Result<X> {
        let mut sum = Pairs::<X>::new(X::zero());
        let add = |a: X, b: X| a + b;
        self.each_run(operation, ctx, |run| sum_run(run, &term), |run| sum.take(run, add))?;
        Ok(sum.total(add).unwrap_or_else(X::zero))
    }

    /// The sum of integers, of which 2⁶³ of 64 bits are summed without overflow.
    fn total_of_integers(self, ctx: &Context) -> Result<i128> {
        let mut sum = 0;
        let of_run = |run: &[T]| run.iter().map(|&entry| integer(entry)).sum::<i128>();
        self.each_run("sum", ctx, of_run, |run| sum += run)?;
        Ok(sum)
    }
}

fn sum<T: Factor<X>, X: Scalar>(values: Values<'_, T>, ctx: &Context) -> Result<X> {
    if is_integer::<T>() {
        return Ok(X::from_f64(values.total_of_integers(ctx)? as f64));
    }
    values.total("sum", ctx, |entry| entry.times(X::one()))
}

fn exact_sum<T: Entry + PrimInt>(values: Values<'_, T>, ctx: &Context) -> Result<T> {
    let sum = values.total_of_integers(ctx)?;
    T::from(sum).ok_or_else(|| {
        Error::new(ErrorKind::Value, "the sum is no number of the type of the entries")
            .found(sum)
            .remedy("sum::<f64> gives it rounded")
    })
}

fn norm_fro<T: Factor<X>, X: Scalar>(values: Values<'_, T>, ctx: &Context) -> Result<X::Real> {
    const NAME: &str = "Frobenius norm";
    let square = |entry: T, scale: X::Real| entry.times(X::from_real(scale)).abs_squared();
    let one = X::one().real();
    let squares: X::Real = values.total(NAME, ctx, |entry| square(entry, one))?;
    if is_safe(squares) || squares.is_nan() {
        return Ok(squares.sqrt());
    }
    let larger = |a: X::Real, b: X::Real| if b > a || b.is_nan() { b } else { a };
    let part = |entry: &T| largest_part(entry.times(X::one()));
    let of_run = |run: &[T]| run.iter().map(part).fold(X::Real::zero(), larger);
    let mut largest = X::Real::zero();
    values.each_run(NAME, ctx, of_run, |run| largest = larger(largest, run))?;
    if largest.is_zero() || !largest.is_finite() {
        return Ok(largest);
    }
    let (scale, back) = power_of_two(largest);
    Ok(values.total(NAME, ctx, |entry| square(entry, scale))?.sqrt() * back)
}

macro_rules! reductions {
    () => {
        /// The sum of all stored entries, computed in `X`, floating-point numbers in pairs, so that the error grows with the
        /// logarithm of their number; integers are summed exactly, and the sum is rounded once. A pattern counts its
        /// entries. Cost: one read of the values; memory: none, or some panels of a file larger than the limit.
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

        /// The sum of integers as an integer. Fails with [`ErrorKind::Value`] if it overflows their type. Cost: as for
        /// [`sum`](Self::sum).
        ///
        /// ```
        /// # use outcore::{Context, Csr, ErrorKind};
        /// let a = Csr::<i8>::eye(3).with_data(vec![100i8, 27, -27])?;
        /// assert_eq!(a.exact_sum(&Context::new())?, 100);
        /// let a = a.with_data(vec![100i8, 27, 27])?;
        /// assert_eq!(a.exact_sum(&Context::new()).unwrap_err().kind(), ErrorKind::Value);
        /// # Ok::<(), outcore::Error>(())
        /// ```
        pub fn exact_sum(&self, ctx: &Context) -> Result<T>
        where
            T: PrimInt,
        {
            exact_sum(self.values(), ctx)
        }

        /// The Frobenius norm of the stored entries, each by itself where a position holds several, computed in `X`, also
        /// where the squares of entries overflow or vanish. Cost: as for [`sum`](Self::sum), and three reads for such
        /// entries.
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
