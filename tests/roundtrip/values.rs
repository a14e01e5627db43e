//! What a matrix holds, as positions and numbers that can be compared whatever their types were.

use outcore::num_complex::Complex;
use outcore::{AnyMatrix, Context, Coo, DType, Dense, Element, Entry, Order, Place, Result};

/// The value of an entry, as wide as its kind of numbers gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Whole(i128),
    Real(f64),
    Complex(f64, f64),
}

/// Row, column and value.
pub(super) type At = (usize, usize, Value);

impl Value {
    /// The value as one of a type that holds it.
    pub(super) fn widened(self, dtype: Option<DType>) -> Self {
        use DType::{BFloat16, Complex64, Complex128, Float16, Float32, Float64};
        match (dtype, self) {
            (None, _) => Value::None,
            (dtype, Value::None) => Value::Whole(1).widened(dtype),
            (Some(Complex64 | Complex128), Value::Whole(whole)) => {
                Value::Complex(whole as f64, 0.0)
            }
            (Some(Complex64 | Complex128), Value::Real(real)) => Value::Complex(real, 0.0),
            (Some(Float16 | BFloat16 | Float32 | Float64), Value::Whole(whole)) => {
                Value::Real(whole as f64)
            }
            (_, value @ Value::Real(_)) if !is_float(dtype) => {
                value.whole().map_or(value, Value::Whole)
            }
            (_, value) => value,
        }
    }

    /// The value as one that an `f32` holds.
    pub(super) fn narrowed(self) -> Self {
        let narrow = |value: f64| f64::from(value as f32);
        match self {
            Value::Real(real) => Value::Real(narrow(real)),
            Value::Complex(re, im) => Value::Complex(narrow(re), narrow(im)),
            value => value,
        }
    }

    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Value::Whole(a), Value::Whole(b)) => Value::Whole(a + b),
            (Value::Real(a), Value::Real(b)) => Value::Real(a + b),
            (Value::Complex(a, b), Value::Complex(c, d)) => Value::Complex(a + c, b + d),
            (value, _) => value,
        }
    }

    /// Whether they are the same to the last bit; text keeps no bits of a NaN but that it is one.
    pub(super) fn same(self, other: Self, is_text: bool) -> bool {
        let real =
            |a: f64, b: f64| a.to_bits() == b.to_bits() || (is_text && a.is_nan() && b.is_nan());
        match (self, other) {
            (Value::Real(a), Value::Real(b)) => real(a, b),
            (Value::Complex(a, b), Value::Complex(c, d)) => real(a, c) && real(b, d),
            (a, b) => a == b,
        }
    }

    /// The number, if it is a whole one.
    pub(super) fn whole(self) -> Option<i128> {
        match self {
            Value::None => Some(1),
            Value::Whole(whole) => Some(whole),
            Value::Real(real) => (real.trunc() == real).then_some(real as i128),
            Value::Complex(re, im) => {
                if im == 0.0 {
                    Value::Real(re).whole()
                } else {
                    None
                }
            }
        }
    }
}

pub(super) fn is_float(dtype: Option<DType>) -> bool {
    use DType::{BFloat16, Complex64, Complex128, Float16, Float32, Float64};
    matches!(dtype, Some(Float16 | BFloat16 | Float32 | Float64 | Complex64 | Complex128))
}

/// A type of elements of a file.
trait Known: Entry {
    fn value(self) -> Value;
}

macro_rules! known {
    ($($dtype:ty: $value:expr;)*) => {$(
        impl Known for $dtype {
            fn value(self) -> Value {
                let value: fn($dtype) -> Value = $value;
                value(self)
            }
        }
    )*};
}

known! {
    (): |()| Value::None;
    bool: |a| Value::Whole(a.into());
    i8: |a| Value::Whole(a.into());
    i16: |a| Value::Whole(a.into());
    i32: |a| Value::Whole(a.into());
    i64: |a| Value::Whole(a.into());
    u8: |a| Value::Whole(a.into());
    u16: |a| Value::Whole(a.into());
    u32: |a| Value::Whole(a.into());
    u64: |a| Value::Whole(a.into());
    f32: |a| Value::Real(a.into());
    f64: Value::Real;
    Complex<f32>: |a| Value::Complex(a.re.into(), a.im.into());
    Complex<f64>: |a| Value::Complex(a.re, a.im);
}

#[cfg(feature = "half")]
known! {
    half::f16: |a| Value::Real(a.to_f64());
    half::bf16: |a| Value::Real(a.to_f64());
}

/// All that is stored, in stored order: entries of a sparse matrix, all elements of a dense one.
pub(super) fn stored(a: &AnyMatrix) -> Result<Vec<At>> {
    match a.dtype() {
        None => sparse::<()>(a),
        Some(DType::Bool) => any::<bool>(a),
        Some(DType::Int8) => any::<i8>(a),
        Some(DType::Int16) => any::<i16>(a),
        Some(DType::Int32) => any::<i32>(a),
        Some(DType::Int64) => any::<i64>(a),
        Some(DType::UInt8) => any::<u8>(a),
        Some(DType::UInt16) => any::<u16>(a),
        Some(DType::UInt32) => any::<u32>(a),
        Some(DType::UInt64) => any::<u64>(a),
        #[cfg(feature = "half")]
        Some(DType::Float16) => any::<half::f16>(a),
        #[cfg(feature = "half")]
        Some(DType::BFloat16) => any::<half::bf16>(a),
        Some(DType::Float32) => any::<f32>(a),
        Some(DType::Float64) => any::<f64>(a),
        Some(DType::Complex64) => any::<Complex<f32>>(a),
        Some(DType::Complex128) => any::<Complex<f64>>(a),
        other => panic!("elements of type {other:?}"),
    }
}

fn any<T: Known + Element>(a: &AnyMatrix) -> Result<Vec<At>> {
    if a.format().is_some() {
        return sparse::<T>(a);
    }
    let dense = Dense::<T>::try_from(a.clone())?;
    let (nrows, ncols) = (dense.nrows(), dense.ncols());
    let view = dense.as_ndarray();
    let at = |i: usize, j: usize| (i, j, view[[i, j]].value());
    Ok(match dense.order() {
        Order::C => (0..nrows).flat_map(|i| (0..ncols).map(move |j| at(i, j))).collect(),
        Order::Fortran => (0..ncols).flat_map(|j| (0..nrows).map(move |i| at(i, j))).collect(),
    })
}

fn sparse<T: Known>(a: &AnyMatrix) -> Result<Vec<At>> {
    let ctx = Context::new();
    let coo = AnyMatrix::from(a.to_coo(Place::Memory, &ctx)?);
    let coo = coo.to_indices(DType::Int64, Place::Memory, &ctx)?;
    let coo = Coo::<T, u64>::try_from(coo)?;
    let places = coo.row_indices().iter().zip(coo.col_indices().iter());
    let entries = places.zip(coo.data().iter());
    Ok(entries.map(|((&i, &j), value)| (i as usize, j as usize, value.value())).collect())
}

/// Entries as values of a type, in the order of their places, those at one place summed as they stand.
pub(super) fn summed(entries: &[At], dtype: Option<DType>) -> Vec<At> {
    let mut sorted: Vec<At> =
        entries.iter().map(|&(i, j, value)| (i, j, value.widened(dtype))).collect();
    sorted.sort_by_key(|&(i, j, _)| (i, j));
    let mut made: Vec<At> = Vec::with_capacity(sorted.len());
    for (i, j, value) in sorted {
        match made.last_mut() {
            Some(last) if (last.0, last.1) == (i, j) => last.2 = last.2.plus(value),
            _ => made.push((i, j, value)),
        }
    }
    made
}
