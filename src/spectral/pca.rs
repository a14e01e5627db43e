//! Principal components of a tall dense matrix through the Gram matrix of its centred rows.
//!
//! The small matrix `(A − mean)ᵀ (A − mean)` holds all that is needed. The means take a pass of their own: subtracting
//! `n mean meanᵀ` from `Aᵀ A` afterwards would lose the digits that a large mean has in common with every row.

use ndarray::Array2;

use crate::dense::Dense;
use crate::error::{Error, Result};
use crate::linalg::{Factor, Scalar};
use crate::spectral::jacobi::{SmallSvd, small_svd};
use crate::storage::Context;

/// Nanoseconds that the cube of a column takes in the small eigenvalue problem.
const SMALL: f64 = 30.0;

/// The directions in which the rows of a matrix vary most.
#[derive(Clone, Debug)]
pub struct Pca {
    /// The mean of every column.
    pub mean: Vec<f64>,
    /// `k x ncols`, orthonormal rows, the largest entry of each positive.
    pub components: Array2<f64>,
    /// The variance of the rows along each component, falling, with `nrows − 1` in the denominator.
    pub variances: Vec<f64>,
    /// The sum of the variances along all directions: `variances[i] / total_variance` is what component `i` explains.
    pub total_variance: f64,
    /// Passes over the matrix.
    pub passes: usize,
}

/// The `k` first principal components of the rows of `a`.
///
/// Cost: two passes over the matrix, whatever its size, `nrows · ncols²` operations, and about `100 ncols³` on one thread
/// for the small eigenvalue problem. Memory: that of [`Dense::gram`] and four more matrices of `ncols x ncols` in `f64`.
/// For thousands of columns take [`randomized_svd`](crate::spectral::randomized_svd).
///
/// ```
/// use outcore::{Context, Dense, spectral::pca};
/// let a = Dense::from(ndarray::arr2(&[[1.0, 9.0], [2.0, 9.0], [3.0, 9.0]]));
/// let found = pca(&a, 1, &Context::new())?;
/// assert_eq!(found.mean, [2.0, 9.0]);
/// assert_eq!(found.components.row(0).to_vec(), [1.0, 0.0]);
/// assert_eq!((found.variances[0], found.total_variance), (1.0, 1.0));
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn pca<T: Scalar<Real = T> + Factor<f64>>(
    a: &Dense<T>,
    k: usize,
    ctx: &Context,
) -> Result<Pca> {
    let (nrows, ncols) = a.dim();
    if k > ncols {
        return Err(Error::shape("k", format!("at most {ncols}"), k));
    }
    if nrows < 2 {
        return Err(Error::shape("the matrix", "at least two rows", nrows));
    }
    ctx.check_memory("the eigenvectors", 32u64.saturating_mul((ncols as u64).pow(2)))?;
    let small = 8 * (ncols as u64).pow(2);
    let _running = ctx.begin(|| {
        let center = vec![T::zero(); ncols];
        let mean = ctx.plan(|ctx| a.column_stats(ctx))?;
        let gram = ctx.plan(|ctx| a.gram_around(Some(&center), ctx))?;
        let mut plan = mean.then(gram).holds(4 * small).works(small / 8 * ncols as u64, SMALL);
        plan.operation = "principal components";
        Ok(plan.beside(16 * ncols as u64))
    })?;
    let _held = ctx.hold(16 * ncols as u64);
    let mean = a.column_stats(ctx)?.means();
    let center: Vec<T> = mean.iter().map(|&mean| T::from_f64(mean)).collect();
    let degrees = (nrows - 1) as f64;
    let gram = a.gram_around(Some(&center), ctx)?.mapv(|x| x.times(1.0f64) / degrees);
    let _matrices = ctx.hold(4 * small);
    // The covariance is symmetric and positive semidefinite: its singular values are its eigenvalues.
    let SmallSvd { values, right, .. } = small_svd(&gram, ctx)?;
    let mut components = Array2::zeros((k, ncols));
    for (mut row, vector) in components.rows_mut().into_iter().zip(right) {
        let largest = vector.iter().fold(0.0f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        row.iter_mut().zip(vector).for_each(|(to, x)| *to = x * largest.signum());
    }
    let total_variance = gram.diag().sum();
    Ok(Pca { mean, components, variances: values[..k].to_vec(), total_variance, passes: 2 })
}
