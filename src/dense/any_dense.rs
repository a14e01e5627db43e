//! A dense array whose type and number of dimensions are known at run time: what works on [`Dense`] without arithmetic is
//! compiled for this one, in this library.

use ndarray::{Dimension, IxDyn};

use crate::error::{Error, Result};
use crate::storage::raw::Raw;
use crate::storage::{DType, Order, RawBuffer};

/// A [`Dense`] array whose element type and number of dimensions are known at run time. Cloning copies a pointer and the shape.
///
/// What can be done with one of two dimensions are the methods of [`AnyMatrix`](crate::AnyMatrix). `TryFrom` leads to a
/// [`Dense`] of its type, and `From` back, both without a copy.
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
    /// As many elements as the extents of `shape` multiply to.
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

    /// Bytes of the elements if they lie in a file; none if in memory.
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

    /// The same elements as a matrix: a number is one row of one, and a line of numbers a column. Fails for more than two
    /// dimensions.
    pub(crate) fn as_matrix(&self) -> Result<Self> {
        check_at_most_two(&self.shape)?;
        let extent = |axis: usize| self.shape.get(axis).copied().unwrap_or(1);
        Ok(AnyDense { shape: vec![extent(0), extent(1)], ..self.clone() })
    }

    /// The transpose, without a copy: the same elements in the other order, the extents turned round.
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

/// A shape as one of the number of dimensions that it was seen to have.
pub(crate) fn dimensions<D: Dimension>(shape: &[usize]) -> D {
    D::from_dimension(&IxDyn(shape)).expect("the number of dimensions with which it was made")
}

/// Fails for the shape of what is no matrix.
pub(crate) fn check_at_most_two(shape: &[usize]) -> Result<()> {
    match shape.len() {
        0..=2 => Ok(()),
        _ => Err(Error::shape("the array", "at most two dimensions", format!("{shape:?}"))
            .remedy("a Dense of as many dimensions takes it")),
    }
}

/// Fails unless a shape from a file has the number of dimensions that the caller's type has, if that has one.
pub(crate) fn check_dimensions(shape: &[usize], count: Option<usize>) -> Result<()> {
    match count {
        Some(count) if count != shape.len() => {
            Err(Error::shape("the array", format!("{count} dimensions"), format!("{shape:?}")))
        }
        _ => Ok(()),
    }
}
