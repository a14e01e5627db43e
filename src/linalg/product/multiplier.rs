//! A matrix with types known at run time, multiplied once or prepared for many products.

use crate::dense::{AnyDense, DensePanels};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Scalar;
use crate::linalg::kernels::Vectors;
use crate::linalg::product::by_type::{DenseMethods, Operands, Products, decoded_size, encodes};
use crate::linalg::product::dense_product::{decoding_memory, line_plan, panel_step};
use crate::linalg::product::lines_product::product;
use crate::linalg::product::operator::{check_operands, product_name};
use crate::linalg::product::powers::{Between, Powers};
use crate::linalg::product::prepared::{PreparedLines, Readers, Recompress};
use crate::sparse::AnyCompressed;
use crate::storage::{Context, DType, Lasts, Order, Plan, Traffic, bytes_of, work};

/// A matrix that has products.
#[derive(Clone)]
pub enum Multiplier {
    Lines(AnyCompressed),
    /// A dense matrix of two dimensions.
    Dense(AnyDense),
}

impl Multiplier {
    /// `(nrows, ncols)`.
    pub(crate) fn shape(&self) -> (usize, usize) {
        match self {
            Multiplier::Lines(a) => a.shape(),
            Multiplier::Dense(a) => a.dim(),
        }
    }

    /// The type of the entries.
    pub(crate) fn entry(&self) -> Option<DType> {
        match self {
            Multiplier::Lines(a) => a.types().values,
            Multiplier::Dense(a) => Some(a.dtype()),
        }
    }

    /// One product, or that with the adjoint, with `k` interleaved vectors.
    pub(crate) fn product<X: Scalar>(
        &self,
        by: &Products<X>,
        adjoint: bool,
        (k, x, y): Operands<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        match self {
            Multiplier::Lines(a) => product(a, adjoint, Vectors { k, x, y }, by.methods, ctx),
            Multiplier::Dense(a) => {
                let methods = dense_methods(by)?;
                check_operands(a.dim(), adjoint, (k, x.len(), y.len()))?;
                if let Some(exact) = methods.exact
                    && exact(a, adjoint, (k, x, y), ctx)?
                {
                    return Ok(());
                }
                (methods.once)(a, adjoint, Vectors { k, x, y }, ctx)
            }
        }
    }
}

impl From<AnyCompressed> for Multiplier {
    fn from(matrix: AnyCompressed) -> Self {
        Multiplier::Lines(matrix)
    }
}

impl From<AnyDense> for Multiplier {
    fn from(matrix: AnyDense) -> Self {
        Multiplier::Dense(matrix)
    }
}

fn dense_methods<X: Scalar>(by: &Products<X>) -> Result<&DenseMethods<X>> {
    let methods = by.dense.as_ref();
    methods.ok_or_else(|| Error::new(ErrorKind::Type, "a dense matrix cannot be a pattern"))
}

/// A [`Multiplier`] prepared for many products.
pub(crate) enum Prepared {
    Lines(Box<PreparedLines>),
    Dense(Box<Readers<DensePanels>>),
}

impl Prepared {
    /// Prepares within `budget` bytes, in addition to those of the vectors; also for products with the adjoint if
    /// `across` is given.
    pub(crate) fn new(
        matrix: Multiplier,
        across: Option<Recompress>,
        (budget, vectors): (u64, u64),
        ctx: &Context,
    ) -> Result<Self> {
        match matrix {
            Multiplier::Lines(a) => {
                let encode = encodes(a.types().values);
                let budget = (budget, vectors);
                let lines = PreparedLines::new(&a, encode, across, budget, ctx)?;
                Ok(Prepared::Lines(Box::new(lines)))
            }
            Multiplier::Dense(a) => {
                let decoding = decoding(&a);
                let budget = budget.saturating_sub(decoding);
                let panels = DensePanels::new(&a, panel_step(a.lines().1), budget)?;
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
                panels.ask(&mut |panels| line_plan(panels, name, k, ctx).throughout(decoding))
            }
        }
    }

    /// `Aᴴ f(A X)` in one pass, where it reads the matrix and can; otherwise nothing, and `false`.
    pub(crate) fn normal<X: Scalar>(
        &self,
        by: &Products<X>,
        (k, x, y): Operands<'_, '_, X>,
        between: &mut Between<'_, X>,
        ctx: &Context,
    ) -> Result<bool> {
        match self {
            Prepared::Lines(lines) => lines.normal(Vectors { k, x, y }, between, by.methods, ctx),
            Prepared::Dense(panels) => {
                let methods = dense_methods(by)?;
                if !dense_normal_in_one(panels) || methods.exact.is_some() {
                    return Ok(false);
                }
                let lines = panels.model().most_lines();
                let _held = ctx.hold(bytes_of::<X>(lines.saturating_mul(k)));
                panels.with(ctx, &mut |panels| {
                    (methods.normal)(panels, Vectors { k, x, y }, &mut *between, ctx)
                })?;
                Ok(true)
            }
        }
    }

    /// The plan of `AᴴA X`, if it takes one pass.
    pub(crate) fn normal_plan<X: Scalar>(
        &self,
        by: &Products<X>,
        k: usize,
        ctx: &Context,
    ) -> Option<Plan> {
        match self {
            Prepared::Lines(lines) => (lines.normal_in_one() && by.methods.exact.is_none())
                .then(|| lines.normal_plan(k, size_of::<X>(), ctx)),
            Prepared::Dense(panels) => {
                let exact = by.dense.as_ref().is_some_and(|methods| methods.exact.is_some());
                (dense_normal_in_one(panels) && !exact).then(|| {
                    let lines = panels.model().most_lines();
                    let extra = bytes_of::<X>(lines.saturating_mul(k));
                    let _held = ctx.hold(extra);
                    let plan = self.plan(true, k, ctx).throughout(extra);
                    let work = panels.model().matrix().len() as u64 * k as u64;
                    Plan { operation: "normal product", ..plan }.works(work, work::DENSE_PRODUCT)
                })
            }
        }
    }

    /// Several levels in each sweep, where that is possible; otherwise nothing, and `false`.
    pub(crate) fn powers<X: Scalar>(
        &self,
        by: &Products<X>,
        powers: &mut Powers<'_, '_, X>,
        ctx: &Context,
    ) -> Result<bool> {
        match self {
            Prepared::Lines(lines) => lines.powers(powers, by.methods, ctx),
            Prepared::Dense(_) => Ok(false),
        }
    }

    /// The plan of powers, if several levels fit in a sweep.
    pub(crate) fn powers_plan<X: Scalar>(
        &self,
        by: &Products<X>,
        k: usize,
        levels: usize,
        ctx: &Context,
    ) -> Option<Plan> {
        match self {
            Prepared::Lines(lines) if by.methods.step.is_some() && by.methods.exact.is_none() => {
                lines.powers_plan((k, size_of::<X>()), levels, ctx)
            }
            _ => None,
        }
    }

    /// The type of the entries.
    pub(crate) fn entry(&self) -> Option<DType> {
        match self {
            Prepared::Lines(lines) => lines.matrix().types().values,
            Prepared::Dense(panels) => Some(panels.model().matrix().dtype()),
        }
    }

    /// The product, or that with the adjoint, with `k` interleaved vectors of the right lengths.
    pub(crate) fn product<X: Scalar>(
        &self,
        by: &Products<X>,
        adjoint: bool,
        (k, x, y): Operands<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        match self {
            Prepared::Lines(lines) => {
                lines.product(adjoint, Vectors { k, x, y }, by.methods, by.form, ctx)
            }
            Prepared::Dense(panels) => {
                let a = panels.model().matrix();
                let methods = dense_methods(by)?;
                if let Some(exact) = methods.exact
                    && exact(a, adjoint, (k, x, y), ctx)?
                {
                    return Ok(());
                }
                panels.with(ctx, &mut |panels| {
                    (methods.prepared)(panels, adjoint, Vectors { k, x, y }, ctx)
                })
            }
        }
    }
}

/// Whether `AᴴA X` of a dense matrix takes one pass: it is read, line by line of which each is a row.
fn dense_normal_in_one(panels: &Readers<DensePanels>) -> bool {
    let model = panels.model();
    model.reading.is_read() && model.matrix().order() == Order::C
}

/// Maximum memory for decoding lines of a dense matrix in a product.
pub(crate) fn decoding(a: &AnyDense) -> u64 {
    let size = decoded_size(a.dtype());
    let extra = |along| decoding_memory(a.lines(), along, size);
    extra(true).max(extra(false))
}
