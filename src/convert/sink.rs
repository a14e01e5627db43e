//! Sorted lines on their way into a compressed matrix, or into a list of coordinates.

use crate::convert::passes::Sink;
use crate::error::Result;
use crate::sparse::{Axis, Compressed, CompressedWriter, Coo, CooWriter};
use crate::storage::{Entry, Index};

/// Writes the lines it is given.
pub(super) struct MatrixSink<T: Entry, I: Index, P: Index, A: Axis> {
    writer: CompressedWriter<T, I, P, A>,
    canonical: bool,
}

impl<T: Entry, I: Index, P: Index, A: Axis> MatrixSink<T, I, P, A> {
    pub(super) fn new(writer: CompressedWriter<T, I, P, A>) -> Self {
        MatrixSink { writer, canonical: true }
    }

    pub(super) fn finish(self) -> Result<Compressed<T, I, P, A>> {
        self.writer.finish(self.canonical)
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> Sink<T, I> for MatrixSink<T, I, P, A> {
    fn lines(&mut self, lens: &[usize], indices: &[I], data: &[T], canonical: bool) -> Result<()> {
        self.canonical &= canonical;
        self.writer.push_lines(lens, indices, data)
    }

    fn part(&mut self, indices: &[I], data: &[T], canonical: bool) -> Result<()> {
        self.canonical &= canonical;
        self.writer.push_part(indices, data)
    }

    fn end_line(&mut self) -> Result<()> {
        self.writer.end_line()
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        A::swap_if_cols::<usize>
    }
}

/// Writes the coordinates of the lines it is given, which are rows.
pub(super) struct CooSink<T: Entry, I: Index> {
    writer: CooWriter<T, I>,
    /// The row that comes next.
    row: usize,
    /// Rows of entries on their way to the writer.
    rows: Vec<I>,
}

impl<T: Entry, I: Index> CooSink<T, I> {
    pub(super) fn new(writer: CooWriter<T, I>) -> Self {
        CooSink { writer, row: 0, rows: Vec::new() }
    }

    pub(super) fn finish(self) -> Result<Coo<T, I>> {
        self.writer.finish()
    }
}

impl<T: Entry, I: Index> Sink<T, I> for CooSink<T, I> {
    fn lines(&mut self, lens: &[usize], indices: &[I], data: &[T], _: bool) -> Result<()> {
        self.rows.clear();
        for (k, len) in lens.iter().enumerate() {
            self.rows.resize(self.rows.len() + len, I::from_usize(self.row + k));
        }
        self.row += lens.len();
        self.writer.push(&self.rows, indices, data)
    }

    fn part(&mut self, indices: &[I], data: &[T], _: bool) -> Result<()> {
        self.rows.clear();
        self.rows.resize(indices.len(), I::from_usize(self.row));
        self.writer.push(&self.rows, indices, data)
    }

    fn end_line(&mut self) -> Result<()> {
        self.row += 1;
        Ok(())
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        |place| place
    }
}
