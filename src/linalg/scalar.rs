//! Numbers that vectors are made of, and what a stored entry does to one.
//!
//! [`Scalar`] is the field a product is computed in. [`Factor`] says that an entry of another type can stand before
//! it: pattern entries multiply by one, integers and `bool` are widened exactly where the type allows (products of those of 64
//! bits with vectors of integers are summed as integers, in `exact.rs`), `f32` entries
//! accumulate in `f64` when the vectors are `f64`, and numbers of 16 bits in either.

use std::iter::Sum;
use std::ops::{AddAssign, Div, Mul, Neg, Sub, SubAssign};

use num_complex::Complex;
use num_traits::{Float, One, Zero};

use crate::dense::AnyDense;
use crate::error::Result;
use crate::linalg::by_type::Multiplied;
use crate::linalg::compressed::multiply_panels;
use crate::linalg::exact;
use crate::linalg::kernels::{self, DenseRows, How, Vectors};
use crate::linalg::numbers::{self, Widen};
use crate::linalg::prepared_form::Form;
use crate::linalg::reduce::{self, Stored};
use crate::sparse::{AnyCompressed, AnyLinePanels};
use crate::storage::{Context, DType, Element, Entry};

/// A real or complex floating-point number: `f32`, `f64` and the complex numbers of both.
pub trait Scalar:
    Element
    + Multiplied
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

    /// The sum of entries that can multiply such numbers. Compiled in this library, as is the next.
    #[doc(hidden)]
    fn sum_of(values: Stored<'_>, ctx: &Context) -> Result<Self>;

    /// The Frobenius norm of entries that can multiply such numbers.
    #[doc(hidden)]
    fn norm_of(values: Stored<'_>, ctx: &Context) -> Result<Self::Real>;

    /// The product of lines of a pattern.
    #[doc(hidden)]
    fn multiply_pattern(
        panels: &mut AnyLinePanels,
        adjoint: bool,
        vectors: Vectors<'_, '_, Self>,
        ctx: &Context,
    ) -> Result<()> {
        multiply_panels::<(), Self>(panels, None, adjoint, vectors, ctx)
    }

    /// The product of encoded lines of a pattern.
    #[doc(hidden)]
    fn multiply_pattern_form(
        form: &Form,
        how: How,
        vectors: Vectors<'_, '_, Self>,
        ctx: &Context,
    ) -> Result<()> {
        form.product::<(), Self>(None, how, vectors, ctx)
    }
}

/// The products with a pattern once more, word for word, compiled here; see `compiled_here`.
macro_rules! pattern_products {
    ($x:ty) => {
        fn multiply_pattern(
            panels: &mut AnyLinePanels,
            adjoint: bool,
            vectors: Vectors<'_, '_, $x>,
            ctx: &Context,
        ) -> Result<()> {
            multiply_panels::<(), $x>(panels, None, adjoint, vectors, ctx)
        }
        fn multiply_pattern_form(
            form: &Form,
            how: How,
            vectors: Vectors<'_, '_, $x>,
            ctx: &Context,
        ) -> Result<()> {
            form.product::<(), $x>(None, how, vectors, ctx)
        }
    };
}

/// A stored entry that can multiply a number of type `X`.
pub trait Factor<X: Scalar>: Entry {
    /// `self · x`.
    fn times(self, x: X) -> X;

    /// `conj(self) · x`, the entry of the adjoint.
    fn conj_times(self, x: X) -> X;

    /// Whether the two differ: products with real entries need not be compiled twice.
    #[doc(hidden)]
    const IS_COMPLEX: bool = false;

    /// The product of lines of a compressed matrix. Compiled in this library for the pairs that are listed below, as are the next
    /// two; for others, which are rare, where it is used.
    #[doc(hidden)]
    fn multiply_panels(
        panels: &mut AnyLinePanels,
        adjoint: bool,
        vectors: Vectors<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        multiply_panels::<Self, X>(panels, None, adjoint, vectors, ctx)
    }

    /// The product of lines of a dense matrix.
    #[doc(hidden)]
    fn multiply_dense(a: DenseRows<'_, Self>, how: How, vectors: Vectors<'_, '_, X>) -> Result<()> {
        kernels::multiply_dense(a, how, vectors)
    }

    /// The product of encoded lines.
    #[doc(hidden)]
    fn multiply_form(
        form: &Form,
        how: How,
        vectors: Vectors<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        form.product::<Self, X>(None, how, vectors, ctx)
    }

    /// The product of a matrix with `k` vectors, or that with the adjoint, if it needs more digits than numbers of `X` have;
    /// whether it does. Only integers of 64 bits do, and only with integers.
    #[doc(hidden)]
    fn exact_sparse(
        a: &AnyCompressed,
        adjoint: bool,
        vectors: (usize, &[X], &mut [X]),
        ctx: &Context,
    ) -> Result<bool> {
        let _ = (a, adjoint, vectors, ctx);
        Ok(false)
    }

    /// As [`exact_sparse`](Self::exact_sparse), for a dense matrix.
    #[doc(hidden)]
    fn exact_dense(
        a: &AnyDense,
        adjoint: bool,
        vectors: (usize, &[X], &mut [X]),
        ctx: &Context,
    ) -> Result<bool>
    where
        Self: Element,
    {
        let _ = (a, adjoint, vectors, ctx);
        Ok(false)
    }
}

/// Products once more, word for word: methods of an implementation for two concrete types are compiled here, while those that a
/// trait provides are compiled anew wherever they are used. Real numbers have all three, complex ones that of lines: what is
/// compiled here is paid for by everybody.
macro_rules! compiled_here {
    ($x:ty) => {
        products_as!($x, Self, None);
        fn multiply_dense(
            a: DenseRows<'_, Self>,
            how: How,
            vectors: Vectors<'_, '_, $x>,
        ) -> Result<()> {
            kernels::multiply_dense(a, how, vectors)
        }
    };
}

/// The products of entries that are decoded into numbers of type `$as`, which hold each of them.
macro_rules! decoded {
    ($x:ty, $as:ty) => {
        products_as!($x, $as, <Self as Widen<$as>>::DECODE);
    };
}

/// The products with stored and with encoded lines, of entries as numbers of type `$as`.
macro_rules! products_as {
    ($x:ty, $as:ty, $decode:expr) => {
        lines_as!($x, $as, $decode);
        fn multiply_form(
            form: &Form,
            how: How,
            vectors: Vectors<'_, '_, $x>,
            ctx: &Context,
        ) -> Result<()> {
            form.product::<$as, $x>($decode, how, vectors, ctx)
        }
    };
}

/// The products with stored lines.
macro_rules! lines_as {
    ($x:ty, $as:ty, $decode:expr) => {
        fn multiply_panels(
            panels: &mut AnyLinePanels,
            adjoint: bool,
            vectors: Vectors<'_, '_, $x>,
            ctx: &Context,
        ) -> Result<()> {
            multiply_panels::<$as, $x>(panels, $decode, adjoint, vectors, ctx)
        }
    };
}

/// Sums and norms of entries of the types that are listed, and of all others as numbers of type `$real`.
macro_rules! reductions {
    ($real:ty, $coding:path $(, $name:ident $V:ty)*) => {
        fn sum_of(values: Stored<'_>, ctx: &Context) -> Result<Self> {
            match values.dtype() {
                $(Some(DType::$name) => reduce::sum::<$V, Self>(values, None, ctx),)*
                dtype => reduce::sum::<$real, Self>(values, $coding(dtype)?, ctx),
            }
        }
        fn norm_of(values: Stored<'_>, ctx: &Context) -> Result<Self::Real> {
            match values.dtype() {
                $(Some(DType::$name) => reduce::norm_fro::<$V, Self>(values, None, ctx),)*
                dtype => reduce::norm_fro::<$real, Self>(values, $coding(dtype)?, ctx),
            }
        }
    };
}

macro_rules! real_scalars {
    ($($real:ty, ($($reductions:tt)*), ($($of_complex:tt)*));*) => {$(
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
            reductions!($($reductions)*);
            pattern_products!($real);
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
            reductions!($($of_complex)*);
        }
    )*};
}

real_scalars!(
    f32, (f32, numbers::f32s), (f32, numbers::f32s, Complex64 Complex<f32>);
    f64, (f64, numbers::f64s, Float32 f32, Int32 i32),
        (f64, numbers::f64s, Complex64 Complex<f32>, Complex128 Complex<f64>)
);

impl<X: Scalar> Factor<X> for () {
    #[inline(always)]
    fn times(self, x: X) -> X {
        x
    }
    #[inline(always)]
    fn conj_times(self, x: X) -> X {
        x
    }
    fn multiply_panels(
        panels: &mut AnyLinePanels,
        adjoint: bool,
        vectors: Vectors<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        X::multiply_pattern(panels, adjoint, vectors, ctx)
    }
    fn multiply_form(
        form: &Form,
        how: How,
        vectors: Vectors<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        X::multiply_pattern_form(form, how, vectors, ctx)
    }
}

/// Real entries before real or complex numbers: the entry is widened to the real type, then scales. Behind it stands what else
/// the factors of the real and of the complex number have.
macro_rules! real_factor {
    ($entry:ty, $real:ty, |$it:ident| $wide:expr; {$($of_real:tt)*} {$($of_complex:tt)*}) => {
        impl Factor<$real> for $entry {
            #[inline(always)]
            fn times(self, x: $real) -> $real {
                let $it = self;
                $wide * x
            }
            #[inline(always)]
            fn conj_times(self, x: $real) -> $real {
                self.times(x)
            }
            $($of_real)*
        }

        impl Factor<Complex<$real>> for $entry {
            #[inline(always)]
            fn times(self, x: Complex<$real>) -> Complex<$real> {
                let $it = self;
                x * ($wide)
            }
            #[inline(always)]
            fn conj_times(self, x: Complex<$real>) -> Complex<$real> {
                self.times(x)
            }
            $($of_complex)*
        }
    };
}

/// Entries that are decoded.
macro_rules! decoded_factors {
    ($($entry:ty => $($real:ty),+, |$it:ident| $wide:expr;)*) => {$($(
        real_factor!(
            $entry, $real, |$it| <$real>::from($wide);
            {decoded!($real, $real);} {}
        );
    )+)*};
}

/// Products of integers of which an `f64` holds not all.
macro_rules! exact_products {
    ($number:ty) => {
        fn exact_sparse(
            a: &AnyCompressed,
            adjoint: bool,
            vectors: (usize, &[$number], &mut [$number]),
            ctx: &Context,
        ) -> Result<bool> {
            exact::sparse::<$number, Self>(a, adjoint, vectors, ctx)
        }
        fn exact_dense(
            a: &AnyDense,
            adjoint: bool,
            vectors: (usize, &[$number], &mut [$number]),
            ctx: &Context,
        ) -> Result<bool> {
            exact::dense::<$number, Self>(a, adjoint, vectors, ctx)
        }
    };
}

macro_rules! exact_factors {
    ($($entry:ty),*) => {$(
        real_factor!(
            $entry, f64, |entry| entry as f64;
            {decoded!(f64, f64); exact_products!(f64);}
            {exact_products!(Complex<f64>);}
        );
    )*};
}

exact_factors!(i64, u64);
real_factor!(f64, f64, |entry| entry; {compiled_here!(f64);} {});
real_factor!(f32, f32, |entry| entry; {compiled_here!(f32);} {});

decoded_factors! {
    f32 => f64, |entry| entry;
    i8 => f32, f64, |entry| entry;
    i16 => f32, f64, |entry| entry;
    i32 => f64, |entry| entry;
    u8 => f32, f64, |entry| entry;
    u16 => f32, f64, |entry| entry;
    u32 => f64, |entry| entry;
}

#[cfg(feature = "half")]
decoded_factors! {
    half::f16 => f32, f64, |entry| widen_f16(entry);
    half::bf16 => f32, f64, |entry| widen_bf16(entry);
}

/// The same number as an `f32`: its bits are the upper half.
#[cfg(feature = "half")]
#[inline(always)]
fn widen_bf16(entry: half::bf16) -> f32 {
    f32::from_bits(u32::from(entry.to_bits()) << 16)
}

/// The same number as an `f32`, in arithmetic that the compiler does for a vector of entries at a time.
///
/// Moved into place, exponent and fraction are those of a number 2¹¹² times too small, also where the exponent is zero;
/// infinities and what is no number get the largest exponent. The conversion of the crate `half` branches on each kind.
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
    ($($entry:ty => $real:ty {$($products:tt)*})*) => {$(
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
            $($products)*
        }
    )*};
}

complex_factors! {
    f32 => f32 { lines_as!(Complex<f32>, Self, None); }
    f32 => f64 {}
    f64 => f64 { lines_as!(Complex<f64>, Self, None); }
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
