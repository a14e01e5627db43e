//! The entries of a matrix that lie in one of its diagonal blocks, row by row.

use std::ops::{Deref, Range};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::linalg::{Scalar, is_finite};

/// A diagonal block of a matrix, or its factors. The indices of a row rise, none repeats, and the diagonal is stored.
pub(crate) struct DiagonalBlock<X> {
    /// The rows and columns of the matrix that it covers.
    pub(crate) rows: Range<usize>,
    /// The begin of each row in the arrays below, and the end of the last.
    pub(crate) indptr: Vec<usize>,
    /// The place of the diagonal entry within its row.
    pub(crate) diagonal: Vec<u32>,
    /// Columns, counted from the first of the block.
    pub(crate) indices: Vec<u32>,
    pub(crate) data: Vec<X>,
    /// Whether the indices of the row that is being filled have risen so far.
    rising: bool,
}

impl<X: Scalar> DiagonalBlock<X> {
    /// A block without rows so far, of at most `u32::MAX` rows.
    pub(crate) fn new(rows: Range<usize>) -> Self {
        DiagonalBlock {
            rows,
            indptr: vec![0],
            diagonal: Vec::new(),
            indices: Vec::new(),
            data: Vec::new(),
            rising: true,
        }
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes of its arrays.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = self.indptr.capacity() * size_of::<usize>()
            + (self.diagonal.capacity() + self.indices.capacity()) * size_of::<u32>()
            + self.data.capacity() * size_of::<X>();
        bytes as u64
    }

    /// The number of stored entries.
    pub(crate) fn nnz(&self) -> usize {
        self.indptr.last().copied().unwrap_or(0)
    }

    /// Its arrays. Those of a block whose entries are elsewhere are made by who has them.
    pub(crate) fn as_rows(&self) -> BlockRows<'_, &[X]> {
        self.rows_with(&self.indices, &self.data)
    }

    /// Its rows with these entries.
    pub(crate) fn rows_with<'b, D>(&'b self, indices: &'b [u32], data: D) -> BlockRows<'b, D> {
        let DiagonalBlock { rows, indptr, diagonal, .. } = self;
        BlockRows { rows: rows.clone(), indptr, diagonal, indices, data }
    }

    /// Its arrays, with the numbers to write.
    pub(crate) fn as_rows_mut(&mut self) -> BlockRows<'_, &mut [X]> {
        let DiagonalBlock { rows, indptr, diagonal, indices, data, .. } = self;
        BlockRows { rows: rows.clone(), indptr, diagonal, indices, data }
    }

    /// The entries, which leave the block.
    pub(crate) fn take_entries(&mut self) -> (Vec<u32>, Vec<X>) {
        (std::mem::take(&mut self.indices), std::mem::take(&mut self.data))
    }

    /// Adds an entry to the row that is being filled.
    #[inline(always)]
    pub(crate) fn push(&mut self, col: u32, value: X) {
        let starts = self.indptr.last() == Some(&self.indices.len());
        self.rising &= starts || self.indices.last() < Some(&col);
        self.indices.push(col);
        self.data.push(value);
    }

    /// Ends the row that is being filled: sorts its entries, adds those of one position, and stores a zero on the
    /// diagonal if nothing is there. Fails if a number is not finite.
    pub(crate) fn end_row(&mut self) -> Result<()> {
        let row = self.diagonal.len();
        let start = self.indptr[row];
        if !self.rising {
            self.sort_from(start);
            self.rising = true;
        }
        let here = &self.indices[start..];
        let diagonal = here.partition_point(|&col| (col as usize) < row);
        if here.get(diagonal).is_none_or(|&col| col as usize != row) {
            self.indices.insert(start + diagonal, row as u32);
            self.data.insert(start + diagonal, X::zero());
        }
        if let Some(&bad) = self.data[start..].iter().find(|&&x| !is_finite(x)) {
            return Err(Error::new(ErrorKind::Value, "the matrix has a number that is not finite")
                .at(Location::Row((self.rows.start + row) as u64))
                .found(bad));
        }
        self.diagonal.push(diagonal as u32);
        self.indptr.push(self.indices.len());
        Ok(())
    }

    /// Sorts the entries from `start` on, and adds those with the same column in the order in which they came.
    fn sort_from(&mut self, start: usize) {
        let entries = self.indices.drain(start..).zip(self.data.drain(start..));
        let mut entries: Vec<(u32, X)> = entries.collect();
        entries.sort_by_key(|&(col, _)| col);
        for (col, value) in entries {
            if self.indices.len() > start && self.indices.last() == Some(&col) {
                let last = self.data.len() - 1;
                self.data[last] += value;
            } else {
                self.indices.push(col);
                self.data.push(value);
            }
        }
    }

    /// Whether every row has ended.
    pub(crate) fn is_full(&self) -> bool {
        self.diagonal.len() == self.len()
    }

    /// Returns memory that is not used.
    pub(crate) fn shrink(&mut self) {
        self.indptr.shrink_to_fit();
        self.diagonal.shrink_to_fit();
        self.indices.shrink_to_fit();
        self.data.shrink_to_fit();
    }
}

/// The arrays of a full block, or of its factors, with its numbers to read or to write.
pub(crate) struct BlockRows<'b, D> {
    /// The rows and columns of the matrix that it covers.
    pub(crate) rows: Range<usize>,
    pub(crate) indptr: &'b [usize],
    pub(crate) diagonal: &'b [u32],
    pub(crate) indices: &'b [u32],
    pub(crate) data: D,
}

impl<X: Scalar, D: Deref<Target = [X]>> BlockRows<'_, D> {
    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.diagonal.len()
    }

    /// The entries of a row, and the place of the diagonal among them.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> (&[u32], &[X], usize) {
        let entries = self.indptr[row]..self.indptr[row + 1];
        (&self.indices[entries.clone()], &self.data[entries], self.diagonal[row] as usize)
    }

    /// The position of the diagonal entry of a row in the arrays.
    #[inline(always)]
    pub(crate) fn diagonal_at(&self, row: usize) -> usize {
        self.indptr[row] + self.diagonal[row] as usize
    }

    /// The error for a pivot in a row of the block that is zero or not finite.
    #[cold]
    pub(crate) fn bad_pivot(&self, row: usize, found: X, what: &str) -> Error {
        Error::new(ErrorKind::Value, what)
            .at(Location::Row((self.rows.start + row) as u64))
            .expected("a finite number other than zero")
            .found(found)
    }
}

/// The inverse of a pivot, if both are finite and neither is zero.
#[inline(always)]
pub(crate) fn inverse<X: Scalar>(pivot: X) -> Option<X> {
    // The quotient of two finite numbers, scaled so that the square of a complex number does not overflow.
    let inverse = X::one() / pivot;
    let usable = |x: X| !x.is_zero() && is_finite(x);
    (usable(pivot) && usable(inverse)).then_some(inverse)
}

impl<X: Scalar> DiagonalBlock<X> {
    /// The transpose. All diagonal entries are stored in both.
    pub(crate) fn transposed(self) -> Self {
        let n = self.len();
        let mut indptr = vec![0; n + 1];
        self.indices.iter().for_each(|&col| indptr[col as usize + 1] += 1);
        for row in 0..n {
            indptr[row + 1] += indptr[row];
        }
        let mut next = indptr.clone();
        let mut indices = vec![0; self.indices.len()];
        let mut data = vec![X::zero(); self.data.len()];
        let mut diagonal = vec![0; n];
        let rows = self.as_rows();
        for row in 0..n {
            let (cols, values, _) = rows.row(row);
            for (&col, &value) in cols.iter().zip(values) {
                let col = col as usize;
                if col == row {
                    diagonal[row] = (next[row] - indptr[row]) as u32;
                }
                (indices[next[col]], data[next[col]]) = (row as u32, value);
                next[col] += 1;
            }
        }
        DiagonalBlock { rows: self.rows, indptr, diagonal, indices, data, rising: true }
    }
}
