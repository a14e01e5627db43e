//! The same elements in another shape, without a copy.

use ndarray::{Dimension, IntoDimension};

use crate::dense::base::{Dense, DenseBase};
use crate::error::Result;
use crate::storage::Element;

impl<T: Element, D: Dimension> Dense<T, D> {
    /// The same elements in another shape, without a copy, in this array's
    /// [`order`](DenseBase::order): NumPy's `reshape` with `order="A"`.
    ///
    /// Fails if the extents do not multiply to the number of elements. Cost: none, the buffer is shared.
    ///
    /// ```
    /// use outcore::Dense;
    /// let a = Dense::from(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]));
    /// let b = a.reshape((3, 2))?;
    /// assert_eq!(b.as_ndarray(), ndarray::arr2(&[[1, 2], [3, 4], [5, 6]]));
    /// assert_eq!(a.reshape(6)?.shape(), 6);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn reshape<E: IntoDimension>(&self, shape: E) -> Result<Dense<T, E::Dim>> {
        DenseBase::from_parts(shape, self.order(), self.buffer().clone())
    }
}
