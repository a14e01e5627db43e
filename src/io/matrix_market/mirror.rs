//! The other triangle: entries expanded by a symmetry.

use crate::error::{Error, ErrorKind, Result};
use crate::io::matrix_market::header::Symmetry;
use crate::io::matrix_market::number::Number;

/// The expansion of entries by a symmetry, and the triangle in which they were found.
pub(super) struct Mirror {
    symmetry: Symmetry,
    /// Whether the first entry off the diagonal was below it.
    pub(super) lower: Option<bool>,
}

impl Mirror {
    pub(super) fn new(symmetry: Symmetry) -> Self {
        Mirror { symmetry, lower: None }
    }

    /// The value on the other side of the diagonal, if there is one.
    #[inline]
    pub(super) fn image<T: Number>(
        &mut self,
        row: usize,
        col: usize,
        value: T,
    ) -> Result<Option<T>> {
        if self.symmetry == Symmetry::General {
            return Ok(None);
        }
        if row == col {
            return match self.symmetry {
                Symmetry::SkewSymmetric => Err(on_skew_diagonal(row)),
                _ => Ok(None),
            };
        }
        if *self.lower.get_or_insert(row > col) != (row > col) {
            return Err(self.both_triangles(row, col));
        }
        match self.symmetry {
            Symmetry::Hermitian => Ok(Some(value.conjugated())),
            Symmetry::SkewSymmetric => value.negated().map(Some).ok_or_else(|| {
                Error::new(ErrorKind::Value, "the mirror image does not fit the type asked for")
                    .expected("a value whose negative the type holds")
                    .found(format!("{value:?}"))
            }),
            Symmetry::General | Symmetry::Symmetric => Ok(Some(value)),
        }
    }

    #[cold]
    pub(super) fn both_triangles(&self, row: usize, col: usize) -> Error {
        let side = |lower: bool| if lower { "below" } else { "above" };
        Error::new(ErrorKind::Format, format!("a {} file stores one triangle", self.symmetry))
            .expected(format!("entries {} the diagonal, like those before", side(row < col)))
            .found(format!("row {}, column {}", row + 1, col + 1))
            .remedy("store one triangle, or declare the matrix general")
    }
}

#[cold]
fn on_skew_diagonal(row: usize) -> Error {
    Error::new(ErrorKind::Format, "a skew-symmetric matrix stores no diagonal")
        .expected("a row and a column that differ")
        .found(format!("row {0}, column {0}", row + 1))
}
