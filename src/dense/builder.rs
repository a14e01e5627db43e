//! A dense matrix from rows or columns added one by one, their number not known in advance.

use std::marker::PhantomData;

use crate::dense::any_dense::AnyDense;
use crate::dense::base::Dense;
use crate::dense::writer::AnyDenseWriter;
use crate::error::{Error, Result};
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Element, Order, Place};

/// Collects the rows of a matrix in C order, or the columns of one in Fortran order.
///
/// Cost: one sequential write. Memory: the write buffers; for a result in memory the matrix, and while it grows the
/// same again. The matrix appears at its place when it is [finished](Self::finish); a builder that is dropped leaves
/// nothing.
///
/// ```
/// use outcore::{Context, DenseBuilder, Order, Place};
/// let mut rows = DenseBuilder::<f64>::new(2, Order::C, Place::Memory, &Context::new())?;
/// rows.push(&[1.0, 2.0])?;
/// rows.push(&[3.0, 4.0, 5.0, 6.0])?;
/// let a = rows.finish()?;
/// assert_eq!((a.shape(), a.as_ndarray()[[2, 1]]), ((3, 2), 6.0));
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct DenseBuilder<T: Element> {
    lines: AnyDenseBuilder,
    elements: PhantomData<T>,
}

impl<T: Element> DenseBuilder<T> {
    /// No lines yet; each will have `length` elements. Fails if the place is taken.
    pub fn new(
        length: usize,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        Self::with_capacity(0, length, order, place, ctx)
    }

    /// No lines yet, with disk space reserved for `lines` of them; more or less are possible.
    pub fn with_capacity(
        lines: usize,
        length: usize,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let lines = AnyDenseBuilder::new(T::DTYPE, (lines, length), order, &place.into(), ctx)?;
        Ok(DenseBuilder { lines, elements: PhantomData })
    }

    /// Appends the next line, or several consecutive ones.
    ///
    /// Fails, appending none, unless the elements are whole lines. Fails if the matrix gets too large for the memory
    /// limit or the device.
    pub fn push(&mut self, lines: &[T]) -> Result<()> {
        self.lines.push(Raw::of(lines))
    }

    /// Lines appended so far.
    pub fn lines(&self) -> usize {
        self.lines.count
    }

    /// The matrix of all lines: of rows in C order, of columns in Fortran order.
    pub fn finish(self) -> Result<Dense<T>> {
        self.lines.finish().map(AnyDense::into_typed)
    }
}

/// A [`DenseBuilder`] of any type.
struct AnyDenseBuilder {
    writer: AnyDenseWriter,
    length: usize,
    order: Order,
    /// Lines appended so far.
    count: usize,
}

impl AnyDenseBuilder {
    fn new(
        dtype: DType,
        (lines, length): (usize, usize),
        order: Order,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let shape = shape((lines, length), order);
        let writer = AnyDenseWriter::growing(place, (dtype, &shape, order), ctx)?;
        Ok(AnyDenseBuilder { writer, length, order, count: 0 })
    }

    fn push(&mut self, lines: Raw<'_>) -> Result<()> {
        let count = lines.len().checked_div(self.length).unwrap_or(0);
        if count * self.length != lines.len() {
            let expected = format!("a multiple of {} elements", self.length);
            return Err(Error::shape("the lines", expected, lines.len()));
        }
        self.writer.push(lines)?;
        self.count += count;
        Ok(())
    }

    fn finish(self) -> Result<AnyDense> {
        self.writer.finish_as(&shape((self.count, self.length), self.order))
    }
}

fn shape((lines, length): (usize, usize), order: Order) -> [usize; 2] {
    match order {
        Order::C => [lines, length],
        Order::Fortran => [length, lines],
    }
}
