//! CSR and CSC matrices whose value and index types are known at run time.

use std::marker::PhantomData;

use crate::error::Result;
use crate::sparse;
use crate::sparse::{Axis, ByCols, ByRows, on_disk};
use crate::storage::{DType, SparseFormat};

/// A [`Compressed`](crate::Compressed) matrix whose value and index types are known at run time; called [`AnyCsr`] and
/// [`AnyCsc`]. Cloning copies pointers.
///
/// Its operations are methods of [`AnyMatrix`](crate::AnyMatrix). `TryFrom` converts to a matrix of the stored types,
/// and `From` back, both without a copy.
///
/// ```
/// use outcore::{AnyCsr, Csr, DType, ErrorKind};
/// let a = AnyCsr::from(Csr::<f32>::eye(3));
/// assert_eq!((a.shape(), a.nnz(), a.dtype()), ((3, 3), 3, Some(DType::Float32)));
/// assert_eq!(Csr::<f64>::try_from(a.clone()).unwrap_err().kind(), ErrorKind::Type);
/// assert_eq!(Csr::<f32>::try_from(a)?, Csr::eye(3));
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct AnyCompressed<A: Axis> {
    /// Compressed along the axis.
    body: sparse::AnyCompressed,
    axis: PhantomData<A>,
}

/// Compressed sparse rows of any types.
pub type AnyCsr = AnyCompressed<ByRows>;

/// Compressed sparse columns of any types.
pub type AnyCsc = AnyCompressed<ByCols>;

impl<A: Axis> AnyCompressed<A> {
    pub(super) fn new(body: sparse::AnyCompressed) -> Self {
        debug_assert_eq!(body.format(), A::FORMAT);
        AnyCompressed { body, axis: PhantomData }
    }

    pub(super) fn body(&self) -> &sparse::AnyCompressed {
        &self.body
    }

    pub(super) fn into_body(self) -> sparse::AnyCompressed {
        self.body
    }

    /// `Csr` or `Csc`.
    pub fn format(&self) -> SparseFormat {
        self.body.format()
    }

    /// `(nrows, ncols)`.
    pub fn shape(&self) -> (usize, usize) {
        self.body.shape()
    }

    /// Number of stored entries, including explicit zeros and duplicates.
    pub fn nnz(&self) -> usize {
        self.body.nnz()
    }

    /// The type of the values; `None` for a pattern.
    pub fn dtype(&self) -> Option<DType> {
        self.body.types().values
    }

    /// The type of the indices as written in files: `Int32` for `u32`, `Int64` for `u64`.
    pub fn index_dtype(&self) -> DType {
        on_disk(self.body.types().indices)
    }

    /// The type of the pointers as written in files.
    pub fn pointer_dtype(&self) -> DType {
        on_disk(self.body.types().pointers)
    }

    /// Bytes of the arrays that are in files; 0 if in memory.
    pub fn stored_bytes(&self) -> u64 {
        self.body.stored_bytes()
    }

    /// Checks that every index is in range, and returns whether they strictly increase within each row (column, for
    /// CSC). Reads the indices once; the result is remembered.
    pub fn check(&self) -> Result<bool> {
        self.body.check()
    }

    /// The transpose, without a copy: the same arrays compressed along the other axis.
    pub fn transpose(&self) -> AnyCompressed<A::Other> {
        AnyCompressed::new(self.body.transpose())
    }

    /// The pattern only, without a copy.
    pub fn pattern(&self) -> Self {
        Self::new(self.body.pattern())
    }
}

impl<A: Axis> Clone for AnyCompressed<A> {
    fn clone(&self) -> Self {
        Self::new(self.body.clone())
    }
}
