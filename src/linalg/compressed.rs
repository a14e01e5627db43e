//! Products of CSR and CSC matrices: which kernel, on which slices.

use crate::error::Result;
use crate::linalg::kernels::{Entries, Panel, Update, gather_block, scatter_block};
use crate::linalg::operator::LinearOperator;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed};
use crate::storage::{Context, Index, SparseFormat};

/// Products along the stored axis take one pass over the matrix; across it, with more than one thread, one more over
/// its indices. The result does not depend on the number of threads. A bad index is an error that names its place.
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
        let along = A::FORMAT == SparseFormat::Csc;
        product(self, along, Entries::Conjugated, 1, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let along = A::FORMAT == SparseFormat::Csr;
        product(self, along, Entries::AsStored, k, x, y, ctx)
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
    ctx.check_cancelled()?;
    let panel = Panel::new(a.indptr(), a.indices(), a.data(), a.minor(), 0)?;
    let done = ctx.run(|| match along {
        true => gather_block(panel, entries, Update::set(), x, y, k),
        false => scatter_block(panel, entries, Update::set(), x, y, k, None),
    });
    done.map_err(|error| a.name_indices(error))
}
