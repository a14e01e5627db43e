//! Reading any file as a matrix whose kind and types follow from its content.

use std::path::Path;

use crate::any::{AnyMatrix, open};
use crate::error::{ErrorKind, Result};
use crate::io::format::FileFormat;
use crate::io::graph::{As, GraphFile, VertexIds, source};
use crate::io::harwell_boeing;
use crate::io::hdf5;
use crate::io::headerless;
use crate::io::matrix_market;
use crate::io::npz;
use crate::io::options::ReadOptions;
use crate::io::petsc;
use crate::io::pipe::through_file;
use crate::io::read_as::ReadAs;
use crate::io::sniff::{or_named_otherwise, text_format};
use crate::io::table;
use crate::io::text::gzip::refuse_member;
use crate::storage::{Context, Place};

/// A matrix that was read, and what else its file says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The matrix.
    pub matrix: AnyMatrix,
    /// The format of the file.
    pub format: FileFormat,
    /// The names of the columns, if the file is a table with a header.
    pub columns: Option<Vec<String>>,
    /// Whether the matrix lies in the file, or is a copy.
    pub read_as: ReadAs,
    /// The ids of the vertices of a graph, unless they are the numbers of the rows.
    pub vertices: Option<VertexIds>,
}

impl Imported {
    pub(super) fn new(matrix: AnyMatrix, format: FileFormat) -> Self {
        let read_as = ReadAs::Copied;
        Imported { matrix, format, read_as, columns: None, vertices: None }
    }

    fn of((matrix, read_as): (AnyMatrix, ReadAs), format: FileFormat) -> Self {
        Imported { read_as, ..Imported::new(matrix, format) }
    }
}

/// The matrix in any supported file: a stored matrix or array, an `.npz` archive, HDF5 (with the feature `hdf5`), a
/// Matrix Market file, an edge list, a table, or one of the [other formats](crate::io).
///
/// The content decides [what a file is](crate::io#what-a-file-is). Stored matrices, and those in archives and HDF5 files
/// that lie there as they are used, are mapped in place; others are copied to `place`. Text is read to `place`: a
/// coordinate file as CSR with 64-bit integers, `f64`, complex `f64` or no values, depending on its field, an array
/// file as a dense matrix, edges as CSR with their weights as `f64`, the weights of an edge that is listed several times
/// summed, or as a pattern if they have none; a METIS graph as CSR with `i64` or no values, the sizes and weights of its
/// vertices checked and not returned. Indices have 32 bits if that suffices. [`read_matrix_with`] also returns the ids
/// of vertices, which are renumbered if they are names, or numbers far larger than there are vertices.
///
/// A [table](crate::io::table) is a dense matrix, a list of entries and a
/// [Harwell-Boeing](crate::io::harwell_boeing) file CSR, an object of [PETSc](crate::io::petsc) what it is there. A
/// pipe, or standard input as `/dev/stdin`, is first received in a scratch file.
///
/// Fails as the readers do, if a text file is empty, and if only some edges have weights. Cost: text is read once; an
/// edge list up to twice more if its edges do not fit in a quarter of the memory limit.
///
/// ```
/// use outcore::{Context, DType, Place, io::read_matrix};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.mtx");
/// std::fs::write(&path, "%%MatrixMarket matrix coordinate integer symmetric\n2 2 1\n2 1 7\n")?;
/// let a = read_matrix(&path, Place::Memory, &Context::new())?;
/// assert_eq!((a.shape(), a.nnz(), a.dtype()), ((2, 2), 2, Some(DType::Int64)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("mmread", "loadtxt"))]
pub fn read_matrix(
    path: impl AsRef<Path>,
    place: impl Into<Place>,
    ctx: &Context,
) -> Result<AnyMatrix> {
    read_matrix_with(path, &ReadOptions::default(), place, ctx).map(|read| read.matrix)
}

/// As [`read_matrix`], with options, and with what else the file says.
///
/// ```
/// use outcore::io::{FileFormat, ReadOptions, read_matrix_with};
/// use outcore::{Context, Place};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("edges.mtx");
/// std::fs::write(&path, "0 1\n1 2\n")?; // not what its name says
/// let options = ReadOptions { format: Some(FileFormat::EdgeList), ..ReadOptions::default() };
/// let read = read_matrix_with(&path, &options, Place::Memory, &Context::new())?;
/// assert_eq!((read.matrix.shape(), read.format), ((3, 3), FileFormat::EdgeList));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_matrix_with(
    path: impl AsRef<Path>,
    options: &ReadOptions,
    place: impl Into<Place>,
    ctx: &Context,
) -> Result<Imported> {
    let place = place.into();
    through_file(path.as_ref(), ctx, &mut |path| {
        options.or_scratch(&place, &mut |place| read(path, options, place, ctx))
    })
}

/// Reads a file that is not a pipe.
pub(super) fn read(
    path: &Path,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<Imported> {
    let format = match options.format {
        Some(format) => Some(format),
        None if options.raw.is_some() => Some(FileFormat::Raw),
        None => match FileFormat::of_first_bytes(path)? {
            Some(format) => Some(format),
            None => text_format(path, options.member.as_deref())?,
        },
    };
    if matches!(format, Some(FileFormat::Npy | FileFormat::Stored | FileFormat::Raw)) {
        refuse_member(path, options.member.as_deref())?;
    }
    let whole = |matrix, format| Ok(Imported::new(matrix, format));
    match format {
        Some(FileFormat::Npy) => Ok(Imported::of(read_stored(path, place, ctx)?, FileFormat::Npy)),
        Some(FileFormat::Stored) => {
            let (matrix, read_as) = read_stored(path, place, ctx)?;
            let vertices = VertexIds::stored(path, matrix.nrows(), ctx)?;
            Ok(Imported { vertices, read_as, ..Imported::new(matrix, FileFormat::Stored) })
        }
        Some(FileFormat::Npz) => {
            Ok(Imported::of(npz::read(path, options, place, ctx)?, FileFormat::Npz))
        }
        Some(FileFormat::Hdf5) => {
            Ok(Imported::of(hdf5::read(path, options, place, ctx)?, FileFormat::Hdf5))
        }
        Some(FileFormat::Petsc) => {
            whole(petsc::read(path, options, place, ctx)?, FileFormat::Petsc)
        }
        Some(FileFormat::HarwellBoeing) => {
            whole(harwell_boeing::read(path, options, place, ctx)?, FileFormat::HarwellBoeing)
        }
        Some(format @ (FileFormat::Csv | FileFormat::Tsv | FileFormat::Triplets)) => {
            let (matrix, columns) = table::read(path, format, options, place, ctx)?;
            Ok(Imported { columns, ..Imported::new(matrix, format) })
        }
        Some(FileFormat::Raw) => {
            whole(headerless::read(path, options.raw, place, ctx)?, FileFormat::Raw)
        }
        Some(FileFormat::MatrixMarket | FileFormat::EdgeList | FileFormat::Metis) | None => {
            read_text(path, options, place, ctx)
                .map_err(|error| or_named_otherwise(path, options, error))
        }
    }
}

/// Reads a file that is Matrix Market, METIS or an edge list.
fn read_text(path: &Path, options: &ReadOptions, place: &Place, ctx: &Context) -> Result<Imported> {
    match source(path, options)? {
        GraphFile::Stored => Ok(Imported::of((open(path)?, ReadAs::Mapped), FileFormat::Stored)),
        GraphFile::MatrixMarket(file) => {
            let matrix = matrix_market::read(&file, place, ctx)?;
            Ok(Imported::new(matrix, FileFormat::MatrixMarket))
        }
        GraphFile::Metis(file) => {
            let matrix = AnyMatrix::of_lines(file.read(true, None, place, ctx)?);
            Ok(Imported::new(matrix, FileFormat::Metis))
        }
        GraphFile::EdgeList(list) => {
            let wanted = As { weights: true, types: None };
            let (matrix, vertices) = list.read(wanted, place, ctx)?;
            let matrix = AnyMatrix::of_lines(matrix);
            Ok(Imported { vertices, ..Imported::new(matrix, FileFormat::EdgeList) })
        }
    }
}

/// Maps a stored matrix, or copies one that cannot be mapped.
fn read_stored(path: &Path, place: &Place, ctx: &Context) -> Result<(AnyMatrix, ReadAs)> {
    match open(path) {
        // Another byte order or an unaligned offset: a copy has neither.
        Err(error) if error.kind() == ErrorKind::Type => {
            Ok((AnyMatrix::read(path, place.clone(), ctx)?, ReadAs::Copied))
        }
        outcome => Ok((outcome?, ReadAs::Mapped)),
    }
}
