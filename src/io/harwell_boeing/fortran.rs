//! Fortran's formats: how many numbers a line has, how wide each is, and what its digits mean.
//!
//! | format | means |
//! |---|---|
//! | `(16I5)` | 16 integers of 5 characters |
//! | `(4E20.12)`, `(4D20.12)`, `(8F10.3)`, `(6G13.5)` | 4, 4, 8, 6 real numbers |
//! | `(1P,4E20.12)`, `(1P4E20.12)` | likewise, with a scale factor |
//!
//! Numbers need no blanks between them. A real number without a point has as many decimals as the format says, and one
//! without an exponent is divided by the power of ten of the scale factor. Its exponent may begin with `E` or `D`, or
//! with its sign alone.

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::cursor::{Cursor, quoted};
use crate::io::text::decimal::{read_float, read_integer};

/// Characters of a line, at most, by which a format is trusted.
const WIDEST: usize = 4096;

/// A format of one kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FortranFormat {
    pub(super) per_line: usize,
    pub(super) width: usize,
    /// Decimals of a real number without a point; `None` for integers.
    decimals: Option<u32>,
    scale: i32,
}

/// What is wrong with a field for a real number.
const NOT_A_NUMBER: &str = "not a number";

impl FortranFormat {
    /// The format in a pair of parentheses.
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        Self::parsed(text).ok_or_else(|| {
            Error::new(ErrorKind::Format, "an unknown Fortran format")
                .expected("a format for a single kind of number, such as (16I5) or (1P,4E20.12)")
                .found(quoted(text))
        })
    }

    fn parsed(text: &[u8]) -> Option<Self> {
        let text: Vec<u8> =
            text.iter().filter(|byte| **byte != b' ').map(u8::to_ascii_uppercase).collect();
        let mut rest = text.strip_prefix(b"(")?.strip_suffix(b")")?;
        let (mut scale, mut count) = (0, None);
        let letter = loop {
            let (minus, number) = match rest {
                [b'-', tail @ ..] => (true, tail),
                _ => (false, rest),
            };
            let (number, tail) = digits(number);
            match (number, tail) {
                (Some(factor), [b'P', tail @ ..]) if count.is_none() => {
                    scale = i32::try_from(factor).ok().filter(|factor| *factor < 100)?;
                    scale = if minus { -scale } else { scale };
                    rest = tail.strip_prefix(b",").unwrap_or(tail);
                }
                (number, [letter @ (b'I' | b'E' | b'D' | b'F' | b'G'), tail @ ..]) if !minus => {
                    count = Some(number.unwrap_or(1));
                    rest = tail;
                    break *letter;
                }
                _ => return None,
            }
        };
        let (width, tail) = digits(rest);
        let (decimals, tail) = match tail {
            [b'.', tail @ ..] => digits(tail),
            tail => (None, tail),
        };
        // The width of an exponent matters for writing alone.
        let known = match (letter, tail) {
            (_, []) => true,
            (b'E' | b'G', [b'E', tail @ ..]) => matches!(digits(tail), (Some(_), [])),
            // An integer with a minimum of digits.
            _ => false,
        };
        let per_line = usize::try_from(count?).ok()?;
        let width = usize::try_from(width?).ok()?;
        let fits = per_line.checked_mul(width).is_some_and(|all| (1..=WIDEST).contains(&all));
        let decimals = match letter {
            b'I' => None,
            _ => Some(u32::try_from(decimals.unwrap_or(0)).ok().filter(|n| *n < 1000)?),
        };
        (known && fits).then_some(FortranFormat { per_line, width, decimals, scale })
    }

    pub(super) fn is_integer(&self) -> bool {
        self.decimals.is_none()
    }

    /// The characters of field `k` of a line, without the blanks around them. Fails if there are none.
    fn field<'a>(&self, line: &'a [u8], k: usize) -> Result<&'a [u8]> {
        let (start, end) = (k * self.width, (k + 1) * self.width);
        let field = line.get(start..end.min(line.len())).unwrap_or_default().trim_ascii();
        match field.is_empty() {
            true => Err(self.error("a number is missing", k, field)),
            false => Ok(field),
        }
    }

    #[cold]
    fn error(&self, what: &str, k: usize, field: &[u8]) -> Error {
        let (start, end) = (k * self.width + 1, (k + 1) * self.width);
        // A wrong count or index is an error of the structure, a wrong entry one of its value.
        let is_value = what == NOT_A_NUMBER && !field.is_empty();
        let kind = if is_value { ErrorKind::Value } else { ErrorKind::Format };
        Error::new(kind, what)
            .expected(format!("a number in columns {start} to {end}"))
            .found(if field.is_empty() { "blanks".to_owned() } else { quoted(field) })
    }

    /// The integer in field `k` of a line.
    pub(super) fn integer(&self, line: &[u8], k: usize) -> Result<i64> {
        let field = self.field(line, k)?;
        let mut cursor = Cursor::new(field);
        let number = read_integer(&mut cursor).ok().filter(|_| cursor.is_done());
        number
            .and_then(|number| i64::try_from(number).ok())
            .ok_or_else(|| self.error("not an integer", k, field))
    }

    /// The real number in field `k` of a line.
    pub(super) fn real(&self, line: &[u8], k: usize) -> Result<f64> {
        let field = self.field(line, k)?;
        let exponent =
            field.iter().position(|byte| matches!(byte, b'e' | b'E' | b'd' | b'D' | b'q' | b'Q'));
        let plain = field.contains(&b'.') && self.scale == 0;
        if plain && exponent.is_none_or(|at| matches!(field[at], b'e' | b'E')) {
            let mut cursor = Cursor::new(field);
            if let Some(number) = read_float(&mut cursor).ok().filter(|_| cursor.is_done()) {
                return Ok(number);
            }
        }
        self.unusual(field, exponent).ok_or_else(|| self.error(NOT_A_NUMBER, k, field))
    }

    /// A number with an exponent of Fortran's own, without a point, or with a scale factor.
    fn unusual(&self, field: &[u8], exponent: Option<usize>) -> Option<f64> {
        // A sign that is not the first character begins an exponent without a letter.
        let sign =
            || field.iter().skip(1).position(|byte| matches!(byte, b'+' | b'-')).map(|at| at + 1);
        let (digits, exponent) = match exponent {
            Some(at) => (&field[..at], Some(&field[at + 1..])),
            None => match sign() {
                Some(at) => (&field[..at], Some(&field[at..])),
                None => (field, None),
            },
        };
        let mut power = match exponent {
            Some(text) => {
                std::str::from_utf8(text).ok()?.parse::<i32>().ok().filter(|n| n.abs() < 100_000)?
            }
            None => -self.scale,
        };
        let known = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
        if !digits.iter().all(known) {
            return None;
        }
        if !digits.contains(&b'.') {
            power -= self.decimals.unwrap_or(0) as i32;
        }
        let text = format!("{}e{power}", std::str::from_utf8(digits).ok()?);
        let mut cursor = Cursor::new(text.as_bytes());
        read_float(&mut cursor).ok().filter(|_| cursor.is_done())
    }
}

/// Digits at the start of a text, as a number, and what follows them.
fn digits(text: &[u8]) -> (Option<u64>, &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // A number beyond 64 bits is too large for every purpose.
    let number = std::str::from_utf8(digits).ok().filter(|digits| !digits.is_empty());
    (number.map(|digits| digits.parse().unwrap_or(u64::MAX)), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Option<(usize, usize, Option<u32>, i32)> {
        let fields = FortranFormat::parse(text.as_bytes()).ok()?;
        Some((fields.per_line, fields.width, fields.decimals, fields.scale))
    }

    #[test]
    fn formats() {
        assert_eq!(fields("(16I5)"), Some((16, 5, None, 0)));
        assert_eq!(fields("(26i3)  "), Some((26, 3, None, 0)));
        assert_eq!(fields("( 10 I 8 )"), Some((10, 8, None, 0)));
        assert_eq!(fields("(1P,4E20.12)"), Some((4, 20, Some(12), 1)));
        assert_eq!(fields("(1p5d15.8)"), Some((5, 15, Some(8), 1)));
        assert_eq!(fields("(-2P,F9.3)"), Some((1, 9, Some(3), -2)));
        assert_eq!(fields("(3E26.18E3)"), Some((3, 26, Some(18), 0)));
        assert_eq!(fields("(F20)"), Some((1, 20, Some(0), 0)));
        for wrong in [
            "",
            "()",
            "(16I)",
            "(I0)",
            "(0I5)",
            "16I5",
            "(16I5",
            "(16I5)x",
            "(16X5)",
            "(A8)",
            "(9999999I5)",
            "(99999999999999999999I5)",
            "(1P)",
            "(5(E15.8))",
            "(2I5,3I4)",
            "(1000P,E5.1)",
        ] {
            assert_eq!(fields(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers() {
        let reals = |format: &str, line: &str| -> Vec<Option<f64>> {
            let fields = FortranFormat::parse(format.as_bytes()).unwrap();
            (0..fields.per_line).map(|k| fields.real(line.as_bytes(), k).ok()).collect()
        };
        assert_eq!(
            reals("(3E8.2)", "-.74E+00  .25D-1 1.0E0"),
            [Some(-0.74), Some(0.025), Some(1.0)]
        );
        assert_eq!(reals("(2E8.2)", "-1.5-100-2.25D03"), [Some(-1.5e-100), Some(-2250.0)]);
        // Decimals that the format implies, and a scale factor for a number without an exponent.
        assert_eq!(reals("(2F6.2)", " 12345  -125"), [Some(123.45), Some(-1.25)]);
        assert_eq!(reals("(1P,2F6.2)", "  12.5     3"), [Some(1.25), Some(0.003)]);
        assert_eq!(reals("(1P,2E9.2)", " 1.25E+01  -7.D+00"), [Some(12.5), Some(-7.0)]);
        assert_eq!(reals("(4F4.1)", "1.5     x.5 1e5"), [Some(1.5), None, None, Some(10000.0)]);
        assert_eq!(reals("(2F5.1)", "1.5"), [Some(1.5), None]);
        assert_eq!(reals("(2F5.1)", "1 2.31E+E"), [None, None]);
        let fields = FortranFormat::parse(b"(3I3)").unwrap();
        let line = b"  1-22333";
        let read: Vec<_> = (0..3).map(|k| fields.integer(line, k).unwrap()).collect();
        assert_eq!(read, [1, -22, 333]);
        assert!(fields.integer(b"1.5", 0).is_err());
        assert!(fields.integer(b"1 5", 0).is_err());
    }
}
