//! Products of a few thousand terms, in one loop: the preparations for larger ones would take longer than multiplying.
//!
//! ```text
//! for each row i of A:
//!     for each entry (k, a) of row i, for each entry (j, b) of row k of B:  sums[j] += a * b, from zero if j is new
//!     the columns with terms, sorted, and their sums are row i
//! ```
//!
//! A sum takes its terms in the same order as in `spgemm/kernels`, so its bits are the same.

use crate::error::Result;
use crate::linalg::algebra::Semiring;
use crate::sparse::{AnyCompressed, Csr};
use crate::storage::{Buffer, Context, Index, SparseFormat};

/// The most terms, and the most columns: one sum and one mark for each.
const TERMS: usize = 1 << 16;
const COLUMNS: usize = 1 << 16;

/// The product, if it is small and in memory, and its cost is not recorded. Also `None` if an index is out of range;
/// the general method then reports the place.
pub(crate) fn few<S: Semiring, I: Index, P: Index>(
    semiring: S,
    (a, b): (&Csr<S::Left, I, P>, &Csr<S::Right, I, P>),
    ctx: &Context,
) -> Result<Option<Csr<S::Sum, I, P>>> {
    let (nrows, ncols) = (a.nrows(), b.ncols());
    let is_small = a.nnz() <= TERMS && nrows <= TERMS && ncols <= COLUMNS;
    if !is_small || a.stored_bytes() + b.stored_bytes() > 0 || ctx.is_recorded() {
        return Ok(None);
    }
    let mut terms = 0;
    for k in a.indices().iter().map(|k| k.to_usize()) {
        if k >= b.nrows() || terms > TERMS {
            return Ok(None);
        }
        terms += b.span(k).len();
    }
    let work = ncols * (size_of::<u32>() + size_of::<S::Sum>());
    let bytes = 2 * Csr::<S::Sum, I, P>::bytes_of(nrows, terms) + work as u64;
    if terms > TERMS || bytes > ctx.memory_left() {
        return Ok(None);
    }
    ctx.check_cancelled()?;
    let (mut sums, mut last_met) = (vec![semiring.zero(); ncols], vec![0u32; ncols]);
    let (mut indptr, mut indices, mut data) =
        (Vec::with_capacity(nrows + 1), Vec::<I>::new(), Vec::new());
    indptr.push(P::from_usize(0));
    for i in 0..nrows {
        let (start, number) = (indices.len(), i as u32 + 1);
        let row = a.span(i);
        for (k, &left) in a.indices()[row.clone()].iter().zip(&a.data()[row]) {
            let other = b.span(k.to_usize());
            for (&j, &right) in b.indices()[other.clone()].iter().zip(&b.data()[other]) {
                let term = semiring.multiply(left, right);
                let Some(met) = last_met.get_mut(j.to_usize()) else { return Ok(None) };
                let sum = &mut sums[j.to_usize()];
                if *met != number {
                    (*met, *sum) = (number, semiring.zero());
                    indices.push(j);
                }
                *sum = semiring.add(*sum, term);
            }
        }
        indices[start..].sort_unstable();
        data.extend(indices[start..].iter().map(|j| sums[j.to_usize()]));
        indptr.push(P::from_usize(indices.len()));
    }
    semiring.check()?;
    indices.shrink_to_fit();
    data.shrink_to_fit();
    let (indptr, indices, data) = (Buffer::from(indptr), Buffer::from(indices), Buffer::from(data));
    let arrays = (indptr.raw().clone(), indices.raw().clone(), data.raw().clone());
    let (format, shape) = (SparseFormat::Csr, (nrows, ncols));
    let made = AnyCompressed::from_written(format, shape, arrays.0, arrays.1, arrays.2)?;
    Ok(Some(made.assume_canonical().into_typed()))
}
