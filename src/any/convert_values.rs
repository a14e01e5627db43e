//! Conversion of values from one type to another.
//!
//! Each type is read as one of four wide numbers that hold all its values, and written from each of them: fifteen loops
//! to read and fifteen to write, instead of 225 for all pairs.
//!
//! | read | as |
//! |---|---|
//! | `bool`, integers but `u64` | `i64` |
//! | `u64` | `u64` |
//! | `f16`, `bf16`, `f32`, `f64` | `f64` |
//! | complex numbers | complex `f64` |
//!
//! A number is written unchanged if the type can represent it; a floating-point type gets the nearest. An integer type
//! has no fractions, only complex types have imaginary parts, and `bool` has 0 and 1; other numbers are refused.

use num_complex::Complex;

use crate::storage::parallel::Tasks;
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{DType, Element, by_dtype};

/// Values that are read together.
const BLOCK: usize = 256;

#[cfg(not(feature = "half"))]
/// Types that this build does not include are refused when matrices are opened.
const UNKNOWN: &str = "a type of this library";

/// Values of a task.
const TASK: usize = 1 << 14;

/// A run of numbers in their wide type.
#[expect(clippy::large_enum_variant, reason = "one for each task, on its stack")]
enum WideBlock {
    Signed([i64; BLOCK]),
    Unsigned([u64; BLOCK]),
    Real([f64; BLOCK]),
    Complex([Complex<f64>; BLOCK]),
}

/// A value that is read as one of the wide numbers, and converted from each.
trait AnyNumber: Element {
    fn read(from: &[Self], to: &mut WideBlock);
    fn of_signed(number: i64) -> Option<Self>;
    fn of_unsigned(number: u64) -> Option<Self>;
    fn of_real(number: f64) -> Option<Self>;
    fn of_complex(number: Complex<f64>) -> Option<Self> {
        if number.im == 0.0 { Self::of_real(number.re) } else { None }
    }
}

/// Writes values as values of another type, those of a pattern as ones, on the threads of the caller's context. The
/// error is the position of the first value that the type cannot represent, and that value.
pub(crate) fn rewrite(from: Raw<'_>, to: RawMut<'_>) -> Result<(), (usize, String)> {
    assert_eq!(from.len(), to.len(), "as many values");
    let read = match from.dtype() {
        None => |_: Raw<'_>, to: &mut WideBlock| *to = WideBlock::Signed([1; BLOCK]),
        Some(dtype) => by_dtype!(dtype, T => read::<T>, _ => unreachable!("{UNKNOWN}")),
    };
    let write = match to.dtype() {
        None => |_: &WideBlock, _: RawMut<'_>| None,
        Some(dtype) => by_dtype!(dtype, T => write::<T>, _ => unreachable!("{UNKNOWN}")),
    };
    let tasks = to.par_chunks_mut(TASK).enumerate();
    let refused = tasks.find_map_first(|(task, mut to)| {
        let (start, mut wide) = (task * TASK, WideBlock::Signed([0; BLOCK]));
        for at in (0..to.len()).step_by(BLOCK) {
            let end = to.len().min(at + BLOCK);
            read(from.slice(start + at..start + end), &mut wide);
            if let Some(k) = write(&wide, to.slice_mut(at..end)) {
                return Some((start + at + k, wide.text(k)));
            }
        }
        None
    });
    refused.map_or(Ok(()), Err)
}

fn read<T: AnyNumber>(from: Raw<'_>, to: &mut WideBlock) {
    T::read(from.as_typed(), to);
}

fn write<T: AnyNumber>(from: &WideBlock, to: RawMut<'_>) -> Option<usize> {
    fn all<N: Copy, T>(from: &[N], to: &mut [T], of: impl Fn(N) -> Option<T>) -> Option<usize> {
        to.iter_mut().zip(from).position(|(to, &from)| of(from).map(|made| *to = made).is_none())
    }
    let to = to.typed::<T>()?;
    match from {
        WideBlock::Signed(from) => all(from, to, T::of_signed),
        WideBlock::Unsigned(from) => all(from, to, T::of_unsigned),
        WideBlock::Real(from) => all(from, to, T::of_real),
        WideBlock::Complex(from) => all(from, to, T::of_complex),
    }
}

impl WideBlock {
    fn text(&self, k: usize) -> String {
        match self {
            WideBlock::Signed(numbers) => numbers[k].to_string(),
            WideBlock::Unsigned(numbers) => numbers[k].to_string(),
            // All digits of an integer, not only those that tell it from the next number.
            WideBlock::Real(numbers) if numbers[k].fract() == 0.0 => format!("{:.0}", numbers[k]),
            WideBlock::Real(numbers) => numbers[k].to_string(),
            WideBlock::Complex(numbers) => numbers[k].to_string(),
        }
    }
}

/// Reads numbers into a run of one of the wide types.
macro_rules! reads {
    ($wide:ident, $zero:expr, |$it:ident| $widened:expr) => {
        fn read(from: &[Self], to: &mut WideBlock) {
            if !matches!(to, WideBlock::$wide(_)) {
                *to = WideBlock::$wide([$zero; BLOCK]);
            }
            if let WideBlock::$wide(to) = to {
                to.iter_mut().zip(from).for_each(|(to, &$it)| *to = $widened);
            }
        }
    };
}

macro_rules! integers {
    ($($number:ty => $wide:ident as $as:ty;)*) => {$(
        impl AnyNumber for $number {
            reads!($wide, 0, |it| <$as>::from(it));
            fn of_signed(number: i64) -> Option<Self> {
                number.try_into().ok()
            }
            fn of_unsigned(number: u64) -> Option<Self> {
                number.try_into().ok()
            }
            fn of_real(number: f64) -> Option<Self> {
                // A number out of range of i128 saturates, which is out of range of the type too; NaN becomes 0.
                let whole = number as i128;
                if whole as f64 == number { whole.try_into().ok() } else { None }
            }
        }
    )*};
}

integers! {
    i8 => Signed as i64;
    i16 => Signed as i64;
    i32 => Signed as i64;
    i64 => Signed as i64;
    u8 => Signed as i64;
    u16 => Signed as i64;
    u32 => Signed as i64;
    u64 => Unsigned as u64;
}

impl AnyNumber for bool {
    reads!(Signed, 0, |it| i64::from(it));
    fn of_signed(number: i64) -> Option<Self> {
        u64::try_from(number).ok().and_then(Self::of_unsigned)
    }
    fn of_unsigned(number: u64) -> Option<Self> {
        if number < 2 { Some(number == 1) } else { None }
    }
    fn of_real(number: f64) -> Option<Self> {
        if number == 0.0 || number == 1.0 { Some(number == 1.0) } else { None }
    }
}

impl AnyNumber for f32 {
    reads!(Real, 0.0, |it| f64::from(it));
    fn of_signed(number: i64) -> Option<Self> {
        Some(number as f32)
    }
    fn of_unsigned(number: u64) -> Option<Self> {
        Some(number as f32)
    }
    fn of_real(number: f64) -> Option<Self> {
        Some(number as f32)
    }
}

impl AnyNumber for f64 {
    reads!(Real, 0.0, |it| it);
    fn of_signed(number: i64) -> Option<Self> {
        Some(number as f64)
    }
    fn of_unsigned(number: u64) -> Option<Self> {
        Some(number as f64)
    }
    fn of_real(number: f64) -> Option<Self> {
        Some(number)
    }
}

macro_rules! complex {
    ($($real:ty),*) => {$(
        impl AnyNumber for Complex<$real> {
            reads!(Complex, Complex::new(0.0, 0.0), |it| Complex::new(it.re.into(), it.im.into()));
            fn of_signed(number: i64) -> Option<Self> {
                Some(Complex::new(number as $real, 0.0))
            }
            fn of_unsigned(number: u64) -> Option<Self> {
                Some(Complex::new(number as $real, 0.0))
            }
            fn of_real(number: f64) -> Option<Self> {
                Some(Complex::new(number as $real, 0.0))
            }
            fn of_complex(number: Complex<f64>) -> Option<Self> {
                Some(Complex::new(number.re as $real, number.im as $real))
            }
        }
    )*};
}

complex!(f32, f64);

#[cfg(feature = "half")]
macro_rules! narrow {
    ($($number:ty),*) => {$(
        impl AnyNumber for $number {
            reads!(Real, 0.0, |it| it.to_f64());
            fn of_signed(number: i64) -> Option<Self> {
                Some(Self::from_f32(odd(number.signum() as f64 * kept(number.unsigned_abs()))))
            }
            fn of_unsigned(number: u64) -> Option<Self> {
                Some(Self::from_f32(odd(kept(number))))
            }
            fn of_real(number: f64) -> Option<Self> {
                Some(Self::from_f32(odd(number)))
            }
        }
    )*};
}

#[cfg(feature = "half")]
narrow!(half::f16, half::bf16);

/// A number that rounds to 16 bits as `number` does, even if an `f64` does not hold all its digits: then the last bit
/// marks that more digits followed.
#[cfg(feature = "half")]
fn kept(number: u64) -> f64 {
    match number >> 53 {
        0 => number as f64,
        _ => (number >> 11 | u64::from(number & 0x7ff != 0)) as f64 * 2048.0,
    }
}

/// As [`kept`], for an `f32`: so the number is rounded once, to the nearest, and not twice.
#[cfg(feature = "half")]
fn odd(number: f64) -> f32 {
    let nearest = number as f32;
    if f64::from(nearest) == number || number.is_nan() {
        return nearest;
    }
    let towards_zero = nearest.to_bits() - u32::from(f64::from(nearest).abs() > number.abs());
    f32::from_bits(towards_zero | 1)
}
