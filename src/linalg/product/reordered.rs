//! A permuted square matrix that remembers its permutation.

use crate::error::{Error, Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::product::operator::LinearOperator;
use crate::sparse::{Axis, Compressed, Permutation};
use crate::storage::parallel::Tasks;
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{Context, Entry, Index, Place, Plan};

/// Rows of vectors that a task moves.
const TASK: usize = 1 << 14;

/// A square matrix (or operator) with permuted rows and columns, and the permutation.
///
/// As a [`LinearOperator`] it takes and returns vectors in the original order: it permutes `x`, multiplies, and
/// permutes `y` back. For many products, as in a solver, permute the vectors once and work with
/// [`matrix`](Self::matrix).
///
/// ```
/// use outcore::linalg::{LinearOperator, Operator};
/// use outcore::{Context, Csr, Place, graph::reverse_cuthill_mckee, solve};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let b = vec![1.0; 400];
/// let reordered = a.reorder(&reverse_cuthill_mckee(&a, &ctx)?, Place::Memory, &ctx)?;
/// // The same product, up to the order in which a row is summed.
/// assert_eq!(reordered.matvec(&b)?, a.matvec(&b)?);
///
/// // A system solved in the new order.
/// let operator = Operator::new(reordered.matrix(), &ctx)?;
/// let order = reordered.order();
/// let mut y = vec![0.0; 400];
/// operator.apply(&order.permute(&b, &ctx)?, &mut y, &ctx)?;
/// let mut x = vec![0.0; 400];
/// order.restore_into(&y, &mut x)?;
/// assert_eq!(x, a.matvec(&b)?);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reordered<M> {
    matrix: M,
    order: Permutation,
}

impl<M> Reordered<M> {
    /// The permuted matrix.
    pub fn matrix(&self) -> &M {
        &self.matrix
    }

    /// `(nrows, ncols)`, which are the same.
    pub fn shape(&self) -> (usize, usize) {
        (self.nrows(), self.ncols())
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.order.len()
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.order.len()
    }

    /// The permutation: row and column `k` of the matrix were `order()[k]`.
    pub fn order(&self) -> &Permutation {
        &self.order
    }

    /// The matrix and the permutation.
    pub fn into_parts(self) -> (M, Permutation) {
        (self.matrix, self.order)
    }

    /// Replaces the matrix by a value made from it, in the same order, such as an [`Operator`](crate::linalg::Operator)
    /// prepared from it.
    pub fn try_map<N>(self, make: impl FnOnce(M) -> Result<N>) -> Result<Reordered<N>> {
        Ok(Reordered { matrix: make(self.matrix)?, order: self.order })
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Permutes rows and columns of a square matrix alike, and remembers the permutation. Cost and errors as for
    /// [`permute`](Self::permute).
    ///
    /// [`reverse_cuthill_mckee`](crate::graph::reverse_cuthill_mckee) and [`degree_order`](crate::graph::degree_order)
    /// compute permutations that place data used together close in memory.
    pub fn reorder(
        &self,
        order: &Permutation,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Reordered<Self>> {
        let (nrows, ncols) = self.shape();
        if nrows != ncols {
            let found = format!("{nrows} x {ncols}");
            return Err(Error::shape("the matrix", "as many rows as columns", found));
        }
        let matrix = self.permute(order, order, place, ctx)?;
        Ok(Reordered { matrix, order: order.clone() })
    }
}

/// A product allocates a vector for `x` and one for `y` in the new order.
impl<X: Scalar, M: LinearOperator<X>> LinearOperator<X> for Reordered<M> {
    fn shape(&self) -> (usize, usize) {
        self.matrix.shape()
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.in_order(1, x, y, ctx, |x, y| self.matrix.apply(x, y, ctx))
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.in_order(1, x, y, ctx, |x, y| self.matrix.apply_adjoint(x, y, ctx))
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.in_order(k, x, y, ctx, |x, y| self.matrix.apply_block(k, x, y, ctx))
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.in_order(k, x, y, ctx, |x, y| self.matrix.apply_adjoint_block(k, x, y, ctx))
    }

    fn apply_normal(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.in_order(k, x, y, ctx, |x, y| self.matrix.apply_normal(k, x, y, ctx))
    }

    fn plan_normal(&self, k: usize, ctx: &Context) -> Result<Plan> {
        let vectors = 2 * self.order.len() * size_of::<X>() * k;
        Ok(self.matrix.plan_normal(k, ctx)?.throughout(vectors as u64))
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        let vectors = 2 * self.order.len() * size_of::<X>() * k;
        Ok(self.matrix.plan_block(adjoint, k, ctx)?.throughout(vectors as u64))
    }

    fn context(&self) -> Context {
        self.matrix.context()
    }
}

impl<M> Reordered<M> {
    /// A product with `k` vectors in the order of the matrix; rows of `k` elements are moved unchanged.
    fn in_order<X: Scalar>(
        &self,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
        product: impl FnOnce(&[X], &mut [X]) -> Result<()>,
    ) -> Result<()> {
        let (order, len) = (self.order.order(), self.order.len().saturating_mul(k));
        check_shape("x", len, x.len())?;
        check_shape("y", len, y.len())?;
        let mut moved = ctx.filled("x in order", len, X::zero())?;
        let mut results = ctx.filled("y in order", len, X::zero())?;
        bring(order, k, Raw::of(x), RawMut::of(&mut moved), ctx);
        product(&moved, &mut results)?;
        restore(order, k, Raw::of(&results), RawMut::of(y));
        Ok(())
    }
}

/// Copies row `order[i]` of `from`, of `k` elements, to row `i` of `to`.
fn bring(order: &[usize], k: usize, from: Raw<'_>, to: RawMut<'_>, ctx: &Context) {
    ctx.with_threads(|| {
        let tasks = to.par_chunks_mut(TASK * k.max(1)).enumerate();
        tasks.for_each(|(task, mut to)| {
            let order = &order[task * TASK..];
            if k == 1 {
                let order = &order[..to.len()];
                return to.gather(order, from).expect("an order of all rows");
            }
            for (row, &old) in (0..to.len() / k).zip(order) {
                let from = from.slice(old * k..old * k + k);
                to.slice_mut(row * k..row * k + k).copy_from(from);
            }
        });
    });
}

/// Copies row `i` of `from`, of `k` elements, to row `order[i]` of `to`.
fn restore(order: &[usize], k: usize, from: Raw<'_>, mut to: RawMut<'_>) {
    if k == 1 {
        return to.scatter(order, from).expect("an order of all rows");
    }
    for (row, &old) in order.iter().enumerate() {
        let from = from.slice(row * k..row * k + k);
        to.slice_mut(old * k..old * k + k).copy_from(from);
    }
}
