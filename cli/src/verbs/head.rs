//! The first rows of a matrix.

use std::path::PathBuf;

use outcore::num_complex::Complex;
use outcore::{AnyMatrix, Coo, DType, Dense, Element, Entry, Order, Place, Result};
use serde_json::{Value, json};

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

/// A row, a column, and the value: as text, and for programs.
type Cell = (usize, usize, String, Value);

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let (a, ctx) = (session.read(&arguments.input)?, session.ctx());
    let mut report = Report::new();
    report.line(format!("{a}"));
    report.value("kind", a.format().map_or("dense", |format| format.name()));
    report.value("shape", vec![a.nrows(), a.ncols()]);
    report.value("type", a.dtype().map_or("pattern", DType::name));
    let rows = arguments.rows.min(a.nrows());
    let is_dense = a.format().is_none();
    let part = match (&a, is_dense) {
        // Entries of coordinates are anywhere.
        (AnyMatrix::Coo(_), _) => {
            let csr = session.in_lines(a.clone())?;
            csr.slice(0..rows, 0..a.ncols(), Place::Memory, ctx)?
        }
        (_, true) => {
            let columns = arguments.columns.min(a.ncols());
            a.slice(0..rows, 0..columns, Place::Memory, ctx)?
        }
        _ => a.slice(0..rows, 0..a.ncols(), Place::Memory, ctx)?,
    };
    let part = match part {
        AnyMatrix::Dense(_) => part,
        other => AnyMatrix::from(other.to_csr(Place::Memory, ctx)?),
    };
    let cells = cells(part, session)?;
    let mut data = Vec::new();
    let mut cells = cells.into_iter().peekable();
    for i in 0..rows {
        let mut row = Vec::new();
        while let Some((_, j, text, value)) = cells.next_if(|(row, ..)| *row == i) {
            row.push((j, text, value));
        }
        let is_more = match is_dense {
            true => arguments.columns < a.ncols(),
            false => row.len() > arguments.columns,
        };
        let more = if is_more { "  …" } else { "" };
        let texts: Vec<String> = row
            .iter()
            .take(arguments.columns)
            .map(|(j, text, _)| match (is_dense, text.is_empty()) {
                (true, _) => text.clone(),
                (false, true) => format!("{j}"),
                (false, false) => format!("{j}={text}"),
            })
            .collect();
        match is_dense {
            true => report.line(format!("{}{more}", texts.join("  "))),
            false => report.line(format!("{i}:  {}{more}", texts.join("  ")).trim_end()),
        }
        let values = row.into_iter().take(arguments.columns).map(|(j, _, value)| match value {
            value if is_dense => value,
            Value::Null => j.into(),
            value => json!([j, value]),
        });
        data.push(Value::from_iter(values));
    }
    // Of a sparse matrix pairs of a column and a value, or columns alone where there are no values.
    report.value("rows", data);
    Ok(report)
}

/// A number in as few digits as tell it from others, and for programs: complex ones as pairs, and as text what JSON has
/// no number for.
trait Shown {
    fn shown(&self) -> String;
    fn value(&self) -> Value;
}

macro_rules! shown {
    ($($T:ty, $format:literal, $x:ident => $value:expr;)*) => {$(
        impl Shown for $T {
            fn shown(&self) -> String {
                format!($format, self)
            }

            fn value(&self) -> Value {
                let $x = *self;
                $value
            }
        }
    )*};
}

shown! {
    bool, "{}", x => x.into();
    i8, "{}", x => x.into();
    i16, "{}", x => x.into();
    i32, "{}", x => x.into();
    i64, "{}", x => x.into();
    u8, "{}", x => x.into();
    u16, "{}", x => x.into();
    u32, "{}", x => x.into();
    u64, "{}", x => x.into();
    f32, "{:?}", x => float(x);
    f64, "{:?}", x => float(x);
    Complex<f32>, "{}", x => json!([float(x.re), float(x.im)]);
    Complex<f64>, "{}", x => json!([float(x.re), float(x.im)]);
}

/// A float as it is shown, which keeps the digits of its type.
fn float(x: impl Shown) -> Value {
    serde_json::from_str(&x.shown()).unwrap_or_else(|_| x.shown().into())
}

/// The elements of a dense matrix, or the entries of a sparse one, half precision as `f32`.
fn cells(a: AnyMatrix, session: &Session) -> Result<Vec<Cell>> {
    macro_rules! by_type {
        ($($name:ident $T:ty),*) => {
            match a.dtype() {
                None => {
                    let all = entries::<()>(a, session)?;
                    Ok(all.into_iter().map(|(i, j, ())| (i, j, String::new(), Value::Null)).collect())
                }
                $(Some(DType::$name) => cells_of::<$T>(a, session),)*
                _ => {
                    let wide = a.to_dtype(DType::Float32, Place::Memory, session.ctx())?;
                    cells_of::<f32>(wide, session)
                }
            }
        };
    }
    by_type!(
        Bool bool, Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8, UInt16 u16, UInt32 u32,
        UInt64 u64, Float32 f32, Float64 f64, Complex64 Complex<f32>, Complex128 Complex<f64>
    )
}

fn cells_of<T: Element + Shown>(a: AnyMatrix, session: &Session) -> Result<Vec<Cell>> {
    if a.format().is_some() {
        let found = entries::<T>(a, session)?;
        return Ok(found.into_iter().map(|(i, j, x)| (i, j, x.shown(), x.value())).collect());
    }
    let a = AnyMatrix::try_from(a.to_dense(Order::C, Place::Memory, session.ctx())?)?;
    let a = Dense::<T>::try_from(a)?;
    Ok(a.as_ndarray().indexed_iter().map(|((i, j), x)| (i, j, x.shown(), x.value())).collect())
}

/// The entries of a matrix with values of a type.
fn entries<T: Entry>(a: AnyMatrix, session: &Session) -> Result<Vec<(usize, usize, T)>> {
    let ctx = session.ctx();
    let coo = AnyMatrix::from(a.to_coo(Place::Memory, ctx)?);
    let coo = match coo.index_dtype() {
        Some(DType::Int64) => coo,
        _ => coo.to_indices(DType::Int64, Place::Memory, ctx)?,
    };
    let coo = Coo::<T, u64>::try_from(coo)?;
    let places = coo.row_indices().iter().zip(coo.col_indices().iter());
    let all = places.zip(coo.data().iter());
    Ok(all.map(|((&i, &j), &x)| (i as usize, j as usize, x)).collect())
}
