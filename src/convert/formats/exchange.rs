//! Conversions in memory as `TryFrom`, for callers that set no limit.

use crate::convert::formats::coo_to_compressed::to_compressed;
use crate::convert::formats::dense_to_sparse::to_nonzeros;
use crate::dense::Dense;
use crate::error::{Error, Result};
use crate::sparse::{
    AnyCompressed, Axis, ByCols, ByRows, Compressed, Coo, Csc, Csr, Duplicates, Types,
};
use crate::storage::{Context, Element, Entry, Index, Order, Place};

/// The same matrix in compressed rows, in memory, under a new [`Context`]; otherwise as [`Csc::to_csr`].
///
/// ```
/// use outcore::{Csc, Csr, Dense};
/// let a = Csr::<f64>::eye(2);
/// let b = Csc::try_from(&a)?;
/// assert_eq!(Csr::try_from(&b)?, a);
/// let c: Dense<f64> = Dense::try_from(&b)?;
/// assert_eq!(c.as_slice(), [1.0, 0.0, 0.0, 1.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
impl<T: Entry, I: Index, P: Index> TryFrom<&Csc<T, I, P>> for Csr<T, I, P> {
    type Error = Error;
    fn try_from(a: &Compressed<T, I, P, ByCols>) -> Result<Self> {
        a.to_csr(Place::Memory, &Context::new())
    }
}

/// The same matrix in compressed columns, in memory, under a new [`Context`]; otherwise as [`Csr::to_csc`].
impl<T: Entry, I: Index, P: Index> TryFrom<&Csr<T, I, P>> for Csc<T, I, P> {
    type Error = Error;
    fn try_from(a: &Compressed<T, I, P, ByRows>) -> Result<Self> {
        a.to_csc(Place::Memory, &Context::new())
    }
}

/// Compressed rows or columns in memory, duplicates summed, under a new [`Context`]; otherwise as [`Coo::to_csr`].
///
/// ```
/// use outcore::{Coo, Csc, Csr};
/// let a = Coo::<f64>::from_triplets((2, 2), [(1, 0, 3.0), (1, 0, 4.0)])?;
/// let csr: Csr<f64> = Csr::try_from(&a)?;
/// assert_eq!(csr.get(1, 0)?, Some(7.0));
/// let csc: Csc<f64> = Csc::try_from(&a)?;
/// assert_eq!(Coo::try_from(&csc)?.nnz(), 1);
/// # Ok::<(), outcore::Error>(())
/// ```
impl<T: Entry, I: Index, P: Index, A: Axis> TryFrom<&Coo<T, I>> for Compressed<T, I, P, A> {
    type Error = Error;
    fn try_from(a: &Coo<T, I>) -> Result<Self> {
        let (kind, place) = ((A::FORMAT, P::DTYPE), Place::Memory);
        to_compressed(&a.to_any(), kind, Duplicates::Sum, &place, &Context::new())
            .map(AnyCompressed::into_typed)
    }
}

/// The nonzero elements in compressed rows or columns, in memory, under a new [`Context`]; otherwise as
/// [`Dense::to_csr`].
impl<T: Element, I: Index, P: Index, A: Axis> TryFrom<&Dense<T>> for Compressed<T, I, P, A> {
    type Error = Error;
    fn try_from(a: &Dense<T>) -> Result<Self> {
        let kind = (A::FORMAT, Types::of::<T, I, P>());
        to_nonzeros(&a.to_any(), kind, &Place::Memory, &Context::new())
            .map(AnyCompressed::into_typed)
    }
}

/// The entries as coordinates, in memory, under a new [`Context`]; otherwise as [`Compressed::to_coo`].
impl<T: Entry, I: Index, P: Index, A: Axis> TryFrom<&Compressed<T, I, P, A>> for Coo<T, I> {
    type Error = Error;
    fn try_from(a: &Compressed<T, I, P, A>) -> Result<Self> {
        a.to_coo(Place::Memory, &Context::new())
    }
}

/// The nonzero elements as coordinates, in memory, under a new [`Context`]; otherwise as [`Dense::to_coo`].
impl<T: Element, I: Index> TryFrom<&Dense<T>> for Coo<T, I> {
    type Error = Error;
    fn try_from(a: &Dense<T>) -> Result<Self> {
        a.to_coo(Place::Memory, &Context::new())
    }
}

/// The matrix with its zeros filled in, in C order and in memory, under a new [`Context`]; otherwise as
/// [`Compressed::to_dense`].
impl<T: Element, I: Index, P: Index, A: Axis> TryFrom<&Compressed<T, I, P, A>> for Dense<T> {
    type Error = Error;
    fn try_from(a: &Compressed<T, I, P, A>) -> Result<Self> {
        a.to_dense(Order::C, Place::Memory, &Context::new())
    }
}

/// The matrix with its zeros filled in, in C order and in memory, under a new [`Context`]; otherwise as
/// [`Coo::to_dense`].
impl<T: Element, I: Index> TryFrom<&Coo<T, I>> for Dense<T> {
    type Error = Error;
    fn try_from(a: &Coo<T, I>) -> Result<Self> {
        a.to_dense(Order::C, Place::Memory, &Context::new())
    }
}
