//! Rows or columns, as a type: the one difference between CSR and CSC.

use crate::storage::SparseFormat;

mod sealed {
    pub trait Sealed {}
}

/// Along which axis a compressed matrix is compressed: [`ByRows`] or [`ByCols`].
///
/// The *major* axis is the one with pointers (rows for CSR), the *minor* one the other.
pub trait Axis: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The other axis, along which the transpose is compressed.
    type Other: Axis<Other = Self>;
    /// The name in a stored matrix.
    const FORMAT: SparseFormat;
    /// `(nrows, ncols)` as `(major, minor)`; the function is its own inverse.
    fn swap_if_cols<N>(shape: (N, N)) -> (N, N);
}

/// Compressed rows: CSR.
#[derive(Clone, Copy, Debug)]
pub enum ByRows {}

/// Compressed columns: CSC.
#[derive(Clone, Copy, Debug)]
pub enum ByCols {}

impl sealed::Sealed for ByRows {}
impl Axis for ByRows {
    type Other = ByCols;
    const FORMAT: SparseFormat = SparseFormat::Csr;
    fn swap_if_cols<N>(shape: (N, N)) -> (N, N) {
        shape
    }
}

impl sealed::Sealed for ByCols {}
impl Axis for ByCols {
    type Other = ByRows;
    const FORMAT: SparseFormat = SparseFormat::Csc;
    fn swap_if_cols<N>((rows, cols): (N, N)) -> (N, N) {
        (cols, rows)
    }
}
