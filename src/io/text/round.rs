//! A decimal rounded to a binary float, correctly, in one or two products of 64 bits.
//!
//! D. Lemire, "Number parsing at a gigabyte per second", Software: Practice and Experience 51 (2021), after an idea of
//! M. Eisel: the first bits of the digits times a power of ten kept to 128 bits decide the result, except where the
//! product lies so close to halfway between two floats that bits further down could matter. N. Mushtak and D. Lemire,
//! "Fast number parsing without fallback" (2023), show that with 128 bits this does not occur for doubles.

use crate::io::text::powers_of_ten::{exponent, rounded_down, rounded_up};

/// A binary float of the IEEE standard.
pub(in crate::io) struct Shape {
    /// Bits of the fraction that are stored.
    pub(in crate::io) fraction: u32,
    /// The bias of the stored exponent.
    pub(in crate::io) bias: i32,
    /// The powers of ten for which a decimal of 64 bits can lie exactly halfway between two floats.
    pub(in crate::io) ties: (i32, i32),
}

pub(in crate::io) const DOUBLE: Shape = Shape { fraction: 52, bias: 1023, ties: (-4, 23) };
pub(in crate::io) const SINGLE: Shape = Shape { fraction: 23, bias: 127, ties: (-17, 10) };

/// The bits of `digits · 10^q` without a sign, rounded to even where halfway. `None` for what is left to others:
/// numbers below the normal ones, above the largest, and those that 128 bits do not decide.
#[inline]
pub(in crate::io) fn rounded(digits: u64, q: i32, shape: &Shape) -> Option<u64> {
    if digits == 0 {
        return Some(0);
    }
    // Powers whose inverse fits 64 bits are rounded up, as the paper has it.
    let power = if (-27..0).contains(&q) { rounded_up(q)? } else { rounded_down(q)? };
    let zeros = digits.leading_zeros();
    let w = u128::from(digits << zeros);
    let mut product = w * (power >> 64);
    // The lower half of the power matters only if it could carry into the bits that are kept.
    let below = u64::MAX >> (shape.fraction + 3);
    if (product >> 64) as u64 & below == below {
        product += (w * (power & u128::from(u64::MAX))) >> 64;
    }
    let (high, low) = ((product >> 64) as u64, product as u64);
    if low == u64::MAX && !(-27..=55).contains(&q) {
        return None;
    }
    let top = (high >> 63) as u32;
    let shift = top + 64 - shape.fraction - 3;
    // One bit more than the float has, for rounding.
    let mut mantissa = high >> shift;
    let mut power_of_two = exponent(q) + 63 + top as i32 - zeros as i32 + shape.bias;
    if power_of_two <= 0 {
        return None;
    }
    let halfway = low <= 1 && mantissa & 3 == 1 && mantissa << shift == high;
    if halfway && (shape.ties.0..=shape.ties.1).contains(&q) {
        mantissa &= !1;
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if mantissa >> (shape.fraction + 1) != 0 {
        mantissa >>= 1;
        power_of_two += 1;
    }
    let fraction = mantissa & ((1 << shape.fraction) - 1);
    (power_of_two <= 2 * shape.bias).then_some(((power_of_two as u64) << shape.fraction) | fraction)
}
