//! A matrix of any kind: dense, CSR, CSC or COO, and its properties.

use std::path::Path;

use crate::any::compressed::{AnyCsc, AnyCsr};
use crate::dense::AnyDense;
use crate::error::Result;
use crate::sparse;
use crate::sparse::{AnyCoo, Indices, on_disk};
use crate::storage::{
    DType, INDICES_FILE, Order, POINTERS_FILE, ROWS_FILE, RawBuffer, SparseFormat, VALUES_FILE,
};

/// A matrix whose format, element type and index widths are known at run time. Cloning copies pointers.
///
/// [`open`](crate::open) makes one from a path, `From` from a typed matrix, and `TryFrom` converts back to the typed
/// matrix; none of them copies. All other operations are as for a typed matrix, with the same bits, errors and cost;
/// the methods say where they differ.
///
/// A matrix of any kind but COO is a [`LinearOperator`](crate::linalg::LinearOperator) on vectors of `f32`, `f64` and
/// the complex numbers of both; so solvers accept it, and so does [`Operator`](crate::linalg::Operator), which prepares
/// it for many products. It must be possible to multiply the entries with such vectors without loss: integers of up to
/// 16 bits, `f16`, `bf16` and `f32` with all of them; all real numbers with `f64` and complex `f64` (64-bit integers
/// are summed exactly if the vectors are integers, otherwise rounded); complex numbers with complex ones that are as
/// wide. Anything else is an error of kind [`Type`](crate::ErrorKind::Type).
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::{AnyMatrix, Context, Csr, DType, Order, Place};
/// let ctx = Context::new();
/// let a = AnyMatrix::from(Csr::<i8>::eye(3));
/// assert_eq!((a.shape(), a.nnz(), a.dtype()), ((3, 3), 3, Some(DType::Int8)));
/// assert_eq!(a.to_string(), "CSR matrix, 3 x 3, int8, 3 entries (int32 indices), in memory");
/// assert_eq!(a.matvec(&[1.0f64, 2.0, 3.0])?, [1.0, 2.0, 3.0]);
/// let dense = AnyMatrix::try_from(a.to_dense(Order::C, Place::Memory, &ctx)?)?;
/// assert_eq!(dense.to_string(), "dense matrix, 3 x 3, int8, C order, in memory");
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum AnyMatrix {
    /// All elements. An array of more than two dimensions, which [`open`](crate::open) and `TryFrom` refuse, is an
    /// error wherever rows and columns are needed.
    Dense(AnyDense),
    /// Compressed rows.
    Csr(AnyCsr),
    /// Compressed columns.
    Csc(AnyCsc),
    /// Coordinates.
    Coo(AnyCoo),
}

/// The body of a matrix, borrowed: for operations to match on.
pub(crate) enum Body<'a> {
    Dense(&'a AnyDense),
    Lines(&'a sparse::AnyCompressed),
    Coo(&'a AnyCoo),
}

impl AnyMatrix {
    pub(crate) fn body(&self) -> Body<'_> {
        match self {
            AnyMatrix::Dense(a) => Body::Dense(a),
            AnyMatrix::Csr(a) => Body::Lines(a.body()),
            AnyMatrix::Csc(a) => Body::Lines(a.body()),
            AnyMatrix::Coo(a) => Body::Coo(a),
        }
    }

    /// A compressed matrix of either format.
    pub(crate) fn of_lines(body: sparse::AnyCompressed) -> Self {
        match body.format() {
            SparseFormat::Csc => AnyMatrix::Csc(AnyCsc::new(body)),
            _ => AnyMatrix::Csr(AnyCsr::new(body)),
        }
    }

    /// `(nrows, ncols)`. An array of one dimension is a column; one of more than two counts as the rows of its first.
    pub fn shape(&self) -> (usize, usize) {
        match self.body() {
            Body::Dense(a) => match a.shape() {
                [] => (1, 1),
                [nrows, others @ ..] => {
                    (*nrows, others.iter().fold(1, |product, &n| n.saturating_mul(product)))
                }
            },
            Body::Lines(a) => a.shape(),
            Body::Coo(a) => a.shape(),
        }
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.shape().0
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.shape().1
    }

    /// Number of stored elements: all of a dense matrix; for a sparse one entries, including explicit zeros and
    /// duplicates.
    pub fn nnz(&self) -> usize {
        match self.body() {
            Body::Dense(a) => a.len(),
            Body::Lines(a) => a.nnz(),
            Body::Coo(a) => a.nnz(),
        }
    }

    /// The type of the elements; `None` for a pattern.
    pub fn dtype(&self) -> Option<DType> {
        self.values().dtype()
    }

    /// The format of a sparse matrix; `None` for a dense one.
    pub fn format(&self) -> Option<SparseFormat> {
        match self.body() {
            Body::Dense(_) => None,
            Body::Lines(a) => Some(a.format()),
            Body::Coo(_) => Some(SparseFormat::Coo),
        }
    }

    /// The type of the indices of a sparse matrix as written in files: `Int32` for `u32`, `Int64` for `u64`.
    pub fn index_dtype(&self) -> Option<DType> {
        match self.body() {
            Body::Dense(_) => None,
            Body::Lines(a) => Some(on_disk(a.types().indices)),
            Body::Coo(a) => Some(a.index_dtype()),
        }
    }

    /// The type of the pointers of a compressed matrix as written in files.
    pub fn pointer_dtype(&self) -> Option<DType> {
        match self.body() {
            Body::Lines(a) => Some(on_disk(a.types().pointers)),
            Body::Dense(_) | Body::Coo(_) => None,
        }
    }

    /// The location of the matrix: the `.npy` file, the folder, or for a result in scratch space the scratch folder;
    /// `None` in memory. For a matrix partly in files, the location of those.
    pub fn path(&self) -> Option<&Path> {
        match self.body() {
            Body::Dense(a) => a.buffer().file().map(|(path, _)| path),
            Body::Lines(a) => {
                folder_of([a.indices_buffer(), a.indptr_buffer(), a.data()].map(RawBuffer::file))
            }
            Body::Coo(a) => folder_of([a.rows(), a.cols(), a.data()].map(RawBuffer::file)),
        }
    }

    /// Bytes of the arrays that are in files; 0 if in memory.
    pub fn stored_bytes(&self) -> u64 {
        match self.body() {
            Body::Dense(a) => a.stored_bytes(),
            Body::Lines(a) => a.stored_bytes(),
            Body::Coo(a) => a.stored_bytes(),
        }
    }

    /// Checks that every index is in range, and returns whether the matrix is in canonical format: indices strictly
    /// increase in every row (column, for CSC). A dense matrix always is; for coordinates the result is always false.
    ///
    /// Reads the indices once; the result is remembered.
    pub fn check(&self) -> Result<bool> {
        match self.body() {
            Body::Dense(_) => Ok(true),
            Body::Lines(a) => a.check(),
            Body::Coo(a) => a.check().map(|()| false),
        }
    }

    /// The row and the column of a value, by its position in the array of the values.
    pub(super) fn coordinates_of(&self, position: usize) -> Option<(usize, usize)> {
        let turned = |a: usize, b: usize, by_rows: bool| if by_rows { (a, b) } else { (b, a) };
        match self.body() {
            Body::Dense(a) => {
                let a = a.as_matrix().ok()?;
                let (_, len) = a.lines();
                let line = position.checked_div(len)?;
                Some(turned(line, position % len, a.order() == Order::C))
            }
            Body::Lines(a) => {
                let (indptr, by_rows) = (a.indptr(), a.format() == SparseFormat::Csr);
                let (mut line, mut end) = (0, a.major());
                while line + 1 < end {
                    let middle = line + (end - line) / 2;
                    match indptr.at(middle) - indptr.at(0) <= position {
                        true => line = middle,
                        false => end = middle,
                    }
                }
                (position < a.nnz()).then(|| turned(line, a.indices().at(position), by_rows))
            }
            Body::Coo(a) => {
                let [rows, cols] = [a.rows(), a.cols()].map(Indices::of);
                (position < a.nnz()).then(|| (rows.at(position), cols.at(position)))
            }
        }
    }

    /// The values of any kind of matrix.
    pub(super) fn values(&self) -> &RawBuffer {
        match self.body() {
            Body::Dense(a) => a.buffer(),
            Body::Lines(a) => a.data(),
            Body::Coo(a) => a.data(),
        }
    }
}

/// The folder of the first array that is in a file.
fn folder_of(files: [Option<(&Path, u64)>; 3]) -> Option<&Path> {
    let (path, _) = files.into_iter().flatten().next()?;
    // A file without a name is reported as its folder; all arrays of a file of another format are in that file.
    let own = [INDICES_FILE, POINTERS_FILE, ROWS_FILE, VALUES_FILE];
    let is_array = path.file_name().is_some_and(|name| own.iter().any(|own| name == *own));
    match path.parent() {
        Some(folder) if is_array && folder.as_os_str().is_empty() => Some(Path::new(".")),
        Some(folder) if is_array => Some(folder),
        _ => Some(path),
    }
}
