//! The type of the numbers of a table, from all of them.

use crate::error::{Error, ErrorKind, Result};
use crate::io::table::field::{FieldKind, kind_of};
use crate::storage::DType;

pub(super) const PHASE: &str = "reading a table";

/// Bytes made of a byte of text, at most: a number of 8 bytes from a digit and a separator.
pub(super) const GROWTH: usize = 4;

/// The type of numbers that were seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumberType {
    /// All of them are integers.
    pub(super) whole: bool,
    least: i128,
    largest: i128,
}

impl NumberType {
    pub(super) const NONE: NumberType = NumberType { whole: true, least: 0, largest: 0 };
    pub(super) const REAL: NumberType = NumberType { whole: false, ..NumberType::NONE };

    /// Takes a field into account, and the value of one that is missing.
    #[inline]
    pub(super) fn see(&mut self, field: &[u8], missing: Option<f64>) {
        match kind_of(field) {
            FieldKind::Whole(number) => self.see_whole(number),
            // What is missing, and must not be, is an error of the second pass.
            FieldKind::Missing if missing.is_none_or(is_whole) => {}
            _ => self.whole = false,
        }
    }

    /// Takes an integer into account.
    #[inline]
    pub(super) fn see_whole(&mut self, number: i128) {
        self.least = self.least.min(number);
        self.largest = self.largest.max(number);
    }

    pub(super) fn and(self, other: NumberType) -> NumberType {
        NumberType {
            whole: self.whole && other.whole,
            least: self.least.min(other.least),
            largest: self.largest.max(other.largest),
        }
    }

    /// The type that holds all of them; that of a table without numbers is `float64`.
    pub(super) fn dtype(self, count: u64) -> DType {
        let fits = |least: i128, largest: i128| least <= self.least && self.largest <= largest;
        match self.whole && count > 0 {
            true if fits(i64::MIN.into(), i64::MAX.into()) => DType::Int64,
            true if fits(0, u64::MAX.into()) => DType::UInt64,
            _ => DType::Float64,
        }
    }
}

/// Whether a value to put in is an integer that every type can take.
pub(super) fn is_whole(value: f64) -> bool {
    value.trunc() == value && (0.0..=9_007_199_254_740_992.0).contains(&value)
}

/// The integer of a field, of a table in which all are.
pub(super) fn whole<T: TryFrom<i128>>(field: &[u8]) -> Result<T> {
    match kind_of(field) {
        FieldKind::Whole(number) => T::try_from(number).map_err(|_| changed()),
        // Unless it is not a number at all, the table is read again, with floats.
        _ => Err(changed()),
    }
}

#[cold]
fn changed() -> Error {
    Error::new(ErrorKind::Value, "the file changed while it was read")
}
