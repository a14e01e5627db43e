//! Sparse matrices copied to another place, in one read and one sequential write whatever their size.

use crate::error::Result;
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::any_coo::{AnyCoo, coo_bytes};
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::coo::Coo;
use crate::sparse::coo_writer::AnyCooWriter;
use crate::sparse::entry_panels::EntryPanels;
use crate::sparse::join::{JoinGroup, join};
use crate::sparse::writer::memory_left;
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Pass, Place};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Copies the matrix to `place`; a slice becomes an independent matrix.
    ///
    /// Cost: one read and one sequential write of the arrays, within the memory limit whatever the matrix. The indices
    /// are checked on the way; a bad one is an error that gives its position, and no result is created.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(5).row_range(1..3)?;
    /// let copy = a.copy_to(Place::Memory, &Context::new())?;
    /// assert_eq!(**copy.indptr(), [0, 1, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("save", "save_npz", "MatView"))]
    pub fn copy_to(&self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        self.to_any().copy_to(&place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

impl AnyCompressed {
    pub(crate) fn copy_to(&self, place: &Place, ctx: &Context) -> Result<Self> {
        let mut group = JoinGroup::new(self.major());
        group.push(0, self.clone());
        let kind = (self.format(), self.types());
        join(("copying", work::COPY), kind, &[group], self.minor(), place, ctx)
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    /// Copies the matrix to `place`. Cost: one read and one sequential write of the arrays, within the memory limit
    /// whatever the matrix. A coordinate out of range is an error that gives its position.
    ///
    /// ```
    /// use outcore::{Context, Coo, Place};
    /// let a = Coo::<f64>::from_triplets((2, 2), [(1, 0, 3.0)])?;
    /// assert_eq!(**a.copy_to(Place::Memory, &Context::new())?.row_indices(), [1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("save", "save_npz", "MatView"))]
    pub fn copy_to(&self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        self.to_any().copied(&place.into(), ctx).map(AnyCoo::into_typed)
    }
}

impl AnyCoo {
    pub(crate) fn copied(&self, place: &Place, ctx: &Context) -> Result<Self> {
        let (types, nnz) = (self.types(), self.nnz());
        let left = memory_left(coo_bytes(types, nnz), place, ctx)?;
        let coordinates = [self.rows(), self.cols()];
        let mut panels = EntryPanels::within(left, 1, &coordinates, self.data())?;
        let pass = Pass::new(panels.reading.plan("copying").works(nnz as u64, work::COPY));
        pass.make((types, self.shape(), nnz), place, ctx, &mut |writer: &mut AnyCooWriter| {
            panels.sweep_part(ctx, &mut |first, coordinates, data| {
                let (rows, cols) = (coordinates[0], coordinates[1]);
                ctx.with_threads(|| self.check_run(first, rows, cols))?;
                writer.push(rows.raw(), cols.raw(), data)
            })
        })
    }
}
