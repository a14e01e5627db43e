//! A line of a list of entries: row, column, and what stands behind them.

use crate::error::{Error, ErrorKind, Result};
use crate::io::table::field::{FieldKind, TableFields, count, is_skipped, kind_of, ragged};
use crate::io::table::layout::TableLayout;
use crate::io::table::plain::PlainLine;
use crate::io::table::value::EntryValue;
use crate::io::text::cursor::quoted;

/// How the lines of a list are read.
pub(super) struct EntryLine<'a> {
    pub(super) layout: &'a TableLayout,
    /// The number of the first row and column.
    pub(super) base: u64,
    /// Rows and columns there may be.
    pub(super) nrows: u64,
    pub(super) ncols: u64,
}

impl EntryLine<'_> {
    /// Row and column of the line with which a text begins, counted from 0, and what follows them, if they are plain.
    #[inline(always)]
    pub(super) fn position<'t>(&self, text: &'t [u8]) -> Option<((u64, u64), PlainLine<'t>)> {
        let mut line = PlainLine::new(text, self.layout.separator);
        let row = line.number::<u64>()?.wrapping_sub(self.base);
        line.separator()?;
        let col = line.number::<u64>()?.wrapping_sub(self.base);
        (row < self.nrows && col < self.ncols).then_some(((row, col), line))
    }

    /// Row, column and value of a line of any kind; `None` of a blank one or a comment.
    #[inline(never)]
    pub(super) fn entry<'t, T: EntryValue>(
        &self,
        line: &'t [u8],
        fields: &mut Vec<&'t [u8]>,
        instead: Option<f64>,
    ) -> Result<Option<(u64, u64, T)>> {
        let Some((row, col)) = self.fields(line, fields)? else { return Ok(None) };
        let value = T::of_fields(&fields[2..], instead);
        let value = value.map_err(|(k, error)| self.layout.in_column(error, 2 + k))?;
        Ok(Some((row, col, value)))
    }

    /// Splits a line of any kind into its fields, and returns row and column; `None` of a blank one or a comment.
    #[inline(never)]
    pub(super) fn fields<'t>(
        &self,
        line: &'t [u8],
        fields: &mut Vec<&'t [u8]>,
    ) -> Result<Option<(u64, u64)>> {
        let TableLayout { separator, ncols, .. } = *self.layout;
        if is_skipped(line, separator) {
            return Ok(None);
        }
        fields.clear();
        let mut all = TableFields::new(line, separator);
        while let Some(field) = all.next()? {
            fields.push(field);
            if fields.len() > ncols {
                return Err(ragged(ncols, count(line, separator)));
            }
        }
        if fields.len() < ncols {
            return Err(ragged(ncols, fields.len()));
        }
        let index = |k: usize, name: &str, extent: u64| {
            let index = self.index(fields[k], name, extent);
            index.map_err(|error| self.layout.in_column(error, k))
        };
        Ok(Some((index(0, "row", self.nrows)?, index(1, "column", self.ncols)?)))
    }

    fn index(&self, field: &[u8], name: &str, extent: u64) -> Result<u64> {
        if let FieldKind::Whole(number) = kind_of(field)
            && let Ok(number) = u64::try_from(number)
            && let Some(index) = number.checked_sub(self.base)
            && index < extent
        {
            return Ok(index);
        }
        Err(wrong_index(field, name, self.base, extent))
    }
}

#[cold]
fn wrong_index(field: &[u8], name: &str, base: u64, extent: u64) -> Error {
    let (what, kind) = match kind_of(field) {
        FieldKind::Whole(_) | FieldKind::TooLarge => ("is out of range", ErrorKind::Index),
        _ => ("is no whole number", ErrorKind::Format),
    };
    let error = Error::new(kind, format!("the {name} {what}"));
    let error = match extent {
        u64::MAX => error.expected(format!("a {name} from {base}")),
        _ => {
            error.expected(format!("a {name} from {base} to {}", (extent + base).saturating_sub(1)))
        }
    };
    match (base, field) {
        (1, b"0") => {
            error.found(quoted(field)).remedy("they are counted from 1 because that was requested")
        }
        _ => error.found(quoted(field)),
    }
}
