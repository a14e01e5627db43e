//! Products of CSR and CSC matrices, panel by panel: the choice of kernel and slices.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::algebra::{Decode, Factor, Scalar, Values};
use crate::linalg::kernels::{
    AnyPanel, Conjugation, How, Update, Vectors, multiply_lines, scatter_memory,
};
use crate::linalg::product::by_parts::BetweenEach;
use crate::linalg::product::line_source::{LineSource, LinesPart};
use crate::linalg::product::operator::{check_operands, product_name};
use crate::linalg::product::powers::Between;
use crate::linalg::product::prepared::{Compact, Expanded};
use crate::sparse::{AnyCompressed, CompressedPanel, CompressedPanels};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, Held, Plan, SparseFormat};

/// The function for the product of a matrix in panels, or of its adjoint, with vectors of `X`.
pub(crate) type PanelProduct<X> =
    fn(&mut dyn LineSource, bool, Vectors<'_, '_, X>, &Context) -> Result<()>;

/// The function for the product of some lines of a matrix, whose number of columns is given, along the lines.
pub(crate) type StepProduct<X> =
    fn(&LinesPart<'_>, usize, &mut Option<Expanded>, Vectors<'_, '_, X>, &Context) -> Result<()>;

/// The function for `AᴴA X` of a matrix in panels of rows.
pub(crate) type NormalProduct<X> =
    fn(&mut dyn LineSource, Vectors<'_, '_, X>, &mut Between<'_, X>, &Context) -> Result<()>;

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
    /// With one panel along its lines, where vectors are used as they are.
    pub(crate) step: Option<StepProduct<X>>,
    /// `AᴴA X` in one pass over compressed rows.
    pub(crate) normal: NormalProduct<X>,
    /// Whether a single vector, and its product, is copied.
    pub(crate) copies_one: bool,
}

/// The product, or that with the adjoint, of a matrix with these types.
pub(crate) fn product<X: Scalar>(
    a: &AnyCompressed,
    adjoint: bool,
    vectors: Vectors<'_, '_, X>,
    methods: Methods<X>,
    ctx: &Context,
) -> Result<()> {
    let Vectors { k, x, y } = vectors;
    check_operands(a.shape(), adjoint, (k, x.len(), y.len()))?;
    if let Some(exact) = methods.exact
        && exact(a, adjoint, (k, x, y), ctx)?
    {
        return Ok(());
    }
    let bytes = (size_of_val(x) + size_of_val(y)) as u64;
    let extra = if methods.copies_one && k == 1 { bytes } else { 0 };
    let budget = ctx.memory_left().saturating_sub(bytes + extra);
    let plan = |panels: &CompressedPanels| {
        let plan = product_plan(panels, adjoint, k, ctx).every_time();
        plan.reads(1, panels.kept).throughout(extra)
    };
    let vectors = Vectors { k, x, y };
    if a.stored_bytes() <= budget {
        // Without panels, which would cost more than the product of a small matrix.
        let _running = ctx.begin(|| Ok(plan(&CompressedPanels::in_place(a.clone()))))?;
        (methods.panels)(&mut &*a, adjoint, vectors, ctx)
    } else {
        let mut panels = CompressedPanels::for_one_sweep(a.clone(), budget, ctx)?;
        let _running = ctx.begin(|| Ok(plan(&panels)))?;
        (methods.panels)(&mut panels, adjoint, vectors, ctx)
    }
}

/// The plan of a product with `k` vectors, without the reads for making the panels.
pub(crate) fn product_plan(
    panels: &CompressedPanels,
    adjoint: bool,
    k: usize,
    ctx: &Context,
) -> Plan {
    let matrix = panels.matrix();
    panels
        .plan(product_name(adjoint))
        .reads_again(panels.reading.cost(0).again)
        .throughout(scatter_bytes(matrix, adjoint, ctx))
        .works(matrix.nnz() as u64 * k as u64, work::PRODUCT)
}

/// Memory of a product, or of one with the adjoint, besides panels: none along the lines.
pub(crate) fn scatter_bytes(matrix: &AnyCompressed, adjoint: bool, ctx: &Context) -> u64 {
    let (value, index, _) = matrix.types().sizes();
    match is_along(matrix, adjoint) {
        true => 0,
        false => scatter_memory(value, index, ctx.thread_count()),
    }
}

/// Whether a product, or that with the adjoint, sums along the stored lines.
pub(crate) fn is_along(matrix: &AnyCompressed, adjoint: bool) -> bool {
    (matrix.format() == SparseFormat::Csr) != adjoint
}

/// The products of lines, for entries of type `V` or entries decoded into it.
pub(crate) struct LineKernels<V: Factor<X>, X: Scalar> {
    pub(crate) decode: Option<Decode<V>>,
    /// Of encoded lines, if it is compiled; otherwise they are expanded.
    pub(crate) encoded: Option<EncodedProduct<V, X>>,
}

/// The product along encoded lines: some blocks, with the values that are read.
pub(crate) type EncodedProduct<V, X> = fn(
    &Compact,
    (Range<usize>, Option<Raw<'_>>),
    Option<Decode<V>>,
    (Conjugation, Update),
    (usize, &[X], &mut [X]),
    &Context,
) -> Result<()>;

impl<V: Factor<X>, X: Scalar> LineKernels<V, X> {
    /// As [`multiply`](Self::multiply), along the lines with the entries as they are stored.
    pub(crate) fn step(
        &self,
        part: &LinesPart<'_>,
        ncols: usize,
        buffer: &mut Option<Expanded>,
        vectors: Vectors<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        let (entries, update) = (Conjugation::AsStored, Update::Set);
        self.multiply(part, (How { along: true, entries, update }, ncols), buffer, vectors, ctx)
    }

    /// The product of some lines. Along them `y` has only their outputs, across them `x` only their numbers.
    ///
    /// `buffer` is for lines that must be expanded.
    pub(crate) fn multiply(
        &self,
        part: &LinesPart<'_>,
        (how, ncols): (How, usize),
        buffer: &mut Option<Expanded>,
        vectors: Vectors<'_, '_, X>,
        ctx: &Context,
    ) -> Result<()> {
        if let (LinesPart::Encoded(encoded), Some(product), true) = (part, self.encoded, how.along)
        {
            let (Vectors { k, x, y }, how) = (vectors, (how.entries, how.update));
            let blocks = (encoded.blocks.clone(), encoded.values);
            return product(encoded.compact, blocks, self.decode, how, (k, x, y), ctx);
        }
        let CompressedPanel { first, indptr, indices, data } = part.plain(buffer, ctx)?;
        let panel = AnyPanel { indptr, indices, ncols, first_row: first };
        ctx.with_threads(|| multiply_lines(panel, Values::new(data, self.decode), how, vectors))
    }
}

/// Products of a matrix in panels, several in one pass; vectors have the lengths of the whole products.
///
/// Along the stored axis (each result from one line) every panel gives its own part of `y`; across it (each line adds
/// to many results) panels add to `y` one after the other, in the order of the lines, so that the bits are those of the
/// whole matrix.
pub(crate) fn multiply_each<V: Factor<X>, X: Scalar>(
    source: &mut dyn LineSource,
    kernels: LineKernels<V, X>,
    adjoint: bool,
    products: &mut [Vectors<'_, '_, X>],
    ctx: &Context,
) -> Result<()> {
    let matrix = source.matrix();
    let along = is_along(matrix, adjoint);
    let entries = if adjoint { Conjugation::Conjugated } else { Conjugation::AsStored };
    let ncols = matrix.minor();
    let (mut next, mut buffer, _held) = (Update::Set, None, held_for_decoding(source, ctx));
    sweep(source, ctx, &mut |part| {
        let update = if along { Update::Set } else { std::mem::replace(&mut next, Update::Add) };
        let how = (How { along, entries, update }, ncols);
        let lines = part.lines();
        for Vectors { k, x, y } in &mut *products {
            let k = *k;
            let lines = lines.start * k..lines.end * k;
            let vectors = match along {
                true => Vectors { k, x, y: &mut y[lines] },
                false => Vectors { k, x: &x[lines], y },
            };
            kernels.multiply(&part, how, &mut buffer, vectors, ctx)?;
        }
        Ok(())
    })
}

/// `y = Aᴴ f(A x)` of a matrix in panels of rows, for several blocks of vectors in one pass: the bits are those of both
/// products, since panels add to `y` one after the other.
///
/// The caller counts a number for every line of a panel, and each of `k` vectors.
pub(crate) fn normal_each<V: Factor<X>, X: Scalar>(
    source: &mut dyn LineSource,
    kernels: LineKernels<V, X>,
    products: &mut [Vectors<'_, '_, X>],
    between: &mut BetweenEach<'_, X>,
    ctx: &Context,
) -> Result<()> {
    let ncols = source.matrix().minor();
    let (mut next, mut buffer, _held) = (Update::Set, None, held_for_decoding(source, ctx));
    let mut rows = vec![Vec::new(); products.len()];
    sweep(source, ctx, &mut |part| {
        let update = std::mem::replace(&mut next, Update::Add);
        let lines = part.lines();
        for (Vectors { k, x, .. }, rows) in products.iter().zip(&mut rows) {
            rows.resize(lines.len() * k, X::zero());
            let (entries, set) = (Conjugation::AsStored, Update::Set);
            let how = (How { along: true, entries, update: set }, ncols);
            let vectors = Vectors { k: *k, x, y: rows };
            kernels.multiply(&part, how, &mut buffer, vectors, ctx)?;
        }
        between(lines, &mut rows);
        for (Vectors { k, y, .. }, rows) in products.iter_mut().zip(&rows) {
            let entries = Conjugation::Conjugated;
            let how = (How { along: false, entries, update }, ncols);
            kernels.multiply(&part, how, &mut buffer, Vectors { k: *k, x: rows, y }, ctx)?;
        }
        Ok(())
    })
}

/// Counts the memory for the plain lines of encoded panels.
fn held_for_decoding(source: &dyn LineSource, ctx: &Context) -> Option<Held> {
    Some(source.decoding_bytes()).filter(|&bytes| bytes > 0).map(|bytes| ctx.hold(bytes))
}

/// Calls `multiply` with every panel; a bad index is an error that names its file.
pub(crate) fn sweep(
    source: &mut dyn LineSource,
    ctx: &Context,
    multiply: &mut dyn FnMut(LinesPart<'_>) -> Result<()>,
) -> Result<()> {
    ctx.check_cancelled()?;
    let swept = source.sweep(ctx, multiply);
    swept.map_err(|error| source.matrix().name_indices(error))
}
