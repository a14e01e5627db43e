//! The largest singular values and vectors of an operator from its products with a few random vectors.
//!
//! ```text
//! Q = orth(A Ω), Ω random, ncols x l                                  one pass
//! q times:  Q = orth(A orth(Aᴴ Q))                                    two passes each
//! W R = Aᴴ Q;  R = U₁ S V₁ᴴ, which is small;  A ≈ (Q V₁) S (W U₁)ᴴ     one pass
//! ```
//!
//! Source: Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), algorithms 4.4 and 5.1. Every product
//! is one of all `l` vectors at once, so a matrix larger than memory is read `2 q + 2` times in all.

use ndarray::Array2;
use num_traits::{Float, Zero};

use crate::error::{Error, Result};
use crate::linalg::{LinearOperator, Scalar};
use crate::spectral::jacobi::{SmallSvd, small_svd};
use crate::spectral::orthonormal::{interleaved, orthonormalize, transposed};
use crate::storage::{Context, Plan};

/// Nanoseconds that a number takes for each vector while vectors are made orthonormal.
const ORTHONORMAL: f64 = 1.0;

/// What [`randomized_svd`] may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvdOptions {
    /// Vectors beyond the `k` that are asked for, 10 by default.
    pub oversampling: usize,
    /// How often `A Aᴴ` is applied to the vectors, 2 by default; each costs two passes, and more are needed the slower
    /// the singular values fall.
    pub power_iterations: usize,
    /// The start of the random numbers, 0 by default: the same seed gives the same result.
    pub seed: u64,
}

impl Default for SvdOptions {
    fn default() -> Self {
        SvdOptions { oversampling: 10, power_iterations: 2, seed: 0 }
    }
}

/// `A ≈ U diag(s) Vᴴ`.
#[derive(Clone, Debug)]
pub struct Svd<X: Scalar> {
    /// `nrows x k`, orthonormal columns.
    pub u: Array2<X>,
    /// Falling, and positive.
    pub s: Vec<X::Real>,
    /// `ncols x k`, orthonormal columns.
    pub v: Array2<X>,
    /// Products with the operator; for a matrix, passes over it.
    pub passes: usize,
}

/// The `k` largest singular values of an operator and their vectors; fewer if the rank is lower.
///
/// Cost: `2 power_iterations + 2` products with `l = k + oversampling` vectors at once. Memory: `2 l` vectors of each
/// length in all; fails with [`ErrorKind::Memory`](crate::ErrorKind::Memory), saying how much is needed, if they do not fit.
/// The result depends on the seed and not on the number of threads. What a [plan](Context::plan) says of reads is what the
/// operator says of a product ([`plan_block`](LinearOperator::plan_block)), as often as there are products, less what a
/// prepared operator keeps in memory after the first of them.
///
/// ```
/// use outcore::spectral::{SvdOptions, randomized_svd};
/// use outcore::{Context, Dense};
/// let a = Dense::from(ndarray::arr2(&[[3.0f64, 0.0], [0.0, 4.0], [0.0, 0.0]]));
/// let svd = randomized_svd::<f64>(&a, 1, SvdOptions::default(), &Context::new())?;
/// assert!((svd.s[0] - 4.0).abs() < 1e-12 && svd.v[[1, 0]].abs() > 1.0 - 1e-12);
/// assert_eq!(svd.passes, 6);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn randomized_svd<X: Scalar>(
    a: &impl LinearOperator<X>,
    k: usize,
    options: SvdOptions,
    ctx: &Context,
) -> Result<Svd<X>> {
    let (nrows, ncols) = a.shape();
    if k > nrows.min(ncols) {
        return Err(Error::shape("k", format!("at most {}", nrows.min(ncols)), k));
    }
    let l = k.saturating_add(options.oversampling).min(nrows).min(ncols);
    let numbers = 2 * (nrows as u64 + ncols as u64) * l as u64;
    let bytes = numbers.saturating_mul(size_of::<X>() as u64);
    let found = (nrows as u64 + ncols as u64).saturating_mul((k * size_of::<X>()) as u64);
    ctx.check_memory("the vectors", bytes)?;
    ctx.check_memory("the vectors and the result", bytes.saturating_add(found))?;
    // From here on, so that an operator plans with what these leave.
    let _held = ctx.hold(bytes + found);
    let _running = ctx.begin(|| {
        let (forth, back) = (a.plan_block(false, l, ctx)?, a.plan_block(true, l, ctx)?);
        let mut plan = Plan::new("randomized SVD").works(numbers, ORTHONORMAL * l as f64);
        plan = plan.then(forth.clone());
        for _ in 0..options.power_iterations {
            plan = plan.then(back.clone().again()).then(forth.clone().again());
        }
        plan = plan.then(back.again());
        Ok(plan.beside(bytes + found))
    })?;
    let mut tall = Block::new(nrows, l);
    let mut wide = Block::new(ncols, l);
    fill_normal(&mut wide.rows, options.seed);
    a.apply_block(l, &wide.rows, &mut tall.rows, ctx)?;
    tall.orthonormalize(ctx)?;
    for _ in 0..options.power_iterations {
        a.apply_adjoint_block(l, &tall.rows, &mut wide.rows, ctx)?;
        wide.orthonormalize(ctx)?;
        a.apply_block(l, &wide.rows, &mut tall.rows, ctx)?;
        tall.orthonormalize(ctx)?;
    }
    a.apply_adjoint_block(l, &tall.rows, &mut wide.rows, ctx)?;
    let r = wide.orthonormalize(ctx)?;
    let SmallSvd { left, values, right } = small_svd(&r, ctx)?;
    let largest = values.first().copied().unwrap_or_else(X::Real::zero);
    let negligible = largest * X::Real::epsilon() * X::from_f64(l as f64).real();
    let rank = values.iter().take(k).take_while(|&&value| value > negligible).count();
    Ok(Svd {
        u: tall.combined(&right[..rank]),
        v: wide.combined(&left[..rank]),
        s: values[..rank].to_vec(),
        passes: 2 * options.power_iterations + 2,
    })
}

/// As many vectors as are multiplied at once.
struct Block<X> {
    /// Rows of `l` numbers, as products take and give them.
    rows: Vec<X>,
    /// The same vectors one after the other, while they are made orthonormal.
    columns: Vec<X>,
    length: usize,
    l: usize,
}

impl<X: Scalar> Block<X> {
    fn new(length: usize, l: usize) -> Self {
        let zeros = vec![X::zero(); length * l];
        Block { rows: zeros.clone(), columns: zeros, length, l }
    }

    /// Makes the vectors orthonormal, and gives what combines the new ones to the old.
    fn orthonormalize(&mut self, ctx: &Context) -> Result<Array2<X>> {
        transposed(&self.rows, self.l, &mut self.columns);
        let r = orthonormalize(&mut self.columns, (self.length, self.l), ctx)?;
        interleaved(&self.columns, self.l, &mut self.rows);
        Ok(r)
    }

    /// The combinations of the vectors with these weights, one a column.
    fn combined(&self, weights: &[Vec<X>]) -> Array2<X> {
        let mut result = Array2::zeros((self.length, weights.len()));
        for (mut to, from) in
            result.rows_mut().into_iter().zip(self.rows.chunks_exact(self.l.max(1)))
        {
            for (to, weights) in to.iter_mut().zip(weights) {
                *to = from.iter().zip(weights).map(|(&x, &weight)| x * weight).sum();
            }
        }
        result
    }
}

/// Fills with independent normal numbers: SplitMix64 (Steele, Lea and Flood, 2014), then Box and Muller.
fn fill_normal<X: Scalar>(numbers: &mut [X], seed: u64) {
    let uniform = |i: u64| {
        let mut z = seed.wrapping_add(i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // In (0, 1], so that the logarithm is finite.
        (((z ^ (z >> 31)) >> 11) + 1) as f64 / (1u64 << 53) as f64
    };
    for (i, number) in (0u64..).zip(numbers) {
        let radius = (-2.0 * uniform(2 * i).ln()).sqrt();
        *number = X::from_f64(radius * (std::f64::consts::TAU * uniform(2 * i + 1)).cos());
    }
}
