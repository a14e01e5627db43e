//! The inputs and the output of a row of a product.

use crate::linalg::kernels::{OutOfRange, Panel};
use crate::storage::Index;

/// The rows of the right matrix, all of them or those that are loaded.
pub(crate) trait RowSource<'a, T, I>: Copy + Sync {
    /// Indices and values of row `k`; an error if there is no such row, or if it is not loaded.
    fn row(self, k: usize) -> Result<(&'a [I], &'a [T]), OutOfRange>;

    /// Prefetches the pointers of row `k`, so that they are in the cache when the row is read.
    fn announce(self, k: usize);

    /// Whether the indices of every row rise, as far as is known: a hint.
    fn rising(self) -> bool;
}

/// A matrix that is loaded as a whole.
pub(crate) struct WholeMatrix<'a, T, I> {
    pub(crate) panel: Panel<'a, T, I>,
    pub(crate) rising: bool,
}

impl<T, I> Clone for WholeMatrix<'_, T, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, I> Copy for WholeMatrix<'_, T, I> {}

impl<'a, T: Sync, I: Index> RowSource<'a, T, I> for WholeMatrix<'a, T, I> {
    #[inline(always)]
    fn row(self, k: usize) -> Result<(&'a [I], &'a [T]), OutOfRange> {
        if k >= self.panel.nrows() {
            return Err(OutOfRange);
        }
        let range = self.panel.row(k)?;
        Ok((&self.panel.indices[range.clone()], &self.panel.values[range]))
    }

    #[inline(always)]
    fn announce(self, k: usize) {
        self.panel.indptr.prefetch(k);
    }

    #[inline(always)]
    fn rising(self) -> bool {
        self.rising
    }
}

/// Consecutive rows of a product; indices strictly rise within each.
#[derive(Debug)]
pub(crate) struct ProductRows<I, V> {
    /// Entries of each row.
    pub(crate) lens: Vec<usize>,
    pub(crate) indices: Vec<I>,
    pub(crate) data: Vec<V>,
}

impl<I, V> ProductRows<I, V> {
    pub(crate) fn new() -> Self {
        ProductRows { lens: Vec::new(), indices: Vec::new(), data: Vec::new() }
    }

    /// Clears all rows. Memory for more than `keep` entries is released.
    pub(crate) fn clear(&mut self, keep: usize) {
        self.lens.clear();
        self.indices.clear();
        self.data.clear();
        if self.indices.capacity() > keep {
            (self.indices, self.data) = (Vec::new(), Vec::new());
        }
    }

    /// Reserves memory for this many entries in cleared rows, once for all of them.
    pub(crate) fn reserve_exact(&mut self, entries: usize) {
        self.indices.reserve_exact(entries);
        self.data.reserve_exact(entries);
    }

    /// Reserves memory for this many more entries; at most doubling the total.
    pub(crate) fn reserve(&mut self, entries: usize) {
        self.indices.reserve(entries);
        self.data.reserve(entries);
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, index: I, value: V) {
        self.indices.push(index);
        self.data.push(value);
    }
}

/// The entry and the row of B that it multiplies, for each entry of A's row.
pub(crate) fn terms<'a, S, T: 'a, I: Index>(
    (indices, values): (&'a [I], &'a [S]),
    b: impl RowSource<'a, T, I>,
) -> impl Iterator<Item = Result<(S, &'a [I], &'a [T]), OutOfRange>>
where
    S: Copy,
{
    indices.iter().zip(values).map(move |(k, &x)| {
        let (indices, values) = b.row(k.to_usize())?;
        Ok((x, indices, values))
    })
}
