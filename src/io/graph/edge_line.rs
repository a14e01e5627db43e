//! A line of an edge list: `u v` or `u v weight`.

use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::edge_options::{Separator, Weights};
use crate::io::graph::fields::{number_of, take_field, take_id};
use crate::io::graph::first_lines::EdgeLayout;
use crate::io::text::cursor::Cursor;
use crate::io::text::decimal::read_float;
use crate::io::text::digits::push_digits;
use crate::io::text::unsupported_formats::wrong_text;

impl EdgeLayout {
    /// The third column of a line, and the end of the line.
    #[inline]
    pub(super) fn rest(&self, cursor: &mut Cursor<'_>) -> Result<Option<f64>> {
        cursor.skip_blanks();
        if !cursor.at_line_end() {
            if self.weights != Weights::AsInFile {
                cursor.skip_line();
                return Ok(None);
            }
            return self.weight(cursor);
        }
        cursor.end_line().map(|()| None)
    }

    fn weight(&self, cursor: &mut Cursor<'_>) -> Result<Option<f64>> {
        let weight = if cursor.at_any(b"{") {
            attributes(cursor)?
        } else if self.separator == Separator::Blank {
            Some(read_float(cursor)?)
        } else {
            let field = take_field(cursor, self.separator)?;
            let mut within = Cursor::new(field);
            let weight = if field.is_empty() { None } else { Some(read_float(&mut within)?) };
            within.end_line()?;
            weight
        };
        let ended = cursor.end_line();
        ended.map(|()| weight).map_err(|error| {
            error.remedy(
                "a line is `u v` or `u v weight`; further columns are ignored if the weights are, and a METIS graph is \
                 read if that format is requested",
            )
        })
    }

    /// Reads a vertex that is a whole number from 0; otherwise does not move and returns `None`.
    #[inline]
    pub(super) fn number(&self, cursor: &mut Cursor<'_>) -> Option<u64> {
        cursor.skip_blanks();
        let Some(separator) = self.separator.byte() else { return cursor.digits() };
        let here = *cursor;
        let (value, rest) = push_digits(0, cursor.rest());
        let length = cursor.rest().len() - rest.len();
        cursor.go_on(rest);
        if separator != b'\t' {
            cursor.skip_blanks();
        }
        if (1..=19).contains(&length) && (cursor.at_any(&[separator]) || cursor.at_line_end()) {
            if cursor.at_any(&[separator]) {
                cursor.go_on(&cursor.rest()[1..]);
            }
            return Some(value);
        }
        *cursor = here;
        let value = take_field(cursor, self.separator).ok().and_then(number_of);
        if value.is_none() {
            *cursor = here;
        }
        value
    }

    /// Moves past an id, which may be a name.
    #[inline]
    pub(super) fn id<'a>(&self, cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
        take_id(cursor, self.separator)
    }
}

/// The attributes of an edge as NetworkX writes them: `{}` or `{'weight': 1.5}`.
fn attributes(cursor: &mut Cursor<'_>) -> Result<Option<f64>> {
    let here = *cursor;
    let rest = cursor.rest();
    let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    let text = rest[..end].trim_ascii_end();
    cursor.go_on(&rest[text.len()..]);
    if text == b"{}" {
        return Ok(None);
    }
    let value = text.strip_prefix(b"{'weight':").and_then(|text| text.strip_suffix(b"}"));
    if let Some(value) = value {
        let mut within = Cursor::new(value.trim_ascii());
        let weight = read_float(&mut within)?;
        within.end_line()?;
        return Ok(Some(weight));
    }
    let remedy = "remove what is not a weight, or ignore the weights";
    let error = here.unexpected(
        ErrorKind::Format,
        "attributes other than a weight",
        "{} or {'weight': 1.5}",
    );
    Err(error.remedy(remedy))
}

/// The error for what stands where a number below `limit` belongs.
#[cold]
pub(super) fn wrong_vertex(cursor: &Cursor<'_>, separator: Separator, limit: u64) -> Error {
    let mut here = *cursor;
    here.skip_blanks();
    let token = match separator.byte() {
        None => here.token(),
        Some(_) => take_field(&mut here.clone(), separator).unwrap_or_default(),
    };
    if token.is_empty() || !token.iter().all(u8::is_ascii_digit) {
        let (what, remedy) = wrong_text(token).unzip();
        let what =
            what.map_or_else(|| "not a vertex".to_owned(), |what| format!("not a vertex: {what}"));
        let expected = "a vertex, an integer of at least 0";
        let error = here.unexpected(ErrorKind::Format, &what, expected);
        return remedy.into_iter().fold(error, Error::remedy);
    }
    let expected = match limit {
        0 => "no edges, because there are no vertices".to_owned(),
        _ => format!("a vertex from 0 to {}", limit - 1),
    };
    here.unexpected(ErrorKind::Index, "the vertex is out of range", &expected)
}

/// The error for a line that has no weight, unlike the first (`weighted`), or has one.
#[cold]
pub(super) fn mixed(weighted: bool) -> Error {
    let (first, this) = if weighted { ("a weight", "none") } else { ("no weight", "one") };
    Error::new(ErrorKind::Format, "some edges have a weight and others have none")
        .expected(format!("{first}, like the first edge"))
        .found(this)
        .remedy("ignore the weights, or give every edge a weight")
}
