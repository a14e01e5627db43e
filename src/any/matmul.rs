//! Products of two matrices of any kinds.

use ndarray::Ix2;
use num_complex::Complex;

use crate::any::common::{bring, common_number, is_complex, wider};
use crate::any::dtype::lines;
use crate::any::matrix::{AnyMatrix, Body};
use crate::any::reshape::missing;
use crate::convert::{recompress, to_order};
use crate::dense::{AnyDense, Dense, DenseMut};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{Multiplier, Scalar, by_scalar, products};
use crate::sparse::{AnyCompressed, Csr, Types};
use crate::storage::{Context, DType, Entry, Order, Place, SparseFormat};

impl AnyMatrix {
    /// The product of two matrices.
    ///
    /// | factors | product | as |
    /// |---|---|---|
    /// | dense, dense | dense, C order | [`Dense::matmul`](crate::Dense::matmul) |
    /// | compressed, dense | dense, C order | the product with as many vectors as there are columns |
    /// | dense, compressed | dense, Fortran order | the product of the transposes |
    /// | compressed, compressed | compressed as the first | [`Csr::matmul`](crate::Csr::matmul) |
    ///
    /// Both are first converted to a common type: `float32` if both are `float32`, `bool`, an integer of up to 16 bits,
    /// `float16` or `bfloat16`, otherwise `float64`, or the complex numbers of these. Integers are multiplied as
    /// `float64`, which is exact up to 2⁵³. Two patterns give a pattern. For two compressed matrices the second is
    /// converted to the format of the first; they are multiplied as `float64` or `complex128` with indices of 64 bits,
    /// and the product is rounded to the common type and has the wider of their index types. Intermediate results that
    /// do not fit in a quarter of the memory limit go to scratch space.
    ///
    /// Cost: that of the typed product, and one read and one write of each converted factor; [`Context::plan`] reports
    /// the first of these steps. If one factor is compressed, the dense factor and the product must fit in
    /// the memory limit. Fails with kind [`Shape`](crate::ErrorKind::Shape) if the inner extents differ, and with kind
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for coordinates.
    ///
    /// ```
    /// use outcore::{AnyMatrix, Context, Csr, Dense, Place};
    /// let a = AnyMatrix::from(Csr::<i8>::eye(2));
    /// let b = AnyMatrix::from(Dense::from(ndarray::arr2(&[[1.5f32, 2.0], [3.0, 4.0]])));
    /// let c = a.matmul(&b, Place::Memory, &Context::new())?;
    /// assert_eq!(Dense::<f32>::try_from(c)?.as_slice(), [1.5, 2.0, 3.0, 4.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matmul(&self, b: &AnyMatrix, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        product(self, b, &place.into(), ctx)
    }
}

fn product(a: &AnyMatrix, b: &AnyMatrix, place: &Place, ctx: &Context) -> Result<AnyMatrix> {
    if a.ncols() != b.nrows() {
        return Err(Error::shape("the right matrix", format!("{} rows", a.ncols()), b.nrows()));
    }
    for matrix in [a, b] {
        if let Body::Coo(_) = matrix.body() {
            return Err(missing("products", matrix, "convert it with to_csr first"));
        }
    }
    let dtype = common_number(a.dtype(), b.dtype());
    if let (Body::Lines(a), Body::Lines(b)) = (a.body(), b.body()) {
        return sparse((a, b), dtype, place, ctx);
    }
    let (a, b) = (bring(a, dtype, ctx)?, bring(b, dtype, ctx)?);
    match (a.body(), b.body()) {
        (Body::Dense(a), Body::Dense(b)) => {
            let (a, b) = (a.as_matrix()?, b.as_matrix()?);
            by_scalar!(dtype, X => dense::<X>(a, b, place, ctx), _ => Err(no_numbers()))
        }
        (Body::Lines(a), Body::Dense(b)) => {
            let b = b.as_matrix()?;
            by_scalar!(
                dtype,
                X => with_columns::<X>(a.clone(), &b, Order::C, place, ctx),
                _ => Err(no_numbers())
            )
        }
        (Body::Dense(a), Body::Lines(b)) => {
            let a = a.as_matrix()?.transpose();
            by_scalar!(
                dtype,
                X => with_columns::<X>(b.transpose(), &a, Order::Fortran, place, ctx),
                _ => Err(no_numbers())
            )
        }
        _ => Err(missing("products", &a, "convert it with to_csr first")),
    }
}

/// Two dense matrices, or a dense and a sparse one, always have a common type that vectors can have.
fn no_numbers() -> Error {
    Error::new(ErrorKind::Type, "there is no product for entries of these types")
}

fn dense<X: Scalar>(a: AnyDense, b: AnyDense, place: &Place, ctx: &Context) -> Result<AnyMatrix> {
    let (a, b) = (a.into_typed::<X, Ix2>(), b.into_typed::<X, Ix2>());
    a.matmul(&b, place, ctx).map(AnyMatrix::from)
}

/// The product with the columns of a dense matrix; its transpose, if that is the one in C order.
fn with_columns<X: Scalar>(
    a: AnyCompressed,
    b: &AnyDense,
    order: Order,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let ((m, _), (_, k)) = (a.shape(), b.dim());
    let b: Dense<X> = match b.order() {
        Order::C => b.clone(),
        Order::Fortran => to_order(b, Order::C, &ctx.aside(b.buffer().bytes()), ctx)?,
    }
    .into_typed();
    let shape = if order == Order::C { (m, k) } else { (k, m) };
    let mut product = DenseMut::<X>::create(shape, order, place, ctx)?;
    let vectors = (k, b.as_slice(), product.as_mut_slice());
    let by = products(a.types().values)?;
    Multiplier::Lines(a).product(by, false, vectors, ctx)?;
    product.freeze().map(AnyMatrix::from)
}

/// The product of two compressed matrices in the format of the first, with values of type `dtype`.
///
/// This is much code for every combination of types, so it is compiled only for the widest: patterns, `f64` and complex
/// `f64`, with indices of 64 bits. Products of other types are computed in these and narrowed.
fn sparse(
    (a, b): (&AnyCompressed, &AnyCompressed),
    dtype: Option<DType>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let b = match a.format() == b.format() {
        true => b.clone(),
        false => {
            let place = ctx.aside(b.types().bytes_of(b.minor(), b.nnz()));
            recompress(b, "another format", &place, ctx)?
        }
    };
    let (of_a, of_b) = (a.types(), b.types());
    let wide = Types {
        values: dtype
            .map(|dtype| if is_complex(dtype) { DType::Complex128 } else { DType::Float64 }),
        indices: DType::UInt64,
        pointers: DType::UInt64,
    };
    let widened = |a: &AnyCompressed| match a.types() == wide {
        true => Ok(a.clone()),
        false => lines(a, wide, &ctx.aside(wide.bytes_of(a.major(), a.nnz())), ctx),
    };
    let (a, b) = (widened(a)?, widened(&b)?);
    // (A B)ᵀ = Bᵀ Aᵀ.
    let flipped = a.format() == SparseFormat::Csc;
    let (a, b) = if flipped { (b.transpose(), a.transpose()) } else { (a, b) };
    let indices = wider(of_a.indices, of_b.indices);
    let wanted = Types { values: dtype, indices, pointers: wider(of_a.pointers, of_b.pointers) };
    let extra = if *place == Place::Memory { Place::Memory } else { Place::Scratch };
    let first = if wanted == wide { place } else { &extra };
    let product = match wide.values {
        None => of_rows::<()>((a, b), first, |a, b, place| a.matmul(b, place, ctx))?,
        Some(DType::Complex128) => {
            of_rows::<Complex<f64>>((a, b), first, |a, b, place| a.matmul(b, place, ctx))?
        }
        Some(_) => of_rows::<f64>((a, b), first, |a, b, place| a.matmul(b, place, ctx))?,
    };
    let product = if wanted == wide { product } else { lines(&product, wanted, place, ctx)? };
    Ok(AnyMatrix::of_lines(if flipped { product.transpose() } else { product }))
}

/// A product of matrices in compressed rows, made by `multiply`.
fn of_rows<T: Entry>(
    (a, b): (AnyCompressed, AnyCompressed),
    place: &Place,
    multiply: impl Fn(&Csr<T, u64>, &Csr<T, u64>, &Place) -> Result<Csr<T, u64>>,
) -> Result<AnyCompressed> {
    multiply(&a.into_typed(), &b.into_typed(), place).map(|product| product.to_any())
}
