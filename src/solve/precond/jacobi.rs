//! The inverse of the diagonal.

use std::fmt;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::{Factor, Scalar};
use crate::solve::precond::block_factors::check_square;
use crate::solve::precond::kernels::inverse;
use crate::solve::precond::preconditioner::{Preconditioner, is_operator};
use crate::sparse::{Axis, Compressed};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::work;
use crate::storage::{Context, Element, Held, Index, Lasts, Plan, Reserved, bytes_of};

/// Numbers of a task.
const TASK: usize = 1 << 14;

/// What a zero on the diagonal, stored or not, means for [`Jacobi`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ZeroDiagonal {
    /// An error that names the row.
    #[default]
    Fails,
    /// The row is left as it is, as if a one stood there.
    IsOne,
}

/// The inverse of the diagonal of a square matrix, as a preconditioner.
///
/// As a [`LinearOperator`](crate::linalg::LinearOperator) it divides by the diagonal, one vector or several, and is
/// diagonal itself. It is positive definite if the diagonal is positive.
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::solve::Jacobi;
/// use outcore::{Context, Csr};
/// // [ 2 1 ]
/// // [ . 4 ]
/// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![2.0, 1.0, 4.0])?;
/// let m = Jacobi::new(&a, Default::default(), &Context::new())?;
/// assert_eq!(m.matvec(&[2.0, 2.0])?, [1.0, 0.5]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("PCJACOBI", "diagonal preconditioner"))]
pub struct Jacobi<X: Scalar> {
    inverses: Vec<X>,
    _held: Held,
    _reserved: Reserved,
}

impl<X: Scalar> Jacobi<X> {
    /// Inverts the diagonal of a square matrix in compressed rows or columns, in memory or in files.
    ///
    /// Cost: one read of the matrix, within the memory limit whatever its size; memory: two vectors, and one as long as
    /// it lives. Fails if the matrix is not square, if an entry of the diagonal or its inverse is not finite, and,
    /// unless `zeros` says otherwise, if one is zero; the error names the row.
    ///
    /// ```
    /// use outcore::solve::{Jacobi, ZeroDiagonal};
    /// use outcore::{Context, Csr, Error};
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 1, 1], vec![0], vec![2.0])?;
    /// let error = Jacobi::<f64>::new(&a, ZeroDiagonal::Fails, &Context::new()).unwrap_err();
    /// assert_eq!(error.location(), Some(&outcore::Location::Row(1)));
    /// assert!(Jacobi::<f64>::new(&a, ZeroDiagonal::IsOne, &Context::new()).is_ok());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new<T: Element + Factor<X>, I: Index, P: Index, A: Axis>(
        a: &Compressed<T, I, P, A>,
        zeros: ZeroDiagonal,
        ctx: &Context,
    ) -> Result<Self> {
        check_square(a.shape())?;
        let diagonal = a.diagonal(0, ctx)?;
        let _counted = ctx.hold(bytes_of::<T>(diagonal.len()));
        let entries = diagonal.iter().map(|&entry| entry.times(X::one()));
        Self::invert(ctx.collected("the diagonal", entries)?, zeros, ctx)
    }

    /// As [`new`](Self::new), with the diagonal itself, for an operator that is not a matrix.
    ///
    /// ```
    /// use outcore::linalg::LinearOperator;
    /// use outcore::{Context, solve::Jacobi};
    /// let m = Jacobi::from_diagonal(vec![2.0, 4.0], Default::default(), &Context::new())?;
    /// assert_eq!(m.matvec(&[2.0, 2.0])?, [1.0, 0.5]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn from_diagonal(diagonal: Vec<X>, zeros: ZeroDiagonal, ctx: &Context) -> Result<Self> {
        ctx.check_memory("the diagonal", bytes_of::<X>(diagonal.len()))?;
        Self::invert(diagonal, zeros, ctx)
    }

    fn invert(mut diagonal: Vec<X>, zeros: ZeroDiagonal, ctx: &Context) -> Result<Self> {
        let one_for_zero = zeros == ZeroDiagonal::IsOne;
        for (row, entry) in diagonal.iter_mut().enumerate() {
            *entry = match inverse(*entry) {
                Some(inverse) => inverse,
                None if one_for_zero && entry.is_zero() => X::one(),
                None => return Err(not_invertible(row, *entry)),
            };
        }
        let bytes = bytes_of::<X>(diagonal.len());
        Ok(Jacobi {
            inverses: diagonal,
            _held: ctx.hold(bytes),
            _reserved: ctx.meter().reserve(Lasts { always: bytes, at_work: 0 }),
        })
    }
}

/// The error for an entry of the diagonal without an inverse.
#[cold]
fn not_invertible<X: Scalar>(row: usize, entry: X) -> Error {
    let error = Error::new(ErrorKind::Value, "an entry of the diagonal has no inverse")
        .at(Location::Row(row as u64))
        .expected("a finite number other than zero")
        .found(entry);
    if entry.is_zero() { error.remedy("use ZeroDiagonal::IsOne") } else { error }
}

impl<X: Scalar> Preconditioner<X> for Jacobi<X> {
    fn order(&self) -> usize {
        self.inverses.len()
    }

    fn plan(&self, k: usize, _: &Context) -> Result<Plan> {
        let numbers = (self.inverses.len() as u64).saturating_mul(k as u64);
        Ok(Plan::new("Jacobi").works(numbers, work::PRODUCT))
    }

    fn apply_to(&self, adjoint: bool, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let conjugate = |a: X| if adjoint { a.conj() } else { a };
        ctx.with_threads(|| {
            let tasks = y.par_chunks_mut(TASK * k).zip(x.par_chunks(TASK * k));
            tasks.zip(self.inverses.par_chunks(TASK)).for_each(|((y, x), inverses)| {
                for ((y, x), &a) in y.chunks_mut(k).zip(x.chunks(k)).zip(inverses) {
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = conjugate(a) * x);
                }
            });
        });
        Ok(())
    }
}

is_operator!([X: Scalar] Jacobi<X>);

impl<X: Scalar> fmt::Debug for Jacobi<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jacobi").field("rows", &self.inverses.len()).finish_non_exhaustive()
    }
}
