//! Sums, differences and elementwise products of two matrices, and a matrix times a number.

use num_complex::Complex;

use crate::any::common::{bring, common, same_widths};
use crate::any::dtype::Change;
use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::convert::to_order;
use crate::dense::AnyDense;
use crate::error::{Error, ErrorKind, Location, Result, check_shape};
use crate::linalg::{Multiply, Scalar, Subtract, add, multiply_elements, subtract, zip_map};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::work;
use crate::storage::{Context, DType, Order, Place, SparseFormat};

/// An operation on two elements.
#[derive(Clone, Copy)]
enum Operation {
    Add,
    Subtract,
    Multiply,
}

impl Operation {
    /// Its name in errors about two elements.
    fn name(self) -> &'static str {
        match self {
            Operation::Add => "sum",
            Operation::Subtract => "difference",
            Operation::Multiply => "product",
        }
    }

    /// Its name for two matrices.
    fn plural(self) -> &'static str {
        match self {
            Operation::Add => "sums",
            Operation::Subtract => "differences",
            Operation::Multiply => "elementwise products",
        }
    }
}

impl AnyMatrix {
    /// The sum of two matrices of any kinds; that of compressed ones has the patterns of both.
    ///
    /// If either is dense, the other is made so, and the sum is dense. A second compressed matrix in the other format is
    /// converted to that of the first, and coordinates to that of the other, or to CSR.
    ///
    /// Both are first converted to a common type, which is that of the sum: `int64` for `bool` and integers; `float32`
    /// for floating-point numbers of up to 32 bits, also combined with `bool` and integers of up to 16 bits; `float64`
    /// for all other real numbers; the complex numbers of these. An integer of more than 2⁶³ − 1 is refused, and one of
    /// more than 2⁵³ is rounded if it is combined with floating-point numbers. A pattern combined with numbers counts
    /// as ones. A second dense matrix in the other order is converted to that of the first, and compressed ones to the
    /// wider of their index types. Intermediate results that do not fit in a quarter of the memory limit go to scratch
    /// space. Then as [`Compressed::add`](crate::Compressed::add).
    ///
    /// Cost: one read of both and one sequential write, plus one of each for every conversion; [`Context::plan`]
    /// reports the first of these steps. Fails with kind [`Shape`](ErrorKind::Shape) if the shapes differ, with kind
    /// [`Value`](ErrorKind::Value) if an integer overflows, naming its position.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Dense, Place};
    /// let a = AnyMatrix::from(Dense::from(ndarray::arr2(&[[1i8, 2]])));
    /// let b = AnyMatrix::from(Dense::from(ndarray::arr2(&[[0.5f32, 1.0]])));
    /// let sum = a.add(&b, Place::Memory, &Context::new())?;
    /// assert_eq!(Dense::<f32>::try_from(sum)?.as_slice(), [1.5, 3.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn add(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        arithmetic(Operation::Add, self, other, &place.into(), ctx)
    }

    /// The difference; otherwise as [`add`](Self::add). Patterns have no difference: that is an error of kind
    /// [`Type`](ErrorKind::Type).
    pub fn sub(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        arithmetic(Operation::Subtract, self, other, &place.into(), ctx)
    }

    /// The elementwise product; otherwise as [`add`](Self::add). Patterns are intersected, and the product of a dense
    /// and a sparse matrix is sparse: it has entries where the sparse one has, and the dense one is not zero.
    pub fn multiply(&self, other: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        arithmetic(Operation::Multiply, self, other, &place.into(), ctx)
    }

    /// The matrix times a number, whose type is that of the result; the structure of a sparse one stays.
    ///
    /// Cost: one read and one sequential write; in memory the structure is shared. Fails with kind
    /// [`Type`](ErrorKind::Type) if that type cannot hold the entries of the matrix (see [`add`](Self::add)): `float64`
    /// entries are not multiplied by an `f32`, complex ones not by a real number.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, Place};
    /// let a = AnyMatrix::from(Csr::<i8>::eye(2)).scale(0.5f32, Place::Memory, &Context::new())?;
    /// assert_eq!(Csr::<f32>::try_from(a)?.get(1, 1)?, Some(0.5));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn scale<X: Scalar>(
        &self,
        alpha: X,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        scaled(self, X::DTYPE, &place.into(), ctx, &|run| {
            let run = run.typed::<X>().unwrap_or_default();
            run.iter_mut().for_each(|value| *value = alpha * *value);
        })
    }
}

fn scaled(
    a: &AnyMatrix,
    dtype: DType,
    place: &Place,
    ctx: &Context,
    after: &(dyn Fn(RawMut<'_>) + Sync),
) -> Result<AnyMatrix> {
    match common(a.dtype(), Some(dtype)) {
        Some(common) if common != dtype => {
            Err(Error::new(ErrorKind::Type, "the type of the factor cannot represent the entries")
                .expected(format!("a number of type {common}"))
                .found(dtype))
        }
        _ => Change { name: "scaling", after }.of(a, dtype, place, ctx),
    }
}

fn arithmetic(
    operation: Operation,
    a: &AnyMatrix,
    b: &AnyMatrix,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    check_shape("the second matrix", a.shape(), b.shape())?;
    let dtype = common(a.dtype(), b.dtype());
    let (a, b) = alike(operation, a, b, ctx)?;
    let (a, b) = (&a, &b);
    match (a.body(), b.body()) {
        (Body::Dense(_), Body::Dense(_)) => {
            let (a, b) = (bring(a, dtype, ctx)?, bring(b, dtype, ctx)?);
            let (Body::Dense(a), Body::Dense(b)) = (a.body(), b.body()) else {
                return Err(missing(operation.plural(), &a, REMEDY));
            };
            let (a, mut b) = (a.as_matrix()?, b.as_matrix()?);
            if b.order() != a.order() && b.len() > 1 {
                b = to_order(&b, a.order(), &ctx.aside(b.buffer().bytes()), ctx)?;
            }
            dense(operation, &a, &b, place, ctx).map(AnyMatrix::Dense)
        }
        (Body::Lines(of_a), Body::Lines(of_b)) if of_a.format() == of_b.format() => {
            let (a, b) = (bring(a, dtype, ctx)?, bring(b, dtype, ctx)?);
            let (Body::Lines(a), Body::Lines(b)) = (a.body(), b.body()) else {
                return Err(missing(operation.plural(), &a, REMEDY));
            };
            let (a, b) = same_widths(a, b, ctx)?;
            let combined = match operation {
                Operation::Add => add,
                Operation::Subtract => subtract,
                Operation::Multiply => multiply_elements,
            };
            combined(&a, &b, place, ctx).map(AnyMatrix::of_lines)
        }
        _ => Err(missing(operation.plural(), a, REMEDY)),
    }
}

/// Two matrices of one kind, compressed in one format or dense; which one, follows from both and the operation.
fn alike(
    operation: Operation,
    a: &AnyMatrix,
    b: &AnyMatrix,
    ctx: &Context,
) -> Result<(AnyMatrix, AnyMatrix)> {
    let kinds = [a.format(), b.format()];
    let is_dense = match operation {
        Operation::Multiply => kinds == [None, None],
        Operation::Add | Operation::Subtract => kinds.contains(&None),
    };
    let compressed = |format: &SparseFormat| *format != SparseFormat::Coo;
    let format = match is_dense {
        true => None,
        false => Some(kinds.into_iter().flatten().find(compressed).unwrap_or(SparseFormat::Csr)),
    };
    let order = match (a.body(), b.body()) {
        (Body::Dense(a), _) | (_, Body::Dense(a)) => a.order(),
        _ => Order::C,
    };
    let brought = |a: &AnyMatrix| -> Result<AnyMatrix> {
        let size = a.dtype().map_or(0, DType::size);
        let (nrows, ncols) = a.shape();
        let place = match format {
            _ if a.format() == format => return Ok(a.clone()),
            None => {
                let elements = (nrows as u64).saturating_mul(ncols as u64);
                ctx.aside(elements.saturating_mul(size.max(1) as u64))
            }
            // With indices, and a pointer for every line.
            Some(_) => {
                let entries = (a.nnz() as u64).saturating_mul(size as u64 + 8);
                ctx.aside(entries.saturating_add(8 * nrows.max(ncols) as u64))
            }
        };
        match format {
            None => a.to_dense(order, place, ctx).map(AnyMatrix::Dense),
            Some(SparseFormat::Csc) => a.to_csc(place, ctx).map(AnyMatrix::Csc),
            Some(_) => a.to_csr(place, ctx).map(AnyMatrix::Csr),
        }
    };
    Ok((brought(a)?, brought(b)?))
}

/// The remedy if two matrices cannot be combined directly.
const REMEDY: &str = "convert both to the same format with to_csr, to_csc or to_dense";

/// Combines runs of elements of one type; returns the position of the first that has no result.
type CombineRuns = fn(Raw<'_>, Raw<'_>, RawMut<'_>) -> Option<usize>;

fn combine(operation: Operation, dtype: DType) -> CombineRuns {
    fn of<T: Multiply + Subtract>(operation: Operation) -> CombineRuns {
        fn each<T: Multiply + Subtract>(
            (a, b): (Raw<'_>, Raw<'_>),
            to: RawMut<'_>,
            of: impl Fn(T, T) -> Option<T>,
        ) -> Option<usize> {
            let (a, b) = (a.as_typed::<T>(), b.as_typed::<T>());
            let mut pairs = to.typed::<T>()?.iter_mut().zip(a.iter().zip(b));
            pairs.position(|(to, (&a, &b))| of(a, b).map(|made| *to = made).is_none())
        }
        match operation {
            Operation::Add => |a, b, to| each::<T>((a, b), to, T::merge),
            Operation::Subtract => |a, b, to| each::<T>((a, b), to, T::difference),
            Operation::Multiply => |a, b, to| each::<T>((a, b), to, T::product),
        }
    }
    match dtype {
        DType::Int64 => of::<i64>(operation),
        DType::Float32 => of::<f32>(operation),
        DType::Complex64 => of::<Complex<f32>>(operation),
        DType::Complex128 => of::<Complex<f64>>(operation),
        _ => of::<f64>(operation),
    }
}

fn dense(
    operation: Operation,
    a: &AnyDense,
    b: &AnyDense,
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let dtype = a.dtype();
    let combine = combine(operation, dtype);
    let block = |start: usize, [left, right]: [Raw<'_>; 2], to: RawMut<'_>| {
        let Some(k) = combine(left, right, to) else { return Ok(()) };
        let what = format!("the {} of two elements overflows", operation.name());
        let number = |of: Raw<'_>| of.typed::<i64>().map_or(0, |numbers| numbers[k]);
        Err(Error::new(ErrorKind::Value, what)
            .at(Location::Position((start + k) as u64))
            .expected(format!("a number that {dtype} can represent"))
            .found(format!("that of {} and {}", number(left), number(right))))
    };
    zip_map(("combining elements", work::ADD_DENSE), (a, b), (dtype, &block), place, ctx)
}
