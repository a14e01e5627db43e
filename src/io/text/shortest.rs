//! Numbers written as text in the fewest digits that read back as the same number.
//!
//! The standard library finds those digits; this file only decides their form. An integer, the most common kind of
//! value, bypasses it and needs no exponent.

use std::fmt::{Display, LowerExp};
use std::io::Write;

/// Integers up to here, which `f32` and `f64` both hold exactly, are written digit by digit.
const LARGEST_PLAIN: f64 = 16_777_216.0;

/// Appends an unsigned integer.
#[inline]
pub(in crate::io) fn push_unsigned(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends an integer.
#[inline]
pub(in crate::io) fn push_integer(out: &mut Vec<u8>, value: i128) {
    if value < 0 {
        out.push(b'-');
    }
    // Every integer type of this library fits 64 bits without its sign.
    push_unsigned(out, value.unsigned_abs() as u64);
}

/// Appends a float; `wide` is its value as `f64`, which decides the form.
///
/// `nan`, `inf` and `-inf` are written so. An exponent appears where it makes the number shorter.
pub(in crate::io) fn push_float(out: &mut Vec<u8>, value: impl Display + LowerExp, wide: f64) {
    let size = wide.abs();
    if size <= LARGEST_PLAIN && size.trunc() == size {
        if wide.is_sign_negative() {
            out.push(b'-');
        }
        return push_unsigned(out, size as u64);
    }
    if wide.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    // Writing into a vector cannot fail.
    let _ = if wide.is_infinite() || (1e-4..1e16).contains(&size) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: f64) -> String {
        let mut out = Vec::new();
        push_float(&mut out, value, value);
        String::from_utf8(out).unwrap()
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
            (1e300, "1e300"),
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
    fn integers_at_the_ends() {
        let mut out = Vec::new();
        push_integer(&mut out, i128::from(i64::MIN));
        out.push(b' ');
        push_integer(&mut out, i128::from(u64::MAX));
        assert_eq!(out, b"-9223372036854775808 18446744073709551615");
    }
}
