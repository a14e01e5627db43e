//! How a matrix came out of its file.

/// Whether the matrix that was read lies in its file, or is a copy.
///
/// ```
/// use outcore::io::{ReadAs, ReadOptions, read_matrix_with, write_matrix};
/// use outcore::{AnyMatrix, Context, Csr, Place};
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let (a, ctx) = (AnyMatrix::from(Csr::<f64>::eye(3)), Context::new());
/// for (name, expected) in [("a.npz", ReadAs::Mapped), ("a.mtx", ReadAs::Copied)] {
///     let path = folder.join(name);
///     write_matrix(&path, &a, &ctx)?;
///     let read = read_matrix_with(&path, &ReadOptions::default(), Place::Memory, &ctx)?;
///     assert_eq!((read.read_as, read.matrix.nnz()), (expected, 3));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadAs {
    /// Its arrays are mapped in place: nothing was copied, and the file must stay.
    Mapped,
    /// It was read into memory, or to the place that was asked for; the file is no longer needed.
    Copied,
}
