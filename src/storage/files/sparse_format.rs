//! The formats of sparse matrices and of their values, and Binsparse's names for them.

use crate::storage::memory::DType;

/// The kind of sparse matrix in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SparseFormat {
    /// Compressed rows.
    Csr,
    /// Compressed columns.
    Csc,
    /// Coordinates, sorted by rows where the descriptor says so.
    Coo,
}

impl SparseFormat {
    /// `(nrows, ncols)` as `(major, minor)`, the extent along which lines are stored first; the function is its own
    /// inverse.
    pub(crate) fn swap_if_cols<N>(self, (rows, cols): (N, N)) -> (N, N) {
        if self == SparseFormat::Csc { (cols, rows) } else { (rows, cols) }
    }

    /// The format of the transpose of a compressed matrix.
    pub(crate) fn other(self) -> Self {
        match self {
            SparseFormat::Csr => SparseFormat::Csc,
            SparseFormat::Csc => SparseFormat::Csr,
            SparseFormat::Coo => SparseFormat::Coo,
        }
    }
}

/// How the values of a stored matrix are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoredValues {
    /// One value for each stored position.
    Each(DType),
    /// One value for all positions: a pattern matrix, or a constant one.
    Iso(DType),
}

impl SparseFormat {
    pub(super) const ALL: [(SparseFormat, &'static str); 4] = [
        (SparseFormat::Csr, "CSR"),
        (SparseFormat::Csc, "CSC"),
        (SparseFormat::Coo, "COO"),
        // The specification's newer name for row-sorted coordinates.
        (SparseFormat::Coo, "COOR"),
    ];

    /// The name in the descriptor: `CSR`, `CSC` or `COO`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(format, _)| *format == self).map_or("", |(_, name)| name)
    }
}

/// Binsparse's name of a type.
pub(super) fn type_name(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bint8",
        DType::Complex64 => "complex[float32]",
        DType::Complex128 => "complex[float64]",
        other => other.name(),
    }
}

pub(super) fn type_of(name: &str) -> Option<DType> {
    DType::ALL.into_iter().find(|&dtype| type_name(dtype) == name)
}
