//! IC(0): incomplete Cholesky factors with the structure of the matrix, over fixed blocks of rows.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Factor, Scalar};
use crate::solve::precond::block_factors::{BlockFactors, Unfactored, applies_factors, decoder};
use crate::solve::precond::kernels::{Factors, KeptEntries, kernels};
use crate::sparse::Csr;
use crate::storage::{Context, Index, bytes_of};

/// Options of [`Ic0`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ic0Options {
    /// How many blocks the rows are cut into; `None`, the default, is one for every 16384 rows, at most 64.
    pub blocks: Option<usize>,
    /// The shift α to begin with, 0 by default: `A + α diag(A)` is factored.
    pub shift: f64,
    /// How often a block whose pivot fails is factored again, with a shift of 0.001 first and twice as large every
    /// time; 16 by default. With 0 a pivot that fails is an error.
    pub retries: usize,
}

impl Default for Ic0Options {
    fn default() -> Self {
        Ic0Options { blocks: None, shift: 0.0, retries: 16 }
    }
}

/// Incomplete Cholesky factors without fill-in, of the diagonal blocks of a Hermitian positive definite matrix.
///
/// As a [`LinearOperator`](crate::linalg::LinearOperator) it applies `(L Lᴴ)⁻¹`, for one vector or several, and is its
/// own adjoint: a preconditioner of conjugate gradients. Blocks are as those of [`Ilu0`](crate::solve::Ilu0).
///
/// Of a matrix that is positive definite, but not an M-matrix, a pivot may fail. That block is then factored again with
/// a larger diagonal; [`failures`](Self::failures) and [`shift`](Self::shift) say how often and how large.
///
/// Source: Meijerink and van der Vorst (1977); the shift: Manteuffel (1980).
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::solve::{SolveOptions, Ic0, cg};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[40, 40], Place::Memory, &ctx)?;
/// let b = a.matvec(&vec![1.0; 1600])?;
/// let m = Ic0::new(&a, &Default::default(), &ctx)?;
/// let solved = cg(&a, &b, &SolveOptions { precond: Some(&m), ..Default::default() }, &ctx)?;
/// let plain = cg(&a, &b, &SolveOptions::default(), &ctx)?;
/// assert!(solved.converged && 2 * solved.iterations < plain.iterations);
/// assert_eq!((m.failures(), m.shift()), (0, 0.0));
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("ichol", "PCICC"))]
pub struct Ic0<X: Scalar> {
    factors: BlockFactors<X>,
    failures: usize,
    shift: f64,
}

impl<X: Scalar> Ic0<X> {
    /// Factors a Hermitian positive definite matrix. Only the entries on and below the diagonal are used: whether those
    /// above match is not checked.
    ///
    /// Cost: one read of the matrix, panel by panel if it is larger than memory. Memory, as long as it lives: a column
    /// of 4 bytes and a number for each of these entries within a block, and 12 bytes for each row; meanwhile, for each
    /// thread, the numbers of a block again.
    /// If that does not fit in the memory limit, entries lie in scratch files, on their map, with the same bits: written
    /// once, and read by every application.
    ///
    /// Fails if the matrix is not square, if there are no blocks, if the shift is negative or not finite, if a number is
    /// not finite, if rows and a few blocks do not fit in the memory limit, or, naming the row, if the diagonal is not
    /// positive or a pivot fails in spite of the shift.
    ///
    /// ```
    /// use outcore::{Context, Csr, ErrorKind, solve::Ic0};
    /// // [ 1 2 ]
    /// // [ 2 1 ]
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 4], vec![0, 1, 0, 1], vec![1.0, 2.0, 2.0, 1.0])?;
    /// let strict = outcore::solve::Ic0Options { retries: 0, ..Default::default() };
    /// let error = Ic0::<f64>::new(&a, &strict, &Context::new()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Value);
    /// // With a shift it is that of another matrix, which is positive definite.
    /// let shifted = Ic0::<f64>::new(&a, &Default::default(), &Context::new())?;
    /// assert!(shifted.failures() > 5 && shifted.shift() > 1.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn new<T: Factor<X>, I: Index, P: Index>(
        a: &Csr<T, I, P>,
        options: &Ic0Options,
        ctx: &Context,
    ) -> Result<Self> {
        let Ic0Options { blocks, shift, retries } = *options;
        if !(shift >= 0.0 && shift.is_finite()) {
            return Err(Error::new(ErrorKind::Value, "the shift of the diagonal is invalid")
                .expected("a finite number, at least 0")
                .found(shift));
        }
        let (a, decode) = (a.to_any(), decoder::<T, X>());
        let blocks =
            Unfactored::read("IC(0)", (&a, decode), KeptEntries::Before, blocks, |_| 0, ctx)?;
        // For a second attempt the numbers of a block are kept.
        let most = blocks.blocks.iter().map(|block| bytes_of::<X>(block.nnz())).max();
        let at_once = if retries > 0 { ctx.thread_count().min(blocks.blocks.len()) } else { 0 };
        let copies = most.unwrap_or(0).saturating_mul(at_once as u64);
        let held: u64 = blocks.blocks.iter().map(|block| block.bytes()).sum();
        ctx.check_memory("the factors", held.saturating_add(copies))?;
        let _copies = ctx.hold(copies);
        let factor = kernels::<X>().cholesky;
        let (factors, each) =
            blocks.factor(Factors::Cholesky, ctx, |block| factor(block, shift, retries))?;
        let failures = each.iter().map(|(_, failed)| failed).sum();
        let shift = each.iter().map(|&(shift, _)| shift).fold(0.0, f64::max);
        Ok(Ic0 { factors, failures, shift })
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.factors.blocks()
    }

    /// The number of stored entries of L.
    pub fn nnz(&self) -> u64 {
        self.factors.nnz()
    }

    /// How often a block was factored again because a pivot had failed.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// The largest shift of a block.
    pub fn shift(&self) -> f64 {
        self.shift
    }
}

applies_factors!(Ic0);
