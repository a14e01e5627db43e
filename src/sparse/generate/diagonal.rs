//! The identity, and matrices of diagonals.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::compressed::Csr;
use crate::sparse::draft::CompressedDraft;
use crate::storage::{Context, Element, Entry, Index, Place};
use num_traits::One;

impl<T: Entry + One, I: Index, P: Index> Csr<T, I, P> {
    /// The identity of order `n`, in memory.
    ///
    /// # Panics
    /// If `n` does not fit the index types.
    pub fn eye(n: usize) -> Self {
        let indptr: Vec<P> = (0..=n).map(P::from_usize).collect();
        let indices: Vec<I> = (0..n).map(I::from_usize).collect();
        Csr::from_parts((n, n), indptr, indices, vec![T::one(); n]).expect("n fits the index types")
    }
}

impl<T: Element, I: Index, P: Index> Csr<T, I, P> {
    /// A matrix with the given diagonals, as SciPy's `diags_array`: `(offset, elements)` with the offset 0 for the
    /// main diagonal, positive above it. Element `k` of a diagonal is the one in its `k`-th position from the top.
    ///
    /// Fails if a diagonal has not as many elements as fit in the shape, lies outside it, or is given twice.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::diags((3, 3), &[(0, &[2.0; 3]), (1, &[-1.0; 2])], Place::Memory, &Context::new())?;
    /// assert_eq!(a.get(0, 1)?, Some(-1.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn diags(
        shape: (usize, usize),
        diagonals: &[(isize, &[T])],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let mut sorted = diagonals.to_vec();
        sorted.sort_by_key(|(offset, _)| *offset);
        for (k, (offset, elements)) in sorted.iter().enumerate() {
            let length = diagonal_length(shape, *offset);
            if length != elements.len() || length == 0 {
                return Err(Error::shape(
                    &format!("the diagonal at {offset}"),
                    length,
                    elements.len(),
                ));
            }
            if k > 0 && sorted[k - 1].0 == *offset {
                return Err(
                    Error::new(ErrorKind::Duplicate, "a diagonal is given twice").found(offset)
                );
            }
        }
        let nnz = sorted.iter().map(|(_, elements)| elements.len()).sum();
        let mut draft =
            CompressedDraft::new::<crate::sparse::axis::ByRows>(shape, nnz, &place.into(), ctx)?;
        let mut next = 0;
        for row in 0..shape.0 {
            for (offset, elements) in &sorted {
                let col = row as isize + offset;
                let first_row = (-offset).max(0) as usize;
                if col >= 0 && row - first_row.min(row) < elements.len() && row >= first_row {
                    draft.indices[next] = I::from_usize(col as usize);
                    draft.data[next] = elements[row - first_row];
                    next += 1;
                }
            }
            draft.indptr[row + 1] = P::from_usize(next);
        }
        draft.finish(shape, true)
    }
}

/// Number of positions of a diagonal inside a shape.
fn diagonal_length((nrows, ncols): (usize, usize), offset: isize) -> usize {
    let away = offset.unsigned_abs();
    if offset >= 0 {
        nrows.min(ncols.saturating_sub(away))
    } else {
        ncols.min(nrows.saturating_sub(away))
    }
}
