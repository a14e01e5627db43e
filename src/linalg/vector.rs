//! Vectors: inner products, norms and updates, the same bits for any number of threads.
//!
//! A sum is taken over fixed runs of elements, each in fixed lanes, and the runs are added in order. The shape of the
//! sum depends on the length alone.

use rayon::prelude::*;

use crate::error::{Result, check_shape};
use crate::linalg::scalar::Scalar;
use crate::storage::Context;

/// Elements summed by one task.
const RUN: usize = 1 << 14;

/// Sums side by side within a run, so that additions do not wait for each other.
const LANES: usize = 16;

/// The inner product `Σ conj(xᵢ) yᵢ`. Cost: one read of both.
///
/// ```
/// use outcore::{Context, linalg::dot};
/// assert_eq!(dot(&[1.0, 2.0], &[3.0, 4.0], &Context::new())?, 11.0);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn dot<X: Scalar>(x: &[X], y: &[X], ctx: &Context) -> Result<X> {
    check_shape("y", x.len(), y.len())?;
    Ok(ctx.run(|| {
        let runs: Vec<X> =
            x.par_chunks(RUN).zip(y.par_chunks(RUN)).map(|(x, y)| dot_run(x, y)).collect();
        runs.into_iter().sum()
    }))
}

fn dot_run<X: Scalar>(x: &[X], y: &[X]) -> X {
    let ((x, x_tail), (y, y_tail)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut lanes = [X::zero(); LANES];
    for (x, y) in x.iter().zip(y) {
        for lane in 0..LANES {
            lanes[lane] += x[lane].conj() * y[lane];
        }
    }
    let tail: X = x_tail.iter().zip(y_tail).map(|(&x, &y)| x.conj() * y).sum();
    lanes.into_iter().sum::<X>() + tail
}

/// The Euclidean norm. Cost: one read.
///
/// ```
/// use outcore::{Context, linalg::norm};
/// assert_eq!(norm(&[3.0, 4.0], &Context::new()), 5.0);
/// ```
pub fn norm<X: Scalar>(x: &[X], ctx: &Context) -> X::Real {
    use num_traits::Float;
    ctx.run(|| {
        let runs: Vec<X::Real> = x.par_chunks(RUN).map(|x| dot_run(x, x).real()).collect();
        runs.into_iter().sum::<X::Real>().sqrt()
    })
}

/// `y = a x + b y`; with `b = 0` what stood in `y` does not matter. Cost: one read of both, one write.
///
/// ```
/// use outcore::{Context, linalg::axpby};
/// let mut y = [1.0, 2.0];
/// axpby(2.0, &[1.0, 1.0], 10.0, &mut y, &Context::new())?;
/// assert_eq!(y, [12.0, 22.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn axpby<X: Scalar>(a: X, x: &[X], b: X, y: &mut [X], ctx: &Context) -> Result<()> {
    check_shape("y", x.len(), y.len())?;
    ctx.run(|| {
        y.par_chunks_mut(RUN).zip(x.par_chunks(RUN)).for_each(|(y, x)| {
            if b.is_zero() {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = a * x);
            } else {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = a * x + b * *y);
            }
        });
    });
    Ok(())
}
