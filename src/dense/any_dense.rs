//! A dense array whose type and number of dimensions are known at run time. All operations of [`Dense`] without
//! arithmetic are compiled for this type, in this library.

use ndarray::{Dimension, IxDyn};

use crate::error::{Error, Result};
use crate::storage::raw::Raw;
use crate::storage::{DType, Order, RawBuffer};

/// A [`Dense`](crate::Dense) array whose element type and number of dimensions are known at run time. Cloning copies a
/// pointer and the shape.
///
/// The operations on two-dimensional arrays are methods of [`AnyMatrix`](crate::AnyMatrix). `TryFrom` converts to a
/// [`Dense`](crate::Dense) of the stored type, and `From` back, both without a copy.
///
/// ```
/// use outcore::{AnyDense, DType, Dense};
/// let a = AnyDense::from(Dense::from(ndarray::arr3(&[[[1i16, 2]], [[3, 4]]])));
/// assert_eq!((a.shape(), a.dtype()), (&[2, 1, 2][..], DType::Int16));
/// let typed = Dense::<i16, ndarray::Ix3>::try_from(a)?;
/// assert_eq!(typed.as_slice(), [1, 2, 3, 4]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone)]
pub struct AnyDense {
    /// Its length is the product of the extents of `shape`.
    pub(crate) buffer: RawBuffer,
    pub(crate) shape: Vec<usize>,
    pub(crate) order: Order,
}

impl AnyDense {
    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.buffer.dtype().expect("elements have a type")
    }

    /// The extent of every dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
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
        self.len() == 0
    }

    /// Bytes of the elements if they are in a file; 0 if in memory.
    pub fn stored_bytes(&self) -> u64 {
        self.buffer.stored_bytes()
    }

    /// The elements, in [`order`](Self::order).
    pub(crate) fn elements(&self) -> Raw<'_> {
        self.buffer.as_raw()
    }

    pub(crate) fn buffer(&self) -> &RawBuffer {
        &self.buffer
    }

    /// The same elements as a matrix: a scalar becomes 1 × 1, and a vector one column. Fails for more than two
    /// dimensions.
    pub(crate) fn as_matrix(&self) -> Result<Self> {
        check_at_most_two(&self.shape)?;
        let extent = |axis: usize| self.shape.get(axis).copied().unwrap_or(1);
        Ok(AnyDense { shape: vec![extent(0), extent(1)], ..self.clone() })
    }

    /// The transpose, without a copy: the same elements in the other order, with the extents reversed.
    #[doc(alias = "T")]
    pub fn transpose(&self) -> Self {
        let order = match self.order {
            Order::C => Order::Fortran,
            Order::Fortran => Order::C,
        };
        let shape = self.shape.iter().rev().copied().collect();
        AnyDense { buffer: self.buffer.clone(), shape, order }
    }

    /// Rows and columns of a matrix.
    pub(crate) fn dim(&self) -> (usize, usize) {
        match self.shape[..] {
            [nrows, ncols] => (nrows, ncols),
            _ => unreachable!("a matrix has two dimensions"),
        }
    }

    /// All elements as the one row of a matrix.
    pub(crate) fn as_line(&self) -> Self {
        AnyDense { buffer: self.buffer.clone(), shape: vec![1, self.len()], order: Order::C }
    }

    /// Contiguous lines of a matrix (rows in C order, columns in Fortran order) and the elements of each.
    pub(crate) fn lines(&self) -> (usize, usize) {
        lines(self.dim(), self.order)
    }
}

/// Contiguous lines and the elements of each, or from these rows and columns.
pub(crate) fn lines((nrows, ncols): (usize, usize), order: Order) -> (usize, usize) {
    if order == Order::C { (nrows, ncols) } else { (ncols, nrows) }
}

/// Converts a shape whose number of dimensions has been checked.
pub(crate) fn dimensions<D: Dimension>(shape: &[usize]) -> D {
    D::from_dimension(&IxDyn(shape)).expect("the number of dimensions with which it was made")
}

/// Fails for a shape of more than two dimensions.
pub(crate) fn check_at_most_two(shape: &[usize]) -> Result<()> {
    match shape.len() {
        0..=2 => Ok(()),
        _ => Err(Error::shape("the array", "at most two dimensions", format!("{shape:?}"))
            .remedy("convert it to a Dense with this number of dimensions")),
    }
}

/// Fails unless a shape from a file has the number of dimensions of the caller's type, if that is fixed.
pub(crate) fn check_dimensions(shape: &[usize], count: Option<usize>) -> Result<()> {
    match count {
        Some(count) if count != shape.len() => {
            Err(Error::shape("the array", format!("{count} dimensions"), format!("{shape:?}")))
        }
        _ => Ok(()),
    }
}
