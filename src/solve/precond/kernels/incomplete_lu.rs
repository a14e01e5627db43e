//! Incomplete LU factors with the structure of the matrix.
//!
//! Source: Meijerink and van der Vorst, "An iterative solution method for linear systems of which the coefficient
//! matrix is a symmetric M-matrix" (1977); Saad, "Iterative methods for sparse linear systems", algorithm 10.4.
//!
//! ```text
//! for each row i, for k < i in its structure:  lᵢₖ = aᵢₖ / uₖₖ;  aᵢⱼ −= lᵢₖ uₖⱼ  for j > k in the structure of both
//! ```

use crate::error::Result;
use crate::linalg::Scalar;
use crate::solve::precond::kernels::block::{BlockRows, inverse};

/// A column without an entry in the row that is being factored.
const NONE: u32 = u32::MAX;

/// Bytes of work space for a block of this many rows.
pub(crate) fn memory(rows: usize) -> u64 {
    4 * rows as u64
}

/// Replaces the entries of a block by those of its factors, with the inverse of each pivot on the diagonal. Fails,
/// naming the row, if a pivot is zero.
pub(crate) fn factor<X: Scalar>(block: &mut BlockRows<'_, &mut [X]>) -> Result<()> {
    let mut place = vec![NONE; block.len()];
    for row in 0..block.len() {
        let (start, end) = (block.indptr[row], block.indptr[row + 1]);
        for (k, &col) in block.indices[start..end].iter().enumerate() {
            place[col as usize] = k as u32;
        }
        let diagonal = block.diagonal_at(row);
        // The rows above are before this one in the arrays.
        let (above, here) = block.data.split_at_mut(start);
        for at in start..diagonal {
            let col = block.indices[at] as usize;
            let pivot = block.indptr[col] + block.diagonal[col] as usize;
            let factor = here[at - start] * above[pivot];
            here[at - start] = factor;
            for k in pivot + 1..block.indptr[col + 1] {
                let to = place[block.indices[k] as usize];
                if to != NONE {
                    here[to as usize] -= factor * above[k];
                }
            }
        }
        let pivot = here[diagonal - start];
        let Some(inverse) = inverse(pivot) else {
            return Err(block.bad_pivot(row, pivot, "a pivot of the incomplete LU cannot divide"));
        };
        here[diagonal - start] = inverse;
        for &col in &block.indices[start..end] {
            place[col as usize] = NONE;
        }
    }
    Ok(())
}
