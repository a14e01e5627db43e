//! CSR and CSC to COO: the major index is written out for every entry.

use crate::error::Result;
use crate::sparse::{Axis, Compressed, Coo, CooDraft};
use crate::storage::{Context, Entry, Index, Place};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The same entries as coordinates, in the order in which they are stored. Cost: one read and one write.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let coo = Csr::<f64>::eye(2).to_coo(Place::Memory, &Context::new())?;
    /// assert_eq!(**coo.rows(), [0, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_coo(&self, place: impl Into<Place>, ctx: &Context) -> Result<Coo<T, I>> {
        self.check()?;
        let mut draft = CooDraft::<T, I>::new(self.shape(), self.nnz(), &place.into(), ctx)?;
        let (majors, minors) = A::swap_if_cols((&mut draft.rows, &mut draft.cols));
        for major in 0..self.major() {
            majors[self.span(major)].fill(I::from_usize(major));
        }
        minors.copy_from_slice(self.indices());
        draft.data.copy_from_slice(self.data());
        draft.finish(self.shape())
    }
}
