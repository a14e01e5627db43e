//! Rows of a dense matrix, each contiguous.

use crate::error::{Error, Result};

/// Numbers of the matrix that make a task worthwhile.
pub(crate) const TASK: usize = 1 << 16;

/// `nrows` rows of `ncols` numbers, `stride` numbers from the start of one row to that of the next.
pub(crate) struct DenseRows<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) nrows: usize,
    pub(crate) ncols: usize,
    pub(crate) stride: usize,
}

impl<T> Clone for DenseRows<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for DenseRows<'_, T> {}

impl<'a, T> DenseRows<'a, T> {
    /// Fails if rows overlap or reach beyond `data`.
    pub(crate) fn new(data: &'a [T], nrows: usize, ncols: usize, stride: usize) -> Result<Self> {
        let needed = match nrows {
            0 => Some(0),
            _ => (nrows - 1).checked_mul(stride).and_then(|start| start.checked_add(ncols)),
        };
        if needed.is_none_or(|needed| needed > data.len()) || (stride < ncols && nrows > 1) {
            let shape = format!("{nrows} rows of {ncols}, {stride} apart");
            return Err(Error::shape("dense matrix", shape, format!("{} numbers", data.len())));
        }
        Ok(DenseRows { data, nrows, ncols, stride })
    }

    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..][..self.ncols]
    }
}
