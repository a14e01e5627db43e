//! The order in which an array file stores its positions: column by column, each from its first stored row down.

use crate::io::matrix_market::header::{Header, Symmetry};

/// The position of the next value.
#[derive(Debug)]
pub(super) struct ArrayPositions {
    row: usize,
    col: usize,
    nrows: usize,
    ncols: usize,
    symmetry: Symmetry,
}

impl ArrayPositions {
    /// The positions of a file with this header; including those on the diagonal of a skew-symmetric one if `diagonal`.
    pub(super) fn new(header: &Header, diagonal: bool) -> Self {
        let symmetry = if diagonal { Symmetry::Symmetric } else { header.symmetry };
        let mut walk =
            ArrayPositions { row: 0, col: 0, nrows: header.nrows, ncols: header.ncols, symmetry };
        walk.row = walk.first_row();
        walk.leave_full_columns();
        walk
    }

    /// Row and column, or `None` after the last position.
    #[inline]
    pub(super) fn position(&self) -> Option<(usize, usize)> {
        (self.row < self.nrows && self.col < self.ncols).then_some((self.row, self.col))
    }

    /// Goes to the next position.
    #[inline]
    pub(super) fn step(&mut self) {
        self.row += 1;
        if self.row == self.nrows {
            self.col += 1;
            self.row = self.first_row();
            self.leave_full_columns();
        }
    }

    fn first_row(&self) -> usize {
        match self.symmetry {
            Symmetry::General => 0,
            Symmetry::Symmetric | Symmetry::Hermitian => self.col,
            Symmetry::SkewSymmetric => self.col + 1,
        }
    }

    /// A column that stores no row can only be the last one, of a skew-symmetric matrix, or one of a matrix without
    /// rows.
    fn leave_full_columns(&mut self) {
        if self.row >= self.nrows {
            self.col = self.ncols;
        }
    }
}
