//! Arrays to write in files without a header: NumPy's `memmap` with mode `w+` and `r+`.

use std::path::Path;

use ndarray::{Dimension, IntoDimension};

use crate::dense::writable::{AnyDenseMut, DenseMut};
use crate::error::Result;
use crate::storage::{Context, Element, Order, Place};

impl<T: Element, D: Dimension> DenseMut<T, D> {
    /// A new array of zeros in a file without a header, which appears at `place` when it is [closed](Self::close): only
    /// elements, from the first byte on.
    ///
    /// Type, shape and order are not stored; they are needed to open it with
    /// [`Dense::from_raw`](crate::Dense::from_raw) or [`open_raw_mut`](Self::open_raw_mut). There are no checksums.
    /// [`create`](Self::create) stores all of these. Fails unless the place is a path, if the disk does not have the
    /// space, or if an existing file must not be replaced; an array with checksums never is.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.raw");
    /// use outcore::{Context, Dense, DenseMut, Order};
    /// let mut a = DenseMut::<f32>::create_raw((2, 3), Order::C, &path, &Context::new())?;
    /// a.as_ndarray_mut()[[1, 2]] = 5.0;
    /// a.close()?;
    /// assert_eq!(std::fs::metadata(&path)?.len(), 24);
    /// assert_eq!(Dense::<f32>::from_raw(&path, 0, (2, 3), Order::C)?.as_slice()[5], 5.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "memmap")]
    pub fn create_raw(
        shape: impl IntoDimension<Dim = D>,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let shape = shape.into_dimension();
        AnyDenseMut::create_raw((T::DTYPE, shape.slice(), order), &place.into(), ctx)
            .map(AnyDenseMut::into_typed)
    }

    /// Opens elements in a file without a header for reading and writing in place, exclusively; `offset` is in bytes.
    ///
    /// Fails if the file is too short, if it has checksums (then it is an array for [`open_mut`](Self::open_mut)), if
    /// `offset` is not a multiple of the element's alignment, or if a process has the file open. A file without a
    /// header has neither checksums nor marks: if it is not closed, it may be partly written.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.raw");
    /// use outcore::{Context, DenseMut, Order};
    /// std::fs::write(&path, [0; 16])?;
    /// let mut a = DenseMut::<u32>::open_raw_mut(&path, 8, (1, 2), Order::C, &Context::new())?;
    /// a.as_mut_slice()[1] = u32::MAX;
    /// a.close()?;
    /// assert_eq!(std::fs::read(&path)?[10..], [0, 0, 255, 255, 255, 255]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "memmap")]
    pub fn open_raw_mut(
        path: impl AsRef<Path>,
        offset: u64,
        shape: impl IntoDimension<Dim = D>,
        order: Order,
        ctx: &Context,
    ) -> Result<Self> {
        let shape = shape.into_dimension();
        let what = (T::DTYPE, shape.slice(), order);
        AnyDenseMut::open_raw(path.as_ref(), offset, what, ctx).map(AnyDenseMut::into_typed)
    }
}
