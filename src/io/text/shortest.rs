//! Numbers written as text in the fewest digits that read back as the same number.
//!
//! R. Giulietti, "The Schubfach way to render doubles" (2021): of all decimals that round to a float, those with the
//! fewest digits, and of these the closest, follow from three products with one power of ten. An integer, the most
//! common kind of value, bypasses it and needs no exponent.

use crate::io::text::digits::{POWERS, eight, push_unsigned};
use crate::io::text::powers_of_ten::{exponent, rounded_up};

/// Integers up to here, which `f32` and `f64` both hold exactly, are written digit by digit.
const LARGEST_PLAIN: f64 = 16_777_216.0;

/// Appends an integer.
#[inline]
pub(in crate::io) fn push_integer(out: &mut Vec<u8>, value: i128) {
    if value < 0 {
        out.push(b'-');
    }
    // Every integer type of this library fits 64 bits without its sign.
    push_unsigned(out, value.unsigned_abs() as u64);
}

/// A finite positive binary float taken apart: `integer · 2^power`.
#[derive(Clone, Copy)]
pub(in crate::io) struct FloatParts {
    integer: u64,
    power: i32,
    /// Whether the next smaller float is half as far away as the next larger one.
    closer_below: bool,
}

/// A float that can be taken apart.
pub(in crate::io) trait WrittenFloat: Copy {
    /// The parts of its magnitude, which is finite and not zero.
    fn parts(self) -> FloatParts;
}

macro_rules! binary {
    ($($float:ty),*) => {$(
        impl WrittenFloat for $float {
            #[inline]
            fn parts(self) -> FloatParts {
                const FRACTION: u32 = <$float>::MANTISSA_DIGITS - 1;
                let bits = u64::from(self.abs().to_bits());
                let (fraction, stored) = (bits & ((1 << FRACTION) - 1), (bits >> FRACTION) as i32);
                let normal = stored > 0;
                FloatParts {
                    integer: fraction | (u64::from(normal) << FRACTION),
                    power: stored.max(1) - <$float>::MAX_EXP + 1 - FRACTION as i32,
                    closer_below: fraction == 0 && stored > 1,
                }
            }
        }
    )*};
}

binary!(f32, f64);

/// Appends a float; `wide` is its value as `f64`, which decides the form.
///
/// `nan`, `inf` and `-inf` are written so. An exponent appears where it makes the number shorter.
pub(in crate::io) fn push_float(out: &mut Vec<u8>, value: impl WrittenFloat, wide: f64) {
    if wide.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if wide.is_sign_negative() {
        out.push(b'-');
    }
    let size = wide.abs();
    if size <= LARGEST_PLAIN && (size as u32) as f64 == size {
        push_unsigned(out, size as u64);
    } else if size.is_infinite() {
        out.extend_from_slice(b"inf");
    } else {
        let (digits, power) = shortest(value.parts());
        push_decimal(out, digits, power, (1e-4..1e16).contains(&size));
    }
}

/// The decimal `digits · 10^power` with the fewest digits that rounds to a float, and of these the closest to it.
fn shortest(parts: FloatParts) -> (u64, i32) {
    let FloatParts { integer, power, closer_below } = parts;
    // The float, and halfway to its neighbours, in quarters of its last bit. Halfway itself rounds to an even float.
    let (here, inclusive) = (4 * integer, integer % 2 == 0);
    let (below, above) = (here - 2 + u64::from(closer_below), here + 2);
    // The largest power of ten that is no longer than the interval between them.
    let k = (power * 1_262_611 - if closer_below { 524_031 } else { 0 }) >> 22;
    let scale = rounded_up(-k).expect("a power in the table");
    let shift = power + exponent(-k) + 1;
    let scaled = |quarters: u64| rounded_to_odd(scale, quarters << shift);
    let (here, lower, upper) = (
        scaled(here),
        scaled(below) + u64::from(!inclusive),
        scaled(above) - u64::from(!inclusive),
    );
    let whole = here / 4;
    if whole >= 10 {
        // At most one multiple of the next power of ten is inside.
        let tens = whole / 10;
        let (down, up) = (lower <= 40 * tens, 40 * tens + 40 <= upper);
        if down != up {
            return (tens + u64::from(up), k + 1);
        }
    }
    let (down, up) = (lower <= 4 * whole, 4 * whole + 4 <= upper);
    if down != up {
        return (whole + u64::from(up), k);
    }
    // Of two that are equally close the larger, as the standard library has it.
    (whole + u64::from(here >= 4 * whole + 2), k)
}

/// The upper 64 bits of a product of 192; the last is set if any bit below them is.
#[inline]
fn rounded_to_odd(scale: u128, x: u64) -> u64 {
    let x = u128::from(x);
    let low = (scale & u128::from(u64::MAX)) * x;
    let high = (scale >> 64) * x + (low >> 64);
    (high >> 64) as u64 | u64::from(high as u64 > 1)
}

/// Digits of a decimal, at the end of these bytes, which go on behind them so that any part can be copied as a whole.
const PLACES: usize = 24;

/// Appends `digits · 10^power`, with an exponent unless `plain`.
fn push_decimal(out: &mut Vec<u8>, mut digits: u64, mut power: i32, plain: bool) {
    if digits.is_multiple_of(POWERS[8]) {
        (digits, power) = (digits / POWERS[8], power + 8);
    }
    while digits.is_multiple_of(10) {
        (digits, power) = (digits / 10, power + 1);
    }
    let mut text = [b'0'; 2 * PLACES];
    text[..8].copy_from_slice(&eight(digits / (POWERS[8] * POWERS[8])));
    text[8..16].copy_from_slice(&eight(digits / POWERS[8] % POWERS[8]));
    text[16..24].copy_from_slice(&eight(digits % POWERS[8]));
    let count = digits.ilog10() as usize + 1;
    let start = PLACES - count;
    // Digits before the point.
    let whole = match plain {
        true => count as i32 + power,
        false => 1,
    };
    if whole <= 0 {
        out.extend_from_slice(b"0.");
        push_part(out, &text[PLACES..], -whole as usize);
        push_part(out, &text[start..], count);
    } else if whole as usize >= count {
        push_part(out, &text[start..], whole as usize);
    } else {
        let whole = whole as usize;
        push_part(out, &text[start..], whole);
        out.push(b'.');
        push_part(out, &text[start + whole..], count - whole);
    }
    if !plain {
        out.push(b'e');
        push_integer(out, i128::from(power + count as i32 - 1));
    }
}

/// Appends the first `len` bytes; that many more are there as are always copied.
#[inline]
fn push_part(out: &mut Vec<u8>, text: &[u8], len: usize) {
    out.extend_from_slice(&text[..PLACES]);
    out.truncate(out.len() - PLACES + len);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(value: f64) -> String {
        let mut out = Vec::new();
        push_float(&mut out, value, value);
        String::from_utf8(out).unwrap()
    }

    fn set_narrow(value: f32) -> String {
        let mut out = Vec::new();
        push_float(&mut out, value, value.into());
        String::from_utf8(out).unwrap()
    }

    /// What the standard library writes, in the same form.
    fn standard(value: impl std::fmt::Display + std::fmt::LowerExp, wide: f64) -> String {
        match wide == 0.0 || (1e-4..1e16).contains(&wide.abs()) {
            true => format!("{value}"),
            false => format!("{value:e}"),
        }
    }

    #[test]
    fn floats_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (6.0, "6"),
            (-1.0, "-1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (16_777_217.0, "16777217"),
            (9.5e15, "9500000000000000"),
            (0.00012, "0.00012"),
            (1e300, "1e300"),
            (1.5e300, "1.5e300"),
            (5e-324, "5e-324"),
            (1e-7, "1e-7"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(set(value), text);
        }
    }

    #[test]
    fn powers_of_two_and_their_neighbours_are_those_of_the_standard_library() {
        for exponent in -1074..1024 {
            let power = f64::from_bits(match exponent {
                -1074..-1022 => 1 << (exponent + 1074),
                _ => ((exponent + 1023) as u64) << 52,
            });
            for value in [power.next_down(), power, power.next_up()] {
                if value > 0.0 {
                    assert_eq!(set(value), standard(value, value));
                }
                let narrow = value as f32;
                if narrow > 0.0 && narrow.is_finite() {
                    assert_eq!(set_narrow(narrow), standard(narrow, narrow.into()));
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]
        #[test]
        fn digits_are_those_of_the_standard_library(bits in any::<u64>(), few in -1_000_000i64..1_000_000, places in 0i32..12) {
            let below_one = f64::from_bits((bits >> 12) | (0x3fe0 << 48));
            for value in [f64::from_bits(bits), few as f64 / 10f64.powi(places), below_one] {
                if value.is_finite() {
                    prop_assert_eq!(set(value), standard(value, value));
                }
            }
            for value in [f32::from_bits(bits as u32), few as f32 / 10f32.powi(places)] {
                if value.is_finite() {
                    prop_assert_eq!(set_narrow(value), standard(value, value.into()));
                }
            }
        }
    }

    #[test]
    fn integers_at_the_ends() {
        let mut out = Vec::new();
        push_integer(&mut out, i128::from(i64::MIN));
        out.push(b' ');
        push_integer(&mut out, i128::from(u64::MAX));
        assert_eq!(out, b"-9223372036854775808 18446744073709551615");
    }
}
