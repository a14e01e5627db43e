//! Sums, means, variances, extremes and NaNs of the rows or columns of a dense matrix, in one pass.

use crate::dense::{AnyDense, Dense, DensePanel, DensePanels};
use crate::error::{Error, Result};
use crate::linalg::algebra::{Coding, Factor, Values, f32s, f64s};
use crate::linalg::statistics::moments::{Moments, RUN, across, along, block_height};
use crate::storage::work;
use crate::storage::{Context, DType, Element, Order};

/// Statistics of every column or every row, computed in `f64` whatever the elements are. Sums of integers are exact and
/// rounded once, and the error of other sums does not grow with the number of terms.
///
/// As in NumPy, one NaN makes the sum, the mean, the variance and the extremes NaN; [`nans`](Self::nans) counts
/// them. Of no numbers the sum is 0 and everything else NaN.
///
/// ```
/// use outcore::{Context, Dense};
/// let a = Dense::from(ndarray::arr2(&[[1.0f32, 5.0], [3.0, 5.0]]));
/// let stats = a.column_stats(&Context::new())?;
/// assert_eq!(stats.sums(), [4.0, 10.0]);
/// assert_eq!(stats.means(), [2.0, 5.0]);
/// assert_eq!(stats.variances(1), [2.0, 0.0]);
/// assert_eq!((stats.mins(), stats.maxs()), (vec![1.0, 5.0], vec![3.0, 5.0]));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stats {
    count: usize,
    moments: Vec<Moments>,
}

impl Stats {
    /// Statistics of columns (or rows) of `count` numbers each.
    pub(crate) fn new(count: usize, moments: Vec<Moments>) -> Self {
        Stats { count, moments }
    }

    /// Numbers in each column (or row).
    pub fn count(&self) -> usize {
        self.count
    }

    /// `Σ x`.
    pub fn sums(&self) -> Vec<f64> {
        self.each(Moments::total)
    }

    /// `Σ x / n`.
    pub fn means(&self) -> Vec<f64> {
        self.each(|moments| moments.total() / self.count as f64)
    }

    /// `Σ (x − mean)² / (n − ddof)`: 0 for the population variance, 1 for the sample variance.
    pub fn variances(&self, ddof: usize) -> Vec<f64> {
        let n = self.count as f64 - ddof as f64;
        self.each(|moments| if n > 0.0 { moments.squares / n } else { f64::NAN })
    }

    /// The least number.
    pub fn mins(&self) -> Vec<f64> {
        self.each(|moments| self.extreme(moments.extremes().0))
    }

    /// The largest number.
    pub fn maxs(&self) -> Vec<f64> {
        self.each(|moments| self.extreme(moments.extremes().1))
    }

    /// The number of NaNs.
    pub fn nans(&self) -> Vec<u64> {
        self.moments.iter().map(Moments::nans).collect()
    }

    fn each(&self, quantity: impl Fn(&Moments) -> f64) -> Vec<f64> {
        self.moments.iter().map(quantity).collect()
    }

    fn extreme(&self, extreme: f64) -> f64 {
        if self.count == 0 { f64::NAN } else { extreme }
    }
}

impl<T: Element + Factor<f64>> Dense<T> {
    /// Statistics along an axis, numbered as in NumPy: 0 gives one result for every column, 1 one for every row.
    ///
    /// Cost: one pass over the matrix. Memory: 40 bytes for each column (row), and for a file larger than the limit
    /// four panels of at most 12 MiB. The bits depend neither on threads, nor on the limit, nor on the place of the
    /// matrix. Fails with [`ErrorKind::Memory`](crate::ErrorKind::Memory), reporting the memory needed, if that does
    /// not fit.
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

/// Statistics of every column (axis 0) or every row (axis 1) of a matrix of real numbers or `bool`, computed in numbers
/// about as wide as they are.
pub(crate) fn stats(a: &AnyDense, axis: usize, ctx: &Context) -> Result<Stats> {
    let dtype = Some(a.dtype());
    match a.dtype() {
        DType::Int64 => stats_of::<i64>(a, None, axis, ctx),
        DType::UInt64 => stats_of::<u64>(a, None, axis, ctx),
        DType::Int32 | DType::UInt32 | DType::Float64 => {
            stats_of::<f64>(a, f64s(dtype)?, axis, ctx)
        }
        _ => stats_of::<f32>(a, f32s(dtype)?, axis, ctx),
    }
}

fn stats_of<V: Element + Factor<f64>>(
    a: &AnyDense,
    decode: Coding<V>,
    axis: usize,
    ctx: &Context,
) -> Result<Stats> {
    if axis > 1 {
        return Err(Error::shape("the axis", "0 or 1", axis));
    }
    let (nrows, ncols) = a.dim();
    let (count, len) = if axis == 0 { (nrows, ncols) } else { (ncols, nrows) };
    let bytes = (len as u64).saturating_mul(size_of::<Moments>() as u64);
    ctx.check_memory("the statistics", bytes)?;
    let budget = ctx.memory_left().saturating_sub(bytes);
    let length = a.lines().1;
    let is_along = (axis == 1) == (a.order() == Order::C);
    let steps = if is_along { (1, RUN) } else { (block_height(length), 1) };
    let mut panels = DensePanels::once(a, steps, budget)?;
    let _running = ctx.begin(|| {
        let plan = panels.reading.plan("statistics");
        Ok(plan.throughout(bytes).works(a.len() as u64, work::DENSE_STATISTICS))
    })?;
    let _held = ctx.hold(bytes);
    let mut moments = ctx.filled("the statistics", len, Moments::NONE)?;
    let number = |x: V| x.times(1.0);
    panels.sweep(ctx, &mut |DensePanel { first, lines, offset, elements }| {
        if elements.len() == 0 {
            return Ok(());
        }
        let width = elements.len() / lines;
        let elements = Values::new(elements, decode);
        ctx.with_threads(|| match is_along {
            true => along(&mut moments[first..first + lines], offset, elements, number),
            false => {
                let columns = &mut moments[offset..offset + width];
                across(columns, first, elements, length, number);
            }
        });
        Ok(())
    })?;
    Ok(Stats { count, moments })
}
