//! Sinks that write sorted lines to a compressed matrix or a coordinate matrix.

use crate::convert::sort::passes::AnySink;
use crate::error::Result;
use crate::sparse::{AnyCompressed, AnyCoo, AnyCooWriter, AnyWriter, IndexVec, Indices};
use crate::storage::raw::Raw;
use crate::storage::{DType, SparseFormat};

/// Writes its lines to a compressed matrix.
pub(crate) struct AnyMatrixSink {
    writer: AnyWriter,
    format: SparseFormat,
    canonical: bool,
}

impl AnyMatrixSink {
    /// A sink for a matrix in this format.
    pub(crate) fn new(writer: AnyWriter, format: SparseFormat) -> Self {
        AnyMatrixSink { writer, format, canonical: true }
    }

    pub(crate) fn finish(self) -> Result<AnyCompressed> {
        self.writer.finish(self.canonical)
    }
}

impl AnySink for AnyMatrixSink {
    fn lines(
        &mut self,
        lens: &[usize],
        indices: Indices<'_>,
        data: Raw<'_>,
        canonical: bool,
    ) -> Result<()> {
        self.canonical &= canonical;
        self.writer.push_lines(lens, indices.raw(), data)
    }

    fn part(&mut self, indices: Indices<'_>, data: Raw<'_>, canonical: bool) -> Result<()> {
        self.canonical &= canonical;
        self.writer.push_part(indices.raw(), data)
    }

    fn end_line(&mut self) -> Result<()> {
        self.writer.end_line()
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        position(self.format)
    }
}

/// Converts a line and an index of a matrix in this format to row and column.
pub(crate) fn position(format: SparseFormat) -> fn((usize, usize)) -> (usize, usize) {
    match format {
        SparseFormat::Csc => |(line, index)| (index, line),
        _ => |place| place,
    }
}

/// Writes the coordinates of its lines, which are rows.
pub(crate) struct AnyCooSink {
    writer: AnyCooWriter,
    /// The next row.
    row: usize,
    /// Rows of entries not yet written.
    rows: IndexVec,
}

impl AnyCooSink {
    /// A sink for coordinates of a type.
    pub(crate) fn new(writer: AnyCooWriter, index: DType) -> Self {
        AnyCooSink { writer, row: 0, rows: IndexVec::new(index) }
    }

    pub(crate) fn finish(self) -> Result<AnyCoo> {
        self.writer.finish()
    }
}

impl AnySink for AnyCooSink {
    fn lines(
        &mut self,
        lens: &[usize],
        indices: Indices<'_>,
        data: Raw<'_>,
        _: bool,
    ) -> Result<()> {
        self.rows.clear();
        for (k, len) in lens.iter().enumerate() {
            self.rows.resize(self.rows.len() + len, self.row + k);
        }
        self.row += lens.len();
        self.writer.push(self.rows.as_raw(), indices.raw(), data)
    }

    fn part(&mut self, indices: Indices<'_>, data: Raw<'_>, _: bool) -> Result<()> {
        self.rows.clear();
        self.rows.resize(indices.len(), self.row);
        self.writer.push(self.rows.as_raw(), indices.raw(), data)
    }

    fn end_line(&mut self) -> Result<()> {
        self.row += 1;
        Ok(())
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        |place| place
    }
}
