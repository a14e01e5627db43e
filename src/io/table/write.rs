//! Tables written: numbers in the fewest digits, made by all threads and appended in order.

use std::ops::Range;
use std::path::Path;

use num_complex::Complex;

use crate::any::{AnyMatrix, Body};
use crate::convert::to_order;
use crate::dense::{AnyDense, DensePanel, DensePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::io::output::{Output, Target};
use crate::io::table::header::header;
use crate::io::text::digits::push_unsigned;
use crate::io::text::shortest::{WrittenFloat, push_float, push_integer};
use crate::sparse::{
    AnyCompressed, AnyCoo, CompressedPanel, CompressedPanels, Indices, index_out_of_range,
};
use crate::storage::parallel::{ParallelSlice, Tasks, join};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, DType, Order, Place, Plan, SparseFormat};

/// Elements of a block, whose text one thread makes.
const BLOCK: usize = 1 << 12;

/// Blocks for each thread at a time.
const BLOCKS: usize = 4;

/// Bytes of a number, and of an entry with row and column, at most.
const LONGEST: usize = 96;

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
    let tabs = path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("tsv") || it.eq_ignore_ascii_case("tab"));
    let separator = if tabs { b'\t' } else { b',' };
    let header = header(matrix, columns, separator).map_err(|error| error.in_file(path))?;
    let mut output = Output::create(target)?;
    let wide = widened(matrix, ctx)?;
    output.append(&header)?;
    let mut table = Table { output, separator, texts: Default::default(), ctx };
    match wide.body() {
        Body::Dense(a) => {
            let a = a.as_matrix()?;
            match a.order() {
                Order::C => table.dense(&a),
                Order::Fortran => {
                    let place = beside(a.dtype().bytes_of(a.len()), ctx);
                    table.dense(&to_order(&a, Order::C, &place, ctx)?)
                }
            }
        }
        Body::Lines(a) => table.lines(a),
        Body::Coo(a) => table.coordinates(a),
    }?;
    table.output.finish(ctx)
}

fn beside(bytes: u64, ctx: &Context) -> Place {
    if bytes <= ctx.memory_left() / 4 { Place::Memory } else { Place::Scratch }
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
    matrix.to_dtype(dtype, beside((matrix.nnz() as u64).saturating_mul(24), ctx), ctx)
}

/// A file that is being written.
struct Table<'a> {
    output: Output,
    separator: u8,
    /// Texts that are made, and texts that are written.
    texts: [Vec<Vec<u8>>; 2],
    ctx: &'a Context,
}

/// Appends the text of a range of elements.
type Format<'a> = &'a (dyn Fn(Range<usize>, &mut Vec<u8>) -> Result<()> + Sync);

/// Appends the text of an element.
type Push<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + Sync + 'a>;

impl Table<'_> {
    /// Blocks whose text is made at a time: some for each thread, in at most a quarter of the memory.
    fn blocks(&self) -> usize {
        let room = self.ctx.memory_left() / 4 / (2 * BLOCK * LONGEST) as u64;
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        (self.ctx.thread_count() * BLOCKS).min(room).max(1)
    }

    /// Memory of the texts that are made and written at a time.
    fn memory(&self) -> u64 {
        (2 * self.blocks() * BLOCK * LONGEST) as u64
    }

    /// Makes the text of `count` elements, in blocks on all threads, and appends it in order while the next is made.
    fn append(&mut self, count: usize, format: Format<'_>) -> Result<()> {
        let blocks = self.blocks();
        let [mut made, mut written] = std::mem::take(&mut self.texts);
        made.resize_with(blocks, Vec::new);
        written.resize_with(blocks, Vec::new);
        let (mut start, mut ready) = (0, 0);
        loop {
            self.ctx.check_cancelled()?;
            let end = count.min(start + blocks * BLOCK);
            let these = (end - start).div_ceil(BLOCK);
            let make = || {
                let texts = made[..these].par_iter_mut().with_max_len(1).enumerate();
                texts
                    .map(|(k, text)| {
                        text.clear();
                        format(start + k * BLOCK..end.min(start + (k + 1) * BLOCK), text)
                    })
                    .collect::<Result<Vec<()>>>()
            };
            let (output, texts) = (&mut self.output, &written[..ready]);
            let write = || texts.iter().try_for_each(|text| output.append(text));
            let (wrote, outcome) = self.ctx.with_threads(|| join(write, make));
            wrote?;
            outcome?;
            if end == start {
                break;
            }
            (start, ready) = (end, these);
            std::mem::swap(&mut made, &mut written);
        }
        self.texts = [made, written];
        Ok(())
    }

    fn plan(&self, plan: Plan, count: usize, each: u64) -> Plan {
        let plan = plan.writes((count as u64).saturating_mul(each));
        plan.works(count as u64, work::WRITE_TEXT).throughout(self.memory())
    }

    fn budget(&self) -> u64 {
        (self.ctx.memory_left() / 2).saturating_sub(self.memory()).max(1)
    }

    fn dense(&mut self, a: &AnyDense) -> Result<()> {
        let (_, ncols) = a.dim();
        if a.is_empty() {
            return Ok(());
        }
        let mut panels = DensePanels::once(a, (1, 1), self.budget())?;
        let plan = panels.reading.plan("writing a table");
        let _running = self.ctx.begin(|| Ok(self.plan(plan, a.len(), TYPICAL)))?;
        let _held = self.ctx.hold(self.memory());
        let (ctx, separator) = (self.ctx, self.separator);
        panels.sweep(ctx, &mut |DensePanel { lines, offset, elements, .. }| {
            let width = elements.len() / lines.max(1);
            let push = push_of(elements);
            let format = |run: Range<usize>, text: &mut Vec<u8>| {
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
            };
            self.append(elements.len(), &format)
        })
    }

    fn lines(&mut self, a: &AnyCompressed) -> Result<()> {
        let mut panels = CompressedPanels::for_one_sweep(a.clone(), self.budget(), self.ctx)?;
        let plan = || panels.plan("writing a table");
        let _running = self.ctx.begin(|| Ok(self.plan(plan(), a.nnz(), 2 * TYPICAL)))?;
        let _held = self.ctx.hold(self.memory());
        let (ctx, separator) = (self.ctx, self.separator);
        let (by_rows, minor) = (a.format() == SparseFormat::Csr, a.minor());
        let start_of_all = a.indptr().at(0);
        let swept = panels.sweep(ctx, &mut |CompressedPanel { first, indptr, indices, data }| {
            let (base, lines) = (indptr.at(0), indptr.len() - 1);
            if indptr.at(lines).checked_sub(base) != Some(indices.len()) {
                return Err(changed());
            }
            let push = push_of(data);
            let format = |run: Range<usize>, text: &mut Vec<u8>| {
                let mut line = line_of(indptr, base + run.start);
                for k in run {
                    while line + 1 < lines && indptr.at(line + 1) <= base + k {
                        line += 1;
                    }
                    let index = indices.at(k);
                    if index >= minor {
                        let position = base.wrapping_sub(start_of_all).wrapping_add(k);
                        return Err(index_out_of_range(first + line, position, index, minor));
                    }
                    let (row, col) =
                        if by_rows { (first + line, index) } else { (index, first + line) };
                    push_entry(
                        text,
                        (row, col),
                        separator,
                        || data.width() > 0,
                        |text| push(k, text),
                    );
                }
                Ok(())
            };
            self.append(indices.len(), &format)
        });
        swept.map_err(|error| a.name_indices(error))
    }

    fn coordinates(&mut self, a: &AnyCoo) -> Result<()> {
        a.check()?;
        let _running = self.ctx.begin(|| {
            let plan = Plan::new("writing a table").reads(1, a.stored_bytes());
            Ok(self.plan(plan, a.nnz(), 2 * TYPICAL))
        })?;
        let _held = self.ctx.hold(self.memory());
        self.ctx.meter().pass_over(a.stored_bytes());
        let (rows, cols) = (Indices::of(a.rows()), Indices::of(a.cols()));
        let (data, separator) = (a.data().as_raw(), self.separator);
        let push = push_of(data);
        self.append(a.nnz(), &|run, text| {
            for k in run {
                let place = (rows.at(k), cols.at(k));
                push_entry(text, place, separator, || data.width() > 0, |text| push(k, text));
            }
            Ok(())
        })
    }
}

fn push_entry(
    text: &mut Vec<u8>,
    (row, col): (usize, usize),
    separator: u8,
    has_value: impl Fn() -> bool,
    push: impl Fn(&mut Vec<u8>),
) {
    push_unsigned(text, row as u64);
    text.push(separator);
    push_unsigned(text, col as u64);
    if has_value() {
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

/// The line of a panel with the entry that a pointer names: the last that begins at or before it.
fn line_of(indptr: Indices<'_>, pointer: usize) -> usize {
    let (mut low, mut high) = (0, indptr.len() - 1);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if indptr.at(middle) <= pointer { low = middle } else { high = middle }
    }
    low
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the matrix changed while it was read")
}
