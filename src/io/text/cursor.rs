//! A position in a text, and the steps by which the readers advance it: blanks, tokens, digits, line ends.
//!
//! A number is parsed without first searching for the end of its line or token: on lines of twenty
//! bytes that search would cost as much as the numbers do. A token ends at a blank, a tab, a carriage return, a line
//! feed or the end of the text. No step but [`Cursor::end_line`] and [`Cursor::skip_line`] leaves the line.

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::digits::{leading, push_digits};

/// How much of a wrong token an error quotes.
const QUOTED: usize = 40;

/// The rest of a text.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(in crate::io) fn new(text: &'a [u8]) -> Self {
        Cursor { rest: text }
    }

    #[inline]
    pub(in crate::io) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Continues at `rest`, which is a tail of the remaining text.
    #[inline]
    pub(in crate::io) fn go_on(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    #[inline]
    pub(in crate::io) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline(always)]
    pub(in crate::io) fn skip_blanks(&mut self) {
        while let [b' ' | b'\t', tail @ ..] = self.rest {
            self.rest = tail;
        }
    }

    /// Whether only the line end is left of the line; a carriage return counts only right before it.
    #[inline]
    pub(in crate::io) fn at_line_end(&self) -> bool {
        matches!(self.rest, [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n', ..])
    }

    /// Whether the next byte is one of `bytes`.
    #[inline]
    pub(in crate::io) fn at_any(&self, bytes: &[u8]) -> bool {
        self.rest.first().is_some_and(|byte| bytes.contains(byte))
    }

    /// The token that begins here, without moving; empty at the end of the line.
    pub(in crate::io) fn token(&self) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| ends_token(byte)).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    /// Moves past the blanks and the token after them, and returns that token.
    pub(in crate::io) fn take_token(&mut self) -> &'a [u8] {
        self.skip_blanks();
        let token = self.token();
        self.rest = &self.rest[token.len()..];
        token
    }

    /// Moves past the line end; only blanks may precede it.
    #[inline(always)]
    pub(in crate::io) fn end_line(&mut self) -> Result<()> {
        if let [b'\n', tail @ ..] = self.rest {
            self.rest = tail;
            return Ok(());
        }
        self.end_other_line()
    }

    #[inline(never)]
    fn end_other_line(&mut self) -> Result<()> {
        self.skip_blanks();
        match self.rest {
            [b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] => self.rest = tail,
            [] | [b'\r'] => self.rest = &[],
            _ => {
                return Err(self.unexpected(
                    ErrorKind::Format,
                    "the line has extra fields",
                    "the end of the line",
                ));
            }
        }
        Ok(())
    }

    /// Moves past the next line feed, whatever precedes it.
    pub(in crate::io) fn skip_line(&mut self) {
        let length =
            self.rest.iter().position(|&byte| byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        self.rest = &self.rest[length..];
    }

    /// Reads digits that make a whole token and fit 64 bits; otherwise does not move and returns `None`.
    #[inline(always)]
    pub(in crate::io) fn digits(&mut self) -> Option<u64> {
        if let Some(chunk) = self.rest.first_chunk::<8>() {
            let (count, value) = leading(chunk);
            if (1..8).contains(&count) && ends_token(chunk[count]) {
                self.rest = &self.rest[count..];
                return Some(value);
            }
        }
        self.many_digits()
    }

    #[inline(never)]
    fn many_digits(&mut self) -> Option<u64> {
        let (value, rest) = push_digits(0, self.rest);
        let length = self.rest.len() - rest.len();
        if length == 0 || rest.first().is_some_and(|&byte| !ends_token(byte)) {
            return None;
        }
        // Nineteen digits never overflow; a longer number, perhaps with leading zeros, is checked for overflow.
        let value = if length <= 19 { value } else { long_digits(&self.rest[..length])? };
        self.rest = rest;
        Some(value)
    }

    /// An error about the token that begins here.
    #[cold]
    pub(in crate::io) fn unexpected(&self, kind: ErrorKind, what: &str, expected: &str) -> Error {
        Error::new(kind, what).expected(expected).found(quoted_at_line(self))
    }
}

#[cold]
fn long_digits(digits: &[u8]) -> Option<u64> {
    digits
        .iter()
        .try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

/// Whether a byte ends a token.
#[inline]
pub(in crate::io) fn ends_token(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A token between quotes, cut to forty bytes, with every unprintable byte escaped.
pub(in crate::io) fn quoted(token: &[u8]) -> String {
    let shown = &token[..token.len().min(QUOTED)];
    let more = if shown.len() < token.len() { "…" } else { "" };
    format!("\"{}{more}\"", shown.escape_ascii())
}

fn quoted_at_line(cursor: &Cursor<'_>) -> String {
    if cursor.at_line_end() {
        return "the end of the line".to_owned();
    }
    match cursor.token() {
        [] => "a carriage return without a line feed".to_owned(),
        token => quoted(token),
    }
}
