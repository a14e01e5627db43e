//! The largest singular values and vectors of an operator from its products with a few random vectors.
//!
//! ```text
//! Q = orth(A Ω), Ω random, ncols x l                                  one pass
//! q times:  Q = orth(A orth(Aᴴ Q))                                    two passes each
//! W R = Aᴴ Q;  R = U₁ S V₁ᴴ, which is small;  A ≈ (Q V₁) S (W U₁)ᴴ     one pass
//! ```
//!
//! Source: Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), algorithms 4.4 and 5.1. Every
//! product is one of all `l` vectors at once, so a matrix larger than memory is read `2 q + 2` times in total.
//!
//! 1. The singular values of every triangular factor but the first are lower bounds of those of `A`, and increase from
//!    one to the next. Their last increments estimate their distance from the limit.
//! 2. Blocks and triangular factors are scaled near one by powers of two if squares would overflow or underflow, so
//!    that the result has the same digits for any magnitude of the matrix.

use ndarray::Array2;
use num_traits::{Float, Zero};

use crate::dense::{AnyDense, AnyDenseWriter, Dense};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{LinearOperator, Scalar};
use crate::spectral::convergence::{Rising, SvdReason};
use crate::spectral::finite::not_finite;
use crate::spectral::jacobi::{SmallSvd, small_svd};
use crate::spectral::orthonormal::{bring_near_one, orthonormalize, transposed};
use crate::storage::random::random;
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, Order, Place, Plan, WorkArray, check_place, remove_with_sums};

/// Rows of the result that are made at a time.
const ROWS: usize = 1 << 10;

/// The scale of the random vectors at first, and again if the product overflows.
const SIZES: [f64; 2] = [1.0, 1.0 / (1u64 << 40) as f64];

/// The remedy if vectors that must stay in memory do not fit.
const IN_MEMORY: &str = "raise the limit, ask for fewer values or less oversampling, or store the vectors in a file, for \
                         which they are made in scratch files";

/// Maximum number of power iterations for [`SvdOptions::AS_NEEDED`].
const MOST: usize = 100;

/// Options of [`randomized_svd`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvdOptions {
    /// Vectors in addition to the requested `k`, 10 by default.
    pub oversampling: usize,
    /// How often `A Aᴴ` is applied to the vectors, 2 by default; each costs two passes, and more are needed if
    /// the singular values decay slowly. [`AS_NEEDED`](Self::AS_NEEDED) iterates until the result has converged.
    pub power_iterations: usize,
    /// The seed of the random numbers, 0 by default: the same seed gives the same result.
    pub seed: u64,
}

impl SvdOptions {
    /// As many power iterations as it takes to converge, at most 100.
    pub const AS_NEEDED: usize = usize::MAX;
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
    pub u: Dense<X>,
    /// In descending order, and positive.
    pub s: Vec<X::Real>,
    /// `ncols x k`, orthonormal columns.
    pub v: Dense<X>,
    /// An estimate of how far each value is below that of the operator, from its increase in the last passes. Infinite
    /// without power iterations, where nothing is known.
    pub errors: Vec<X::Real>,
    /// Whether no error is more than the square root of the rounding error, relative to the largest value.
    pub converged: bool,
    /// The reason for `converged`.
    pub reason: SvdReason,
    /// Products with the operator; for a matrix, passes over it.
    pub passes: usize,
}

/// The `k` largest singular values of an operator and their vectors; fewer if the rank is lower.
///
/// The vectors are stored at `place`: for a path `a.npy` (or `a`) those of `u` in `a.u.npy`, those of `v` in `a.v.npy`.
///
/// Cost: `2 power_iterations + 2` products with `l = k + oversampling` vectors at once. Memory: `2 l` vectors of each
/// length in total. If these do not fit and the result does not go to memory either, they are kept in scratch files,
/// and products are made with as many vectors at once as half the limit holds: with `g` of them a matrix is read
/// `l / g` times as often. Fails with [`ErrorKind::Memory`](crate::ErrorKind::Memory), reporting the memory needed, if
/// that does not help, and with [`ErrorKind::Value`](crate::ErrorKind::Value), naming the position, if the operator has
/// a number that is not finite. The result depends on the seed and not on the number of threads. The reads in a
/// [plan](Context::plan) are those that the operator reports for a product
/// ([`plan_block`](LinearOperator::plan_block)), times the number of products, less what a prepared operator keeps in
/// memory after the first of them.
///
/// ```
/// use outcore::spectral::{SvdOptions, randomized_svd};
/// use outcore::{Context, Dense, Place};
/// let a = Dense::from(ndarray::arr2(&[[3.0f64, 0.0], [0.0, 4.0], [0.0, 0.0]]));
/// let svd =
///     randomized_svd::<f64>(&a, 1, &SvdOptions::default(), Place::Memory, &Context::new())?;
/// assert!((svd.s[0] - 4.0).abs() < 1e-12 && svd.v.as_ndarray()[[1, 0]].abs() > 1.0 - 1e-12);
/// assert!(svd.converged && svd.errors[0] < 1e-12);
/// assert_eq!(svd.passes, 6);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "svds")]
pub fn randomized_svd<X: Scalar>(
    a: &impl LinearOperator<X>,
    k: usize,
    options: &SvdOptions,
    place: impl Into<Place>,
    ctx: &Context,
) -> Result<Svd<X>> {
    let (nrows, ncols) = a.shape();
    if k > nrows.min(ncols) {
        return Err(Error::shape("k", format!("at most {}", nrows.min(ncols)), k));
    }
    let place = place.into();
    let (u_place, v_place) = (named(&place, "u")?, named(&place, "v")?);
    // Both are checked before the work: one without the other is useless.
    check_place(&u_place, false, ctx)?;
    check_place(&v_place, false, ctx)?;
    let l = k.saturating_add(options.oversampling).min(nrows).min(ncols);
    let memory = SvdMemory::new::<X>((nrows, ncols), (k, l), &place, ctx)?;
    let as_needed = options.power_iterations == SvdOptions::AS_NEEDED;
    let most = if as_needed { MOST } else { options.power_iterations };
    // Held from here on, so that an operator plans with the memory left.
    let mut held = ctx.hold(memory.memory);
    let _running = ctx.begin(|| {
        let (forth, back) =
            (a.plan_block(false, memory.at_once, ctx)?, a.plan_block(true, memory.at_once, ctx)?);
        let numbers = 2 * (nrows as u64 + ncols as u64) * l as u64;
        let mut plan = Plan::new("randomized SVD").works(numbers, work::ORTHONORMAL * l as f64);
        let products = l.div_ceil(memory.at_once.max(1)).max(1);
        plan = plan.then(forth.clone());
        for _ in 0..most {
            plan = plan.then(back.clone().again()).then(forth.clone().again());
        }
        plan = plan.then(back.clone().again());
        for _ in 0..(products - 1) * (most + 1) {
            plan = plan.then(back.clone().again()).then(forth.clone().again());
        }
        plan.cost.scratch = plan.cost.scratch.max(memory.scratch);
        for (length, place) in [(nrows, &u_place), (ncols, &v_place)] {
            if *place != Place::Memory {
                plan = AnyDenseWriter::plan(plan, (X::DTYPE, length * k), place, ctx);
            }
        }
        Ok(plan.throughout(memory.memory))
    })?;
    if l == 0 {
        let none = |length, place: &Place| {
            let none = AnyDenseWriter::new(place, (X::DTYPE, &[length, 0], Order::C), ctx)?;
            none.finish().map(AnyDense::into_typed)
        };
        let (u, v) = (none(nrows, &u_place)?, none(ncols, &v_place)?);
        let (reason, errors) = (SvdReason::Converged, Vec::new());
        return Ok(Svd { u, v, s: Vec::new(), errors, converged: true, reason, passes: 0 });
    }
    held.resize(memory.held);
    let mut blocks = SvdIteration::new(a, (nrows, ncols), l, &memory, ctx)?;
    blocks.start(options.seed)?;
    let mut values = Rising::new();
    let mut done = 0;
    while done < most && !(as_needed && values.reason(k) == SvdReason::Converged) {
        let r = blocks.step(true)?;
        values.take(r.decomposed(ctx)?.values);
        let r = blocks.step(false)?;
        values.take(r.decomposed(ctx)?.values);
        done += 1;
    }
    let r = blocks.step(true)?;
    let SmallSvd { left, values: found, right } = r.decomposed(ctx)?;
    let largest = found.first().copied().unwrap_or_else(X::Real::zero);
    let negligible = largest * X::Real::epsilon() * X::from_f64(l as f64).real();
    let rank = found.iter().take(k).take_while(|&&value| value > negligible).count();
    values.take(found.clone());
    let errors = values.errors(rank);
    let reason = values.reason(rank);
    let u = blocks.tall.combined(&right[..rank], &u_place, ctx)?;
    let v = blocks.wide.combined(&left[..rank], &v_place, ctx);
    if v.is_err() {
        take_back(&u_place);
    }
    Ok(Svd {
        u,
        v: v?,
        s: found[..rank].to_vec(),
        errors,
        converged: reason == SvdReason::Converged,
        reason,
        passes: blocks.passes,
    })
}

/// The place of one of two results.
///
/// Fails if the path does not end in a name.
fn named(place: &Place, name: &str) -> Result<Place> {
    if let Place::File(path) | Place::Replace(path) = place
        && path.file_name().is_none()
    {
        let error = Error::new(ErrorKind::Format, "the path does not end in a name");
        return Err(error.in_file(path));
    }
    let named = |path: &std::path::PathBuf| {
        let stem = path.extension().filter(|end| *end == "npy").map(|_| path.with_extension(""));
        let mut path = stem.unwrap_or_else(|| path.clone()).into_os_string();
        path.push(format!(".{name}.npy"));
        path.into()
    };
    Ok(match place {
        Place::File(path) => Place::File(named(path)),
        Place::Replace(path) => Place::Replace(named(path)),
        other => other.clone(),
    })
}

/// Removes the first of two results if the second cannot be made. A file that it replaced is lost.
fn take_back(place: &Place) {
    if let Place::File(path) = place {
        // A second failure cannot be reported.
        let _ = remove_with_sums(path);
    }
}

/// Where vectors are kept, and how many are multiplied at once.
struct SvdMemory {
    at_once: usize,
    blocks: Place,
    /// All memory, and the part outside results, which count themselves.
    memory: u64,
    held: u64,
    scratch: u64,
}

impl SvdMemory {
    fn new<X: Scalar>(
        (nrows, ncols): (usize, usize),
        (k, l): (usize, usize),
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let bytes = |vectors: usize| {
            let numbers =
                (nrows as u64).saturating_add(ncols as u64).saturating_mul(vectors as u64);
            numbers.saturating_mul(size_of::<X>() as u64)
        };
        let found = if *place == Place::Memory { bytes(k) } else { 0 };
        let whole = bytes(l).saturating_mul(2).saturating_add(found);
        let work = ctx.check_memory("the vectors", bytes(l).saturating_mul(2));
        let fits = work.and_then(|()| ctx.check_memory("the vectors and the result", whole));
        if fits.is_ok() {
            let held = bytes(l).saturating_mul(2);
            return Ok(SvdMemory {
                at_once: l,
                blocks: Place::Memory,
                memory: whole,
                held,
                scratch: 0,
            });
        }
        if *place == Place::Memory {
            fits.map_err(|error| error.remedy(IN_MEMORY))?;
        }
        let at_once = (ctx.memory_left() / 2 / bytes(1).max(1)) as usize;
        if at_once == 0 {
            let remedy = "raise the limit: at least two vectors of each length are in memory";
            let one =
                ctx.check_memory("the vectors", ctx.memory_left().max(bytes(2)).saturating_add(1));
            one.map_err(|error| error.found(format!("{} bytes", bytes(2))).remedy(remedy))?;
        }
        let at_once = at_once.min(l);
        let (memory, scratch) = (bytes(at_once), bytes(l));
        Ok(SvdMemory { at_once, blocks: Place::Scratch, memory, held: memory, scratch })
    }
}

/// Both blocks of vectors, and the operator between them.
struct SvdIteration<'a, X: Scalar, A> {
    a: &'a A,
    tall: VectorBlock<X>,
    wide: VectorBlock<X>,
    at_once: usize,
    ctx: &'a Context,
    passes: usize,
}

impl<'a, X: Scalar, A: LinearOperator<X>> SvdIteration<'a, X, A> {
    fn new(
        a: &'a A,
        (nrows, ncols): (usize, usize),
        l: usize,
        memory: &SvdMemory,
        ctx: &'a Context,
    ) -> Result<Self> {
        let tall = VectorBlock::new((nrows, l), memory, ctx)?;
        let wide = VectorBlock::new((ncols, l), memory, ctx)?;
        Ok(SvdIteration { a, tall, wide, at_once: memory.at_once, ctx, passes: 0 })
    }

    /// `Q = orth(A Ω)`.
    fn start(&mut self, seed: u64) -> Result<()> {
        for size in SIZES {
            self.wide.fill_normal(seed, X::from_f64(size));
            self.multiply(false)?;
            if self.tall.largest(self.ctx).is_finite() {
                return self.tall.orthonormalize(self.ctx).map(drop);
            }
        }
        Err(not_finite(self.a, &self.tall.columns, self.ctx))
    }

    /// `W R = Aᴴ Q`, or `Q R = A W`; returns `R`.
    fn step(&mut self, adjoint: bool) -> Result<TriangularFactor<X>> {
        self.multiply(adjoint)?;
        let to = if adjoint { &mut self.wide } else { &mut self.tall };
        to.orthonormalize(self.ctx)
    }

    fn multiply(&mut self, adjoint: bool) -> Result<()> {
        let SvdIteration { a, tall, wide, at_once, ctx, passes } = self;
        let (from, to) = if adjoint { (tall, wide) } else { (wide, tall) };
        let mut first = 0;
        while first < from.l || first == 0 {
            let k = (*at_once).min(from.l - first);
            let (x, y) = (&mut from.rows[..k * from.length], &mut to.rows[..k * to.length]);
            transposed(&from.columns[first * from.length..][..x.len()], k, x, ctx);
            match adjoint {
                true => a.apply_adjoint_block(k, x, y, ctx)?,
                false => a.apply_block(k, x, y, ctx)?,
            }
            *passes += 1;
            transposed(y, to.length, &mut to.columns[first * to.length..][..k * to.length], ctx);
            if k == 0 {
                break;
            }
            first += k;
        }
        Ok(())
    }
}

/// Vectors, and a buffer for as many of them as are multiplied at once.
struct VectorBlock<X: Scalar> {
    /// Rows of this many numbers, the layout of products.
    rows: Vec<X>,
    /// The vectors consecutively.
    columns: WorkArray<X>,
    length: usize,
    l: usize,
}

impl<X: Scalar> VectorBlock<X> {
    fn new((length, l): (usize, usize), memory: &SvdMemory, ctx: &Context) -> Result<Self> {
        let columns = WorkArray::new("the vectors", length.saturating_mul(l), &memory.blocks, ctx)?;
        let rows = ctx.filled("the vectors", length.saturating_mul(memory.at_once), X::zero())?;
        Ok(VectorBlock { rows, columns, length, l })
    }

    fn largest(&self, ctx: &Context) -> X::Real {
        crate::linalg::largest(&self.columns, ctx)
    }

    /// Makes the vectors orthonormal, and returns the factor that combines the new ones into the old.
    fn orthonormalize(&mut self, ctx: &Context) -> Result<TriangularFactor<X>> {
        let columns = &mut self.columns[..];
        let back = bring_near_one(columns, ctx)?;
        Ok(TriangularFactor { r: orthonormalize(columns, (self.length, self.l), ctx)?, back })
    }

    /// The combinations of the vectors with these weights, one column per combination.
    fn combined(&self, weights: &[Vec<X>], place: &Place, ctx: &Context) -> Result<Dense<X>> {
        let shape = [self.length, weights.len()];
        let mut writer = AnyDenseWriter::new(place, (X::DTYPE, &shape, Order::C), ctx)?;
        let mut rows = vec![X::zero(); ROWS.min(self.length) * weights.len()];
        let rows_with_elements = if weights.is_empty() { 0 } else { self.length };
        for first in (0..rows_with_elements).step_by(ROWS) {
            let count = ROWS.min(self.length - first);
            let rows = &mut rows[..count * weights.len()];
            rows.fill(X::zero());
            for (p, column) in self.columns.chunks_exact(self.length).enumerate() {
                let column = &column[first..first + count];
                for (row, &x) in rows.chunks_exact_mut(weights.len().max(1)).zip(column) {
                    row.iter_mut().zip(weights).for_each(|(to, weights)| *to += x * weights[p]);
                }
            }
            writer.push(Raw::of(&*rows))?;
            ctx.check_cancelled()?;
        }
        writer.finish().map(AnyDense::into_typed)
    }

    /// Fills with independent normal numbers times `size`, by Box and Muller.
    fn fill_normal(&mut self, seed: u64, size: X) {
        let uniform = |i: u64| {
            // In (0, 1], so that the logarithm is finite.
            ((random(seed, i) >> 11) + 1) as f64 / (1u64 << 53) as f64
        };
        let l = self.l as u64;
        let columns = self.columns.chunks_exact_mut(self.length.max(1));
        for (j, column) in (0u64..).zip(columns) {
            for (i, number) in (0u64..).zip(column) {
                let at = i.wrapping_mul(l).wrapping_add(j);
                let radius = (-2.0 * uniform(2 * at).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * uniform(2 * at + 1)).cos();
                *number = X::from_f64(normal) * size;
            }
        }
    }
}

/// The triangular factor of a block, `back` times too small.
struct TriangularFactor<X: Scalar> {
    r: Array2<X>,
    back: X::Real,
}

impl<X: Scalar> TriangularFactor<X> {
    fn decomposed(&self, ctx: &Context) -> Result<SmallSvd<X>> {
        let mut svd = small_svd(&self.r, ctx)?;
        svd.values.iter_mut().for_each(|value| *value = *value * self.back);
        Ok(svd)
    }
}
