//! A compressed matrix prepared for many products: read panel by panel, or encoded in fewer bytes if it fits.

use std::sync::OnceLock;

use crate::error::Result;
use crate::linalg::algebra::Scalar;
use crate::linalg::kernels::{Conjugation, How, SumShape, Update, Vectors};
use crate::linalg::product::lines_product::{Methods, is_along, product_plan, scatter_bytes};
use crate::linalg::product::operator::product_name;
use crate::linalg::product::powers::{Between, Powers};
use crate::linalg::product::prepared::compact::Compact;
use crate::linalg::product::prepared::encoded_lines::{EncodedLines, encoded_plan};
use crate::linalg::product::prepared::form::Form;
use crate::linalg::product::prepared::powers::{CachedParts, encoded_powers_plan, read_powers};
use crate::linalg::product::prepared::readers::{PreparedPanels, ProductReader, Readers};
use crate::sparse::{AnyCompressed, CompressedPanels};
use crate::storage::{Context, Lasts, Place, Plan, SparseFormat, Traffic, bytes_of, work};

/// The number of entries from which on an encoding can be worthwhile.
const WORTH: usize = 1 << 14;

/// The function for the product of an encoded matrix with vectors of `X`.
pub(crate) type FormProduct<X> = fn(&Form, How, Vectors<'_, '_, X>, &Context) -> Result<()>;

/// Compresses a matrix along the other axis. It is passed in by the caller: programs that never need it are linked
/// without the conversion.
pub(crate) type Recompress =
    fn(&AnyCompressed, &'static str, &Place, &Context) -> Result<AnyCompressed>;

/// A matrix in panels, and its encodings.
pub(crate) struct PreparedLines {
    readers: Readers<PreparedPanels>,
    /// For products along the lines, and for those across them.
    along: Option<Form>,
    across: Option<Form>,
    /// The parts in which powers use the form for products without the adjoint, found when they are first asked for.
    parts: OnceLock<CachedParts>,
}

impl PreparedLines {
    /// Prepares for products along the lines, and also for those across them if `across_by` is given, within `budget`
    /// bytes in addition to the vectors; encodes the lines if there are products for the encoding. An encoding uses at
    /// most half of the memory, so that the vectors still fit.
    pub(crate) fn new(
        matrix: &AnyCompressed,
        encode: bool,
        across_by: Option<Recompress>,
        (budget, vectors): (u64, u64),
        ctx: &Context,
    ) -> Result<Self> {
        let panels = Self::panels(matrix, budget, ctx)?;
        let (mut along, mut across) = (None, None);
        if encode && !panels.panels().is_read() && matrix.nnz() >= WORTH {
            let fits = |form: &Form, n: usize, extra: u64| {
                form.bytes().saturating_add(form.work_space(n)) <= extra
            };
            along = Form::new(matrix, SumShape::Interleaved, budget / 2, ctx)?
                .filter(|form| fits(form, matrix.minor(), budget / 2));
            let other = matrix.types().bytes_of(matrix.minor(), matrix.nnz());
            let rest = budget.saturating_sub(along.as_ref().map_or(0, Form::bytes) + other);
            if let Some(recompress) = across_by.filter(|_| rest >= other) {
                let other = recompress(matrix, "preparing", &Place::Memory, ctx)?;
                across = Form::new(&other, SumShape::InOrder, rest / 2, ctx)?
                    .filter(|form| fits(form, matrix.major(), rest / 2));
            }
        }
        let (readers, parts) = (Readers::new(panels, vectors, ctx), OnceLock::new());
        Ok(PreparedLines { readers, along, across, parts })
    }

    /// A matrix that fits as it is; a larger one with what its encoding makes of it in memory, if that saves reading.
    fn panels(matrix: &AnyCompressed, budget: u64, ctx: &Context) -> Result<PreparedPanels> {
        if matrix.stored_bytes() > budget
            && matrix.nnz() >= WORTH
            && let Some(lines) = EncodedLines::new(matrix, budget, ctx)?
        {
            return Ok(PreparedPanels::Encoded(lines));
        }
        Ok(PreparedPanels::Plain(CompressedPanels::new(matrix.clone(), budget, ctx)?))
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.readers.traffic()
    }

    /// The memory held by this value.
    pub(crate) fn lasts(&self) -> Lasts {
        let (major, minor) = (self.matrix().major(), self.matrix().minor());
        let Lasts { mut always, mut at_work } = self.readers.lasts();
        for (form, n) in [(&self.along, minor), (&self.across, major)] {
            always += form.as_ref().map_or(0, Form::bytes);
            at_work = at_work.max(form.as_ref().map_or(0, |form| form.work_space(n)));
        }
        Lasts { always, at_work }
    }

    pub(crate) fn matrix(&self) -> &AnyCompressed {
        self.readers.model().matrix()
    }

    /// The form used for products of this kind, if it is not the matrix.
    fn form(&self, adjoint: bool, k: usize) -> Option<&Form> {
        let form = if self.is_along(adjoint) { &self.along } else { &self.across };
        form.as_ref().filter(|form| form.multiplies(k))
    }

    pub(crate) fn plan(&self, adjoint: bool, k: usize, ctx: &Context) -> Plan {
        let (nrows, ncols) = self.matrix().shape();
        let n = if adjoint { nrows } else { ncols };
        // As it is held during the product.
        let _held = ctx.hold(self.readers.model().decoding_bytes());
        match self.form(adjoint, k) {
            Some(form) => form.plan(product_name(adjoint), n, k),
            None => self.readers.ask(&mut |panels| match panels {
                PreparedPanels::Plain(panels) => product_plan(panels, adjoint, k, ctx),
                PreparedPanels::Encoded(lines) => {
                    let scatter = scatter_bytes(self.matrix(), adjoint, ctx);
                    encoded_plan(lines, product_name(adjoint), k, scatter)
                }
            }),
        }
    }

    /// `Aᴴ f(A X)` in one pass, if the matrix is read and stored by rows; otherwise nothing, and `false`.
    pub(crate) fn normal<X: Scalar>(
        &self,
        Vectors { k, x, y }: Vectors<'_, '_, X>,
        between: &mut Between<'_, X>,
        methods: Methods<X>,
        ctx: &Context,
    ) -> Result<bool> {
        if !self.normal_in_one() || methods.exact.is_some() {
            return Ok(false);
        }
        let lines = self.readers.model().most_lines();
        let _held = ctx.hold(bytes_of::<X>(lines.saturating_mul(k)));
        self.readers.with(ctx, &mut |panels| {
            (methods.normal)(panels, Vectors { k, x, y }, &mut *between, ctx)
        })?;
        Ok(true)
    }

    /// Whether `AᴴA X` takes one pass.
    pub(crate) fn normal_in_one(&self) -> bool {
        self.matrix().format() == SparseFormat::Csr && self.readers.model().panels().is_read()
    }

    /// The plan of `AᴴA X` in one pass; numbers of the vectors have `size` bytes.
    pub(crate) fn normal_plan(&self, k: usize, size: usize, ctx: &Context) -> Plan {
        let lines = self.readers.model().most_lines();
        let extra = (lines.saturating_mul(k) as u64).saturating_mul(size as u64);
        let _held = ctx.hold(extra);
        let plan = self.plan(true, k, ctx).throughout(extra);
        let work = self.matrix().nnz() as u64 * k as u64;
        Plan { operation: "normal product", ..plan }.works(work, work::PRODUCT)
    }

    /// Several levels in each sweep, if that is possible; otherwise nothing, and `false`.
    pub(crate) fn powers<X: Scalar>(
        &self,
        powers: &mut Powers<'_, '_, X>,
        methods: Methods<X>,
        ctx: &Context,
    ) -> Result<bool> {
        let Some(step) = methods.step.filter(|_| methods.exact.is_none()) else {
            return Ok(false);
        };
        if let Some((compact, parts)) = self.cached(powers.k, powers.levels) {
            return parts.powers(compact, step, powers, ctx).map(|()| true);
        }
        if !self.reads_levels() {
            return Ok(false);
        }
        self.readers.with(ctx, &mut |panels| match panels {
            PreparedPanels::Encoded(lines) => read_powers(lines, step, powers, ctx).map(|()| true),
            PreparedPanels::Plain(_) => Ok(false),
        })
    }

    /// The plan of powers, if several levels fit in a sweep; numbers of the vectors have `size` bytes.
    pub(crate) fn powers_plan(
        &self,
        (k, size): (usize, usize),
        levels: usize,
        ctx: &Context,
    ) -> Option<Plan> {
        if let Some((compact, parts)) = self.cached(k, levels) {
            let work = compact.bytes().saturating_mul((k * levels) as u64);
            let extra = (parts.numbers(k) * size) as u64;
            let plan = Plan::new("powers").reads(levels as u64, 0).holds(extra);
            return Some(plan.works(work, work::ENCODED));
        }
        let model = self.readers.model();
        let extra = model.decoding_bytes() + (model.most_lines() * k * size) as u64;
        // As it is held during the sweeps.
        let _held = ctx.hold(extra);
        self.readers.ask(&mut |panels| match panels {
            PreparedPanels::Encoded(lines) if self.reads_levels() => {
                Some(encoded_powers_plan(lines, k, levels).throughout(extra))
            }
            _ => None,
        })
    }

    /// Whether products along the lines are read, and may be made several at a time.
    fn reads_levels(&self) -> bool {
        let (nrows, ncols) = self.matrix().shape();
        nrows == ncols && self.is_along(false)
    }

    /// The encoding in memory, in parts of which several levels are made in the cache, if that is worthwhile.
    fn cached(&self, k: usize, levels: usize) -> Option<(&Compact, &CachedParts)> {
        let compact = self.form(false, k)?.compact()?;
        let (nrows, ncols) = self.matrix().shape();
        if nrows != ncols {
            return None;
        }
        let parts = self.parts.get_or_init(|| CachedParts::new(compact));
        (parts.levels(levels, k) > 1).then_some((compact, parts))
    }

    /// The product, or that with the adjoint, by the functions for the entries.
    pub(crate) fn product<X: Scalar>(
        &self,
        adjoint: bool,
        Vectors { k, x, y }: Vectors<'_, '_, X>,
        methods: Methods<X>,
        multiply_form: Option<FormProduct<X>>,
        ctx: &Context,
    ) -> Result<()> {
        if let Some(exact) = methods.exact
            && exact(self.matrix(), adjoint, (k, x, y), ctx)?
        {
            return Ok(());
        }
        match self.form(adjoint, k).zip(multiply_form) {
            Some((form, multiply_form)) => {
                ctx.meter().pass();
                let entries = if adjoint { Conjugation::Conjugated } else { Conjugation::AsStored };
                let how = How { along: true, entries, update: Update::Set };
                multiply_form(form, how, Vectors { k, x, y }, ctx)
            }
            None => self.readers.with(ctx, &mut |panels| {
                (methods.panels)(panels, adjoint, Vectors { k, x, y }, ctx)
            }),
        }
    }

    /// Whether a product, or that with the adjoint, sums along the stored lines.
    fn is_along(&self, adjoint: bool) -> bool {
        is_along(self.matrix(), adjoint)
    }
}
