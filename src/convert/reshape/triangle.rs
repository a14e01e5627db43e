//! The entries on, below and above a diagonal of a sparse matrix.

use std::ops::Range;

use crate::error::Result;
use crate::sparse::{AnyCompressed, Axis, Compressed, select_ranges};
use crate::storage::{Context, Entry, Index, Place, SparseFormat};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The entries on and below a diagonal, as SciPy's `tril`: those with `column - row <= k`, in a matrix of the same
    /// shape. 0 is the main diagonal, those above it are positive.
    ///
    /// Entries keep their order, and duplicates stay.
    ///
    /// Cost: one read of the matrix and one sequential write, within the memory limit whatever the matrix; a second
    /// read before, to count the entries, if the result goes to memory. The indices are checked on the way; a bad one
    /// is an error that gives its position, and no result is created.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 4], vec![0, 1, 0, 1], vec![1.0, 2.0, 3.0, 4.0])?;
    /// let (lower, ctx) = (a.tril(0, Place::Memory, &Context::new())?, Context::new());
    /// assert_eq!(**lower.data(), [1.0, 3.0, 4.0]);
    /// assert_eq!(**a.triu(1, Place::Memory, &ctx)?.data(), [2.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn tril(&self, k: isize, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        tril(&self.to_any(), k, &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// The entries on and above a diagonal, those with `column - row >= k`; otherwise as [`tril`](Self::tril).
    pub fn triu(&self, k: isize, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        triu(&self.to_any(), k, &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

/// The entries with `column - row <= k`.
pub(crate) fn tril(
    from: &AnyCompressed,
    k: isize,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    triangle("taking the lower triangle", from, (k, false), place, ctx)
}

/// The entries with `column - row >= k`.
pub(crate) fn triu(
    from: &AnyCompressed,
    k: isize,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    triangle("taking the upper triangle", from, (k, true), place, ctx)
}

fn triangle(
    operation: &'static str,
    from: &AnyCompressed,
    (k, upper): (isize, bool),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let minor = from.minor();
    // Within a column the sign of the offset is reversed, and entries above the diagonal come first.
    let (k, after) = match from.format() {
        SparseFormat::Csc => (-(k as i128), !upper),
        _ => (k as i128, upper),
    };
    let range = move |line: usize| -> Range<usize> {
        let within = |index: i128| index.clamp(0, minor as i128) as usize;
        let diagonal = line as i128 + k;
        if after { within(diagonal)..minor } else { 0..within(diagonal + 1) }
    };
    select_ranges(operation, from, &range, (0, minor), place, ctx)
}
