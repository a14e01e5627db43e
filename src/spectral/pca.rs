//! Principal components of a tall dense matrix through the Gram matrix of its centred rows.
//!
//! The small matrix `(A − mean)ᵀ (A − mean)` holds all that is needed. The means take a separate pass: subtracting
//! `n mean meanᵀ` from `Aᵀ A` afterwards would lose the digits that a large mean shares with every row.

use crate::dense::{AnyDense, AnyDenseWriter, Dense};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Factor, Scalar, power_of_two};
use crate::spectral::finite::not_finite_in;
use crate::spectral::jacobi::{SmallSvd, small_svd};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, DType, Element, Order, Place};

/// The directions in which the rows of a matrix vary most.
#[derive(Clone, Debug)]
pub struct Pca {
    /// The mean of every column.
    pub mean: Vec<f64>,
    /// `k x ncols`, orthonormal rows, the largest entry of each positive.
    pub components: Dense<f64>,
    /// The variance of the rows along each component, descending, with `nrows − 1` in the denominator.
    pub variances: Vec<f64>,
    /// The sum of the variances along all directions: `variances[i] / total_variance` is the fraction explained by
    /// component `i`.
    pub total_variance: f64,
    /// Passes over the matrix.
    pub passes: usize,
}

/// The first `k` principal components of the rows of `a`, at `place`.
///
/// Cost: two passes over the matrix, whatever its size, `nrows · ncols²` operations, and about `100 ncols³` on one
/// thread for the small eigenvalue problem. Memory: that of [`Dense::gram`] and four more matrices of `ncols x ncols`
/// in `f64`. For thousands of columns use [`randomized_svd`](crate::spectral::randomized_svd). Fails with
/// [`ErrorKind::Value`](crate::ErrorKind::Value), naming row and column, if a number is not finite.
///
/// ```
/// use outcore::{Context, Dense, Place, spectral::pca};
/// let a = Dense::from(ndarray::arr2(&[[1.0, 9.0], [2.0, 9.0], [3.0, 9.0]]));
/// let found = pca(&a, 1, Place::Memory, &Context::new())?;
/// assert_eq!(found.mean, [2.0, 9.0]);
/// assert_eq!(found.components.as_slice(), [1.0, 0.0]);
/// assert_eq!((found.variances[0], found.total_variance), (1.0, 1.0));
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn pca<T: Scalar<Real = T> + Factor<f64>>(
    a: &Dense<T>,
    k: usize,
    place: impl Into<Place>,
    ctx: &Context,
) -> Result<Pca> {
    let (nrows, ncols) = a.shape();
    if k > ncols {
        return Err(Error::shape("k", format!("at most {ncols}"), k));
    }
    if nrows < 2 {
        return Err(Error::shape("the matrix", "at least two rows", nrows));
    }
    let place = place.into();
    let small = 8u64.saturating_mul((ncols as u64).saturating_pow(2));
    check_small(4 * small.min(u64::MAX / 4), ctx)?;
    let written = if place == Place::Memory { 0 } else { k * ncols };
    let _running = ctx.begin(|| {
        let (center, one) = (vec![T::zero(); ncols], T::from_f64(1.0));
        let mean = ctx.plan(|ctx| a.column_stats(ctx))?;
        let gram = ctx.plan(|ctx| a.gram_around(Some((&center, one)), ctx))?;
        let mut plan =
            mean.then(gram).holds(4 * small).works(small / 8 * ncols as u64, work::SMALL_SVD);
        plan.operation = "principal components";
        if written > 0 {
            plan = AnyDenseWriter::plan(plan, (DType::Float64, written), &place, ctx);
        }
        Ok(plan.throughout(16 * ncols as u64))
    })?;
    let _held = ctx.hold(16 * ncols as u64);
    let stats = a.column_stats(ctx)?;
    let mean = stats.means();
    if !mean.iter().all(|mean| mean.is_finite()) {
        return Err(not_finite_in(a));
    }
    let center: Vec<T> = mean.iter().map(|&mean| T::from_f64(mean)).collect();
    let extremes = stats.mins().into_iter().zip(stats.maxs()).zip(&mean);
    let far = |((min, max), mean): ((f64, f64), &f64)| (max - mean).max(mean - min);
    let (scale, back) = near_one::<T>(extremes.map(far).fold(0.0, f64::max));
    let degrees = (nrows - 1) as f64;
    let gram = a.gram_around(Some((&center, T::from_f64(scale))), ctx)?;
    let gram = gram.mapv(|x| x.times(1.0f64) / degrees);
    if !gram.iter().all(|x| x.is_finite()) {
        return Err(not_finite_in(a));
    }
    let _matrices = ctx.hold(4 * small);
    // The covariance is symmetric and positive semidefinite: its singular values are its eigenvalues.
    let SmallSvd { values, right, .. } = small_svd(&gram, ctx)?;
    let what = (DType::Float64, &[k, ncols][..], Order::C);
    let mut components = AnyDenseWriter::new(&place, what, ctx)?;
    for mut vector in right.into_iter().take(k) {
        let largest = vector.iter().fold(0.0f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        vector.iter_mut().for_each(|x| *x *= largest.signum());
        components.push(Raw::of(&vector))?;
    }
    let variances = values[..k].iter().map(|&variance| variance * back * back).collect();
    let total_variance = gram.diag().sum() * back * back;
    let components = components.finish().map(AnyDense::into_typed)?;
    Ok(Pca { mean, components, variances, total_variance, passes: 2 })
}

/// A power of two that scales numbers up to `farthest` near one, and its inverse; both 1 if sums of their squares are
/// exact enough in `T` as they are.
fn near_one<T: Element>(farthest: f64) -> (f64, f64) {
    let (least, most, epsilon) = match T::DTYPE {
        DType::Float32 => (f32::MIN_POSITIVE.into(), f32::MAX.into(), f32::EPSILON.into()),
        _ => (f64::MIN_POSITIVE, f64::MAX, f64::EPSILON),
    };
    let square = farthest * farthest;
    match farthest == 0.0 || square > least / epsilon && square < most * epsilon {
        true => (1.0, 1.0),
        false => power_of_two(farthest.clamp(4.0 * least, most / 4.0)),
    }
}

/// Fails if the small matrices do not fit.
fn check_small(bytes: u64, ctx: &Context) -> Result<()> {
    let limit = ctx.memory_left();
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Memory, "the matrices of the eigenvalue problem would not fit")
        .expected(format!("at most {limit} bytes (the memory limit)"))
        .found(format!("{bytes} bytes"))
        .remedy("raise the limit, or use randomized_svd, which needs only a few vectors"))
}
