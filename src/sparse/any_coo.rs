//! A coordinate matrix whose types are known at run time. All operations of [`Coo`](super::Coo) without arithmetic are
//! compiled for this type, in this library.

use std::sync::{Arc, OnceLock};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::check::check_types;
use crate::sparse::indices::{Indices, by_index};
use crate::sparse::types::on_disk;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::raw::width;
use crate::storage::{DType, Index, RawBuffer};

/// Entries that a task checks.
const TASK: usize = 1 << 16;

/// A [`Coo`](crate::Coo) matrix whose value and index types are known at run time. Cloning copies pointers.
///
/// Its operations are methods of [`AnyMatrix`](crate::AnyMatrix). `TryFrom` converts to a [`Coo`](crate::Coo) of the
/// stored types, and `From` back, both without a copy.
///
/// ```
/// use outcore::{AnyCoo, Coo, DType, ErrorKind};
/// let a = AnyCoo::from(Coo::<f32>::from_triplets((2, 2), [(1, 0, 3.0)])?);
/// assert_eq!((a.shape(), a.nnz(), a.dtype()), ((2, 2), 1, Some(DType::Float32)));
/// assert_eq!(Coo::<f64>::try_from(a.clone()).unwrap_err().kind(), ErrorKind::Type);
/// assert_eq!(**Coo::<f32>::try_from(a)?.data(), [3.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone)]
pub struct AnyCoo {
    pub(crate) shape: (usize, usize),
    pub(crate) rows: RawBuffer,
    pub(crate) cols: RawBuffer,
    pub(crate) data: RawBuffer,
    /// Set once every coordinate was checked to be in range.
    pub(crate) checked: Arc<OnceLock<()>>,
}

/// The types of a coordinate matrix: of its values, `None` for a pattern, and of its indices.
pub(crate) type CooTypes = (Option<DType>, DType);

/// Bytes of the three arrays of a coordinate matrix with `nnz` entries.
pub(crate) fn coo_bytes((values, indices): CooTypes, nnz: usize) -> u64 {
    (nnz as u64).saturating_mul((2 * indices.size() + width(values)) as u64)
}

impl AnyCoo {
    /// A matrix over three arrays, whose coordinates are checked at first use.
    pub(crate) fn from_buffers(
        shape: (usize, usize),
        rows: RawBuffer,
        cols: RawBuffer,
        data: RawBuffer,
    ) -> Result<Self> {
        let matrix = AnyCoo { shape, rows, cols, data, checked: Arc::default() };
        let (rows, (_, index)) = (matrix.nnz(), matrix.types());
        check_types((index, DType::UInt64), shape.0, shape.1, rows)?;
        let lens = [("the column array", &matrix.cols), ("the value array", &matrix.data)];
        for (name, array) in lens {
            if array.len() != rows {
                return Err(Error::shape(name, rows, array.len()));
            }
        }
        Ok(matrix)
    }

    /// The same coordinates with other values; there is one for each entry.
    pub(crate) fn with_data(&self, data: RawBuffer) -> Result<Self> {
        if data.len() != self.nnz() {
            return Err(Error::shape("the value array", self.nnz(), data.len()));
        }
        Ok(AnyCoo { data, ..self.clone() })
    }

    /// `(nrows, ncols)`.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Number of stored entries, including explicit zeros and duplicates.
    #[doc(alias = "getnnz")]
    pub fn nnz(&self) -> usize {
        self.rows.len()
    }

    /// The type of the values; `None` for a pattern.
    pub fn dtype(&self) -> Option<DType> {
        self.data.dtype()
    }

    /// The type of the indices as written in files: `Int32` for `u32`, `Int64` for `u64`.
    pub fn index_dtype(&self) -> DType {
        on_disk(self.types().1)
    }

    /// The transpose, without a copy.
    #[doc(alias = "T")]
    pub fn transpose(&self) -> Self {
        let AnyCoo { shape, rows, cols, data, checked } = self.clone();
        AnyCoo { shape: (shape.1, shape.0), rows: cols, cols: rows, data, checked }
    }

    /// The pattern only, without a copy.
    pub fn pattern(&self) -> Self {
        AnyCoo { data: RawBuffer::pattern(self.nnz()), ..self.clone() }
    }

    pub(crate) fn types(&self) -> CooTypes {
        (self.data.dtype(), self.rows.dtype().expect("indices have a type"))
    }

    pub(crate) fn rows(&self) -> &RawBuffer {
        &self.rows
    }

    pub(crate) fn cols(&self) -> &RawBuffer {
        &self.cols
    }

    pub(crate) fn data(&self) -> &RawBuffer {
        &self.data
    }

    /// Bytes of the arrays that are in files.
    pub fn stored_bytes(&self) -> u64 {
        self.rows.stored_bytes() + self.cols.stored_bytes() + self.data.stored_bytes()
    }

    /// Records that all coordinates were made in range.
    pub(crate) fn assume_checked(self) -> Self {
        self.checked.get_or_init(|| ());
        self
    }

    /// Checks that every coordinate is in range. Reads them once; the result is remembered.
    pub fn check(&self) -> Result<()> {
        if self.checked.get().is_some() {
            return Ok(());
        }
        self.check_run(0, Indices::of(&self.rows), Indices::of(&self.cols))?;
        self.checked.get_or_init(|| ());
        Ok(())
    }

    /// Checks that the coordinates of a run of entries, starting with entry `start`, are in range.
    pub(crate) fn check_run(
        &self,
        start: usize,
        rows: Indices<'_>,
        cols: Indices<'_>,
    ) -> Result<()> {
        let (nrows, ncols) = self.shape;
        let axes = [("a row", &self.rows, rows, nrows), ("a column", &self.cols, cols, ncols)];
        for (name, array, run, extent) in axes {
            let Some(k) = by_index!(run, run => first_outside(run, extent)) else { continue };
            let error = Error::new(ErrorKind::Index, format!("{name} index is out of range"))
                .at(Location::Position((start + k) as u64))
                .expected(format!("an index below {extent}"))
                .found(run.at(k));
            return Err(match array.file() {
                Some((path, _)) => error.in_file(path),
                None => error,
            });
        }
        Ok(())
    }
}

fn first_outside<I: Index>(run: &[I], extent: usize) -> Option<usize> {
    let outside = |index: &I| index.to_usize() >= extent;
    run.par_chunks(TASK)
        .enumerate()
        .find_map_first(|(task, run)| run.iter().position(outside).map(|k| task * TASK + k))
}
