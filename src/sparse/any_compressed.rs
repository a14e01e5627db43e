//! A compressed matrix whose types and axis are known at run time. All operations of [`Compressed`] without arithmetic
//! are compiled for this type, in this library.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::check::{check_indices, check_pointers, check_types};
use crate::sparse::files::describe;
use crate::sparse::index_state::IndexState;
use crate::sparse::indices::{Indices, by_index};
use crate::sparse::types::Types;
use crate::storage::{DESCRIPTOR, Index, RawBuffer, SparseFormat, Stage};

/// A [`Compressed`] of any types. Cloning copies pointers.
#[derive(Clone)]
pub struct AnyCompressed {
    /// `Csr` or `Csc`.
    pub(crate) format: SparseFormat,
    pub(crate) shape: (usize, usize),
    /// Never decreases; its last element is `nnz` more than its first, which is not 0 in a slice of a matrix.
    pub(crate) indptr: RawBuffer,
    pub(crate) indices: RawBuffer,
    pub(crate) data: RawBuffer,
    pub(crate) index_state: Arc<IndexState>,
}

impl AnyCompressed {
    /// A matrix over three arrays. Pointers are checked; indices when they are first used.
    pub(crate) fn from_buffers(
        format: SparseFormat,
        shape: (usize, usize),
        indptr: RawBuffer,
        indices: RawBuffer,
        data: RawBuffer,
    ) -> Result<Self> {
        let matrix = Self::from_written(format, shape, indptr, indices, data)?;
        let major = matrix.extents().0;
        by_index!(matrix.indptr(), indptr => check_pointers(indptr, major, matrix.nnz()))?;
        Ok(matrix)
    }

    /// The matrix, whose arrays are finished, published with its descriptor.
    pub(crate) fn published(self, stage: Stage) -> Result<Self> {
        let descriptor = || describe(self.format, self.shape, self.nnz(), self.types()).to_text();
        stage.text(DESCRIPTOR, &descriptor)?;
        stage.publish(DESCRIPTOR)?;
        Ok(self)
    }

    /// As [`from_buffers`](Self::from_buffers), for pointers that were just made in order and need no second check.
    pub(crate) fn from_written(
        format: SparseFormat,
        shape: (usize, usize),
        indptr: RawBuffer,
        indices: RawBuffer,
        data: RawBuffer,
    ) -> Result<Self> {
        let index_state = Arc::default();
        let matrix = AnyCompressed { format, shape, indptr, indices, data, index_state };
        let ((major, minor), types) = (matrix.extents(), matrix.types());
        check_types((types.indices, types.pointers), major, minor, matrix.nnz())?;
        if matrix.data.len() != matrix.nnz() {
            return Err(Error::shape("the value array", matrix.nnz(), matrix.data.len()));
        }
        Ok(matrix)
    }

    pub(crate) fn format(&self) -> SparseFormat {
        self.format
    }

    /// `(nrows, ncols)`.
    pub(crate) fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// The extent of the axis with pointers, and that of the other.
    pub(crate) fn extents(&self) -> (usize, usize) {
        self.format.swap_if_cols(self.shape)
    }

    /// Extent of the axis with pointers.
    pub(crate) fn major(&self) -> usize {
        self.extents().0
    }

    /// Extent of the other axis.
    pub(crate) fn minor(&self) -> usize {
        self.extents().1
    }

    /// Number of stored entries.
    pub(crate) fn nnz(&self) -> usize {
        self.indices.len()
    }

    pub(crate) fn types(&self) -> Types {
        let index = |buffer: &RawBuffer| buffer.dtype().expect("indices have a type");
        Types {
            values: self.data.dtype(),
            indices: index(&self.indices),
            pointers: index(&self.indptr),
        }
    }

    pub(crate) fn indptr(&self) -> Indices<'_> {
        Indices::of(&self.indptr)
    }

    pub(crate) fn indices(&self) -> Indices<'_> {
        Indices::of(&self.indices)
    }

    pub(crate) fn data(&self) -> &RawBuffer {
        &self.data
    }

    pub(crate) fn indptr_buffer(&self) -> &RawBuffer {
        &self.indptr
    }

    /// Pointers, indices and values.
    pub(crate) fn arrays(&self) -> [&RawBuffer; 3] {
        [&self.indptr, &self.indices, &self.data]
    }

    pub(crate) fn indices_buffer(&self) -> &RawBuffer {
        &self.indices
    }

    /// The positions of one line in indices and values. `line` is below [`major`](Self::major).
    pub(crate) fn span(&self, line: usize) -> Range<usize> {
        let indptr = self.indptr();
        let base = indptr.at(0);
        // Another process may have changed a mapped file since it was checked: stay within the arrays.
        let end = indptr.at(line + 1).wrapping_sub(base).min(self.nnz());
        indptr.at(line).wrapping_sub(base).min(end)..end
    }

    /// Bytes of the arrays that are in files.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.indptr.stored_bytes() + self.indices.stored_bytes() + self.data.stored_bytes()
    }

    /// Checks that every index is in range, and returns whether they strictly increase within each line. The result is
    /// remembered.
    pub(crate) fn check(&self) -> Result<bool> {
        if let Some(&canonical) = self.index_state.canonical.get() {
            return Ok(canonical);
        }
        let checked = check_indices(self.indptr(), self.indices(), self.minor());
        let canonical = checked.map_err(|error| self.name_indices(error))?;
        Ok(*self.index_state.canonical.get_or_init(|| canonical))
    }

    /// Whether indices rise in every line, if that is known and cannot change: for checked indices in memory.
    pub(crate) fn known_canonical(&self) -> Option<bool> {
        if self.indices.origin().is_some() {
            None
        } else {
            self.index_state.canonical.get().copied()
        }
    }

    /// Names the file behind the indices, if there is one, in an error about the indices.
    pub(crate) fn name_indices(&self, error: Error) -> Error {
        match self.indices.file() {
            Some((path, _)) if error.kind() == ErrorKind::Index => error.in_file(path),
            _ => error,
        }
    }

    /// Records that the indices were made in range and in order.
    pub(crate) fn assume_canonical(self) -> Self {
        debug_assert!(
            check_indices(self.indptr(), self.indices(), self.minor()).is_ok_and(|rises| rises)
        );
        self.index_state.canonical.get_or_init(|| true);
        self
    }

    /// The lines in `range` as a separate matrix, without a copy.
    pub(crate) fn slice_major(&self, range: Range<usize>) -> Result<Self> {
        let (major, minor) = self.extents();
        if range.start > range.end || range.end > major {
            return Err(Error::new(ErrorKind::Shape, "there is no such part of the matrix")
                .expected(format!("a range within 0..{major}"))
                .found(format!("{range:?}")));
        }
        let entries = match range.is_empty() {
            true => 0..0,
            false => self.span(range.start).start..self.span(range.end - 1).end,
        };
        let index_state = match self.index_state.canonical.get() {
            Some(true) => IndexState::canonical(),
            _ => Arc::default(),
        };
        Ok(AnyCompressed {
            format: self.format,
            shape: self.format.swap_if_cols((range.len(), minor)),
            indptr: self.indptr.slice(range.start..range.end + 1),
            indices: self.indices.slice(entries.clone()),
            data: self.data.slice(entries),
            index_state,
        })
    }

    /// Whether each line has the same indices in the same order; both matrices have one shape.
    pub(crate) fn same_structure(&self, other: &Self) -> bool {
        self.shape == other.shape
            && self.indices().raw().bytes() == other.indices().raw().bytes()
            && match (self.indptr(), other.indptr()) {
                (Indices::Narrow(a), Indices::Narrow(b)) => same_from_the_first(a, b),
                (Indices::Wide(a), Indices::Wide(b)) => same_from_the_first(a, b),
                _ => false,
            }
    }

    /// The transpose: the same arrays compressed along the other axis.
    pub(crate) fn transpose(&self) -> Self {
        let (nrows, ncols) = self.shape;
        AnyCompressed { format: self.format.other(), shape: (ncols, nrows), ..self.clone() }
    }

    /// The structure only.
    pub(crate) fn pattern(&self) -> Self {
        AnyCompressed { data: RawBuffer::pattern(self.nnz()), ..self.clone() }
    }

    /// The same structure with other values; there is one for each entry.
    pub(crate) fn with_data(&self, data: RawBuffer) -> Result<Self> {
        if data.len() != self.nnz() {
            return Err(Error::shape("the value array", self.nnz(), data.len()));
        }
        Ok(AnyCompressed { data, ..self.clone() })
    }
}

/// Whether pointers are equal, each counted from the first of its matrix.
fn same_from_the_first<P: Index>(a: &[P], b: &[P]) -> bool {
    let base = |pointers: &[P]| pointers.first().map_or(0, |first| first.to_usize());
    let (of_a, of_b) = (base(a), base(b));
    let same = |a: &P, b: &P| a.to_usize().wrapping_sub(of_a) == b.to_usize().wrapping_sub(of_b);
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}
