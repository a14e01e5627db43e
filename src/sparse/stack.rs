//! Several matrices as one: stacked vertically or horizontally, in one read and one sequential write.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::Axis;
use crate::sparse::compressed::{Compressed, Csc, Csr};
use crate::sparse::join::{JoinGroup, join};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Place, SparseFormat};

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// Stacks matrices vertically, as SciPy's `vstack`: the rows of the first, then those of the second, and so on.
    ///
    /// Cost: one read of each and one sequential write, within the memory limit whatever the matrices; the indices are
    /// checked on the way. Fails if there is no matrix, or the numbers of columns differ. To append rows to a stored
    /// matrix, stack it and the new rows at [`Place::Replace`] of its own path: a stored matrix is never changed in
    /// place.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::vstack(&[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.get(3, 1)?), ((4, 2), Some(1.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn vstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(0, matrices, &place.into(), ctx)
    }

    /// Stacks matrices horizontally, as SciPy's `hstack`: each row is that of the first, then that of the second, and
    /// so on.
    ///
    /// Cost: one read of each and one sequential write, within the memory limit whatever the matrices; the indices are
    /// checked on the way. Fails if there is no matrix, if the numbers of rows differ, or if there are more columns
    /// than the index type can count.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::hstack(&[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.row(1)?.indices), ((2, 4), &[1, 3][..]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn hstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(1, matrices, &place.into(), ctx)
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// Stacks matrices vertically; otherwise as [`Csr::hstack`] with columns and rows exchanged.
    pub fn vstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(0, matrices, &place.into(), ctx)
    }

    /// Stacks matrices horizontally; otherwise as [`Csr::vstack`] with columns and rows exchanged.
    pub fn hstack(matrices: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        stacked(1, matrices, &place.into(), ctx)
    }
}

fn stacked<T: Entry, I: Index, P: Index, A: Axis>(
    axis: usize,
    matrices: &[&Compressed<T, I, P, A>],
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let matrices: Vec<_> = matrices.iter().map(|matrix| matrix.to_any()).collect();
    stack((axis, A::FORMAT), &matrices, place, ctx).map(AnyCompressed::into_typed)
}

/// Stacks matrices of one format and the same types vertically (axis 0) or horizontally (axis 1).
pub(crate) fn stack(
    (axis, format): (usize, SparseFormat),
    matrices: &[AnyCompressed],
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let operation = ["stacking vertically", "stacking horizontally"][axis.min(1)];
    let along = (axis == 0) == (format == SparseFormat::Csr);
    let Some(first) = matrices.first() else {
        return Err(Error::new(ErrorKind::Shape, "there are no matrices to stack"));
    };
    let same = |matrix: &AnyCompressed| if along { matrix.minor() } else { matrix.major() };
    let (mut groups, mut end) = (Vec::new(), 0usize);
    for (k, matrix) in matrices.iter().enumerate() {
        if same(matrix) != same(first) {
            return Err(Error::shape(&format!("matrix {k}"), same(first), same(matrix)));
        }
        if along || k == 0 {
            groups.push(JoinGroup::new(matrix.major()));
        }
        if let Some(group) = groups.last_mut() {
            group.push(if along { 0 } else { end }, matrix.clone());
        }
        end = end.saturating_add(matrix.minor());
    }
    let minor = if along { same(first) } else { end };
    join((operation, work::STACK), (format, first.types()), &groups, minor, place, ctx)
}
