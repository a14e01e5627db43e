//! `A B` of two sparse matrices: from the arguments to the plan to the result.

use crate::error::{Error, Result};
use crate::linalg::algebra::{AnyPair, PlusTimes, Scalar, Semiring};
use crate::linalg::spgemm::estimate;
use crate::linalg::spgemm::mask::Masking;
use crate::linalg::spgemm::multiply::{RowCopies, few, run};
use crate::linalg::spgemm::product::SparseProduct;
use crate::linalg::spgemm::right_matrix::RightMatrix;
use crate::sparse::{AnyCompressed, AnyWriter, Csc, Csr, Types, check_widths};
use crate::storage::{Context, Index, Place, Plan, SparseFormat};

impl<T: Scalar, I: Index, P: Index> Csr<T, I, P> {
    /// `A B`, as `A @ B` in SciPy.
    ///
    /// Columns rise in every row without repeats, whatever the order in `A` and `B`. Every element is the sum of its
    /// terms in the order in which the entries of `A`'s row are stored: the same bits for any number of threads, any
    /// limit, and any place of the matrices. A sum that cancels is stored as zero.
    ///
    /// Cost: the columns of `A` are read once to count terms, and a sample of rows is multiplied to estimate the
    /// entries of the result; only that happens under [`Context::plan`]. Then `A` is read once. `B` is used in place if
    /// it takes at most half of the memory limit. A larger one is read by the needed rows: about once if `A` is a band
    /// or a grid in its natural order, and as often as [`Context::plan`] reports if its columns are scattered.
    ///
    /// Memory, in addition to a result in memory: for matrices that fit, a few MiB for each thread; for larger ones the
    /// limit, whatever it is. Fails with [`ErrorKind::Memory`](crate::ErrorKind::Memory) if the pointers of a `B` that
    /// is read exceed half of the limit, one of its rows a fifth, or the sums of one row of the result a quarter; with
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for a bad index in either; with
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let ctx = Context::new();
    /// // [ 1 2 ]   [ . 3 ]   [ 8 3 ]
    /// // [ . 5 ] x [ 4 . ] = [ 20 . ]
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 2.0, 5.0])?;
    /// let b = Csr::<f64>::from_parts((2, 2), vec![0, 1, 2], vec![1, 0], vec![3.0, 4.0])?;
    /// let c = a.matmul(&b, Place::Memory, &ctx)?;
    /// assert_eq!((c.get(0, 0)?, c.get(0, 1)?, c.get(1, 0)?), (Some(8.0), Some(3.0), Some(20.0)));
    ///
    /// let plan = ctx.plan(|ctx| a.matmul(&b, "never_made.bspnpy", ctx))?;
    /// assert_eq!(plan.entries, Some(3));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("dot", "MatMatMult"))]
    pub fn matmul(&self, b: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        self.matmul_with(PlusTimes::new(), b, place, ctx)
    }
}

impl<I: Index, P: Index> Csr<(), I, P> {
    /// The pattern of `A B`: an entry wherever there is a term. Otherwise as the product of numbers.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// // Vertices reachable in two steps along a path of four.
    /// let path = Csr::<()>::from_parts((4, 4), vec![0, 1, 2, 3, 3], vec![1, 2, 3], vec![(); 3])?;
    /// let two = path.matmul(&path, Place::Memory, &Context::new())?;
    /// assert_eq!((two.row(0)?.indices, two.row(1)?.indices, two.nnz()), (&[2][..], &[3][..], 2));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("dot", "MatMatMult"))]
    pub fn matmul(&self, b: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        self.matmul_with(AnyPair::new(), b, place, ctx)
    }
}

impl<T: Scalar, I: Index, P: Index> Csc<T, I, P> {
    /// `A B`: the product of the transposes in the other order, over the same arrays and without a copy. What
    /// [`Csr::matmul`] documents for the rows of `A` holds for the columns of `B`, and for `B` holds for `A`.
    ///
    /// ```
    /// use outcore::{Context, Csc, Place};
    /// let a = Csc::<f64>::from_parts((2, 2), vec![0, 1, 3], vec![0, 0, 1], vec![1.0, 2.0, 5.0])?;
    /// let c = a.matmul(&a, Place::Memory, &Context::new())?;
    /// assert_eq!((c.get(0, 1)?, c.get(1, 1)?), (Some(12.0), Some(25.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("dot", "MatMatMult"))]
    pub fn matmul(&self, b: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        self.matmul_with(PlusTimes::new(), b, place, ctx)
    }
}

impl<I: Index, P: Index> Csc<(), I, P> {
    /// The pattern of `A B`: an entry wherever there is a term. Otherwise as the product of numbers.
    #[doc(alias("dot", "MatMatMult"))]
    pub fn matmul(&self, b: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        self.matmul_with(AnyPair::new(), b, place, ctx)
    }
}

/// The product, or its positions that a mask keeps, with a name for plans.
pub(super) fn product<S: Semiring, I: Index, P: Index>(
    semiring: S,
    operation: &'static str,
    (a, b): (&Csr<S::Left, I, P>, &Csr<S::Right, I, P>),
    mask: Option<&Masking<I, P>>,
    place: &Place,
    ctx: &Context,
) -> Result<Csr<S::Sum, I, P>> {
    if a.ncols() != b.nrows() {
        return Err(Error::shape("a factor", format!("{} rows", a.ncols()), b.nrows()));
    }
    let shape = (a.nrows(), b.ncols());
    check_widths::<I, P>(shape.0, shape.1, 0)?;
    ctx.check_cancelled()?;
    if let (Place::Memory, None) = (place, mask)
        && let Some(product) = few(semiring, (a, b), ctx)?
    {
        return Ok(product);
    }
    let ctx = &ctx.counted();
    let right = RightMatrix::new(b, ctx)?;
    let product = SparseProduct::new(semiring, (a, &right), mask, place, ctx)?;
    let seen = product.inspect(ctx)?;
    let entries = estimate::entries(&product, &seen.classes, ctx)?;
    let looked = ctx.meter().bytes_read();
    // Fails now rather than after hours; the error of the estimate is smaller than this margin.
    check_widths::<I, P>(0, 0, (entries - entries / 16) as usize)?;
    product.check_memory(&seen, entries, place, ctx)?;
    let plan = || Ok(product.plan(Plan::new(operation), &seen, entries, looked, place, ctx));
    let _running = ctx.begin(plan)?;
    let _work = ctx.hold(product.memory(&seen));
    product.count_passes(&seen, ctx);
    let most_terms = seen.classes.most_terms();
    let capacity = product.capacity(&seen, entries);
    let types = Types::of::<S::Sum, I, P>();
    if let Place::Memory = place {
        let mut filling = RowCopies::new(types, shape, capacity, ctx)?;
        run(&product, seen.cuts, most_terms, &mut filling, ctx)?;
        return filling.finish().map(AnyCompressed::into_typed);
    }
    let kind = (SparseFormat::Csr, types);
    let mut writer = AnyWriter::new(kind, shape, capacity, false, place, ctx)?;
    run(&product, seen.cuts, most_terms, &mut writer, ctx)?;
    writer.finish(true).map(AnyCompressed::into_typed)
}
