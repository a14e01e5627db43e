//! A matrix as an object of PETSc: every array at its place in the file, encoded and written by all threads.

use std::ops::Range;
use std::path::Path;

use num_complex::Complex;

use crate::any::{AnyMatrix, Body};
use crate::convert::{recompress, to_compressed, to_order};
use crate::dense::{AnyDense, DensePanel, DensePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::io::output::{Output, Target};
use crate::io::petsc::objects::{DENSE, MATRIX, VECTOR};
use crate::sparse::{
    AnyCompressed, CompressedPanel, CompressedPanels, Duplicates, Indices, index_out_of_range,
    largest,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, DType, Order, SparseFormat};

/// Elements that a thread encodes before it writes them.
const RUN: usize = 1 << 15;

/// The largest integer up to which a `float64` holds all.
const EXACT: u64 = 1 << 53;

/// Writes a matrix of any kind and type, with integers of 32 bits if all fit, otherwise of 64.
pub(in crate::io) fn write(target: Target<'_>, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    let (nrows, ncols) = matrix.shape();
    let most = nrows.max(ncols).max(matrix.nnz());
    let fits = most < largest(DType::UInt32);
    write_with(target, matrix, if fits { DType::Int32 } else { DType::Int64 }, ctx)
}

/// Writes a matrix as a PETSc binary file with integers of a type, `Int32` or `Int64`, as the PETSc that reads it is
/// configured. [`write_matrix`](crate::io::write_matrix) uses `Int32` wherever it can.
///
/// Values are written as `float64` or `complex128`, the entries of a pattern as ones. A dense matrix of one column
/// becomes a vector. An existing file at `path` stays until the new one is complete.
///
/// Fails if an integer of the matrix is not exact as `float64`, if an extent or the number of entries does not fit the
/// type of integers, and if an index is out of range. Cost: one pass over the matrix; before it, a conversion of types
/// other than these two, of CSC and COO to CSR, or of a dense matrix in Fortran order, in the scratch folder if it is
/// larger than a quarter of the memory limit.
///
/// ```
/// use outcore::io::{read_matrix, write_petsc};
/// use outcore::{AnyMatrix, Context, Csr, DType, Place};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.petsc");
/// let (a, ctx) = (AnyMatrix::from(Csr::<f64>::eye(3)), Context::new());
/// write_petsc(&path, &a, DType::Int64, &ctx)?;
/// assert_eq!(std::fs::metadata(&path)?.len(), 8 * (4 + 3 + 3 + 3));
/// assert_eq!(read_matrix(&path, Place::Memory, &ctx)?.nnz(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("MatView", "VecView", "PetscBinaryWrite"))]
pub fn write_petsc(
    path: impl AsRef<Path>,
    matrix: &AnyMatrix,
    integers: DType,
    ctx: &Context,
) -> Result<()> {
    write_with(Target::replacing(path.as_ref()), matrix, integers, ctx)
}

fn write_with(
    target: Target<'_>,
    matrix: &AnyMatrix,
    integers: DType,
    ctx: &Context,
) -> Result<()> {
    let path = target.path;
    if !matches!(integers, DType::Int32 | DType::Int64) {
        return Err(Error::new(ErrorKind::Unsupported, "PETSc has no integers of this type")
            .in_file(path)
            .expected("int32 or int64")
            .found(integers));
    }
    let (nrows, ncols) = matrix.shape();
    let most = nrows.max(ncols).max(if matrix.format().is_some() { matrix.nnz() } else { 0 });
    if integers == DType::Int32 && most >= largest(DType::UInt32) {
        return Err(Error::new(ErrorKind::Type, "too large for integers of 32 bits")
            .in_file(path)
            .expected(format!("extents and a number of entries below {}", largest(DType::UInt32)))
            .found(most)
            .remedy("write integers of type Int64, for a PETSc configured with 64-bit indices"));
    }
    // What cannot be written is refused before a long conversion.
    let output = Output::create(target)?;
    let wide = widened(matrix, ctx).map_err(|error| error.in_file(path))?;
    let place = ctx.aside(wide.stored_bytes().max(bytes_of(&wide)));
    let file = Encoder { output, word: integers.size() };
    match wide.body() {
        Body::Dense(a) => {
            let a = a.as_matrix()?;
            match a.order() {
                Order::C => file.dense(&a, ctx),
                Order::Fortran if ncols <= 1 => file.dense(&a, ctx),
                Order::Fortran => file.dense(&to_order(&a, Order::C, &place, ctx)?, ctx),
            }
        }
        Body::Lines(a) if a.format() == SparseFormat::Csr => file.sparse(a, ctx),
        Body::Lines(a) => file.sparse(&recompress(a, "CSC to CSR", &place, ctx)?, ctx),
        Body::Coo(a) => {
            let kind = (SparseFormat::Csr, DType::UInt64);
            file.sparse(&to_compressed(a, kind, Duplicates::Sum, &place, ctx)?, ctx)
        }
    }
}

fn bytes_of(matrix: &AnyMatrix) -> u64 {
    (matrix.nnz() as u64).saturating_mul(24).saturating_add(matrix.nrows() as u64 * 8)
}

/// The matrix with values as PETSc has them.
fn widened(matrix: &AnyMatrix, ctx: &Context) -> Result<AnyMatrix> {
    let dtype = match matrix.dtype() {
        Some(DType::Complex64 | DType::Complex128) => DType::Complex128,
        _ => DType::Float64,
    };
    if matrix.dtype() == Some(dtype) {
        return Ok(matrix.clone());
    }
    let values = match matrix.body() {
        Body::Dense(a) => a.elements(),
        Body::Lines(a) => a.data().as_raw(),
        Body::Coo(a) => a.data().as_raw(),
    };
    let inexact = |position: usize, value: String| {
        Error::new(
            ErrorKind::Value,
            "PETSc stores integers as float64, which cannot represent this one",
        )
        .at(crate::error::Location::Position(position as u64))
        .expected(format!("an integer from -{EXACT} to {EXACT}"))
        .found(value)
    };
    if let Some(values) = values.typed::<i64>()
        && let Some(k) = values.iter().position(|value| value.unsigned_abs() > EXACT)
    {
        return Err(inexact(k, values[k].to_string()));
    }
    if let Some(values) = values.typed::<u64>()
        && let Some(k) = values.iter().position(|&value| value > EXACT)
    {
        return Err(inexact(k, values[k].to_string()));
    }
    matrix.to_dtype(dtype, ctx.aside(bytes_of(matrix)), ctx)
}

/// A file that is being written, and the bytes of its integers.
struct Encoder {
    output: Output,
    word: usize,
}

/// Appends elements of a range to the bytes of a run.
type Encode<'a> = &'a (dyn Fn(Range<usize>, &mut Vec<u8>) -> Result<()> + Sync);

impl Encoder {
    fn header(&self, words: &[i64]) -> Result<u64> {
        let mut bytes = Vec::new();
        words.iter().for_each(|&word| self.integer(&mut bytes, word as usize));
        self.output.write_at(&bytes, 0)?;
        Ok(bytes.len() as u64)
    }

    /// Appends an integer, which was checked to fit.
    #[inline]
    fn integer(&self, bytes: &mut Vec<u8>, integer: usize) {
        match self.word {
            4 => bytes.extend_from_slice(&(integer as u32).to_be_bytes()),
            _ => bytes.extend_from_slice(&(integer as u64).to_be_bytes()),
        }
    }

    /// Memory of the runs that are encoded at a time.
    fn memory(ctx: &Context) -> u64 {
        (ctx.thread_count() * RUN * 16) as u64
    }

    /// Writes `count` elements of `width` bytes from offset `at` on, in runs on all threads.
    fn put(
        &self,
        at: u64,
        (count, width): (usize, usize),
        encode: Encode<'_>,
        ctx: &Context,
    ) -> Result<()> {
        let runs = count.div_ceil(RUN);
        // As many runs at a time as keep all threads at work between two checks of the cancel token.
        let many = 64 * ctx.thread_count();
        for first in (0..runs).step_by(many) {
            ctx.check_cancelled()?;
            ctx.with_threads(|| {
                (first..runs.min(first + many)).into_par_iter().try_for_each_init(
                    || Vec::with_capacity(RUN * width),
                    |bytes: &mut Vec<u8>, run| {
                        bytes.clear();
                        encode(run * RUN..count.min((run + 1) * RUN), bytes)?;
                        self.output.write_at(bytes, at + (run * RUN * width) as u64)
                    },
                )
            })?;
        }
        Ok(())
    }

    fn dense(self, a: &AnyDense, ctx: &Context) -> Result<()> {
        let (nrows, ncols) = a.dim();
        let words = match ncols {
            1 => vec![VECTOR as i64, nrows as i64],
            _ => vec![MATRIX as i64, nrows as i64, ncols as i64, DENSE],
        };
        let start = self.header(&words)?;
        // A matrix of one column is the same in both orders, and one without columns is empty in both.
        let a = AnyDense { order: Order::C, ..a.clone() };
        let width = a.dtype().size();
        let budget = (ctx.memory_left() / 2).saturating_sub(Self::memory(ctx));
        let mut panels = DensePanels::once(&a, (1, 1), budget)?;
        let _running = ctx.begin(|| {
            let plan = panels
                .reading
                .plan("writing PETSc binary")
                .writes(start + a.dtype().bytes_of(a.len()));
            let plan = plan.works(a.len() as u64, work::COPY_DENSE);
            Ok(plan.throughout(Self::memory(ctx)))
        })?;
        let _held = ctx.hold(Self::memory(ctx));
        panels.sweep(ctx, &mut |DensePanel { first, offset, elements, .. }| {
            let at = start + ((first * ncols + offset) * width) as u64;
            let encode = |run: Range<usize>, bytes: &mut Vec<u8>| {
                values(elements.slice(run), bytes);
                Ok(())
            };
            self.put(at, (elements.len(), width), &encode, ctx)
        })?;
        self.output.finish(ctx)
    }

    fn sparse(self, a: &AnyCompressed, ctx: &Context) -> Result<()> {
        let ((nrows, ncols), nnz, word) = (a.shape(), a.nnz(), self.word as u64);
        let words = [MATRIX as i64, nrows as i64, ncols as i64, nnz as i64];
        let lengths_at = self.header(&words)?;
        let indices_at = lengths_at + nrows as u64 * word;
        let values_at = indices_at + nnz as u64 * word;
        let width = a.data().dtype().map_or(0, DType::size);
        let budget = (ctx.memory_left() / 2).saturating_sub(Self::memory(ctx));
        let mut panels = CompressedPanels::for_one_sweep(a.clone(), budget, ctx)?;
        let _running = ctx.begin(|| {
            let plan = panels.plan("writing PETSc binary").writes(values_at + (nnz * width) as u64);
            Ok(plan.works(nnz as u64, work::COPY).throughout(Self::memory(ctx)))
        })?;
        let _held = ctx.hold(Self::memory(ctx));
        let first_of_all = a.indptr().at(0);
        let swept = panels.sweep(ctx, &mut |CompressedPanel { first, indptr, indices, data }| {
            let base = indptr.at(0);
            let start = base.wrapping_sub(first_of_all);
            let (lines, count) = (indptr.len() - 1, indices.len());
            if start.checked_add(count).is_none_or(|end| end > nnz)
                || indptr.at(lines).checked_sub(base) != Some(count)
            {
                return Err(changed());
            }
            let lengths = |run: Range<usize>, bytes: &mut Vec<u8>| {
                for line in run {
                    let length = indptr.at(line + 1).checked_sub(indptr.at(line));
                    self.integer(bytes, length.filter(|&n| n <= count).ok_or_else(changed)?);
                }
                Ok(())
            };
            self.put(lengths_at + first as u64 * word, (lines, self.word), &lengths, ctx)?;
            let columns = |run: Range<usize>, bytes: &mut Vec<u8>| {
                for k in run {
                    let column = indices.at(k);
                    if column >= ncols {
                        let line = line_of(indptr, base + k);
                        return Err(index_out_of_range(first + line, start + k, column, ncols));
                    }
                    self.integer(bytes, column);
                }
                Ok(())
            };
            self.put(indices_at + start as u64 * word, (count, self.word), &columns, ctx)?;
            let encode = |run: Range<usize>, bytes: &mut Vec<u8>| {
                values(data.slice(run), bytes);
                Ok(())
            };
            self.put(values_at + (start * width) as u64, (count, width), &encode, ctx)
        });
        swept.map_err(|error| a.name_indices(error))?;
        self.output.finish(ctx)
    }
}

/// Appends values, most significant byte first.
fn values(values: Raw<'_>, bytes: &mut Vec<u8>) {
    if let Some(values) = values.typed::<f64>() {
        values.iter().for_each(|value| bytes.extend_from_slice(&value.to_be_bytes()));
    }
    for value in values.typed::<Complex<f64>>().unwrap_or_default() {
        bytes.extend_from_slice(&value.re.to_be_bytes());
        bytes.extend_from_slice(&value.im.to_be_bytes());
    }
}

/// The line of a panel with the entry that a pointer names.
fn line_of(indptr: Indices<'_>, pointer: usize) -> usize {
    (0..indptr.len() - 1).find(|&line| indptr.at(line + 1) > pointer).unwrap_or(0)
}

fn changed() -> Error {
    Error::new(ErrorKind::Index, "the matrix changed while it was read")
}
