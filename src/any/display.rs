//! A matrix in one line: kind, shape, type, entries, index types, where it is stored.

use std::fmt;

use crate::any::compressed::AnyCompressed;
use crate::any::matrix::{AnyMatrix, Body};
use crate::dense::AnyDense;
use crate::sparse::{AnyCoo, Axis, on_disk};
use crate::storage::DType;

impl fmt::Display for AnyMatrix {
    /// One line: `CSR matrix, 1000 x 1000, float64, 4,960 entries (int32 indices), in a.bspnpy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.path() {
            Some(path) => format!("in {}", path.display()),
            None => "in memory".to_owned(),
        };
        write!(f, "{}, {place}", Described(self.body()))
    }
}

/// As [`Display`](fmt::Display): there may be billions of values.
impl fmt::Debug for AnyMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The kind of a matrix, without its place.
pub(super) struct Described<'a>(pub(super) Body<'a>);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Body::Dense(a) => {
                let kind = if a.shape().len() > 2 { "array" } else { "matrix" };
                let extents: Vec<_> = a.shape().iter().map(usize::to_string).collect();
                let extents = if extents.is_empty() { "1".to_owned() } else { extents.join(" x ") };
                write!(f, "dense {kind}, {extents}, {}, {:?} order", a.dtype(), a.order())
            }
            Body::Lines(a) => {
                let (types, (nrows, ncols)) = (a.types(), a.shape());
                let (indices, pointers) = (on_disk(types.indices), on_disk(types.pointers));
                let (format, values) = (a.format().name(), name(types.values));
                write!(f, "{format} matrix, {nrows} x {ncols}, {values}, {}", entries(a.nnz()))?;
                match indices == pointers {
                    true => write!(f, " ({indices} indices)"),
                    false => write!(f, " ({indices} indices, {pointers} pointers)"),
                }
            }
            Body::Coo(a) => {
                let ((nrows, ncols), values) = (a.shape(), name(a.dtype()));
                let (entries, indices) = (entries(a.nnz()), a.index_dtype());
                write!(f, "COO matrix, {nrows} x {ncols}, {values}, {entries} ({indices} indices)")
            }
        }
    }
}

/// The type of the entries in words.
pub(super) fn name(values: Option<DType>) -> &'static str {
    values.map_or("pattern", DType::name)
}

fn entries(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + if count == 1 { " entry" } else { " entries" }
}

macro_rules! as_a_matrix {
    ($(($($generic:tt)*) $kind:ty, $a:ident => $matrix:expr;)*) => {$(
        /// As that of an [`AnyMatrix`].
        impl<$($generic)*> fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $a = self.clone();
                fmt::Display::fmt(&$matrix, f)
            }
        }
        /// As [`Display`](fmt::Display).
        impl<$($generic)*> fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

as_a_matrix! {
    () AnyDense, a => AnyMatrix::Dense(a);
    () AnyCoo, a => AnyMatrix::Coo(a);
    (A: Axis) AnyCompressed<A>, a => AnyMatrix::of_lines(a.into_body());
}
