//! Rows and columns of a sparse matrix by a list or a mask.
//!
//! ```text
//! lines of the matrix:   many in a row -> read as panels and written on
//!                        others        -> gathered from their positions, as many as memory holds, and written
//! the other axis:        a list that rises -> one pass, each index looked up in a table
//!                        any other         -> what is listed, in order and once, by such a pass;
//!                                             then permuted, or, if there are repeats, taken as lines of the transpose
//! ```

use crate::convert::reshape::take_across::{take_across, take_rising};
use crate::convert::reshape::take_lines::take_lines;
use crate::error::{Error, ErrorKind, Location, Result, check_shape};
use crate::sparse::{AnyCompressed, Axis, Compressed};
use crate::storage::{Context, Entry, Index, Place, SparseFormat};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The rows with these numbers, as NumPy's `A[rows]`: in any order, and as often as they are listed.
    ///
    /// Cost, for CSR: the rows are read in place, in the order of the list, and written in one sequential write, within
    /// the memory limit whatever the matrix; no other row is read. For CSC and a rising list: one read of the matrix
    /// and one sequential write, a second read before, to count the entries, if the result goes to memory, and a table
    /// with an index per row. Any other list takes one to three more conversions of the listed entries, in memory if
    /// the result goes there, and otherwise in the scratch folder; indices then rise within columns, duplicates in
    /// their order. The plan of such a list is an estimate.
    ///
    /// Fails with kind [`Index`](ErrorKind::Index) if there is no such row, naming its position in the list, or if an
    /// index is out of range; no result is created then.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])?;
    /// let ctx = Context::new();
    /// let b = a.take_rows(&[1, 0, 1], Place::Memory, &ctx)?;
    /// assert_eq!((b.shape(), b.get(2, 1)?), ((3, 3), Some(3.0)));
    /// let c = a.take_cols(&[2, 0], Place::Memory, &ctx)?;
    /// assert_eq!((c.shape(), c.row(0)?.data), ((2, 2), &[2.0, 1.0][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatCreateSubMatrix")]
    pub fn take_rows(
        &self,
        rows: &[usize],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        take(&self.to_any(), (0, rows), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// The columns with these numbers, as NumPy's `A[:, cols]`; otherwise as [`take_rows`](Self::take_rows) with rows
    /// and CSR exchanged for columns and CSC.
    pub fn take_cols(
        &self,
        cols: &[usize],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        take(&self.to_any(), (1, cols), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// The rows for which `mask` is true, as NumPy's `A[mask]`. Cost: as for a list of these rows, which is kept in
    /// memory. Fails unless there is one `bool` per row.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(3).take_rows_where(&[true, false, true], Place::Memory, &Context::new())?;
    /// assert_eq!((a.shape(), a.get(1, 2)?), ((2, 3), Some(1.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "mask")]
    pub fn take_rows_where(
        &self,
        mask: &[bool],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        take_where(&self.to_any(), (0, mask), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// The columns for which `mask` is true; otherwise as [`take_rows_where`](Self::take_rows_where).
    #[doc(alias = "mask")]
    pub fn take_cols_where(
        &self,
        mask: &[bool],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        take_where(&self.to_any(), (1, mask), &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

/// The names of the operations in plans.
const OPERATIONS: [&str; 2] = ["taking rows", "taking columns"];

/// Whether an axis, 0 for rows, is the axis of the lines of a matrix.
fn is_major(from: &AnyCompressed, axis: usize) -> bool {
    (axis == 0) == (from.format() == SparseFormat::Csr)
}

/// The listed rows (axis 0) or columns (axis 1).
pub(crate) fn take(
    from: &AnyCompressed,
    (axis, list): (usize, &[usize]),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (name, extent) = [("row", from.shape().0), ("column", from.shape().1)][axis.min(1)];
    if let Some(k) = list.iter().position(|&number| number >= extent) {
        return Err(Error::new(ErrorKind::Index, format!("there is no such {name}"))
            .at(Location::Position(k as u64))
            .expected(format!("a {name} below {extent}"))
            .found(list[k]));
    }
    let operation = OPERATIONS[axis.min(1)];
    if is_major(from, axis) {
        return take_lines(operation, from, (list, 0), place, ctx);
    }
    match list.windows(2).all(|pair| pair[0] < pair[1]) {
        true => take_rising(operation, from, (list, 0), place, ctx),
        false => take_across(operation, from, list, place, ctx),
    }
}

/// The rows or columns for which a mask is true.
pub(crate) fn take_where(
    from: &AnyCompressed,
    (axis, mask): (usize, &[bool]),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let (nrows, ncols) = from.shape();
    check_shape("the mask", [nrows, ncols][axis.min(1)], mask.len())?;
    let mut list = ctx.with_capacity("the list", mask.iter().filter(|&&wanted| wanted).count())?;
    list.extend((0..mask.len()).filter(|&k| mask[k]));
    let list = (&list[..], size_of_val(&list[..]) as u64);
    match is_major(from, axis) {
        true => take_lines(OPERATIONS[axis.min(1)], from, list, place, ctx),
        false => take_rising(OPERATIONS[axis.min(1)], from, list, place, ctx),
    }
}
