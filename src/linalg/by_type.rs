//! Products of matrices of which the element type is known at run time.
//!
//! A table for each type of vectors lists the entries that such vectors can be multiplied with, and what makes each product.
//! Kernels are compiled for the entries that the vectors have themselves, for `bool` and for patterns; all others are
//! decoded into those, so that the table costs a small function for each of its rows.

use ndarray::Ix2;
use num_complex::Complex;

use crate::dense::{AnyDense, AnyLinePanels};
use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::linalg::compressed::{Ways, multiply_panels, product};
use crate::linalg::dense::{any_line_product, any_product, decoding_memory, line_plan, panel_step};
use crate::linalg::kernels::{Decode, Entries, How, Vectors, decode};
use crate::linalg::operator::product_name;
use crate::linalg::prepared_form::Form;
use crate::linalg::prepared_sparse::{PreparedLines, Recompress};
use crate::linalg::readers::Readers;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{AnyCompressed, AnyLinePanels as AnyCompressedPanels};
use crate::storage::{Context, DType, Element, Entry, Lasts, Order, Plan, Traffic};

/// What makes the products of entries of one type with vectors of `X`.
pub struct Products<X: Scalar> {
    entry: Option<DType>,
    ways: Ways<X>,
    form: fn(&Form, How, Vectors<'_, '_, X>, &Context) -> Result<()>,
    /// Of a dense matrix; a pattern is none.
    dense: Option<DenseWays<X>>,
}

/// `k` vectors, and their products.
type Operands<'x, 'y, X> = (usize, &'x [X], &'y mut [X]);

struct DenseWays<X: Scalar> {
    once: fn(&AnyDense, bool, Operands<'_, '_, X>, &Context) -> Result<()>,
    prepared: fn(&Readers<AnyLinePanels>, bool, Operands<'_, '_, X>, &Context) -> Result<()>,
    /// Bytes of an element that is decoded; none if it is not.
    decoded: usize,
}

/// An entry that is a number of type `W`, or is decoded into one.
trait Widen<W>: Entry {
    const DECODE: Option<Decode<W>>;
}

impl<X: Scalar> Products<X> {
    const fn sparse<T: Factor<X> + Widen<W>, W: Factor<X>>() -> Self {
        Products {
            entry: T::ENTRY_DTYPE,
            ways: Ways { exact: T::exact_sparse, panels: of_panels::<T, W, X> },
            form: of_form::<T, W, X>,
            dense: None,
        }
    }

    const fn of<T: Element + Factor<X> + Widen<W>, W: Element + Factor<X>>() -> Self {
        let decoded = if T::DECODE.is_some() { size_of::<W>() } else { 0 };
        let (once, prepared) = (once::<T, W, X>, prepared::<T, W, X>);
        let dense = Some(DenseWays { once, prepared, decoded });
        Products { dense, ..Self::sparse::<T, W>() }
    }
}

fn of_panels<T: Widen<W>, W: Factor<X>, X: Scalar>(
    panels: &mut AnyCompressedPanels,
    adjoint: bool,
    vectors: Vectors<'_, '_, X>,
    ctx: &Context,
) -> Result<()> {
    multiply_panels::<W, X>(panels, T::DECODE, adjoint, vectors, ctx)
}

fn of_form<T: Widen<W>, W: Factor<X>, X: Scalar>(
    form: &Form,
    how: How,
    vectors: Vectors<'_, '_, X>,
    ctx: &Context,
) -> Result<()> {
    form.product::<W, X>(T::DECODE, how, vectors, ctx)
}

fn once<T: Element + Factor<X> + Widen<W>, W: Element + Factor<X>, X: Scalar>(
    a: &AnyDense,
    adjoint: bool,
    (k, x, y): Operands<'_, '_, X>,
    ctx: &Context,
) -> Result<()> {
    match T::exact_dense(&a.clone().into_typed::<T, Ix2>(), adjoint, (k, x, y), ctx)? {
        true => Ok(()),
        false => any_product::<W, X>(a, T::DECODE, adjoint, (k, x, y), ctx),
    }
}

fn prepared<T: Element + Factor<X> + Widen<W>, W: Element + Factor<X>, X: Scalar>(
    panels: &Readers<AnyLinePanels>,
    adjoint: bool,
    (k, x, y): Operands<'_, '_, X>,
    ctx: &Context,
) -> Result<()> {
    let a = panels.model().matrix();
    if T::exact_dense(&a.clone().into_typed::<T, Ix2>(), adjoint, (k, x, y), ctx)? {
        return Ok(());
    }
    let entries = if adjoint { Entries::Conjugated } else { Entries::AsStored };
    let how = ((a.order() == Order::C) != adjoint, entries);
    panels.with(ctx, &mut |panels| any_line_product::<W, X>(panels, T::DECODE, how, (k, x, y), ctx))
}

macro_rules! plain {
    ($($entry:ty),*) => {$(
        impl Widen<$entry> for $entry {
            const DECODE: Option<Decode<Self>> = None;
        }
    )*};
}

plain!((), bool, f32, f64, Complex<f32>, Complex<f64>);

macro_rules! widens {
    ($($entry:ty => $($wide:ty),*;)*) => {$($(
        impl Widen<$wide> for $entry {
            const DECODE: Option<Decode<$wide>> =
                Some(|from, to| decode(from, to, |it: $entry| it.times(<$wide>::from(1u8))));
        }
    )*)*};
}

widens! {
    i8 => f32, f64;
    i16 => f32, f64;
    i32 => f64;
    i64 => f64;
    u8 => f32, f64;
    u16 => f32, f64;
    u32 => f64;
    u64 => f64;
    f32 => f64;
}

#[cfg(feature = "half")]
widens! {
    half::f16 => f32, f64;
    half::bf16 => f32, f64;
}

impl Widen<Complex<f64>> for Complex<f32> {
    const DECODE: Option<Decode<Complex<f64>>> =
        Some(|from, to| decode(from, to, |it: Self| Complex::new(it.re.into(), it.im.into())));
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
                    Products::sparse::<(), ()>(),
                    Products::of::<bool, bool>(),
                    $(Products::of::<$entry, $wide>(),)*
                    #[cfg(feature = "half")]
                    Products::of::<half::f16, <$x as Scalar>::Real>(),
                    #[cfg(feature = "half")]
                    Products::of::<half::bf16, <$x as Scalar>::Real>(),
                ];
                TABLE.iter().find(|products| products.entry == entry)
            }
        }
    )*};
}

tables! {
    f32: i8 => f32, i16 => f32, u8 => f32, u16 => f32, f32 => f32;
    f64: i8 => f64, i16 => f64, i32 => f64, i64 => f64, u8 => f64, u16 => f64, u32 => f64, u64 => f64,
        f32 => f64, f64 => f64;
    Complex<f32>: i8 => f32, i16 => f32, u8 => f32, u16 => f32, f32 => f32, Complex<f32> => Complex<f32>;
    Complex<f64>: i8 => f64, i16 => f64, i32 => f64, i64 => f64, u8 => f64, u16 => f64, u32 => f64, u64 => f64,
        f32 => f64, f64 => f64, Complex<f32> => Complex<f64>, Complex<f64> => Complex<f64>;
}

fn products<X: Scalar>(entry: Option<DType>) -> Result<&'static Products<X>> {
    X::products(entry).ok_or_else(|| {
        let vectors: [(DType, bool); 4] = [
            (f32::DTYPE, f32::products(entry).is_some()),
            (f64::DTYPE, f64::products(entry).is_some()),
            (Complex::<f32>::DTYPE, Complex::<f32>::products(entry).is_some()),
            (Complex::<f64>::DTYPE, Complex::<f64>::products(entry).is_some()),
        ];
        let those = vectors.iter().filter(|(_, is)| *is).map(|(dtype, _)| dtype.name());
        let entry = entry.map_or("pattern", DType::name);
        let what = format!("{entry} entries have no products with such vectors");
        Error::new(ErrorKind::Type, what)
            .expected(format!("vectors of {}", those.collect::<Vec<_>>().join(" or ")))
            .found(X::DTYPE)
    })
}

/// A matrix that has products.
pub(crate) enum Multiplier {
    Lines(AnyCompressed),
    /// Of two dimensions.
    Dense(AnyDense),
}

impl Multiplier {
    /// One product, or that with the adjoint, with `k` interleaved vectors.
    pub(crate) fn product<X: Scalar>(
        self,
        adjoint: bool,
        (k, x, y): Operands<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        match self {
            Multiplier::Lines(a) => {
                let ways = products::<X>(a.types().values)?.ways;
                product(a, adjoint, Vectors { k, x, y }, ways, ctx)
            }
            Multiplier::Dense(a) => {
                let ways = dense_ways::<X>(&a)?;
                check_operands(a.dim(), adjoint, (k, x, y))?;
                (ways.once)(&a, adjoint, (k, x, y), ctx)
            }
        }
    }
}

impl Multiplier {
    /// What such a product will cost.
    pub(crate) fn plan<X: Scalar>(self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        let (nrows, ncols) = match &self {
            Multiplier::Lines(a) => a.shape(),
            Multiplier::Dense(a) => a.dim(),
        };
        let vector = |n: usize| ctx.filled("the vectors", n.saturating_mul(k), X::zero());
        let (mut rows, mut cols) = (vector(nrows)?, vector(ncols)?);
        let (x, y) = if adjoint { (&mut rows, &mut cols) } else { (&mut cols, &mut rows) };
        let is_dense = matches!(self, Multiplier::Dense(_));
        let plan = ctx.plan(|ctx| self.product(adjoint, (k, x, y), ctx))?;
        // That of lines says so itself.
        Ok(if is_dense { plan.every_time() } else { plan })
    }
}

fn dense_ways<X: Scalar>(a: &AnyDense) -> Result<&'static DenseWays<X>> {
    let ways = products::<X>(Some(a.dtype()))?.dense.as_ref();
    ways.ok_or_else(|| Error::new(ErrorKind::Type, "a dense matrix is no pattern"))
}

fn check_operands<X>(
    (nrows, ncols): (usize, usize),
    adjoint: bool,
    (k, x, y): Operands<'_, '_, X>,
) -> Result<()> {
    let (to, from) = if adjoint { (ncols, nrows) } else { (nrows, ncols) };
    check_shape("x", from.saturating_mul(k), x.len())?;
    check_shape("y", to.saturating_mul(k), y.len())
}

/// A [`Multiplier`] prepared for many products.
pub enum Prepared {
    Lines(Box<PreparedLines>),
    Dense(Box<Readers<AnyLinePanels>>),
}

impl Prepared {
    /// Within `budget` bytes beside those of the vectors; for products with the adjoint as well if there is `across`.
    pub(crate) fn new(
        matrix: Multiplier,
        across: Option<Recompress>,
        (budget, vectors): (u64, u64),
        ctx: &Context,
    ) -> Result<Self> {
        match matrix {
            Multiplier::Lines(a) => {
                let lines = PreparedLines::new(&a, across, (budget, vectors), ctx)?;
                Ok(Prepared::Lines(Box::new(lines)))
            }
            Multiplier::Dense(a) => {
                let decoding = decoding(&a);
                let budget = budget.saturating_sub(decoding);
                let panels = AnyLinePanels::new(&a, panel_step(a.lines().1), budget, ctx)?;
                Ok(Prepared::Dense(Box::new(Readers::new(panels, vectors + decoding, ctx))))
            }
        }
    }

    pub(crate) fn traffic(&self) -> Traffic {
        match self {
            Prepared::Lines(lines) => lines.traffic(),
            Prepared::Dense(panels) => panels.traffic(),
        }
    }

    pub(crate) fn lasts(&self) -> Lasts {
        match self {
            Prepared::Lines(lines) => lines.lasts(),
            Prepared::Dense(panels) => {
                let Lasts { always, at_work } = panels.lasts();
                Lasts { always, at_work: at_work + decoding(panels.model().matrix()) }
            }
        }
    }

    pub(crate) fn plan(&self, adjoint: bool, k: usize, ctx: &Context) -> Plan {
        match self {
            Prepared::Lines(lines) => lines.plan(adjoint, k, ctx),
            Prepared::Dense(panels) => {
                let decoding = decoding(panels.model().matrix());
                let name = product_name(adjoint);
                panels.ask(&mut |panels| line_plan(panels, name, k, ctx).beside(decoding))
            }
        }
    }

    /// The product, or that with the adjoint, with `k` interleaved vectors of the right lengths.
    pub(crate) fn product<X: Scalar>(
        &self,
        adjoint: bool,
        (k, x, y): Operands<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        match self {
            Prepared::Lines(lines) => {
                let products = products::<X>(lines.matrix().types().values)?;
                lines.product_by(adjoint, Vectors { k, x, y }, products.ways, products.form, ctx)
            }
            Prepared::Dense(panels) => {
                let ways = dense_ways::<X>(panels.model().matrix())?;
                (ways.prepared)(panels, adjoint, (k, x, y), ctx)
            }
        }
    }
}

/// Most memory in which a product decodes lines of a dense matrix.
fn decoding(a: &AnyDense) -> u64 {
    // Such vectors can be multiplied with all that there is, in its widest form.
    let widest = Complex::<f64>::products(Some(a.dtype()));
    let size = widest.and_then(|products| products.dense.as_ref()).map_or(0, |ways| ways.decoded);
    let room = |along| decoding_memory(a.lines(), along, size);
    room(true).max(room(false))
}
