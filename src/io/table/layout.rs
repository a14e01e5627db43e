//! What the first lines of a table say: what stands between fields, how many there are, and whether they are names.

use crate::error::{Error, ErrorKind, Result};
use crate::io::table::field::{Fields, Kind, Separator, is_skipped, kind_of, ragged, real};
use crate::io::table::options::TableOptions;
use crate::io::text::batches::{Batches, without_end};
use crate::io::text::text_file::{Position, TextFile};
use crate::storage::Context;

/// Lines that are looked at.
const LOOKED_AT: usize = 32;

/// What is tried, in this order.
const TRIED: [u8; 4] = [b'\t', b';', b'|', b','];

const MARK: &[u8] = b"\xef\xbb\xbf";

/// How the lines of a file are to be read.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) separator: Separator,
    /// Fields of a line.
    pub(super) ncols: usize,
    pub(super) columns: Option<Vec<String>>,
    pub(super) triplets: bool,
    /// The first line after the header.
    pub(super) start: Position,
    /// Lines with values, about.
    pub(super) rows: u64,
}

impl Layout {
    /// Looks at the first lines of a file.
    pub(super) fn of(
        text: &TextFile,
        options: &TableOptions,
        triplets: bool,
        ctx: &Context,
    ) -> Result<Self> {
        let mut batches = Batches::new(text, Position::START, 0, "reading a table", ctx);
        let bytes = batches.peek()?;
        // A mark of the byte order belongs to no field.
        let marked = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
        let begun = Position { offset: marked as u64, line: 1 };
        let separator = options.separator.map(Separator::of);
        let forced = options.header == Some(true);
        let lines = content(&bytes[marked..], begun, separator, forced);
        let Some(&(_, first)) = lines.first() else {
            return Err(Error::new(ErrorKind::Format, "the file is empty")
                .in_file(text.path())
                .expected("a table of numbers")
                .found("no line with a field"));
        };
        let separator = separator.unwrap_or_else(|| sniff(&lines));
        let fault = |at: Position, error: Error| text.fault(at.line, error);
        let fields = fields(first, separator).map_err(|error| fault(lines[0].0, error))?;
        let header = options.header.unwrap_or_else(|| are_names(&fields));
        let columns = header.then(|| fields.iter().map(|field| name_of(field)).collect::<Vec<_>>());
        let triplets = match options.triplets {
            _ if triplets => true,
            Some(triplets) => triplets,
            None => columns.as_deref().is_some_and(names_entries),
        };
        if triplets && !(2..=4).contains(&fields.len()) {
            let error =
                ragged(3, fields.len()).expected("row, column and value; two or four fields also");
            return Err(fault(lines[0].0, error));
        }
        let start = match header {
            true => after(lines[0].0, &bytes[lines[0].0.offset as usize..]),
            false => begun,
        };
        let looked_at = bytes.len() as u64 - start.offset;
        let here = lines_from(&bytes[start.offset as usize..]);
        let all = match text.window(0) {
            0 => text.length().saturating_sub(start.offset),
            // A typical ratio for numbers.
            _ => text.length().saturating_mul(4).max(looked_at),
        };
        let rows = (here as u128 * u128::from(all) / u128::from(looked_at.max(1))) as u64;
        Ok(Layout { separator, ncols: fields.len(), columns, triplets, start, rows })
    }

    /// The error of a field, with its column.
    #[cold]
    pub(super) fn in_column(&self, error: Error, k: usize) -> Error {
        let name = self.columns.as_ref().and_then(|names| names.get(k));
        let name = name.map_or(String::new(), |name| format!(" ({name:?})"));
        let found = error.finding().unwrap_or_default().to_owned();
        error.found(format!("{found} in column {}{name}", k + 1))
    }
}

/// The first lines that are neither blank nor comments, and where they are. A forced header may look like a comment.
fn content(
    bytes: &[u8],
    begun: Position,
    separator: Option<Separator>,
    forced: bool,
) -> Vec<(Position, &[u8])> {
    let (mut found, mut at) = (Vec::new(), begun);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let plain = without_end(line);
        let skipped = match forced && found.is_empty() {
            true => plain.trim_ascii().is_empty(),
            false => is_skipped(plain, separator.unwrap_or(Separator::Blanks)),
        };
        if !skipped {
            found.push((at, plain));
        }
        at = Position { offset: at.offset + line.len() as u64, line: at.line + 1 };
        if found.len() == LOOKED_AT {
            break;
        }
    }
    found
}

/// The position after the line at `at`, with which `bytes` begin.
fn after(at: Position, bytes: &[u8]) -> Position {
    let length = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |feed| feed + 1);
    Position { offset: at.offset + length as u64, line: at.line + 1 }
}

fn lines_from(bytes: &[u8]) -> usize {
    bytes
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| !without_end(line).is_empty())
        .count()
}

/// The separator that all lines have equally often; else the one that the first line has; else blanks.
fn sniff(lines: &[(Position, &[u8])]) -> Separator {
    let counts = |byte: u8| -> Vec<usize> {
        let count =
            |line: &[u8]| fields(line, Separator::Byte(byte)).map_or(0, |fields| fields.len());
        lines.iter().map(|(_, line)| count(line)).collect()
    };
    let all = TRIED.into_iter().find(|&byte| {
        let counts = counts(byte);
        counts[0] > 1 && counts.iter().all(|count| *count == counts[0])
    });
    let first = || TRIED.into_iter().find(|byte| lines[0].1.contains(byte));
    let any = || TRIED.into_iter().find(|byte| lines.iter().any(|(_, line)| line.contains(byte)));
    all.or_else(first).or_else(any).map_or(Separator::Blanks, Separator::Byte)
}

fn fields(line: &[u8], separator: Separator) -> Result<Vec<&[u8]>> {
    let mut fields = Fields::new(line, separator);
    let mut found = Vec::new();
    while let Some(field) = fields.next()? {
        found.push(field);
    }
    Ok(found)
}

/// Whether fields are names: one of them begins like a word, or none is a number. A number with a slip in it is none.
fn are_names(fields: &[&[u8]]) -> bool {
    let is_number = |field: &[u8]| kind_of(field) != Kind::Other || real(field).is_ok();
    let begins = |field: &[u8]| {
        field.first().is_some_and(|byte| {
            !byte.is_ascii_digit() && !matches!(byte, b'+' | b'-' | b'.' | b',')
        })
    };
    fields.iter().any(|field| begins(field) && !is_number(field))
        || fields.iter().all(|field| !is_number(field) && field.iter().any(u8::is_ascii_alphabetic))
}

/// The name in a field; a quote is written twice in it.
fn name_of(field: &[u8]) -> String {
    String::from_utf8_lossy(field).replace("\"\"", "\"")
}

/// Whether columns have the names under which entries are written.
fn names_entries(columns: &[String]) -> bool {
    const NAMES: [&[&str]; 3] =
        [&["row", "column", "value"], &["row", "column"], &["row", "column", "real", "imaginary"]];
    let same = |names: &&[&str]| {
        names.len() == columns.len()
            && names.iter().zip(columns).all(|(a, b)| b.eq_ignore_ascii_case(a))
    };
    NAMES.iter().any(same)
}
