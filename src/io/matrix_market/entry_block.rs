//! A block of lines parsed into entries: rows, columns and values in arrays, a symmetry expanded.
//!
//! Everything that one line shows is checked where it is parsed, on any thread. What depends on the lines before, in
//! other blocks, is checked when the blocks are passed on in their order ([`Sequence`]): whether the entries are too
//! many, and whether all are in one triangle.

use crate::error::{Error, ErrorKind, Result};
use crate::io::entries::Entries;
use crate::io::matrix_market::entry::{index, too_many};
use crate::io::matrix_market::header::{Field, Header, Symmetry};
use crate::io::matrix_market::mirror::Mirror;
use crate::io::matrix_market::number::{Number, check_type};
use crate::io::text::lines::BlockHalt;
use crate::io::text::records::{Parsed, each_record};
use crate::storage::{DType, by_dtype};

/// What an entry is: the header of the file, and along which axis entries are ordered.
pub(super) struct Grammar<'a> {
    pub(super) header: &'a Header,
    /// Whether the lines of the result are columns.
    pub(super) by_cols: bool,
}

/// The entries of a block.
pub(super) struct EntryBlock {
    pub(super) entries: Entries,
    /// Lines of the file.
    stored: usize,
    /// The first of them off the diagonal of a matrix with a symmetry, with row and column.
    off_diagonal: Option<(usize, usize, usize)>,
    /// Why the next line is refused, although it is an entry.
    refused: Option<Error>,
}

/// How values of a type are read.
pub(super) struct ValueReader {
    pub(super) check: fn(Field, bool) -> Result<()>,
    pub(super) parse: fn(&Grammar<'_>, &[u8], &mut EntryBlock) -> Parsed,
    /// The same for the values of an array file.
    pub(super) parse_values: fn(&Grammar<'_>, &[u8], &mut EntryBlock) -> Parsed,
}

impl ValueReader {
    /// For a type of values, which this build includes.
    pub(super) fn of(values: Option<DType>) -> Self {
        match values {
            None => Self::new::<()>(),
            Some(dtype) => {
                by_dtype!(dtype, T => Self::new::<T>(), _ => unreachable!("a type of this library"))
            }
        }
    }

    fn new<T: Number>() -> Self {
        ValueReader { check: check_type::<T>, parse: parse::<T>, parse_values: parse_values::<T> }
    }
}

impl EntryBlock {
    /// Bytes that the entries of a byte of text take at most: a line has at least four bytes, and makes two entries.
    pub(super) fn growth(values: Option<DType>, indices: DType) -> usize {
        (2 * indices.size() + values.map_or(0, DType::size)).div_ceil(2)
    }

    pub(super) fn new(values: Option<DType>, indices: DType) -> Self {
        EntryBlock {
            entries: Entries::new(values, indices),
            stored: 0,
            off_diagonal: None,
            refused: None,
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        (self.stored, self.off_diagonal, self.refused) = (0, None, None);
    }
}

fn parse<T: Number>(grammar: &Grammar<'_>, text: &[u8], block: &mut EntryBlock) -> Parsed {
    block.clear();
    let Header { field, symmetry, nrows, ncols, .. } = *grammar.header;
    let mut mirror = Mirror::new(symmetry);
    // Before the first entry, with 1 added to each.
    let mut last = (0, 0);
    let mut parsed = each_record(text, b"%", |cursor| {
        let row = index(cursor, "row", nrows)?;
        let col = index(cursor, "column", ncols)?;
        let value = T::read(field, cursor)?;
        cursor.end_line()?;
        let (major, minor) = if grammar.by_cols { (col, row) } else { (row, col) };
        if symmetry != Symmetry::General {
            let image = match mirror.image(row, col, value) {
                Ok(image) => image,
                Err(error) => {
                    block.refused = Some(error);
                    return Err(Error::new(ErrorKind::Format, "refused"));
                }
            };
            if row != col && block.off_diagonal.is_none() {
                block.off_diagonal = Some((block.stored, row, col));
            }
            block.entries.push(major, minor, value);
            if let Some(image) = image {
                block.entries.push(minor, major, image);
                block.entries.rises = false;
            }
        } else {
            block.entries.push(major, minor, value);
        }
        let next = (major + 1, minor + 1);
        block.entries.rises &= last < next;
        last = next;
        block.stored += 1;
        Ok(())
    });
    if block.refused.is_some() {
        parsed.error = None;
    }
    parsed
}

fn parse_values<T: Number>(grammar: &Grammar<'_>, text: &[u8], block: &mut EntryBlock) -> Parsed {
    block.clear();
    let field = grammar.header.field;
    each_record(text, b"%", |cursor| {
        let value = T::read(field, cursor)?;
        cursor.end_line()?;
        block.entries.data.push(value);
        block.stored += 1;
        Ok(())
    })
}

/// What was seen in the blocks before.
pub(super) struct Sequence {
    symmetry: Symmetry,
    announced: u64,
    pub(super) seen: u64,
    /// Whether the entries off the diagonal are below it.
    lower: Option<bool>,
}

impl Sequence {
    pub(super) fn new(header: &Header) -> Self {
        let Header { symmetry, stored: announced, .. } = *header;
        Sequence { symmetry, announced, seen: 0, lower: None }
    }

    /// Checks the next block. Of several errors the first in the file is reported.
    pub(super) fn check(&mut self, block: &mut EntryBlock) -> std::result::Result<(), BlockHalt> {
        let left = usize::try_from(self.announced - self.seen).unwrap_or(usize::MAX);
        if let Some((record, row, col)) = block.off_diagonal
            && record < left
            && *self.lower.get_or_insert(row > col) != (row > col)
        {
            let error = Mirror::new(self.symmetry).both_triangles(row, col);
            return Err(BlockHalt::Record { record, error });
        }
        let refused = block.refused.take();
        if block.stored + usize::from(refused.is_some()) > left {
            return Err(BlockHalt::Record { record: left, error: too_many(self.announced) });
        }
        self.seen += block.stored as u64;
        refused.map_or(Ok(()), |error| Err(BlockHalt::Record { record: block.stored, error }))
    }
}
