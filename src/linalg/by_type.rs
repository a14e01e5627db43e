//! Products of matrices of which the element type is known at run time.
//!
//! A table for each type of vectors lists the entries that such vectors can be multiplied with, and what makes each product.
//! Kernels are compiled for the entries that the vectors have themselves, for `bool` and for patterns. All others are decoded
//! into those, and real entries meet the parts of complex vectors (`by_parts`), so that a row of a table costs some small
//! functions.

use bytemuck::Pod;
use num_complex::Complex;

use crate::dense::{AnyDense, AnyLinePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::by_parts::{bytes_apart, in_parts};
use crate::linalg::compressed::{PanelProduct, Ways, multiply_each, multiply_panels};
use crate::linalg::dense::{any_product, line_product};
use crate::linalg::kernels::Vectors;
use crate::linalg::numbers::Widen;
use crate::linalg::prepared_sparse::FormProduct;
use crate::linalg::scalar::{Factor, Scalar};
use crate::storage::{Context, DType, Element};

/// What makes the products of entries of one type with vectors of `X`.
pub struct Products<X: Scalar> {
    entry: Option<DType>,
    pub(super) ways: Ways<X>,
    /// With an encoded matrix, if a kernel is compiled for that.
    pub(super) form: Option<FormProduct<X>>,
    /// Of a dense matrix; a pattern is none.
    pub(super) dense: Option<DenseWays<X>>,
}

/// `k` vectors, and their products.
pub(super) type Operands<'x, 'y, X> = (usize, &'x [X], &'y mut [X]);

pub(super) struct DenseWays<X: Scalar> {
    pub(super) once: fn(&AnyDense, bool, Vectors<'_, '_, X>, &Context) -> Result<()>,
    pub(super) prepared: fn(&mut AnyLinePanels, bool, Vectors<'_, '_, X>, &Context) -> Result<()>,
    pub(super) exact: fn(&AnyDense, bool, Operands<'_, '_, X>, &Context) -> Result<bool>,
    /// Bytes of an element that is decoded; none if it is not.
    pub(super) decoded: usize,
}

/// Products of entries `T` as numbers of type `W`.
impl<X: Scalar> Products<X> {
    const fn sparse<T: Factor<X> + Widen<W>, W: Factor<X>>() -> Self {
        let panels: PanelProduct<X> = |panels, adjoint, vectors, ctx| {
            multiply_panels::<W, X>(panels, T::DECODE, adjoint, vectors, ctx)
        };
        let ways = Ways { exact: T::exact_sparse, panels, copies_one: false };
        Products { entry: T::ENTRY_DTYPE, ways, form: None, dense: None }
    }

    const fn encoded<T: Factor<X> + Widen<W>, W: Factor<X>>(self) -> Self {
        let form: FormProduct<X> =
            |form, how, vectors, ctx| form.product::<W, X>(T::DECODE, how, vectors, ctx);
        Products { form: Some(form), ..self }
    }

    const fn dense<T: Element + Factor<X> + Widen<W>, W: Element + Factor<X>>(self) -> Self {
        let dense = DenseWays {
            once: |a, adjoint, vectors, ctx| {
                any_product::<W, X>(a, T::DECODE, adjoint, (&mut [vectors], 0), ctx)
            },
            prepared: |panels, adjoint, vectors, ctx| {
                line_product::<W, X>(panels, T::DECODE, adjoint, &mut [vectors], ctx)
            },
            exact: T::exact_dense,
            decoded: if T::DECODE.is_some() { size_of::<W>() } else { 0 },
        };
        Products { dense: Some(dense), ..self }
    }
}

/// Products of real entries with complex vectors, by the real parts of those.
impl<R: Scalar + Pod> Products<Complex<R>>
where
    Complex<R>: Scalar,
{
    const fn sparse_by_parts<T, W>() -> Self
    where
        T: Factor<Complex<R>> + Widen<W>,
        W: Factor<R>,
    {
        let panels: PanelProduct<Complex<R>> = |panels, adjoint, vectors, ctx| {
            in_parts(vectors, ctx, &mut |parts| {
                multiply_each::<W, R>(panels, T::DECODE, adjoint, parts, ctx)
            })
        };
        let ways = Ways { exact: T::exact_sparse, panels, copies_one: true };
        Products { entry: T::ENTRY_DTYPE, ways, form: None, dense: None }
    }

    const fn dense_by_parts<T, W>(self) -> Self
    where
        T: Element + Factor<Complex<R>> + Widen<W>,
        W: Element + Factor<R>,
    {
        let dense = DenseWays {
            once: |a, adjoint, vectors, ctx| {
                let beside = bytes_apart(vectors.k, vectors.x, vectors.y);
                in_parts(vectors, ctx, &mut |parts| {
                    any_product::<W, R>(a, T::DECODE, adjoint, (parts, beside), ctx)
                })
            },
            prepared: |panels, adjoint, vectors, ctx| {
                in_parts(vectors, ctx, &mut |parts| {
                    line_product::<W, R>(panels, T::DECODE, adjoint, parts, ctx)
                })
            },
            exact: T::exact_dense,
            decoded: if T::DECODE.is_some() { size_of::<W>() } else { 0 },
        };
        Products { dense: Some(dense), ..self }
    }
}

/// A type of vectors, and the products that there are with such.
pub trait Multiplied: Sized + 'static {
    /// The products of entries of a type; `None` if there are none.
    #[doc(hidden)]
    fn products(entry: Option<DType>) -> Option<&'static Products<Self>>
    where
        Self: Scalar;
}

macro_rules! tables {
    ($($x:ty: $($entry:ty => $wide:ty),*;)*) => {$(
        impl Multiplied for $x {
            fn products(entry: Option<DType>) -> Option<&'static Products<Self>> {
                static TABLE: &[Products<$x>] = &[
                    Products::sparse::<(), ()>().encoded::<(), ()>(),
                    Products::sparse::<bool, bool>().dense::<bool, bool>(),
                    $(Products::sparse::<$entry, $wide>()
                        .encoded::<$entry, $wide>()
                        .dense::<$entry, $wide>(),)*
                ];
                TABLE.iter().find(|products| products.entry == entry)
            }
        }

        impl Multiplied for Complex<$x> {
            fn products(entry: Option<DType>) -> Option<&'static Products<Self>> {
                static TABLE: &[Products<Complex<$x>>] = &[
                    Products::<Complex<$x>>::sparse_by_parts::<(), ()>(),
                    Products::<Complex<$x>>::sparse_by_parts::<bool, bool>()
                        .dense_by_parts::<bool, bool>(),
                    $(Products::<Complex<$x>>::sparse_by_parts::<$entry, $wide>()
                        .dense_by_parts::<$entry, $wide>(),)*
                ];
                let complex = Self::complex_products();
                TABLE.iter().chain(complex).find(|products| products.entry == entry)
            }
        }
    )*};
}

#[cfg(not(feature = "half"))]
tables! {
    f32: i8 => f32, i16 => f32, u8 => f32, u16 => f32, f32 => f32;
    f64: i8 => f64, i16 => f64, i32 => f64, i64 => f64, u8 => f64, u16 => f64, u32 => f64, u64 => f64,
        f32 => f64, f64 => f64;
}

#[cfg(feature = "half")]
tables! {
    f32: i8 => f32, i16 => f32, u8 => f32, u16 => f32, f32 => f32, half::f16 => f32,
        half::bf16 => f32;
    f64: i8 => f64, i16 => f64, i32 => f64, i64 => f64, u8 => f64, u16 => f64, u32 => f64, u64 => f64,
        f32 => f64, f64 => f64, half::f16 => f64, half::bf16 => f64;
}

/// Complex vectors, and their products with complex entries.
trait WithComplex: Scalar {
    fn complex_products() -> &'static [Products<Self>];
}

impl WithComplex for Complex<f32> {
    fn complex_products() -> &'static [Products<Self>] {
        static TABLE: [Products<Complex<f32>>; 1] =
            [Products::sparse::<Complex<f32>, Complex<f32>>()
                .dense::<Complex<f32>, Complex<f32>>()];
        &TABLE
    }
}

impl WithComplex for Complex<f64> {
    fn complex_products() -> &'static [Products<Self>] {
        static TABLE: [Products<Complex<f64>>; 2] = [
            Products::sparse::<Complex<f32>, Complex<f64>>().dense::<Complex<f32>, Complex<f64>>(),
            Products::sparse::<Complex<f64>, Complex<f64>>().dense::<Complex<f64>, Complex<f64>>(),
        ];
        &TABLE
    }
}

/// The products of entries of a type with vectors of `X`. Fails if there are none.
pub(super) fn products<X: Scalar>(entry: Option<DType>) -> Result<&'static Products<X>> {
    X::products(entry).ok_or_else(|| {
        let vectors: [(DType, bool); 4] = [
            (f32::DTYPE, f32::products(entry).is_some()),
            (f64::DTYPE, f64::products(entry).is_some()),
            (Complex::<f32>::DTYPE, Complex::<f32>::products(entry).is_some()),
            (Complex::<f64>::DTYPE, Complex::<f64>::products(entry).is_some()),
        ];
        let those = vectors.iter().filter(|(_, is)| *is).map(|(dtype, _)| dtype.name());
        let entry = entry.map_or("pattern", DType::name);
        let what = format!("{entry} entries do not meet such numbers");
        Error::new(ErrorKind::Type, what)
            .expected(those.collect::<Vec<_>>().join(" or "))
            .found(X::DTYPE)
    })
}

/// Fails unless values of a type meet numbers of `X`.
pub(crate) fn check_meets<X: Scalar>(values: Option<DType>) -> Result<()> {
    products::<X>(values).map(|_| ())
}
