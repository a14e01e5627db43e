//! Entries and values as lines of a file, by the type of the values.

use std::ops::Range;

use crate::error::Result;
use crate::io::matrix_market::header::Field;
use crate::io::matrix_market::number::{Number, check_type};
use crate::io::text::digits::push_unsigned;
use crate::io::text::write_entries::PlacedEntries;
use crate::storage::raw::Raw;
use crate::storage::{DType, by_dtype};

/// How values of a type are written.
pub(super) struct ValueWriter {
    /// Whether they may be written to a field.
    pub(super) check: fn(Field, bool) -> Result<()>,
    /// Appends lines of row, column and value.
    pub(super) entries: fn(&PlacedEntries<'_>, Range<usize>, Field, &mut Vec<u8>) -> Result<()>,
    /// Appends lines of values, which are columns of a matrix.
    pub(super) columns: fn(Raw<'_>, Range<usize>, Field, &mut Vec<u8>),
    /// The same for values that are stored row by row, with the shape.
    pub(super) rows: fn(Raw<'_>, (usize, usize), Range<usize>, Field, &mut Vec<u8>),
}

impl ValueWriter {
    /// For values of a type, or entries without values.
    pub(super) fn of(values: Option<DType>) -> Self {
        fn of<T: Number>() -> ValueWriter {
            ValueWriter {
                check: check_type::<T>,
                entries: entries::<T>,
                columns: columns::<T>,
                rows: rows::<T>,
            }
        }
        match values {
            None => of::<()>(),
            Some(dtype) => {
                by_dtype!(dtype, T => of::<T>(), _ => unreachable!("a type of this library"))
            }
        }
    }
}

fn entries<T: Number>(
    entries: &PlacedEntries<'_>,
    range: Range<usize>,
    field: Field,
    out: &mut Vec<u8>,
) -> Result<()> {
    let data = entries.data.as_typed::<T>();
    entries.visit(range, |k, row, col| {
        push_unsigned(out, row as u64 + 1);
        out.push(b' ');
        push_unsigned(out, col as u64 + 1);
        if field != Field::Pattern {
            out.push(b' ');
            data[k].write(field, out);
        }
        out.push(b'\n');
    })
}

fn columns<T: Number>(data: Raw<'_>, range: Range<usize>, field: Field, out: &mut Vec<u8>) {
    for &value in &data.as_typed::<T>()[range] {
        value.write(field, out);
        out.push(b'\n');
    }
}

fn rows<T: Number>(
    data: Raw<'_>,
    (nrows, ncols): (usize, usize),
    range: Range<usize>,
    field: Field,
    out: &mut Vec<u8>,
) {
    let data = data.as_typed::<T>();
    for k in range {
        data[k % nrows * ncols + k / nrows].write(field, out);
        out.push(b'\n');
    }
}
