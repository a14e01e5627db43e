//! How each element type is read from each field of a Matrix Market file, and written to it.
//!
//! The rule is that nothing is lost silently. An integer never passes through a float, and is stored in one only if the
//! float can hold it exactly; a real does not become an integer, nor a complex number a real. Pattern entries are ones.
//! Only the values can be dropped on request, by reading as `()`: they are still checked.

use bytemuck::Zeroable;
#[cfg(feature = "half")]
use half::{bf16, f16};
use num_complex::Complex;

use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "half")]
use crate::io::matrix_market::half_text::push_narrow;
use crate::io::matrix_market::header::Field;
use crate::io::text::cursor::Cursor;
use crate::io::text::decimal::{read_float, read_integer};
use crate::io::text::shortest::{push_float, push_integer};
use crate::storage::Entry;

/// A type that the values of a Matrix Market file can be read into and written from: every [`Entry`].
///
/// | type | read from | written to |
/// |---|---|---|
/// | `()` | every field; values are checked and dropped | pattern |
/// | `bool` | integer (0 and 1 only), pattern | integer |
/// | `i8` … `u64` | integer (if it fits), pattern | integer, real, complex |
/// | `f32`, `f64`; `f16`, `bf16` with the feature `half` | real, integer (if exact), pattern | real, complex |
/// | `Complex` of both | complex, real, integer (if exact), pattern | complex |
///
/// Any other pair is an error of kind [`Type`](ErrorKind::Type), a value that does not fit one of kind
/// [`Value`](ErrorKind::Value). Reals are rounded correctly to the requested type, in one step.
pub trait Number: Entry + codec::Codec {}

impl<T: Entry + codec::Codec> Number for T {}

pub(super) mod codec {
    use bytemuck::Zeroable;

    use super::{Cursor, Result};
    use crate::io::matrix_market::header::Field;

    /// The operations on a type for its values to be read and written.
    pub trait Codec: Copy + PartialEq + Zeroable {
        /// The fields it can be read from.
        const READS: &'static [Field];
        /// The fields it can be written to.
        const WRITES: &'static [Field];
        /// Reads the value of an entry in one of the fields of `READS`.
        fn read(field: Field, cursor: &mut Cursor<'_>) -> Result<Self>;
        /// As `read`, and whether the value is zero.
        fn read_seen(field: Field, cursor: &mut Cursor<'_>) -> Result<(Self, bool)> {
            let value = Self::read(field, cursor)?;
            Ok((value, value == Self::zeroed()))
        }
        /// Appends the value as text for one of the fields of `WRITES`.
        fn write(self, field: Field, out: &mut Vec<u8>);
        /// The negative value, if the type has it.
        fn negated(self) -> Option<Self>;
        /// The complex conjugate.
        fn conjugated(self) -> Self {
            self
        }
        /// Whether the imaginary part is zero.
        fn is_real(self) -> bool {
            true
        }
        /// For an integer, whether the value is less than zero.
        fn is_negative_integer(self) -> bool {
            false
        }
        /// Whether the value, or a part of it, is −0.0.
        fn has_negative_zero(self) -> bool {
            false
        }
        /// A zero that is −0.0 in `other` becomes −0.0; part by part.
        fn take_sign_of_zero(&mut self, _other: Self) {}
        /// A −0.0 that is not −0.0 in `other` becomes 0.0; part by part.
        fn drop_sign_of_zero(&mut self, _other: Self) {}
    }
}

use codec::Codec;

const ALL: &[Field] = &[Field::Real, Field::Integer, Field::Complex, Field::Pattern];

/// Fails with [`ErrorKind::Type`] if values of `T` cannot be read from (`read`) or written to a field.
pub(super) fn check_type<T: Number>(field: Field, read: bool) -> Result<()> {
    let (fields, doing) = if read { (T::READS, "read from") } else { (T::WRITES, "written into") };
    if fields.contains(&field) {
        return Ok(());
    }
    let name = T::ENTRY_DTYPE.map_or("pattern", |dtype| dtype.name());
    let names: Vec<String> = fields.iter().map(Field::to_string).collect();
    Err(Error::new(ErrorKind::Type, format!("{name} values cannot be {doing} this file"))
        .expected(format!("field {}", names.join(" or ")))
        .found(format!("field {field}")))
}

impl Codec for () {
    const READS: &'static [Field] = ALL;
    const WRITES: &'static [Field] = &[Field::Pattern];
    #[inline]
    fn read(field: Field, cursor: &mut Cursor<'_>) -> Result<Self> {
        match field {
            Field::Pattern => {}
            Field::Integer => drop(read_integer(cursor)?),
            Field::Real => drop(read_float::<f64>(cursor)?),
            Field::Complex => drop((read_float::<f64>(cursor)?, read_float::<f64>(cursor)?)),
        }
        Ok(())
    }
    fn read_seen(field: Field, cursor: &mut Cursor<'_>) -> Result<((), bool)> {
        let zero = match field {
            Field::Pattern => false,
            Field::Integer => read_integer(cursor)? == 0,
            Field::Real => read_float::<f64>(cursor)? == 0.0,
            Field::Complex => {
                let (re, im) = (read_float::<f64>(cursor)?, read_float::<f64>(cursor)?);
                re == 0.0 && im == 0.0
            }
        };
        Ok(((), zero))
    }
    fn write(self, _: Field, _: &mut Vec<u8>) {}
    fn negated(self) -> Option<Self> {
        Some(())
    }
}

impl Codec for bool {
    const READS: &'static [Field] = &[Field::Integer, Field::Pattern];
    const WRITES: &'static [Field] = &[Field::Integer];
    #[inline]
    fn read(field: Field, cursor: &mut Cursor<'_>) -> Result<Self> {
        if field == Field::Pattern {
            return Ok(true);
        }
        read_exactly(cursor, "0 or 1", |value| match value {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }
    fn write(self, _: Field, out: &mut Vec<u8>) {
        out.push(b'0' + u8::from(self));
    }
    fn negated(self) -> Option<Self> {
        (!self).then_some(self)
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Codec for $integer {
            const READS: &'static [Field] = &[Field::Integer, Field::Pattern];
            const WRITES: &'static [Field] = &[Field::Integer, Field::Real, Field::Complex];
            #[inline]
            fn read(field: Field, cursor: &mut Cursor<'_>) -> Result<Self> {
                if field == Field::Pattern {
                    return Ok(1);
                }
                let range = concat!("an integer in the range of ", stringify!($integer));
                read_exactly(cursor, range, |value| value.try_into().ok())
            }
            fn write(self, field: Field, out: &mut Vec<u8>) {
                push_integer(out, i128::from(self));
                if field == Field::Complex {
                    out.extend_from_slice(b" 0");
                }
            }
            fn negated(self) -> Option<Self> {
                self.checked_neg()
            }
            fn is_negative_integer(self) -> bool {
                i128::from(self) < 0
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

/// `$round`: how an integer is converted to the type; `$push`: how a value is written.
macro_rules! floats {
    ($($float:ty, $name:literal, $round:expr, $push:expr);*) => {$(
        impl Codec for $float {
            const READS: &'static [Field] = &[Field::Real, Field::Integer, Field::Pattern];
            const WRITES: &'static [Field] = &[Field::Real, Field::Complex];
            #[inline]
            fn read(field: Field, cursor: &mut Cursor<'_>) -> Result<Self> {
                match field {
                    Field::Real | Field::Complex => read_float(cursor),
                    Field::Pattern => Ok($round(1)),
                    Field::Integer => {
                        let exactly = concat!("an integer that is exact in ", $name);
                        read_exactly(cursor, exactly, |value| {
                            let rounded: $float = $round(value);
                            (f64::from(rounded) as i128 == value).then_some(rounded)
                        })
                    }
                }
            }
            fn write(self, field: Field, out: &mut Vec<u8>) {
                $push(out, self);
                if field == Field::Complex {
                    out.extend_from_slice(b" 0");
                }
            }
            fn negated(self) -> Option<Self> {
                Some(-self)
            }
            fn has_negative_zero(self) -> bool {
                self == Self::zeroed() && self.is_sign_negative()
            }
            fn take_sign_of_zero(&mut self, other: Self) {
                if *self == Self::zeroed() && other.has_negative_zero() {
                    *self = other;
                }
            }
            fn drop_sign_of_zero(&mut self, other: Self) {
                if self.has_negative_zero() && !other.has_negative_zero() {
                    *self = Self::zeroed();
                }
            }
        }
    )*};
}

floats! {
    f32, "float32", |value: i128| value as f32, |out, value: f32| push_float(out, value, value.into());
    f64, "float64", |value: i128| value as f64, |out, value: f64| push_float(out, value, value)
}

// Integers of up to 2²⁴ are exact in `f32`; larger ones are exact in `f32` or in neither of the two.
#[cfg(feature = "half")]
floats! {
    f16, "float16", |value: i128| f16::from_f32(value as f32), push_narrow;
    bf16, "bfloat16", |value: i128| bf16::from_f32(value as f32), push_narrow
}

macro_rules! complex {
    ($($float:ty),*) => {$(
        impl Codec for Complex<$float> {
            const READS: &'static [Field] = ALL;
            const WRITES: &'static [Field] = &[Field::Complex];
            #[inline]
            fn read(field: Field, cursor: &mut Cursor<'_>) -> Result<Self> {
                let re = <$float>::read(field, cursor)?;
                let im = if field == Field::Complex { read_float(cursor)? } else { 0.0 };
                Ok(Complex::new(re, im))
            }
            fn write(self, _: Field, out: &mut Vec<u8>) {
                push_float(out, self.re, f64::from(self.re));
                out.push(b' ');
                push_float(out, self.im, f64::from(self.im));
            }
            fn negated(self) -> Option<Self> {
                Some(-self)
            }
            fn conjugated(self) -> Self {
                self.conj()
            }
            fn is_real(self) -> bool {
                self.im == 0.0
            }
            fn has_negative_zero(self) -> bool {
                self.re.has_negative_zero() || self.im.has_negative_zero()
            }
            fn take_sign_of_zero(&mut self, other: Self) {
                self.re.take_sign_of_zero(other.re);
                self.im.take_sign_of_zero(other.im);
            }
            fn drop_sign_of_zero(&mut self, other: Self) {
                self.re.drop_sign_of_zero(other.re);
                self.im.drop_sign_of_zero(other.im);
            }
        }
    )*};
}

complex!(f32, f64);

/// Reads an integer that `convert` accepts; `expected` describes those.
#[inline]
fn read_exactly<T>(
    cursor: &mut Cursor<'_>,
    expected: &str,
    convert: impl Fn(i128) -> Option<T>,
) -> Result<T> {
    cursor.skip_blanks();
    let here = *cursor;
    let value = read_integer(cursor)?;
    convert(value).ok_or_else(|| {
        here.unexpected(ErrorKind::Value, "the value does not fit the type asked for", expected)
    })
}
