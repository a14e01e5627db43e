//! Writing any matrix to a file, in the format of its name.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::format::{FileFormat, no_format};
use crate::io::graph::write_metis;
use crate::io::matrix_market;
use crate::io::npz;
use crate::io::output::Target;
use crate::io::petsc;
use crate::io::table;
use crate::io::text::gzip::{is_packed_name, without_packing};
use crate::storage::{Context, Place};

/// Writes a matrix to a file in the format of its extension: `.npy` for a dense matrix, `.bspnpy` for a sparse one,
/// `.mtx`, `.npz`, `.petsc`, `.csv` and `.tsv` for either, `.graph` (METIS) for a symmetric pattern or symmetric whole
/// numbers without a diagonal; the text formats are packed by gzip if `.gz` follows, as in `.mtx.gz`. A pattern has ones of
/// type `int8` in an `.npz` archive.
///
/// An existing file at `path` stays until the new one is complete, and is then replaced. Fails if the extension is
/// unknown, or its format does not fit the matrix; the caller converts first. Cost: one pass over the matrix.
///
/// ```
/// use outcore::{AnyMatrix, Context, Csr, io::{read_matrix, write_matrix}, Place};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.mtx");
/// let (a, ctx) = (AnyMatrix::from(Csr::<f64>::eye(3)), Context::new());
/// write_matrix(&path, &a, &ctx)?;
/// assert_eq!(read_matrix(&path, Place::Memory, &ctx)?.nnz(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("mmwrite", "savetxt"))]
pub fn write_matrix(path: impl AsRef<Path>, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    write(&Place::Replace(path.as_ref().to_owned()), matrix, ctx)
}

/// As [`write_matrix`], to a place: a file at the path of a [`Place::File`] is an error of kind
/// [`Exists`](ErrorKind::Exists), even if it appears while the matrix is written; that of a [`Place::Replace`] is
/// replaced. Fails for places that have no name.
///
/// ```
/// use outcore::{AnyMatrix, Context, Csr, ErrorKind, io::write_matrix_to};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.mtx");
/// let (a, ctx) = (AnyMatrix::from(Csr::<f64>::eye(3)), Context::new());
/// write_matrix_to(&path, &a, &ctx)?;
/// assert_eq!(write_matrix_to(&path, &a, &ctx).unwrap_err().kind(), ErrorKind::Exists);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_matrix_to(place: impl Into<Place>, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    write(&place.into(), matrix, ctx)
}

fn write(place: &Place, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    let target = Target::of(place)?;
    let path = target.path;
    let is_dense = matrix.format().is_none();
    let packed =
        is_packed_name(path).then(|| FileFormat::of_name(&without_packing(path))).flatten();
    let packed = packed.filter(|format| {
        use FileFormat::{Csv, MatrixMarket, Metis, Tsv};
        matches!(format, MatrixMarket | Csv | Tsv | Metis)
    });
    match (packed.or(FileFormat::of_name(path)), is_dense) {
        (Some(FileFormat::Npy), true) | (Some(FileFormat::Stored), false) => {
            matrix.copy_to(place, ctx).map(drop)
        }
        (Some(FileFormat::Npz), _) => npz::write(target, matrix, ctx),
        (Some(FileFormat::MatrixMarket), _) => matrix_market::write(target, matrix, ctx),
        (Some(FileFormat::Petsc), _) => petsc::write(target, matrix, ctx),
        (Some(FileFormat::Csv | FileFormat::Tsv), _) => table::write(target, matrix, ctx),
        (Some(FileFormat::Metis), false) => write_metis(target, matrix, ctx),
        (Some(FileFormat::HarwellBoeing | FileFormat::Triplets), _) => {
            Err(wrong_kind(path, "files of this format are read, and not written")
                .remedy("name the file .mtx, .csv or .petsc"))
        }
        (Some(FileFormat::Npy), false) => Err(wrong_kind(path, "a sparse matrix is no .npy file")
            .remedy("convert it with to_dense, or name the file .bspnpy or .mtx")),
        (Some(FileFormat::Stored), true) => {
            Err(wrong_kind(path, "a dense matrix is no .bspnpy folder")
                .remedy("convert it with to_csr, or name the file .npy or .mtx"))
        }
        (Some(FileFormat::Metis), true) => {
            Err(wrong_kind(path, "a dense matrix is not a METIS graph")
                .remedy("convert it with to_csr, or name the file .npy or .mtx"))
        }
        (Some(FileFormat::Hdf5), _) => {
            Err(wrong_kind(path, "HDF5 files are read, and not written")
                .remedy("name the file .npz, .bspnpy, .npy or .mtx"))
        }
        _ => Err(no_format(path)),
    }
}

fn wrong_kind(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, what).in_file(path)
}
