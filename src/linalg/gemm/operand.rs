//! An operand of a product, and parts of it: in place, or as they were read.

use std::ops::Range;

use ndarray::{ArrayView2, ShapeBuilder, s};

use crate::dense::Dense;
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Scalar;
use crate::storage::raw::Raw;
use crate::storage::{ArrayPanels, ArrayRange, Arrays, Order, Reading};

/// One of the two operands.
pub(super) struct Operand<'a, T: Scalar> {
    pub(super) matrix: &'a Dense<T>,
    /// Whether it is read part by part; otherwise it is used in place.
    pub(super) streamed: bool,
}

/// Some rows of some columns.
#[derive(Clone, Debug)]
pub(super) struct OperandPart {
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
}

impl<'a, T: Scalar> Operand<'a, T> {
    /// A matrix that is used in place if it takes at most `most` bytes of a file.
    pub(super) fn new(matrix: &'a Dense<T>, most: u64) -> Self {
        Operand { matrix, streamed: matrix.buffer().stored_bytes() > most }
    }

    /// Bytes of the matrix if it is read part by part.
    pub(super) fn bytes(&self) -> u64 {
        if self.streamed { self.matrix.buffer().stored_bytes() } else { 0 }
    }

    /// Bytes that are read once, through the map.
    pub(super) fn bytes_in_place(&self) -> u64 {
        if self.streamed { 0 } else { self.matrix.buffer().stored_bytes() }
    }

    /// Contiguous lines of a part, and the range of each that belongs to it.
    fn lines(&self, part: &OperandPart) -> (Range<usize>, Range<usize>) {
        match self.matrix.order() {
            Order::C => (part.rows.clone(), part.cols.clone()),
            Order::Fortran => (part.cols.clone(), part.rows.clone()),
        }
    }

    /// The number of runs of a part in the file.
    pub(super) fn runs(&self, part: &OperandPart) -> usize {
        let (lines, elements) = self.lines(part);
        if elements.len() == self.matrix.lines().1 { 1 } else { lines.len() }
    }

    /// The runs of a part; `array` is the position of the matrix among those that are read.
    pub(super) fn parts(&self, block: &OperandPart, array: usize) -> Vec<ArrayRange> {
        let ((lines, elements), length) = (self.lines(block), self.matrix.lines().1);
        let run = |line: usize, count: usize| {
            let start = line * length + elements.start;
            (array, start..start + count * elements.len())
        };
        match elements.len() == length {
            true => vec![run(lines.start, lines.len())],
            false => lines.map(|line| run(line, 1)).collect(),
        }
    }

    /// A part of a matrix that is used in place.
    pub(super) fn view(&self, part: &OperandPart) -> ArrayView2<'a, T> {
        self.matrix.as_ndarray().slice_move(s![part.rows.clone(), part.cols.clone()])
    }

    /// A part that was read: as it is if it is one run, otherwise assembled in `buffer`.
    pub(super) fn read<'b>(
        &self,
        part: &OperandPart,
        runs: &[Raw<'b>],
        buffer: &'b mut [T],
    ) -> Result<ArrayView2<'b, T>> {
        let elements: &[T] = match runs {
            [one] => one.as_typed(),
            _ => {
                let mut filled = 0;
                for run in runs {
                    let run = run.as_typed();
                    buffer[filled..][..run.len()].copy_from_slice(run);
                    filled += run.len();
                }
                &buffer[..filled]
            }
        };
        self.shaped(part, elements)
    }

    /// Elements of a part, in the order of the matrix.
    pub(super) fn shaped<'b>(
        &self,
        part: &OperandPart,
        elements: &'b [T],
    ) -> Result<ArrayView2<'b, T>> {
        let shape = (part.rows.len(), part.cols.len());
        let shape = shape.set_f(self.matrix.order() == Order::Fortran);
        ArrayView2::from_shape(shape, elements)
            .map_err(|e| Error::new(ErrorKind::Io, "a part was not read completely").found(e))
    }
}

/// Panels of the operands that are read; `None` if there is nothing to read.
pub(super) fn reader<T: Scalar>(
    a: &Operand<'_, T>,
    b: &Operand<'_, T>,
    panels: Vec<Vec<ArrayRange>>,
    budget: u64,
) -> Result<Option<ArrayPanels>> {
    let both = [a, b].into_iter().filter(|operand| operand.streamed);
    let arrays = Arrays::read(both.map(|operand| operand.matrix.buffer().raw()))?;
    if arrays.files() == 0 {
        return Ok(None);
    }
    ArrayPanels::new(arrays, panels, Reading::once(budget)).map(Some)
}
