//! Stored sparse matrices, mapped.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::any_coo::{AnyCoo, CooTypes};
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::coo::Coo;
use crate::sparse::files::{stored_index_types, stored_value_types};
use crate::sparse::types::Types;
use crate::storage::{
    DType, Descriptor, Entry, Folder, INDICES_FILE, Index, NpyHeader, POINTERS_FILE, ROWS_FILE,
    RawBuffer, RawBufferMut, SparseFormat, StoredFile, StoredValues, VALUES_FILE, check_closed,
    map_array,
};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Maps the matrix stored in a folder, without copying it.
    ///
    /// Reads the pointers once, to check them; indices and values are not read. With `T = ()` the values of any stored
    /// matrix are ignored and only its pattern is opened. If one value represents all entries (`iso` in Binsparse),
    /// there is nothing to map: it is expanded in memory to the size that values of other matrices have in their file,
    /// regardless of a memory limit; opened with `()` it needs none. Fails, naming file and field, if format, types,
    /// counts or pointers are wrong, or if the values are open for writing or were not closed.
    ///
    /// All files opened are of one version, even while another replaces it.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.bspnpy");
    /// use outcore::{Context, Csr};
    /// Csr::<f64>::eye(3).copy_to(&path, &Context::new())?;
    /// let a = Csr::<f64>::open(&path)?;
    /// assert_eq!(a.nnz(), 3);
    /// assert!(a.data().file().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        AnyCompressed::open(path.as_ref(), A::FORMAT, Types::of::<T, I, P>(), true)
            .map(AnyCompressed::into_typed)
    }

    /// As [`open`](Self::open), but also opens values whose last writer did not [close](crate::CompressedMut::close)
    /// them: some may be old and some new.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.bspnpy");
    /// use outcore::{Context, Csr, ErrorKind};
    /// let ctx = Context::new();
    /// Csr::<f64>::eye(3).copy_to(&path, &ctx)?;
    /// drop(Csr::<f64>::open_mut(&path, &ctx)?); // and not closed
    /// assert_eq!(Csr::<f64>::open(&path).unwrap_err().kind(), ErrorKind::Unfinished);
    /// assert_eq!(Csr::<f64>::open_unfinished(&path)?.nnz(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_unfinished(path: impl AsRef<Path>) -> Result<Self> {
        AnyCompressed::open(path.as_ref(), A::FORMAT, Types::of::<T, I, P>(), false)
            .map(AnyCompressed::into_typed)
    }
}

impl AnyCompressed {
    /// Maps a stored matrix of these types; if `closed`, only one whose values were closed.
    pub(crate) fn open(
        path: &Path,
        format: SparseFormat,
        types: Types,
        closed: bool,
    ) -> Result<Self> {
        Folder::whole(path, |folder| Self::open_in(folder, format, types, closed))
    }

    /// As [`open`](Self::open), for an open folder.
    pub(crate) fn open_in(
        folder: &Arc<Folder>,
        format: SparseFormat,
        types: Types,
        closed: bool,
    ) -> Result<Self> {
        let descriptor = Descriptor::read_in(folder)?;
        check_format(&descriptor, format, folder.path())?;
        if let Some(value) = open_iso_value(&descriptor, folder, types.values)? {
            // Only the arrays of the structure confirm the number of entries.
            let pattern = RawBuffer::pattern(descriptor.nnz);
            let structure = Self::open_with(&descriptor, folder, types, pattern)?;
            return structure.with_data(expand_iso(&value, descriptor.nnz)?);
        }
        let data = open_values(&descriptor, folder, types.values)?;
        if closed && types.values.is_some() {
            check_closed(&folder.file(VALUES_FILE), false)?;
        }
        Self::open_with(&descriptor, folder, types, data)
    }

    /// Maps the structure of a stored matrix, whose format was checked, and adds `data`.
    pub(super) fn open_with(
        descriptor: &Descriptor,
        folder: &Arc<Folder>,
        types: Types,
        data: RawBuffer,
    ) -> Result<Self> {
        let stored = folder.file(POINTERS_FILE);
        let file = stored.path();
        let indptr = open_typed(&stored, descriptor.pointers, types.pointers)?;
        let indices = open_indices(descriptor, folder, INDICES_FILE, types.indices)?;
        let (format, shape) = (descriptor.format, (descriptor.nrows, descriptor.ncols));
        let matrix = Self::from_buffers(format, shape, indptr, indices, data)
            .map_err(|e| e.in_file(&file))?;
        matrix.check_start().map_err(|e| e.in_file(file))?;
        Ok(matrix)
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    /// Maps the coordinate matrix stored in a folder, without copying it. Reads only the descriptor and headers. One
    /// value for all entries is expanded in memory, as [`Compressed::open`] does.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let types = (T::ENTRY_DTYPE, I::DTYPE);
        Folder::whole(path.as_ref(), |folder| AnyCoo::map(folder, types)).map(AnyCoo::into_typed)
    }
}

impl AnyCoo {
    /// Maps a stored matrix of these types.
    pub(crate) fn map(folder: &Arc<Folder>, (values, index): CooTypes) -> Result<Self> {
        let descriptor = Descriptor::read_in(folder)?;
        check_format(&descriptor, SparseFormat::Coo, folder.path())?;
        let rows = open_indices(&descriptor, folder, ROWS_FILE, index)?;
        let cols = open_indices(&descriptor, folder, INDICES_FILE, index)?;
        let data = match open_iso_value(&descriptor, folder, values)? {
            Some(value) => expand_iso(&value, cols.len())?,
            None => open_values(&descriptor, folder, values)?,
        };
        let shape = (descriptor.nrows, descriptor.ncols);
        Self::from_buffers(shape, rows, cols, data).map_err(|e| e.in_file(folder.path()))
    }
}

pub(super) fn check_format(
    descriptor: &Descriptor,
    expected: SparseFormat,
    path: &Path,
) -> Result<()> {
    if descriptor.format == expected {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Type, "the matrix is stored in another format")
        .in_file(path)
        .at_field("format")
        .expected(expected.name())
        .found(descriptor.format.name())
        .remedy("open it in its own format and convert it"))
}

fn open_indices(
    descriptor: &Descriptor,
    folder: &Arc<Folder>,
    name: &str,
    dtype: DType,
) -> Result<RawBuffer> {
    let stored = folder.file(name);
    let indices = open_typed(&stored, Some(descriptor.indices), dtype)?;
    check_count(&stored.path(), descriptor.nnz, indices.len())?;
    Ok(indices)
}

/// Maps indices or pointers, which must be of the type in the descriptor.
fn open_typed(stored: &StoredFile, declared: Option<DType>, dtype: DType) -> Result<RawBuffer> {
    let (header, array) = map_array(stored, dtype, &stored_index_types(dtype)).map_err(wider)?;
    let file = &stored.path();
    check_one_dimensional(&header, file)?;
    match declared == Some(header.dtype) {
        true => Ok(array),
        false => Err(other_type(file, declared.map_or("nothing", DType::name), header.dtype)),
    }
}

fn open_values(
    descriptor: &Descriptor,
    folder: &Arc<Folder>,
    dtype: Option<DType>,
) -> Result<RawBuffer> {
    let Some(dtype) = dtype else {
        return Ok(RawBuffer::pattern(descriptor.nnz));
    };
    let stored = folder.file(VALUES_FILE);
    let file = stored.path();
    refuse_iso(descriptor, &file)?;
    let (header, values) = map_array(&stored, dtype, &stored_value_types(dtype))?;
    check_one_dimensional(&header, &file)?;
    check_values(descriptor, dtype, &file)?;
    check_count(&file, descriptor.nnz, values.len())?;
    Ok(values)
}

/// The one value for all entries, if the values have the type and are stored as one.
fn open_iso_value(
    descriptor: &Descriptor,
    folder: &Arc<Folder>,
    dtype: Option<DType>,
) -> Result<Option<RawBuffer>> {
    let (StoredValues::Iso(declared), Some(dtype)) = (descriptor.values, dtype) else {
        return Ok(None);
    };
    let stored = folder.file(VALUES_FILE);
    let file = stored.path();
    if declared != dtype {
        refuse_iso(descriptor, &file)?;
    }
    let (header, values) = map_array(&stored, dtype, &stored_value_types(dtype))?;
    check_one_dimensional(&header, &file)?;
    check_count(&file, 1, values.len())?;
    Ok(Some(values))
}

/// Expands a value to `nnz` entries, whose structure was checked.
fn expand_iso(value: &RawBuffer, nnz: usize) -> Result<RawBuffer> {
    let mut values = RawBufferMut::zeros(value.dtype(), nnz)?;
    values.as_mut().fill(value.as_raw());
    Ok(values.freeze())
}

/// Refuses a file with one value for all entries where one value per entry is required.
pub(super) fn refuse_iso(descriptor: &Descriptor, file: &Path) -> Result<()> {
    match descriptor.values {
        StoredValues::Each(_) => Ok(()),
        StoredValues::Iso(dtype) => {
            Err(Error::new(ErrorKind::Type, "the matrix stores one value for all entries")
                .in_file(file)
                .expected("a value for each entry")
                .found(format!("iso[{dtype}]"))
                .remedy("open it with () as its value type, as a pattern"))
        }
    }
}

/// Refuses an array of several dimensions: pairs of reals in Fortran order would be other numbers.
pub(super) fn check_one_dimensional(header: &NpyHeader, file: &Path) -> Result<()> {
    if header.shape.len() == 1 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Format, "the arrays of a matrix have one dimension")
        .in_file(file)
        .at_field("shape")
        .expected("one number")
        .found(format!("{:?}", header.shape)))
}

/// Refuses values stored as `dtype` if the descriptor names another type.
pub(super) fn check_values(descriptor: &Descriptor, dtype: DType, file: &Path) -> Result<()> {
    match descriptor.values {
        StoredValues::Each(declared) if declared != dtype => {
            Err(other_type(file, declared.name(), dtype))
        }
        _ => Ok(()),
    }
}

pub(super) fn other_type(file: &Path, declared: &str, found: DType) -> Error {
    Error::new(ErrorKind::Format, "the element type differs from the descriptor")
        .in_file(file)
        .at_field("descr")
        .expected(declared)
        .found(found)
}

pub(super) fn check_count(file: &Path, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Format, "the number of elements differs from the descriptor")
        .in_file(file)
        .expected(expected)
        .found(found))
}

/// Adds a remedy to an error about index types that do not match.
pub(super) fn wider(error: Error) -> Error {
    match error.kind() {
        // The caller cannot choose the byte order; that error has its own remedy.
        ErrorKind::Type if error.finding() != Some("swapped") => {
            error.remedy("choose the index and pointer types, as in Csr<f64, u32, u64>")
        }
        _ => error,
    }
}
