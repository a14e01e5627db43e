//! Compressed sparse matrices: one implementation, generic over the axis.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::{Axis, ByCols, ByRows};
use crate::sparse::check::check_line;
use crate::sparse::types::Types;
use crate::storage::{Access, Buffer, Entry, Index};

/// A sparse matrix compressed along axis `A`; called [`Csr`] and [`Csc`].
///
/// Three buffers, each in memory or in a mapped file: `indptr` with one pointer per major and one more, `indices` with
/// the minor index of every stored entry, `data` with its value. `T = ()` is a pattern-only matrix, without
/// a value buffer. Cloning, slicing by majors and transposing copy pointers.
///
/// The pointers were checked when the matrix was made. Indices of a matrix from a file are checked at first use, so
/// that opening takes milliseconds; a bad index is then a typed error.
pub struct Compressed<T: Entry, I: Index, P: Index, A: Axis> {
    /// Its arrays are of the types `T`, `I` and `P`, and its axis is `A`.
    body: AnyCompressed,
    types: PhantomData<(T, I, P, A)>,
}

/// Compressed sparse rows. `I` is the type of column indices, `P` that of row pointers.
///
/// ```
/// use outcore::Csr;
/// // [ 1 . 2 ]
/// // [ . 3 . ]
/// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
/// assert_eq!((a.nrows(), a.ncols(), a.nnz()), (2, 3, 3));
/// assert_eq!(a.get(0, 2)?, Some(2.0));
/// # Ok::<(), outcore::Error>(())
/// ```
pub type Csr<T, I = u32, P = I> = Compressed<T, I, P, ByRows>;

/// Compressed sparse columns. `I` is the type of row indices, `P` that of column pointers.
pub type Csc<T, I = u32, P = I> = Compressed<T, I, P, ByCols>;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// A matrix over the arrays of SciPy's `csr_matrix((data, indices, indptr), shape)`, without a copy.
    ///
    /// Checks everything, in one pass over pointers and indices; an error names the row (the column, for CSC) and the
    /// position. Indices may be in any order within a row, and may repeat.
    ///
    /// ```
    /// use outcore::Csr;
    /// let error = Csr::<f64>::from_parts((2, 3), vec![0, 1, 2], vec![0, 3], vec![1.0, 2.0]).unwrap_err();
    /// assert_eq!(error.to_string(), "row 1, position 1: an index is out of range: expected an index below 3, found 3");
    /// ```
    pub fn from_parts(
        shape: (usize, usize),
        indptr: impl Into<Buffer<P>>,
        indices: impl Into<Buffer<I>>,
        data: impl Into<Buffer<T>>,
    ) -> Result<Self> {
        let matrix = Self::from_buffers(shape, indptr.into(), indices.into(), data.into())?;
        matrix.check()?;
        Ok(matrix)
    }

    /// As [`from_parts`](Self::from_parts), with the indices checked at first use.
    pub(crate) fn from_buffers(
        (nrows, ncols): (usize, usize),
        indptr: Buffer<P>,
        indices: Buffer<I>,
        data: Buffer<T>,
    ) -> Result<Self> {
        AnyCompressed::from_buffers(
            A::FORMAT,
            (nrows, ncols),
            indptr.raw().clone(),
            indices.raw().clone(),
            data.raw().clone(),
        )
        .map(Self::from_any)
    }

    /// The matrix with its types and axis known at run time.
    pub(crate) fn as_any(&self) -> &AnyCompressed {
        &self.body
    }

    /// As [`as_any`](Self::as_any), a clone.
    pub(crate) fn to_any(&self) -> AnyCompressed {
        self.body.clone()
    }

    /// A matrix of these types.
    pub(crate) fn from_any(body: AnyCompressed) -> Self {
        assert!(body.types() == Types::of::<T, I, P>(), "the types with which it was made");
        Compressed { body, types: PhantomData }
    }

    /// The three buffers: `indptr`, `indices`, `data`. In a slice of a matrix `indptr` does not start at 0.
    pub fn into_parts(self) -> (Buffer<P>, Buffer<I>, Buffer<T>) {
        let AnyCompressed { indptr, indices, data, .. } = self.body;
        (indptr.into_typed(), indices.into_typed(), data.into_typed())
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.body.shape.0
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.body.shape.1
    }

    /// `(nrows, ncols)`.
    pub fn shape(&self) -> (usize, usize) {
        self.body.shape
    }

    /// Number of stored entries, including explicit zeros and duplicates.
    #[doc(alias = "getnnz")]
    pub fn nnz(&self) -> usize {
        self.body.nnz()
    }

    /// Extent of the axis with pointers: rows for CSR, columns for CSC.
    pub fn major(&self) -> usize {
        self.body.indptr.len() - 1
    }

    /// Extent of the other axis.
    pub fn minor(&self) -> usize {
        A::swap_if_cols(self.shape()).1
    }

    /// The begin and end of each major in `indices` and `data`, counted from `indptr[0]`.
    pub fn indptr(&self) -> &Buffer<P> {
        self.body.indptr.as_typed()
    }

    /// The minor index of every stored entry.
    pub fn indices(&self) -> &Buffer<I> {
        self.body.indices.as_typed()
    }

    /// The value of every stored entry.
    pub fn data(&self) -> &Buffer<T> {
        self.body.data.as_typed()
    }

    /// The positions of one major in `indices` and `data`. `major` is below [`major()`](Self::major).
    pub(crate) fn span(&self, major: usize) -> Range<usize> {
        self.body.span(major)
    }

    /// Checks that every index is in range, and returns whether they strictly increase within each row (column, for
    /// CSC), that is, whether the matrix is in SciPy's canonical format. Reads the indices once; the result is
    /// remembered. Allocates nothing, and uses the threads of the calling pool, or of a new
    /// [`Context`](crate::Context).
    pub fn check(&self) -> Result<bool> {
        self.body.check()
    }

    /// Checks that the indices of one line are in range, and returns whether they rise in it. `major` is below
    /// [`major()`](Self::major).
    ///
    /// Reads only the indices of this line, so that one line of a large file is available at once. When as many indices
    /// have been read this way as the matrix has, all are checked, and if they are right, not read for this again.
    pub(crate) fn check_major(&self, major: usize) -> Result<bool> {
        if let Some(&canonical) = self.body.index_state.canonical.get() {
            return Ok(canonical);
        }
        if self.body.index_state.count_read(self.span(major).len()) > self.nnz() {
            if let Ok(canonical) = self.check() {
                return Ok(canonical);
            }
            // A bad index elsewhere does not concern this line.
            self.body.index_state.start_again();
        }
        let arrays = (self.body.indptr(), self.body.indices());
        check_line(arrays.0, arrays.1, self.minor(), major)
            .map_err(|error| self.name_indices(error))
    }

    /// Names the file behind the indices, if there is one, in an error about the indices.
    pub(crate) fn name_indices(&self, error: Error) -> Error {
        self.body.name_indices(error)
    }

    /// The majors in `range` as a separate matrix, without a copy.
    pub(crate) fn slice_major(&self, range: Range<usize>) -> Result<Self> {
        self.body.slice_major(range).map(Self::from_any)
    }

    /// The transpose, without a copy: the same arrays compressed along the other axis.
    ///
    /// ```
    /// use outcore::{Csc, Csr};
    /// let a = Csr::<f64>::eye(3);
    /// let at: Csc<f64> = a.transpose();
    /// assert_eq!(at.nnz(), 3);
    /// ```
    #[doc(alias = "T")]
    pub fn transpose(&self) -> Compressed<T, I, P, A::Other> {
        Compressed::from_any(self.body.transpose())
    }

    /// The pattern only, without a copy.
    ///
    /// ```
    /// let a = outcore::Csr::<f64>::eye(3);
    /// assert_eq!(a.pattern().data().len(), 3);
    /// ```
    pub fn pattern(&self) -> Compressed<(), I, P, A> {
        Compressed::from_any(self.body.pattern())
    }

    /// The same structure with other values, without a copy: for example the matrix of a simulation's next time step.
    ///
    /// Fails if there is not one value per stored entry.
    ///
    /// ```
    /// let a = outcore::Csr::<f64>::eye(2);
    /// assert_eq!(a.with_data(vec![5i32, 6])?.get(1, 1)?, Some(6));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn with_data<U: Entry>(
        &self,
        data: impl Into<Buffer<U>>,
    ) -> Result<Compressed<U, I, P, A>> {
        self.body.with_data(data.into().into_raw()).map(Compressed::from_any)
    }

    /// Advises the system how the arrays are about to be read. No effect for memory.
    pub fn advise(&self, access: Access) {
        self.indptr().advise(access);
        self.indices().advise(access);
        self.data().advise(access);
    }

    /// Bytes of the three arrays of a matrix with `major` lines and `nnz` entries.
    pub(crate) fn bytes_of(major: usize, nnz: usize) -> u64 {
        Types::of::<T, I, P>().bytes_of(major, nnz)
    }

    /// Bytes of the three arrays, in memory or on disk.
    pub fn bytes(&self) -> u64 {
        Self::bytes_of(self.major(), self.nnz())
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> Clone for Compressed<T, I, P, A> {
    fn clone(&self) -> Self {
        Compressed { body: self.to_any(), types: PhantomData }
    }
}

/// Equal if shape, structure and values are, including the order of entries within a row: two matrices with the same
/// entries in different orders are not equal.
impl<T: Entry, I: Index, P: Index, A: Axis> PartialEq for Compressed<T, I, P, A> {
    fn eq(&self, other: &Self) -> bool {
        self.body.same_structure(&other.body) && self.data() == other.data()
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> fmt::Debug for Compressed<T, I, P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(A::FORMAT.name())
            .field("shape", &self.shape())
            .field("nnz", &self.nnz())
            .field("dtype", &T::ENTRY_DTYPE.map_or("pattern", |dtype| dtype.name()))
            .field("index", &I::DISK.name())
            .finish_non_exhaustive()
    }
}

impl AnyCompressed {
    /// As a matrix of the types and the axis with which it was made.
    pub(crate) fn into_typed<T: Entry, I: Index, P: Index, A: Axis>(
        self,
    ) -> Compressed<T, I, P, A> {
        assert_eq!(self.format, A::FORMAT, "the format with which it was made");
        Compressed::from_any(self)
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Bytes of the arrays that are in files.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.body.stored_bytes()
    }
}
