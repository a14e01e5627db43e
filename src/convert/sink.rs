//! Sorted lines on their way into a compressed matrix.

use crate::convert::buckets::Sink;
use crate::error::Result;
use crate::sparse::{Axis, Compressed, CompressedWriter};
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
