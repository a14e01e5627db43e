//! A line of a list of edges: `u v` or `u v weight`, with blanks, tabs, commas or semicolons between the fields.
//!
//! What separates the fields, and whether the first line names the columns, follows from the first lines.

use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::edge_options::{EdgeOptions, Separator, Weights};
use crate::io::text::cursor::{Cursor, push_digits, quoted};
use crate::io::text::decimal::read_float;
use crate::io::text::foreign::wrong_text;
use crate::io::text::text_file::{Position, TextFile};

/// Names that columns usually have.
const COLUMNS: &[&str] = &[
    "source",
    "target",
    "src",
    "dst",
    "from",
    "to",
    "node1",
    "node2",
    "u",
    "v",
    "i",
    "j",
    "head",
    "tail",
    "vertex1",
    "vertex2",
    "from_node",
    "to_node",
    "fromnodeid",
    "tonodeid",
    "from_id",
    "to_id",
    "source_id",
    "target_id",
    "id1",
    "id2",
    "node_1",
    "node_2",
    "row",
    "col",
];

/// An id longer than this is refused.
const LONGEST_ID: usize = 1 << 12;

/// How the lines of a list are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Not [`Separator::Auto`].
    pub(super) separator: Separator,
    /// Where the edges begin, behind a line that names the columns.
    pub(super) from: Position,
    /// Whether the first edge has a weight.
    pub(super) weighted: bool,
    pub(super) weights: Weights,
    /// The first line, if it was taken for the names of the columns.
    pub(super) header: Option<u64>,
    /// Whether there is nothing in the file, not even a comment.
    pub(super) empty: bool,
}

impl Layout {
    /// Looks at the first lines of a file.
    pub(super) fn of(text: &TextFile, options: &EdgeOptions) -> Result<Self> {
        let mut layout = Layout {
            separator: options.separator,
            from: Position::START,
            weighted: false,
            weights: options.weights,
            header: None,
            empty: true,
        };
        let mut offset = 0;
        // The first line, where the next begins, and its fields.
        let mut first: Option<(u64, u64, Vec<Vec<u8>>)> = None;
        text.visit_first_lines(|line, bytes| {
            offset += bytes.len() as u64;
            let mut cursor = Cursor::new(bytes);
            cursor.skip_blanks();
            layout.empty &= cursor.at_line_end();
            if is_empty(&cursor) {
                return Ok(None);
            }
            if layout.separator == Separator::Auto {
                layout.separator = separator_of(bytes);
            }
            let fields = fields(cursor, layout.separator);
            let Some((at, after, before)) = first.take() else {
                first = Some((line, offset, fields));
                // The line after it decides.
                return Ok((options.header == Some(false)).then_some(()));
            };
            if options.header.unwrap_or_else(|| is_header(&before, Some(&fields))) {
                layout.header = Some(at);
                layout.from = Position { offset: after, line: at + 1 };
                first = Some((line, offset, fields));
            } else {
                first = Some((at, after, before));
            }
            Ok(Some(()))
        })?;
        if let Some((line, after, fields)) = first {
            let alone = layout.header.is_none() && options.header != Some(false);
            if alone && options.header.unwrap_or_else(|| is_header(&fields, None)) {
                layout.header = Some(line);
                layout.from = Position { offset: after, line: line + 1 };
            }
            let third = fields.get(2).is_some_and(|field| !field.is_empty() && field != b"{}");
            layout.weighted = third && options.weights == Weights::AsInFile;
        }
        if layout.separator == Separator::Auto {
            layout.separator = Separator::Blank;
        }
        Ok(layout)
    }

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
            let field = self.take(cursor)?;
            let mut within = Cursor::new(field);
            let weight = if field.is_empty() { None } else { Some(read_float(&mut within)?) };
            within.end_line()?;
            weight
        };
        let ended = cursor.end_line();
        ended.map(|()| weight).map_err(|error| {
            error.remedy(
                "a line is `u v` or `u v weight`; further columns are ignored if the weights are, and a METIS graph is \
                 read if that format is asked for",
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
        let value = self.take(cursor).ok().and_then(number_of);
        if value.is_none() {
            *cursor = here;
        }
        value
    }

    /// Moves past a field and the separator behind it, and returns the field without blanks around it or quotes.
    #[inline]
    pub(super) fn take<'a>(&self, cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
        take_field(cursor, self.separator)
    }

    /// Moves past an id, which may be a name.
    #[inline]
    pub(super) fn id<'a>(&self, cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
        let here = *cursor;
        let id = self.take(cursor)?;
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(wrong_length(&here, id));
        }
        Ok(id)
    }
}

#[cold]
fn wrong_length(here: &Cursor<'_>, id: &[u8]) -> Error {
    let mut here = *here;
    here.skip_blanks();
    match id.is_empty() {
        true => here.unexpected(ErrorKind::Format, "a vertex is missing", "the id of a vertex"),
        false => here.unexpected(
            ErrorKind::Format,
            "the id of a vertex is too long",
            &format!("at most {LONGEST_ID} bytes"),
        ),
    }
}

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

fn separator_of(line: &[u8]) -> Separator {
    let has = |byte| line.contains(&byte);
    match () {
        () if has(b',') => Separator::Comma,
        () if has(b';') => Separator::Semicolon,
        // Names with blanks between tabs; numbers are read alike.
        () if is_tabbed(line) => Separator::Tab,
        () => Separator::Blank,
    }
}

/// Whether a line is two or three fields between tabs, one of which has a blank in it.
fn is_tabbed(line: &[u8]) -> bool {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b'\t').map(<[u8]>::trim_ascii).collect();
    let blanks = fields.iter().any(|field| field.contains(&b' '));
    blanks && (2..=3).contains(&fields.len()) && fields.iter().all(|field| !field.is_empty())
}

fn fields(mut cursor: Cursor<'_>, separator: Separator) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    // No more than are looked at.
    while fields.len() < 4 && !cursor.at_line_end() {
        match take_field(&mut cursor, separator) {
            Ok(field) => fields.push(field.to_vec()),
            Err(_) => break,
        }
        cursor.skip_blanks();
    }
    fields
}

/// Whether the fields of the first line name columns; `next` are those of the line after it.
fn is_header(first: &[Vec<u8>], next: Option<&[Vec<u8>]>) -> bool {
    let [u, v, rest @ ..] = first else { return false };
    let is_number = |field: &Vec<u8>| number_of(field).is_some();
    let is_column =
        |field: &Vec<u8>| COLUMNS.iter().any(|name| field.eq_ignore_ascii_case(name.as_bytes()));
    if is_number(u) || is_number(v) {
        return false;
    }
    let next_is_numbers =
        next.is_some_and(|next| next.len() >= 2 && next[..2].iter().all(is_number));
    let names_a_weight = || {
        let is_word = |field: &Vec<u8>| field.first().is_some_and(u8::is_ascii_alphabetic);
        let is_weight = |field: &Vec<u8>| {
            let mut cursor = Cursor::new(field);
            read_float::<f64>(&mut cursor).is_ok_and(|_| cursor.is_done())
        };
        rest.first().is_some_and(|third| is_word(third) && !is_weight(third))
            && next.and_then(|next| next.get(2)).is_some_and(is_weight)
    };
    next_is_numbers || (is_column(u) && is_column(v)) || names_a_weight()
}

fn take_field<'a>(cursor: &mut Cursor<'a>, separator: Separator) -> Result<&'a [u8]> {
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
                "a quoted field goes on behind its quotes",
                "a separator behind the closing quote",
            );
            return Err(error.remedy("ids with quotes in them are not read"));
        }
    }
    Ok(&rest[..end])
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
    let remedy = "leave out what is no weight, or ignore the weights";
    let error = here.unexpected(
        ErrorKind::Format,
        "other attributes than a weight",
        "{} or {'weight': 1.5}",
    );
    Err(error.remedy(remedy))
}

/// Fails unless an id can be a name: text without control characters, and no number with a fraction.
pub(super) fn check_name(id: &[u8], fractions: bool) -> Result<()> {
    let wrong = |what: &str, remedy: &str| {
        Err(Error::new(ErrorKind::Format, what)
            .expected("a vertex: a whole number from 0, or a name")
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
        return wrong(
            "not a vertex: fields are separated in several ways",
            "separate all fields alike",
        );
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
            "a list of edges has two whole numbers or names on a line; ask for compact vertices if these are names",
        );
    }
    Ok(())
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
        let expected = "a vertex, which is a whole number from 0";
        let error = here.unexpected(ErrorKind::Format, &what, expected);
        return remedy.into_iter().fold(error, Error::remedy);
    }
    let expected = match limit {
        0 => "no edge, there being no vertices".to_owned(),
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
