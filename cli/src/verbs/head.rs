//! The first rows of a matrix.

use std::path::PathBuf;

use outcore::num_complex::Complex;
use outcore::{AnyMatrix, Coo, DType, Dense, Element, Entry, Place, Result};

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Print the first rows";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// Rows to print
    #[arg(short, long, default_value_t = 10)]
    rows: usize,
    /// Columns to print of a dense matrix, and entries of a row of a sparse one
    #[arg(short, long, default_value_t = 10)]
    columns: usize,
}

/// Calls a function for the element type of a matrix.
macro_rules! by_type {
    ($dtype:expr, $call:ident $arguments:tt, $($name:ident $T:ty),*) => {
        match $dtype {
            $(Some(DType::$name) => by_type!(@ $call $T, $arguments),)*
            _ => Ok(()),
        }
    };
    (@ $call:ident $T:ty, ($($argument:expr),*)) => { $call::<$T>($($argument),*) };
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let a = session.read(&arguments.input)?;
    let mut report = Report::new();
    report.line(format!("{a}"));
    if a.format().is_none() {
        by_type!(
            a.dtype(), dense(a, arguments, &mut report),
            Bool bool, Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8, UInt16 u16, UInt32 u32,
            UInt64 u64, Float32 f32, Float64 f64, Complex64 Complex<f32>, Complex128 Complex<f64>
        )?;
        return Ok(report);
    }
    let (ctx, rows) = (session.ctx(), arguments.rows.min(a.nrows()));
    // Rows of a CSC are scattered over all columns, and those of coordinates over all entries.
    let csr = match &a {
        AnyMatrix::Csr(csr) => AnyMatrix::from(csr.clone()),
        _ => AnyMatrix::from(a.to_csr(Place::Memory, ctx)?),
    };
    let part = csr.slice(0..rows, 0..a.ncols(), Place::Memory, ctx)?;
    let complex = matches!(a.dtype(), Some(DType::Complex64 | DType::Complex128));
    let cells: Vec<(usize, usize, String)> = if a.dtype().is_none() {
        entries::<()>(part, session)?.into_iter().map(|(i, j, ())| (i, j, String::new())).collect()
    } else if complex {
        let wide = part.to_dtype(DType::Complex128, Place::Memory, ctx)?;
        let found = entries::<Complex<f64>>(wide, session)?;
        found.into_iter().map(|(i, j, x)| (i, j, format!("={x}"))).collect()
    } else {
        let wide = part.to_dtype(DType::Float64, Place::Memory, ctx)?;
        let found = entries::<f64>(wide, session)?;
        found.into_iter().map(|(i, j, x)| (i, j, format!("={x}"))).collect()
    };
    for i in 0..rows {
        let row: Vec<_> = cells.iter().filter(|(row, ..)| *row == i).collect();
        let shown: Vec<String> =
            row.iter().take(arguments.columns).map(|(_, j, x)| format!("{j}{x}")).collect();
        let more = if row.len() > arguments.columns { "  …" } else { "" };
        report.line(format!("{i}:  {}{more}", shown.join("  ")));
    }
    Ok(report)
}

fn dense<T: Element>(a: AnyMatrix, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let a = Dense::<T>::try_from(a)?;
    let (nrows, ncols) = a.shape();
    let columns = arguments.columns.min(ncols);
    let more = if columns < ncols { "  …" } else { "" };
    for i in 0..arguments.rows.min(nrows) {
        let row = a.row(i)?;
        let cells: Vec<String> = row.iter().take(columns).map(|x| format!("{x:?}")).collect();
        report.line(format!("{}{more}", cells.join("  ")));
    }
    Ok(())
}

/// The entries of a matrix with values of a type.
pub(crate) fn entries<T: Entry>(a: AnyMatrix, session: &Session) -> Result<Vec<(usize, usize, T)>> {
    let coo = AnyMatrix::from(a.to_coo(Place::Memory, session.ctx())?);
    match coo.index_dtype() {
        Some(DType::Int32) => {
            let coo = Coo::<T, u32>::try_from(coo)?;
            let places = coo.row_indices().iter().zip(coo.col_indices().iter());
            let all = places.zip(coo.data().iter());
            Ok(all.map(|((&i, &j), &x)| (i as usize, j as usize, x)).collect())
        }
        _ => {
            let coo = Coo::<T, u64>::try_from(coo)?;
            let places = coo.row_indices().iter().zip(coo.col_indices().iter());
            let all = places.zip(coo.data().iter());
            Ok(all.map(|((&i, &j), &x)| (i as usize, j as usize, x)).collect())
        }
    }
}
