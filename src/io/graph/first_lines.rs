//! The first lines of an edge list: what separates the fields, and whether a line names the columns.

use crate::error::Result;
use crate::io::graph::edge_options::{EdgeOptions, Separator, Weights};
use crate::io::graph::fields::{is_empty, number_of, take_field};
use crate::io::text::cursor::Cursor;
use crate::io::text::decimal::read_float;
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

/// How the lines of a list are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct EdgeLayout {
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

impl EdgeLayout {
    /// Looks at the first lines of a file.
    pub(super) fn of(text: &TextFile, options: &EdgeOptions) -> Result<Self> {
        let mut layout = EdgeLayout {
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
    // No more than are examined.
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
