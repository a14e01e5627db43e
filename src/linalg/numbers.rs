//! Entries of every type as numbers of the few types that loops are compiled for.
//!
//! What goes over numbers block by block, sums, norms and statistics, is compiled for `f64` and some others; entries of other
//! types are decoded a block at a time, exactly, so that the bits are those of a loop of their own.

use num_complex::Complex;
use num_traits::One;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::kernels::{Decode, decode};
use crate::linalg::scalar::{Factor, Scalar};
use crate::storage::raw::Raw;
use crate::storage::{DType, Element};

/// How entries become numbers of type `V`: decoded, or `None` if they are such.
pub(crate) type Coding<V> = Option<Decode<V>>;

/// What decodes entries of the types that are listed and those that numbers of every type hold, a pattern as ones.
macro_rules! decoder {
    ($V:ty, $dtype:expr; $($name:ident $T:ty),*) => {{
        let decode: Decode<$V> = match $dtype {
            None => of_entries::<(), $V>,
            Some(DType::Bool) => of_entries::<bool, $V>,
            #[cfg(feature = "half")]
            Some(DType::Float16) => of_entries::<half::f16, $V>,
            #[cfg(feature = "half")]
            Some(DType::BFloat16) => of_entries::<half::bf16, $V>,
            $(Some(DType::$name) => of_entries::<$T, $V>,)*
            Some(other) => return Err(no_number(other, <$V>::DTYPE)),
        };
        Ok(Some(decode))
    }};
}

fn of_entries<T: Factor<V>, V: Scalar>(from: Raw<'_>, to: &mut [V]) {
    decode(from, to, |entry: T| entry.times(V::one()));
}

/// Entries as numbers that hold each of them, apart from those integers of 64 bits that are rounded. Fails if there are none for
/// this type.
pub(crate) fn f32s(dtype: Option<DType>) -> Result<Coding<f32>> {
    if dtype == Some(DType::Float32) {
        return Ok(None);
    }
    decoder!(f32, dtype; Int8 i8, Int16 i16, UInt8 u8, UInt16 u16)
}

/// As [`f32s`].
pub(crate) fn f64s(dtype: Option<DType>) -> Result<Coding<f64>> {
    if dtype == Some(DType::Float64) {
        return Ok(None);
    }
    decoder!(f64, dtype; Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8, UInt16 u16, UInt32 u32,
        UInt64 u64, Float32 f32)
}

/// The absolute values of entries of any type.
pub(crate) fn magnitudes(dtype: Option<DType>) -> Result<Coding<f64>> {
    fn of_complex<T: Factor<Complex<f64>>>(from: Raw<'_>, to: &mut [f64]) {
        decode(from, to, |entry: T| entry.times(Complex::one()).norm());
    }
    match dtype {
        Some(DType::Complex64) => Ok(Some(of_complex::<Complex<f32>>)),
        Some(DType::Complex128) => Ok(Some(of_complex::<Complex<f64>>)),
        // Whoever asks for magnitudes takes the absolute value of what comes.
        real => f64s(real),
    }
}

fn no_number(dtype: DType, to: DType) -> Error {
    Error::new(ErrorKind::Type, "the entries are no such numbers")
        .expected(format!("entries that {to} holds"))
        .found(dtype)
}

/// Evaluates an expression with `V` being the type of numbers in which statistics take real entries of a type, and `decode` making
/// them of it: those of the size that the entries have, so that integers of 64 bits stay exact. Other entries are an error.
macro_rules! by_number {
    ($dtype:expr, ($V:ident, $decode:ident) => $body:expr) => {
        match $dtype {
            Some($crate::storage::DType::Int64) => {
                type $V = i64;
                let $decode: $crate::linalg::numbers::Coding<$V> = None;
                $body
            }
            Some($crate::storage::DType::UInt64) => {
                type $V = u64;
                let $decode: $crate::linalg::numbers::Coding<$V> = None;
                $body
            }
            dtype @ Some(
                $crate::storage::DType::Int32
                | $crate::storage::DType::UInt32
                | $crate::storage::DType::Float64,
            ) => {
                type $V = f64;
                let $decode = $crate::linalg::numbers::f64s(dtype)?;
                $body
            }
            dtype => {
                type $V = f32;
                let $decode = $crate::linalg::numbers::f32s(dtype)?;
                $body
            }
        }
    };
}
pub(crate) use by_number;
