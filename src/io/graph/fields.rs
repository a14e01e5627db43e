//! The fields of a line: separated by blanks, tabs, commas or semicolons, in quotes or not; ids among them.

use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::edge_options::Separator;
use crate::io::text::cursor::{Cursor, quoted};

/// An id longer than this is refused.
const LONGEST_ID: usize = 1 << 12;

/// Whether a cursor behind the blanks of a line is at its end or at a comment.
#[inline]
pub(super) fn is_empty(cursor: &Cursor<'_>) -> bool {
    cursor.at_line_end() || cursor.at_any(b"#%") || cursor.rest().starts_with(b"//")
}

/// A whole number from 0, alone.
pub(super) fn number_of(field: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(field);
    cursor.digits().filter(|_| cursor.is_done())
}

/// Moves past a field and the separator behind it, and returns the field without blanks around it or quotes.
#[inline]
pub(super) fn take_field<'a>(cursor: &mut Cursor<'a>, separator: Separator) -> Result<&'a [u8]> {
    cursor.skip_blanks();
    if cursor.at_any(b"\"") {
        return take_quoted(cursor, separator);
    }
    let Some(separator) = separator.byte() else { return Ok(cursor.take_token()) };
    let rest = cursor.rest();
    let ends = |byte: &u8| *byte == separator || *byte == b'\n';
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    let field = rest[..end].trim_ascii_end();
    let at_separator = rest.get(end) == Some(&separator);
    // The end of a line is left: a carriage return before it too.
    let moved = if at_separator { end + 1 } else { field.len() };
    cursor.go_on(&rest[moved..]);
    Ok(field)
}

fn take_quoted<'a>(cursor: &mut Cursor<'a>, separator: Separator) -> Result<&'a [u8]> {
    let here = *cursor;
    let rest = &cursor.rest()[1..];
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\n'));
    let Some(end) = end.filter(|&end| rest[end] == b'"') else {
        return Err(here.unexpected(
            ErrorKind::Format,
            "a quote is not closed",
            "another quote on the line",
        ));
    };
    cursor.go_on(&rest[end + 1..]);
    let mut after = *cursor;
    after.skip_blanks();
    match separator.byte() {
        Some(byte) if after.at_any(&[byte]) => cursor.go_on(&after.rest()[1..]),
        _ if after.at_line_end() || (separator.byte().is_none() && cursor.at_any(b" \t")) => {}
        _ => {
            let error = here.unexpected(
                ErrorKind::Format,
                "a quoted field continues after its closing quote",
                "a separator behind the closing quote",
            );
            return Err(error.remedy("ids that contain quotes are not supported"));
        }
    }
    Ok(&rest[..end])
}

/// Moves past an id, which may be a name.
#[inline]
pub(super) fn take_id<'a>(cursor: &mut Cursor<'a>, separator: Separator) -> Result<&'a [u8]> {
    let here = *cursor;
    let id = take_field(cursor, separator)?;
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(wrong_length(&here, id));
    }
    Ok(id)
}

#[cold]
fn wrong_length(here: &Cursor<'_>, id: &[u8]) -> Error {
    let mut here = *here;
    here.skip_blanks();
    match id.is_empty() {
        true => here
            .unexpected(ErrorKind::Format, "a vertex is missing", "the id of a vertex")
            .remedy("a METIS graph is read if that format is requested"),
        false => here.unexpected(
            ErrorKind::Format,
            "the id of a vertex is too long",
            &format!("at most {LONGEST_ID} bytes"),
        ),
    }
}

/// Fails unless an id can be a name: text without control characters, and no number with a fraction.
pub(super) fn check_name(id: &[u8], fractions: bool) -> Result<()> {
    let wrong = |what: &str, remedy: &str| {
        Err(Error::new(ErrorKind::Format, what)
            .expected("a vertex: an integer of at least 0, or a name")
            .found(quoted(id))
            .remedy(remedy))
    };
    if id.iter().any(|&byte| byte < b' ' || byte == 127) {
        return wrong(
            "not a vertex: the file seems to hold binary data",
            "name a file of plain text",
        );
    }
    if matches!(id.last(), Some(b',' | b';')) {
        return wrong("not a vertex: the line mixes separators", "use one separator throughout");
    }
    if std::str::from_utf8(id).is_err() {
        return wrong(
            "the name of a vertex is not UTF-8",
            "convert the file to UTF-8, with iconv for example",
        );
    }
    let is_fraction = |id: &[u8]| {
        let unsigned = id.strip_prefix(b"-").unwrap_or(id);
        unsigned.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
            && std::str::from_utf8(id).is_ok_and(|text| text.parse::<f64>().is_ok())
            && unsigned.iter().any(|byte| !byte.is_ascii_digit())
    };
    if !fractions && is_fraction(id) {
        return wrong(
            "not a vertex: the file seems to be a table of numbers",
            "an edge list has two whole numbers or names on a line; ask for compact vertices if these are names",
        );
    }
    Ok(())
}
