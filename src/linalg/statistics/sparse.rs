//! Sums, means, variances, extremes and norms of the rows or columns of a sparse matrix, in one pass.
//!
//! Positions without an entry are zeros. A line along the stored axis is summed separately, in runs whose length does
//! not depend on how it is read. Across it every column takes the entries in the order of the lines:
//!
//! ```text
//! apart = x - sum / n;   squares += apart^2 n / (n + 1);   sum += x;   n += 1
//! ```
//!
//! which is the update of Youngs and Cramer ("Some results relevant to choice of sum and sum-of-product algorithms",
//! 1971), as stable as Welford's, with the sum instead of the mean. The zeros are included at the end, all at once, by
//! the formula of Chan, Golub and LeVeque. Blocks of 128 numbers are summed sequentially, and added with their rounding
//! errors. So the bits depend neither on threads, nor on the limit, nor on the place of the matrix.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result, check_shape};
use crate::linalg::algebra::{
    Coding, Factor, f64s, integer, is_safe, is_wide, magnitudes, power_of_two, split,
};
use crate::linalg::statistics::dense::Stats;
use crate::linalg::statistics::line_pass::{LinePass, RUN};
use crate::linalg::statistics::moments::{Moments, SEQUENTIAL, of_run};
use crate::sparse::{AnyCompressed, Axis, Compressed};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{Context, DType, Entry, Index, SparseFormat, bytes_of};
use num_complex::Complex;

/// The number of entries of a line from which on they are summed in lanes.
const SHORT: usize = 32;

/// The norm of a row or a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormOrder {
    /// The sum of the absolute values.
    L1,
    /// The square root of the sum of their squares.
    L2,
    /// The largest absolute value.
    Max,
}

impl<T: Factor<f64>, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Statistics along an axis, numbered as in NumPy: 0 gives one result for every column, 1 one for every row.
    /// Positions without an entry count as zeros, pattern entries as ones.
    ///
    /// Cost: one pass over the matrix. Memory: 40 bytes per line along the stored axis (row of CSR), 96 per line across
    /// it, and for a matrix in files at most a quarter of what is left of the limit. Fails if that does not fit, if an
    /// index is out of range, or with [`ErrorKind::Duplicate`](crate::ErrorKind::Duplicate) if a position has several
    /// entries, whose least is ambiguous; a line of more than a sixteenth of the limit must have rising indices, so
    /// that this can be checked.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// // [ 1 . 2 ]
    /// // [ . 3 . ]
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let stats = a.stats(0, &Context::new())?;
    /// assert_eq!(stats.means(), [0.5, 1.5, 1.0]);
    /// assert_eq!(stats.variances(0), [0.25, 2.25, 1.0]);
    /// assert_eq!((stats.mins(), stats.maxs()), (vec![0.0; 3], vec![1.0, 3.0, 2.0]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("mean", "var", "std"))]
    pub fn stats(&self, axis: usize, ctx: &Context) -> Result<Stats> {
        stats(&self.to_any(), axis, ctx)
    }

    /// Statistics of every column: [`stats`](Self::stats) along axis 0.
    #[doc(alias("mean", "var"))]
    pub fn column_stats(&self, ctx: &Context) -> Result<Stats> {
        self.stats(0, ctx)
    }

    /// Statistics of every row: [`stats`](Self::stats) along axis 1.
    pub fn row_stats(&self, ctx: &Context) -> Result<Stats> {
        self.stats(1, ctx)
    }
}

impl<T: Factor<Complex<f64>>, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// A norm of every column (axis 0) or every row (axis 1), computed in `f64`; it is 0 if all are zeros. A NaN gives
    /// NaN.
    ///
    /// Cost: one pass over the matrix; if squares overflow or underflow one more, with 16 more bytes per norm. Memory
    /// and errors: as for [`stats`](Self::stats), with 8 bytes per norm.
    ///
    /// ```
    /// use outcore::{Context, Csr, linalg::NormOrder};
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 2], vec![0, 1], vec![3.0, -4.0])?;
    /// assert_eq!(a.norms(1, NormOrder::L2, &Context::new())?, [5.0, 0.0]);
    /// assert_eq!(a.norms(0, NormOrder::Max, &Context::new())?, [3.0, 4.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn norms(&self, axis: usize, order: NormOrder, ctx: &Context) -> Result<Vec<f64>> {
        let a = self.to_any();
        let (_, len) = lines_of(&a, axis)?;
        let mut norms = ctx.filled("the norms", len, 0.0)?;
        norms_into(&a, axis, order, &mut norms, ctx)?;
        Ok(norms)
    }

    /// A norm of every column (axis 0) or every row (axis 1) into `norms`, for which nothing is allocated; otherwise as
    /// [`norms`](Self::norms). What was in `norms` is not read; after an error its contents are unspecified.
    ///
    /// ```
    /// use outcore::{Context, Csr, linalg::NormOrder};
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 2], vec![0, 1], vec![3.0, -4.0])?;
    /// let mut norms = [f64::NAN; 2];
    /// a.norms_into(1, NormOrder::L2, &mut norms, &Context::new())?;
    /// assert_eq!(norms, [5.0, 0.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn norms_into(
        &self,
        axis: usize,
        order: NormOrder,
        norms: &mut [f64],
        ctx: &Context,
    ) -> Result<()> {
        norms_into(&self.to_any(), axis, order, norms, ctx)
    }
}

/// Statistics of every column (axis 0) or every row (axis 1) of a matrix of real numbers, `bool` or pattern entries,
/// all of which are converted to `f64`, except integers that it cannot represent.
pub(crate) fn stats(a: &AnyCompressed, axis: usize, ctx: &Context) -> Result<Stats> {
    match a.types().values {
        Some(DType::Int64) => stats_of::<i64>(a, None, axis, ctx),
        Some(DType::UInt64) => stats_of::<u64>(a, None, axis, ctx),
        dtype => stats_of::<f64>(a, f64s(dtype)?, axis, ctx),
    }
}

fn stats_of<V: Factor<f64>>(
    a: &AnyCompressed,
    decode: Coding<V>,
    axis: usize,
    ctx: &Context,
) -> Result<Stats> {
    let (count, len) = lines_of(a, axis)?;
    let number = |x: V| x.times(1.0);
    if is_along(a, axis) {
        let bytes = bytes_of::<Moments>(len);
        let mut pass = LinePass::new("statistics of lines", (a, decode), (true, bytes), ctx)?;
        let mut moments = ctx.filled("the statistics", len, Moments::NONE)?;
        pass.along(&mut moments, ctx, |moments, before, data, closes| {
            for (k, run) in data.chunks(RUN).enumerate() {
                moments.merge(before + k * RUN, of_line(run, number), run.len());
            }
            if closes {
                *moments = with_zeros(before + data.len(), *moments, count);
            }
        })?;
        return Ok(Stats::new(count, moments));
    }
    let bytes = bytes_of::<(ColumnStats, Moments)>(len);
    let mut pass = LinePass::new("statistics across lines", (a, decode), (false, bytes), ctx)?;
    let column = ColumnStats { stored: 0, block: 0.0, moments: Moments::NONE };
    let mut columns = ctx.filled("the statistics", len, column)?;
    pass.across(&mut columns, ctx, |column, x| column.take(x, number(x)))?;
    let finish = |column: &ColumnStats| with_zeros(column.stored, column.moments(), count);
    let mut moments = ctx.filled("the statistics", len, Moments::NONE)?;
    ctx.with_threads(|| {
        moments.par_iter_mut().zip(&columns).for_each(|(to, from)| *to = finish(from))
    });
    Ok(Stats::new(count, moments))
}

/// A norm of every column (axis 0) or every row (axis 1) of a matrix of any entries, one for each.
pub(crate) fn norms_into(
    a: &AnyCompressed,
    axis: usize,
    order: NormOrder,
    norms: &mut [f64],
    ctx: &Context,
) -> Result<()> {
    let (_, len) = lines_of(a, axis)?;
    check_shape("the norms", len, norms.len())?;
    let (along, bytes) = (is_along(a, axis), size_of_val(norms) as u64);
    let numbers = (a, magnitudes(a.types().values)?);
    let mut pass = LinePass::new("norms", numbers, (along, bytes), ctx)?;
    norms.fill(0.0);
    if order != NormOrder::L2 {
        let is_sum = order == NormOrder::L1;
        return pass.fold(along, norms, ctx, |norm, x| {
            *norm = if is_sum { *norm + x.abs() } else { larger(*norm, x.abs()) };
        });
    }
    // A square that underflows is detected when it is formed; one that overflows, in the sum.
    let vanished = AtomicBool::new(false);
    pass.fold(along, norms, ctx, |norm, x| {
        let square = x * x;
        if square < f64::MIN_POSITIVE && x != 0.0 {
            vanished.store(true, Ordering::Relaxed);
        }
        *norm += square;
    })?;
    let vanished = vanished.into_inner();
    let lost = |&sum: &f64| !is_safe(sum) && !sum.is_nan() && (vanished || sum != 0.0);
    if norms.iter().any(lost) {
        ctx.check_memory("the scaled norms", bytes.saturating_mul(3))?;
        let _held = ctx.hold(2 * bytes);
        let mut scaled = vec![ScaledSquares { scale: 0.0, squares: 0.0 }; len];
        pass.fold(along, &mut scaled, ctx, |sum, x| sum.take(x.abs()))?;
        for (norm, sum) in norms.iter_mut().zip(scaled) {
            *norm = if lost(norm) { sum.norm() } else { norm.sqrt() };
        }
        return Ok(());
    }
    norms.iter_mut().for_each(|norm| *norm = norm.sqrt());
    Ok(())
}

/// The extent of each line along the axis, and the number of lines.
pub(crate) fn lines_of(a: &AnyCompressed, axis: usize) -> Result<(usize, usize)> {
    let (nrows, ncols) = a.shape();
    match axis {
        0 => Ok((nrows, ncols)),
        1 => Ok((ncols, nrows)),
        _ => Err(Error::shape("the axis", "0 or 1", axis)),
    }
}

/// Whether the requested lines are the stored ones.
pub(crate) fn is_along(a: &AnyCompressed, axis: usize) -> bool {
    (axis == 1) == (a.format() == SparseFormat::Csr)
}

/// The statistics of the entries of a column so far.
#[derive(Clone, Copy)]
struct ColumnStats {
    stored: usize,
    /// The sum of the last ones, which is not yet included in the moments.
    block: f64,
    moments: Moments,
}

impl ColumnStats {
    #[inline(always)]
    fn take<T: Entry>(&mut self, entry: T, x: f64) {
        let n = self.stored as f64;
        if self.stored > 0 {
            let apart = x - (self.moments.sum + self.block) / n;
            self.moments.squares += apart * apart * (n / (n + 1.0));
        }
        self.stored += 1;
        if is_wide::<T>() {
            let (nearest, lost) = split(integer(entry));
            self.moments.add(nearest, lost);
        } else {
            self.block += x;
            if self.stored.is_multiple_of(SEQUENTIAL) {
                self.moments.add(self.block, 0.0);
                self.block = 0.0;
            }
        }
        self.moments.take_extreme(x);
    }

    fn moments(&self) -> Moments {
        let mut moments = self.moments;
        moments.add(self.block, 0.0);
        moments
    }
}

/// The statistics of some numbers; for few of them without the lanes used for many.
#[inline(always)]
fn of_line<T: Entry>(run: &[T], number: impl Fn(T) -> f64 + Copy) -> Moments {
    if run.len() >= SHORT {
        return of_run(run, number);
    }
    let mut moments = Moments::NONE;
    for x in run.iter().map(|&x| number(x)) {
        moments.sum += x;
        moments.take_extreme(x);
    }
    if is_wide::<T>() {
        (moments.sum, moments.lost) = split(run.iter().map(|&x| integer(x)).sum());
    }
    let mean = moments.sum / run.len() as f64;
    let apart = run.iter().map(|&x| number(x) - mean);
    moments.squares = apart.fold(0.0, |squares, apart| squares + apart * apart);
    moments
}

/// The statistics of a line of `count` numbers of which `stored` are stored and the others are zeros.
fn with_zeros(stored: usize, mut moments: Moments, count: usize) -> Moments {
    if !moments.sum.is_finite() {
        // There is no distance from a mean that is infinite or NaN.
        moments.squares = f64::NAN;
    }
    if stored < count {
        moments.merge(stored, Moments::ZEROS, count - stored);
    }
    moments
}

/// A sum of squares of numbers divided by a power of two near the largest of them.
#[derive(Clone, Copy)]
struct ScaledSquares {
    /// The power of two; 0 while all are zeros.
    scale: f64,
    squares: f64,
}

impl ScaledSquares {
    fn take(&mut self, x: f64) {
        if x == 0.0 || self.squares.is_nan() {
            return;
        }
        if !x.is_finite() {
            (self.scale, self.squares) = (1.0, if self.squares.is_nan() { f64::NAN } else { x });
            return;
        }
        let scale = power_of_two(x).1;
        if scale > self.scale {
            let shrunk = self.scale / scale;
            self.squares = if self.scale > 0.0 { self.squares * shrunk * shrunk } else { 0.0 };
            self.scale = scale;
        }
        let x = x / self.scale;
        self.squares += x * x;
    }

    fn norm(self) -> f64 {
        self.squares.sqrt() * self.scale
    }
}

/// The larger of two absolute values; NaN if the second is.
#[inline(always)]
fn larger(most: f64, x: f64) -> f64 {
    if x > most || x.is_nan() { x } else { most }
}
