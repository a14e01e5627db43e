//! Whole matrices from and to Matrix Market files.

use std::path::Path;

use ndarray::Ix2;

use crate::convert::CooBuilder;
use crate::dense::{Dense, DenseMut, DenseWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::matrix_market::header::{Field, Format, Header, Symmetry};
use crate::io::matrix_market::number::Number;
use crate::io::matrix_market::reader::Reader;
use crate::io::matrix_market::writer::{BUFFER, Writer};
use crate::sparse::{Axis, ByCols, ByRows, Compressed, Coo, Csc, Csr, Duplicates, check_widths};
use crate::storage::work;
use crate::storage::{Context, DType, Element, Entry, Index, Order, Place, Plan};

/// Approximate bytes of a line with an entry.
const LINE: u64 = 24;

impl Reader {
    /// The matrix as coordinates in memory, with a symmetry expanded and entries in file order; for an array file only
    /// those that are not zero. Rows and columns cost nothing here, however many there are.
    ///
    /// Fails as [`for_each`](Self::for_each) does, if the shape is too large for the index type, and if the entries do
    /// not fit in the memory limit.
    pub fn read_coo<T: Number, I: Index>(&self, ctx: &Context) -> Result<Coo<T, I>> {
        let Header { format, nrows, ncols, .. } = *self.header();
        let in_file = |e: Error| e.in_file(self.path());
        let each = (2 * size_of::<I>() + size_of::<T>()) as u64;
        let less = ctx.less(self.window(ctx));
        let fits = |entries: u64| {
            less.check_memory("the entries of the file", each.saturating_mul(entries))
                .map_err(in_file)
        };
        if format == Format::Coordinate {
            fits(self.expanded_upper_bound())?;
        }
        check_widths::<I, u64>(nrows, ncols, 0).map_err(in_file)?;
        let (mut rows, mut cols, mut data) = (Vec::new(), Vec::new(), Vec::new());
        self.for_each_stored::<T>(ctx, |row, col, value| {
            if format == Format::Array && rows.len() == rows.capacity() {
                fits(2 * rows.len() as u64 + 1)?;
            }
            rows.push(I::from_usize(row));
            cols.push(I::from_usize(col));
            data.push(value);
            Ok(())
        })?;
        Coo::from_parts((nrows, ncols), rows, cols, data)
    }

    /// The matrix in compressed rows at `place`, duplicates summed as by SciPy on conversion. Explicit zeros of a
    /// coordinate file are stored; those of an array file are not.
    ///
    /// Fails with [`ErrorKind::Memory`], at once, if the rows [dwarf](crate::io#extents) the entries, unless
    /// [`hypersparse`](Self::hypersparse) allows them.
    ///
    /// Cost: one pass over the file, and for entries that do not fit in a quarter of the memory limit one write and one
    /// read in the scratch folder; one write of the result.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.mtx");
    /// # std::fs::write(&path, "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 4\n")?;
    /// use outcore::{Context, Csr, Place, io::matrix_market::Reader};
    /// let a: Csr<f64> = Reader::open(&path)?.read_csr(Place::Memory, &Context::new())?;
    /// assert_eq!((a.get(0, 1)?, a.get(1, 0)?), (Some(4.0), Some(4.0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_csr<T: Number, I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        self.read_compressed::<T, I, P, ByRows>("Matrix Market to CSR", &place.into(), ctx)
    }

    /// The matrix in compressed columns at `place`; otherwise as [`read_csr`](Self::read_csr).
    pub fn read_csc<T: Number, I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        self.read_compressed::<T, I, P, ByCols>("Matrix Market to CSC", &place.into(), ctx)
    }

    fn read_compressed<T: Number, I: Index, P: Index, A: Axis>(
        &self,
        operation: &'static str,
        place: &Place,
        ctx: &Context,
    ) -> Result<Compressed<T, I, P, A>> {
        let shape = (self.header().nrows, self.header().ncols);
        let nnz = self.expanded_upper_bound();
        let in_file = |e: Error| e.in_file(self.path());
        check_widths::<I, P>(shape.0, shape.1, 0).map_err(in_file)?;
        let (count, _) = A::swap_if_cols(shape);
        let (lines, _) = A::swap_if_cols(("rows", "columns"));
        let extent = JustifiedExtent {
            path: self.path(),
            lines,
            count,
            entries: nnz,
            wanted: self.hypersparse,
            remedy: "read it as coordinates with read_coo, or a graph on compact vertices; \
                     `hypersparse` asks for all of them",
        };
        extent.check::<P>(place, ctx)?;
        let window = self.window(ctx);
        let less = ctx.less(window);
        let _running = ctx.begin(|| {
            let plan = Plan::new(operation).reads(1, self.bytes());
            let plan = CooBuilder::<T, I, A>::plan::<P>(plan, shape, nnz, place, &less);
            Ok(plan.throughout(window))
        })?;
        let mut builder = CooBuilder::<T, I, A>::with_types(shape, &less).map_err(in_file)?;
        ctx.meter().pass();
        ctx.meter().read(self.bytes());
        self.for_each_stored::<T>(ctx, |row, col, value| builder.push(row, col, value))?;
        builder.finish(Duplicates::Sum, place, ctx).map_err(in_file)
    }

    /// The matrix with its zeros filled in, in column-major order as in array files, duplicates summed. Every
    /// position uses memory, however few entries the file has.
    ///
    /// Cost: one pass over the file, and two more over a coordinate file that holds a −0.0; no memory in addition to
    /// the result.
    pub fn read_dense<T: Number + Element>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        let Header { format, nrows, ncols, .. } = *self.header();
        let (place, entries) = (place.into(), nrows.saturating_mul(ncols));
        let _running = ctx.begin(|| {
            let plan = Plan::new("Matrix Market to dense").reads(1, self.bytes());
            let plan = plan.works(self.expanded_upper_bound(), work::READ_TEXT);
            let taken = DenseWriter::<T, Ix2>::memory(entries, &place, ctx);
            ctx.check_memory("the result", if place == Place::Memory { taken } else { 0 })?;
            let plan = DenseWriter::<T, Ix2>::plan(plan, entries, &place, ctx);
            Ok(plan.throughout(self.window(ctx)))
        })?;
        ctx.meter().pass();
        ctx.meter().read(self.bytes());
        let mut dense = DenseMut::<T>::create((nrows, ncols), Order::Fortran, place, ctx)?;
        let elements = dense.as_mut_slice();
        let at = |row: usize, col: usize| col * nrows + row;
        let mut negative_zeros = false;
        self.for_each::<T>(ctx, |row, col, value| {
            let element = &mut elements[at(row, col)];
            // An array file has a value for every position: nothing to add it to.
            *element = match format {
                Format::Array => value,
                Format::Coordinate => element.merge(value).ok_or_else(|| {
                    Error::new(ErrorKind::Value, "the sum of the entries at a position overflows")
                        .in_file(self.path())
                        .found(format!("row {}, column {}", row + 1, col + 1))
                })?,
            };
            negative_zeros |= format == Format::Coordinate && value.has_negative_zero();
            Ok(())
        })?;
        if negative_zeros {
            // 0.0 + −0.0 is 0.0, but if every entry at a position is −0.0, so is their sum.
            self.for_each::<T>(ctx, |row, col, value| {
                elements[at(row, col)].take_sign_of_zero(value);
                Ok(())
            })?;
            self.for_each::<T>(ctx, |row, col, value| {
                elements[at(row, col)].drop_sign_of_zero(value);
                Ok(())
            })?;
        }
        dense.freeze()
    }
}

/// The cost of writing this many entries; the bytes of the text are an estimate.
fn plan_to_write(file: Option<(&Path, u64)>, stored: u64, entries: u64) -> Plan {
    plan_text(Plan::new("writing Matrix Market").on_device_of(file).reads(1, stored), entries)
}

/// Adds the text of this many entries to the plan of what reads them.
pub(in crate::io) fn plan_text(plan: Plan, entries: u64) -> Plan {
    let plan = plan.writes(entries.saturating_mul(LINE)).works(entries, work::WRITE_TEXT);
    plan.throughout(BUFFER as u64)
}

/// The field that holds the values of a type without loss.
fn field_of<T: Entry>() -> Field {
    match T::ENTRY_DTYPE {
        None => Field::Pattern,
        Some(DType::Float16 | DType::BFloat16 | DType::Float32 | DType::Float64) => Field::Real,
        Some(DType::Complex64 | DType::Complex128) => Field::Complex,
        Some(_) => Field::Integer,
    }
}

/// Unsigned 64-bit integers need `unsigned-integer`: other programs read `integer` as signed 64-bit. Narrower types do
/// not need it, and `integer` is what every program knows.
fn is_unsigned<T: Entry>() -> bool {
    T::ENTRY_DTYPE == Some(DType::UInt64)
}

/// Writes a CSR or CSC matrix as a general coordinate file, entries in stored order, with the lines of `comment` after
/// the banner (none if empty). The field is that of the type: `integer` for `bool` and integers,
/// `unsigned-integer` for `u64`, as in SciPy.
///
/// An existing file at `path` stays until the new one is complete. Cost: one pass over the matrix; 1 MiB of memory.
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
    let (nrows, ncols) = matrix.shape();
    let nnz = matrix.nnz() as u64;
    let header = Header::coordinate(field_of::<T>(), Symmetry::General, nrows, ncols, nnz);
    let header = Header { unsigned: is_unsigned::<T>(), ..header };
    let mut writer = Writer::create(path, header, comment)?;
    let _running =
        ctx.begin(|| Ok(plan_to_write(matrix.indices().file(), matrix.stored_bytes(), nnz)))?;
    let _buffer = ctx.hold(BUFFER as u64);
    ctx.meter().pass();
    ctx.meter().read(matrix.stored_bytes());
    for (major, line) in matrix.lines().enumerate() {
        // A bad index is reported as one of the matrix, before the file refuses it.
        matrix.check_major(major)?;
        for (index, &value) in line.indices.iter().zip(line.data) {
            let (row, col) = A::swap_if_cols((major, index.to_usize()));
            writer.push(row, col, value)?;
        }
        if major % 4096 == 0 {
            ctx.report("writing Matrix Market", major as u64, matrix.major() as u64)?;
        }
    }
    ctx.meter().wrote(writer.finish_counted()?);
    Ok(())
}

/// Writes a dense matrix as a general array file; otherwise as [`write_sparse`].
pub fn write_dense<T: Number + Element>(
    path: impl AsRef<Path>,
    matrix: &Dense<T>,
    comment: &str,
    ctx: &Context,
) -> Result<()> {
    let (nrows, ncols) = matrix.shape();
    let header = Header::array(field_of::<T>(), Symmetry::General, nrows, ncols);
    let header = Header { unsigned: is_unsigned::<T>(), ..header };
    let mut writer = Writer::create(path, header, comment)?;
    let (file, stored) = (matrix.buffer().file(), matrix.buffer().stored_bytes());
    let _running = ctx.begin(|| Ok(plan_to_write(file, stored, matrix.len() as u64)))?;
    let _buffer = ctx.hold(BUFFER as u64);
    ctx.meter().pass();
    ctx.meter().read(stored);
    if matrix.is_empty() {
        // The number of empty columns may be too large to loop over.
        ctx.meter().wrote(writer.finish_counted()?);
        return Ok(());
    }
    for (j, column) in matrix.as_ndarray().columns().into_iter().enumerate() {
        for (i, &value) in column.iter().enumerate() {
            writer.push(i, j, value)?;
        }
        ctx.report("writing Matrix Market", j as u64, ncols as u64)?;
    }
    ctx.meter().wrote(writer.finish_counted()?);
    Ok(())
}
