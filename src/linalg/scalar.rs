//! Numbers that vectors are made of, and what a stored entry does to one.
//!
//! [`Scalar`] is the field a product is computed in. [`Factor`] says that an entry of another type can stand before
//! it: pattern entries multiply by one, integers and `bool` are widened exactly where the type allows, `f32` entries
//! accumulate in `f64` when the vectors are `f64`.

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

/// Real entries before real or complex numbers: the entry is widened to the real type, then scales.
macro_rules! real_factors {
    ($($entry:ty => $($real:ty),+);* $(;)?) => {$($(
        impl Factor<$real> for $entry {
            #[inline(always)]
            fn times(self, x: $real) -> $real { self as $real * x }
            #[inline(always)]
            fn conj_times(self, x: $real) -> $real { self as $real * x }
        }

        impl Factor<Complex<$real>> for $entry {
            #[inline(always)]
            fn times(self, x: Complex<$real>) -> Complex<$real> { x * (self as $real) }
            #[inline(always)]
            fn conj_times(self, x: Complex<$real>) -> Complex<$real> { x * (self as $real) }
        }
    )+)*};
}

real_factors! {
    f64 => f64;
    f32 => f32, f64;
    i8 => f32, f64;
    i16 => f32, f64;
    i32 => f64;
    i64 => f64;
    u8 => f32, f64;
    u16 => f32, f64;
    u32 => f64;
    u64 => f64;
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
    ($($entry:ty => $($real:ty),+);* $(;)?) => {$($(
        impl Factor<Complex<$real>> for Complex<$entry> {
            #[inline(always)]
            fn times(self, x: Complex<$real>) -> Complex<$real> {
                Complex::new(self.re as $real, self.im as $real) * x
            }
            #[inline(always)]
            fn conj_times(self, x: Complex<$real>) -> Complex<$real> {
                Complex::new(self.re as $real, -(self.im as $real)) * x
            }
        }
    )+)*};
}

complex_factors! {
    f32 => f32, f64;
    f64 => f64;
}
