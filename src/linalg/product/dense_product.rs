//! Products of dense matrices, panel by panel, in either order: for a Fortran-ordered matrix the transposed product is
//! called.

use crate::dense::{AnyDense, DensePanel, DensePanels};
use crate::error::Result;
use crate::linalg::algebra::{Decode, Factor, Scalar};
use crate::linalg::kernels::{
    Conjugation, DenseRows, How, Update, Vectors, multiply_dense, scatter_height, scatter_sums,
};
use crate::linalg::product::by_parts::BetweenEach;
use crate::linalg::product::operator::product_name;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::work;
use crate::storage::{Context, Element, Order, Plan, bytes_of};

/// The product along the contiguous axis (each result from one line) or across it (each line adds to all results).
fn product<X: Scalar, T: Element + Factor<X>>(
    elements: &[T],
    (lines, length): (usize, usize),
    along: bool,
    entries: Conjugation,
    update: Update,
    (k, x, y): (usize, &[X], &mut [X]),
    ctx: &Context,
) -> Result<()> {
    ctx.check_cancelled()?;
    let rows = DenseRows::new(elements, lines, length, length)?;
    let (how, vectors) = (How { along, entries, update }, Vectors { k, x, y });
    ctx.with_threads(|| multiply_dense(rows, how, vectors))
}

/// The plan of a product with `k` vectors.
pub(crate) fn line_plan(panels: &DensePanels, name: &'static str, k: usize, ctx: &Context) -> Plan {
    let matrix = panels.matrix();
    let sums = scatter_sums(panels.shape().1, ctx.thread_count()) * k * size_of::<[f64; 2]>();
    let plan = panels.reading.plan(name).throughout(sums as u64);
    plan.reads_again(panels.reading.cost(0).again)
        .works(matrix.len() as u64 * k as u64, work::DENSE_PRODUCT)
}

/// Every panel but the last must have a multiple of this many lines, so that panels give the bits of the whole.
pub(crate) fn panel_step(length: usize) -> usize {
    scatter_height(length)
}

/// Elements that are decoded together, if lines are not longer.
const DECODED: usize = 1 << 17;

/// Elements that a task decodes.
const TASK: usize = 1 << 14;

/// Lines of `length` elements that are decoded together: across lines, as many as keep the bits of the whole.
fn decoded_lines(length: usize, along: bool) -> usize {
    let (lines, step) = (DECODED / length.max(1), if along { 1 } else { panel_step(length) });
    (lines / step * step).max(step)
}

/// Memory for decoding lines of a matrix as numbers of `size` bytes.
pub(crate) fn decoding_memory((lines, length): (usize, usize), along: bool, size: usize) -> u64 {
    (decoded_lines(length, along).min(lines) as u64)
        .saturating_mul(length as u64)
        .saturating_mul(size as u64)
}

/// Products of a matrix in panels, several in one pass, for elements of type `W` or elements decoded into it; vectors
/// have the lengths of the whole product.
pub(crate) fn line_product<W: Element + Factor<X>, X: Scalar>(
    panels: &mut DensePanels,
    decode: Option<Decode<W>>,
    adjoint: bool,
    products: &mut [Vectors<'_, '_, X>],
    ctx: &Context,
) -> Result<()> {
    let along = (panels.matrix().order() == Order::C) != adjoint;
    let entries = if adjoint { Conjugation::Conjugated } else { Conjugation::AsStored };
    let (shape, mut update) = (panels.shape(), Update::Set);
    let step = decoded_lines(shape.1, along);
    sweep_decoded(panels, decode, step, ctx, &mut |first, lines, elements: &[W]| {
        let next = if along { Update::Set } else { Update::Add };
        let update = std::mem::replace(&mut update, next);
        products.iter_mut().try_for_each(|Vectors { k, x, y }| {
            let (k, here) = (*k, first * *k..(first + lines) * *k);
            let operands = match along {
                true => (k, *x, &mut y[here]),
                false => (k, &x[here], &mut **y),
            };
            product(elements, (lines, shape.1), along, entries, update, operands, ctx)
        })
    })
}

/// `Aᴴ f(A X)` of a matrix in panels of rows, for several blocks of vectors in one pass: the bits are those of both
/// products, since panels are cut where sums of the second are.
///
/// The caller counts a number for every line of a panel, and each of `k` vectors.
pub(crate) fn normal_product<W: Element + Factor<X>, X: Scalar>(
    panels: &mut DensePanels,
    decode: Option<Decode<W>>,
    products: &mut [Vectors<'_, '_, X>],
    between: &mut BetweenEach<'_, X>,
    ctx: &Context,
) -> Result<()> {
    let (length, mut update) = (panels.shape().1, Update::Set);
    let step = decoded_lines(length, false);
    let mut rows = vec![Vec::new(); products.len()];
    sweep_decoded(panels, decode, step, ctx, &mut |first, lines, elements: &[W]| {
        let update = std::mem::replace(&mut update, Update::Add);
        let shape = (lines, length);
        for (Vectors { k, x, .. }, rows) in products.iter().zip(&mut rows) {
            rows.resize(lines * k, X::zero());
            let (stored, set) = (Conjugation::AsStored, Update::Set);
            product(elements, shape, true, stored, set, (*k, *x, rows), ctx)?;
        }
        between(first..first + lines, &mut rows);
        products.iter_mut().zip(&rows).try_for_each(|(Vectors { k, y, .. }, rows)| {
            let entries = Conjugation::Conjugated;
            product(elements, shape, false, entries, update, (*k, rows, &mut **y), ctx)
        })
    })
}

/// Calls `multiply` with the first line, the number of lines and the elements of every panel, decoded `step` lines at a
/// time if they must be.
fn sweep_decoded<W: Element>(
    panels: &mut DensePanels,
    decode: Option<Decode<W>>,
    step: usize,
    ctx: &Context,
    multiply: &mut dyn FnMut(usize, usize, &[W]) -> Result<()>,
) -> Result<()> {
    let (height, length) = panels.shape();
    let len = if decode.is_some() { step.min(height).saturating_mul(length) } else { 0 };
    let _held = ctx.hold(bytes_of::<W>(len));
    let mut wide = ctx.work::<W>("decoded lines", len)?;
    panels.sweep(ctx, &mut |DensePanel { first, lines, elements, .. }| {
        let Some(decode) = decode else {
            return multiply(first, lines, elements.as_typed());
        };
        for start in (0..lines.max(1)).step_by(step) {
            let some = lines.min(start + step) - start;
            let from = elements.slice(start * length..(start + some) * length);
            let to = &mut wide[..some * length];
            ctx.with_threads(|| {
                let tasks = to.par_chunks_mut(TASK).enumerate();
                tasks.for_each(|(task, to)| {
                    decode(from.slice(task * TASK..task * TASK + to.len()), to);
                });
            });
            multiply(first + start, some, to)?;
        }
        Ok(())
    })
}

/// Products of a dense matrix, or those with the adjoint, in one pass, as by [`line_product`]. The operation uses
/// `throughout` more bytes.
pub(crate) fn any_product<W: Element + Factor<X>, X: Scalar>(
    a: &AnyDense,
    decode: Option<Decode<W>>,
    adjoint: bool,
    (products, extra): (&mut [Vectors<'_, '_, X>], u64),
    ctx: &Context,
) -> Result<()> {
    let along = (a.order() == Order::C) != adjoint;
    let decoding = match decode {
        Some(_) => decoding_memory(a.lines(), along, size_of::<W>()),
        None => 0,
    };
    let vectors = products.iter().map(|it| (size_of_val(it.x) + size_of_val(it.y)) as u64);
    let taken = vectors.sum::<u64>() + extra + decoding;
    let k = products.iter().map(|it| it.k).sum();
    let mut panels = panels_beside(a, taken, ctx)?;
    let _running = ctx.begin(|| {
        Ok(line_plan(&panels, product_name(adjoint), k, ctx).throughout(decoding + extra))
    })?;
    line_product(&mut panels, decode, adjoint, products, ctx)
}

/// Panels for one pass, next to vectors of this many bytes.
pub(crate) fn panels_beside(a: &AnyDense, vectors: u64, ctx: &Context) -> Result<DensePanels> {
    let budget = ctx.memory_left().saturating_sub(vectors);
    DensePanels::for_one_sweep(a, panel_step(a.lines().1), budget)
}
