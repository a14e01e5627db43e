//! Opening matrices by their path.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::any::matrix::AnyMatrix;
use crate::dense::{AnyDense, check_dimensions};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse;
use crate::sparse::{AnyCoo, Types};
use crate::storage::{
    Context, DESCRIPTOR, DType, Descriptor, Folder, NpyHeader, Place, SparseFormat, StoredValues,
    VALUES_FILE, map_array,
};

/// Maps the matrix at a path, of any kind: a `.npy` file, or a folder of a sparse matrix (`NAME.bspnpy`).
///
/// As [`Dense::open`](crate::Dense::open), [`Csr::open`](crate::Csr) and [`Coo::open`](crate::Coo::open), with the
/// types in the files; nothing is copied. An array of one dimension is treated as a column, in copies too. If one
/// `int8` value represents all entries (`iso[int8]` in Binsparse), the matrix is a pattern if the value is 1, as
/// patterns are written; any other value is expanded.
///
/// Fails if nothing is there, if it is not a matrix (kind [`Format`](ErrorKind::Format), saying what was found), with
/// kind [`Shape`](ErrorKind::Shape) if an array has more than two dimensions, with kind
/// [`Unsupported`](ErrorKind::Unsupported) for an element type that this build does not include, and as the typed
/// matrices do.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// use outcore::linalg::LinearOperator;
/// use outcore::{Context, Csr, Dense};
/// let ctx = Context::new();
/// Csr::<f32>::eye(2).copy_to(folder.join("a.bspnpy"), &ctx)?;
/// Dense::from(ndarray::arr2(&[[1i64, 2], [3, 4]])).copy_to(folder.join("b.npy"), &ctx)?;
/// for name in ["a.bspnpy", "b.npy"] {
///     let a = outcore::open(folder.join(name))?;
///     println!("{a}, first column {:?}", a.matvec(&[1.0f64, 0.0])?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open(path: impl AsRef<Path>) -> Result<AnyMatrix> {
    AnyMatrix::open(path)
}

impl AnyMatrix {
    /// As [`open`](crate::open).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        at(
            path.as_ref(),
            &|path| {
                let a = AnyDense::open_as(path, None, None)?;
                check_known(a.dtype(), path)?;
                a.as_matrix().map_err(|error| error.in_file(path))
            },
            &|folder, (format, types)| match (format, types.pointers) {
                (SparseFormat::Coo, _) => {
                    AnyCoo::map(folder, (types.values, types.indices)).map(AnyMatrix::Coo)
                }
                _ => sparse::AnyCompressed::open_in(folder, format, types, true)
                    .map(AnyMatrix::of_lines),
            },
        )
    }

    /// Copies the matrix at a path to `place`, in native byte order: including files that [`open`](Self::open) cannot
    /// use in place.
    ///
    /// Cost: one read and one sequential write of the arrays. Memory: the result, unless it goes to files, and 3 MiB.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.bspnpy");
    /// use outcore::{AnyMatrix, Context, Csr, Place};
    /// let ctx = Context::new();
    /// Csr::<f32>::eye(2).copy_to(&path, &ctx)?;
    /// let a = AnyMatrix::read(&path, Place::Memory, &ctx)?;
    /// assert_eq!((a.nnz(), a.path()), (2, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: impl AsRef<Path>, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let place = place.into();
        at(
            path.as_ref(),
            &|path| {
                let NpyHeader { dtype, shape, .. } = NpyHeader::read(path)?;
                check_known(dtype, path)?;
                check_dimensions(&shape).map_err(|error| error.in_file(path))?;
                AnyDense::read_as(path, (dtype, None), &place, ctx)?.as_matrix()
            },
            &|folder, (format, types)| match format {
                SparseFormat::Coo => {
                    AnyCoo::read_as(folder, (types.values, types.indices), &place, ctx)
                        .map(AnyMatrix::Coo)
                }
                _ => sparse::AnyCompressed::read(folder, (format, types), &place, ctx)
                    .map(AnyMatrix::of_lines),
            },
        )
    }
}

/// Opens the file or folder at a path, with the given functions.
fn at(
    path: &Path,
    dense: &dyn Fn(&Path) -> Result<AnyDense>,
    sparse: &dyn Fn(&Arc<Folder>, (SparseFormat, Types)) -> Result<AnyMatrix>,
) -> Result<AnyMatrix> {
    if path.as_os_str().is_empty() {
        return Err(Error::new(ErrorKind::Io, "no path was given"));
    }
    let metadata = fs::metadata(path).map_err(|error| Error::io("opening", path, error))?;
    let matrix = if metadata.is_dir() {
        Folder::whole(path, |folder| {
            if !folder.file(DESCRIPTOR).exists()? {
                return Err(neither(path).found(format!("a folder without {DESCRIPTOR}")));
            }
            sparse(folder, types_in(folder)?)
        })
    } else if metadata.is_file() {
        dense(path).map(AnyMatrix::Dense)
    } else {
        return Err(neither(path).found("neither a file nor a folder"));
    };
    // An error without a file, such as a wrong size, is about this file.
    matrix.map_err(|error| if error.path().is_none() { error.in_file(path) } else { error })
}

fn neither(path: &Path) -> Error {
    let expected = format!("a .npy file, or the folder of a sparse matrix, with a {DESCRIPTOR}");
    Error::new(ErrorKind::Format, "not a stored matrix").in_file(path).expected(expected)
}

/// The types of the matrix in a folder, as they are in memory.
fn types_in(folder: &Arc<Folder>) -> Result<(SparseFormat, Types)> {
    let descriptor = Descriptor::read_in(folder)?;
    let in_memory = |dtype: DType, field: &str| match dtype {
        DType::Int32 | DType::UInt32 => Ok(DType::UInt32),
        DType::Int64 | DType::UInt64 => Ok(DType::UInt64),
        _ => Err(Error::new(ErrorKind::Unsupported, "indices of this type cannot be read")
            .in_file(folder.file(DESCRIPTOR).path())
            .at_field(field)
            .expected("int32 or int64")
            .found(dtype)),
    };
    let indices = in_memory(descriptor.indices, "indices_1")?;
    let pointers = descriptor.pointers.map(|dtype| in_memory(dtype, "pointers_to_1"));
    let values = match descriptor.values {
        StoredValues::Iso(DType::Int8) if is_one(folder)? => None,
        StoredValues::Iso(dtype) | StoredValues::Each(dtype) => Some(dtype),
    };
    if let Some(dtype) = values {
        check_known(dtype, &folder.file(DESCRIPTOR).path())?;
    }
    let pointers = pointers.transpose()?.unwrap_or(indices);
    Ok((descriptor.format, Types { values, indices, pointers }))
}

/// Whether the one value for all entries is 1, as for a pattern.
fn is_one(folder: &Arc<Folder>) -> Result<bool> {
    let (_, values) = map_array(&folder.file(VALUES_FILE), DType::Int8, &[(DType::Int8, 1)])?;
    Ok(values.as_raw().bytes() == [1])
}

/// Fails for an element type that this build does not include.
pub(crate) fn check_known(dtype: DType, path: &Path) -> Result<()> {
    match cfg!(feature = "half") || !matches!(dtype, DType::Float16 | DType::BFloat16) {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorKind::Unsupported, "this build does not support this element type")
                .in_file(path)
                .found(dtype)
                .remedy("compile with the feature half"))
        }
    }
}
