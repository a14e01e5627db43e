//! Plain lines, which are nearly all: decimal numbers, a separator between two, blanks around them at most. They are
//! read in one go, without first looking for the ends of fields.
//!
//! What is not plain (quotes, missing values, comments, tabs around fields, errors) is left to
//! [`TableFields`](super::field::Fields), which finds the same numbers in a plain line, only later.

use crate::error::Result;
use crate::io::table::column_type::whole;
use crate::io::table::field::{FieldKind, FieldSeparator, is_skipped, kind_of, missing, real};
use crate::io::text::decimal::leading_float;
use crate::io::text::digits::push_digits;
use crate::io::text::records::{count_lines, without_end};
use crate::storage::Element;

/// A number of a table.
pub(super) trait TableNumber: Element {
    /// The number at the start of a text and what follows it, if it is plain.
    fn plain(text: &[u8]) -> Option<(Self, &[u8])>;
    /// The number of a field.
    fn of_field(field: &[u8]) -> Result<Self>;
    fn of_float(value: f64) -> Self;
    /// A NaN, which stands for a missing number.
    fn is_nan(self) -> bool {
        false
    }
}

impl TableNumber for f64 {
    #[inline(always)]
    fn plain(text: &[u8]) -> Option<(f64, &[u8])> {
        let (value, rest) = leading_float(text)?;
        // A long integer may be one that is not exact.
        let length = text.len() - rest.len();
        let whole = || !text[..length].iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
        if length > 15 && whole() { None } else { Some((value, rest)) }
    }
    fn of_field(field: &[u8]) -> Result<f64> {
        real(field)
    }
    fn of_float(value: f64) -> f64 {
        value
    }
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
}

impl TableNumber for u64 {
    #[inline(always)]
    fn plain(text: &[u8]) -> Option<(u64, &[u8])> {
        let (value, rest) = push_digits(0, text);
        // Nineteen digits never overflow.
        matches!(text.len() - rest.len(), 1..=19).then_some((value, rest))
    }
    fn of_field(field: &[u8]) -> Result<u64> {
        whole(field)
    }
    fn of_float(value: f64) -> u64 {
        value as u64
    }
}

impl TableNumber for i64 {
    #[inline(always)]
    fn plain(text: &[u8]) -> Option<(i64, &[u8])> {
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let (value, rest) = push_digits(0, digits);
        let value =
            if digits.len() < text.len() { (value as i64).wrapping_neg() } else { value as i64 };
        // Eighteen digits fit with either sign.
        matches!(digits.len() - rest.len(), 1..=18).then_some((value, rest))
    }
    fn of_field(field: &[u8]) -> Result<i64> {
        whole(field)
    }
    fn of_float(value: f64) -> i64 {
        value as i64
    }
}

/// The rest of a text, at the start of a line or within it.
pub(super) struct PlainLine<'a> {
    rest: &'a [u8],
    separator: FieldSeparator,
}

impl<'a> PlainLine<'a> {
    #[inline(always)]
    pub(super) fn new(rest: &'a [u8], separator: FieldSeparator) -> Self {
        PlainLine { rest, separator }
    }

    #[inline(always)]
    fn skip_blanks(&mut self) {
        while let [byte, tail @ ..] = self.rest
            && (*byte == b' ' || *byte == b'\t' && self.separator == FieldSeparator::Blanks)
        {
            self.rest = tail;
        }
    }

    /// The next field.
    #[inline(always)]
    pub(super) fn number<N: TableNumber>(&mut self) -> Option<N> {
        self.skip_blanks();
        let (value, rest) = N::plain(self.rest)?;
        self.rest = rest;
        Some(value)
    }

    /// Moves past a separator.
    #[inline(always)]
    pub(super) fn separator(&mut self) -> Option<()> {
        let blanks = self.rest.len();
        self.skip_blanks();
        match self.separator {
            FieldSeparator::Blanks => (self.rest.len() < blanks).then_some(()),
            FieldSeparator::Byte(byte) => {
                self.rest = self.rest.strip_prefix(&[byte])?;
                Some(())
            }
        }
    }

    /// What follows the line, if it ends here.
    #[inline(always)]
    pub(super) fn end(mut self) -> Option<&'a [u8]> {
        if let [b'\n', tail @ ..] = self.rest {
            return Some(tail);
        }
        self.skip_blanks();
        match self.rest {
            [b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] => Some(tail),
            [] | [b'\r'] => Some(&[]),
            _ => None,
        }
    }

    /// What follows the line, wherever it ends.
    #[inline(always)]
    pub(super) fn skip(self) -> &'a [u8] {
        split_line(self.rest).1
    }
}

/// Appends the numbers of the line with which `text` begins, and returns what follows it; `None` if it has not `count`
/// plain numbers.
#[inline(always)]
pub(super) fn plain_row<'a, N: TableNumber>(
    text: &'a [u8],
    (separator, count): (FieldSeparator, usize),
    numbers: &mut Vec<N>,
) -> Option<&'a [u8]> {
    let mut line = PlainLine::new(text, separator);
    for k in 0..count {
        if k > 0 {
            line.separator()?;
        }
        numbers.push(line.number()?);
    }
    line.end()
}

/// The first line of a text, with its line end, and what follows.
#[inline]
pub(super) fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |feed| feed + 1);
    text.split_at(end)
}

/// The number of a field, or the value to put where it is missing.
pub(super) fn filled<N: TableNumber>(field: &[u8], instead: Option<N>) -> Result<N> {
    match N::of_field(field) {
        Ok(value) if !value.is_nan() => Ok(value),
        _ if kind_of(field) == FieldKind::Missing => instead.ok_or_else(|| missing(field)),
        other => other,
    }
}

/// The rows of some lines, and the lines.
pub(super) fn count_rows(text: &[u8], separator: FieldSeparator) -> (u64, u64) {
    let lines = count_lines(text);
    // A line that begins with a digit, a sign or a point is a row. All lines are examined before a decision, so that
    // vector units do it.
    let other = |byte: u8| !matches!(byte, b'-'..=b'9');
    let pairs = text.windows(2).map(|pair| (pair[0] == b'\n') & other(pair[1]));
    let others = pairs.fold(text.first().is_some_and(|&byte| other(byte)), |any, it| any | it);
    if !others {
        return (lines, lines);
    }
    let all = text.split_inclusive(|&byte| byte == b'\n').map(without_end);
    (all.filter(|line| !is_skipped(line, separator)).count() as u64, lines)
}
