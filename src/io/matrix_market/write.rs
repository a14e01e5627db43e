//! Whole matrices written to Matrix Market files, of types known at run time.

use std::path::Path;

use crate::any::{AnyMatrix, Body};
use crate::convert::to_order;
use crate::dense::{AnyDense, Dense, DensePanel, DensePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::io::matrix_market::header::{Field, Header, Symmetry};
use crate::io::matrix_market::number::Number;
use crate::io::matrix_market::write_text::{PHASE, Part, Places, TextWriter, WriteHalt};
use crate::io::matrix_market::writer::Writer;
use crate::io::output::Target;
use crate::sparse::{
    AnyCompressed, AnyCoo, Axis, Compressed, CompressedPanel, CompressedPanels, Indices,
    index_out_of_range,
};
use crate::storage::work;
use crate::storage::{Context, DType, Element, Index, Order, Place, Plan, SparseFormat};

/// Approximate bytes of a line with an entry.
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
/// is first brought to the other order, in the scratch folder if it does not fit in a quarter of the memory limit.
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
            let beside = if matrix.stored_bytes() > 0 { Place::Scratch } else { Place::Memory };
            wide = matrix.to_dtype(DType::Float32, beside, ctx)?;
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

/// Adds the text of this many entries to the plan of what reads them; its bytes are an estimate.
fn plan_text(plan: Plan, entries: u64, ctx: &Context) -> Plan {
    let plan = plan.writes(entries.saturating_mul(LINE)).works(entries, work::WRITE_TEXT);
    plan.throughout(TextWriter::memory(ctx))
}

fn end(writer: Writer, ctx: &Context) -> Result<()> {
    ctx.meter().wrote(writer.finish_counted()?);
    Ok(())
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the matrix changed while it was read")
}

fn sparse(target: Target<'_>, a: &AnyCompressed, comment: &str, ctx: &Context) -> Result<()> {
    let (values, nnz) = (a.types().values, a.nnz() as u64);
    let mut writer = Writer::at(target, general(values, a.shape(), nnz), comment)?;
    let budget = ctx.memory_left().saturating_sub(TextWriter::memory(ctx));
    let mut panels = CompressedPanels::for_one_sweep(a.clone(), budget, ctx)?;
    let _running = ctx.begin(|| Ok(plan_text(panels.plan(PHASE), nnz, ctx)))?;
    let _texts = ctx.hold(TextWriter::memory(ctx));
    let mut texts = TextWriter::new(&mut writer, values, nnz, ctx)?;
    let (by_cols, across) = (a.format() == SparseFormat::Csc, a.minor());
    let start_of_all = a.indptr().at(0);
    let swept = panels.sweep(ctx, &mut |CompressedPanel { first, indptr, indices, data }| {
        let base = indptr.at(0);
        let lens = (1..indptr.len()).try_fold(0, |before, line| {
            let end = indptr.at(line).checked_sub(base)?;
            (before <= end).then_some(end)
        });
        if lens != Some(data.len()) || indices.len() != data.len() {
            return Err(changed());
        }
        let places = Places::Lines { first, indptr, indices, across, by_cols };
        texts.write(&Part { places, data }, ctx).map_err(|halt| match halt {
            WriteHalt::Error(error) => error,
            WriteHalt::Index(k) => {
                let line = (1..indptr.len()).find(|&line| indptr.at(line).wrapping_sub(base) > k);
                let position = base.wrapping_sub(start_of_all).wrapping_add(k);
                let major = first + line.map_or(0, |line| line - 1);
                index_out_of_range(major, position, indices.at(k), across)
            }
        })
    });
    swept.map_err(|error| a.name_indices(error))?;
    end(writer, ctx)
}

fn coordinates(target: Target<'_>, a: &AnyCoo, ctx: &Context) -> Result<()> {
    let (values, nnz) = (a.types().0, a.nnz() as u64);
    let mut writer = Writer::at(target, general(values, a.shape(), nnz), "")?;
    a.check()?;
    let _running = ctx.begin(|| {
        let plan = Plan::new(PHASE).on_device_of(a.rows().file());
        Ok(plan_text(plan.reads(1, a.stored_bytes()), nnz, ctx))
    })?;
    ctx.meter().pass_over(a.stored_bytes());
    let _texts = ctx.hold(TextWriter::memory(ctx));
    let places = Places::Each(Indices::of(a.rows()), Indices::of(a.cols()));
    let part = Part { places, data: a.data().as_raw() };
    write_all(&mut writer, values, &part, ctx)?;
    end(writer, ctx)
}

/// Writes column by column.
fn dense(target: Target<'_>, a: &AnyDense, comment: &str, ctx: &Context) -> Result<()> {
    let values = Some(a.dtype());
    let a = a.as_matrix()?;
    let (nrows, ncols) = a.dim();
    let header = Header::array(field_of(values), Symmetry::General, nrows, ncols);
    let header = Header { unsigned: is_unsigned(values), ..header };
    let mut writer = Writer::at(target, header, comment)?;
    let (stored, count) = (a.stored_bytes(), a.len() as u64);
    let a = match a.order() {
        // Across the order of the file: only in memory.
        Order::C if stored > 0 => {
            let fits = stored <= ctx.memory_left() / 4;
            let place = if fits { Place::Memory } else { Place::Scratch };
            let ordered = to_order(&a, Order::Fortran, &place, ctx);
            if ordered.as_ref().is_err_and(|error| error.kind() == ErrorKind::Planned) {
                // Only planned; what follows is part of the plan.
                let plan = Plan::new(PHASE).reads(1, stored);
                ctx.begin(|| Ok(plan_text(plan, count, ctx)))?;
            }
            ordered?
        }
        _ => a,
    };
    if a.is_empty() || a.order() == Order::C {
        let plan = || Plan::new(PHASE).reads(1, 0);
        let _running = ctx.begin(|| Ok(plan_text(plan(), count, ctx)))?;
        ctx.meter().pass();
        let _texts = ctx.hold(TextWriter::memory(ctx));
        let part = Part { places: Places::NextColumn(nrows, ncols), data: a.elements() };
        write_all(&mut writer, values, &part, ctx)?;
        return end(writer, ctx);
    }
    let mut panels = DensePanels::once(&a, (1, 1), ctx.memory_left() / 4)?;
    let _running = ctx.begin(|| Ok(plan_text(panels.reading.plan(PHASE), count, ctx)))?;
    let _texts = ctx.hold(TextWriter::memory(ctx));
    let mut texts = TextWriter::new(&mut writer, values, count, ctx)?;
    panels.sweep(ctx, &mut |DensePanel { elements, .. }| {
        let part = Part { places: Places::Next, data: elements };
        texts.write(&part, ctx).map_err(|halt| match halt {
            WriteHalt::Error(error) => error,
            WriteHalt::Index(_) => changed(),
        })
    })?;
    end(writer, ctx)
}

fn write_all(
    writer: &mut Writer,
    values: Option<DType>,
    part: &Part<'_>,
    ctx: &Context,
) -> Result<()> {
    let mut texts = TextWriter::new(writer, values, part.data.len() as u64, ctx)?;
    texts.write(part, ctx).map_err(|halt| match halt {
        WriteHalt::Error(error) => error,
        WriteHalt::Index(_) => changed(),
    })
}
