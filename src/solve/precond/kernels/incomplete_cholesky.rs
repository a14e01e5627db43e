//! Incomplete Cholesky factors with the structure of the matrix.
//!
//! Source: Meijerink and van der Vorst (1977); where a pivot fails, the diagonal is raised as by Manteuffel, "An
//! incomplete factorization technique for positive definite linear systems" (1980).
//!
//! ```text
//! for each row i, for j < i in its structure:  lᵢⱼ = (aᵢⱼ − Σ_{k<j} lᵢₖ conj(lⱼₖ)) / lⱼⱼ;   lᵢᵢ² = (1+α) aᵢᵢ − Σ_{k<i} |lᵢₖ|²
//! ```

use num_traits::{Float, Zero};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::Scalar;
use crate::solve::precond::kernels::block::BlockRows;

/// A pivot below this many rounding errors of its diagonal entry fails.
const LOST: f64 = 16.0;

/// The first shift after a failure, and the factor from one to the next.
const SHIFT: (f64, f64) = (1e-3, 2.0);

/// The largest shift that is tried: the factor is then that of the diagonal.
const LARGEST: f64 = 1e8;

/// Replaces the entries of a block, which are those on and below the diagonal, by those of its factor, with the inverse
/// of each pivot on the diagonal. Returns the shift α and the number of factorizations that failed before; of these at
/// most `retries` are accepted. Fails, naming the row, if the diagonal is not positive or the last factorization failed.
pub(crate) fn factor<X: Scalar>(
    block: &mut BlockRows<'_, &mut [X]>,
    first: f64,
    retries: usize,
) -> Result<(f64, usize)> {
    check_diagonal(block)?;
    let entries = if retries > 0 { block.data.to_vec() } else { Vec::new() };
    let (mut shift, mut failed) = (first, 0);
    loop {
        match factor_shifted(block, X::from_f64(1.0 + shift).real()) {
            Ok(()) => return Ok((shift, failed)),
            Err(error) if failed == retries || shift > LARGEST => return Err(error),
            Err(_) => {}
        }
        failed += 1;
        shift = if shift < SHIFT.0 { SHIFT.0 } else { shift * SHIFT.1 };
        block.data.copy_from_slice(&entries);
    }
}

/// Fails unless the diagonal of the block is real and positive.
fn check_diagonal<X: Scalar>(block: &BlockRows<'_, &mut [X]>) -> Result<()> {
    for row in 0..block.len() {
        let entry = block.data[block.diagonal_at(row)];
        if entry.real() <= X::Real::zero() || entry != X::from_real(entry.real()) {
            let what = "the diagonal of the matrix is not positive";
            return Err(Error::new(ErrorKind::Value, what)
                .at(Location::Row((block.rows.start + row) as u64))
                .expected("a real number above 0, as in every Hermitian positive definite matrix")
                .found(entry));
        }
    }
    Ok(())
}

/// Factors the block with its diagonal times `raise`.
fn factor_shifted<X: Scalar>(block: &mut BlockRows<'_, &mut [X]>, raise: X::Real) -> Result<()> {
    for row in 0..block.len() {
        let (start, diagonal) = (block.indptr[row], block.diagonal_at(row));
        let (above, here) = block.data.split_at_mut(start);
        let columns = &block.indices[start..diagonal];
        let mut squares = X::Real::zero();
        for (k, &col) in columns.iter().enumerate() {
            let other = block.indptr[col as usize];
            let pivot = other + block.diagonal[col as usize] as usize;
            let sum = inner(
                (&columns[..k], &here[..k]),
                (&block.indices[other..pivot], &above[other..pivot]),
            );
            let entry = (here[k] - sum) * above[pivot];
            here[k] = entry;
            squares += entry.abs_squared();
        }
        let own = here[diagonal - start].real() * raise;
        let left = own - squares;
        let least = X::Real::epsilon() * X::from_f64(LOST).real() * own;
        let inverse = X::one().real() / left.sqrt();
        if !(left > least && left.is_finite() && inverse.is_finite()) {
            let what = "a pivot of the incomplete Cholesky factor is not positive";
            return Err(Error::new(ErrorKind::Value, what)
                .at(Location::Row((block.rows.start + row) as u64))
                .expected(format!("more than {least}"))
                .found(left)
                .remedy("allow a larger shift of the diagonal, or use Ilu0 or Jacobi"));
        }
        here[diagonal - start] = X::from_real(inverse);
    }
    Ok(())
}

/// `Σ aₖ conj(bₖ)` over the indices that both rows have.
#[inline(always)]
fn inner<X: Scalar>(a: (&[u32], &[X]), b: (&[u32], &[X])) -> X {
    let (mut i, mut j, mut sum) = (0, 0, X::zero());
    while i < a.0.len() && j < b.0.len() {
        let (left, right) = (a.0[i], b.0[j]);
        if left == right {
            sum += a.1[i] * b.1[j].conj();
        }
        i += usize::from(left <= right);
        j += usize::from(right <= left);
    }
    sum
}
