//! Conversion of typed matrices to matrices of any type, and back, without a copy.

use ndarray::{Dimension, Ix2};

use crate::any::compressed::{AnyCompressed, AnyCsc, AnyCsr};
use crate::any::display::{Described, name};
use crate::any::matrix::{AnyMatrix, Body};
use crate::dense::{AnyDense, Dense};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCoo, Axis, Compressed, Coo, Types, on_disk};
use crate::storage::{DType, Element, Entry, Index};

impl<T: Element> From<Dense<T, Ix2>> for AnyMatrix {
    fn from(a: Dense<T, Ix2>) -> Self {
        AnyMatrix::Dense(a.to_any())
    }
}

impl<T: Element, D: Dimension> From<Dense<T, D>> for AnyDense {
    fn from(a: Dense<T, D>) -> Self {
        a.to_any()
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> From<Compressed<T, I, P, A>> for AnyMatrix {
    fn from(a: Compressed<T, I, P, A>) -> Self {
        AnyMatrix::of_lines(a.to_any())
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> From<Compressed<T, I, P, A>> for AnyCompressed<A> {
    fn from(a: Compressed<T, I, P, A>) -> Self {
        AnyCompressed::new(a.to_any())
    }
}

impl<T: Entry, I: Index> From<Coo<T, I>> for AnyMatrix {
    fn from(a: Coo<T, I>) -> Self {
        AnyMatrix::Coo(a.to_any())
    }
}

impl<T: Entry, I: Index> From<Coo<T, I>> for AnyCoo {
    fn from(a: Coo<T, I>) -> Self {
        a.to_any()
    }
}

impl From<AnyCsr> for AnyMatrix {
    fn from(a: AnyCsr) -> Self {
        AnyMatrix::Csr(a)
    }
}

impl From<AnyCsc> for AnyMatrix {
    fn from(a: AnyCsc) -> Self {
        AnyMatrix::Csc(a)
    }
}

impl From<AnyCoo> for AnyMatrix {
    fn from(a: AnyCoo) -> Self {
        AnyMatrix::Coo(a)
    }
}

/// An array of one dimension becomes a column. Fails with kind [`Shape`](ErrorKind::Shape) for more than two.
impl TryFrom<AnyDense> for AnyMatrix {
    type Error = Error;
    fn try_from(a: AnyDense) -> Result<Self> {
        a.as_matrix().map(AnyMatrix::Dense)
    }
}

macro_rules! kinds {
    ($($kind:ty, $variant:ident, $name:literal;)*) => {$(
        /// Fails with kind [`Type`](ErrorKind::Type) for a matrix of another kind.
        impl TryFrom<AnyMatrix> for $kind {
            type Error = Error;
            fn try_from(a: AnyMatrix) -> Result<Self> {
                match a {
                    AnyMatrix::$variant(a) => Ok(a),
                    other => Err(another($name, other.body())),
                }
            }
        }
    )*};
}

kinds! {
    AnyDense, Dense, "a dense matrix";
    AnyCsr, Csr, "a CSR matrix";
    AnyCsc, Csc, "a CSC matrix";
    AnyCoo, Coo, "a COO matrix";
}

/// Fails with kind [`Type`](ErrorKind::Type) for elements of another type, and with kind [`Shape`](ErrorKind::Shape)
/// for another number of dimensions.
impl<T: Element, D: Dimension> TryFrom<AnyDense> for Dense<T, D> {
    type Error = Error;
    fn try_from(a: AnyDense) -> Result<Self> {
        check_dense(&a, T::DTYPE, D::NDIM)?;
        Ok(a.into_typed())
    }
}

/// Fails with kind [`Type`](ErrorKind::Type) for elements of another type or another kind of matrix.
impl<T: Element, D: Dimension> TryFrom<AnyMatrix> for Dense<T, D> {
    type Error = Error;
    fn try_from(a: AnyMatrix) -> Result<Self> {
        let a = AnyDense::try_from(a).map_err(|error| error.expected(dense_of(T::DTYPE)))?;
        a.try_into()
    }
}

/// Fails with kind [`Type`](ErrorKind::Type) for values, indices or pointers of another type.
impl<T: Entry, I: Index, P: Index, A: Axis> TryFrom<AnyCompressed<A>> for Compressed<T, I, P, A> {
    type Error = Error;
    fn try_from(a: AnyCompressed<A>) -> Result<Self> {
        AnyMatrix::of_lines(a.into_body()).try_into()
    }
}

/// Fails with kind [`Type`](ErrorKind::Type) for values, indices or pointers of another type or another kind of matrix.
impl<T: Entry, I: Index, P: Index, A: Axis> TryFrom<AnyMatrix> for Compressed<T, I, P, A> {
    type Error = Error;
    fn try_from(a: AnyMatrix) -> Result<Self> {
        let types = Types::of::<T, I, P>();
        match a {
            AnyMatrix::Csr(a) if is(a.body(), types) && A::FORMAT == a.format() => {
                Ok(a.into_body().into_typed())
            }
            AnyMatrix::Csc(a) if is(a.body(), types) && A::FORMAT == a.format() => {
                Ok(a.into_body().into_typed())
            }
            other => {
                let (indices, pointers) = (on_disk(types.indices), on_disk(types.pointers));
                let (format, values) = (A::FORMAT.name(), name(types.values));
                let expected =
                    format!("a {format} matrix, {values}, {indices} indices, {pointers} pointers");
                Err(another(&expected, other.body()))
            }
        }
    }
}

/// Fails with kind [`Type`](ErrorKind::Type) for values or indices of another type.
impl<T: Entry, I: Index> TryFrom<AnyCoo> for Coo<T, I> {
    type Error = Error;
    fn try_from(a: AnyCoo) -> Result<Self> {
        AnyMatrix::Coo(a).try_into()
    }
}

/// Fails with kind [`Type`](ErrorKind::Type) for values or indices of another type or another kind of matrix.
impl<T: Entry, I: Index> TryFrom<AnyMatrix> for Coo<T, I> {
    type Error = Error;
    fn try_from(a: AnyMatrix) -> Result<Self> {
        match a {
            AnyMatrix::Coo(a) if a.types() == (T::ENTRY_DTYPE, I::DTYPE) => Ok(a.into_typed()),
            other => {
                let (values, indices) = (name(T::ENTRY_DTYPE), on_disk(I::DTYPE));
                let expected = format!("a COO matrix, {values}, {indices} indices");
                Err(another(&expected, other.body()))
            }
        }
    }
}

fn is(a: &crate::sparse::AnyCompressed, types: Types) -> bool {
    a.types() == types
}

fn dense_of(dtype: DType) -> String {
    format!("a dense matrix, {dtype}")
}

fn check_dense(a: &AnyDense, dtype: DType, dimensions: Option<usize>) -> Result<()> {
    if a.dtype() != dtype {
        return Err(another(&dense_of(dtype), Body::Dense(a)));
    }
    match dimensions {
        Some(count) if count != a.shape().len() => Err(Error::shape(
            "the array",
            format!("{count} dimensions"),
            format!("{:?}", a.shape()),
        )),
        _ => Ok(()),
    }
}

fn another(expected: &str, found: Body<'_>) -> Error {
    Error::new(ErrorKind::Type, "the matrix has a different type")
        .expected(expected)
        .found(Described(found))
}
