//! Inner products with several vectors, and their linear combinations: what a basis needs, reading the other vector
//! once.
//!
//! The shape of a sum depends only on the length, as in `vector.rs`: the bits are those of [`dot`](super::dot), and of
//! one [`axpby`](super::axpby) after the other.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::scalar::Scalar;
use crate::linalg::algebra::sums::{RUN, sum_pairs, sum_run_of_two};
use crate::storage::Context;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};

/// Numbers that a thread adds to at a time, which stay in the first-level cache while the vectors are read.
const PART: usize = 2048;

/// The inner products `Vᴴ y` with every vector. Cost: one read of the vectors, and of `y`.
///
/// ```
/// use outcore::{Context, linalg::dots};
/// let v = [[1.0, 0.0], [1.0, 1.0]];
/// assert_eq!(dots(&v, &[3.0, 4.0], &Context::new())?, [3.0, 7.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "VecMDot")]
pub fn dots<X: Scalar>(vectors: &[impl AsRef<[X]>], y: &[X], ctx: &Context) -> Result<Vec<X>> {
    let vectors: Vec<&[X]> = vectors.iter().map(AsRef::as_ref).collect();
    vectors.iter().try_for_each(|v| check_shape("a vector", y.len(), v.len()))?;
    if vectors.is_empty() {
        return Ok(Vec::new());
    }
    let runs: Vec<Vec<X>> = ctx.with_threads(|| {
        (0..y.len().div_ceil(RUN))
            .into_par_iter()
            .map(|run| {
                let here = run * RUN..y.len().min((run + 1) * RUN);
                let dot = |v: &&[X]| {
                    sum_run_of_two(&v[here.clone()], &y[here.clone()], |v, y| v.conj() * y)
                };
                vectors.iter().map(dot).collect()
            })
            .collect()
    });
    Ok((0..vectors.len()).map(|k| sum_pairs(runs.iter().map(|run| run[k]))).collect())
}

/// `y += V c`, a linear combination of the vectors; those beyond the coefficients are left out.
///
/// Cost: one read of the vectors, one read and write of `y`.
///
/// ```
/// use outcore::{Context, linalg::combine};
/// let (v, mut y) = ([[1.0, 0.0], [1.0, 1.0]], [0.5, 0.5]);
/// combine(&[2.0, 3.0], &v, &mut y, &Context::new())?;
/// assert_eq!(y, [5.5, 3.5]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "VecMAXPY")]
pub fn combine<X: Scalar>(
    coefficients: &[X],
    vectors: &[impl AsRef<[X]>],
    y: &mut [X],
    ctx: &Context,
) -> Result<()> {
    let vectors: Vec<&[X]> = vectors.iter().map(AsRef::as_ref).collect();
    check_shape("the coefficients", coefficients.len().min(vectors.len()), coefficients.len())?;
    vectors.iter().try_for_each(|v| check_shape("a vector", y.len(), v.len()))?;
    ctx.with_threads(|| {
        let parts = y.par_chunks_mut(PART).enumerate().with_min_len(8);
        parts.for_each(|(part, y)| {
            for (&c, v) in coefficients.iter().zip(&vectors) {
                let v = &v[part * PART..][..y.len()];
                y.iter_mut().zip(v).for_each(|(y, &v)| *y = c * v + *y);
            }
        });
    });
    Ok(())
}

/// Subtracts from `y` its part in the span of orthonormal vectors, twice, and returns the coefficients of that part.
///
/// Gram–Schmidt, modified with one vector `at_once` and classical with all of them, which reads `y` less often. Twice is
/// enough for vectors orthogonal to working precision (Giraud, Langou, Rozložník and van den Eshof, "Rounding error
/// analysis of the classical Gram-Schmidt orthogonalization process", 2005). `sum` completes the sums of what is not
/// here. Cost: four reads of the vectors.
pub(crate) fn orthogonalize<X: Scalar>(
    vectors: &[&[X]],
    y: &mut [X],
    at_once: usize,
    ctx: &Context,
    sum: impl Fn(&mut [X]) -> Result<()>,
) -> Result<Vec<X>> {
    let mut coefficients = vec![X::zero(); vectors.len()];
    let at_once = at_once.max(1);
    for _ in 0..2 {
        let parts = vectors.chunks(at_once).zip(coefficients.chunks_mut(at_once));
        for (vectors, coefficients) in parts {
            let mut found = dots(vectors, y, ctx)?;
            sum(&mut found)?;
            coefficients.iter_mut().zip(&found).for_each(|(sum, &c)| *sum += c);
            found.iter_mut().for_each(|c| *c = -*c);
            combine(&found, vectors, y, ctx)?;
        }
    }
    Ok(coefficients)
}
