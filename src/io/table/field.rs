//! The fields of a line, and the numbers in them.

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::cursor::{Cursor, quoted};
use crate::io::text::decimal::{read_float, read_integer};

/// The field separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldSeparator {
    Byte(u8),
    /// Any number of blanks and tabs.
    Blanks,
}

impl FieldSeparator {
    pub(super) fn of(byte: u8) -> Self {
        if byte == b' ' { FieldSeparator::Blanks } else { FieldSeparator::Byte(byte) }
    }
}

/// The fields of a line, without blanks and quotes around them.
pub(super) struct TableFields<'a> {
    rest: Option<&'a [u8]>,
    separator: FieldSeparator,
}

impl<'a> TableFields<'a> {
    pub(super) fn new(line: &'a [u8], separator: FieldSeparator) -> Self {
        let line = if separator == FieldSeparator::Blanks { line.trim_ascii() } else { line };
        TableFields { rest: Some(line), separator }
    }

    /// The next field; `None` after the last. Fails if a quoted field does not end, or something follows it.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>> {
        let Some(rest) = self.rest else { return Ok(None) };
        let start = rest.trim_ascii_start();
        // A tab may be the separator.
        if start.first() == Some(&b'"') && !rest[..rest.len() - start.len()].contains(&self.byte())
        {
            return self.in_quotes(&start[1..]).map(Some);
        }
        let end = rest.iter().position(|&byte| self.ends(byte));
        let field = &rest[..end.unwrap_or(rest.len())];
        self.rest = end.map(|end| self.after(&rest[end..]));
        Ok(Some(field.trim_ascii()))
    }

    fn byte(&self) -> u8 {
        if let FieldSeparator::Byte(byte) = self.separator { byte } else { b' ' }
    }

    #[inline]
    fn ends(&self, byte: u8) -> bool {
        match self.separator {
            FieldSeparator::Byte(separator) => byte == separator,
            FieldSeparator::Blanks => byte == b' ' || byte == b'\t',
        }
    }

    /// The text after the separator with which it begins.
    fn after(&self, text: &'a [u8]) -> &'a [u8] {
        match self.separator {
            FieldSeparator::Byte(_) => &text[1..],
            FieldSeparator::Blanks => text.trim_ascii_start(),
        }
    }

    #[cold]
    fn in_quotes(&mut self, text: &'a [u8]) -> Result<&'a [u8]> {
        let mut at = 0;
        loop {
            match text[at..].iter().position(|&byte| byte == b'"') {
                None => {
                    return Err(Error::new(
                        ErrorKind::Format,
                        "a quoted field does not end on its line",
                    )
                    .expected("a closing quote")
                    .found("the end of the line"));
                }
                Some(k) if text.get(at + k + 1) == Some(&b'"') => at += k + 2,
                Some(k) => {
                    at += k;
                    break;
                }
            }
        }
        let (field, rest) = (&text[..at], &text[at + 1..]);
        let blanks = rest.iter().take_while(|&&byte| byte == b' ' && !self.ends(byte)).count();
        self.rest = match &rest[blanks..] {
            [] => None,
            [byte, ..] if self.ends(*byte) => Some(self.after(&rest[blanks..])),
            other => {
                return Err(Error::new(ErrorKind::Format, "something follows a quoted field")
                    .expected("a separator, or the end of the line")
                    .found(quoted(other)));
            }
        };
        Ok(field)
    }
}

/// Whether a line is blank or a comment.
#[inline]
pub(super) fn is_skipped(line: &[u8], separator: FieldSeparator) -> bool {
    let blank =
        |byte: u8| byte == b' ' || byte == b'\t' && separator != FieldSeparator::Byte(b'\t');
    match line.iter().find(|&&byte| !blank(byte)) {
        None => true,
        Some(first) => matches!(first, b'#' | b'%'),
    }
}

/// Whether a field says that it has no value.
pub(super) fn is_missing(field: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [b"", b"na", b"n/a", b"nan", b"null", b"none"];
    WORDS.iter().any(|word| field.eq_ignore_ascii_case(word))
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    Missing,
    /// An integer of 64 bits.
    Whole(i128),
    /// A larger integer.
    TooLarge,
    /// Anything else.
    Other,
}

/// What kind of number a field holds, if any.
#[inline]
pub(super) fn kind_of(field: &[u8]) -> FieldKind {
    let Some((&first, rest)) = field.split_first() else { return FieldKind::Missing };
    if !matches!(first, b'0'..=b'9' | b'+' | b'-') {
        return if is_missing(field) { FieldKind::Missing } else { FieldKind::Other };
    }
    // Seen first: an integer that cannot be read costs the making of an error. A sign alone is not a number.
    if !rest.iter().all(u8::is_ascii_digit) || rest.is_empty() && !first.is_ascii_digit() {
        return FieldKind::Other;
    }
    let mut cursor = Cursor::new(field);
    read_integer(&mut cursor).map_or(FieldKind::TooLarge, FieldKind::Whole)
}

/// The number of a field as a float.
#[inline]
pub(super) fn real(field: &[u8]) -> Result<f64> {
    let mut cursor = Cursor::new(field);
    let number = read_float::<f64>(&mut cursor).ok().filter(|_| cursor.is_done());
    let Some(number) = number else { return Err(not_a_number(field)) };
    // With fifteen digits every integer is exact.
    if field.len() > 15
        && let FieldKind::Whole(_) | FieldKind::TooLarge = kind_of(field)
        && !is_exact(field, number)
    {
        return Err(Error::new(
            ErrorKind::Value,
            "an integer that float64 cannot represent exactly",
        )
        .expected(format!("at most {}, or a decimal point", 1u64 << 53))
        .found(quoted(field))
        .remedy("write it with a decimal point if it may be rounded"));
    }
    Ok(number)
}

/// Whether a float is the integer that a field spells.
#[cold]
fn is_exact(field: &[u8], number: f64) -> bool {
    let (digits, negative) = match field {
        [b'-', digits @ ..] => (digits, true),
        [b'+', digits @ ..] => (digits, false),
        digits => (digits, false),
    };
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    let exact = format!("{:.0}", number.abs());
    (number.is_sign_negative() == negative || number == 0.0)
        && (exact.as_bytes() == &digits[zeros..] || number == 0.0 && zeros == digits.len())
}

#[cold]
fn not_a_number(field: &[u8]) -> Error {
    let error = Error::new(ErrorKind::Value, "not a number")
        .expected("a decimal number")
        .found(quoted(field));
    let numeric = field
        .first()
        .is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.'));
    match numeric && field.contains(&b',') {
        true => error.remedy("the decimal separator is a point"),
        false => error,
    }
}

/// The error for a missing value.
#[cold]
pub(super) fn missing(field: &[u8]) -> Error {
    Error::new(ErrorKind::Value, "a value is missing")
        .expected("a number")
        .found(if field.is_empty() { "nothing".to_owned() } else { quoted(field) })
        .remedy("give a replacement (TableOptions::missing)")
}

/// The error for a line with another number of fields.
#[cold]
pub(super) fn ragged(expected: usize, found: usize) -> Error {
    Error::new(ErrorKind::Format, "the line has the wrong number of fields")
        .expected(format!("{expected}, like the first line"))
        .found(found)
}

/// The number of fields of a line.
#[cold]
pub(super) fn count(line: &[u8], separator: FieldSeparator) -> usize {
    let (mut fields, mut count) = (TableFields::new(line, separator), 0);
    while let Ok(Some(_)) = fields.next() {
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str, separator: FieldSeparator) -> Result<Vec<String>> {
        let mut fields = TableFields::new(line.as_bytes(), separator);
        let mut split = Vec::new();
        while let Some(field) = fields.next()? {
            split.push(String::from_utf8_lossy(field).into_owned());
        }
        Ok(split)
    }

    #[test]
    fn fields() {
        let comma = |line: &str| split(line, FieldSeparator::Byte(b',')).unwrap();
        assert_eq!(comma("1, 2 ,3"), ["1", "2", "3"]);
        assert_eq!(comma("1,,"), ["1", "", ""]);
        assert_eq!(comma(""), [""]);
        assert_eq!(comma(" \"a,b\" ,\"c\"\"d\",e"), ["a,b", "c\"\"d", "e"]);
        assert_eq!(split("1\t\t\"2\"", FieldSeparator::Byte(b'\t')).unwrap(), ["1", "", "2"]);
        assert_eq!(split("  1 \t 2  ", FieldSeparator::Blanks).unwrap(), ["1", "2"]);
        assert_eq!(split("\"a b\" c", FieldSeparator::Blanks).unwrap(), ["a b", "c"]);
        for wrong in ["\"a", "\"a\"b,c", "1,\"\"\""] {
            assert_eq!(
                split(wrong, FieldSeparator::Byte(b',')).unwrap_err().kind(),
                ErrorKind::Format,
                "{wrong}"
            );
        }
    }

    #[test]
    fn kinds_of_numbers() {
        for (field, kind) in [
            ("", FieldKind::Missing),
            ("NaN", FieldKind::Missing),
            ("-12", FieldKind::Whole(-12)),
            ("+7", FieldKind::Whole(7)),
            ("18446744073709551615", FieldKind::Whole(u64::MAX.into())),
            ("18446744073709551616", FieldKind::TooLarge),
            ("-9223372036854775809", FieldKind::TooLarge),
            ("-", FieldKind::Other),
            ("1.0", FieldKind::Other),
            ("abc", FieldKind::Other),
        ] {
            assert_eq!(kind_of(field.as_bytes()), kind, "{field}");
        }
        assert_eq!(real(b"-9007199254740992").unwrap(), -9007199254740992.0);
        assert_eq!(real(b"9007199254740993").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(real(b"9007199254740993.0").unwrap(), 9007199254740992.0);
        assert_eq!(real(b"00000000000000000000").unwrap(), 0.0);
        assert_eq!(real(b"36893488147419103232").unwrap(), 36893488147419103232.0);
        assert!(real(b"1,5").unwrap_err().to_string().contains("point"));
    }
}
