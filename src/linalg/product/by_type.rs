//! Products of matrices, by the types of entries and vectors.
//!
//! A table for each type of vectors lists the entries with which such vectors can be multiplied, and the functions for
//! each product. Kernels are compiled for entries of the type of the vectors, for `bool` and for patterns. All others
//! are decoded into one of these, and real entries multiply the parts of complex vectors (`by_parts`), so a row of a
//! table costs only some small functions.

use std::any::Any;

use bytemuck::Pod;
use num_complex::Complex;

use crate::dense::{AnyDense, DensePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::{Factor, Scalar, Widen};
use crate::linalg::kernels::Vectors;
use crate::linalg::product::by_parts::{bytes_apart, in_parts, of_one, of_parts};
use crate::linalg::product::dense_product::{any_product, line_product, normal_product};
use crate::linalg::product::exact;
use crate::linalg::product::exact::RealParts;
use crate::linalg::product::lines_product::{
    EncodedProduct, LineKernels, Methods, NormalProduct, PanelProduct, StepProduct, multiply_each,
    normal_each,
};
use crate::linalg::product::powers::Between;
use crate::linalg::product::prepared::{Compact, FormProduct};
use crate::storage::{Context, DType, Element};

/// The functions for products of entries of one type with vectors of `X`.
pub struct Products<X: Scalar> {
    entry: Option<DType>,
    pub(crate) methods: Methods<X>,
    /// For an encoded matrix, if a kernel is compiled for it.
    pub(crate) form: Option<FormProduct<X>>,
    /// For a dense matrix; `None` for a pattern.
    pub(crate) dense: Option<DenseMethods<X>>,
}

/// `k` vectors, and their products.
pub(crate) type Operands<'x, 'y, X> = (usize, &'x [X], &'y mut [X]);

pub(crate) struct DenseMethods<X: Scalar> {
    pub(crate) once: fn(&AnyDense, bool, Vectors<'_, '_, X>, &Context) -> Result<()>,
    pub(crate) prepared: fn(&mut DensePanels, bool, Vectors<'_, '_, X>, &Context) -> Result<()>,
    /// `AᴴA X` in one pass over a matrix in C order.
    pub(crate) normal:
        fn(&mut DensePanels, Vectors<'_, '_, X>, &mut Between<'_, X>, &Context) -> Result<()>,
    /// Computes the product if it needs more digits than numbers of `X` have; returns whether it does.
    pub(crate) exact: Option<fn(&AnyDense, bool, Operands<'_, '_, X>, &Context) -> Result<bool>>,
}

/// Products of entries `T` as numbers of type `W`.
impl<X: Scalar> Products<X> {
    const fn sparse<T: Factor<X> + Widen<W>, W: Factor<X>>() -> Self {
        let panels: PanelProduct<X> = |panels, adjoint, vectors, ctx| {
            let kernels = LineKernels::<W, X> { decode: T::DECODE, encoded: None };
            multiply_each(panels, kernels, adjoint, &mut [vectors], ctx)
        };
        let step: StepProduct<X> = |part, ncols, buffer, vectors, ctx| {
            let kernels = LineKernels::<W, X> { decode: T::DECODE, encoded: None };
            kernels.step(part, ncols, buffer, vectors, ctx)
        };
        let normal: NormalProduct<X> = |panels, vectors, between, ctx| {
            let kernels = LineKernels::<W, X> { decode: T::DECODE, encoded: None };
            normal_each(panels, kernels, &mut [vectors], &mut of_one(between), ctx)
        };
        let methods = Methods { exact: None, panels, step: Some(step), normal, copies_one: false };
        Products { entry: T::ENTRY_DTYPE, methods, form: None, dense: None }
    }

    const fn encoded<T: Factor<X> + Widen<W>, W: Factor<X>>(self) -> Self {
        let form: FormProduct<X> =
            |form, how, vectors, ctx| form.product::<W, X>(T::DECODE, how, vectors, ctx);
        let panels: PanelProduct<X> = |panels, adjoint, vectors, ctx| {
            let encoded = Some(Compact::gather_part::<W, X> as EncodedProduct<W, X>);
            let kernels = LineKernels::<W, X> { decode: T::DECODE, encoded };
            multiply_each(panels, kernels, adjoint, &mut [vectors], ctx)
        };
        let step: StepProduct<X> = |part, ncols, buffer, vectors, ctx| {
            let encoded = Some(Compact::gather_part::<W, X> as EncodedProduct<W, X>);
            let kernels = LineKernels::<W, X> { decode: T::DECODE, encoded };
            kernels.step(part, ncols, buffer, vectors, ctx)
        };
        let normal: NormalProduct<X> = |panels, vectors, between, ctx| {
            let encoded = Some(Compact::gather_part::<W, X> as EncodedProduct<W, X>);
            let kernels = LineKernels::<W, X> { decode: T::DECODE, encoded };
            normal_each(panels, kernels, &mut [vectors], &mut of_one(between), ctx)
        };
        let methods = Methods { panels, step: Some(step), normal, ..self.methods };
        Products { form: Some(form), methods, ..self }
    }

    const fn dense<T: Element + Factor<X> + Widen<W>, W: Element + Factor<X>>(self) -> Self {
        let dense = DenseMethods {
            once: |a, adjoint, vectors, ctx| {
                any_product::<W, X>(a, T::DECODE, adjoint, (&mut [vectors], 0), ctx)
            },
            prepared: |panels, adjoint, vectors, ctx| {
                line_product::<W, X>(panels, T::DECODE, adjoint, &mut [vectors], ctx)
            },
            normal: |panels, vectors, between, ctx| {
                let between = &mut of_one(between);
                normal_product::<W, X>(panels, T::DECODE, &mut [vectors], between, ctx)
            },
            exact: None,
        };
        Products { dense: Some(dense), ..self }
    }
}

impl<X: Scalar + RealParts> Products<X> {
    /// Adds the products of 64-bit integers, which are summed as integers if the vectors are integers.
    const fn exact<T: Element>(self) -> Self {
        let methods = Methods { exact: Some(exact::sparse::<X, T>), ..self.methods };
        let dense = match self.dense {
            Some(dense) => Some(DenseMethods { exact: Some(exact::dense::<X, T>), ..dense }),
            None => None,
        };
        Products { methods, dense, ..self }
    }
}

/// Products of real entries with complex vectors, by their real and imaginary parts.
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
                let kernels = LineKernels::<W, R> { decode: T::DECODE, encoded: None };
                multiply_each(panels, kernels, adjoint, parts, ctx)
            })
        };
        let normal: NormalProduct<Complex<R>> = |panels, vectors, between, ctx| {
            in_parts(vectors, ctx, &mut |parts| {
                let kernels = LineKernels::<W, R> { decode: T::DECODE, encoded: None };
                normal_each(panels, kernels, parts, &mut of_parts(between), ctx)
            })
        };
        let methods = Methods { exact: None, panels, step: None, normal, copies_one: true };
        Products { entry: T::ENTRY_DTYPE, methods, form: None, dense: None }
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
        let panels: PanelProduct<Complex<R>> = |panels, adjoint, vectors, ctx| {
            in_parts(vectors, ctx, &mut |parts| {
                let encoded = Some(Compact::gather_part::<W, R> as EncodedProduct<W, R>);
                let kernels = LineKernels::<W, R> { decode: T::DECODE, encoded };
                multiply_each(panels, kernels, adjoint, parts, ctx)
            })
        };
        let methods = Methods { panels, ..self.methods };
        Products { form: Some(form), methods, ..self }
    }

    const fn dense_by_parts<T, W>(self) -> Self
    where
        T: Element + Factor<Complex<R>> + Widen<W>,
        W: Element + Factor<R>,
    {
        let dense = DenseMethods {
            once: |a, adjoint, vectors, ctx| {
                let extra = bytes_apart(vectors.k, vectors.x, vectors.y);
                in_parts(vectors, ctx, &mut |parts| {
                    any_product::<W, R>(a, T::DECODE, adjoint, (parts, extra), ctx)
                })
            },
            prepared: |panels, adjoint, vectors, ctx| {
                in_parts(vectors, ctx, &mut |parts| {
                    line_product::<W, R>(panels, T::DECODE, adjoint, parts, ctx)
                })
            },
            normal: |panels, vectors, between, ctx| {
                in_parts(vectors, ctx, &mut |parts| {
                    let between = &mut of_parts(between);
                    normal_product::<W, R>(panels, T::DECODE, parts, between, ctx)
                })
            },
            exact: None,
        };
        Products { dense: Some(dense), ..self }
    }
}

/// An entry type whose matrices multiply vectors of `X`. The products are compiled in this library.
pub trait Multiplies<X: Scalar>: Factor<X> {
    #[doc(hidden)]
    fn products() -> &'static Products<X>;
}

/// The products of entries of a type with vectors of another.
macro_rules! multiplies {
    ($entry:ty, $x:ty, $products:expr) => {
        impl Multiplies<$x> for $entry {
            fn products() -> &'static Products<$x> {
                static PRODUCTS: Products<$x> = $products;
                &PRODUCTS
            }
        }
    };
}

/// The entry types that real numbers of a type can represent, and the type into which each is decoded.
macro_rules! real_entries {
    ($x:ty: $($entry:ty $(, $exact:ident)?;)*) => {
        multiplies!((), $x, Products::sparse::<(), ()>().encoded::<(), ()>());
        multiplies!(bool, $x, Products::sparse::<bool, bool>().dense::<bool, bool>());
        multiplies!(
            (), Complex<$x>,
            Products::<Complex<$x>>::sparse_by_parts::<(), ()>().encoded_by_parts::<(), ()>()
        );
        multiplies!(
            bool, Complex<$x>,
            Products::<Complex<$x>>::sparse_by_parts::<bool, bool>().dense_by_parts::<bool, bool>()
        );
        $(
            multiplies!(
                $entry, $x,
                Products::sparse::<$entry, $x>()
                    .encoded::<$entry, $x>()
                    .dense::<$entry, $x>()
                    $(.$exact::<$entry>())?
            );
            multiplies!(
                $entry, Complex<$x>,
                Products::<Complex<$x>>::sparse_by_parts::<$entry, $x>()
                    .encoded_by_parts::<$entry, $x>()
                    .dense_by_parts::<$entry, $x>()
                    $(.$exact::<$entry>())?
            );
        )*
    };
}

real_entries!(f32: i8; i16; u8; u16; f32;);
real_entries!(
    f64: i8; i16; i32; i64, exact; u8; u16; u32; u64, exact; f32; f64;
);

#[cfg(feature = "half")]
macro_rules! half_entries {
    ($($entry:ty => $x:ty),*) => {$(
        multiplies!(
            $entry, $x,
            Products::sparse::<$entry, $x>().encoded::<$entry, $x>().dense::<$entry, $x>()
        );
        multiplies!(
            $entry, Complex<$x>,
            Products::<Complex<$x>>::sparse_by_parts::<$entry, $x>()
                .encoded_by_parts::<$entry, $x>()
                .dense_by_parts::<$entry, $x>()
        );
    )*};
}

#[cfg(feature = "half")]
half_entries!(half::f16 => f32, half::f16 => f64, half::bf16 => f32, half::bf16 => f64);

macro_rules! complex_entries {
    ($($entry:ty => $x:ty),*) => {$(
        multiplies!($entry, $x, Products::sparse::<$entry, $x>().dense::<$entry, $x>());
    )*};
}

complex_entries!(
    Complex<f32> => Complex<f32>, Complex<f32> => Complex<f64>, Complex<f64> => Complex<f64>
);

/// The products of entries with types known at run time, with vectors of one type.
macro_rules! table {
    ($name:ident of $x:ty: $($entry:ty),*; $($half:ty),*) => {
        static $name: &[fn() -> &'static Products<$x>] = &[
            $(<$entry as Multiplies<$x>>::products,)*
            $(#[cfg(feature = "half")] <$half as Multiplies<$x>>::products,)*
        ];
    };
}

table!(F32 of f32: (), bool, i8, i16, u8, u16, f32; half::f16, half::bf16);
table!(F64 of f64: (), bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64; half::f16, half::bf16);
table!(C32 of Complex<f32>: (), bool, i8, i16, u8, u16, f32, Complex<f32>; half::f16, half::bf16);
table!(
    C64 of Complex<f64>: (), bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, Complex<f32>,
    Complex<f64>; half::f16, half::bf16
);

/// The products of entries of a type with vectors of `X`; `None` if there are none.
fn find<X: Scalar>(entry: Option<DType>) -> Option<&'static Products<X>> {
    let tables: [&dyn Any; 4] = [&F32, &F64, &C32, &C64];
    let table = tables
        .into_iter()
        .find_map(|table| table.downcast_ref::<&[fn() -> &'static Products<X>]>())?;
    table.iter().map(|products| products()).find(|products| products.entry == entry)
}

/// Bytes of a decoded element of a dense matrix, for any vectors; 0 if it is never decoded.
pub(crate) fn decoded_size(dtype: DType) -> usize {
    match dtype {
        DType::Bool | DType::Float64 | DType::Complex128 => 0,
        DType::Complex64 => size_of::<Complex<f64>>(),
        _ => size_of::<f64>(),
    }
}

/// Whether there are products for encoded lines of such entries.
pub(crate) fn encodes(entry: Option<DType>) -> bool {
    !matches!(entry, Some(DType::Bool | DType::Complex64 | DType::Complex128))
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
        let what = format!("no product of {entry} entries with vectors of this type");
        Error::new(ErrorKind::Type, what)
            .expected(those.collect::<Vec<_>>().join(" or "))
            .found(X::DTYPE)
    })
}

/// Fails unless values of a type can multiply numbers of `X`.
pub(crate) fn check_meets<X: Scalar>(values: Option<DType>) -> Result<()> {
    products::<X>(values).map(|_| ())
}
