//! Conversion to and from sprs, without a copy.

use sprs::{CsMatI, CsMatViewI, SpIndex};

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::storage::{Entry, Index, SparseFormat};

impl<T: Entry, I: Index + SpIndex, P: Index + SpIndex, A: Axis> Compressed<T, I, P, A> {
    /// The matrix as a `sprs` view, without a copy, so that all of sprs works on mapped matrices.
    ///
    /// sprs requires strictly increasing indices within each row (column, for CSC). The first call checks this in one
    /// pass, and fails if they are not.
    ///
    /// ```
    /// let a = outcore::Csr::<f64>::eye(3);
    /// assert_eq!(a.as_sprs()?.nnz(), 3);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn as_sprs(&self) -> Result<CsMatViewI<'_, T, I, P>> {
        let arrays = (&self.indptr()[..], &self.indices()[..], &self.data()[..]);
        let view = match A::FORMAT {
            SparseFormat::Csc => {
                CsMatViewI::try_new_csc(self.shape(), arrays.0, arrays.1, arrays.2)
            }
            _ => CsMatViewI::try_new(self.shape(), arrays.0, arrays.1, arrays.2),
        };
        view.map_err(|(_, _, _, reason)| {
            Error::new(ErrorKind::Index, "sprs does not accept this structure")
                .expected("indices in strict order within every row")
                .found(reason)
                .remedy("canonicalize it first")
        })
    }
}

impl<T: Entry, I: Index + SpIndex, P: Index + SpIndex, A: Axis> TryFrom<CsMatI<T, I, P>>
    for Compressed<T, I, P, A>
{
    type Error = Error;

    /// Takes over the arrays of a sprs matrix. Fails if it is compressed along the other axis: `to_csr` and `to_csc`
    /// of sprs change that.
    fn try_from(matrix: CsMatI<T, I, P>) -> Result<Self> {
        let format = if matrix.is_csr() { SparseFormat::Csr } else { SparseFormat::Csc };
        if format != A::FORMAT {
            return Err(Error::new(
                ErrorKind::Type,
                "the matrix is compressed along the other axis",
            )
            .expected(A::FORMAT.name())
            .found(format.name()));
        }
        let shape = matrix.shape();
        let (indptr, indices, data) = matrix.into_raw_storage();
        Self::from_parts(shape, indptr, indices, data)
    }
}
