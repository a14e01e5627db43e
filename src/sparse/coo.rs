//! Coordinate matrices: row, column and value of every entry, in any order.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::any_coo::{AnyCoo, coo_bytes};
use crate::sparse::check::check_widths;
use crate::storage::{Buffer, Context, Entry, Index};

/// Triplets that are accepted without checking the memory limit.
const FEW: usize = 1 << 12;

/// What to do with several entries at one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Duplicates {
    /// Add them up, in the order in which they were given; `or` for `bool`. An integer that overflows is an error.
    #[default]
    Sum,
    /// Keep each as a separate entry.
    Keep,
    /// Fail with [`ErrorKind::Duplicate`], naming the position.
    Refuse,
}

/// A sparse matrix as coordinates: row, column and value of every entry, in any order, repeats allowed.
///
/// ```
/// use outcore::{Context, Coo, Csr, Duplicates, Place};
/// let a = Coo::<f64>::from_triplets((2, 2), [(1, 0, 3.0), (0, 0, 1.0), (1, 0, 4.0)])?;
/// let csr: Csr<f64> = a.to_csr(Duplicates::Sum, Place::Memory, &Context::new())?;
/// assert_eq!(csr.get(1, 0)?, Some(7.0));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone)]
pub struct Coo<T: Entry, I: Index = u32> {
    nrows: usize,
    ncols: usize,
    rows: Buffer<I>,
    cols: Buffer<I>,
    data: Buffer<T>,
    /// Set once every coordinate was checked to be in range.
    checked: Arc<OnceLock<()>>,
}

impl<T: Entry, I: Index> Coo<T, I> {
    /// A matrix over three arrays of equal length, without a copy. Checks every coordinate.
    pub fn from_parts(
        shape: (usize, usize),
        rows: impl Into<Buffer<I>>,
        cols: impl Into<Buffer<I>>,
        data: impl Into<Buffer<T>>,
    ) -> Result<Self> {
        let matrix = Self::from_buffers(shape, rows.into(), cols.into(), data.into())?;
        matrix.check()?;
        Ok(matrix)
    }

    /// As [`from_parts`](Self::from_parts), with the coordinates checked at first use.
    pub(crate) fn from_buffers(
        shape: (usize, usize),
        rows: Buffer<I>,
        cols: Buffer<I>,
        data: Buffer<T>,
    ) -> Result<Self> {
        let (rows, cols, data) = (rows.raw().clone(), cols.raw().clone(), data.raw().clone());
        AnyCoo::from_buffers(shape, rows, cols, data).map(Self::from_any)
    }

    /// The matrix with its types known at run time.
    pub(crate) fn to_any(&self) -> AnyCoo {
        AnyCoo {
            shape: (self.nrows, self.ncols),
            rows: self.rows.raw().clone(),
            cols: self.cols.raw().clone(),
            data: self.data.raw().clone(),
            checked: Arc::clone(&self.checked),
        }
    }

    /// A matrix of these types.
    pub(crate) fn from_any(any: AnyCoo) -> Self {
        let AnyCoo { shape: (nrows, ncols), rows, cols, data, checked } = any;
        let (rows, cols, data) = (rows.into_typed(), cols.into_typed(), data.into_typed());
        Coo { nrows, ncols, rows, cols, data, checked }
    }

    /// A matrix in memory from `(row, column, value)` triplets in any order, within the limit of the default
    /// [`Context`].
    #[doc(alias("coo_matrix", "setFromTriplets"))]
    pub fn from_triplets(
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
    ) -> Result<Self> {
        Self::gathered(shape, triplets, &|bytes| Context::new().check_memory("the triplets", bytes))
    }

    /// As [`from_triplets`](Self::from_triplets); `check` is called from time to time with the bytes needed, and fails
    /// if they exceed the limit.
    pub(crate) fn gathered(
        (nrows, ncols): (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
        check: &dyn Fn(u64) -> Result<()>,
    ) -> Result<Self> {
        check_widths::<I, u64>(nrows, ncols, 0)?;
        let triplets = triplets.into_iter();
        let few = triplets.size_hint().0.min(FEW);
        let (mut rows, mut cols) = (Vec::with_capacity(few), Vec::with_capacity(few));
        let mut data = Vec::with_capacity(few);
        for (row, col, value) in triplets {
            if rows.len() >= FEW && rows.len() == rows.capacity() {
                // The old arrays, and new ones twice as large, exist during a copy.
                check(3 * Self::bytes_of(rows.len()))?;
            }
            check_position((row, col), (nrows, ncols), rows.len())?;
            rows.push(I::from_usize(row));
            cols.push(I::from_usize(col));
            data.push(value);
        }
        let matrix = Self::from_buffers((nrows, ncols), rows.into(), cols.into(), data.into())?;
        matrix.checked.get_or_init(|| ());
        Ok(matrix)
    }

    /// The three buffers: rows, columns, values.
    pub fn into_parts(self) -> (Buffer<I>, Buffer<I>, Buffer<T>) {
        (self.rows, self.cols, self.data)
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// `(nrows, ncols)`.
    pub fn shape(&self) -> (usize, usize) {
        (self.nrows, self.ncols)
    }

    /// Number of entries, including explicit zeros and duplicates.
    #[doc(alias = "getnnz")]
    pub fn nnz(&self) -> usize {
        self.rows.len()
    }

    /// The row of every entry.
    pub fn row_indices(&self) -> &Buffer<I> {
        &self.rows
    }

    /// The column of every entry.
    pub fn col_indices(&self) -> &Buffer<I> {
        &self.cols
    }

    /// The value of every entry.
    pub fn data(&self) -> &Buffer<T> {
        &self.data
    }

    /// The transpose, without a copy.
    #[doc(alias = "T")]
    pub fn transpose(&self) -> Self {
        let Coo { nrows, ncols, rows, cols, data, checked } = self.clone();
        Coo { nrows: ncols, ncols: nrows, rows: cols, cols: rows, data, checked }
    }

    /// Bytes of the three arrays of a matrix with `nnz` entries.
    pub(crate) fn bytes_of(nnz: usize) -> u64 {
        coo_bytes((T::ENTRY_DTYPE, I::DTYPE), nnz)
    }

    /// Checks that every coordinate is in range. Reads them once; the result is remembered. Allocates nothing,
    /// and uses the threads of the calling pool, or of a new [`Context`](crate::Context).
    pub fn check(&self) -> Result<()> {
        if self.checked.get().is_some() {
            return Ok(());
        }
        self.to_any().check()
    }
}

/// Fails if the position of entry `k` is outside a matrix of `shape`.
#[inline]
pub(crate) fn check_position(
    position: (usize, usize),
    shape: (usize, usize),
    k: usize,
) -> Result<()> {
    match position.0 < shape.0 && position.1 < shape.1 {
        true => Ok(()),
        false => Err(outside(position, shape, k)),
    }
}

#[cold]
fn outside(position: (usize, usize), shape: (usize, usize), k: usize) -> Error {
    Error::new(ErrorKind::Index, "the entry is outside the matrix")
        .at(Location::Position(k as u64))
        .expected(format!("a position inside {shape:?}"))
        .found(format!("{position:?}"))
}

impl<T: Entry, I: Index> fmt::Debug for Coo<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("COO")
            .field("shape", &self.shape())
            .field("nnz", &self.nnz())
            .field("dtype", &T::ENTRY_DTYPE.map_or("pattern", |dtype| dtype.name()))
            .finish_non_exhaustive()
    }
}

impl AnyCoo {
    /// As a matrix of the types with which it was made.
    pub(crate) fn into_typed<T: Entry, I: Index>(self) -> Coo<T, I> {
        Coo::from_any(self)
    }
}
