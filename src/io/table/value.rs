//! What stands in a line of entries behind row and column.

use num_complex::Complex;

use crate::error::{Error, Result};
use crate::io::table::plain::{PlainLine, TableNumber, filled};
use crate::storage::Entry;

/// The value of an entry.
pub(super) trait EntryValue: Entry {
    /// The value at this place of a line, if it is plain.
    fn plain(line: &mut PlainLine<'_>) -> Option<Self>;
    /// The value of some fields. An error comes with the number of its field.
    fn of_fields(
        fields: &[&[u8]],
        instead: Option<f64>,
    ) -> std::result::Result<Self, (usize, Error)>;
}

impl EntryValue for () {
    #[inline(always)]
    fn plain(_: &mut PlainLine<'_>) -> Option<()> {
        Some(())
    }
    fn of_fields(_: &[&[u8]], _: Option<f64>) -> std::result::Result<(), (usize, Error)> {
        Ok(())
    }
}

macro_rules! one_number {
    ($($number:ty),*) => {$(
        impl EntryValue for $number {
            #[inline(always)]
            fn plain(line: &mut PlainLine<'_>) -> Option<Self> {
                line.separator()?;
                line.number()
            }
            fn of_fields(
                fields: &[&[u8]],
                instead: Option<f64>,
            ) -> std::result::Result<Self, (usize, Error)> {
                part(fields, 0, instead)
            }
        }
    )*};
}

one_number!(i64, u64, f64);

impl EntryValue for Complex<f64> {
    #[inline(always)]
    fn plain(line: &mut PlainLine<'_>) -> Option<Self> {
        line.separator()?;
        let re = line.number()?;
        line.separator()?;
        Some(Complex::new(re, line.number()?))
    }
    fn of_fields(
        fields: &[&[u8]],
        instead: Option<f64>,
    ) -> std::result::Result<Self, (usize, Error)> {
        Ok(Complex::new(part(fields, 0, instead)?, part(fields, 1, instead)?))
    }
}

fn part<N: TableNumber>(
    fields: &[&[u8]],
    k: usize,
    instead: Option<f64>,
) -> std::result::Result<N, (usize, Error)> {
    let read: Result<N> = filled(fields[k], instead.map(N::of_float));
    read.map_err(|error| (k, error))
}
