//! Vectors: inner products, norms and updates, the same bits for any number of threads.
//!
//! The shape of a sum depends only on the length: pairwise, as in `sums.rs`.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::magnitude::{is_safe, larger, largest_part, power_of_two};
use crate::linalg::algebra::scalar::Scalar;
use crate::linalg::algebra::sums::{RUN, sum_pairs, sum_run, sum_run_of_two};
use crate::storage::Context;
use crate::storage::parallel::{ParallelSlice, Tasks};
use num_traits::{Float, Zero};

/// Minimum runs that a thread takes at a time: waking another for fewer numbers takes longer than processing them.
const LEAST: usize = (1 << 16) / RUN;

/// The inner product `Σ conj(xᵢ) yᵢ`. Cost: one read of both.
///
/// ```
/// use outcore::{Context, linalg::dot};
/// assert_eq!(dot(&[1.0, 2.0], &[3.0, 4.0], &Context::new())?, 11.0);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("vdot", "VecDot"))]
pub fn dot<X: Scalar>(x: &[X], y: &[X], ctx: &Context) -> Result<X> {
    check_shape("y", x.len(), y.len())?;
    let run = |(x, y): (&[X], &[X])| sum_run_of_two(x, y, |x, y| x.conj() * y);
    Ok(ctx.with_threads(|| {
        let runs: Vec<X> = {
            let runs = x.par_chunks(RUN).zip(y.par_chunks(RUN)).with_min_len(LEAST);
            runs.map(run).collect()
        };
        sum_pairs(runs)
    }))
}

/// The Euclidean norm, also if the squares of the numbers overflow or underflow. Cost: one read; three for such
/// numbers.
///
/// ```
/// use outcore::{Context, linalg::norm};
/// assert_eq!(norm(&[3.0, 4.0], &Context::new()), 5.0);
/// assert_eq!(norm(&[1e-200; 4], &Context::new()), 2e-200);
/// ```
#[doc(alias = "VecNorm")]
pub fn norm<X: Scalar>(x: &[X], ctx: &Context) -> X::Real {
    let squares = sum_over(x, ctx, |x| (x.conj() * x).real());
    if is_safe(squares) || squares.is_nan() {
        return squares.sqrt();
    }
    let largest = largest(x, ctx);
    if largest.is_zero() || !largest.is_finite() {
        return largest;
    }
    let (scale, back) = power_of_two(largest);
    sum_over(x, ctx, |x| (x * X::from_real(scale)).abs_squared()).sqrt() * back
}

fn sum_over<X: Scalar>(
    x: &[X],
    ctx: &Context,
    term: impl Fn(X) -> X::Real + Copy + Sync + Send,
) -> X::Real {
    ctx.with_threads(|| {
        let runs = x.par_chunks(RUN).with_min_len(LEAST);
        let runs: Vec<X::Real> = runs.map(|x| sum_run(x, term)).collect();
        sum_pairs(runs)
    })
}

/// The largest absolute value, or half of it if that overflows, and not finite if some number is not.
pub(crate) fn largest<X: Scalar>(x: &[X], ctx: &Context) -> X::Real {
    let of_run = |x: &[X]| x.iter().map(|&x| largest_part(x)).fold(X::Real::zero(), larger);
    let runs: Vec<X::Real> =
        ctx.with_threads(|| x.par_chunks(RUN).with_min_len(LEAST).map(of_run).collect());
    runs.into_iter().fold(X::Real::zero(), larger)
}

/// `x = x / by`, unless `by` is zero.
pub(crate) fn divide<X: Scalar>(x: &mut [X], by: X::Real, ctx: &Context) {
    if by.is_zero() {
        return;
    }
    ctx.with_threads(|| {
        let runs = x.par_chunks_mut(RUN).with_min_len(LEAST);
        runs.for_each(|x| x.iter_mut().for_each(|x| *x = *x / X::from_real(by)));
    });
}

/// `y = a x + b y`; with `b = 0`, `y` is not read. Cost: one read of both, one write.
///
/// ```
/// use outcore::{Context, linalg::axpby};
/// let mut y = [1.0, 2.0];
/// axpby(2.0, &[1.0, 1.0], 10.0, &mut y, &Context::new())?;
/// assert_eq!(y, [12.0, 22.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("VecAXPBY", "axpy"))]
pub fn axpby<X: Scalar>(a: X, x: &[X], b: X, y: &mut [X], ctx: &Context) -> Result<()> {
    check_shape("y", x.len(), y.len())?;
    ctx.with_threads(|| {
        let runs = y.par_chunks_mut(RUN).zip(x.par_chunks(RUN)).with_min_len(LEAST);
        runs.for_each(|(y, x)| add_run(a, x, b, y));
    });
    Ok(())
}

/// As [`axpby`], and then `yᴴ y` with the bits of [`dot`]: one read of `y` for both.
pub(crate) fn axpby_squares<X: Scalar>(
    a: X,
    x: &[X],
    b: X,
    y: &mut [X],
    ctx: &Context,
) -> Result<X> {
    check_shape("y", x.len(), y.len())?;
    Ok(ctx.with_threads(|| {
        let runs = y.par_chunks_mut(RUN).zip(x.par_chunks(RUN)).with_min_len(LEAST);
        let runs: Vec<X> = runs
            .map(|(y, x)| {
                add_run(a, x, b, y);
                sum_run_of_two(y, y, |x, y| x.conj() * y)
            })
            .collect();
        sum_pairs(runs)
    }))
}

/// `y = a x + b y` for one run.
fn add_run<X: Scalar>(a: X, x: &[X], b: X, y: &mut [X]) {
    if b.is_zero() {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = a * x);
    } else {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = a * x + b * *y);
    }
}
