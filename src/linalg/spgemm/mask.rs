//! The positions at which a product is kept.
//!
//! The mask is used in place: a row of it is read when the row of the product is computed, by the same thread.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::kernels::Panel;
use crate::linalg::spgemm::kernels::RowMask;
use crate::sparse::{Axis, ByRows, Compressed, Csr};
use crate::storage::{Context, Entry, Index};

/// The positions at which a product is kept: those that a matrix stores, whatever their values, or all others.
///
/// A structural mask of the GraphBLAS. Making one reads and copies nothing.
#[derive(Clone)]
pub struct Mask<I: Index, P: Index, A: Axis = ByRows> {
    pattern: Compressed<(), I, P, A>,
    is_kept: bool,
}

impl<I: Index, P: Index, A: Axis> Mask<I, P, A> {
    /// The positions that `matrix` stores.
    pub fn new<M: Entry>(matrix: &Compressed<M, I, P, A>) -> Self {
        Mask { pattern: matrix.pattern(), is_kept: true }
    }

    /// All positions except those that `matrix` stores.
    pub fn complement<M: Entry>(matrix: &Compressed<M, I, P, A>) -> Self {
        Mask { pattern: matrix.pattern(), is_kept: false }
    }

    /// The mask of the transpose.
    pub(super) fn transpose(&self) -> Mask<I, P, A::Other> {
        Mask { pattern: self.pattern.transpose(), is_kept: self.is_kept }
    }
}

/// A checked mask of rows.
pub(super) struct Masking<I: Index, P: Index> {
    pattern: Csr<(), I, P>,
    is_kept: bool,
    rising: bool,
    /// For each row of the product the row of the mask, if they differ.
    rows: Option<Vec<usize>>,
    /// Entries of the longest row, if rows must be sorted.
    longest: usize,
}

impl<I: Index, P: Index> Masking<I, P> {
    /// Fails if the shape of the mask differs from that of the product, takes more than a quarter of the memory limit,
    /// or has a bad index.
    pub(super) fn new(mask: &Mask<I, P>, shape: (usize, usize), ctx: &Context) -> Result<Self> {
        let pattern = mask.pattern.clone();
        if pattern.shape() != shape {
            let (expected, found) = (format!("{shape:?}"), format!("{:?}", pattern.shape()));
            return Err(Error::shape("the mask", expected, found));
        }
        let (bytes, most) = (pattern.stored_bytes(), ctx.memory_left() / 4);
        if bytes > most {
            return Err(Error::new(ErrorKind::Memory, "the mask would not fit in memory")
                .expected(format!("at most {most} bytes (a quarter of the memory limit)"))
                .found(format!("{bytes} bytes"))
                .remedy(format!("a limit of {} bytes, or products of runs of rows", 4 * bytes)));
        }
        let rising = ctx.with_threads(|| pattern.check())?;
        let longest = match rising {
            true => 0,
            false => (0..pattern.nrows()).map(|row| pattern.span(row).len()).max().unwrap_or(0),
        };
        Ok(Masking { pattern, is_kept: mask.is_kept, rising, rows: None, longest })
    }

    /// The mask of some rows of the product.
    pub(super) fn of_rows(&self, rows: Vec<usize>) -> Self {
        let rows = Some(rows);
        Masking { pattern: self.pattern.clone(), rows, ..*self }
    }

    /// The mask for the kernels.
    pub(super) fn rows(&self) -> Result<RowMask<'_, I>> {
        let Masking { pattern, is_kept, rising, .. } = self;
        let panel =
            Panel::new(pattern.indptr(), pattern.indices(), pattern.data(), pattern.ncols(), 0)?;
        let rows = self.rows.as_deref();
        Ok(RowMask { panel, rows, is_kept: *is_kept, rising: *rising })
    }

    /// Bytes of the memory limit that it uses as pages of its files.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.pattern.stored_bytes()
    }

    /// Bytes of a row that is sorted.
    pub(super) fn row_bytes(&self) -> u64 {
        (self.longest * size_of::<I>()) as u64
    }

    /// The maximum number of entries of a product with this many terms.
    pub(super) fn most_entries(&self, terms: u64) -> u64 {
        if self.is_kept { terms.min(self.pattern.nnz() as u64) } else { terms }
    }
}
