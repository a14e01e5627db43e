//! Powers of two that scale numbers near one, so that their squares neither overflow nor underflow, and tests for
//! integers.
//!
//! A power of two changes no digit. Sums of squares are first formed without scaling; only a sum that is so large or so
//! small that digits were lost is recomputed from scaled numbers.

use num_traits::{Float, ToPrimitive};

use crate::linalg::algebra::scalar::Scalar;
use crate::storage::{DType, Entry};

/// Whether a sum of products of numbers of similar magnitude has lost nothing to overflow, or to underflow below
/// rounding.
pub(crate) fn is_safe<R: Float>(sum: R) -> bool {
    sum.is_finite() && sum.abs() >= R::min_positive_value() / R::epsilon()
}

/// Whether a number is neither infinite nor NaN.
#[inline(always)]
pub(crate) fn is_finite<X: Scalar>(x: X) -> bool {
    // Zero times a number that is not finite is NaN.
    (x * X::zero()).is_zero()
}

/// The larger of two numbers; NaN if the second is, or if the first is and the second is no larger.
#[inline(always)]
pub(crate) fn larger<R: Float>(a: R, b: R) -> R {
    if b > a || b.is_nan() { b } else { a }
}

/// A power of two that scales `largest`, which is positive and finite, near one, and its inverse.
pub(crate) fn power_of_two<R: Scalar + ToPrimitive + Float>(largest: R) -> (R, R) {
    let most = exponent(R::max_value()) - 1;
    let power = exponent(largest).clamp(-most, most);
    (R::from_f64(2f64.powi(-power)), R::from_f64(2f64.powi(power)))
}

/// The exponent of a positive finite number, or that of the least normal `f64` for smaller ones.
pub(crate) fn exponent<R: ToPrimitive>(number: R) -> i32 {
    let bits = number.to_f64().unwrap_or(1.0).to_bits();
    ((bits >> 52 & 0x7ff) as i32).max(1) - 1023
}

/// The absolute value, or half of it if that of a finite complex number overflows; not finite if the number is not.
#[inline(always)]
pub(crate) fn largest_part<X: Scalar>(x: X) -> X::Real {
    let whole = x.abs();
    if whole.is_infinite() { (x * X::from_f64(0.5)).abs() } else { whole }
}

/// Whether entries are integers, including `bool` and patterns, whose entries count as one.
pub(crate) const fn is_integer(dtype: Option<DType>) -> bool {
    !matches!(
        dtype,
        Some(
            DType::Float16
                | DType::BFloat16
                | DType::Float32
                | DType::Float64
                | DType::Complex64
                | DType::Complex128
        )
    )
}

/// Whether entries are integers that `f64` cannot all represent.
pub(crate) const fn is_wide<T: Entry>() -> bool {
    matches!(T::ENTRY_DTYPE, Some(DType::Int64 | DType::UInt64))
}

/// An entry as an integer; 0 if [`is_integer`] is false.
#[inline(always)]
pub(crate) fn integer<T: Entry>(entry: T) -> i128 {
    macro_rules! read {
        ($type:ty) => {
            <$type>::from_ne_bytes(bytes(&entry)) as i128
        };
    }
    match T::ENTRY_DTYPE {
        None => 1,
        Some(DType::Bool | DType::UInt8) => read!(u8),
        Some(DType::Int8) => read!(i8),
        Some(DType::Int16) => read!(i16),
        Some(DType::Int32) => read!(i32),
        Some(DType::Int64) => read!(i64),
        Some(DType::UInt16) => read!(u16),
        Some(DType::UInt32) => read!(u32),
        Some(DType::UInt64) => read!(u64),
        _ => 0,
    }
}

#[inline(always)]
fn bytes<T: Entry, const N: usize>(entry: &T) -> [u8; N] {
    bytemuck::bytes_of(entry).try_into().unwrap_or([0; N])
}

/// An integer as the nearest `f64` and the remainder, without loss below 2¹⁰⁶.
#[inline(always)]
pub(crate) fn split(integer: i128) -> (f64, f64) {
    let nearest = integer as f64;
    (nearest, (integer - nearest as i128) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_numbers_are_near_one() {
        for x in [5e-324, 1e-310, 1e-300, 0.7, 1.0, 3.0, 1e300, f64::MAX] {
            let (scale, back) = power_of_two(x);
            assert_eq!(x * scale * back, x);
            assert!(is_safe(x * scale * (x * scale)), "{x}");
        }
        for x in [1e-45f32, 1e-40, 1e-30, 1.0, 1e30, f32::MAX] {
            let (scale, back) = power_of_two(x);
            assert_eq!(x * scale * back, x);
            assert!(is_safe(x * scale * (x * scale)), "{x}");
        }
        assert!(!is_safe(0.0) && !is_safe(f64::NAN) && !is_safe(1e-300) && is_safe(-1.0f32));
    }

    #[test]
    fn integers_of_every_type() {
        assert_eq!((integer(()), integer(true), integer(-3i8)), (1, 1, -3));
        assert_eq!((integer(i64::MIN), integer(u64::MAX)), (i64::MIN.into(), u64::MAX.into()));
        assert!(
            is_integer(Some(DType::UInt16))
                && is_integer(None)
                && !is_integer(Some(DType::Float64))
        );
        assert_eq!(split((1 << 53) + 1), (9007199254740992.0, 1.0));
        assert_eq!(split(u64::MAX.into()), (18446744073709551616.0, -1.0));
    }
}
