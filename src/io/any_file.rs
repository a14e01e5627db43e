//! Reading any file as a matrix whose kind and types follow from its content, and writing any matrix to a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use num_complex::Complex;

use crate::any::{AnyMatrix, Body, open};
use crate::convert::to_order;
use crate::dense::{AnyDense, AnyDensePanels, LinePanel};
use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::{GraphFile, GraphFormat, source};
use crate::io::matrix_market::{
    BUFFER, Field, Format, Header, Number, Reader, Symmetry, Writer, plan_text,
};
use crate::sparse::{
    AnyCompressed, AnyCoo, AnyLinePanel, AnyLinePanels, Indices, index_out_of_range,
};
use crate::storage::{Context, DType, Element, Index, Order, Place, Plan, SparseFormat};

/// The matrix in any supported file: a stored matrix or array, a Matrix Market file, or a list of
/// edges.
///
/// The content decides [what a file is](crate::io#what-a-file-is). Stored matrices are mapped in place, or copied to
/// `place` if they cannot be; text is read to `place`: a coordinate file as CSR with 64-bit integers, `f64`, complex
/// `f64` or no values, depending on its field, an array file as a dense matrix, edges as CSR with their weights as
/// `f64`, the weights of an edge that is listed several times summed, or as a pattern if they have none. Indices have
/// 32 bits if that suffices.
///
/// Fails as the readers do, if a text file is empty, and if only some edges have weights. Cost: text is read once; a
/// list of edges with a vertex that needs 64 bits twice.
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
    let (path, place) = (path.as_ref(), place.into());
    if path.is_dir() || is_numpy(path) {
        return match open(path) {
            // Another byte order or an unaligned offset: a copy has neither.
            Err(error) if error.kind() == ErrorKind::Type => AnyMatrix::read(path, place, ctx),
            outcome => outcome,
        };
    }
    match source(path, GraphFormat::Content)? {
        GraphFile::Stored => open(path),
        GraphFile::MatrixMarket(file) => read_market(&file, place, ctx),
        GraphFile::EdgeList(list) => list.read_matrix(&place, ctx),
    }
}

/// Writes a matrix to a file in the format of its extension: `.npy` for a dense matrix, `.bspnpy` for a sparse one,
/// `.mtx` for either.
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
    let path = path.as_ref();
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let extension = extension.as_ref().and_then(|extension| extension.to_str());
    let is_dense = matrix.format().is_none();
    match (extension, is_dense) {
        (Some("npy"), true) | (Some("bspnpy"), false) => {
            matrix.copy_to(Place::Replace(path.to_owned()), ctx).map(drop)
        }
        (Some("mtx"), _) => write_market(path, matrix, ctx),
        (Some("npy"), false) => Err(wrong_name(path, "a sparse matrix is no .npy file")
            .remedy("convert it with to_dense, or name the file .bspnpy or .mtx")),
        (Some("bspnpy"), true) => Err(wrong_name(path, "a dense matrix is no .bspnpy folder")
            .remedy("convert it with to_csr, or name the file .npy or .mtx")),
        _ => Err(wrong_name(path, "the name says no format")),
    }
}

fn wrong_name(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, what)
        .in_file(path)
        .expected("a name that ends in .npy, .bspnpy or .mtx")
}

/// Whether a file begins like a NumPy array.
fn is_numpy(path: &Path) -> bool {
    let mut first = [0; 6];
    path.is_file()
        && File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok())
        && first == *b"\x93NUMPY"
}

fn read_market(file: &Reader, place: Place, ctx: &Context) -> Result<AnyMatrix> {
    match (file.header().field, file.header().unsigned) {
        (Field::Pattern, _) => read_lines::<()>(file, place, ctx),
        (Field::Integer, false) => read_numbers::<i64>(file, place, ctx),
        (Field::Integer, true) => read_numbers::<u64>(file, place, ctx),
        (Field::Real, _) => read_numbers::<f64>(file, place, ctx),
        (Field::Complex, _) => read_numbers::<Complex<f64>>(file, place, ctx),
    }
}

fn read_numbers<T: Number + Element>(
    file: &Reader,
    place: Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    match file.header().format {
        Format::Array => file.read_dense::<T>(place, ctx).map(AnyMatrix::from),
        Format::Coordinate => read_lines::<T>(file, place, ctx),
    }
}

fn read_lines<T: Number>(file: &Reader, place: Place, ctx: &Context) -> Result<AnyMatrix> {
    let Header { nrows, ncols, .. } = *file.header();
    let most = (nrows.max(ncols) as u64).max(file.header().expanded_upper_bound());
    match most <= u32::LARGEST as u64 {
        true => file.read_csr::<T, u32, u32>(place, ctx).map(AnyMatrix::from),
        false => file.read_csr::<T, u64, u64>(place, ctx).map(AnyMatrix::from),
    }
}

fn write_market(path: &Path, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    match matrix.dtype() {
        None => write_numbers::<()>(path, matrix, ctx),
        Some(DType::Float32) => write_numbers::<f32>(path, matrix, ctx),
        Some(DType::Float64) => write_numbers::<f64>(path, matrix, ctx),
        Some(DType::Complex64) => write_numbers::<Complex<f32>>(path, matrix, ctx),
        Some(DType::Complex128) => write_numbers::<Complex<f64>>(path, matrix, ctx),
        Some(DType::Int64) => write_numbers::<i64>(path, matrix, ctx),
        Some(DType::UInt64) => write_numbers::<u64>(path, matrix, ctx),
        Some(DType::Float16 | DType::BFloat16) => {
            let wide = matrix.to_dtype(DType::Float32, Place::Memory, ctx)?;
            write_numbers::<f32>(path, &wide, ctx)
        }
        Some(_) => {
            let wide = matrix.to_dtype(DType::Int64, Place::Memory, ctx)?;
            write_numbers::<i64>(path, &wide, ctx)
        }
    }
}

fn write_numbers<T: Number>(path: &Path, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    let (nrows, ncols) = matrix.shape();
    let field = match T::ENTRY_DTYPE {
        None => Field::Pattern,
        Some(DType::Complex64 | DType::Complex128) => Field::Complex,
        Some(DType::Int64 | DType::UInt64) => Field::Integer,
        _ => Field::Real,
    };
    let header = match matrix.body() {
        Body::Dense(_) => Header::array(field, Symmetry::General, nrows, ncols),
        _ => Header::coordinate(field, Symmetry::General, nrows, ncols, matrix.nnz() as u64),
    };
    let header = Header { unsigned: T::ENTRY_DTYPE == Some(DType::UInt64), ..header };
    let mut writer = Writer::create(path, header, "")?;
    let _buffer = ctx.hold(BUFFER as u64);
    match matrix.body() {
        Body::Dense(a) => dense::<T>(a, &mut writer, ctx)?,
        Body::Lines(a) => lines::<T>(a, &mut writer, ctx)?,
        Body::Coo(a) => coordinates::<T>(a, &mut writer, ctx)?,
    }
    ctx.meter().wrote(writer.finish_counted()?);
    Ok(())
}

/// Writes column by column; a matrix in C order is first converted, in the scratch folder if it does not fit.
fn dense<T: Number>(a: &AnyDense, writer: &mut Writer, ctx: &Context) -> Result<()> {
    let a = a.as_matrix()?;
    let a = match a.order() {
        Order::Fortran => a,
        Order::C => {
            let fits = a.stored_bytes() <= ctx.memory_left() / 4;
            let place = if fits { Place::Memory } else { Place::Scratch };
            to_order(&a, Order::Fortran, &place, ctx)?
        }
    };
    if a.is_empty() {
        return Ok(());
    }
    let mut panels = AnyDensePanels::once(&a, (1, 1), ctx.memory_left() / 4)?;
    let _running =
        ctx.begin(|| Ok(plan_text(panels.plan("writing Matrix Market"), a.len() as u64)))?;
    panels.sweep(ctx, &mut |LinePanel { first, lines, offset, elements }| {
        let width = elements.len() / lines.max(1);
        let values = elements.as_typed::<T>();
        for (k, &value) in values.iter().enumerate() {
            writer.push(offset + k % width, first + k / width, value)?;
        }
        Ok(())
    })
}

fn lines<T: Number>(a: &AnyCompressed, writer: &mut Writer, ctx: &Context) -> Result<()> {
    let mut panels = AnyLinePanels::for_one_sweep(a.clone(), ctx.memory_left() / 2, ctx)?;
    let _running = ctx.begin(|| {
        let plan = Plan::new("writing Matrix Market");
        let plan = plan.reads(1, panels.panels().bytes_to_read()).holds(panels.memory());
        Ok(plan_text(plan, a.nnz() as u64))
    })?;
    let is_csr = a.format() == SparseFormat::Csr;
    let bad = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
    let start_of_all = a.indptr().at(0);
    let swept = panels.sweep(ctx, &mut |AnyLinePanel { first, indptr, indices, data }| {
        let (values, base) = (data.as_typed::<T>(), indptr.at(0));
        for line in 0..indptr.len() - 1 {
            let (start, end) = (indptr.at(line), indptr.at(line + 1));
            let here = start.checked_sub(base).zip(end.checked_sub(base)).ok_or_else(bad)?;
            if here.0 > here.1 || here.1 > values.len() {
                return Err(bad());
            }
            for (k, &value) in values.iter().enumerate().take(here.1).skip(here.0) {
                let (major, minor) = (first + line, indices.at(k));
                if minor >= a.minor() {
                    let position = base.wrapping_sub(start_of_all).wrapping_add(k);
                    return Err(index_out_of_range(major, position, minor, a.minor()));
                }
                let (row, col) = if is_csr { (major, minor) } else { (minor, major) };
                writer.push(row, col, value)?;
            }
        }
        ctx.check_cancelled()
    });
    swept.map_err(|error| a.name_indices(error))
}

fn coordinates<T: Number>(a: &AnyCoo, writer: &mut Writer, ctx: &Context) -> Result<()> {
    a.check()?;
    let coo = AnyMatrix::from(a.clone());
    let _running = ctx.begin(|| {
        let plan = Plan::new("writing Matrix Market").reads(1, a.stored_bytes());
        Ok(plan_text(plan, coo.nnz() as u64))
    })?;
    ctx.meter().pass();
    ctx.meter().read(a.stored_bytes());
    let (rows, cols) = (Indices::of(a.rows()), Indices::of(a.cols()));
    for (k, &value) in a.data().as_raw().as_typed::<T>().iter().enumerate() {
        if k % (1 << 16) == 0 {
            ctx.report("writing Matrix Market", k as u64, coo.nnz() as u64)?;
        }
        writer.push(rows.at(k), cols.at(k), value)?;
    }
    Ok(())
}
