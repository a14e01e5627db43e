//! What the first lines of a table say: what stands between fields, how many there are, and whether they are names.

use crate::error::{Error, ErrorKind, Result};
use crate::io::table::column_type::NumberType;
use crate::io::table::field::{
    FieldKind, FieldSeparator, TableFields, is_skipped, kind_of, ragged, real,
};
use crate::io::table::options::TableOptions;
use crate::io::text::lines::widest;
use crate::io::text::records::without_end;
use crate::io::text::text_file::{Position, TextFile};
use crate::storage::Context;

/// Lines with fields that are examined.
const LOOKED_AT: usize = 32;

/// Bytes in which lines are counted.
const COUNTED: u64 = 1 << 21;

/// What is tried, in this order.
const TRIED: [u8; 4] = [b'\t', b';', b'|', b','];

const MARK: &[u8] = b"\xef\xbb\xbf";

/// How the lines of a file are to be read.
#[derive(Clone, Debug)]
pub(super) struct TableLayout {
    pub(super) separator: FieldSeparator,
    /// Fields of a line.
    pub(super) ncols: usize,
    pub(super) columns: Option<Vec<String>>,
    pub(super) triplets: bool,
    /// The first line after the header.
    pub(super) start: Position,
    /// Lines with values, about.
    pub(super) rows: u64,
    /// What the values of the first lines are.
    pub(super) numbers: NumberType,
}

/// The first lines of a file.
struct FirstLines {
    /// Where the first begins, after a mark of the byte order.
    begun: Position,
    /// Those that are neither blank nor comments, where they are, and where the first of them ends.
    content: Vec<(Position, Vec<u8>)>,
    after_header: Position,
    /// Lines that are not empty after the header, and in all.
    counted: u64,
    with_header: u64,
    /// The end of the lines that were counted.
    end: u64,
}

impl TableLayout {
    /// Looks at the first lines of a file.
    pub(super) fn of(
        text: &TextFile,
        options: &TableOptions,
        triplets: bool,
        ctx: &Context,
    ) -> Result<Self> {
        let separator = options.separator.map(FieldSeparator::of);
        let first = FirstLines::of(text, separator, options.header == Some(true), ctx)?;
        let lines: Vec<(Position, &[u8])> =
            first.content.iter().map(|(at, line)| (*at, &line[..])).collect();
        let Some(&(_, line)) = lines.first() else {
            return Err(Error::new(ErrorKind::Format, "the file is empty")
                .in_file(text.path())
                .expected("a table of numbers")
                .found("there is no line with a field"));
        };
        let separator = separator.unwrap_or_else(|| sniff(&lines));
        let wrong = |at: Position, error: Error| text.error_at(at.line, error);
        let fields = fields(line, separator).map_err(|error| wrong(lines[0].0, error))?;
        let header = options.header.unwrap_or_else(|| are_names(&fields));
        let columns = header.then(|| fields.iter().map(|field| name_of(field)).collect::<Vec<_>>());
        let triplets = match options.triplets {
            _ if triplets => true,
            Some(triplets) => triplets,
            None => columns.as_deref().is_some_and(names_entries),
        };
        if triplets && !(2..=4).contains(&fields.len()) {
            let error =
                ragged(3, fields.len()).expected("row, column and value; also two or four fields");
            return Err(wrong(lines[0].0, error));
        }
        let (start, counted) = match header {
            true => (first.after_header, first.counted),
            false => (first.begun, first.with_header),
        };
        let looked_at = first.end.saturating_sub(start.offset);
        let all = match text.window(0) {
            0 => text.length().saturating_sub(start.offset),
            // A typical ratio for numbers.
            _ => text.length().saturating_mul(4).max(looked_at),
        };
        let rows = u128::from(counted) * u128::from(all) / u128::from(looked_at.max(1));
        let (rows, ncols) = (rows as u64, fields.len());
        let mut numbers = NumberType::NONE;
        for (_, line) in &lines[usize::from(header)..] {
            let mut fields = TableFields::new(line, separator);
            while let Ok(Some(field)) = fields.next() {
                numbers.see(field, options.missing);
            }
        }
        Ok(TableLayout { separator, ncols, columns, triplets, start, rows, numbers })
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

impl FirstLines {
    /// Reads the first lines. A forced header may look like a comment.
    fn of(
        text: &TextFile,
        separator: Option<FieldSeparator>,
        forced: bool,
        ctx: &Context,
    ) -> Result<Self> {
        let mut first = FirstLines {
            begun: Position::START,
            content: Vec::new(),
            after_header: Position::START,
            counted: 0,
            with_header: 0,
            end: 0,
        };
        let mut kept = 0;
        text.visit_lines_within(widest(ctx), |number, line| {
            let mut at = Position { offset: first.end, line: number };
            first.end += line.len() as u64;
            let line = match line.strip_prefix(MARK) {
                // A mark of the byte order belongs to no field.
                Some(line) if number == 1 => {
                    at.offset += MARK.len() as u64;
                    first.begun = at;
                    line
                }
                _ => line,
            };
            let plain = without_end(line);
            let skipped = match forced && first.content.is_empty() {
                true => plain.trim_ascii().is_empty(),
                false => is_skipped(plain, separator.unwrap_or(FieldSeparator::Blanks)),
            };
            first.with_header += u64::from(!plain.is_empty());
            if first.content.is_empty() && !skipped {
                first.after_header = Position { offset: first.end, line: number + 1 };
            } else if !first.content.is_empty() {
                first.counted += u64::from(!plain.is_empty());
            }
            if !skipped && first.content.len() < LOOKED_AT {
                first.content.push((at, plain.to_vec()));
                kept += plain.len() as u64;
            }
            if first.end >= COUNTED {
                ctx.check_cancelled()?;
            }
            let seen = first.end >= COUNTED && !first.content.is_empty();
            Ok((seen || kept >= COUNTED).then_some(()))
        })?;
        Ok(first)
    }
}

/// The separator that all lines have equally often; else the one that the first line has; else blanks.
fn sniff(lines: &[(Position, &[u8])]) -> FieldSeparator {
    let counts = |byte: u8| -> Vec<usize> {
        let count =
            |line: &[u8]| fields(line, FieldSeparator::Byte(byte)).map_or(0, |fields| fields.len());
        lines.iter().map(|(_, line)| count(line)).collect()
    };
    let all = TRIED.into_iter().find(|&byte| {
        let counts = counts(byte);
        counts[0] > 1 && counts.iter().all(|count| *count == counts[0])
    });
    let first = || TRIED.into_iter().find(|byte| lines[0].1.contains(byte));
    let any = || TRIED.into_iter().find(|byte| lines.iter().any(|(_, line)| line.contains(byte)));
    all.or_else(first).or_else(any).map_or(FieldSeparator::Blanks, FieldSeparator::Byte)
}

fn fields(line: &[u8], separator: FieldSeparator) -> Result<Vec<&[u8]>> {
    let mut fields = TableFields::new(line, separator);
    let mut found = Vec::new();
    while let Some(field) = fields.next()? {
        found.push(field);
    }
    Ok(found)
}

/// Whether fields are names: one of them begins like a word, or none is a number. A number with a slip in it is none.
fn are_names(fields: &[&[u8]]) -> bool {
    let is_number = |field: &[u8]| kind_of(field) != FieldKind::Other || real(field).is_ok();
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
