//! Products of CSR and CSC matrices: which kernel, on which slices.

use crate::error::{Error, Result};
use crate::linalg::kernels::{Entries, Panel, Update, gather, scatter};
use crate::linalg::operator::LinearOperator;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed};
use crate::storage::{Context, Entry, Index, SparseFormat};

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
        true => gather(panel, entries, Update::set(), x, y, k),
        false => scatter(panel, entries, Update::set(), x, y, k, None),
    });
    done.map_err(|error| name_file(error, a))
}

/// Names the file behind the indices, if there is one, in an error about them.
fn name_file<T: Entry, I: Index, P: Index, A: Axis>(
    error: Error,
    a: &Compressed<T, I, P, A>,
) -> Error {
    match a.indices().file() {
        Some((path, _)) if error.kind() == crate::error::ErrorKind::Index => error.in_file(path),
        _ => error,
    }
}
