//! A sparse matrix being made at its place: arrays to fill, which become a matrix together or not at all.

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::check::{check_indices, check_pointers, check_types};
use crate::sparse::files::{finish_values, index_header, new_values};
use crate::sparse::indices::{Indices, by_index};
use crate::sparse::types::Types;
use crate::storage::{
    Context, INDICES_FILE, POINTERS_FILE, Place, RawBufferMut, SparseFormat, Stage,
};

/// The three arrays of a compressed matrix, all zeros at first. The caller fills `indptr` with pointers from 0 to the
/// number of entries, which may be less than the capacity.
pub(crate) struct AnyDraft {
    stage: Stage,
    types: Types,
    pub(crate) indptr: RawBufferMut,
    pub(crate) indices: RawBufferMut,
    pub(crate) data: RawBufferMut,
}

impl AnyDraft {
    /// Arrays for `nnz` entries of a matrix of `shape`.
    ///
    /// Fails if the index types are too narrow, or if memory or disk space is insufficient.
    pub(crate) fn new(
        (format, types): (SparseFormat, Types),
        shape: (usize, usize),
        nnz: usize,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let (major, minor) = format.swap_if_cols(shape);
        check_types((types.indices, types.pointers), major, minor, nnz)?;
        let stage = Stage::folder(place, ctx)?;
        let array = |name, dtype, len| stage.array(name, dtype, &index_header(dtype, len));
        Ok(AnyDraft {
            indptr: array(POINTERS_FILE, types.pointers, major + 1)?,
            indices: array(INDICES_FILE, types.indices, nnz)?,
            data: new_values(&stage, types.values, nnz)?,
            types,
            stage,
        })
    }

    /// The finished matrix. Its pointers are checked; its indices, unless declared `canonical`, at first use.
    pub(crate) fn finish(
        self,
        format: SparseFormat,
        shape: (usize, usize),
        canonical: bool,
    ) -> Result<AnyCompressed> {
        let AnyDraft { stage, types, indptr, indices, data } = self;
        let lines = indptr.len();
        let nnz = Indices::of_mut(&indptr).at(lines - 1);
        let pointers = index_header(types.pointers, lines);
        let indptr = stage.finish(POINTERS_FILE, indptr, &pointers)?;
        let indices = stage.finish(INDICES_FILE, indices, &index_header(types.indices, nnz))?;
        let data = finish_values(&stage, data, nnz)?;
        let matrix = AnyCompressed::from_buffers(format, shape, indptr, indices, data)?;
        let matrix = matrix.published(stage)?;
        Ok(if canonical { matrix.assume_canonical() } else { matrix })
    }

    /// As [`finish`](Self::finish), for a draft made from another matrix. The draft itself is checked before it is
    /// published, because its source may be in a file that another process is changing. Reads the indices once.
    pub(crate) fn finish_checked(
        self,
        format: SparseFormat,
        shape: (usize, usize),
    ) -> Result<AnyCompressed> {
        let (major, minor) = format.swap_if_cols(shape);
        let (indptr, indices) = (Indices::of_mut(&self.indptr), Indices::of_mut(&self.indices));
        by_index!(indptr, indptr => check_pointers(indptr, major, indices.len()))?;
        let canonical = check_indices(indptr, indices, minor)?;
        self.finish(format, shape, canonical)
    }
}
