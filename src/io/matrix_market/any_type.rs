//! Matrix Market files as matrices of any type, and back.

use std::path::Path;

use num_complex::Complex;

use crate::any::{AnyMatrix, Body};
use crate::convert::to_order;
use crate::dense::{AnyDense, AnyDensePanels, LinePanel};
use crate::error::{Error, ErrorKind, Result};
use crate::io::matrix_market::{
    BUFFER, Field, Format, Header, Number, Reader, Symmetry, Writer, plan_text,
};
use crate::sparse::{
    AnyCompressed, AnyCoo, AnyLinePanel, AnyLinePanels, Indices, index_out_of_range,
};
use crate::storage::{Context, DType, Element, Index, Order, Place, Plan, SparseFormat};

/// The matrix of a file, of the types that its header says.
pub(in crate::io) fn read(file: &Reader, place: &Place, ctx: &Context) -> Result<AnyMatrix> {
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
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    match file.header().format {
        Format::Array => file.read_dense::<T>(place.clone(), ctx).map(AnyMatrix::from),
        Format::Coordinate => read_lines::<T>(file, place, ctx),
    }
}

fn read_lines<T: Number>(file: &Reader, place: &Place, ctx: &Context) -> Result<AnyMatrix> {
    let Header { nrows, ncols, .. } = *file.header();
    let most = (nrows.max(ncols) as u64).max(file.header().expanded_upper_bound());
    match most <= u32::LARGEST as u64 {
        true => file.read_csr::<T, u32, u32>(place.clone(), ctx).map(AnyMatrix::from),
        false => file.read_csr::<T, u64, u64>(place.clone(), ctx).map(AnyMatrix::from),
    }
}

/// Writes a matrix of any kind and type.
pub(in crate::io) fn write(path: &Path, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
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
