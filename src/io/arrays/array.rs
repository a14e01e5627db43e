//! One array in a file of another format.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{
    ByteOrder, Context, DType, NpyHeader, Order, Plan, RawBuffer, StoredFile, map_part,
};

/// An ordinary file, open under a shared lock. All its arrays are read through this handle, so that they belong to one
/// version of the file.
pub(in crate::io) struct ForeignFile {
    path: PathBuf,
    file: File,
    length: u64,
}

/// Where the elements of an array are.
pub(in crate::io) trait ArrayBytes: Send + Sync {
    /// The offset in the file from which on all of them lie, one after the other, if they do.
    fn in_place(&self) -> Option<u64>;

    /// Bytes of the file that are read for them.
    fn stored(&self) -> u64;

    /// Memory that reading takes, without the block that is handed on.
    fn memory(&self, ctx: &Context) -> u64;

    /// Nanoseconds of work for each byte of the elements, such as unpacking.
    fn work(&self) -> f64;

    /// Hands on all bytes of the elements, in order, in chunks of any length.
    fn read(&self, ctx: &Context, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;
}

/// An array in a file: what it is, and where its elements are.
#[derive(Clone)]
pub(in crate::io) struct ForeignArray {
    file: Arc<ForeignFile>,
    /// Its name in the file, for messages.
    name: String,
    pub(in crate::io) dtype: DType,
    pub(in crate::io) byte_order: ByteOrder,
    pub(in crate::io) shape: Vec<usize>,
    pub(in crate::io) order: Order,
    pub(super) bytes: Arc<dyn ArrayBytes>,
}

impl ForeignFile {
    /// Opens an ordinary file.
    pub(in crate::io) fn open(path: &Path) -> Result<Arc<Self>> {
        let file = StoredFile::at(path)?.open_read()?;
        let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
        Ok(Arc::new(ForeignFile { path: path.to_owned(), file, length }))
    }

    pub(in crate::io) fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::io) fn file(&self) -> &File {
        &self.file
    }

    /// Bytes of the file when it was opened.
    pub(in crate::io) fn length(&self) -> u64 {
        self.length
    }

    /// Another handle of the file.
    pub(in crate::io) fn again(&self) -> Result<File> {
        self.file.try_clone().map_err(|e| Error::io("opening", &self.path, e))
    }
}

impl ForeignArray {
    /// An array that a header describes. Fails if its elements would be more than can be counted.
    ///
    /// The caller has compared the size with what the file holds.
    pub(in crate::io) fn new(
        file: &Arc<ForeignFile>,
        name: &str,
        header: NpyHeader,
        bytes: Arc<dyn ArrayBytes>,
    ) -> Result<Self> {
        let NpyHeader { dtype, byte_order, order, .. } = header;
        let (file, name) = (Arc::clone(file), name.to_owned());
        header.checked_bytes().map_err(|e| e.in_file(&file.path))?;
        let shape = header.shape;
        Ok(ForeignArray { file, name, dtype, byte_order, shape, order, bytes })
    }

    /// Its name in the file.
    pub(in crate::io) fn name(&self) -> &str {
        &self.name
    }

    /// The file in which it is.
    pub(in crate::io) fn file(&self) -> &Arc<ForeignFile> {
        &self.file
    }

    /// Where its elements are.
    pub(in crate::io) fn bytes(&self) -> Arc<dyn ArrayBytes> {
        Arc::clone(&self.bytes)
    }

    /// Number of elements, which [`new`](Self::new) has checked.
    pub(in crate::io) fn len(&self) -> usize {
        if self.shape.contains(&0) { 0 } else { self.shape.iter().product() }
    }

    /// An error about this array.
    pub(in crate::io) fn error(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, what).in_file(&self.file.path).at_field(&self.name)
    }

    /// Names the array in an error that names no place.
    pub(in crate::io) fn blame(&self, error: Error) -> Error {
        let error = error.in_file(&self.file.path);
        if error.location().is_none() { error.at_field(&self.name) } else { error }
    }

    /// Fails unless the array has one dimension and, if that is known, this many elements.
    pub(in crate::io) fn check_line(&self, len: Option<usize>) -> Result<()> {
        if self.shape.len() != 1 || len.is_some_and(|len| len != self.len()) {
            let expected = match len {
                Some(len) => format!("one dimension of {len} elements"),
                None => "one dimension".to_owned(),
            };
            return Err(self
                .error(ErrorKind::Format, "the array has the wrong shape")
                .expected(expected)
                .found(format!("{:?}", self.shape)));
        }
        Ok(())
    }

    /// The same bytes as elements of another type, `Complex` for pairs of reals or `bool` for bytes.
    pub(in crate::io) fn seen_as(mut self, dtype: DType) -> Result<Self> {
        let unit = match (self.dtype, dtype) {
            (DType::Float32, DType::Complex64) | (DType::Float64, DType::Complex128) => 2,
            (DType::UInt8 | DType::Int8, DType::Bool) => 1,
            (stored, seen) if stored == seen => 1,
            (stored, _) => {
                return Err(self
                    .error(ErrorKind::Type, "the array has another element type")
                    .expected(dtype)
                    .found(stored));
            }
        };
        let line = self.shape.len() == 1 && self.shape[0].is_multiple_of(unit);
        if unit > 1 && !line {
            return Err(self
                .error(ErrorKind::Format, "the array does not hold pairs of numbers")
                .expected("one dimension of an even number of elements")
                .found(format!("{:?}", self.shape)));
        }
        if unit > 1 {
            self.shape[0] /= unit;
        }
        self.dtype = dtype;
        Ok(self)
    }

    /// The elements in place, as elements of a type that has the same bytes, if they can be used there.
    pub(super) fn map_as(&self, dtype: DType) -> Result<Option<RawBuffer>> {
        let Some(offset) = self.bytes.in_place() else { return Ok(None) };
        if self.byte_order == ByteOrder::Swapped && self.dtype.size() > 1 {
            return Ok(None);
        }
        match map_part(self.file.again()?, &self.file.path, offset, (dtype, self.len())) {
            Ok(buffer) => Ok(Some(buffer)),
            // An unaligned offset, or a byte that is not a bool: a copy has neither.
            Err(error) if matches!(error.kind(), ErrorKind::Type | ErrorKind::Value) => Ok(None),
            Err(error) => Err(self.blame(error)),
        }
    }

    /// Adds reading the elements to a plan.
    pub(super) fn plan(&self, plan: Plan, ctx: &Context) -> Plan {
        let bytes = self.dtype.bytes_of(self.len());
        plan.on_device_of(Some((&self.file.path, 0)))
            .reads(1, self.bytes.stored())
            .works(bytes, self.bytes.work())
            .holds(self.bytes.memory(ctx).saturating_add(super::elements::MEMORY))
    }
}
