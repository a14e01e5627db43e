//! A line with an entry, `row column value`, and what is wrong with one.

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::cursor::{Cursor, quoted};

pub(super) fn too_many(stored: u64) -> Error {
    Error::new(ErrorKind::Format, "there are more entries than declared")
        .expected(format!("the end of the file after {stored} entries"))
        .found("another entry")
}

/// Reads an index counted from 1 and returns it counted from 0.
#[inline(always)]
pub(super) fn index(cursor: &mut Cursor<'_>, name: &str, size: usize) -> Result<usize> {
    cursor.skip_blanks();
    let here = *cursor;
    match cursor.digits() {
        Some(index) if index >= 1 && index <= size as u64 => Ok(index as usize - 1),
        _ => Err(wrong_index(&here, name, size)),
    }
}

#[cold]
fn wrong_index(cursor: &Cursor<'_>, name: &str, size: usize) -> Error {
    let token = cursor.token();
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return cursor.unexpected(ErrorKind::Format, "not an index", &format!("a {name} index"));
    }
    let error = Error::new(ErrorKind::Index, format!("the {name} index is out of range"))
        .found(quoted(token));
    let error = match size {
        0 => error.expected(format!("no entries, because there are no {name}s")),
        _ => error.expected(format!("a {name} index from 1 to {size}")),
    };
    if token.iter().all(|&byte| byte == b'0') {
        error.remedy("indices count from 1")
    } else {
        error
    }
}
