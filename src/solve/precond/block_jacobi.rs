//! The inverses of dense blocks on the diagonal.

use std::fmt;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::{Factor, Scalar};
use crate::solve::precond::block_factors::{check_square, decoder};
use crate::solve::precond::kernels::{DenseSource, kernels};
use crate::solve::precond::preconditioner::{Preconditioner, is_operator};
use crate::sparse::Csr;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::work;
use crate::storage::{Context, Held, Index, Lasts, Plan, Reserved, bytes_of};

/// The largest block, which takes about a second to factor.
const LARGEST: usize = 1024;

/// Numbers of the blocks of a task, about.
const TASK: usize = 1 << 14;

/// The inverses of the dense diagonal blocks of a square matrix, as a preconditioner.
///
/// Rows `0..size`, `size..2 size`, … are the blocks, for example the unknowns of one point of a grid; the last may be
/// smaller. As a [`LinearOperator`](crate::linalg::LinearOperator) it solves a system with each block, for one vector or
/// several, and has an adjoint. It is Hermitian positive definite if the matrix is.
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::solve::BlockJacobi;
/// use outcore::{Context, Csr};
/// // [ 2 1 . ]
/// // [ 1 1 5 ]
/// // [ . . 4 ]
/// let entries = vec![2.0, 1.0, 1.0, 1.0, 5.0, 4.0];
/// let a = Csr::<f64>::from_parts((3, 3), vec![0, 2, 5, 6], vec![0, 1, 0, 1, 2, 2], entries)?;
/// let m = BlockJacobi::new(&a, 2, &Context::new())?;
/// assert_eq!(m.matvec(&[3.0, 2.0, 2.0])?, [1.0, 1.0, 0.5]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("PCPBJACOBI", "PCVPBJACOBI"))]
pub struct BlockJacobi<X: Scalar> {
    n: usize,
    size: usize,
    /// Rows of `size` numbers, those of a block after another.
    factors: Vec<X>,
    /// The row that was exchanged with each, counted within its block.
    pivots: Vec<u32>,
    _held: Held,
    _reserved: Reserved,
}

impl<X: Scalar> BlockJacobi<X> {
    /// Factors the blocks of `size` rows and columns, at most 1024, by LU with partial pivoting. Entries of one position
    /// are added.
    ///
    /// Cost: one read of the matrix, panel by panel if it is larger than memory, and about `size²` operations for each
    /// row. Memory, as long as it lives: `size` numbers and 4 bytes for each row.
    ///
    /// Fails if the matrix is not square, if `size` is 0 or above 1024, if the blocks do not fit in the memory limit, if a
    /// number is not finite, or if a block is singular; the error names the first row whose column has no pivot.
    pub fn new<T: Factor<X>, I: Index, P: Index>(
        a: &Csr<T, I, P>,
        size: usize,
        ctx: &Context,
    ) -> Result<Self> {
        let n = check_square(a.shape())?;
        if size == 0 || size > LARGEST {
            return Err(Error::new(ErrorKind::Format, "the block size is out of range")
                .expected(format!("1 to {LARGEST} rows"))
                .found(size)
                .remedy("use Ilu0 or Ic0, whose blocks are sparse"));
        }
        let size = size.min(n.max(1));
        let numbers = n.saturating_mul(size);
        let bytes = bytes_of::<X>(numbers).saturating_add(4 * n as u64);
        ctx.check_memory("the blocks", bytes)?;
        let (kernels, matrix) = (kernels::<X>(), a.to_any());
        let source = DenseSource { matrix: &matrix, decode: decoder::<T, X>(), size };
        let (mut factors, _held) = (kernels.read_dense)("block Jacobi", &source, bytes, ctx)?;
        let mut pivots = ctx.filled("the pivots", n, 0)?;
        let rows = rows_of_task(size);
        let singular = ctx.with_threads(|| {
            let tasks = factors.par_chunks_mut(rows * size).zip(pivots.par_chunks_mut(rows));
            tasks.enumerate().find_map_first(|(task, (factors, pivots))| {
                if ctx.check_cancelled().is_err() {
                    return Some(usize::MAX);
                }
                let blocks = factors.chunks_mut(size * size).zip(pivots.chunks_mut(size));
                for (block, (factors, pivots)) in blocks.enumerate() {
                    if let Some(col) = (kernels.dense_lu)(factors, size, pivots) {
                        return Some(task * rows + block * size + col);
                    }
                }
                None
            })
        });
        ctx.check_cancelled()?;
        if let Some(row) = singular {
            let block = row / size;
            return Err(Error::new(ErrorKind::Value, "a diagonal block is singular")
                .at(Location::Row(row as u64))
                .found(format!("no pivot in block {block}"))
                .remedy("use another block size"));
        }
        let _reserved = ctx.meter().reserve(Lasts { always: bytes, at_work: 0 });
        Ok(BlockJacobi { n, size, factors, pivots, _held, _reserved })
    }

    /// The number of rows of a block.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// The rows of a task: whole blocks.
fn rows_of_task(size: usize) -> usize {
    (TASK / size.saturating_mul(size)).max(1) * size
}

impl<X: Scalar> Preconditioner<X> for BlockJacobi<X> {
    fn order(&self) -> usize {
        self.n
    }

    fn plan(&self, k: usize, _: &Context) -> Result<Plan> {
        let numbers = (self.factors.len() as u64).saturating_mul(k as u64);
        Ok(Plan::new("block Jacobi").works(numbers, work::PRODUCT))
    }

    fn apply_to(&self, adjoint: bool, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let (size, rows, solve) = (self.size, rows_of_task(self.size), kernels::<X>().dense_solve);
        ctx.with_threads(|| {
            y.par_chunks_mut(rows * k).enumerate().for_each(|(task, y)| {
                let own: Range<usize> = task * rows..task * rows + y.len() / k;
                y.copy_from_slice(&x[own.start * k..own.end * k]);
                let blocks = own.clone().step_by(size).zip(y.chunks_mut(size * k));
                for (first, y) in blocks {
                    let rows = first..first + y.len() / k;
                    let factors = &self.factors[rows.start * size..rows.end * size];
                    solve((factors, size), &self.pivots[rows], adjoint, k, y);
                }
            });
        });
        Ok(())
    }
}

is_operator!([X: Scalar] BlockJacobi<X>);

impl<X: Scalar> fmt::Debug for BlockJacobi<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockJacobi")
            .field("rows", &self.n)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
