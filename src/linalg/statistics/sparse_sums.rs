//! Sums of the rows or columns of a sparse matrix.
//!
//! A line along the stored axis is summed in runs whose length does not depend on how it is read. Across it every
//! column adds the entries in the order of the lines. Both keep the rounding errors of the additions. So the bits
//! depend neither on threads, nor on the limit, nor on the place of the matrix.

use crate::error::Result;
use crate::linalg::algebra::{Coding, Factor, f64s, integer, is_wide, split, sum_run, two_sum};
use crate::linalg::statistics::line_pass::{LinePass, RUN};
use crate::linalg::statistics::sparse::{is_along, lines_of};
use crate::sparse::{AnyCompressed, Axis, Compressed};
use crate::storage::{Context, DType, Index, bytes_of};

impl<T: Factor<f64>, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The sum of every column (axis 0) or of every row (axis 1), as SciPy's `sum(axis)`, computed in `f64` with the
    /// rounding errors of the additions. Entries may be in any order, and duplicates are added.
    ///
    /// Cost: one pass over the matrix. Memory: 16 bytes per sum, and for a matrix in files at most a quarter of what is
    /// left of the limit. Fails if that does not fit, or if an index is out of range.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// assert_eq!(Csr::<f32>::eye(2).sum_axis(0, &Context::new())?, [1.0, 1.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn sum_axis(&self, axis: usize, ctx: &Context) -> Result<Vec<f64>> {
        let a = self.to_any();
        match a.types().values {
            Some(DType::Int64) => sums_of::<i64>(&a, None, axis, ctx),
            Some(DType::UInt64) => sums_of::<u64>(&a, None, axis, ctx),
            dtype => sums_of::<f64>(&a, f64s(dtype)?, axis, ctx),
        }
    }
}

fn sums_of<V: Factor<f64>>(
    a: &AnyCompressed,
    decode: Coding<V>,
    axis: usize,
    ctx: &Context,
) -> Result<Vec<f64>> {
    let ((_, len), along) = (lines_of(a, axis)?, is_along(a, axis));
    let bytes = bytes_of::<[f64; 2]>(len);
    let mut pass = LinePass::with_duplicates("sums", (a, decode), (along, bytes), ctx)?;
    // The sum and its rounding error.
    let mut sums = ctx.filled("the sums", 2 * len, 0.0)?;
    let (states, _) = sums.as_chunks_mut::<2>();
    match along {
        true => pass.along(states, ctx, |state, _, data, _| {
            data.chunks(RUN).for_each(|run| add(state, of_run(run)));
        })?,
        false => pass.across(states, ctx, |state, x| add(state, number(x)))?,
    }
    // Each result takes the place of one that is no longer needed.
    (0..len).for_each(|k| sums[k] = sums[2 * k] + sums[2 * k + 1]);
    sums.truncate(len);
    sums.shrink_to_fit();
    Ok(sums)
}

/// An entry and its rounding error.
#[inline(always)]
fn number<V: Factor<f64>>(x: V) -> (f64, f64) {
    if is_wide::<V>() { split(integer(x)) } else { (x.times(1.0), 0.0) }
}

/// The sum of at most [`RUN`] entries, and its rounding error.
#[inline(always)]
fn of_run<V: Factor<f64>>(run: &[V]) -> (f64, f64) {
    match is_wide::<V>() {
        true => split(run.iter().map(|&x| integer(x)).sum()),
        false => (sum_run(run, |x| x.times(1.0)), 0.0),
    }
}

#[inline(always)]
fn add([sum, lost]: &mut [f64; 2], (number, rest): (f64, f64)) {
    let (total, more) = two_sum(*sum, number);
    (*sum, *lost) = (total, *lost + more + rest);
}
