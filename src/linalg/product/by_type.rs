//! Products of matrices, by the types of entries and vectors.
//!
//! A table for each type of vectors lists the entries that such vectors can be multiplied with, and what makes each product.
//! Kernels are compiled for the entries that the vectors have themselves, for `bool` and for patterns. All others are decoded
//! into those, and real entries meet the parts of complex vectors (`by_parts`), so that a row of a table costs some small
//! functions.

use std::any::Any;

use bytemuck::Pod;
use num_complex::Complex;

use crate::dense::{AnyDense, AnyLinePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::{Factor, Scalar, Widen};
use crate::linalg::product::by_parts::{bytes_apart, in_parts};
use crate::linalg::product::dense_product::{any_product, line_product};
use crate::linalg::product::exact;
use crate::linalg::product::exact::Parts;
use crate::linalg::product::kernels::Vectors;
use crate::linalg::product::lines_product::{PanelProduct, Ways, multiply_each, multiply_panels};
use crate::linalg::product::prepared::FormProduct;
use crate::storage::{Context, DType, Element};

/// What makes the products of entries of one type with vectors of `X`.
pub(crate) struct Products<X: Scalar> {
    entry: Option<DType>,
    pub(crate) ways: Ways<X>,
    /// With an encoded matrix, if a kernel is compiled for that.
    pub(crate) form: Option<FormProduct<X>>,
    /// Of a dense matrix; a pattern is none.
    pub(crate) dense: Option<DenseWays<X>>,
}

/// `k` vectors, and their products.
pub(crate) type Operands<'x, 'y, X> = (usize, &'x [X], &'y mut [X]);

pub(crate) struct DenseWays<X: Scalar> {
    pub(crate) once: fn(&AnyDense, bool, Vectors<'_, '_, X>, &Context) -> Result<()>,
    pub(crate) prepared: fn(&mut AnyLinePanels, bool, Vectors<'_, '_, X>, &Context) -> Result<()>,
    /// The product if it needs more digits than numbers of `X` have, and whether it does.
    pub(crate) exact: Option<fn(&AnyDense, bool, Operands<'_, '_, X>, &Context) -> Result<bool>>,
    /// Bytes of an element that is decoded; none if it is not.
    pub(crate) decoded: usize,
}

/// Products of entries `T` as numbers of type `W`.
impl<X: Scalar> Products<X> {
    const fn sparse<T: Factor<X> + Widen<W>, W: Factor<X>>() -> Self {
        let panels: PanelProduct<X> = |panels, adjoint, vectors, ctx| {
            multiply_panels::<W, X>(panels, T::DECODE, adjoint, vectors, ctx)
        };
        let ways = Ways { exact: None, panels, copies_one: false };
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
            exact: None,
            decoded: if T::DECODE.is_some() { size_of::<W>() } else { 0 },
        };
        Products { dense: Some(dense), ..self }
    }
}

impl<X: Scalar + Parts> Products<X> {
    /// Those of integers of 64 bits, which are summed as integers where the vectors are such.
    const fn exact<T: Element>(self) -> Self {
        let ways = Ways { exact: Some(exact::sparse::<X, T>), ..self.ways };
        let dense = match self.dense {
            Some(dense) => Some(DenseWays { exact: Some(exact::dense::<X, T>), ..dense }),
            None => None,
        };
        Products { ways, dense, ..self }
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
        let ways = Ways { exact: None, panels, copies_one: true };
        Products { entry: T::ENTRY_DTYPE, ways, form: None, dense: None }
    }

    const fn encoded_by_parts<T, W>(self) -> Self
    where
        T: Factor<Complex<R>> + Widen<W>,
        W: Factor<R>,
    {
        let form: FormProduct<Complex<R>> = |form, how, vectors, ctx| {
            in_parts(vectors, ctx, &mut |parts| {
                parts.iter_mut().try_for_each(|Vectors { k, x, y }| {
                    form.product::<W, R>(T::DECODE, how, Vectors { k: *k, x, y }, ctx)
                })
            })
        };
        Products { form: Some(form), ..self }
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
            exact: None,
            decoded: if T::DECODE.is_some() { size_of::<W>() } else { 0 },
        };
        Products { dense: Some(dense), ..self }
    }
}

macro_rules! real_tables {
    ($name:ident, $complex:ident of $x:ty: $($entry:ty => $wide:ty $(, $exact:ident)?;)*) => {
        static $name: &[Products<$x>] = &[
            Products::sparse::<(), ()>().encoded::<(), ()>(),
            Products::sparse::<bool, bool>().dense::<bool, bool>(),
            $(Products::sparse::<$entry, $wide>()
                .encoded::<$entry, $wide>()
                .dense::<$entry, $wide>()
                $(.$exact::<$entry>())?,)*
            #[cfg(feature = "half")]
            Products::sparse::<half::f16, $x>().encoded::<half::f16, $x>().dense::<half::f16, $x>(),
            #[cfg(feature = "half")]
            Products::sparse::<half::bf16, $x>().encoded::<half::bf16, $x>().dense::<half::bf16, $x>(),
        ];

        static $complex: &[Products<Complex<$x>>] = &[
            Products::<Complex<$x>>::sparse_by_parts::<(), ()>().encoded_by_parts::<(), ()>(),
            Products::<Complex<$x>>::sparse_by_parts::<bool, bool>()
                .dense_by_parts::<bool, bool>(),
            $(Products::<Complex<$x>>::sparse_by_parts::<$entry, $wide>()
                .encoded_by_parts::<$entry, $wide>()
                .dense_by_parts::<$entry, $wide>()
                $(.$exact::<$entry>())?,)*
            #[cfg(feature = "half")]
            Products::<Complex<$x>>::sparse_by_parts::<half::f16, $x>()
                .encoded_by_parts::<half::f16, $x>()
                .dense_by_parts::<half::f16, $x>(),
            #[cfg(feature = "half")]
            Products::<Complex<$x>>::sparse_by_parts::<half::bf16, $x>()
                .encoded_by_parts::<half::bf16, $x>()
                .dense_by_parts::<half::bf16, $x>(),
        ];
    };
}

real_tables! {
    F32, REAL_C32 of f32:
        i8 => f32;
        i16 => f32;
        u8 => f32;
        u16 => f32;
        f32 => f32;
}

real_tables! {
    F64, REAL_C64 of f64:
        i8 => f64;
        i16 => f64;
        i32 => f64;
        i64 => f64, exact;
        u8 => f64;
        u16 => f64;
        u32 => f64;
        u64 => f64, exact;
        f32 => f64;
        f64 => f64;
}

static C32: &[Products<Complex<f32>>] =
    &[Products::sparse::<Complex<f32>, Complex<f32>>().dense::<Complex<f32>, Complex<f32>>()];

static C64: &[Products<Complex<f64>>] = &[
    Products::sparse::<Complex<f32>, Complex<f64>>().dense::<Complex<f32>, Complex<f64>>(),
    Products::sparse::<Complex<f64>, Complex<f64>>().dense::<Complex<f64>, Complex<f64>>(),
];

/// The products of entries of a type with vectors of `X`; `None` if there are none.
pub(crate) fn find<X: Scalar>(entry: Option<DType>) -> Option<&'static Products<X>> {
    let tables: [&dyn Any; 6] = [&F32, &F64, &REAL_C32, &C32, &REAL_C64, &C64];
    let those = tables.into_iter().filter_map(|table| table.downcast_ref::<&[Products<X>]>());
    those.copied().flatten().find(|products| products.entry == entry)
}

/// As [`find`]. Fails if there are none.
pub(crate) fn products<X: Scalar>(entry: Option<DType>) -> Result<&'static Products<X>> {
    find::<X>(entry).ok_or_else(|| {
        let vectors: [(DType, bool); 4] = [
            (f32::DTYPE, find::<f32>(entry).is_some()),
            (f64::DTYPE, find::<f64>(entry).is_some()),
            (Complex::<f32>::DTYPE, find::<Complex<f32>>(entry).is_some()),
            (Complex::<f64>::DTYPE, find::<Complex<f64>>(entry).is_some()),
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
