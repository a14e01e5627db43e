//! Sums and norms over all entries of a matrix, the same bits for any number of threads.

use std::ops::Deref;

use ndarray::Dimension;
use num_traits::Float;
use rayon::prelude::*;

use crate::dense::DenseBase;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, Coo};
use crate::storage::{Context, Element, Entry, Index};

/// Entries summed by one task.
const RUN: usize = 1 << 14;

/// Sums side by side within a run, so that additions do not wait for each other.
const LANES: usize = 16;

/// The sum of `term(entry)` over all entries: in lanes within fixed runs, the runs in order.
fn sum_of<T: Entry, X: Scalar>(data: &[T], ctx: &Context, term: impl Fn(T) -> X + Sync) -> X {
    ctx.run(|| {
        let runs: Vec<X> = data
            .par_chunks(RUN)
            .map(|run| {
                let (run, tail) = run.as_chunks::<LANES>();
                let mut lanes = [X::zero(); LANES];
                for entries in run {
                    lanes.iter_mut().zip(entries).for_each(|(lane, &entry)| *lane += term(entry));
                }
                lanes.into_iter().sum::<X>() + tail.iter().map(|&entry| term(entry)).sum::<X>()
            })
            .collect();
        runs.into_iter().sum()
    })
}

fn sum<T: Factor<X>, X: Scalar>(data: &[T], ctx: &Context) -> X {
    sum_of(data, ctx, |entry| entry.times(X::from_f64(1.0)))
}

fn norm_fro<T: Factor<X>, X: Scalar>(data: &[T], ctx: &Context) -> X::Real {
    sum_of(data, ctx, |entry| entry.times(X::from_f64(1.0)).abs_squared()).sqrt()
}

macro_rules! reductions {
    () => {
        /// The sum of all stored entries, computed in `X`; a pattern counts its entries. Cost: one read of the values.
        ///
        /// ```
        /// # use outcore::{Context, Csr};
        /// assert_eq!(Csr::<i32>::eye(3).sum::<f64>(&Context::new()), 3.0);
        /// ```
        pub fn sum<X: Scalar>(&self, ctx: &Context) -> X
        where
            T: Factor<X>,
        {
            sum(self.entries(), ctx)
        }

        /// The Frobenius norm of the stored entries, computed in `X`. Cost: one read of the values.
        ///
        /// ```
        /// # use outcore::{Context, Csr};
        /// assert_eq!(Csr::<f64>::eye(4).norm_fro::<f64>(&Context::new()), 2.0);
        /// ```
        pub fn norm_fro<X: Scalar>(&self, ctx: &Context) -> X::Real
        where
            T: Factor<X>,
        {
            norm_fro::<T, X>(self.entries(), ctx)
        }
    };
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    reductions!();

    fn entries(&self) -> &[T] {
        self.data()
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    reductions!();

    fn entries(&self) -> &[T] {
        self.data()
    }
}

impl<T: Element, B: Deref<Target = [T]>, D: Dimension> DenseBase<B, D> {
    reductions!();

    fn entries(&self) -> &[T] {
        self.as_slice()
    }
}
