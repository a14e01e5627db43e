//! SSOR: a symmetric Gauss-Seidel sweep with overrelaxation, over fixed blocks of rows.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Factor, Scalar};
use crate::solve::precond::block_factors::{BlockFactors, Unfactored, applies_factors, decoder};
use crate::solve::precond::kernels::{BlockRows, Factors, KeptEntries, inverse};
use crate::sparse::Csr;
use crate::storage::{Context, Index};

/// Symmetric successive overrelaxation with the diagonal blocks of a square matrix.
///
/// As a [`LinearOperator`](crate::linalg::LinearOperator) it applies `ω (2−ω) (D+ωU)⁻¹ D (D+ωL)⁻¹`, where `D`, `L` and
/// `U` are the diagonal and the triangles below and above it: one sweep forward and one backward from zero, for one
/// vector or several, and the adjoint. It is Hermitian positive definite if the matrix is. With ω = 1 it is symmetric
/// Gauss-Seidel. Blocks are as those of [`Ilu0`](crate::solve::Ilu0).
///
/// Source: Young, "Iterative solution of large linear systems" (1971); Axelsson (1972).
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::solve::{SolveOptions, Ssor, cg};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[40, 40], Place::Memory, &ctx)?;
/// let b = a.matvec(&vec![1.0; 1600])?;
/// let m = Ssor::new(&a, 1.7, None, &ctx)?;
/// let solved = cg(&a, &b, &SolveOptions { precond: Some(&m), ..Default::default() }, &ctx)?;
/// let plain = cg(&a, &b, &SolveOptions::default(), &ctx)?;
/// assert!(solved.converged && 2 * solved.iterations < plain.iterations);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("PCSOR", "gauss_seidel", "sor"))]
pub struct Ssor<X: Scalar> {
    factors: BlockFactors<X>,
}

impl<X: Scalar> Ssor<X> {
    /// Prepares the sweeps with a relaxation `omega` between 0 and 2, in as many `blocks` of rows as asked for, or by
    /// default one for every 16384 rows, at most 64.
    ///
    /// Cost: one read of the matrix, panel by panel if it is larger than memory. Memory, as long as it lives: a column
    /// of 4 bytes and a number for each entry within a block, and 12 bytes for each row.
    /// If that does not fit in the memory limit, entries lie in scratch files, on their map, with the same bits: written
    /// once, and read by every application.
    ///
    /// Fails if the matrix is not square, if `omega` is not between 0 and 2, if there are no blocks, if a number is not
    /// finite, if rows and a few blocks do not fit in the memory limit, or, naming the row, if the diagonal has a zero.
    pub fn new<T: Factor<X>, I: Index, P: Index>(
        a: &Csr<T, I, P>,
        omega: f64,
        blocks: Option<usize>,
        ctx: &Context,
    ) -> Result<Self> {
        if !(omega > 0.0 && omega < 2.0) {
            return Err(Error::new(ErrorKind::Value, "the relaxation parameter is out of range")
                .expected("a number between 0 and 2")
                .found(omega));
        }
        let (a, decode) = (a.to_any(), decoder::<T, X>());
        let blocks = Unfactored::read("SSOR", (&a, decode), KeptEntries::All, blocks, |_| 0, ctx)?;
        let factors = Factors::Relaxation(X::from_f64(omega).real());
        let (factors, _) = blocks.factor(factors, ctx, invert_diagonal)?;
        Ok(Ssor { factors })
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.factors.blocks()
    }

    /// The number of stored entries.
    pub fn nnz(&self) -> u64 {
        self.factors.nnz()
    }
}

/// Replaces the diagonal by its inverse.
fn invert_diagonal<X: Scalar>(block: &mut BlockRows<'_, &mut [X]>) -> Result<()> {
    for row in 0..block.len() {
        let at = block.diagonal_at(row);
        let entry = block.data[at];
        block.data[at] =
            inverse(entry).ok_or_else(|| block.bad_pivot(row, entry, "the diagonal has a zero"))?;
    }
    Ok(())
}

applies_factors!(Ssor);
