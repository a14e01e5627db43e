//! Differences and products of two stored entries of one type that detect overflow.
//!
//! Sums are [`Entry::merge`], which assembly needs on lower floors. Also the errors for matrices without such
//! operations.

use num_complex::Complex;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::AnyCompressed;
use crate::storage::{Element, Entry, SparseFormat};

/// An entry that can be multiplied by another: numbers, `bool` as `and`, patterns.
///
/// ```
/// use outcore::linalg::Multiply;
/// assert_eq!((3i8.product(5), 100i8.product(2)), (Some(15), None));
/// ```
pub trait Multiply: Entry {
    /// The product; `None` if an integer overflows.
    fn product(self, other: Self) -> Option<Self>;
}

/// An entry from which another can be subtracted: numbers.
///
/// ```
/// use outcore::linalg::Subtract;
/// assert_eq!((3u8.difference(1), 1u8.difference(3)), (Some(2), None));
/// ```
pub trait Subtract: Element {
    /// The difference; `None` if an integer overflows.
    fn difference(self, other: Self) -> Option<Self>;
}

/// The error for an integer overflow when two entries are combined, at a line and an index.
pub(crate) fn overflow(what: &str, format: SparseFormat, (line, index): (usize, usize)) -> Error {
    let (row, col) = format.swap_if_cols((line, index));
    let what = format!("the {what} of the entries at a position overflows");
    Error::new(ErrorKind::Value, what)
        .at(Location::Row(row as u64))
        .found(format!("row {row}, column {col}"))
}

/// Fails unless both matrices have one format and the same types, as matrices of one Rust type have.
pub(crate) fn check_alike(a: &AnyCompressed, b: &AnyCompressed) -> Result<()> {
    let kind = |matrix: &AnyCompressed| (matrix.format(), matrix.types());
    if kind(a) == kind(b) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Type, "the two matrices differ in format or types")
        .expected(format!("{:?}", kind(a)))
        .found(format!("{:?}", kind(b))))
}

/// The error for an operation that entries of this type do not have.
pub(crate) fn no_arithmetic(operation: &str, matrix: &AnyCompressed) -> Error {
    let entries = matrix.types().values.map_or("a pattern", |dtype| dtype.name());
    Error::new(ErrorKind::Type, format!("{operation} is not defined for entries of this type"))
        .found(entries)
}

impl Multiply for () {
    fn product(self, (): ()) -> Option<()> {
        Some(())
    }
}

impl Multiply for bool {
    #[inline(always)]
    fn product(self, other: bool) -> Option<bool> {
        Some(self & other)
    }
}

macro_rules! numbers {
    ($($number:ty => $product:expr, $difference:expr;)*) => {$(
        impl Multiply for $number {
            #[inline(always)]
            fn product(self, other: Self) -> Option<Self> {
                let product: fn(Self, Self) -> Option<Self> = $product;
                product(self, other)
            }
        }

        impl Subtract for $number {
            #[inline(always)]
            fn difference(self, other: Self) -> Option<Self> {
                let difference: fn(Self, Self) -> Option<Self> = $difference;
                difference(self, other)
            }
        }
    )*};
}

numbers! {
    i8 => i8::checked_mul, i8::checked_sub;
    i16 => i16::checked_mul, i16::checked_sub;
    i32 => i32::checked_mul, i32::checked_sub;
    i64 => i64::checked_mul, i64::checked_sub;
    u8 => u8::checked_mul, u8::checked_sub;
    u16 => u16::checked_mul, u16::checked_sub;
    u32 => u32::checked_mul, u32::checked_sub;
    u64 => u64::checked_mul, u64::checked_sub;
    f32 => |a, b| Some(a * b), |a, b| Some(a - b);
    f64 => |a, b| Some(a * b), |a, b| Some(a - b);
    Complex<f32> => |a, b| Some(a * b), |a, b| Some(a - b);
    Complex<f64> => |a, b| Some(a * b), |a, b| Some(a - b);
}
