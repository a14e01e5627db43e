//! ILU(0): incomplete LU factors with the structure of the matrix, over fixed blocks of rows.

use crate::error::Result;
use crate::linalg::{Factor, Scalar};
use crate::solve::precond::block_factors::{BlockFactors, Unfactored, applies_factors, decoder};
use crate::solve::precond::kernels::{Factors, KeptEntries, kernels};
use crate::sparse::Csr;
use crate::storage::{Context, Index};

/// Incomplete LU factors without fill-in, of the diagonal blocks of a square matrix.
///
/// As a [`LinearOperator`](crate::linalg::LinearOperator) it applies `(L U)⁻¹`, for one vector or several, and its
/// adjoint. For matrices that are not symmetric; [`Ic0`](crate::solve::Ic0) holds half as much where they are Hermitian
/// and positive definite.
///
/// The rows are cut into blocks, and what couples two blocks is dropped. So the blocks are factored and solved by as
/// many threads, and the bits depend on their number alone: one for every 16384 rows, at most 64, unless the caller
/// says otherwise. Fewer blocks take fewer iterations; one is the usual ILU(0).
///
/// Source: Saad, "Iterative methods for sparse linear systems", algorithm 10.4.
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::solve::{SolveOptions, Ilu0, cg};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// // A tridiagonal matrix has no fill-in: the factors are exact.
/// let a = Csr::<f64>::poisson(&[50], Place::Memory, &ctx)?;
/// let m = Ilu0::new(&a, None, &ctx)?;
/// let x = m.matvec(&a.matvec(&[1.0; 50])?)?;
/// assert!(x.iter().all(|x: &f64| (x - 1.0).abs() < 1e-12));
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("spilu", "PCILU"))]
pub struct Ilu0<X: Scalar> {
    factors: BlockFactors<X>,
}

impl<X: Scalar> Ilu0<X> {
    /// Factors a square matrix, in as many `blocks` of rows as asked for, or by default one for every 16384 rows, at
    /// most 64.
    ///
    /// Indices may be in any order; entries of one position are added. A missing diagonal entry counts as a stored
    /// zero.
    ///
    /// Cost: one read of the matrix, panel by panel if it is larger than memory. Memory, as long as it lives: a column
    /// of 4 bytes and a number for each entry within a block, and 12 bytes for each row.
    /// If that does not fit in the memory limit, entries lie in scratch files, on their map, with the same bits: written
    /// once, and read by every application.
    ///
    /// Fails if the matrix is not square, if there are no blocks, if a number is not finite, if rows and a few
    /// blocks do not fit in the memory limit, or, naming the row, if a pivot is zero.
    ///
    /// ```
    /// use outcore::{Context, Csr, ErrorKind, solve::Ilu0};
    /// // [ . 1 ]
    /// // [ 1 . ]
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 1, 2], vec![1, 0], vec![1.0, 1.0])?;
    /// let error = Ilu0::<f64>::new(&a, None, &Context::new()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Value);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn new<T: Factor<X>, I: Index, P: Index>(
        a: &Csr<T, I, P>,
        blocks: Option<usize>,
        ctx: &Context,
    ) -> Result<Self> {
        let (a, kernels) = ((a.to_any(), decoder::<T, X>()), kernels::<X>());
        let memory = kernels.lu_memory;
        let blocks =
            Unfactored::read("ILU(0)", (&a.0, a.1), KeptEntries::All, blocks, memory, ctx)?;
        let (factors, _) = blocks.factor(Factors::Lu, ctx, kernels.lu)?;
        Ok(Ilu0 { factors })
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.factors.blocks()
    }

    /// The number of stored entries of both factors.
    pub fn nnz(&self) -> u64 {
        self.factors.nnz()
    }
}

applies_factors!(Ilu0);
