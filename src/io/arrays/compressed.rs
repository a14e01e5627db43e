//! CSR and CSC matrices of three arrays.

use crate::any::{AnyMatrix, check_known};
use crate::error::Result;
use crate::io::arrays::array::ForeignArray;
use crate::io::arrays::values::ForeignValues;
use crate::io::read_as::ReadAs;
use crate::sparse::{AnyArrayWriter, AnyCompressed, Types, largest};
use crate::storage::work;
use crate::storage::{Context, DType, Pass, Place, Plan, SparseFormat};

/// A compressed matrix in a file.
pub(in crate::io) struct ForeignLines {
    /// `Csr` or `Csc`.
    pub(in crate::io) format: SparseFormat,
    pub(in crate::io) shape: (usize, usize),
    pub(in crate::io) indptr: ForeignArray,
    pub(in crate::io) indices: ForeignArray,
    pub(in crate::io) values: ForeignValues,
}

/// The matrix: mapped if all its arrays can be used in place, else a copy at `place`.
///
/// Pointers are checked. Indices are checked while they are copied; those of a mapped matrix when they are first used.
pub(in crate::io) fn read(
    operation: &'static str,
    lines: &ForeignLines,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let types = lines.check()?;
    if let Some(matrix) = lines.map(types)? {
        return Ok((AnyMatrix::of_lines(matrix), ReadAs::Mapped));
    }
    let matrix = lines.copy(operation, types, place, ctx)?;
    Ok((AnyMatrix::of_lines(matrix), ReadAs::Copied))
}

/// The narrower type of indices that reaches this far, or the stored one if that is wider.
pub(super) fn at_least(stored: DType, most: usize) -> DType {
    if most <= largest(DType::UInt32) { stored } else { DType::UInt64 }
}

impl ForeignLines {
    fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// The extent of the axis with pointers, and that of the other.
    fn extents(&self) -> (usize, usize) {
        self.format.swap_if_cols(self.shape)
    }

    /// Compares the shapes and types of the arrays.
    fn check(&self) -> Result<Types> {
        let (major, minor) = self.extents();
        self.indptr.check_line(Some(major.saturating_add(1)))?;
        self.indices.check_line(None)?;
        self.values.check(self.nnz())?;
        if let Some(dtype) = self.values.dtype() {
            check_known(dtype, self.indices.file().path())
                .map_err(|error| self.values.blame(error))?;
        }
        Ok(Types {
            values: self.values.dtype(),
            indices: at_least(self.indices.index_type()?, major.max(minor)),
            pointers: at_least(self.indptr.index_type()?, self.nnz()),
        })
    }

    fn map(&self, types: Types) -> Result<Option<AnyCompressed>> {
        let same =
            self.indptr.is_stored_as(types.pointers) && self.indices.is_stored_as(types.indices);
        if !same {
            return Ok(None);
        }
        let (Some(indptr), Some(indices), Some(data)) = (
            self.indptr.map_as(types.pointers)?,
            self.indices.map_as(types.indices)?,
            self.values.map(self.nnz())?,
        ) else {
            return Ok(None);
        };
        let matrix = AnyCompressed::from_buffers(self.format, self.shape, indptr, indices, data);
        let matrix = matrix.map_err(|error| self.blame(error))?;
        matrix.check_start().map_err(|error| self.blame(error))?;
        Ok(Some(matrix))
    }

    fn copy(
        &self,
        operation: &'static str,
        types: Types,
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyCompressed> {
        let ((_, minor), nnz) = (self.extents(), self.nnz());
        let kind = (self.format, types);
        let in_file = |error| self.blame(error);
        let plan = Plan::new(operation).works(nnz as u64, work::READ_SPARSE);
        let plan = self.values.plan(self.indices.plan(self.indptr.plan(plan, ctx), ctx), ctx);
        let (of_pointers, of_indices) =
            ((types.pointers, nnz.saturating_add(1)), (types.indices, minor));
        let what = (kind, self.shape, nnz);
        let pass = Pass::new(plan).blaming(&in_file);
        pass.make(what, place, ctx, &mut |writer: &mut AnyArrayWriter| {
            self.indptr.for_each_index(of_pointers, ctx, &mut |run| writer.push_pointers(run))?;
            self.indices.for_each_index(of_indices, ctx, &mut |run| writer.push_indices(run))?;
            self.values.for_each(nnz, ctx, &mut |run| writer.push_data(run))
        })
    }

    /// Names the file, in an error about the whole.
    fn blame(&self, error: crate::error::Error) -> crate::error::Error {
        error.in_file(self.indptr.file().path())
    }
}
