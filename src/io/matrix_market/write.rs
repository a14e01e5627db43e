//! Whole matrices written to Matrix Market files, of types known at run time.

use std::path::Path;

use crate::any::{AnyMatrix, Body};
use crate::convert::to_order;
use crate::dense::{AnyDense, Dense, DensePanel, DensePanels};
use crate::error::{ErrorKind, Result};
use crate::io::matrix_market::header::{Field, Header, Symmetry};
use crate::io::matrix_market::number::Number;
use crate::io::matrix_market::write_text::ValueWriter;
use crate::io::matrix_market::writer::head;
use crate::io::output::Target;
use crate::io::text::text_writer::TextWriter;
use crate::io::text::write_entries::{write_coordinates, write_lines};
use crate::sparse::{AnyCompressed, AnyCoo, Axis, Compressed};
use crate::storage::{Context, DType, Element, Index, Order, Place, Plan};

/// The name of the operation, also for the progress callback.
const PHASE: &str = "writing Matrix Market";

/// Approximate bytes of a line with a value.
const LINE: u64 = 24;

/// Writes a CSR or CSC matrix as a general coordinate file, entries in stored order, with the lines of `comment` after
/// the banner (none if empty). The field is that of the type: `integer` for `bool` and integers,
/// `unsigned-integer` for `u64`, as in SciPy.
///
/// An existing file at `path` stays until the new one is complete. Cost: one pass over the matrix; memory: under 4 MiB
/// for each thread, and at most a sixteenth of the limit, but always 64 KiB.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.mtx");
/// use outcore::{Context, Csr, io::matrix_market::write_sparse};
/// write_sparse(&path, &Csr::<f64>::eye(1), "", &Context::new())?;
/// assert_eq!(std::fs::read_to_string(&path)?, "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 1\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_sparse<T: Number, I: Index, P: Index, A: Axis>(
    path: impl AsRef<Path>,
    matrix: &Compressed<T, I, P, A>,
    comment: &str,
    ctx: &Context,
) -> Result<()> {
    sparse(Target::replacing(path.as_ref()), &matrix.to_any(), comment, ctx)
}

/// Writes a dense matrix as a general array file; otherwise as [`write_sparse`]. A matrix stored row by row in files
/// is first converted to the other order, in the scratch folder if it does not fit in a quarter of the memory limit.
pub fn write_dense<T: Number + Element>(
    path: impl AsRef<Path>,
    matrix: &Dense<T>,
    comment: &str,
    ctx: &Context,
) -> Result<()> {
    dense(Target::replacing(path.as_ref()), &matrix.to_any(), comment, ctx)
}

/// Writes a matrix of any kind and type.
pub(in crate::io) fn write(target: Target<'_>, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    let wide;
    let matrix = match matrix.dtype() {
        Some(DType::Float16 | DType::BFloat16) => {
            let extra = if matrix.stored_bytes() > 0 { Place::Scratch } else { Place::Memory };
            wide = matrix.to_dtype(DType::Float32, extra, ctx)?;
            &wide
        }
        _ => matrix,
    };
    match matrix.body() {
        Body::Dense(a) => dense(target, a, "", ctx),
        Body::Lines(a) => sparse(target, a, "", ctx),
        Body::Coo(a) => coordinates(target, a, ctx),
    }
}

/// The field that holds the values of a type without loss.
fn field_of(values: Option<DType>) -> Field {
    match values {
        None => Field::Pattern,
        Some(DType::Float16 | DType::BFloat16 | DType::Float32 | DType::Float64) => Field::Real,
        Some(DType::Complex64 | DType::Complex128) => Field::Complex,
        Some(_) => Field::Integer,
    }
}

/// Unsigned 64-bit integers need `unsigned-integer`: other programs read `integer` as signed 64-bit. Narrower types do
/// not need it, and `integer` is what every program knows.
fn is_unsigned(values: Option<DType>) -> bool {
    values == Some(DType::UInt64)
}

fn general(values: Option<DType>, (nrows, ncols): (usize, usize), nnz: u64) -> Header {
    let header = Header::coordinate(field_of(values), Symmetry::General, nrows, ncols, nnz);
    Header { unsigned: is_unsigned(values), ..header }
}

/// Starts a file with this header and these lines of comment.
fn start<'c>(
    target: Target<'_>,
    header: &Header,
    comment: &str,
    (values, total): (Option<DType>, u64),
    ctx: &'c Context,
) -> Result<(TextWriter<'c>, ValueWriter)> {
    let head = head(target.path, header, comment)?;
    let lines = ValueWriter::of(values);
    (lines.check)(header.field, false).map_err(|error| error.in_file(target.path))?;
    Ok((TextWriter::create(target, &head, PHASE, total, ctx)?, lines))
}

fn sparse(target: Target<'_>, a: &AnyCompressed, comment: &str, ctx: &Context) -> Result<()> {
    let (values, nnz) = (a.types().values, a.nnz() as u64);
    let header = general(values, a.shape(), nnz);
    let (mut writer, lines) = start(target, &header, comment, (values, nnz), ctx)?;
    write_lines(&mut writer, a, &|entries, range, text| {
        (lines.entries)(entries, range, header.field, text)
    })?;
    writer.finish()
}

fn coordinates(target: Target<'_>, a: &AnyCoo, ctx: &Context) -> Result<()> {
    let (values, nnz) = (a.types().0, a.nnz() as u64);
    let header = general(values, a.shape(), nnz);
    let (mut writer, lines) = start(target, &header, "", (values, nnz), ctx)?;
    write_coordinates(&mut writer, a, &|entries, range, text| {
        (lines.entries)(entries, range, header.field, text)
    })?;
    writer.finish()
}

/// Writes column by column.
fn dense(target: Target<'_>, a: &AnyDense, comment: &str, ctx: &Context) -> Result<()> {
    let values = Some(a.dtype());
    let a = a.as_matrix()?;
    let (nrows, ncols) = a.dim();
    let header = Header::array(field_of(values), Symmetry::General, nrows, ncols);
    let header = Header { unsigned: is_unsigned(values), ..header };
    let (stored, count) = (a.stored_bytes(), a.len() as u64);
    let (mut writer, lines) = start(target, &header, comment, (values, count), ctx)?;
    let a = match a.order() {
        // Across the order of the file: only in memory.
        Order::C if stored > 0 => {
            let ordered = to_order(&a, Order::Fortran, &ctx.aside(stored), ctx);
            if ordered.as_ref().is_err_and(|error| error.kind() == ErrorKind::Planned) {
                // Only planned; what follows is part of the plan.
                ctx.begin(|| Ok(writer.plan(Plan::new(PHASE).reads(1, stored), LINE)))?;
            }
            ordered?
        }
        _ => a,
    };
    if a.is_empty() || a.order() == Order::C {
        let _running = ctx.begin_pass(0, || Ok(writer.plan(Plan::new(PHASE).reads(1, 0), LINE)))?;
        let _texts = ctx.hold(writer.memory());
        writer.write(a.len(), &|range, text| {
            (lines.rows)(a.elements(), (nrows, ncols), range, header.field, text);
            Ok(())
        })?;
        return writer.finish();
    }
    let mut panels = DensePanels::once(&a, (1, 1), ctx.memory_left() / 4)?;
    let _running = ctx.begin(|| Ok(writer.plan(panels.reading.plan(PHASE), LINE)))?;
    let _texts = ctx.hold(writer.memory());
    panels.sweep(ctx, &mut |DensePanel { elements, .. }| {
        writer.write(elements.len(), &|range, text| {
            (lines.columns)(elements, range, header.field, text);
            Ok(())
        })
    })?;
    writer.finish()
}
