//! The archives that SciPy's `save_npz` writes.

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::{
    ForeignBlocks, ForeignCoordinates, ForeignDiagonals, ForeignLines, ForeignValues, Named,
    read_blocks, read_coordinates, read_diagonals, read_lines,
};
use crate::io::npz::archive::{Archive, quoted};
use crate::io::npz::member::{halves, text};
use crate::io::npz::names::OPERATION;
use crate::io::options::ReadOptions;
use crate::io::read_as::ReadAs;
use crate::storage::{Context, Place, SparseFormat};

/// The matrix of an archive that says its format.
pub(super) fn read(
    archive: &Archive,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let format = match archive.find("format") {
        Some(member) => text(archive, member)?,
        None => String::new(),
    };
    let array = |name: &str| archive.array(name);
    let shape = shape(archive, ctx)?;
    let hypersparse = options.hypersparse;
    match format.as_str() {
        "csr" | "csc" => {
            let lines = ForeignLines {
                format: if format == "csr" { SparseFormat::Csr } else { SparseFormat::Csc },
                shape,
                indptr: array("indptr")?,
                indices: array("indices")?,
                values: ForeignValues::Each(array("data")?),
            };
            read_lines(OPERATION, &lines, place, ctx)
        }
        "coo" => {
            let [rows, cols] = match archive.find("coords") {
                Some(_) => halves(&array("coords")?)?,
                None => [array("row")?, array("col")?],
            };
            let coordinates = ForeignCoordinates {
                shape,
                rows,
                cols,
                values: ForeignValues::Each(array("data")?),
            };
            read_coordinates(OPERATION, &coordinates, place, ctx)
        }
        "bsr" => {
            let (indptr, indices, data) = (array("indptr")?, array("indices")?, array("data")?);
            let blocks = ForeignBlocks { shape, indptr, indices, data };
            read_blocks(OPERATION, &blocks, hypersparse, place, ctx)
        }
        "dia" => {
            let (offsets, data) = (array("offsets")?, array("data")?);
            let diagonals = ForeignDiagonals { shape, offsets, data };
            read_diagonals(OPERATION, &diagonals, hypersparse, place, ctx)
        }
        other => Err(Error::new(ErrorKind::Unsupported, "the matrix has an unknown format")
            .in_file(archive.file().path())
            .at_field("format.npy")
            .expected("csr, csc, coo, bsr or dia")
            .found(quoted(other))),
    }
}

fn shape(archive: &Archive, ctx: &Context) -> Result<(usize, usize)> {
    let shape = archive.array("shape")?;
    match shape.few(64, ctx)?[..] {
        [nrows, ncols] => Ok((nrows, ncols)),
        ref other => Err(shape
            .error(ErrorKind::Unsupported, "the matrix has the wrong number of dimensions")
            .expected("two")
            .found(format!("{other:?}"))),
    }
}
