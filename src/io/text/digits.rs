//! Eight digits at a time, in one 64-bit word: read, and written.
//!
//! A loop over single digits branches on every number of digits, which varies from one index to the next. Here a number
//! of up to eight digits costs the same, whatever their number.

/// Each byte of a word that holds a digit as text.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Powers of ten up to that of eight digits.
pub(in crate::io) const POWERS: [u64; 9] =
    [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// How many of eight bytes are digits before the first that is none, and their value.
#[inline(always)]
pub(in crate::io) fn leading(text: &[u8; 8]) -> (usize, u64) {
    let digits = u64::from_le_bytes(*text) ^ ZEROS;
    // The high bit of a byte that is not a digit. A carry can only reach the bytes after it.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    let count = others.trailing_zeros() as usize / 8;
    match count {
        8 => (8, value_of(digits)),
        // The digits behind zeros.
        _ => (count, value_of((digits << (8 * (7 - count))) << 8)),
    }
}

/// The value of eight digits, one in each byte, the first in the lowest.
#[inline(always)]
fn value_of(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    // Pairs of digits in every second byte; then each of the four pairs times its power of ten, in the upper half.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let upper = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let lower = ((pairs >> 16) & PAIRS).wrapping_mul(1 + (10_000 << 32));
    upper.wrapping_add(lower) >> 32
}

/// Appends the digits at the start of `text` to `value`, modulo 2⁶⁴, and returns what follows them.
#[inline(always)]
pub(in crate::io) fn push_digits(mut value: u64, mut text: &[u8]) -> (u64, &[u8]) {
    while let Some((chunk, tail)) = text.split_first_chunk::<8>() {
        let (count, more) = leading(chunk);
        value = value.wrapping_mul(POWERS[count]).wrapping_add(more);
        if count < 8 {
            return (value, &text[count..]);
        }
        text = tail;
    }
    while let [digit @ b'0'..=b'9', tail @ ..] = text {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        text = tail;
    }
    (value, text)
}

/// The eight digits of a number below 10⁸, one in each byte, the first in the lowest.
#[inline(always)]
fn digits_of(value: u64) -> u64 {
    // Two numbers of four digits, then four of two, then the digits: each division is a product and a shift.
    let halves = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((halves - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((pairs - 10 * tens) << 8)
}

/// A number below 10⁸ in eight digits of text, with leading zeros.
#[inline(always)]
pub(in crate::io) fn eight(value: u64) -> [u8; 8] {
    (digits_of(value) | ZEROS).to_le_bytes()
}

/// Appends an unsigned integer.
#[inline]
pub(in crate::io) fn push_unsigned(out: &mut Vec<u8>, value: u64) {
    if value < POWERS[8] {
        let digits = digits_of(value);
        let zeros = (digits.trailing_zeros() as usize / 8).min(7);
        out.extend_from_slice(&((digits | ZEROS) >> (8 * zeros)).to_le_bytes());
        out.truncate(out.len() - zeros);
        return;
    }
    push_unsigned(out, value / POWERS[8]);
    out.extend_from_slice(&eight(value % POWERS[8]));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_come_back(value in any::<u64>(), bits in 0u32..64, tail in "[ .\n/:eA\u{80}\u{ff}]{0,9}") {
            let value = value >> bits;
            let mut text = b"7".to_vec();
            push_unsigned(&mut text, value);
            prop_assert_eq!(std::str::from_utf8(&text[1..]).unwrap(), value.to_string());
            text.extend_from_slice(tail.as_bytes());
            let (read, rest) = push_digits(0, &text[1..]);
            prop_assert_eq!((read, rest), (value, tail.as_bytes()));
        }
    }

    #[test]
    fn digits_end_where_another_byte_stands() {
        for length in 0..=8 {
            for other in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
                let mut text = *b"98765432";
                text[length..].fill(other);
                let value = "98765432"[..length].parse().unwrap_or(0);
                assert_eq!(leading(&text), (length, value), "{text:?}");
            }
        }
    }
}
