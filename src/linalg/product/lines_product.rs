//! Products of CSR and CSC matrices, panel by panel: the choice of kernel and slices.

use crate::error::Result;
use crate::linalg::algebra::{Decode, Factor, Scalar, Values};
use crate::linalg::product::kernels::{
    AnyPanel, Conjugation, How, Update, Vectors, multiply_lines, scatter_memory,
};
use crate::linalg::product::operator::{check_operands, product_name};
use crate::sparse::{AnyCompressed, AnyLinePanel, AnyLinePanels};
use crate::storage::work;
use crate::storage::{Context, Plan, Running, SparseFormat};

/// The function for the product of a matrix in panels, or of its adjoint, with vectors of `X`.
pub(crate) type PanelProduct<X> =
    fn(&mut AnyLinePanels, bool, Vectors<'_, '_, X>, &Context) -> Result<()>;

/// The function that computes a product exactly if necessary, and returns whether it did.
pub(crate) type ExactProduct<X> =
    fn(&AnyCompressed, bool, (usize, &[X], &mut [X]), &Context) -> Result<bool>;

/// The functions for products of entries of one type with vectors.
#[derive(Clone, Copy)]
pub(crate) struct Methods<X: Scalar> {
    /// Computes the product with `k` vectors if it needs more digits than numbers of `X` have, and returns whether it
    /// does: only 64-bit integers do, and only with integers.
    pub(crate) exact: Option<ExactProduct<X>>,
    pub(crate) panels: PanelProduct<X>,
    /// Whether a single vector, and its product, is copied.
    pub(crate) copies_one: bool,
}

/// The product, or that with the adjoint, of a matrix with these types.
pub(crate) fn product<X: Scalar>(
    a: AnyCompressed,
    adjoint: bool,
    vectors: Vectors<'_, '_, X>,
    methods: Methods<X>,
    ctx: &Context,
) -> Result<()> {
    let Vectors { k, x, y } = vectors;
    check_operands(a.shape(), adjoint, (k, x.len(), y.len()))?;
    if let Some(exact) = methods.exact
        && exact(&a, adjoint, (k, x, y), ctx)?
    {
        return Ok(());
    }
    let bytes = (size_of_val(x) + size_of_val(y)) as u64;
    let extra = if methods.copies_one && k == 1 { bytes } else { 0 };
    let (mut panels, _running) = one_product(a, adjoint, (k, bytes, extra), ctx)?;
    (methods.panels)(&mut panels, adjoint, Vectors { k, x, y }, ctx)
}

/// Panels for one product, starting now, with `k` vectors that take `bytes` bytes with their products, and `throughout`
/// more.
fn one_product(
    a: AnyCompressed,
    adjoint: bool,
    (k, bytes, extra): (usize, u64, u64),
    ctx: &Context,
) -> Result<(AnyLinePanels, Running)> {
    let budget = ctx.memory_left().saturating_sub(bytes + extra);
    let panels = AnyLinePanels::for_one_sweep(a, budget, ctx)?;
    let running = ctx.begin(|| {
        let plan = product_plan(&panels, adjoint, k, ctx).every_time();
        Ok(plan.reads(1, panels.bytes_kept()).throughout(extra))
    })?;
    Ok((panels, running))
}

/// The plan of a product with `k` vectors, without the reads for making the panels.
pub(crate) fn product_plan(panels: &AnyLinePanels, adjoint: bool, k: usize, ctx: &Context) -> Plan {
    let matrix = panels.matrix();
    let (value, index, _) = matrix.types().sizes();
    Plan::new(product_name(adjoint))
        .on_device_of(matrix.indices_buffer().file())
        .reads(1, panels.panels().bytes_to_read())
        .reads_again(panels.panels().bytes_to_read_again())
        .holds(panels.memory() + scatter_memory(value, index, ctx.thread_count()))
        .works(matrix.nnz() as u64 * k as u64, work::PRODUCT)
}

/// The product of a matrix in panels; vectors have the lengths of the whole product.
///
/// Along the stored axis (each result from one line) every panel gives its own part of `y`; across it (each line adds
/// to many results) panels add to `y` one after the other, in the order of the lines, so that the bits are those of the
/// whole matrix.
pub(crate) fn multiply_panels<V: Factor<X>, X: Scalar>(
    panels: &mut AnyLinePanels,
    decode: Option<Decode<V>>,
    adjoint: bool,
    vectors: Vectors<'_, '_, X>,
    ctx: &Context,
) -> Result<()> {
    multiply_each(panels, decode, adjoint, &mut [vectors], ctx)
}

/// As [`multiply_panels`], several products in one sweep.
pub(crate) fn multiply_each<V: Factor<X>, X: Scalar>(
    panels: &mut AnyLinePanels,
    decode: Option<Decode<V>>,
    adjoint: bool,
    products: &mut [Vectors<'_, '_, X>],
    ctx: &Context,
) -> Result<()> {
    let matrix = panels.matrix();
    let along = (matrix.format() == SparseFormat::Csr) != adjoint;
    let entries = if adjoint { Conjugation::Conjugated } else { Conjugation::AsStored };
    let ncols = matrix.minor();
    let mut next = Update::Set;
    sweep(panels, ctx, &mut |AnyLinePanel { first, indptr, indices, data }| {
        let update = if along { Update::Set } else { std::mem::replace(&mut next, Update::Add) };
        let how = How { along, entries, update };
        for Vectors { k, x, y } in &mut *products {
            let k = *k;
            let lines = first * k..(first + indptr.len() - 1) * k;
            let vectors = match along {
                true => Vectors { k, x, y: &mut y[lines] },
                false => Vectors { k, x: &x[lines], y },
            };
            let panel = AnyPanel { indptr, indices, ncols, first_row: first };
            ctx.with_threads(|| multiply_lines(panel, Values::new(data, decode), how, vectors))?;
        }
        Ok(())
    })
}

/// Calls `multiply` with every panel; a bad index is an error that names its file.
fn sweep(
    panels: &mut AnyLinePanels,
    ctx: &Context,
    multiply: &mut dyn FnMut(AnyLinePanel<'_>) -> Result<()>,
) -> Result<()> {
    ctx.check_cancelled()?;
    let swept = panels.sweep(ctx, multiply);
    swept.map_err(|error| panels.matrix().name_indices(error))
}
