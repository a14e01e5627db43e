//! Entries of every type as numbers of the few types for which loops are compiled.
//!
//! Code that processes numbers block by block, for sums, norms and statistics, is compiled for `f64` and some others;
//! other types are decoded a block at a time, exactly, so the bits are those of a separate loop.

use num_complex::Complex;
use num_traits::One;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::decode::{Decode, decode};
use crate::linalg::algebra::scalar::{Factor, Scalar};
use crate::storage::raw::Raw;
use crate::storage::{DType, Element, Entry};

/// How entries are converted to type `V`: a decoder, or `None` if they have the type.
pub(crate) type Coding<V> = Option<Decode<V>>;

/// An entry that can be converted to type `V`: exactly, except for 64-bit integers, which are rounded.
pub(crate) trait Widen<V>: Entry {
    const DECODE: Coding<V>;
}

macro_rules! plain {
    ($($entry:ty),*) => {$(
        impl Widen<$entry> for $entry {
            const DECODE: Coding<Self> = None;
        }
    )*};
}

macro_rules! widens {
    ($($entry:ty => $($wide:ty),*;)*) => {$($(
        impl Widen<$wide> for $entry {
            const DECODE: Coding<$wide> = Some(of_entries::<$entry, $wide>);
        }
    )*)*};
}

fn of_entries<T: Factor<V>, V: Scalar>(from: Raw<'_>, to: &mut [V]) {
    decode(from, to, |entry: T| entry.times(V::one()));
}

plain!((), bool, f32, f64, Complex<f32>, Complex<f64>);

widens! {
    () => f32, f64;
    bool => f32, f64;
    i8 => f32, f64;
    i16 => f32, f64;
    i32 => f64;
    i64 => f64;
    u8 => f32, f64;
    u16 => f32, f64;
    u32 => f64;
    u64 => f64;
    f32 => f64;
    Complex<f32> => Complex<f64>;
}

#[cfg(feature = "half")]
widens! {
    half::f16 => f32, f64;
    half::bf16 => f32, f64;
}

/// The coding of entries of the listed types, and of types that every number type can hold; pattern entries become
/// ones.
macro_rules! coding {
    ($V:ty, $dtype:expr; $($name:ident $T:ty),*) => {
        match $dtype {
            None => Ok(<() as Widen<$V>>::DECODE),
            Some(DType::Bool) => Ok(<bool as Widen<$V>>::DECODE),
            #[cfg(feature = "half")]
            Some(DType::Float16) => Ok(<half::f16 as Widen<$V>>::DECODE),
            #[cfg(feature = "half")]
            Some(DType::BFloat16) => Ok(<half::bf16 as Widen<$V>>::DECODE),
            $(Some(DType::$name) => Ok(<$T as Widen<$V>>::DECODE),)*
            Some(other) => Err(no_number(other, <$V>::DTYPE)),
        }
    };
}

/// The coding of entries as `f32`, exact except for 64-bit integers, which are rounded. Fails if there is none for
/// this type.
pub(crate) fn f32s(dtype: Option<DType>) -> Result<Coding<f32>> {
    coding!(f32, dtype; Int8 i8, Int16 i16, UInt8 u8, UInt16 u16, Float32 f32)
}

/// As [`f32s`].
pub(crate) fn f64s(dtype: Option<DType>) -> Result<Coding<f64>> {
    coding!(f64, dtype; Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8, UInt16 u16, UInt32 u32,
        UInt64 u64, Float32 f32, Float64 f64)
}

/// The absolute values of entries of any type.
pub(crate) fn magnitudes(dtype: Option<DType>) -> Result<Coding<f64>> {
    fn of_complex<T: Factor<Complex<f64>>>(from: Raw<'_>, to: &mut [f64]) {
        decode(from, to, |entry: T| entry.times(Complex::one()).norm());
    }
    match dtype {
        Some(DType::Complex64) => Ok(Some(of_complex::<Complex<f32>>)),
        Some(DType::Complex128) => Ok(Some(of_complex::<Complex<f64>>)),
        // Callers take the absolute value of the numbers.
        real => f64s(real),
    }
}

fn no_number(dtype: DType, to: DType) -> Error {
    Error::new(ErrorKind::Type, "the entries cannot be converted to this type without loss")
        .expected(format!("entries that {to} holds"))
        .found(dtype)
}

/// Evaluates an expression with `T` bound to the scalar type that a [`DType`] names, or another expression if it is not
/// a scalar.
macro_rules! by_scalar {
    ($dtype:expr, $T:ident => $body:expr, _ => $other:expr) => {
        match $dtype {
            Some($crate::storage::DType::Float32) => {
                type $T = f32;
                $body
            }
            Some($crate::storage::DType::Float64) => {
                type $T = f64;
                $body
            }
            Some($crate::storage::DType::Complex64) => {
                type $T = num_complex::Complex<f32>;
                $body
            }
            Some($crate::storage::DType::Complex128) => {
                type $T = num_complex::Complex<f64>;
                $body
            }
            _ => $other,
        }
    };
}
pub(crate) use by_scalar;
