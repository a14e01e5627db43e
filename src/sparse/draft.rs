//! A sparse matrix being made at its place: arrays to fill, which become a matrix together or not at all.

use crate::error::Result;
use crate::sparse::axis::Axis;
use crate::sparse::check::{check_indices, check_pointers, check_widths};
use crate::sparse::compressed::Compressed;
use crate::sparse::files::{describe, finish_values, index_header, new_values};
use crate::storage::{
    BufferMut, Context, DESCRIPTOR, Entry, INDICES_FILE, Index, POINTERS_FILE, Place, Stage,
};

/// The three arrays of a compressed matrix, all zeros at first. Whoever fills them puts into `indptr` pointers from 0
/// to the number of entries, which may be less than the room there is.
pub(crate) struct CompressedDraft<T: Entry, I: Index, P: Index> {
    stage: Stage,
    pub(crate) indptr: BufferMut<P>,
    pub(crate) indices: BufferMut<I>,
    pub(crate) data: BufferMut<T>,
}

impl<T: Entry, I: Index, P: Index> CompressedDraft<T, I, P> {
    /// Room for `nnz` entries of a matrix of `shape` compressed along `A`.
    ///
    /// Fails if the index types are too narrow, or if there is not the memory or the disk space.
    pub(crate) fn new<A: Axis>(
        shape: (usize, usize),
        nnz: usize,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let (major, minor) = A::swap_if_cols(shape);
        check_widths::<I, P>(major, minor, nnz)?;
        let stage = Stage::folder(place, ctx)?;
        Ok(CompressedDraft {
            indptr: stage.array(POINTERS_FILE, &index_header::<P>(major + 1))?,
            indices: stage.array(INDICES_FILE, &index_header::<I>(nnz))?,
            data: new_values(&stage, nnz)?,
            stage,
        })
    }

    /// The finished matrix. Its pointers are checked; its indices, unless said to be `canonical`, at first use.
    pub(crate) fn finish<A: Axis>(
        self,
        shape: (usize, usize),
        canonical: bool,
    ) -> Result<Compressed<T, I, P, A>> {
        let CompressedDraft { stage, indptr, indices, data } = self;
        let nnz = indptr.last().map_or(0, |last| last.to_usize());
        let descriptor = describe::<T, I, P>(A::FORMAT, shape, nnz);
        let pointers = index_header::<P>(indptr.len());
        let indptr = stage.finish(POINTERS_FILE, indptr, &pointers)?;
        let indices = stage.finish(INDICES_FILE, indices, &index_header::<I>(nnz))?;
        let data = finish_values(&stage, data, nnz)?;
        let matrix = Compressed::from_buffers(shape, indptr, indices, data)?;
        stage.text(DESCRIPTOR, &descriptor.to_text())?;
        stage.publish(DESCRIPTOR)?;
        Ok(if canonical { matrix.assume_canonical() } else { matrix })
    }

    /// As [`finish`](Self::finish), for a draft made from another matrix: what is checked, before it is published, is
    /// the draft, because its source may lie in a file that somebody is changing. Reads the indices once.
    pub(crate) fn finish_checked<A: Axis>(
        self,
        shape: (usize, usize),
    ) -> Result<Compressed<T, I, P, A>> {
        let (major, minor) = A::swap_if_cols(shape);
        check_pointers(&self.indptr, major, self.indices.len())?;
        let canonical = check_indices(&self.indptr, &self.indices, minor)?;
        self.finish(shape, canonical)
    }
}
