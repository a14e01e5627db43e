//! What a solver needs of a matrix: its product with vectors, independent of its storage.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::product::powers::{
    Between, Level, Powers, in_two, level_by_level, plan_in_two, plan_level_by_level,
};
use crate::storage::{Context, Plan, bytes_of, filled};

/// A linear map between vectors of `X`, known only by its products.
///
/// Implemented by [`Dense`](crate::Dense), [`Csr`](crate::Csr) and [`Csc`](crate::Csc), in memory or mapped. Solvers
/// are based on it. A user-defined type becomes an operator by implementing `shape` and `apply`, and `apply_adjoint` if
/// needed. [`FnOperator`](crate::linalg::FnOperator) makes an operator from functions.
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::{Context, Result};
///
/// /// The second difference, without a matrix.
/// struct Laplacian(usize);
///
/// impl LinearOperator<f64> for Laplacian {
///     fn shape(&self) -> (usize, usize) {
///         (self.0, self.0)
///     }
///     fn apply(&self, x: &[f64], y: &mut [f64], _: &Context) -> Result<()> {
///         let at = |i: Option<usize>| i.and_then(|i| x.get(i)).copied().unwrap_or(0.0);
///         for i in 0..self.0 {
///             y[i] = 2.0 * x[i] - at(i.checked_sub(1)) - at(Some(i + 1));
///         }
///         Ok(())
///     }
///     fn apply_adjoint(&self, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
///         self.apply(x, y, ctx)
///     }
/// }
///
/// let mut y = [0.0; 3];
/// Laplacian(3).apply(&[1.0; 3], &mut y, &Context::new())?;
/// assert_eq!(y, [1.0, 0.0, 1.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub trait LinearOperator<X: Scalar> {
    /// `(nrows, ncols)`: it maps vectors of length `ncols` to vectors of length `nrows`.
    fn shape(&self) -> (usize, usize);

    /// `y = A x`; `y` is not read.
    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()>;

    /// `y = Aᴴ x`, the conjugate transpose; the transpose for real matrices.
    ///
    /// Fails with [`ErrorKind::Unsupported`] unless the operator implements it.
    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let _ = (x, y, ctx);
        Err(no_adjoint(std::any::type_name::<Self>()))
    }

    /// `Y = A X` for `k` vectors at once: `x` has `ncols` rows of `k` elements, `y` receives `nrows` rows of `k`.
    ///
    /// Matrices are read once for all `k`; an operator that does not implement it is applied `k` times.
    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let (nrows, ncols) = self.shape();
        one_by_one(k, (ncols, x), (nrows, y), |one, product| self.apply(one, product, ctx))
    }

    /// `Y = Aᴴ X` for `k` vectors at once: `x` has `nrows` rows of `k` elements, `y` receives `ncols` rows of `k`.
    ///
    /// Matrices are read once for all `k`; an operator that does not implement it is applied `k` times.
    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let (nrows, ncols) = self.shape();
        one_by_one(k, (nrows, x), (ncols, y), |one, product| self.apply_adjoint(one, product, ctx))
    }

    /// `Y = Aᴴ A X` for `k` vectors at once: `x` and `y` have `ncols` rows of `k` elements, `y` is not read.
    ///
    /// The bits are those of [`apply_block`](Self::apply_block) followed by
    /// [`apply_adjoint_block`](Self::apply_adjoint_block), which is what an operator that does not implement it does,
    /// with `nrows` times `k` numbers in between. Where each product reads a matrix with compressed rows, or a dense one
    /// in C order, from its file, it is read once: every panel multiplies `X`, and its adjoint what that gives. A
    /// matrix in memory, one of 64-bit integers, and one stored by columns, whose product is complete only after its
    /// last column, is used twice.
    ///
    /// ```
    /// use outcore::{Context, Csr, linalg::LinearOperator};
    /// // [ 1 2 ]
    /// // [ . 3 ]
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 2.0, 3.0])?;
    /// let mut y = [0.0; 2];
    /// a.apply_normal(1, &[1.0, 1.0], &mut y, &Context::new())?;
    /// assert_eq!(y, [3.0, 15.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("MatTransposeMatMult", "gram"))]
    fn apply_normal(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_normal_with(k, x, y, &mut |_, _| {}, ctx)
    }

    /// `Y = Aᴴ f(A X)` for `k` vectors at once, at the cost of [`apply_normal`](Self::apply_normal): in one pass where
    /// that takes one.
    ///
    /// `between` is called for consecutive rows, from the first to the last, with their numbers and with those rows of
    /// `A X`; what it leaves there is multiplied by `Aᴴ`. So it weights the rows, subtracts something from them, or
    /// keeps them.
    ///
    /// ```
    /// use outcore::{Context, Csr, linalg::LinearOperator};
    /// // [ 1 2 ]
    /// // [ . 3 ]
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 2.0, 3.0])?;
    /// let (b, mut gradient) = ([4.0, 3.0], [0.0; 2]);
    /// // The gradient of ½ ‖A x − b‖², in one pass.
    /// a.apply_normal_with(1, &[1.0, 1.0], &mut gradient, &mut |rows, ax| {
    ///     ax.iter_mut().zip(&b[rows]).for_each(|(ax, b)| *ax -= b);
    /// }, &Context::new())?;
    /// assert_eq!(gradient, [-1.0, -2.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn apply_normal_with(
        &self,
        k: usize,
        x: &[X],
        y: &mut [X],
        between: &mut Between<'_, X>,
        ctx: &Context,
    ) -> Result<()> {
        let (nrows, ncols) = self.shape();
        check_shape("x", ncols.saturating_mul(k), x.len())?;
        check_shape("y", ncols.saturating_mul(k), y.len())?;
        let _running = ctx.begin(|| self.plan_normal(k, ctx))?;
        in_two((nrows, k), between, ctx, &mut |adjoint, middle| match (k, adjoint) {
            (1, false) => self.apply(x, middle, ctx),
            (1, true) => self.apply_adjoint(middle, y, ctx),
            (_, false) => self.apply_block(k, x, middle, ctx),
            (_, true) => self.apply_adjoint_block(k, middle, y, ctx),
        })
    }

    /// Several products in a row, each followed by a recurrence: from `v_0` it makes `v_1` to `v_levels`.
    ///
    /// Buffer `j % vectors.len()` holds `v_j`: with `levels + 1` buffers all are kept, with two the last two, which
    /// suffice for three terms. Each has `n` rows of `k` numbers; the first is `v_0`, the others are not read. For
    /// every level, `combine` turns some rows of `A v_j` into those of `v_(j+1)`; it gets the same rows of `v_j` and
    /// `v_(j-1)` and may look up whatever else it needs, by the numbers of the rows, in vectors of its own. So it makes
    /// Krylov bases with or without shifts, Chebyshev polynomials, Jacobi sweeps, and explicit time steps:
    ///
    /// - Each product has the bits of [`apply_block`](Self::apply_block). Results do not depend on the number of
    ///   threads, on the limit, or on where the matrix lies, if those of `combine` depend only on the rows it is given.
    /// - An [`Operator`](crate::linalg::Operator) over compressed rows makes several levels in one pass where rows
    ///   touch only columns near the diagonal. A panel makes level `j` once all panels that its columns touch have made
    ///   level `j - 1`, so it stays in memory for about `levels` bandwidths. How many levels a sweep makes follows from
    ///   the memory limit; the passes of the plan say into how many sweeps they are divided. So does one over compressed
    ///   columns that was made [`with_adjoint`](crate::linalg::Operator::with_adjoint), in memory. A graph, a dense
    ///   matrix, and one with 64-bit integers or with real entries for complex vectors make one level a sweep.
    /// - An operator that does not implement it is applied `levels` times, with memory for one product.
    ///
    /// Fails with [`ErrorKind::Shape`] if the operator is not square, or if there are fewer than two buffers or one has
    /// another length. After an error the contents of the buffers are unspecified.
    ///
    /// Source: Demmel, Hoemmen, Mohiyuddin, Yelick, "Avoiding communication in computing Krylov subspaces" (2007).
    ///
    /// ```
    /// use outcore::linalg::{Level, LinearOperator, Operator};
    /// use outcore::{Context, Csr, Place};
    /// let ctx = Context::new();
    /// let a = Csr::<f64>::poisson(&[9], Place::Memory, &ctx)?;
    /// // The Chebyshev polynomials T_1 to T_4 of A/2 - 1, whose spectrum lies in (-1, 1).
    /// let mut t = vec![vec![1.0; 9]; 5];
    /// let mut t: Vec<&mut [f64]> = t.iter_mut().map(|t| &mut t[..]).collect();
    /// Operator::new(&a, &ctx)?.apply_powers(1, 4, &mut t, &|rows: Level<'_, f64>| match rows.level {
    ///     0 => rows.recur(0.5, -1.0, 0.0),
    ///     _ => rows.recur(1.0, -2.0, -1.0),
    /// }, &ctx)?;
    /// // T_2 = 2 (A/2 - 1) T_1 - T_0.
    /// let y = a.matvec(t[1])?;
    /// assert!((0..9).all(|i| (t[2][i] - (y[i] - 2.0 * t[1][i] - t[0][i])).abs() < 1e-15));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("matrix powers kernel", "MatMultPowers"))]
    fn apply_powers(
        &self,
        k: usize,
        levels: usize,
        vectors: &mut [&mut [X]],
        combine: &(dyn Fn(Level<'_, X>) + Sync),
        ctx: &Context,
    ) -> Result<()> {
        let powers = Powers { k, levels, vectors, combine };
        powers.check(self.shape())?;
        let _running = ctx.begin(|| self.plan_powers(k, levels, ctx))?;
        level_by_level((self.shape().0, powers), ctx, &mut |x, y| match k {
            1 => self.apply(x, y, ctx),
            _ => self.apply_block(k, x, y, ctx),
        })
    }

    /// `Y = M X` for this preconditioner `M`, and `product = A Y` for the operator `A` of a solver, for `k` vectors at
    /// once; neither is read.
    ///
    /// By default one after the other. A polynomial of the same operator, as its [`id`](Self::id) shows, makes both in the
    /// same sweeps: see [`Chebyshev`](crate::solve::Chebyshev).
    ///
    /// ```
    /// use outcore::linalg::{LinearOperator, Operator};
    /// use outcore::{Context, Csr, Place, solve::Chebyshev};
    /// let ctx = Context::new();
    /// let a = Csr::<f64>::poisson(&[9], Place::Memory, &ctx)?;
    /// let a = Operator::new(&a, &ctx)?;
    /// let m = Chebyshev::<f64, _>::new(&a, 3, (0.1, 4.0))?;
    /// assert!(m.gives_product());
    /// let (mut y, mut product) = ([0.0; 9], [0.0; 9]);
    /// m.apply_with_product(&a, 1, &[1.0; 9], (&mut y, &mut product), &ctx)?;
    /// assert_eq!(m.matvec(&[1.0; 9])?, y);
    /// assert_eq!(a.matvec(&y)?, product);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn apply_with_product(
        &self,
        a: &dyn LinearOperator<X>,
        k: usize,
        x: &[X],
        (y, product): (&mut [X], &mut [X]),
        ctx: &Context,
    ) -> Result<()> {
        match k {
            1 => self.apply(x, y, ctx).and_then(|()| a.apply(y, product, ctx)),
            _ => self.apply_block(k, x, y, ctx).and_then(|()| a.apply_block(k, y, product, ctx)),
        }
    }

    /// Whether solvers shall ask this preconditioner for [`apply_with_product`](Self::apply_with_product), instead of
    /// making their products with vectors of their own; no by default. [`cg`](crate::solve::cg) does ask.
    fn gives_product(&self) -> bool {
        false
    }

    /// A number that tells this operator from all others, or `None`, which is the default. Each
    /// [`Operator`](crate::linalg::Operator) has one. A type that hands every product on to one operator, unchanged, may
    /// hand on its number too; no other may have one.
    ///
    /// ```
    /// use outcore::linalg::{LinearOperator, Operator};
    /// let (a, ctx) = (outcore::Csr::<f64>::eye(3), outcore::Context::new());
    /// let (one, other) = (Operator::new(&a, &ctx)?, Operator::new(&a, &ctx)?);
    /// let id = |a: &dyn LinearOperator<f64>| a.id();
    /// assert!(id(&one) == id(&&one) && id(&one) != id(&other) && id(&a).is_none());
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn id(&self) -> Option<u64> {
        None
    }

    /// The plan of [`apply_with_product`](Self::apply_with_product) with `k` vectors.
    fn plan_with_product(
        &self,
        a: &dyn LinearOperator<X>,
        k: usize,
        ctx: &Context,
    ) -> Result<Plan> {
        Ok(self.plan_block(false, k, ctx)?.and(a.plan_block(false, k, ctx)?))
    }

    /// The plan of [`apply_normal`](Self::apply_normal) with `k` vectors; by default that of two products.
    fn plan_normal(&self, k: usize, ctx: &Context) -> Result<Plan> {
        let numbers = self.shape().0.saturating_mul(k);
        Ok(plan_in_two::<X>(
            self.plan_block(false, k, ctx)?,
            self.plan_block(true, k, ctx)?,
            numbers,
        ))
    }

    /// The plan of [`apply_powers`](Self::apply_powers) with `levels` levels; by default that of as many products. Its
    /// passes are those over which the levels are distributed.
    fn plan_powers(&self, k: usize, levels: usize, ctx: &Context) -> Result<Plan> {
        let numbers = self.shape().0.saturating_mul(k);
        Ok(plan_level_by_level::<X>(self.plan_block(false, k, ctx)?, levels, numbers))
    }

    /// The plan of a product with `k` vectors at once, or of one with the adjoint; without cost by default. Algorithms
    /// that make many products plan with it.
    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        let _ = (k, ctx);
        Ok(Plan::new(product_name(adjoint)))
    }

    /// The context for calls without one: `matvec`, `rmatvec`, `matmat` and `rmatmat` with their `_into`.
    ///
    /// For an [`Operator`](crate::linalg::Operator) it is the one with which it was made, for all others a new one with
    /// defaults: all processors, three quarters of the memory, without cancellation or progress.
    fn context(&self) -> Context {
        Context::new()
    }

    /// `A x`, under the operator's own [`context`](Self::context).
    ///
    /// ```
    /// use outcore::linalg::LinearOperator;
    /// let a = outcore::Csr::<f64>::eye(3);
    /// assert_eq!(a.matvec(&[1.0, 2.0, 3.0])?, [1.0, 2.0, 3.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("dot", "MatMult"))]
    fn matvec(&self, x: &[X]) -> Result<Vec<X>> {
        let mut y = product_within(self.shape().0, &self.context())?;
        self.matvec_into(x, &mut y)?;
        Ok(y)
    }

    /// Writes `A x` to `y`, under the operator's own [`context`](Self::context); nothing is allocated for the result.
    ///
    /// ```
    /// use outcore::linalg::LinearOperator;
    /// let (a, mut y) = (outcore::Csr::<f64>::eye(3), [0.0; 3]);
    /// a.matvec_into(&[1.0, 2.0, 3.0], &mut y)?;
    /// assert_eq!(y, [1.0, 2.0, 3.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn matvec_into(&self, x: &[X], y: &mut [X]) -> Result<()> {
        self.apply(x, y, &self.context())
    }

    /// `Aᴴ x`, under the operator's own [`context`](Self::context).
    #[doc(alias("MatMultTranspose", "MatMultHermitianTranspose"))]
    fn rmatvec(&self, x: &[X]) -> Result<Vec<X>> {
        let mut y = product_within(self.shape().1, &self.context())?;
        self.rmatvec_into(x, &mut y)?;
        Ok(y)
    }

    /// Writes `Aᴴ x` to `y`, under the operator's own [`context`](Self::context); nothing is allocated for the result.
    fn rmatvec_into(&self, x: &[X], y: &mut [X]) -> Result<()> {
        self.apply_adjoint(x, y, &self.context())
    }

    /// `A X` for the columns of `x`, under the operator's own [`context`](Self::context). A matrix is read once for all
    /// columns.
    ///
    /// ```
    /// use ndarray::arr2;
    /// use outcore::linalg::LinearOperator;
    /// let x = arr2(&[[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(outcore::Csr::<f64>::eye(2).matmat(x.view())?, x);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatMatMult")]
    fn matmat(&self, x: ArrayView2<'_, X>) -> Result<Array2<X>> {
        let mut y = zeros((self.shape().0, x.ncols()), &self.context())?;
        self.matmat_into(x, y.view_mut())?;
        Ok(y)
    }

    /// Writes `A X` to `y`, under the operator's own [`context`](Self::context); nothing is allocated for the result.
    /// Operands that are not in C order are copied.
    ///
    /// ```
    /// use ndarray::arr2;
    /// use outcore::linalg::LinearOperator;
    /// let (x, mut y) = (arr2(&[[1.0, 2.0], [3.0, 4.0]]), arr2(&[[f64::NAN; 2]; 2]));
    /// outcore::Csr::<f64>::eye(2).matmat_into(x.view(), y.view_mut())?;
    /// assert_eq!(y, x);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn matmat_into(&self, x: ArrayView2<'_, X>, y: ArrayViewMut2<'_, X>) -> Result<()> {
        let ctx = self.context();
        let product = |k, x: &[X], y: &mut [X]| self.apply_block(k, x, y, &ctx);
        columns_into(self.shape(), x, y, &ctx, product)
    }

    /// `Aᴴ X` for the columns of `x`, under the operator's own [`context`](Self::context). A matrix is read once for
    /// all columns.
    ///
    /// ```
    /// use ndarray::arr2;
    /// use outcore::{Csr, linalg::LinearOperator};
    /// // [ . 2 ]
    /// // [ . . ]
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 1, 1], vec![1], vec![2.0])?;
    /// let x = arr2(&[[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(a.rmatmat(x.view())?, arr2(&[[0.0, 0.0], [2.0, 4.0]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn rmatmat(&self, x: ArrayView2<'_, X>) -> Result<Array2<X>> {
        let mut y = zeros((self.shape().1, x.ncols()), &self.context())?;
        self.rmatmat_into(x, y.view_mut())?;
        Ok(y)
    }

    /// Writes `Aᴴ X` to `y`, under the operator's own [`context`](Self::context); nothing is allocated for the result.
    /// Operands that are not in C order are copied.
    ///
    /// ```
    /// use ndarray::arr2;
    /// use outcore::linalg::LinearOperator;
    /// let (x, mut y) = (arr2(&[[1.0, 2.0], [3.0, 4.0]]), arr2(&[[f64::NAN; 2]; 2]));
    /// outcore::Csr::<f64>::eye(2).rmatmat_into(x.view(), y.view_mut())?;
    /// assert_eq!(y, x);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn rmatmat_into(&self, x: ArrayView2<'_, X>, y: ArrayViewMut2<'_, X>) -> Result<()> {
        let (nrows, ncols) = self.shape();
        let ctx = self.context();
        let product = |k, x: &[X], y: &mut [X]| self.apply_adjoint_block(k, x, y, &ctx);
        columns_into((ncols, nrows), x, y, &ctx, product)
    }
}

/// Writes the product with the columns of `x` to `y`, by one product with as many interleaved vectors; `m` and `n` are
/// the lengths of a product and of a vector.
fn columns_into<X: Scalar>(
    (m, n): (usize, usize),
    x: ArrayView2<'_, X>,
    mut y: ArrayViewMut2<'_, X>,
    ctx: &Context,
    product: impl Fn(usize, &[X], &mut [X]) -> Result<()>,
) -> Result<()> {
    let k = x.ncols();
    if x.nrows() != n {
        return Err(Error::shape("X", format!("{n} rows"), x.nrows()));
    }
    check_shape("Y", (m, k), y.dim())?;
    let x = x.as_standard_layout();
    let x = x.as_slice().expect("as_standard_layout makes elements contiguous");
    if let Some(y) = y.as_slice_mut() {
        return product(k, x, y);
    }
    let mut rows = zeros((m, k), ctx)?;
    product(k, x, rows.as_slice_mut().expect("a new array is contiguous"))?;
    y.assign(&rows);
    Ok(())
}

/// The error for an operator without products with its adjoint.
pub(crate) fn no_adjoint(operator: &str) -> Error {
    let what = format!("{operator} has no products with its adjoint");
    Error::new(ErrorKind::Unsupported, what)
        .remedy("implement LinearOperator::apply_adjoint, or give the operator an adjoint")
}

/// Fails unless `k` interleaved vectors, and the buffers of their products, have the lengths that a matrix requires.
pub(crate) fn check_operands(
    (nrows, ncols): (usize, usize),
    adjoint: bool,
    (k, x, y): (usize, usize, usize),
) -> Result<()> {
    let (to, from) = if adjoint { (ncols, nrows) } else { (nrows, ncols) };
    check_shape("x", from.saturating_mul(k), x)?;
    check_shape("y", to.saturating_mul(k), y)
}

/// The plan of a product of an operator whose products have plans.
pub(crate) fn planned<X: Scalar>(
    a: &impl LinearOperator<X>,
    adjoint: bool,
    k: usize,
    ctx: &Context,
) -> Result<Plan> {
    let (nrows, ncols) = a.shape();
    let vector = |n: usize| ctx.filled("the vectors", n.saturating_mul(k), X::zero());
    let (mut rows, mut cols) = (vector(nrows)?, vector(ncols)?);
    ctx.plan(|ctx| match adjoint {
        true => a.apply_adjoint_block(k, &rows, &mut cols, ctx),
        false => a.apply_block(k, &cols, &mut rows, ctx),
    })
}

/// A product with each of `k` interleaved vectors, where `n` and `m` are the lengths of a vector and of its product.
fn one_by_one<X: Scalar>(
    k: usize,
    (n, x): (usize, &[X]),
    (m, y): (usize, &mut [X]),
    apply: impl Fn(&[X], &mut [X]) -> Result<()>,
) -> Result<()> {
    check_shape("the block of vectors", n.saturating_mul(k), x.len())?;
    check_shape("the block of results", m.saturating_mul(k), y.len())?;
    let mut one = filled("a vector", n, X::zero())?;
    let mut product = filled("a product", m, X::zero())?;
    for j in 0..k {
        one.iter_mut().zip(x.iter().skip(j).step_by(k)).for_each(|(to, from)| *to = *from);
        apply(&one, &mut product)?;
        y.iter_mut().skip(j).step_by(k).zip(&product).for_each(|(to, from)| *to = *from);
    }
    Ok(())
}

/// A matrix of zeros for a product.
fn zeros<X: Scalar>((nrows, ncols): (usize, usize), ctx: &Context) -> Result<Array2<X>> {
    let elements = product_within(nrows.saturating_mul(ncols), ctx)?;
    Array2::from_shape_vec((nrows, ncols), elements).map_err(|_| {
        Error::shape("the product", "extents that can be counted", format!("{nrows} x {ncols}"))
    })
}

/// Zeros for a product, within the limit of a context. Memory held by its operator is no reason to refuse it: memory
/// for vectors was reserved, or is reclaimed.
fn product_within<X: Scalar>(len: usize, ctx: &Context) -> Result<Vec<X>> {
    let limit = ctx.memory_limit_bytes();
    match bytes_of::<X>(len) {
        0..LARGE if limit >= LARGE => Ok(vec![X::zero(); len]),
        _ => Context::new().memory_limit(limit).filled("the product", len, X::zero()),
    }
}

/// Bytes from which on the available memory is checked.
const LARGE: u64 = 1 << 20;

/// The name of a product in plans.
pub(crate) fn product_name(adjoint: bool) -> &'static str {
    if adjoint { "adjoint product" } else { "product" }
}
