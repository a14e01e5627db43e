//! Entries one by one, as rows, columns and values.

use std::iter::FusedIterator;
use std::ops::Range;

use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::coo::Coo;
use crate::storage::{Entry, Index};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Row, column and value of every entry, in stored order: row by row, or column by column for CSC.
    ///
    /// Indices of a matrix from a file are below its extents only if it was [checked](Self::check). This uses one
    /// thread, and the arrays in place; for all threads, and for files larger than memory, use the operations that take
    /// a [`Context`](crate::Context).
    ///
    /// ```
    /// use outcore::{Csc, Csr};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// assert_eq!(a.iter().collect::<Vec<_>>(), [(0, 0, 1.0), (0, 2, 2.0), (1, 1, 3.0)]);
    /// let transpose: Csc<f64> = a.transpose();
    /// assert_eq!(transpose.iter().last(), Some((1, 1, 3.0)));
    /// let mut sum = 0.0;
    /// for (_, _, value) in &a {
    ///     sum += value;
    /// }
    /// assert_eq!(sum, 6.0);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn iter(&self) -> CompressedIter<'_, T, I, P, A> {
        CompressedIter { matrix: self, lines: 0..self.major(), line: 0, entries: 0..0 }
    }
}

/// Row, column and value of the entries of a [`Compressed`] matrix; see [`Compressed::iter`].
#[derive(Debug)]
pub struct CompressedIter<'a, T: Entry, I: Index, P: Index, A: Axis> {
    matrix: &'a Compressed<T, I, P, A>,
    /// Lines after the current one.
    lines: Range<usize>,
    line: usize,
    /// Remaining entries of the current line.
    entries: Range<usize>,
}

impl<T: Entry, I: Index, P: Index, A: Axis> Iterator for CompressedIter<'_, T, I, P, A> {
    type Item = (usize, usize, T);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(k) = self.entries.next() {
                let index = self.matrix.indices()[k].to_usize();
                let (row, col) = A::swap_if_cols((self.line, index));
                return Some((row, col, self.matrix.data()[k]));
            }
            self.line = self.lines.next()?;
            self.entries = self.matrix.span(self.line);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Pointers in a changing file may be arbitrary: only the entries of this line are certain.
        let most = match self.lines.is_empty() {
            true => Some(self.entries.len()),
            false => self.matrix.nnz().checked_sub(self.entries.start),
        };
        (self.entries.len(), most)
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> FusedIterator for CompressedIter<'_, T, I, P, A> {}

impl<T: Entry, I: Index, P: Index, A: Axis> Clone for CompressedIter<'_, T, I, P, A> {
    fn clone(&self) -> Self {
        let (lines, entries) = (self.lines.clone(), self.entries.clone());
        CompressedIter { lines, entries, ..*self }
    }
}

impl<'a, T: Entry, I: Index, P: Index, A: Axis> IntoIterator for &'a Compressed<T, I, P, A> {
    type Item = (usize, usize, T);
    type IntoIter = CompressedIter<'a, T, I, P, A>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    /// Row, column and value of every entry, in stored order.
    ///
    /// Coordinates of a matrix from a file are below its extents only if it was [checked](Self::check).
    ///
    /// ```
    /// use outcore::Coo;
    /// let a = Coo::<f64>::from_triplets((2, 2), [(1, 0, 3.0), (0, 0, 1.0)])?;
    /// assert_eq!(a.iter().next(), Some((1, 0, 3.0)));
    /// assert_eq!(a.iter().len(), 2);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn iter(&self) -> CooIter<'_, T, I> {
        CooIter { matrix: self, entries: 0..self.nnz() }
    }
}

/// Row, column and value of the entries of a [`Coo`] matrix; see [`Coo::iter`].
#[derive(Clone, Debug)]
pub struct CooIter<'a, T: Entry, I: Index> {
    matrix: &'a Coo<T, I>,
    entries: Range<usize>,
}

impl<T: Entry, I: Index> CooIter<'_, T, I> {
    fn at(&self, k: usize) -> (usize, usize, T) {
        let (rows, cols, data) =
            (self.matrix.row_indices(), self.matrix.col_indices(), self.matrix.data());
        (rows[k].to_usize(), cols[k].to_usize(), data[k])
    }
}

impl<T: Entry, I: Index> Iterator for CooIter<'_, T, I> {
    type Item = (usize, usize, T);

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next().map(|k| self.at(k))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.entries.nth(n).map(|k| self.at(k))
    }
}

impl<T: Entry, I: Index> DoubleEndedIterator for CooIter<'_, T, I> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.next_back().map(|k| self.at(k))
    }
}

impl<T: Entry, I: Index> ExactSizeIterator for CooIter<'_, T, I> {}

impl<T: Entry, I: Index> FusedIterator for CooIter<'_, T, I> {}

impl<'a, T: Entry, I: Index> IntoIterator for &'a Coo<T, I> {
    type Item = (usize, usize, T);
    type IntoIter = CooIter<'a, T, I>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
