//! Stored sparse matrices, mapped where they lie.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::coo::Coo;
use crate::sparse::files::{index_stands, value_stands};
use crate::storage::{
    Buffer, BufferMut, DType, Descriptor, Entry, Folder, INDICES_FILE, Index, NpyHeader,
    POINTERS_FILE, ROWS_FILE, SparseFormat, StoredFile, StoredValues, VALUES_FILE, check_closed,
    map_array,
};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Maps the matrix stored in a folder, without copying it.
    ///
    /// Reads the pointers once, to check them; indices and values are not read. With `T = ()` the values of any
    /// stored matrix are left alone and its pattern is opened. Where one value stands for all entries (`iso` in Binsparse),
    /// there is nothing to map: it is written out in memory, as many bytes as the values of other matrices have in their
    /// file, whatever a memory limit says; opened with `()` it takes none. Fails, naming file and field, if format, types, counts
    /// or pointers are not what they must be, or somebody has the values open for writing or did not close them.
    ///
    /// The files opened are those of one version, also while another takes its place.
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
        Folder::whole(path.as_ref(), |folder| Self::map(folder, true))
    }

    /// As [`open`](Self::open), also where the last writer of the values did not [close](crate::Refill::close) it: values may
    /// be partly those of before and partly new.
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
        Folder::whole(path.as_ref(), |folder| Self::map(folder, false))
    }

    fn map(folder: &Arc<Folder>, closed: bool) -> Result<Self> {
        let descriptor = Descriptor::read_in(folder)?;
        check_format(&descriptor, A::FORMAT, folder.path())?;
        if let Some(value) = open_one::<T>(&descriptor, folder)? {
            // Only the arrays of the structure tell that there are so many entries.
            let pattern = vec![(); descriptor.nnz].into();
            let structure = Compressed::<(), I, P, A>::open_with(&descriptor, folder, pattern)?;
            return structure.with_data(written_out(value, descriptor.nnz)?);
        }
        let data = open_values(&descriptor, folder)?;
        if closed && T::ENTRY_DTYPE.is_some() {
            check_closed(&folder.file(VALUES_FILE), false)?;
        }
        Self::open_with(&descriptor, folder, data)
    }

    /// Maps the structure of a stored matrix and puts `data` to it.
    pub(super) fn open_with(
        descriptor: &Descriptor,
        folder: &Arc<Folder>,
        data: Buffer<T>,
    ) -> Result<Self> {
        let stored = folder.file(POINTERS_FILE);
        let file = stored.path();
        let indptr = open_typed::<P>(&stored, descriptor.pointers, &index_stands::<P>())?;
        let indices = open_indices(descriptor, folder, INDICES_FILE)?;
        let matrix =
            Self::from_buffers((descriptor.nrows, descriptor.ncols), indptr, indices, data)
                .map_err(|e| e.in_file(&file))?;
        // In memory a slice of a matrix keeps its place in the whole; a stored matrix is a whole.
        match matrix.indptr()[0] {
            first if first.to_usize() == 0 => Ok(matrix),
            first => Err(Error::new(ErrorKind::Index, "the pointers do not start at 0")
                .in_file(file)
                .expected(0)
                .found(first)),
        }
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    /// Maps the coordinate matrix stored in a folder, without copying it. Reads the descriptor and headers alone. One value
    /// that stands for all entries is written out in memory, as [`Compressed::open`] does.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Folder::whole(path.as_ref(), Self::map)
    }

    fn map(folder: &Arc<Folder>) -> Result<Self> {
        let descriptor = Descriptor::read_in(folder)?;
        check_format(&descriptor, SparseFormat::Coo, folder.path())?;
        let rows = open_indices(&descriptor, folder, ROWS_FILE)?;
        let cols = open_indices(&descriptor, folder, INDICES_FILE)?;
        let data = match open_one(&descriptor, folder)? {
            Some(value) => written_out(value, cols.len())?,
            None => open_values(&descriptor, folder)?,
        };
        Self::from_buffers((descriptor.nrows, descriptor.ncols), rows, cols, data)
            .map_err(|e| e.in_file(folder.path()))
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
        .remedy("open it as what it is and convert it"))
}

fn open_indices<I: Index>(
    descriptor: &Descriptor,
    folder: &Arc<Folder>,
    name: &str,
) -> Result<Buffer<I>> {
    let stored = folder.file(name);
    let indices = open_typed(&stored, Some(descriptor.indices), &index_stands::<I>())?;
    check_count(&stored.path(), descriptor.nnz, indices.len())?;
    Ok(indices)
}

/// Maps indices or pointers, which must be of the type that the descriptor says.
fn open_typed<I: Index>(
    stored: &StoredFile,
    declared: Option<DType>,
    stands: &[(DType, usize)],
) -> Result<Buffer<I>> {
    let (header, array) = map_array(stored, stands).map_err(wider)?;
    let file = &stored.path();
    check_line(&header, file)?;
    match declared == Some(header.dtype) {
        true => Ok(array),
        false => Err(other_type(file, declared.map_or("nothing", DType::name), header.dtype)),
    }
}

fn open_values<T: Entry>(descriptor: &Descriptor, folder: &Arc<Folder>) -> Result<Buffer<T>> {
    let Some(dtype) = T::ENTRY_DTYPE else {
        return Ok(vec![T::zeroed(); descriptor.nnz].into());
    };
    let stored = folder.file(VALUES_FILE);
    let file = stored.path();
    check_each(descriptor, &file)?;
    let (header, values) = map_array(&stored, &value_stands(dtype))?;
    check_line(&header, &file)?;
    check_values(descriptor, dtype, &file)?;
    check_count(&file, descriptor.nnz, values.len())?;
    Ok(values)
}

/// The value that stands for all entries, if they have values of type `T` and there is one.
fn open_one<T: Entry>(descriptor: &Descriptor, folder: &Arc<Folder>) -> Result<Option<T>> {
    let (StoredValues::Iso(declared), Some(dtype)) = (descriptor.values, T::ENTRY_DTYPE) else {
        return Ok(None);
    };
    let stored = folder.file(VALUES_FILE);
    let file = stored.path();
    if declared != dtype {
        check_each(descriptor, &file)?;
    }
    let (header, values) = map_array::<T>(&stored, &value_stands(dtype))?;
    check_line(&header, &file)?;
    check_count(&file, 1, values.len())?;
    Ok(values.first().copied())
}

/// One value for each of `nnz` entries, of which the structure was seen.
fn written_out<T: Entry>(value: T, nnz: usize) -> Result<Buffer<T>> {
    let mut values = BufferMut::zeros(nnz)?;
    values.fill(value);
    Ok(values.freeze())
}

/// Refuses a file with one value for all entries where a value for each is wanted.
pub(super) fn check_each(descriptor: &Descriptor, file: &Path) -> Result<()> {
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
pub(super) fn check_line(header: &NpyHeader, file: &Path) -> Result<()> {
    if header.shape.len() == 1 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Format, "the arrays of a matrix have one dimension")
        .in_file(file)
        .at_field("shape")
        .expected("one number")
        .found(format!("{:?}", header.shape)))
}

/// Refuses values that were found to stand as `dtype` where the descriptor says they are something else.
pub(super) fn check_values(descriptor: &Descriptor, dtype: DType, file: &Path) -> Result<()> {
    match descriptor.values {
        StoredValues::Each(declared) if declared != dtype => {
            Err(other_type(file, declared.name(), dtype))
        }
        _ => Ok(()),
    }
}

pub(super) fn other_type(file: &Path, declared: &str, found: DType) -> Error {
    Error::new(ErrorKind::Format, "the array is not of the type that the descriptor says")
        .in_file(file)
        .at_field("descr")
        .expected(declared)
        .found(found)
}

pub(super) fn check_count(file: &Path, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Format,
        "the array does not have as many elements as the descriptor says",
    )
    .in_file(file)
    .expected(expected)
    .found(found))
}

/// Says what to do about index types that do not match.
pub(super) fn wider(error: Error) -> Error {
    match error.kind() {
        // The byte order is not to be chosen; that error has its own remedy.
        ErrorKind::Type if error.finding() != Some("swapped") => {
            error.remedy("choose the index and pointer types, as in Csr<f64, u32, u64>")
        }
        _ => error,
    }
}
