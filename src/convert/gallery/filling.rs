//! Buffers for generated rows, filled some hundred positions or values at a time, for any types.

use crate::sparse::IndicesMut;
use crate::storage::raw::RawMut;

/// Positions or values that are stored at a time.
pub(super) const BLOCK: usize = 128;

/// Buffers for some rows.
pub(super) struct RowBuffers<'a> {
    /// The position of their first entry in the matrix, from which the ends are counted.
    pub(super) start: usize,
    /// The end of each row.
    pub(super) ends: IndicesMut<'a>,
    /// One per entry.
    pub(super) indices: IndicesMut<'a>,
    pub(super) data: RawMut<'a>,
}

/// Accepts positions one by one.
pub(super) struct Positions<'a> {
    /// The buffer for the next positions.
    to: IndicesMut<'a>,
    block: [usize; BLOCK],
    count: usize,
}

impl<'a> Positions<'a> {
    pub(super) fn new(to: IndicesMut<'a>) -> Self {
        Positions { to, block: [0; BLOCK], count: 0 }
    }

    #[inline]
    pub(super) fn push(&mut self, position: usize) {
        self.block[self.count] = position;
        self.count += 1;
        if self.count == BLOCK {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        self.to.take_front(self.count).copy_from(&self.block[..self.count]);
        self.count = 0;
    }
}

/// Accepts the entries of rows one by one, with numbers from which their values are made.
pub(super) struct RowFilling<'a> {
    next: usize,
    ends: Positions<'a>,
    cols: Positions<'a>,
    /// The buffer for the next values.
    data: RawMut<'a>,
    numbers: [f32; BLOCK],
    count: usize,
    make: &'a Make<'a>,
}

/// Makes values from numbers.
pub(super) type Make<'a> = dyn Fn(&[f32], RawMut<'_>) + Sync + 'a;

impl<'a> RowFilling<'a> {
    pub(super) fn new(buffers: RowBuffers<'a>, make: &'a Make<'a>) -> Self {
        let RowBuffers { start, ends, indices, data } = buffers;
        let (ends, cols) = (Positions::new(ends), Positions::new(indices));
        RowFilling { next: start, ends, cols, data, numbers: [0.0; BLOCK], count: 0, make }
    }

    #[inline]
    pub(super) fn entry(&mut self, col: usize, number: f32) {
        self.next += 1;
        self.cols.push(col);
        self.numbers[self.count] = number;
        self.count += 1;
        if self.count == BLOCK {
            self.flush();
        }
    }

    #[inline]
    pub(super) fn end_row(&mut self) {
        self.ends.push(self.next);
    }

    fn flush(&mut self) {
        (self.make)(&self.numbers[..self.count], self.data.take_front(self.count));
        self.count = 0;
    }

    /// After the last row.
    pub(super) fn finish(mut self) {
        self.flush();
        self.ends.flush();
        self.cols.flush();
    }
}
