//! Tables written: numbers in the fewest digits, made by all threads and appended in order.

use std::ops::Range;
use std::path::Path;

use num_complex::Complex;

use crate::any::{AnyMatrix, Body};
use crate::convert::to_order;
use crate::dense::{AnyDense, DensePanel, DensePanels};
use crate::error::Result;
use crate::io::format::FileFormat;
use crate::io::output::Target;
use crate::io::table::header::header;
use crate::io::text::digits::push_unsigned;
use crate::io::text::gzip::without_packing;
use crate::io::text::shortest::{WrittenFloat, push_float, push_integer};
use crate::io::text::text_writer::TextWriter;
use crate::io::text::write_entries::{PlacedEntries, write_coordinates, write_lines};
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Order};

/// The name of the operation, also for the progress callback.
const PHASE: &str = "writing a table";

/// Bytes of a number, about.
const TYPICAL: u64 = 12;

/// Writes a matrix without names of columns.
pub(in crate::io) fn write(target: Target<'_>, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    write_with(target, matrix, None, ctx)
}

/// Writes a matrix as a table of text: a dense one as its rows, under the names of its columns if they are given; a
/// sparse one as a list of its entries, with a header by which [`read_matrix`](crate::io::read_matrix) knows it. Tabs
/// separate the fields if the name of the file ends in `.tsv` or `.tab`, otherwise commas.
///
/// Numbers are written in the fewest digits that read back as the same; `bool` as 0 and 1. An existing file at `path`
/// stays until the new one is complete.
///
/// Fails if a dense matrix has complex elements, no columns, or no rows and no names; if there are not as many names as
/// columns, or names for a sparse matrix; if a name has a line end. Cost: one pass over the matrix; before it, a
/// conversion of types other than `float32`, `float64` and 64-bit integers, or of a dense matrix in Fortran order, in
/// the scratch folder if it is larger than a quarter of the memory limit.
///
/// ```
/// use outcore::io::write_table;
/// use outcore::{AnyMatrix, Context, Csr, Dense};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.csv");
/// let ctx = Context::new();
/// let a = AnyMatrix::from(Dense::from(ndarray::arr2(&[[1.0, 0.5], [2.0, 0.1]])));
/// write_table(&path, &a, Some(&["x", "y, z"]), &ctx)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "x,\"y, z\"\n1.0,0.5\n2.0,0.1\n");
/// write_table(&path, &AnyMatrix::from(Csr::<f64>::eye(1)), None, &ctx)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "row,column,value\n0,0,1.0\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("savetxt", "to_csv"))]
pub fn write_table(
    path: impl AsRef<Path>,
    matrix: &AnyMatrix,
    columns: Option<&[&str]>,
    ctx: &Context,
) -> Result<()> {
    write_with(Target::replacing(path.as_ref()), matrix, columns, ctx)
}

fn write_with(
    target: Target<'_>,
    matrix: &AnyMatrix,
    columns: Option<&[&str]>,
    ctx: &Context,
) -> Result<()> {
    let path = target.path;
    let format = FileFormat::of_name(&without_packing(path));
    let separator = if format == Some(FileFormat::Tsv) { b'\t' } else { b',' };
    let header = header(matrix, columns, separator).map_err(|error| error.in_file(path))?;
    let mut writer = TextWriter::create(target, &header, PHASE, matrix.nnz() as u64, ctx)?;
    let wide = widened(matrix, ctx)?;
    let format = |entries: &PlacedEntries<'_>, range: Range<usize>, text: &mut Vec<u8>| {
        let (data, push) = (entries.data, push_of(entries.data));
        entries.visit(range, |k, row, col| {
            push_entry(text, (row, col), separator, data.width() > 0, |text| push(k, text));
        })
    };
    match wide.body() {
        Body::Dense(a) => {
            let a = a.as_matrix()?;
            match a.order() {
                Order::C => dense(&mut writer, &a, separator),
                Order::Fortran => {
                    let place = ctx.aside(a.dtype().bytes_of(a.len()));
                    dense(&mut writer, &to_order(&a, Order::C, &place, ctx)?, separator)
                }
            }
        }
        Body::Lines(a) => write_lines(&mut writer, a, &format),
        Body::Coo(a) => write_coordinates(&mut writer, a, &format),
    }?;
    writer.finish()
}

/// The matrix with values of a type that is written here.
fn widened(matrix: &AnyMatrix, ctx: &Context) -> Result<AnyMatrix> {
    let dtype = match matrix.dtype() {
        None
        | Some(
            DType::Float32 | DType::Float64 | DType::Int64 | DType::UInt64 | DType::Complex128,
        ) => return Ok(matrix.clone()),
        Some(DType::Complex64) => DType::Complex128,
        Some(DType::Float16 | DType::BFloat16) => DType::Float32,
        Some(_) => DType::Int64,
    };
    matrix.to_dtype(dtype, ctx.aside((matrix.nnz() as u64).saturating_mul(24)), ctx)
}

/// Appends the text of an element.
type Push<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + Sync + 'a>;

fn dense(writer: &mut TextWriter<'_>, a: &AnyDense, separator: u8) -> Result<()> {
    let (_, ncols) = a.dim();
    if a.is_empty() {
        return Ok(());
    }
    let ctx = writer.ctx();
    let mut panels = DensePanels::once(a, (1, 1), writer.budget() / 2)?;
    let _running = ctx.begin(|| Ok(writer.plan(panels.reading.plan(PHASE), TYPICAL)))?;
    let _held = ctx.hold(writer.memory());
    panels.sweep(ctx, &mut |DensePanel { lines, offset, elements, .. }| {
        let width = elements.len() / lines.max(1);
        let push = push_of(elements);
        writer.write(elements.len(), &|run, text| {
            let mut next = run.start % width;
            for k in run {
                let col = offset + next;
                next = if next + 1 == width { 0 } else { next + 1 };
                if col > 0 {
                    text.push(separator);
                }
                push(k, text);
                if col + 1 == ncols {
                    text.push(b'\n');
                }
            }
            Ok(())
        })
    })
}

fn push_entry(
    text: &mut Vec<u8>,
    (row, col): (usize, usize),
    separator: u8,
    has_value: bool,
    push: impl Fn(&mut Vec<u8>),
) {
    push_unsigned(text, row as u64);
    text.push(separator);
    push_unsigned(text, col as u64);
    if has_value {
        text.push(separator);
        let start = text.len();
        push(text);
        // Two numbers come with a comma between them.
        text[start..].iter_mut().filter(|byte| **byte == b',').for_each(|byte| *byte = separator);
    }
    text.push(b'\n');
}

/// What appends an element of these.
fn push_of(values: Raw<'_>) -> Push<'_> {
    if let Some(values) = values.typed::<f64>() {
        return Box::new(|k, text| push_real(text, values[k], values[k]));
    }
    if let Some(values) = values.typed::<f32>() {
        return Box::new(|k, text| push_real(text, values[k], values[k].into()));
    }
    if let Some(values) = values.typed::<i64>() {
        return Box::new(|k, text| push_integer(text, values[k].into()));
    }
    if let Some(values) = values.typed::<u64>() {
        return Box::new(|k, text| push_unsigned(text, values[k]));
    }
    if let Some(values) = values.typed::<Complex<f64>>() {
        return Box::new(|k, text| {
            push_real(text, values[k].re, values[k].re);
            text.push(b',');
            push_real(text, values[k].im, values[k].im);
        });
    }
    Box::new(|_, _| {})
}

/// Appends a float, with a point if it is whole, by which it is known that not all values need be.
fn push_real(text: &mut Vec<u8>, value: impl WrittenFloat, wide: f64) {
    let start = text.len();
    push_float(text, value, wide);
    if text[start..].iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
        text.extend_from_slice(b".0");
    }
}
