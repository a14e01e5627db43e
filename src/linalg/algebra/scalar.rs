//! Element types of vectors, and their multiplication by stored entries.
//!
//! [`Scalar`] is the field in which a product is computed. [`Factor`] lets an entry of another type multiply it:
//! pattern entries multiply by one, integers and `bool` are widened exactly if the type allows (products of 64-bit
//! integers with vectors of integers are summed as integers, in `exact.rs`), `f32` entries accumulate in `f64` if the
//! vectors are `f64`, and 16-bit numbers in either.

use std::any::Any;
use std::iter::Sum;
use std::ops::{AddAssign, Div, Mul, Neg, Sub, SubAssign};

use num_complex::Complex;
use num_traits::{Float, One, Zero};

use crate::storage::{Element, Entry};

/// A real or complex floating-point number: `f32`, `f64` and the complex numbers of both.
pub trait Scalar:
    Element
    + Zero
    + One
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + Sum
{
    /// The real type of norms and absolute values.
    type Real: Scalar<Real = Self::Real> + Float + Element;

    /// The complex conjugate; a real number itself.
    fn conj(self) -> Self;

    /// The absolute value.
    fn abs(self) -> Self::Real;

    /// The square of the absolute value.
    fn abs_squared(self) -> Self::Real;

    /// The number with this real part and no imaginary part.
    fn from_real(real: Self::Real) -> Self;

    /// The real part.
    fn real(self) -> Self::Real;

    /// Rounds from `f64`, for constants.
    fn from_f64(value: f64) -> Self;
}

/// A stored entry that can multiply a number of type `X`.
pub trait Factor<X: Scalar>: Entry {
    /// `self · x`.
    fn times(self, x: X) -> X;

    /// `conj(self) · x`, the entry of the adjoint.
    fn conj_times(self, x: X) -> X;

    /// Whether the two differ. Products with real entries need not be compiled twice.
    #[doc(hidden)]
    const IS_COMPLEX: bool = false;
}

macro_rules! real_scalars {
    ($($real:ty),*) => {$(
        impl Scalar for $real {
            type Real = $real;
            #[inline(always)]
            fn conj(self) -> Self { self }
            #[inline(always)]
            fn abs(self) -> $real { <$real>::abs(self) }
            #[inline(always)]
            fn abs_squared(self) -> $real { self * self }
            #[inline(always)]
            fn from_real(real: $real) -> Self { real }
            #[inline(always)]
            fn real(self) -> $real { self }
            #[inline(always)]
            fn from_f64(value: f64) -> Self { value as $real }
        }

        impl Scalar for Complex<$real> {
            type Real = $real;
            #[inline(always)]
            fn conj(self) -> Self { Complex::conj(&self) }
            #[inline(always)]
            fn abs(self) -> $real { self.norm() }
            #[inline(always)]
            fn abs_squared(self) -> $real { self.norm_sqr() }
            #[inline(always)]
            fn from_real(real: $real) -> Self { Complex::new(real, 0.0) }
            #[inline(always)]
            fn real(self) -> $real { self.re }
            #[inline(always)]
            fn from_f64(value: f64) -> Self { Complex::new(value as $real, 0.0) }
        }
    )*};
}

real_scalars!(f32, f64);

impl<X: Scalar> Factor<X> for () {
    #[inline(always)]
    fn times(self, x: X) -> X {
        x
    }
    #[inline(always)]
    fn conj_times(self, x: X) -> X {
        x
    }
}

/// Real entries times real or complex numbers: the entry is widened to the real type, then scales.
macro_rules! real_factors {
    ($($entry:ty => $($real:ty),+, |$it:ident| $wide:expr;)*) => {$($(
        impl Factor<$real> for $entry {
            #[inline(always)]
            fn times(self, x: $real) -> $real {
                let $it = self;
                <$real>::from($wide) * x
            }
            #[inline(always)]
            fn conj_times(self, x: $real) -> $real {
                self.times(x)
            }
        }

        impl Factor<Complex<$real>> for $entry {
            #[inline(always)]
            fn times(self, x: Complex<$real>) -> Complex<$real> {
                let $it = self;
                x * <$real>::from($wide)
            }
            #[inline(always)]
            fn conj_times(self, x: Complex<$real>) -> Complex<$real> {
                self.times(x)
            }
        }
    )+)*};
}

real_factors! {
    i8 => f32, f64, |entry| entry;
    i16 => f32, f64, |entry| entry;
    i32 => f64, |entry| entry;
    i64 => f64, |entry| entry as f64;
    u8 => f32, f64, |entry| entry;
    u16 => f32, f64, |entry| entry;
    u32 => f64, |entry| entry;
    u64 => f64, |entry| entry as f64;
    f32 => f32, f64, |entry| entry;
    f64 => f64, |entry| entry;
}

#[cfg(feature = "half")]
real_factors! {
    half::f16 => f32, f64, |entry| widen_f16(entry);
    half::bf16 => f32, f64, |entry| widen_bf16(entry);
}

/// The same number as an `f32`, whose upper half has these bits.
#[cfg(feature = "half")]
#[inline(always)]
fn widen_bf16(entry: half::bf16) -> f32 {
    f32::from_bits(u32::from(entry.to_bits()) << 16)
}

/// The same number as an `f32`, in arithmetic that the compiler vectorises.
///
/// Shifted into place, exponent and fraction are those of a number 2¹¹² times too small, also if the exponent is zero;
/// infinities and NaNs get the largest exponent. The conversion of the crate `half` branches on each kind.
#[cfg(feature = "half")]
#[inline(always)]
fn widen_f16(entry: half::f16) -> f32 {
    const SCALE: f32 = f32::from_bits((127 + 112) << 23);
    const INFINITE: u32 = 31 << 23;
    let bits = u32::from(entry.to_bits());
    let moved = (bits & 0x7fff) << 13;
    let scaled = (f32::from_bits(moved) * SCALE).to_bits();
    let magnitude = if moved >= INFINITE { moved | 0xff << 23 } else { scaled };
    f32::from_bits(magnitude | (bits & 0x8000) << 16)
}

impl<X: Scalar> Factor<X> for bool {
    #[inline(always)]
    fn times(self, x: X) -> X {
        if self { x } else { X::zero() }
    }
    #[inline(always)]
    fn conj_times(self, x: X) -> X {
        self.times(x)
    }
}

macro_rules! complex_factors {
    ($($entry:ty => $real:ty;)*) => {$(
        impl Factor<Complex<$real>> for Complex<$entry> {
            const IS_COMPLEX: bool = true;
            #[inline(always)]
            fn times(self, x: Complex<$real>) -> Complex<$real> {
                Complex::new(self.re as $real, self.im as $real) * x
            }
            #[inline(always)]
            fn conj_times(self, x: Complex<$real>) -> Complex<$real> {
                Complex::new(self.re as $real, -(self.im as $real)) * x
            }
        }
    )*};
}

complex_factors! {
    f32 => f32;
    f32 => f64;
    f64 => f64;
}

/// A number as another type, if both types are the same: selects code specialised for a type of vectors.
pub(crate) fn same<A: Any, B: Any + Copy>(number: A) -> Option<B> {
    (&number as &dyn Any).downcast_ref().copied()
}

#[cfg(all(test, feature = "half"))]
mod tests {
    use super::*;

    #[test]
    fn every_narrow_number_is_widened_exactly() {
        for bits in 0..=u16::MAX {
            let (f16, bf16) = (half::f16::from_bits(bits), half::bf16::from_bits(bits));
            for (mine, theirs) in
                [(widen_f16(f16), f16.to_f32()), (widen_bf16(bf16), bf16.to_f32())]
            {
                assert!(
                    mine.to_bits() == theirs.to_bits() || mine.is_nan() && theirs.is_nan(),
                    "{bits:#x}: {mine} and {theirs}"
                );
            }
            let wide: f64 = f16.times(1.0f64);
            assert!(wide == f16.to_f64() || wide.is_nan() && f16.is_nan());
        }
    }
}
