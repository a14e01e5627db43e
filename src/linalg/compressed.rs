//! Products of CSR and CSC matrices: which kernel, on which slices.

use crate::error::{Result, check_shape};
use crate::linalg::kernels::{AnyPanel, Entries, How, Update, Vectors, scatter_memory};
use crate::linalg::operator::{LinearOperator, planned, product_name};
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed, LinePanels};
use crate::storage::{Context, Entry, Index, Plan, SparseFormat};

/// Products along the stored axis take one pass over the matrix; across it, with more than one thread, one more over
/// its indices. A stored matrix larger than the memory limit is read panel by panel, once. The result does not depend on the number of threads. A bad index is an error that names its place.
impl<X: Scalar, T: Factor<X>, I: Index, P: Index, A: Axis> LinearOperator<X>
    for Compressed<T, I, P, A>
{
    fn shape(&self) -> (usize, usize) {
        self.shape()
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_block(1, x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_adjoint_block(1, x, y, ctx)
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let along = A::FORMAT == SparseFormat::Csc;
        product(self, along, Entries::Conjugated, k, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let along = A::FORMAT == SparseFormat::Csr;
        product(self, along, Entries::AsStored, k, x, y, ctx)
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        planned::<X>(self, adjoint, k, ctx)
    }
}

/// The product along the stored axis (each result one line) or across it (each line adds to many results).
fn product<X: Scalar, T: Factor<X>, I: Index, P: Index, A: Axis>(
    a: &Compressed<T, I, P, A>,
    along: bool,
    entries: Entries,
    k: usize,
    x: &[X],
    y: &mut [X],
    ctx: &Context,
) -> Result<()> {
    check_operands(a, along, k, x, y)?;
    if T::exact_sparse(a, entries == Entries::Conjugated, (k, x, y), ctx)? {
        return Ok(());
    }
    let vectors = (size_of_val(x) + size_of_val(y)) as u64;
    let budget = ctx.memory_left().saturating_sub(vectors);
    let mut panels = LinePanels::for_one_sweep(a, budget, ctx)?;
    let _running = ctx.begin(|| {
        let adjoint = entries == Entries::Conjugated;
        let plan = product_plan(&panels, adjoint, k, ctx).every_time();
        Ok(plan.reads(1, panels.bytes_kept()))
    })?;
    panel_product(&mut panels, along, entries, k, x, y, ctx)
}

/// Fails unless `x` and `y` have the lengths of the product.
fn check_operands<X: Scalar, T: Factor<X>, I: Index, P: Index, A: Axis>(
    a: &Compressed<T, I, P, A>,
    along: bool,
    k: usize,
    x: &[X],
    y: &[X],
) -> Result<()> {
    let (to, from) = if along { (a.major(), a.minor()) } else { (a.minor(), a.major()) };
    check_shape("x", from.saturating_mul(k), x.len())?;
    check_shape("y", to.saturating_mul(k), y.len())
}

/// What a product with `k` vectors costs; what was read to make the panels is not in it.
pub(crate) fn product_plan<T: Entry, I: Index, P: Index, A: Axis>(
    panels: &LinePanels<T, I, P, A>,
    adjoint: bool,
    k: usize,
    ctx: &Context,
) -> Plan {
    let matrix = panels.matrix();
    Plan::new(product_name(adjoint))
        .on_device_of(matrix.indices().file())
        .reads(1, panels.bytes_to_read())
        .reads_again(panels.bytes_to_read_again())
        .holds(panels.memory() + scatter_memory::<T, I>(ctx.thread_count()))
        .works(matrix.nnz() as u64 * k as u64, 1.0)
}

/// The product of a matrix that comes in panels; `x` and `y` have the lengths of the whole product.
///
/// Along the stored axis every panel gives its own part of `y`; across it panels add to `y` one after the other, in the
/// order of the lines, so that the bits are those of the matrix handed out at once.
pub(crate) fn panel_product<X: Scalar, T: Factor<X>, I: Index, P: Index, A: Axis>(
    panels: &mut LinePanels<T, I, P, A>,
    along: bool,
    entries: Entries,
    k: usize,
    x: &[X],
    y: &mut [X],
    ctx: &Context,
) -> Result<()> {
    ctx.check_cancelled()?;
    let minor = panels.matrix().minor();
    let mut update = Update::Set;
    let swept = panels.sweep(ctx, &mut |panel| {
        let lines = panel.first * k..(panel.first + panel.indptr.len() - 1) * k;
        let (indptr, indices) = (panel.indptr.into(), panel.indices.into());
        let values = panel.data;
        let lines_here = AnyPanel { indptr, indices, values, ncols: minor, first_row: panel.first };
        let next = std::mem::replace(&mut update, Update::Add);
        let update = if along { Update::Set } else { next };
        let vectors = match along {
            true => Vectors { k, x, y: &mut y[lines] },
            false => Vectors { k, x: &x[lines], y },
        };
        ctx.with_threads(|| T::multiply_lines(lines_here, How { along, entries, update }, vectors))
    });
    swept.map_err(|error| panels.matrix().name_indices(error))
}
