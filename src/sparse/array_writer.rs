//! A compressed matrix whose arrays are known and are handed over one after the other, at any place.
//!
//! An [`AnyWriter`](super::AnyWriter) makes the pointers while it takes lines; here they come from elsewhere, and are
//! checked at the end, before the matrix is published.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::files::{ValueWriter, index_header};
use crate::sparse::writer::{CompressedSize, arrays_of};
use crate::storage::raw::Raw;
use crate::storage::{Context, INDICES_FILE, Maker, POINTERS_FILE, Place, RawWriter, Stage};

/// Takes the elements of the three arrays, each from the first to the last.
pub(crate) struct AnyArrayWriter {
    what: CompressedSize,
    stage: Stage,
    indptr: RawWriter,
    indices: RawWriter,
    data: ValueWriter,
}

impl AnyArrayWriter {
    /// Appends pointers, of the type of the matrix.
    pub(crate) fn push_pointers(&mut self, pointers: Raw<'_>) -> Result<()> {
        self.indptr.push(pointers)
    }

    /// Appends indices, which are already checked.
    pub(crate) fn push_indices(&mut self, indices: Raw<'_>) -> Result<()> {
        self.indices.push(indices)
    }

    /// Appends values; those of a pattern are only counted.
    pub(crate) fn push_data(&mut self, values: Raw<'_>) -> Result<()> {
        self.data.push(values)
    }
}

impl Maker for AnyArrayWriter {
    type What<'w> = CompressedSize;
    type Filled = ();
    type Made = AnyCompressed;

    fn arrays(what: CompressedSize, place: &Place) -> Result<Vec<u64>> {
        arrays_of(what, place)
    }

    fn start(what: CompressedSize, place: &Place, ctx: &Context) -> Result<Self> {
        let ((format, types), shape, nnz) = what;
        let (major, _) = format.swap_if_cols(shape);
        let stage = Stage::folder(place, ctx)?;
        let array = |name, dtype, len| stage.writer(name, dtype, &index_header(dtype, len), true);
        Ok(AnyArrayWriter {
            indptr: array(POINTERS_FILE, types.pointers, major.saturating_add(1))?,
            indices: array(INDICES_FILE, types.indices, nnz)?,
            data: ValueWriter::new(&stage, types.values, nnz, true)?,
            stage,
            what,
        })
    }

    /// Fails if elements are missing, or if the pointers do not rise from 0 to the number of entries.
    fn end(self, (): ()) -> Result<AnyCompressed> {
        let AnyArrayWriter { what, stage, indptr, indices, data } = self;
        let ((format, types), shape, nnz) = what;
        let (major, _) = format.swap_if_cols(shape);
        let header = index_header(types.pointers, major.saturating_add(1));
        let indptr = stage.finish_writer(POINTERS_FILE, indptr, &header)?;
        let indices =
            stage.finish_writer(INDICES_FILE, indices, &index_header(types.indices, nnz))?;
        let data = data.finish(&stage)?;
        let matrix = AnyCompressed::from_buffers(format, shape, indptr, indices, data)?;
        matrix.check_start()?;
        matrix.published(stage)
    }
}

impl AnyCompressed {
    /// Fails if the pointers do not start at 0: those of a slice in memory need not; those of a stored matrix must.
    pub(crate) fn check_start(&self) -> Result<()> {
        match self.indptr().at(0) {
            0 => Ok(()),
            first => Err(Error::new(ErrorKind::Index, "the pointers do not start at 0")
                .expected(0)
                .found(first)),
        }
    }
}
