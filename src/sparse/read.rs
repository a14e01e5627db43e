//! Stored sparse matrices read as a copy: for byte orders and alignments that cannot be used in place, and to make an
//! independent matrix in one pass.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::any_coo::{AnyCoo, CooTypes, coo_bytes};
use crate::sparse::array_writer::AnyArrayWriter;
use crate::sparse::axis::Axis;
use crate::sparse::check::index_error;
use crate::sparse::compressed::Compressed;
use crate::sparse::coo::Coo;
use crate::sparse::coo_writer::AnyCooWriter;
use crate::sparse::files::{stored_index_types, stored_value_types};
use crate::sparse::indices::Indices;
use crate::sparse::open::{
    check_count, check_format, check_one_dimensional, check_values, other_type, refuse_iso, wider,
};
use crate::sparse::types::Types;
use crate::storage::raw::{Raw, RawVec};
use crate::storage::work;
use crate::storage::{
    Context, DType, Descriptor, Entry, Folder, INDICES_FILE, Index, MEMORY_TO_READ, Origin,
    POINTERS_FILE, Pass, Place, Plan, ROWS_FILE, RawBuffer, SparseFormat, StoredElements,
    StoredFile, StoredValues, VALUES_FILE, check_closed, count_elements, read_elements,
    read_header,
};

/// Values written at a time if there is one for all entries.
const STEP: usize = 1 << 12;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Copies the matrix stored in a folder to `place`, in native byte order.
    ///
    /// Reads what [`open`](Self::open) opens, and also arrays that it cannot use in place: of the other byte order, or
    /// unaligned. The pointers and the range of the indices are checked on the way. One value for all entries is
    /// expanded. Cost: one read of the arrays and one sequential write. Memory: 3 MiB, and the result unless it goes to
    /// files.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.bspnpy");
    /// use outcore::{Context, Csr, Place};
    /// let ctx = Context::new();
    /// Csr::<f64>::eye(3).copy_to(&path, &ctx)?;
    /// let a = Csr::<f64>::read(&path, Place::Memory, &ctx)?;
    /// assert_eq!(a, Csr::eye(3));
    /// assert!(a.data().file().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(
        path: impl AsRef<std::path::Path>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let (kind, place) = ((A::FORMAT, Types::of::<T, I, P>()), place.into());
        Folder::whole(path.as_ref(), |folder| AnyCompressed::read(folder, kind, &place, ctx))
            .map(AnyCompressed::into_typed)
    }
}

impl AnyCompressed {
    pub(crate) fn read(
        folder: &Arc<Folder>,
        (format, types): (SparseFormat, Types),
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let descriptor = Descriptor::read_in(folder)?;
        check_format(&descriptor, format, folder.path())?;
        let shape = (descriptor.nrows, descriptor.ncols);
        let ((major, minor), nnz) = (format.swap_if_cols(shape), descriptor.nnz);
        let (pointers, indices) = (folder.file(POINTERS_FILE), folder.file(INDICES_FILE));
        let what = ((format, types), shape, nnz);
        let pass = Pass::new(plan(&indices, types.bytes_of(major, nnz), nnz));
        let in_file = |error: Error| match error.kind() {
            ErrorKind::Index => error.in_file(pointers.path()),
            _ => error,
        };
        pass.blaming(&in_file).make(what, place, ctx, &mut |writer: &mut AnyArrayWriter| {
            let stored_types = stored_index_types(types.pointers);
            let len = major.saturating_add(1);
            let what = (types.pointers, descriptor.pointers, &stored_types[..], len);
            copy(&pointers, what, ctx, &mut |run| writer.push_pointers(run))?;
            let what = (types.indices, minor);
            copy_indices(&indices, &descriptor, what, ctx, &mut |run| writer.push_indices(run))?;
            copy_values(folder, &descriptor, types.values, ctx, &mut |run| writer.push_data(run))
        })
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    /// Copies the coordinate matrix stored in a folder to `place`, in native byte order, as [`Compressed::read`] does.
    /// The range of the coordinates is checked on the way.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.bspnpy");
    /// use outcore::{Context, Coo, Place};
    /// let ctx = Context::new();
    /// Coo::<f64>::from_triplets((2, 2), [(1, 0, 3.0)])?.copy_to(&path, &ctx)?;
    /// assert_eq!(**Coo::<f64>::read(&path, Place::Memory, &ctx)?.row_indices(), [1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(
        path: impl AsRef<std::path::Path>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let (types, place) = ((T::ENTRY_DTYPE, I::DTYPE), place.into());
        Folder::whole(path.as_ref(), |folder| AnyCoo::read_as(folder, types, &place, ctx))
            .map(AnyCoo::into_typed)
    }
}

impl AnyCoo {
    pub(crate) fn read_as(
        folder: &Arc<Folder>,
        types: CooTypes,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let (values, index) = types;
        let descriptor = Descriptor::read_in(folder)?;
        check_format(&descriptor, SparseFormat::Coo, folder.path())?;
        let (nnz, shape) = (descriptor.nnz, (descriptor.nrows, descriptor.ncols));
        let (rows, cols) = (folder.file(ROWS_FILE), folder.file(INDICES_FILE));
        let pass = Pass::new(plan(&rows, coo_bytes(types, nnz), nnz));
        pass.make((types, shape, nnz), place, ctx, &mut |writer: &mut AnyCooWriter| {
            let (of_rows, of_cols) = ((index, shape.0), (index, shape.1));
            copy_indices(&rows, &descriptor, of_rows, ctx, &mut |run| writer.push_rows(run))?;
            copy_indices(&cols, &descriptor, of_cols, ctx, &mut |run| writer.push_cols(run))?;
            copy_values(folder, &descriptor, values, ctx, &mut |run| writer.push_data(run))
        })
    }
}

fn plan(largest: &StoredFile, bytes: u64, nnz: usize) -> Plan {
    let plan = Plan::new("reading a sparse matrix").on_device_of(Some((&largest.path(), 0)));
    plan.reads(1, bytes).works(nnz as u64, work::READ_SPARSE).holds(MEMORY_TO_READ)
}

/// Passes on `len` elements of an array stored as one of `stored_types`, as the descriptor declares.
fn copy(
    stored: &StoredFile,
    (dtype, declared, stored_types, len): (DType, Option<DType>, &[(DType, usize)], usize),
    ctx: &Context,
    take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let (file, path) = (stored.open_read()?, stored.path());
    check_closed(stored, false)?;
    let header = read_header(&file, &path)?;
    let found = count_elements(&header, stored_types).map_err(|e| wider(e.in_file(&path)))?;
    check_one_dimensional(&header, &path)?;
    if let Some(declared) = declared.filter(|&declared| declared != header.dtype) {
        return Err(other_type(&path, declared.name(), header.dtype));
    }
    check_count(&path, len, found)?;
    read_elements(&Origin { path, file }, (dtype, StoredElements::of(&header)), ctx, take)
}

/// Passes on indices, checked to be below `extent`.
fn copy_indices(
    stored: &StoredFile,
    descriptor: &Descriptor,
    (dtype, extent): (DType, usize),
    ctx: &Context,
    take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let (stored_types, mut done) = (stored_index_types(dtype), 0u64);
    let what = (dtype, Some(descriptor.indices), &stored_types[..], descriptor.nnz);
    copy(stored, what, ctx, &mut |run| {
        let indices = Indices::of_raw(run);
        if let Some(k) = indices.first_beyond(extent) {
            let at = Location::Position(done + k as u64);
            return Err(index_error(at, indices.at(k), extent).in_file(stored.path()));
        }
        done += run.len() as u64;
        take(run)
    })
}

/// Passes on one value per entry, expanding a single value for all; for a pattern none is read.
fn copy_values(
    folder: &Arc<Folder>,
    descriptor: &Descriptor,
    dtype: Option<DType>,
    ctx: &Context,
    take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let (stored, nnz) = (folder.file(VALUES_FILE), descriptor.nnz);
    let Some(dtype) = dtype else {
        return take(RawBuffer::pattern(nnz).as_raw());
    };
    let stored_types = stored_value_types(dtype);
    match descriptor.values {
        StoredValues::Each(_) => {
            check_values(descriptor, dtype, &stored.path())?;
            copy(&stored, (dtype, None, &stored_types, nnz), ctx, take)?;
            check_closed(&stored, false)
        }
        StoredValues::Iso(declared) => {
            if declared != dtype {
                refuse_iso(descriptor, &stored.path())?;
            }
            let what = (dtype, None, &stored_types[..], 1);
            copy(&stored, what, ctx, &mut |value| repeat_value(value, nnz, take))
        }
    }
}

/// Passes on `nnz` values that are all the same, some at a time.
pub(crate) fn repeat_value(
    value: Raw<'_>,
    nnz: usize,
    take: &mut dyn FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let mut run = RawVec::new(value.dtype());
    run.resize(STEP.min(nnz));
    run.as_mut().fill(value);
    let run = run.as_raw();
    (0..nnz).step_by(STEP).try_for_each(|start| take(run.slice(0..STEP.min(nnz - start))))
}
