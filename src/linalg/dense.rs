//! Products of dense matrices, in either order: a Fortran-ordered matrix is the transposed call.

use std::ops::Deref;

use ndarray::Ix2;

use crate::dense::DenseBase;
use crate::error::Result;
use crate::linalg::kernels::{DenseRows, Entries, Update, dense_gather, dense_scatter};
use crate::linalg::operator::LinearOperator;
use crate::linalg::scalar::{Factor, Scalar};
use crate::storage::{Context, Element, Order};

/// One pass over the matrix for every product, whatever its order.
impl<X: Scalar, T: Element + Factor<X>, B: Deref<Target = [T]> + Sync> LinearOperator<X>
    for DenseBase<B, Ix2>
{
    fn shape(&self) -> (usize, usize) {
        self.dim()
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_block(1, x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        product(self, self.order() == Order::Fortran, Entries::Conjugated, 1, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        product(self, self.order() == Order::C, Entries::AsStored, k, x, y, ctx)
    }
}

/// The product along the contiguous axis (each result one line) or across it (each line adds to all results).
fn product<X: Scalar, T: Element + Factor<X>, B: Deref<Target = [T]> + Sync>(
    a: &DenseBase<B, Ix2>,
    along: bool,
    entries: Entries,
    k: usize,
    x: &[X],
    y: &mut [X],
    ctx: &Context,
) -> Result<()> {
    ctx.check_cancelled()?;
    let (nrows, ncols) = a.dim();
    let (lines, length) = if a.order() == Order::C { (nrows, ncols) } else { (ncols, nrows) };
    let rows = DenseRows::new(a.as_slice(), lines, length, length)?;
    ctx.run(|| match along {
        true => dense_gather(rows, entries, Update::set(), x, y, k),
        false => dense_scatter(rows, entries, Update::set(), x, y, k),
    })
}
