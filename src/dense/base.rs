//! A readable dense array of any dimension: shape, element order, `ndarray` views.

use std::fmt;
use std::ops::Deref;

use ndarray::{ArrayView, ArrayView1, Axis, Dimension, Ix2, RemoveAxis, ShapeBuilder};

use crate::dense::any_dense::{AnyDense, dimensions, lines};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Access, Buffer, DType, Element, NpyHeader, Order};

/// The name of the one array in the stage of a dense array.
pub(crate) const ARRAY: &str = "array.npy";

/// A dense array over a buffer; called [`Dense`] when shared, and part of every [`DenseMut`](crate::DenseMut).
#[derive(Clone)]
pub struct DenseBase<B, D> {
    /// Its length is the product of the extents of `shape`.
    pub(crate) buffer: B,
    pub(crate) shape: D,
    pub(crate) order: Order,
}

/// A shared, immutable dense array in memory or in a mapped file. Cloning one copies a pointer.
///
/// ```
/// use outcore::Dense;
/// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]));
/// assert_eq!((a.nrows(), a.ncols()), (2, 2));
/// assert_eq!(a.as_ndarray().sum(), 10.0);
/// assert_eq!(a.col(1)?.to_vec(), [2.0, 4.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub type Dense<T, D = Ix2> = DenseBase<Buffer<T>, D>;

impl<T: Element, B: Deref<Target = [T]>, D: Dimension> DenseBase<B, D> {
    /// An array from elements that are already in `order`, without a copy.
    ///
    /// Fails if the number of elements is not the product of the extents.
    ///
    /// ```
    /// use outcore::{Buffer, Dense, Order};
    /// let a = Dense::from_parts((2, 2), Order::Fortran, Buffer::from(vec![1, 2, 3, 4]))?;
    /// assert_eq!(a.row(0)?.to_vec(), [1, 3]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn from_parts(
        shape: impl ndarray::IntoDimension<Dim = D>,
        order: Order,
        buffer: B,
    ) -> Result<Self> {
        let shape = shape.into_dimension();
        check_len(T::DTYPE, shape.slice(), buffer.len())?;
        Ok(DenseBase { buffer, shape, order })
    }

    /// The extent of every dimension: `(nrows, ncols)` for a matrix, as for a sparse one.
    ///
    /// ```
    /// use outcore::Dense;
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0]]));
    /// assert_eq!(a.shape(), (1, 2));
    /// assert_eq!(a.extents(), [1, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "dim")]
    pub fn shape(&self) -> D::Pattern {
        self.shape.clone().into_pattern()
    }

    /// The extent of every dimension as a slice.
    pub fn extents(&self) -> &[usize] {
        self.shape.slice()
    }

    /// Whether rows or columns are contiguous.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The elements in memory order, that is in [`order`](Self::order).
    pub fn as_slice(&self) -> &[T] {
        &self.buffer
    }

    /// The whole array as an `ndarray` view, without a copy.
    #[doc(alias = "view")]
    pub fn as_ndarray(&self) -> ArrayView<'_, T, D> {
        let shape = self.shape.clone().set_f(self.order == Order::Fortran);
        ArrayView::from_shape(shape, &self.buffer)
            .expect("the constructor compared shape and length")
    }

    /// The part of the array at `index` along `axis`, without a copy.
    #[doc(alias = "take")]
    pub fn index_axis(&self, axis: usize, index: usize) -> Result<ArrayView<'_, T, D::Smaller>>
    where
        D: RemoveAxis,
    {
        check_part(self.extents(), axis, index)?;
        Ok(self.as_ndarray().index_axis_move(Axis(axis), index))
    }
}

impl<T: Element, B: Deref<Target = [T]>> DenseBase<B, Ix2> {
    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.shape[0]
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.shape[1]
    }

    /// Contiguous lines (rows in C order, columns in Fortran order) and the elements of each.
    pub(crate) fn lines(&self) -> (usize, usize) {
        lines(self.shape(), self.order)
    }

    /// Row `i`, without a copy; contiguous in C order.
    pub fn row(&self, i: usize) -> Result<ArrayView1<'_, T>> {
        self.index_axis(0, i)
    }

    /// Column `j`, without a copy; contiguous in Fortran order. In C order its elements are spread over all rows, so
    /// that reading one column of a large file reads the pages of all rows.
    #[doc(alias = "column")]
    pub fn col(&self, j: usize) -> Result<ArrayView1<'_, T>> {
        self.index_axis(1, j)
    }
}

impl<T: Element> Dense<T, Ix2> {
    /// The transpose, without a copy: the same elements in the other order.
    ///
    /// ```
    /// use outcore::Dense;
    /// let a = Dense::from(ndarray::arr2(&[[1, 2, 3]]));
    /// assert_eq!(a.transpose().shape(), (3, 1));
    /// ```
    #[doc(alias = "T")]
    pub fn transpose(&self) -> Self {
        let order = match self.order {
            Order::C => Order::Fortran,
            Order::Fortran => Order::C,
        };
        let shape = ndarray::Dim([self.ncols(), self.nrows()]);
        DenseBase { buffer: self.buffer.clone(), shape, order }
    }
}

impl<T: Element, D: Dimension> Dense<T, D> {
    /// The elements, in [`order`](Self::order).
    pub fn buffer(&self) -> &Buffer<T> {
        &self.buffer
    }

    /// Advises the system how the elements are about to be read. No effect for memory.
    pub fn advise(&self, access: Access) {
        self.buffer.advise(access);
    }
}

impl<T: Element, D: Dimension> From<ndarray::Array<T, D>> for Dense<T, D> {
    /// Takes over the elements of an `ndarray` array; copies them only if they are in neither C nor Fortran order.
    fn from(array: ndarray::Array<T, D>) -> Self {
        let shape = array.raw_dim();
        let fortran = !array.is_standard_layout() && array.t().is_standard_layout();
        let (elements, order) = if fortran {
            (array.reversed_axes().as_standard_layout().into_owned(), Order::Fortran)
        } else {
            (array.as_standard_layout().into_owned(), Order::C)
        };
        let (mut elements, skip) = elements.into_raw_vec_and_offset();
        elements.drain(..skip.unwrap_or(0));
        elements.truncate(shape.size());
        DenseBase { buffer: elements.into(), shape, order }
    }
}

impl<T: Element, B: Deref<Target = [T]>, D: Dimension> fmt::Debug for DenseBase<B, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dense")
            .field("shape", &self.shape())
            .field("dtype", &T::DTYPE.name())
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// Fails unless a shape has `len` elements.
fn check_len(dtype: DType, shape: &[usize], len: usize) -> Result<()> {
    NpyHeader::new(dtype, shape, Order::C).checked_bytes()?;
    // Checked, so that this does not overflow.
    if shape.iter().product::<usize>() != len {
        let expected = format!("the product of {shape:?} elements");
        return Err(Error::shape("the buffer", expected, len));
    }
    Ok(())
}

fn check_part(shape: &[usize], axis: usize, index: usize) -> Result<()> {
    let extent = shape.get(axis).copied().unwrap_or(0);
    if index >= extent {
        return Err(Error::new(ErrorKind::Shape, "there is no such part of the array")
            .expected(format!("an index below {extent} along axis {axis}"))
            .found(index));
    }
    Ok(())
}

impl<T: Element, D: Dimension> Dense<T, D> {
    /// The array with its type known at run time.
    pub(crate) fn to_any(&self) -> AnyDense {
        let shape = self.shape.slice().to_vec();
        AnyDense { buffer: self.buffer.raw().clone(), shape, order: self.order }
    }
}

impl AnyDense {
    /// As an array of the type and the number of dimensions with which it was made.
    pub(crate) fn into_typed<T: Element, D: Dimension>(self) -> Dense<T, D> {
        let buffer = self.buffer.into_typed();
        DenseBase { buffer, shape: dimensions(&self.shape), order: self.order }
    }
}
