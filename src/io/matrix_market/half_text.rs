//! Numbers of 16 bits in text: rounded once, from the decimal itself, and written in the fewest digits that read back
//! as the same.
//!
//! The standard library reads `f64`, and rounding that again could go wrong only in one case: if it is exactly
//! halfway between two narrow numbers, and the decimal is slightly to one side. Then the decimal is compared with the
//! halfway number digit by digit.

use std::cmp::Ordering;

use half::{bf16, f16};

use crate::io::text::cursor::Cursor;
use crate::io::text::decimal::{ParsedFloat, read_float};
use crate::io::text::shortest::push_float;

/// A number of 16 bits.
pub(super) trait Narrow: ParsedFloat + PartialEq + Into<f64> {
    /// Decimal digits that always suffice to distinguish it from its neighbours.
    const DIGITS: usize;
}

macro_rules! narrow {
    ($($float:ident, $name:literal, $digits:literal);*) => {$(
        impl ParsedFloat for $float {
            // The fast method is left to the wide types: only zeros use it.
            const LARGEST_EXACT: u64 = 0;
            const LARGEST_POWER: usize = 0;
            const NAME: &'static str = $name;
            fn scaled(negative: bool, _mantissa: u64, _power: i32) -> Self {
                if negative { $float::NEG_ZERO } else { $float::ZERO }
            }
            fn is_infinite(self) -> bool {
                $float::is_infinite(self)
            }
            fn parse(text: &str) -> Option<Self> {
                let wide: f64 = text.parse().ok()?;
                let round = |wide: f64| $float::from_f32(rounded_to_odd(wide));
                let (below, above) = (round(wide.next_down()), round(wide.next_up()));
                if wide.is_nan() || below == above {
                    return Some(round(wide));
                }
                let beyond = compare(text, wide);
                Some(match if wide < 0.0 { beyond.reverse() } else { beyond } {
                    Ordering::Less => below,
                    Ordering::Equal => round(wide),
                    Ordering::Greater => above,
                })
            }
        }

        impl Narrow for $float {
            const DIGITS: usize = $digits;
        }
    )*};
}

narrow!(f16, "float16", 5; bf16, "bfloat16", 4);

/// Appends a number in the fewest digits that read back as the same.
pub(super) fn push_narrow<F: Narrow>(out: &mut Vec<u8>, value: F) {
    let wide: f64 = value.into();
    let short = (0..F::DIGITS).map(|places| format!("{wide:.places$e}")).find(|text| {
        let back = read_float::<F>(&mut Cursor::new(text.as_bytes()));
        back.is_ok_and(|back| back == value)
    });
    let short = short.and_then(|text| text.parse().ok()).unwrap_or(wide);
    push_float(out, short, short);
}

/// A number rounded towards zero to `f32`, its last bit set if it is not exact: rounded again to at most 22 bits, it
/// is as if rounded once (S. Boldo and G. Melquiond, "Emulation of FMA and correctly rounded sums: proved
/// algorithms using rounding to odd", 2008).
fn rounded_to_odd(wide: f64) -> f32 {
    let near = wide as f32;
    if wide.is_nan() || f64::from(near) == wide {
        return near;
    }
    let too_large = f64::from(near).abs() > wide.abs();
    f32::from_bits((near.to_bits() - u32::from(too_large)) | 1)
}

/// Compares the magnitude of a decimal with that of a number of few bits, exactly.
fn compare(text: &str, wide: f64) -> Ordering {
    // Halfway between two narrow numbers is a multiple of 2^-134: no more digits are needed.
    decimal(text).cmp(&decimal(&format!("{:.134}", wide.abs())))
}

/// The magnitude of a decimal: the power of ten of its first digit that is not zero, and its digits from there to the
/// last that is not zero. These compare as the numbers do.
fn decimal(text: &str) -> Option<(i64, Vec<u8>)> {
    let text = text.trim_start_matches(['+', '-']);
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    // An exponent beyond all bounds has made the number zero or infinite, which no halfway number is.
    let exponent: i64 = exponent.parse::<i32>().map_or(0, i64::from);
    let all: Vec<u8> = whole.bytes().chain(places.bytes()).collect();
    let first = all.iter().position(|&digit| digit != b'0')?;
    let last = all.iter().rposition(|&digit| digit != b'0')?;
    let power = exponent + whole.len() as i64 - first as i64;
    Some((power, all[first..=last].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<F: ParsedFloat>(text: &str) -> Option<F> {
        read_float(&mut Cursor::new(text.as_bytes())).ok()
    }

    #[test]
    fn halfway_decimals_go_to_the_even_neighbour_and_others_to_theirs() {
        // 2049 lies between 2048 and 2050.
        let near = format!("2049.{}1", "0".repeat(60));
        let less = format!("2048.{}", "9".repeat(60));
        for (text, expected) in [("2049", 2048.0), (&near, 2050.0), (&less, 2048.0)] {
            assert_eq!(read::<f16>(text).map(f64::from), Some(expected), "{text}");
            let text = format!("-{text}");
            assert_eq!(read::<f16>(&text).map(f64::from), Some(-expected), "{text}");
        }
        let above = format!("0.2051{}1e4", "0".repeat(40));
        assert_eq!(read::<f16>(&above).map(f64::from), Some(2052.0));
        let below = format!("2050{}.99e-30", "9".repeat(30));
        assert_eq!(read::<f16>(&below).map(f64::from), Some(2050.0));
        assert_eq!(read::<bf16>("257").map(f64::from), Some(256.0));
        assert_eq!(read::<bf16>("257.00000000000000000000000001").map(f64::from), Some(258.0));
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(read::<f16>("65504"), Some(f16::MAX));
        assert_eq!(read::<f16>("65519.999999999999999999999999"), Some(f16::MAX));
        for text in ["65520", "1e5", "-1e99", "1e999"] {
            assert_eq!(read::<f16>(text), None, "{text}");
        }
        // Half of the smallest number is a tie, and rounds to zero.
        assert_eq!(read::<f16>("2.98023223876953125e-8").map(f16::to_bits), Some(0));
        assert_eq!(read::<f16>("2.980232238769531250000000001e-8").map(f16::to_bits), Some(1));
        assert_eq!(read::<f16>("-1e-400").map(f16::to_bits), Some(0x8000));
        assert_eq!(read::<bf16>("3.4e38"), None);
        assert_eq!(read::<bf16>("3.38e38").map(bf16::to_bits), Some(0x7f7e));
        assert!(read::<bf16>("nan").is_some_and(bf16::is_nan));
        assert_eq!(read::<f16>("-inf"), Some(f16::NEG_INFINITY));
        assert_eq!(read::<bf16>("-0.000").map(bf16::to_bits), Some(0x8000));
    }

    #[test]
    fn every_number_comes_back_in_few_digits() {
        let mut out = Vec::new();
        for bits in 0..=u16::MAX {
            let (a, b) = (f16::from_bits(bits), bf16::from_bits(bits));
            out.clear();
            push_narrow(&mut out, a);
            let text = std::str::from_utf8(&out).unwrap();
            let back = read::<f16>(text).unwrap();
            assert!(a.is_nan() && back.is_nan() || back.to_bits() == bits, "{text}");
            out.clear();
            push_narrow(&mut out, b);
            let text = std::str::from_utf8(&out).unwrap();
            let back = read::<bf16>(text).unwrap();
            assert!(b.is_nan() && back.is_nan() || back.to_bits() == bits, "{text}");
        }
        out.clear();
        push_narrow(&mut out, f16::from_f32(0.1));
        assert_eq!(out, b"0.1");
    }
}
