//! Numbers in text: floats correctly rounded, integers exact.
//!
//! Most numbers in files are short. A decimal whose digits make an integer that the float holds exactly, times or
//! divided by a power of ten that it holds exactly too, is one correctly rounded operation away from its value (W. D.
//! Clinger, "How to read floating point numbers accurately", 1990). Up to nineteen digits are [rounded](super::round)
//! by a product with a power of ten. All others use the standard library. Each rounds correctly, so the method does not
//! affect the result.

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::cursor::{Cursor, ends_token};
use crate::io::text::digits::push_digits;
use crate::io::text::round::{DOUBLE, SINGLE, rounded};

/// The properties of a binary float for the fast method.
pub(in crate::io) trait ParsedFloat: Copy {
    /// The largest integer up to which all integers are exact.
    const LARGEST_EXACT: u64;
    /// The largest power of ten that is exact.
    const LARGEST_POWER: usize;
    /// The type's name in messages.
    const NAME: &'static str;
    /// `±mantissa · 10^power`, with mantissa and power within the two limits above.
    fn scaled(negative: bool, mantissa: u64, power: i32) -> Self;
    /// The same for any mantissa and power, correctly rounded, if there is a fast method for them.
    fn rounded(_negative: bool, _mantissa: u64, _power: i32) -> Option<Self> {
        None
    }
    fn is_infinite(self) -> bool;
    /// Parses the number in `text`, correctly rounded.
    fn parse(text: &str) -> Option<Self>;
}

const POWERS_64: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
const POWERS_32: [f32; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

macro_rules! binary {
    ($($float:ty, $bits:ty, $name:literal, $powers:ident, $shape:ident);* $(;)?) => {$(
        impl ParsedFloat for $float {
            const LARGEST_EXACT: u64 = 1 << <$float>::MANTISSA_DIGITS;
            const LARGEST_POWER: usize = $powers.len() - 1;
            const NAME: &'static str = $name;
            #[inline]
            fn scaled(negative: bool, mantissa: u64, power: i32) -> Self {
                let scale = $powers[power.unsigned_abs() as usize];
                let mantissa = mantissa as $float;
                let value = if power < 0 { mantissa / scale } else { mantissa * scale };
                if negative { -value } else { value }
            }
            #[inline]
            fn rounded(negative: bool, mantissa: u64, power: i32) -> Option<Self> {
                let value = <$float>::from_bits(rounded(mantissa, power, &$shape)? as $bits);
                Some(if negative { -value } else { value })
            }
            fn is_infinite(self) -> bool {
                <$float>::is_infinite(self)
            }
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

binary! {
    f32, u32, "float32", POWERS_32, SINGLE;
    f64, u64, "float64", POWERS_64, DOUBLE;
}

/// Reads a decimal number, `nan`, `inf` or `infinity`, each with or without a sign, correctly rounded.
///
/// A decimal too large for the type is an error; one too small becomes a zero of its sign.
#[inline(always)]
pub(in crate::io) fn read_float<F: ParsedFloat>(cursor: &mut Cursor<'_>) -> Result<F> {
    cursor.skip_blanks();
    if let Some((value, rest)) = short_float(cursor.rest()) {
        cursor.go_on(rest);
        return Ok(value);
    }
    long_float(cursor)
}

/// The number at the start of `text` and the text after it, if it is a token and a fast method gives it.
#[inline(always)]
fn short_float<F: ParsedFloat>(text: &[u8]) -> Option<(F, &[u8])> {
    let (value, rest) = leading_float(text)?;
    match rest.first() {
        Some(&byte) if !ends_token(byte) => None,
        _ => Some((value, rest)),
    }
}

/// The number at the start of `text` and the text after it, whatever that is, if a fast method gives it.
#[inline(always)]
pub(in crate::io) fn leading_float<F: ParsedFloat>(text: &[u8]) -> Option<(F, &[u8])> {
    let (negative, text) = split_sign(text);
    let (mut mantissa, mut rest) = push_digits(0, text);
    let mut digits = text.len() - rest.len();
    let mut places = 0;
    if let [b'.', fraction @ ..] = rest {
        (mantissa, rest) = push_digits(mantissa, fraction);
        places = fraction.len() - rest.len();
        digits += places;
    }
    // Nineteen digits never overflow the mantissa; with more digits it is meaningless.
    if digits == 0 || digits > 19 && digits - leading_zeros(text) > 19 {
        return None;
    }
    let mut power = -(places as i32);
    if let [b'e' | b'E', exponent @ ..] = rest {
        let (below, exponent) = split_sign(exponent);
        let (size, tail) = push_digits(0, exponent);
        if !matches!(exponent.len() - tail.len(), 1..=4) {
            return None;
        }
        power += if below { -(size as i32) } else { size as i32 };
        rest = tail;
    }
    // Of sixteen digits some would be exact and some not, which no processor can foresee.
    if mantissa <= F::LARGEST_EXACT / 8 && power.unsigned_abs() as usize <= F::LARGEST_POWER {
        return Some((F::scaled(negative, mantissa, power), rest));
    }
    Some((F::rounded(negative, mantissa, power)?, rest))
}

/// The zeros before the first digit that is none.
#[cold]
fn leading_zeros(text: &[u8]) -> usize {
    let front = text.iter().take_while(|&&byte| byte == b'0' || byte == b'.');
    front.filter(|&&byte| byte == b'0').count()
}

/// Whether the text starts with a minus sign, and the text after the sign.
#[inline]
fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', tail @ ..] => (true, tail),
        [b'+', tail @ ..] => (false, tail),
        _ => (false, text),
    }
}

/// The method for all other numbers, and for invalid ones.
#[inline(never)]
fn long_float<F: ParsedFloat>(cursor: &mut Cursor<'_>) -> Result<F> {
    let token = cursor.token();
    let value = std::str::from_utf8(token).ok().and_then(F::parse);
    let Some(value) = value else {
        return Err(explain(
            token,
            cursor.unexpected(ErrorKind::Value, "not a number", "a decimal number"),
        ));
    };
    let spelled = split_sign(token).1;
    if value.is_infinite() && spelled.first().is_some_and(|&byte| byte != b'i' && byte != b'I') {
        let expected = format!("a number within the range of {}", F::NAME);
        return Err(cursor.unexpected(ErrorKind::Value, "the number is too large", &expected));
    }
    cursor.go_on(&cursor.rest()[token.len()..]);
    Ok(value)
}

/// Adds a remedy if the token is a number in a spelling of other programs.
fn explain(token: &[u8], error: Error) -> Error {
    let numeric =
        split_sign(token).1.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.');
    let has = |wanted: &[u8]| numeric && token.iter().any(|byte| wanted.contains(byte));
    if has(b"xX") {
        error.remedy("hexadecimal numbers are not supported; write it as a decimal")
    } else if has(b",") {
        error.remedy("the decimal separator is a point")
    } else if has(b"dD") {
        error.remedy("the exponent letter is E, not Fortran's D")
    } else {
        error
    }
}

/// Reads an integer from −2⁶³ to 2⁶⁴ − 1 with or without a sign, exactly.
#[inline]
pub(in crate::io) fn read_integer(cursor: &mut Cursor<'_>) -> Result<i128> {
    cursor.skip_blanks();
    let (negative, digits) = split_sign(cursor.rest());
    let mut behind_sign = Cursor::new(digits);
    if let Some(size) = behind_sign.digits() {
        let value = if negative { -i128::from(size) } else { i128::from(size) };
        if value >= i128::from(i64::MIN) {
            cursor.go_on(behind_sign.rest());
            return Ok(value);
        }
    }
    Err(not_an_integer(cursor))
}

#[cold]
fn not_an_integer(cursor: &Cursor<'_>) -> Error {
    let digits = split_sign(cursor.token()).1;
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        let expected = format!("an integer from {} to {}", i64::MIN, u64::MAX);
        return cursor.unexpected(ErrorKind::Value, "the integer is too large", &expected);
    }
    cursor.unexpected(ErrorKind::Value, "not an integer", "an integer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read<F: ParsedFloat>(text: &str) -> Option<F> {
        let mut cursor = Cursor::new(text.as_bytes());
        let value = read_float(&mut cursor).ok()?;
        cursor.at_line_end().then_some(value)
    }

    proptest! {
        #[test]
        fn decimals_round_like_the_standard_library(text in "[+-]?([0-9]{1,20}[.]?[0-9]{0,20}|[.][0-9]{1,20})([eE][+-]?[0-9]{1,2})?") {
            prop_assert_eq!(read::<f64>(&text).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
        }

        #[test]
        fn short_decimals_round_like_the_standard_library(text in "-?[0-9]{1,8}[.][0-9]{0,7}(e-?[0-9]{1,2})?") {
            let (wide, narrow) = (text.parse::<f64>().ok(), text.parse::<f32>().ok().filter(|value| value.is_finite()));
            prop_assert_eq!(read::<f64>(&text).map(f64::to_bits), wide.map(f64::to_bits));
            prop_assert_eq!(read::<f32>(&text).map(f32::to_bits), narrow.map(f32::to_bits));
        }

        #[test]
        fn long_decimals_round_like_the_standard_library(digits in "[0-9]{15,19}", point in 0usize..19, e in -345i32..310, zeros in "0{0,9}") {
            let point = point.min(digits.len());
            let text = format!("{zeros}{}.{}e{e}", &digits[..point], &digits[point..]);
            let (wide, narrow) = (text.parse::<f64>().ok(), text.parse::<f32>().ok());
            let finite = |value: &f64| value.is_finite();
            prop_assert_eq!(read::<f64>(&text).map(f64::to_bits), wide.filter(finite).map(f64::to_bits));
            let narrow = narrow.filter(|value| value.is_finite());
            prop_assert_eq!(read::<f32>(&text).map(f32::to_bits), narrow.map(f32::to_bits));
        }

        #[test]
        fn decimals_between_two_floats_round_like_the_standard_library(bits in any::<u32>(), more in 0u64..5) {
            // Halfway between two neighbours, and next to it, in as many digits as fit.
            let value = f32::from_bits(bits & 0x7fff_ffff);
            prop_assume!(value.is_finite() && value > 0.0);
            let half = (f64::from(value) + f64::from(value.next_up())) / 2.0;
            let text = format!("{half:.18e}");
            let (digits, e) = text.split_once('e').unwrap();
            let digits = digits.replace('.', "").parse::<u64>().unwrap() - 2 + more;
            let text = format!("{digits}e{}", e.parse::<i32>().unwrap() - 18);
            let narrow = text.parse::<f32>().ok().filter(|value| value.is_finite());
            prop_assert_eq!(read::<f32>(&text).map(f32::to_bits), narrow.map(f32::to_bits), "{}", text);
            prop_assert_eq!(read::<f64>(&text).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
        }

        #[test]
        fn every_float_comes_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            for text in [format!("{value}"), format!("{value:e}"), format!("{value:.25e}")] {
                prop_assert_eq!(read::<f64>(&text).map(f64::to_bits), Some(bits));
            }
        }

        #[test]
        fn what_the_standard_library_refuses_is_refused(text in "[-+0-9.eEdDxnaif,]{0,6}") {
            let expected = text.parse::<f64>().ok().filter(|value| value.is_finite());
            prop_assert_eq!(read::<f64>(&text).filter(|value| value.is_finite()).map(f64::to_bits), expected.map(f64::to_bits));
        }

        #[test]
        fn integers_are_exact(value in any::<i64>(), large in any::<u64>()) {
            for (text, value) in [(value.to_string(), i128::from(value)), (format!("+{large}"), i128::from(large))] {
                prop_assert_eq!(read_integer(&mut Cursor::new(text.as_bytes())).ok(), Some(value));
            }
        }
    }
}
