//! Sparse to dense: entries into a matrix of zeros, duplicates summed.

use num_traits::One;

use crate::dense::{Dense, DenseMut};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::{Axis, Compressed, Coo};
use crate::storage::{Context, Element, Entry, Index, Order, Place};

/// Entries between two looks at the cancel token.
const STEP: usize = 1 << 20;

impl<T: Element, I: Index> Coo<T, I> {
    /// The matrix with its zeros written out, duplicates summed. Cost: one read, one write of the dense array.
    ///
    /// ```
    /// use outcore::{Context, Coo, Order, Place};
    /// let a = Coo::<f64>::from_triplets((1, 2), [(0, 1, 2.0), (0, 1, 3.0)])?;
    /// assert_eq!(a.to_dense(Order::C, Place::Memory, &Context::new())?.as_slice(), [0.0, 5.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_dense(
        &self,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        self.check()?;
        let entries = self.rows().iter().zip(self.cols().iter()).zip(self.data().iter());
        let entries = entries.map(|((row, col), &value)| (row.to_usize(), col.to_usize(), value));
        densify(self.shape(), self.nnz(), entries, order, &place.into(), ctx)
    }
}

impl<T: Element, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The matrix with its zeros written out, duplicates summed. Cost: one read, one write of the dense array.
    ///
    /// ```
    /// use outcore::{Context, Csr, Order, Place};
    /// let a = Csr::<f64>::eye(2).to_dense(Order::C, Place::Memory, &Context::new())?;
    /// assert_eq!(a.as_slice(), [1.0, 0.0, 0.0, 1.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_dense(
        &self,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        self.check()?;
        let entries = self.lines().enumerate().flat_map(|(major, line)| {
            line.indices.iter().zip(line.data).map(move |(index, &value)| {
                let (row, col) = A::swap_if_cols((major, index.to_usize()));
                (row, col, value)
            })
        });
        densify(self.shape(), self.nnz(), entries, order, &place.into(), ctx)
    }
}

impl<I: Index, P: Index, A: Axis> Compressed<(), I, P, A> {
    /// The pattern as a matrix of ones, in the same structure, which is shared; the ones are in memory.
    ///
    /// ```
    /// let a = outcore::Csr::<f64>::eye(2).pattern().to_ones::<i8>()?;
    /// assert_eq!(**a.data(), [1, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_ones<T: Entry + One>(&self) -> Result<Compressed<T, I, P, A>> {
        self.with_data(vec![T::one(); self.nnz()])
    }
}

fn densify<T: Element>(
    (nrows, ncols): (usize, usize),
    nnz: usize,
    entries: impl Iterator<Item = (usize, usize, T)>,
    order: Order,
    place: &Place,
    ctx: &Context,
) -> Result<Dense<T>> {
    let mut dense = DenseMut::<T>::create(place, (nrows, ncols), order, ctx)?;
    let elements = dense.as_mut_slice();
    for (k, (row, col, value)) in entries.enumerate() {
        let at = match order {
            Order::C => row * ncols + col,
            Order::Fortran => col * nrows + row,
        };
        let overflow = || {
            Error::new(ErrorKind::Value, "the sum of the entries at a position overflows")
                .at(Location::Row(row as u64))
                .found(format!("row {row}, column {col}"))
        };
        // A coordinate that was checked may lie in a file that has changed since.
        let changed = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
        let element = elements.get_mut(at).ok_or_else(changed)?;
        *element = element.merge(value).ok_or_else(overflow)?;
        if k % STEP == 0 {
            ctx.report("writing out zeros", k as u64, nnz as u64)?;
        }
    }
    dense.freeze()
}
