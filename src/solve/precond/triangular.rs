//! Exact solves with a triangle of a sparse matrix in memory.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Factor, Scalar};
use crate::solve::precond::block_factors::{check_square, decoder};
use crate::solve::precond::kernels::{
    BlockSource, KeptEntries, Spill, Triangle, TriangleLevels, kernels,
};
use crate::solve::precond::preconditioner::{Preconditioner, apply, is_operator};
use crate::sparse::{Axis, Compressed};
use crate::storage::work;
use crate::storage::{Context, Held, Index, Lasts, Plan, Reserved, SparseFormat, bytes_of};

/// A triangle of a sparse matrix, prepared for solves; as a [`LinearOperator`](crate::linalg::LinearOperator) it applies
/// the inverse.
///
/// The rows are brought to levels: a row needs only rows of earlier ones. Threads share a level that has enough entries;
/// narrow ones are solved by the calling thread, as are solves with the adjoint. The bits are those of substitution row
/// by row, each row summed from its first column to its last, for CSR and CSC and any number of threads.
///
/// Source: Anderson and Saad, "Solving sparse triangular linear systems on parallel computers" (1989).
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::solve::{Triangle, Triangular};
/// use outcore::{Context, Csr};
/// // [ 2 . ]
/// // [ 1 4 ]
/// let a = Csr::<f64>::from_parts((2, 2), vec![0, 1, 3], vec![0, 0, 1], vec![2.0, 1.0, 4.0])?;
/// let l = Triangular::new(&a, Triangle::Lower, false, &Context::new())?;
/// assert_eq!(l.matvec(&[2.0, 9.0])?, [1.0, 2.0]);
/// assert_eq!(l.rmatvec(&[4.0, 8.0])?, [1.0, 2.0]);
/// assert_eq!(l.levels(), 2);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("trsv", "splu", "TriangularSolver"))]
pub struct Triangular<X: Scalar> {
    levels: TriangleLevels<X>,
    _held: Held,
    _reserved: Reserved,
}

impl<X: Scalar> Triangular<X> {
    /// Prepares a triangle of a square matrix of at most `u32::MAX` rows; entries beyond the diagonal are ignored, so
    /// that both factors of an LU may lie in one matrix. With a `unit_diagonal` the diagonal counts as ones, whatever is
    /// stored. Indices may be in any order; entries of one position are added.
    ///
    /// Cost: one read of the matrix. Memory, as long as it lives: a column of 4 bytes and a number for each entry of the
    /// triangle, and 16 bytes and a number for each row; meanwhile twice as much, for CSC three times.
    ///
    /// Fails if the matrix is not square, if that does not fit in the memory limit, if a number is not finite, or,
    /// naming the row, if the diagonal has a zero.
    pub fn new<T: Factor<X>, I: Index, P: Index, A: Axis>(
        a: &Compressed<T, I, P, A>,
        triangle: Triangle,
        unit_diagonal: bool,
        ctx: &Context,
    ) -> Result<Self> {
        let n = check_square(a.shape())?;
        if n > u32::MAX as usize {
            return Err(Error::new(ErrorKind::Format, "the triangle has too many rows")
                .expected(format!("at most {}", u32::MAX))
                .found(n));
        }
        let by_cols = A::FORMAT == SparseFormat::Csc;
        let part = match (triangle == Triangle::Lower) == by_cols {
            true => KeptEntries::After,
            false => KeptEntries::Before,
        };
        let (matrix, kernels, whole) = (a.to_any(), kernels::<X>(), 0..n);
        let source = BlockSource { matrix: &matrix, decode: decoder::<T, X>(), part };
        let whole = std::slice::from_ref(&whole);
        let in_memory = (0, &mut Spill::Never);
        let (mut blocks, mut held) = (kernels.read)("triangular", &source, whole, in_memory, ctx)?;
        let block = blocks.pop().expect("one block was asked for");
        let bytes = block.bytes();
        // Entries, and for each row a pointer, its level, two numbers of rows and its diagonal entry.
        let levels = (block.nnz() as u64).saturating_mul(4 + size_of::<X>() as u64);
        let levels = levels.saturating_add((n as u64).saturating_mul(24 + size_of::<X>() as u64));
        let total = bytes.saturating_add(if by_cols { levels.max(bytes) } else { levels });
        ctx.check_memory("the triangle", total)?;
        held.resize(total);
        let block = if by_cols { block.transposed() } else { block };
        let levels_of = (kernels.levels)(&block.as_rows(), triangle, unit_diagonal)?;
        drop(block);
        held.resize(levels);
        let _reserved = ctx.meter().reserve(Lasts { always: levels, at_work: 0 });
        Ok(Triangular { levels: levels_of, _held: held, _reserved })
    }

    /// The number of levels: solves that must follow each other.
    pub fn levels(&self) -> usize {
        self.levels.count()
    }
}

/// Solves `T x = b` with a triangle of a square matrix, for one right-hand side of as many numbers as the matrix has
/// rows, or for several: `b` then has a row of `k` numbers for each, as
/// [`apply_block`](crate::linalg::LinearOperator::apply_block) takes them.
///
/// Cost and errors: those of [`Triangular::new`], which prepares several solves, and one or more vectors. Fails if `b`
/// does not have a multiple of as many numbers as there are rows.
///
/// ```
/// use outcore::solve::{Triangle, solve_triangular};
/// use outcore::{Context, Csr};
/// // [ 1 2 ]
/// // [ . 4 ]
/// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 2.0, 4.0])?;
/// let ctx = Context::new();
/// assert_eq!(solve_triangular(&a, Triangle::Upper, false, &[5.0, 8.0], &ctx)?, [1.0, 2.0]);
/// let both = solve_triangular(&a, Triangle::Upper, false, &[5.0, 1.0, 8.0, 0.0], &ctx)?;
/// assert_eq!(both, [1.0, 1.0, 2.0, 0.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("spsolve_triangular", "MatSolve"))]
pub fn solve_triangular<X: Scalar, T: Factor<X>, I: Index, P: Index, A: Axis>(
    a: &Compressed<T, I, P, A>,
    triangle: Triangle,
    unit_diagonal: bool,
    b: &[X],
    ctx: &Context,
) -> Result<Vec<X>> {
    let n = check_square(a.shape())?;
    let k = b.len().checked_div(n).unwrap_or(0);
    if k * n != b.len() || (k == 0 && n > 0) {
        return Err(Error::shape("b", format!("{n} numbers, or a multiple of them"), b.len()));
    }
    let prepared = Triangular::new(a, triangle, unit_diagonal, ctx)?;
    let mut x = ctx.filled("the solution", b.len(), X::zero())?;
    apply(&prepared, (false, k), b, &mut x, ctx)?;
    Ok(x)
}

impl<X: Scalar> Preconditioner<X> for Triangular<X> {
    fn order(&self) -> usize {
        self.levels.len()
    }

    fn plan(&self, k: usize, _: &Context) -> Result<Plan> {
        let terms = (self.levels.nnz() as u64).saturating_mul(k as u64);
        let vectors = bytes_of::<X>(self.levels.len().saturating_mul(k));
        Ok(Plan::new("triangular solve").works(terms, work::PRODUCT).holds(vectors))
    }

    fn apply_to(&self, adjoint: bool, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let mut z = ctx.filled("the vectors in levels", x.len(), X::zero())?;
        let _held = ctx.hold(bytes_of::<X>(x.len()));
        (kernels::<X>().substitute)(&self.levels, (adjoint, k), x, (y, &mut z), ctx)
    }
}

is_operator!([X: Scalar] Triangular<X>);

impl<X: Scalar> fmt::Debug for Triangular<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Triangular")
            .field("rows", &self.levels.len())
            .field("levels", &self.levels.count())
            .finish_non_exhaustive()
    }
}
