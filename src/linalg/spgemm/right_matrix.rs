//! The right matrix of a product: used in place, or read by rows as needed.
//!
//! If it takes at most half of the memory limit, it is used in place. Otherwise its pointers are kept in memory, and
//! every panel of the left matrix loads the rows that it needs.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::kernels::{OutOfRange, Panel};
use crate::linalg::spgemm::kernels::{RowSource, WholeMatrix};
use crate::sparse::{Csr, Indices, by_index, index_out_of_range};
use crate::storage::{Buffer, Context, Entry, Index, RawBuffer};

/// The rows of the right matrix, independent of the type of entries.
#[derive(Clone, Copy)]
pub(super) struct RightRows<'a> {
    pub(super) indptr: Indices<'a>,
    /// `(nrows, ncols)`, and the number of entries.
    pub(super) shape: (usize, usize),
    pub(super) nnz: usize,
    /// Bytes of an entry.
    pub(super) entry: usize,
    /// Whether rows are read as they are needed.
    pub(super) is_read: bool,
}

impl RightRows<'_> {
    /// As [`RightMatrix::span`].
    #[inline(always)]
    pub(super) fn span(&self, k: usize) -> std::result::Result<Range<usize>, OutOfRange> {
        by_index!(self.indptr, indptr => span(indptr, self.nnz, k))
    }

    /// Bytes of a loaded row of `entries` entries.
    pub(super) fn bytes_of_row(&self, entries: usize) -> u64 {
        bytes_of_row(entries, self.entry)
    }
}

/// The entries of row `k`; an error if there is no such row, or if the pointers are out of order or beyond the entries.
#[inline(always)]
pub(super) fn span<P: Index>(
    indptr: &[P],
    nnz: usize,
    k: usize,
) -> std::result::Result<Range<usize>, OutOfRange> {
    let pair = indptr.get(k..).and_then(|rest| rest.first_chunk::<2>()).ok_or(OutOfRange)?;
    let base = indptr[0].to_usize();
    let [from, to] = pair.map(|pointer| pointer.to_usize().wrapping_sub(base));
    if from <= to && to <= nnz { Ok(from..to) } else { Err(OutOfRange) }
}

/// Bytes of a loaded row of `entries` entries of `entry` bytes.
pub(super) fn bytes_of_row(entries: usize, entry: usize) -> u64 {
    // A growing vector has up to twice the capacity for the starts of rows.
    (entries * entry + 2 * size_of::<usize>()) as u64
}

/// The right matrix.
pub(super) struct RightMatrix<T: Entry, I: Index, P: Index> {
    pub(super) matrix: Csr<T, I, P>,
    /// The matrix's pointers; a copy of them if its rows are read.
    indptr: Buffer<P>,
    /// Whether rows are read as they are needed.
    pub(super) is_read: bool,
    /// Whether indices are known to rise in every row.
    rising: bool,
}

impl<T: Entry, I: Index, P: Index> RightMatrix<T, I, P> {
    /// Fails if the matrix must be read and its pointers take more than half of the memory limit, or if one that need
    /// not be read has a bad index.
    pub(super) fn new(matrix: &Csr<T, I, P>, ctx: &Context) -> Result<Self> {
        let is_read = matrix.stored_bytes() > ctx.memory_left() / 2;
        let (indptr, rising) = match is_read {
            true => (kept_pointers(matrix, ctx)?, false),
            false => (matrix.indptr().clone(), ctx.with_threads(|| matrix.check())?),
        };
        Ok(RightMatrix { matrix: matrix.clone(), indptr, is_read, rising })
    }

    /// Bytes of the memory limit that it uses, including pages of its file.
    pub(super) fn memory(&self) -> u64 {
        if self.is_read { self.matrix.indptr().stored_bytes() } else { self.matrix.stored_bytes() }
    }

    /// Bytes of pointers that are kept in memory.
    pub(super) fn kept_bytes(&self) -> u64 {
        if self.is_read { self.memory() } else { 0 }
    }

    /// The same without values.
    pub(super) fn pattern(&self) -> RightMatrix<(), I, P> {
        RightMatrix {
            matrix: self.matrix.pattern(),
            indptr: self.indptr.clone(),
            is_read: self.is_read,
            rising: self.rising,
        }
    }

    /// All rows, in place.
    pub(super) fn whole(&self) -> Result<WholeMatrix<'_, T, I>> {
        let b = &self.matrix;
        let panel = Panel::new(b.indptr(), b.indices(), b.data(), b.ncols(), 0)?;
        Ok(WholeMatrix { panel, rising: self.rising })
    }

    /// The entries of row `k`; an error if there is no such row, or if the pointers are out of order.
    #[inline(always)]
    pub(super) fn span(&self, k: usize) -> std::result::Result<Range<usize>, OutOfRange> {
        span(&self.indptr, self.matrix.nnz(), k)
    }

    /// The rows, independent of the type of entries.
    pub(super) fn rows(&self) -> RightRows<'_> {
        RightRows {
            indptr: Indices::new(&self.indptr),
            shape: self.matrix.shape(),
            nnz: self.matrix.nnz(),
            entry: size_of::<I>() + size_of::<T>(),
            is_read: self.is_read,
        }
    }

    /// The terms of row `i` of A: the entries of all rows of B that it multiplies.
    #[inline(always)]
    pub(super) fn terms<L>(
        &self,
        a: Panel<'_, L, I>,
        i: usize,
    ) -> std::result::Result<usize, OutOfRange> {
        let indices = &a.indices[a.row(i)?];
        indices
            .iter()
            .try_fold(0, |sum: usize, k| Ok(sum.saturating_add(self.span(k.to_usize())?.len())))
    }

    /// The error for the first bad pointer or index of A, or otherwise of the rows of B that A's entries need.
    #[cold]
    pub(super) fn out_of_range<'a, L: Entry>(
        &self,
        left: &Csr<L, I, P>,
        a: Panel<'_, L, I>,
        b: impl RowSource<'a, T, I>,
    ) -> Error
    where
        T: 'a,
    {
        let error = a.out_of_range();
        if error.location().is_some() {
            return left.name_indices(error);
        }
        let limit = self.matrix.ncols().min(I::LARGEST.saturating_add(1));
        for k in a.indices.iter().map(|k| k.to_usize()) {
            let (Ok(span), Ok((indices, _))) = (self.span(k), b.row(k)) else { break };
            if let Some(n) = Indices::new(indices).first_beyond(limit) {
                let position = self.indptr[0].to_usize() + span.start + n;
                let error = index_out_of_range(k, position, indices[n], limit);
                return self.matrix.name_indices(error);
            }
        }
        Error::new(ErrorKind::Index, "a matrix changed while it was being multiplied")
    }
}

/// The pointers, copied unless they are in memory.
fn kept_pointers<T: Entry, I: Index, P: Index>(
    matrix: &Csr<T, I, P>,
    ctx: &Context,
) -> Result<Buffer<P>> {
    let (indptr, bytes) = (matrix.indptr(), matrix.indptr().stored_bytes());
    let most = ctx.memory_left() / 2;
    if bytes > most {
        return Err(Error::new(
            ErrorKind::Memory,
            "the pointers of the right matrix would not fit",
        )
        .expected(format!("at most {most} bytes (half of the memory limit)"))
        .found(format!("{bytes} bytes"))
        .remedy(format!("a limit of {} bytes", 2 * bytes)));
    }
    indptr.raw().kept("the pointers of the right matrix", ctx).map(RawBuffer::into_typed)
}
