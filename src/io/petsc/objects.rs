//! The objects of a PETSc file, found by their headers.

use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{
    ByteOrder, Context, DType, Origin, StoredElements, StoredFile, read_elements,
};

pub(super) const MATRIX: u64 = 1_211_216;
pub(super) const VECTOR: u64 = 1_211_214;
const INDEX_SET: u64 = 1_211_218;

/// The number of entries by which a dense matrix is known.
pub(super) const DENSE: i64 = -1;

/// Objects that are followed to see whether values have a certain width; more prove nothing new.
const FOLLOWED: usize = 4096;

/// Types of values that are tried, in this order.
const TRIED: [DType; 3] = [DType::Float64, DType::Complex128, DType::Float32];

/// Numbers of most significant byte first, seen from this machine.
pub(super) const BIG_ENDIAN: ByteOrder =
    if cfg!(target_endian = "little") { ByteOrder::Swapped } else { ByteOrder::Native };

/// How PETSc binary files are read.
///
/// ```
/// use outcore::io::{FileFormat, PetscOptions, ReadOptions, read_matrix_with};
/// use outcore::{AnyMatrix, Context, DType, Place};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("v");
/// let vector = [1211214u32, 1, 0x3f80_0000, 0x4000_0000].map(u32::to_be_bytes).concat(); // 1 + 2i
/// std::fs::write(&path, vector)?;
/// let petsc = PetscOptions { scalars: Some(DType::Complex64) };
/// let options = ReadOptions { petsc, ..ReadOptions::default() };
/// let read = read_matrix_with(&path, &options, Place::Memory, &Context::new())?;
/// assert_eq!((read.format, read.matrix.dtype()), (FileFormat::Petsc, Some(DType::Complex64)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PetscOptions {
    /// The type of the values: `Float32`, `Float64`, `Complex64` or `Complex128`. If it is not given, it follows from
    /// the length of the file.
    pub scalars: Option<DType>,
}

/// An open file of PETSc.
pub(super) struct PetscFile {
    pub(super) origin: Origin,
    pub(super) length: u64,
    /// `Int32` or `Int64`.
    pub(super) integers: DType,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectKind {
    /// So many entries.
    Sparse(u64),
    Dense,
    Vector,
    IndexSet,
}

/// An object, by its header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    pub(super) kind: ObjectKind,
    pub(super) nrows: u64,
    pub(super) ncols: u64,
    /// Where its contents begin.
    pub(super) start: u64,
}

impl Object {
    /// Integers before its values, and values.
    fn contents(&self) -> (u64, u64) {
        let elements = self.nrows.saturating_mul(self.ncols);
        match self.kind {
            ObjectKind::Sparse(nnz) => (self.nrows.saturating_add(nnz), nnz),
            ObjectKind::Dense | ObjectKind::Vector => (0, elements),
            ObjectKind::IndexSet => (elements, 0),
        }
    }

    /// Where its values begin, and where it ends if each has this many bytes; `None` if that is beyond all files.
    pub(super) fn extent(&self, integers: DType, scalar: usize) -> Option<(u64, u64)> {
        let (before, values) = self.contents();
        let values_at = before.checked_mul(integers.size() as u64)?.checked_add(self.start)?;
        let end = values.checked_mul(scalar as u64)?.checked_add(values_at)?;
        Some((values_at, end))
    }
}

impl PetscFile {
    /// Opens a file, and sees from its first bytes how wide its integers are.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = StoredFile::at(path)?.open_read()?;
        let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
        let petsc = PetscFile {
            origin: Origin { path: path.to_owned(), file },
            length,
            integers: DType::Int32,
        };
        let is_class = |found: u64| matches!(found, MATRIX | VECTOR | INDEX_SET);
        let narrow = petsc.integer(0)?.is_some_and(|class| is_class(class as u64));
        if narrow {
            return Ok(petsc);
        }
        let petsc = PetscFile { integers: DType::Int64, ..petsc };
        let found = petsc.integer(0)?;
        match found.is_some_and(|class| is_class(class as u64)) {
            true => Ok(petsc),
            false => Err(Error::new(ErrorKind::Format, "not a PETSc file")
                .in_file(path)
                .at_byte(0)
                .expected(format!("{MATRIX} (a matrix) or {VECTOR} (a vector), big-endian"))
                .found(found.map_or("the end of the file".to_owned(), |class| class.to_string()))),
        }
    }

    /// The integer at an offset; `None` at the end of the file.
    fn integer(&self, offset: u64) -> Result<Option<i64>> {
        let mut bytes = [0; 8];
        let size = self.integers.size();
        match self.origin.file.read_exact_at(&mut bytes[8 - size..], offset) {
            Ok(()) if size == 4 => Ok(Some(i64::from(i64::from_be_bytes(bytes) as i32))),
            Ok(()) => Ok(Some(i64::from_be_bytes(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(Error::io("reading", &self.origin.path, error)),
        }
    }

    fn error_at(&self, offset: u64, what: &str) -> Error {
        Error::new(ErrorKind::Format, what).in_file(&self.origin.path).at_byte(offset)
    }

    /// The object at an offset.
    pub(super) fn object(&self, offset: u64, ctx: &Context) -> Result<Object> {
        let word = self.integers.size() as u64;
        let at = |k: u64| offset.saturating_add(k * word);
        let integer = |k: u64| {
            self.integer(at(k))?.ok_or_else(|| {
                self.error_at(self.length, "the file ends within the header of an object")
            })
        };
        let extent = |k: u64| {
            let found = integer(k)?;
            u64::try_from(found).map_err(|_| {
                self.error_at(at(k), "a negative extent").expected("a number from 0").found(found)
            })
        };
        let class = integer(0)?;
        match class as u64 {
            MATRIX => {
                let (nrows, ncols, nnz) = (extent(1)?, extent(2)?, integer(3)?);
                let sparse =
                    |nnz| Object { kind: ObjectKind::Sparse(nnz), nrows, ncols, start: at(4) };
                match nnz {
                    DENSE => Ok(Object { kind: ObjectKind::Dense, ..sparse(0) }),
                    // So PETSc writes a number of entries that is too large for 32 bits.
                    nnz if nnz == i64::from(i32::MAX) && word == 4 => {
                        let Object { start, .. } = sparse(0);
                        self.sum_of_lengths(start, nrows, ctx).map(sparse)
                    }
                    nnz => u64::try_from(nnz).map(sparse).map_err(|_| {
                        self.error_at(at(3), "a negative number of entries")
                            .expected("a number from 0, or -1 for a dense matrix")
                            .found(nnz)
                    }),
                }
            }
            VECTOR => {
                Ok(Object { kind: ObjectKind::Vector, nrows: extent(1)?, ncols: 1, start: at(2) })
            }
            INDEX_SET => {
                Ok(Object { kind: ObjectKind::IndexSet, nrows: extent(1)?, ncols: 1, start: at(2) })
            }
            _ => Err(self
                .error_at(offset, "an object that is neither matrix nor vector")
                .expected(format!("{MATRIX} or {VECTOR}"))
                .found(class)),
        }
    }

    /// Integers in the file from an offset on. Fails if it is too short.
    pub(super) fn integers(&self, start: u64, len: u64) -> Result<StoredElements> {
        let dtype = self.integers;
        let bytes = len.saturating_mul(dtype.size() as u64);
        if start.saturating_add(bytes) > self.length {
            return Err(self
                .error_at(self.length, "the file ends too early")
                .expected(format!("{len} integers from byte {start} on"))
                .found(format!("{} bytes", self.length.saturating_sub(start))));
        }
        Ok(StoredElements { start, bytes, dtype, byte_order: BIG_ENDIAN })
    }

    fn sum_of_lengths(&self, start: u64, nrows: u64, ctx: &Context) -> Result<u64> {
        let (mut sum, what) = (0u64, self.integers(start, nrows)?);
        read_elements(&self.origin, (what.dtype, what), ctx, &mut |run| {
            let run = run.as_typed::<i32>();
            sum = run
                .iter()
                .fold(sum, |sum, &len| sum.saturating_add(u64::try_from(len).unwrap_or(0)));
            Ok(())
        })?;
        Ok(sum)
    }

    /// The type of the values, from the length of the file.
    pub(super) fn scalars(&self, ctx: &Context) -> Result<DType> {
        for dtype in TRIED {
            if self.ends_with(dtype, ctx)? {
                return Ok(dtype);
            }
        }
        let object = self.object(0, ctx)?;
        let end_of = |dtype: DType| {
            object.extent(self.integers, dtype.size()).map_or(u64::MAX, |(_, end)| end)
        };
        // Vectors of another type may follow: then another object begins where the first one ends.
        let mut followed = TRIED.into_iter().filter(|&dtype| {
            end_of(dtype) < self.length && self.object(end_of(dtype), ctx).is_ok()
        });
        if let (Some(dtype), None) = (followed.next(), followed.next()) {
            return Ok(dtype);
        }
        let ends = TRIED.map(|dtype| format!("{} bytes for {dtype}", end_of(dtype)));
        Err(Error::new(ErrorKind::Format, "the length of the file matches no type of values")
            .in_file(&self.origin.path)
            .expected(format!("{}, and further objects after them", ends.join(", ")))
            .found(format!("{} bytes", self.length))
            .remedy("if the file is complete, give the type of its values (PetscOptions)"))
    }

    /// Whether the objects of the file end where it ends, if their values are of this type.
    fn ends_with(&self, dtype: DType, ctx: &Context) -> Result<bool> {
        let mut at = 0;
        for _ in 0..FOLLOWED {
            let object = match self.object(at, ctx) {
                Ok(object) => object,
                // The first object is as it is; at others it is only tried whether there is one.
                Err(error) if at == 0 || error.kind() == ErrorKind::Io => return Err(error),
                Err(_) => return Ok(false),
            };
            match object.extent(self.integers, dtype.size()) {
                Some((_, end)) if end == self.length => return Ok(true),
                Some((_, end)) if end < self.length => at = end,
                _ => return Ok(false),
            }
            ctx.check_cancelled()?;
        }
        Ok(true)
    }

    /// The type of the values of an object: the preferred one, unless only another ends where the next object begins, or
    /// the file.
    fn type_of(&self, object: &Object, preferred: DType, ctx: &Context) -> DType {
        let ends = |dtype: &DType| {
            let end = object.extent(self.integers, dtype.size()).map_or(u64::MAX, |(_, end)| end);
            end == self.length || end < self.length && self.object(end, ctx).is_ok()
        };
        std::iter::once(preferred).chain(TRIED).find(ends).unwrap_or(preferred)
    }

    /// The object with a number, from 0, and the type of its values: that of the first one unless they differ; `fixed` if
    /// they cannot.
    pub(super) fn nth(
        &self,
        number: usize,
        (first, fixed): (DType, bool),
        ctx: &Context,
    ) -> Result<(Object, DType)> {
        let mut at = 0;
        for k in 0..=number {
            if at == self.length {
                return Err(Error::new(ErrorKind::Format, "there is no such object in the file")
                    .in_file(&self.origin.path)
                    .expected(format!("a number below {k}"))
                    .found(number));
            }
            let object = self.object(at, ctx)?;
            let dtype = if k == 0 || fixed { first } else { self.type_of(&object, first, ctx) };
            let end = object.extent(self.integers, dtype.size()).map_or(u64::MAX, |(_, end)| end);
            if end > self.length {
                return Err(self
                    .error_at(self.length, "the file ends too early")
                    .expected(format!(
                        "an object of {} bytes with values of type {dtype}",
                        end - at
                    ))
                    .found(format!("{} bytes", self.length - at)));
            }
            if k == number {
                return Ok((object, dtype));
            }
            ctx.check_cancelled()?;
            at = end;
        }
        unreachable!("the loop ends with the object")
    }
}
