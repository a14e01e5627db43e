//! Small matrices of every type, kind and awkward value.

use outcore::num_complex::Complex;
use outcore::{
    AnyMatrix, Context, Coo, Csr, Dense, Duplicates, Element, Entry, Order, Place, Result,
};

/// A type with values that are easily lost: the ends of its range, signs of zero, NaN.
trait Sample: Element {
    fn samples() -> Vec<Self>;
}

macro_rules! samples {
    ($($dtype:ty: $values:expr;)*) => {$(
        impl Sample for $dtype {
            fn samples() -> Vec<Self> {
                $values.into()
            }
        }
    )*};
}

samples! {
    bool: [true, false, true];
    i8: [1, 0, i8::MIN, i8::MAX, -1];
    i16: [1, 0, i16::MIN, i16::MAX, -1];
    i32: [1, 0, i32::MIN, i32::MAX, -1];
    i64: [1, 0, i64::MIN, i64::MAX, -1, (1 << 53) + 1];
    u8: [1, 0, u8::MAX, 7];
    u16: [1, 0, u16::MAX, 7];
    u32: [1, 0, u32::MAX, 7];
    u64: [1, 0, u64::MAX, 7, (1 << 53) + 1];
    f32: [0.1, -0.0, f32::MAX, f32::MIN_POSITIVE / 8.0, f32::INFINITY, f32::NAN, 1.0, f32::NEG_INFINITY];
    f64: [0.1, -0.0, f64::MAX, f64::MIN_POSITIVE / 8.0, f64::INFINITY, f64::NAN, 1.0, f64::NEG_INFINITY];
    Complex<f32>: [Complex::new(0.1, -0.0), Complex::new(f32::MAX, 1e-40), Complex::new(f32::NAN, f32::INFINITY)];
    Complex<f64>: [Complex::new(0.1, -0.0), Complex::new(f64::MAX, 5e-324), Complex::new(f64::NAN, f64::INFINITY)];
}

#[cfg(feature = "half")]
samples! {
    half::f16: [half::f16::from_f32(0.1), half::f16::MAX, half::f16::NEG_ZERO, half::f16::NAN];
    half::bf16: [half::bf16::from_f32(0.1), half::bf16::MAX, half::bf16::NEG_ZERO, half::bf16::NAN];
}

/// Places of entries: the first row has none, the last column neither.
fn places(nrows: usize, ncols: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = (1..nrows).flat_map(move |i| (0..ncols.saturating_sub(1)).map(move |j| (i, j)));
    all.filter(|(i, j)| (3 * i + 5 * j) % 7 < 3)
}

fn with_values<T: Entry>(shape: (usize, usize), values: &[T]) -> Result<Csr<T>> {
    let entries = places(shape.0, shape.1).zip(values.iter().cycle());
    let entries = entries.map(|((i, j), &value)| (i, j, value));
    Csr::from_triplets(shape, entries, Duplicates::Refuse)
}

/// Matrices of a type of elements.
fn of_type<T: Sample>(matrices: &mut Vec<(String, AnyMatrix)>) -> Result<()> {
    let samples = T::samples();
    let mut push = |what: &str, a: AnyMatrix| matrices.push((format!("{what} of {}", T::DTYPE), a));
    for shape in [(6, 9), (9, 6), (1, 5), (0, 4), (3, 0), (0, 0), (4, 1)] {
        push(&format!("CSR {shape:?}"), with_values(shape, &samples)?.into());
    }
    // One that is all of one value, so that the values do not decide the type, and a whole one.
    push("CSR of one value", with_values((5, 5), &samples[..1])?.into());
    for order in [Order::C, Order::Fortran] {
        for shape in [(4, 7), (7, 4), (5, 1), (1, 5), (1, 1), (0, 3), (3, 0)] {
            let elements: Vec<T> =
                samples.iter().copied().cycle().take(shape.0 * shape.1).collect();
            let dense = Dense::<T>::from_parts(shape, order, elements.into())?;
            push(&format!("dense {shape:?} in {order:?} order"), dense.into());
        }
    }
    Ok(())
}

/// The weights of a graph that has no directions, without loops.
fn both_ways<T: Entry>(value: impl Fn(usize) -> T) -> Result<Csr<T>> {
    let edges = [(0, 3), (1, 4), (3, 4), (2, 4), (0, 1)];
    let both = edges.iter().enumerate().flat_map(|(k, &(i, j))| {
        let value = value(k);
        [(i, j, value), (j, i, value)]
    });
    Csr::from_triplets((6, 6), both, Duplicates::Refuse)
}

/// The matrices, and what they are.
pub(super) fn gallery() -> Result<Vec<(String, AnyMatrix)>> {
    let mut made = Vec::new();
    of_type::<bool>(&mut made)?;
    of_type::<i8>(&mut made)?;
    of_type::<i16>(&mut made)?;
    of_type::<i32>(&mut made)?;
    of_type::<i64>(&mut made)?;
    of_type::<u8>(&mut made)?;
    of_type::<u16>(&mut made)?;
    of_type::<u32>(&mut made)?;
    of_type::<u64>(&mut made)?;
    #[cfg(feature = "half")]
    of_type::<half::f16>(&mut made)?;
    #[cfg(feature = "half")]
    of_type::<half::bf16>(&mut made)?;
    of_type::<f32>(&mut made)?;
    of_type::<f64>(&mut made)?;
    of_type::<Complex<f32>>(&mut made)?;
    of_type::<Complex<f64>>(&mut made)?;
    let ctx = Context::new();
    let mut push = |what: &str, a: AnyMatrix| made.push((what.to_owned(), a));
    for shape in [(6, 9), (0, 4), (3, 0), (4, 4)] {
        push(&format!("pattern {shape:?}"), with_values(shape, &[()])?.into());
    }
    push("graph", both_ways(|_| ())?.into());
    push("graph of i64", both_ways(|k| k as i64 + 1)?.into());
    push("graph of u8", both_ways(|k| 200 + k as u8)?.into());
    push("graph of f32", both_ways(|k| k as f32 + 1.0)?.into());
    push("graph of f64, negative", both_ways(|k| k as f64 - 1.0)?.into());
    push("graph of largest weights", both_ways(|_| i64::MAX)?.into());
    let wide = AnyMatrix::from(both_ways(|k| k as f64 + 1.0)?);
    let wide = wide.to_indices(outcore::DType::Int64, Place::Memory, &ctx)?;
    let rows = wide.slice(1..5, 0..6, Place::Memory, &ctx)?;
    push("graph with 64-bit indices", wide);
    push("rows of a graph", rows);
    let twice = [(2, 1, 3), (0, 2, -4), (2, 1, 5), (1, 0, 0), (0, 2, 4)];
    push("COO of i64, places twice", Coo::<i64>::from_triplets((4, 3), twice)?.into());
    let twice = twice.map(|(i, j, value)| (i, j, value as f64 / 3.0));
    push("COO of f64, places twice", Coo::<f64>::from_triplets((4, 3), twice)?.into());
    let out_of_order = Csr::<f64>::from_parts(
        (3, 4),
        vec![0u32, 3, 3, 5],
        vec![3u32, 0, 3, 1, 0],
        vec![1.0, 2.0, 4.0, 8.0, 16.0],
    )?;
    push("CSR out of order, a place twice", out_of_order.into());
    Ok(made)
}
