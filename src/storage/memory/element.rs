//! The element types that a file may hold.
//!
//! [`Element`] is the contract, a sealed trait; the macro below implements it. A type that is an `Element` can be read
//! straight from mapped bytes. For `bool` that holds only once the bytes have been checked to be 0 or 1, which is why
//! the check is part of the contract ([`bytemuck::CheckedBitPattern`]).

use std::fmt;

use bytemuck::{CheckedBitPattern, NoUninit, Zeroable};
use num_complex::Complex;

use crate::storage::memory::dtype::DType;
use crate::storage::runtime::parallel;

mod sealed {
    pub trait Sealed {}
}

/// A value that can be read straight from the bytes of a file.
///
/// Sealed: i8…i64, u8…u64, f32, f64, `Complex<f32>`, `Complex<f64>` and bool; with the feature `half`, `half::f16` and
/// `half::bf16` also.
///
/// ```
/// use outcore::{DType, Element};
/// assert_eq!(<f32 as Element>::DTYPE, DType::Float32);
/// assert_eq!(<f32 as Element>::DTYPE.name(), "float32");
/// ```
pub trait Element: Entry + Default + fmt::Display {
    /// The type's name in a file.
    const DTYPE: DType;
}

/// What a sparse matrix holds at a stored position: an [`Element`], or `()` for a pattern-only matrix.
///
/// `()` has no bytes, so the value buffer of a pattern matrix has none either, in memory and on disk.
pub trait Entry:
    sealed::Sealed
    + Copy
    + Zeroable
    + NoUninit
    + CheckedBitPattern
    + PartialEq
    + Send
    + Sync
    + fmt::Debug
    + 'static
{
    /// The type's name in a file, or `None` for `()`.
    const ENTRY_DTYPE: Option<DType>;

    /// The sum of two entries at one position: `or` for `bool`, `None` where an integer overflows.
    fn merge(self, other: Self) -> Option<Self>;
}

/// Puts an entry into an element of a dense array of zeros: the result is the entry, or the sum if the element was
/// already set. So a negative zero is kept; adding it to zero would lose it.
#[inline(always)]
pub(crate) fn put<T: Element>(element: T, entry: T) -> Option<T> {
    if element == T::default() { Some(entry) } else { element.merge(entry) }
}

impl sealed::Sealed for () {}
impl Entry for () {
    const ENTRY_DTYPE: Option<DType> = None;
    fn merge(self, (): ()) -> Option<()> {
        Some(())
    }
}

macro_rules! elements {
    ($($type:ty => $dtype:ident, $merge:expr;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Entry for $type {
            const ENTRY_DTYPE: Option<DType> = Some(DType::$dtype);
            #[inline]
            fn merge(self, other: Self) -> Option<Self> {
                let merge: fn(Self, Self) -> Option<Self> = $merge;
                merge(self, other)
            }
        }
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;
        }
    )*};
}

elements! {
    bool => Bool, |a, b| Some(a | b);
    i8 => Int8, i8::checked_add;
    i16 => Int16, i16::checked_add;
    i32 => Int32, i32::checked_add;
    i64 => Int64, i64::checked_add;
    u8 => UInt8, u8::checked_add;
    u16 => UInt16, u16::checked_add;
    u32 => UInt32, u32::checked_add;
    u64 => UInt64, u64::checked_add;
    f32 => Float32, |a, b| Some(a + b);
    f64 => Float64, |a, b| Some(a + b);
    Complex<f32> => Complex64, |a, b| Some(a + b);
    Complex<f64> => Complex128, |a, b| Some(a + b);
}

// The sum in `f32`, rounded once.
#[cfg(feature = "half")]
elements! {
    half::f16 => Float16, |a, b| Some(a + b);
    half::bf16 => BFloat16, |a, b| Some(a + b);
}

/// Evaluates an expression with `T` bound to the type that a [`DType`] names; another expression for types that this
/// build does not include.
macro_rules! by_dtype {
    ($dtype:expr, $T:ident => $body:expr, _ => $other:expr) => {
        match $dtype {
            DType::Bool => {
                type $T = bool;
                $body
            }
            DType::Int8 => {
                type $T = i8;
                $body
            }
            DType::Int16 => {
                type $T = i16;
                $body
            }
            DType::Int32 => {
                type $T = i32;
                $body
            }
            DType::Int64 => {
                type $T = i64;
                $body
            }
            DType::UInt8 => {
                type $T = u8;
                $body
            }
            DType::UInt16 => {
                type $T = u16;
                $body
            }
            DType::UInt32 => {
                type $T = u32;
                $body
            }
            DType::UInt64 => {
                type $T = u64;
                $body
            }
            DType::Float32 => {
                type $T = f32;
                $body
            }
            DType::Float64 => {
                type $T = f64;
                $body
            }
            DType::Complex64 => {
                type $T = num_complex::Complex<f32>;
                $body
            }
            DType::Complex128 => {
                type $T = num_complex::Complex<f64>;
                $body
            }
            #[cfg(feature = "half")]
            DType::Float16 => {
                type $T = half::f16;
                $body
            }
            #[cfg(feature = "half")]
            DType::BFloat16 => {
                type $T = half::bf16;
                $body
            }
            #[cfg(not(feature = "half"))]
            DType::Float16 | DType::BFloat16 => $other,
        }
    };
}
pub(crate) use by_dtype;

/// The integer type of row and column indices and of pointers: `u32` or `u64`.
///
/// On disk they are int32 and int64, because SciPy shares memory only with signed indices; a value that fits the
/// signed type has the same bits in both, and one that does not is out of range for every matrix and rejected.
pub trait Index: Element + Copy + Eq + Ord + std::hash::Hash + Into<u64> {
    /// The signed type of indices in a file.
    const DISK: DType;
    /// The largest value that the signed type on disk can hold.
    const LARGEST: usize;
    /// The value as a position in memory.
    fn to_usize(self) -> usize;
    /// The index of a position. The caller has checked that `position <= Self::LARGEST`.
    fn from_usize(position: usize) -> Self;
    /// Sorts indices, on the threads of the calling context.
    #[doc(hidden)]
    fn sort(indices: &mut [Self]);
}

macro_rules! indices {
    ($($type:ty => $signed:ty, $disk:ident;)*) => {$(
        impl Index for $type {
            const DISK: DType = DType::$disk;
            const LARGEST: usize = <$signed>::MAX as usize;
            #[inline(always)]
            fn to_usize(self) -> usize {
                self as usize
            }
            #[inline(always)]
            fn from_usize(position: usize) -> Self {
                debug_assert!(position <= Self::LARGEST);
                position as $type
            }
            fn sort(indices: &mut [Self]) {
                parallel::sort(indices);
            }
        }
    )*};
}

indices! {
    u32 => i32, Int32;
}

// On 32-bit targets, different 64-bit indices could become the same position.
#[cfg(target_pointer_width = "64")]
indices! {
    u64 => i64, Int64;
}
