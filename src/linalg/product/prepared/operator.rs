//! Operators prepared for many products: the reading strategy is chosen once, and as much as fits stays in memory.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::convert::recompress;
use crate::dense::Dense;
use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::product::by_type::{Multiplies, Products};
use crate::linalg::product::multiplier::{Multiplier, Prepared};
use crate::linalg::product::operator::LinearOperator;
use crate::linalg::product::powers::{
    Between, Level, Powers, in_two, level_by_level, plan_in_two, plan_level_by_level,
};
use crate::linalg::product::prepared::lines::Recompress;
use crate::sparse::{Axis, Compressed};
use crate::storage::{Context, DType, Element, Entry, Index, Plan, Reserved, Traffic};

/// A matrix prepared for many products under the memory limit of a context.
///
/// A matrix that fits in the limit is used in place. A larger one is read panel by panel, ahead of the work, with as
/// much of it pinned in memory between products as the limit allows next to the vectors. Every product, including
/// transposed ones and those with several vectors, is one pass over the part that is not pinned, and gives the bits of
/// the product in memory.
///
/// Of a sparse matrix larger than the limit, the structure stays in memory where an encoding makes it small: of lines
/// that differ only by their number, as those of grids and bands, or whose columns are near each other. Then only the
/// values are read. Panels whose values repeat, or have at most 256 different ones, are not read again at all. Making
/// such an operator takes one pass over the file.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.bspnpy");
/// use outcore::linalg::{LinearOperator, Operator};
/// use outcore::{Context, Csr};
/// let ctx = Context::new().memory_limit(64 << 20);
/// let a = Csr::<f64>::poisson(&[30, 30, 30], &path, &ctx)?;
/// let operator = Operator::new(&a, &ctx)?;
/// assert_eq!(operator.matvec(&vec![1.0; 27_000])?, a.matvec(&vec![1.0; 27_000])?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Operator<M> {
    shape: (usize, usize),
    prepared: Prepared,
    id: u64,
    ctx: Context,
    _reserved: Reserved,
    /// The type from which it was made, which determines the vectors it can multiply.
    of: PhantomData<fn() -> M>,
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A matrix from which an [`Operator`] can be made: [`Csr`](crate::Csr), [`Csc`](crate::Csc), [`Dense`] or an
/// [`AnyMatrix`](crate::AnyMatrix) of these.
pub trait Matrix: sealed::Sealed {
    #[doc(hidden)]
    fn multiplier(&self) -> Result<Multiplier>;
}

impl<M: Matrix> Operator<M> {
    /// Prepares a matrix, leaving memory for two vectors of each length in `f64`, but at most half of it.
    ///
    /// Fails with [`ErrorKind::Memory`], reporting the memory needed, if two panels do not fit beside them.
    pub fn new(matrix: &M, ctx: &Context) -> Result<Self> {
        let matrix = matrix.multiplier()?;
        let vectors = two_of_each(matrix.shape()).min(ctx.memory_left() / 2);
        Self::prepare(matrix, vectors, None, ctx)
    }

    /// As [`new`](Self::new), and also makes products with the adjoint as fast as the others if there is memory for it.
    ///
    /// Cost: one conversion to the other axis, and another encoding like that of `new`. The matrix must fit
    /// three times over; a larger one, and a dense one, is prepared as by `new`.
    ///
    /// ```
    /// use outcore::linalg::{LinearOperator, Operator};
    /// use outcore::{Context, Csr, Place};
    /// let ctx = Context::new();
    /// let a = Csr::<f64>::poisson(&[30, 30, 30], Place::Memory, &ctx)?;
    /// let operator = Operator::with_adjoint(&a, &ctx)?;
    /// assert_eq!(operator.rmatvec(&vec![1.0; 27_000])?, a.rmatvec(&vec![1.0; 27_000])?);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn with_adjoint(matrix: &M, ctx: &Context) -> Result<Self> {
        let matrix = matrix.multiplier()?;
        let vectors = two_of_each(matrix.shape()).min(ctx.memory_left() / 2);
        Self::prepare(matrix, vectors, Some(recompress), ctx)
    }

    /// Prepares a matrix, leaving `vectors` bytes of the memory limit for the caller's vectors.
    ///
    /// Fails with [`ErrorKind::Memory`], reporting the memory needed, if the vectors or two panels do not fit.
    pub fn with_vectors(matrix: &M, vectors: u64, ctx: &Context) -> Result<Self> {
        Self::prepare(matrix.multiplier()?, vectors, None, ctx)
    }

    fn prepare(
        matrix: Multiplier,
        vectors: u64,
        across: Option<Recompress>,
        ctx: &Context,
    ) -> Result<Self> {
        let left = ctx.memory_left();
        let budget = left.checked_sub(vectors).filter(|&budget| budget > 0).ok_or_else(|| {
            Error::new(ErrorKind::Memory, "the vectors alone do not fit")
                .expected(format!("a memory limit of more than {vectors} bytes"))
                .found(left)
        })?;
        let shape = matrix.shape();
        let prepared = Prepared::new(matrix, across, (budget, vectors), ctx)?;
        let _reserved = ctx.meter().reserve(prepared.lasts());
        let (id, ctx) = (NEXT_ID.fetch_add(1, Ordering::Relaxed), ctx.unrecorded());
        Ok(Operator { shape, prepared, id, ctx, _reserved, of: PhantomData })
    }

    /// `(nrows, ncols)`.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.shape.0
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.shape.1
    }

    /// The context with which it was made.
    pub fn context(&self) -> Context {
        self.ctx.clone()
    }

    /// The cost of reading so far: passes, bytes, and seconds that the work waited.
    pub fn traffic(&self) -> Traffic {
        self.prepared.traffic()
    }
}

/// The number of the next operator.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// Bytes of two vectors of each length in `f64`.
fn two_of_each((nrows, ncols): (usize, usize)) -> u64 {
    16u64.saturating_mul(nrows as u64).saturating_add(16u64.saturating_mul(ncols as u64))
}

impl<T: Entry, I: Index, P: Index, A: Axis> sealed::Sealed for Compressed<T, I, P, A> {}
impl<T: Entry, I: Index, P: Index, A: Axis> Matrix for Compressed<T, I, P, A> {
    fn multiplier(&self) -> Result<Multiplier> {
        Ok(Multiplier::from(self.to_any()))
    }
}

impl<T: Element> sealed::Sealed for Dense<T> {}
impl<T: Element> Matrix for Dense<T> {
    fn multiplier(&self) -> Result<Multiplier> {
        Ok(Multiplier::from(self.to_any()))
    }
}

/// A [`Matrix`] that multiplies vectors of `X`.
pub trait MultipliesVectors<X: Scalar>: Matrix {
    /// The products of these entries.
    #[doc(hidden)]
    fn products(entry: Option<DType>) -> Result<&'static Products<X>>;
}

impl<X: Scalar, T: Multiplies<X>, I: Index, P: Index, A: Axis> MultipliesVectors<X>
    for Compressed<T, I, P, A>
{
    fn products(_: Option<DType>) -> Result<&'static Products<X>> {
        Ok(T::products())
    }
}

impl<X: Scalar, T: Element + Multiplies<X>> MultipliesVectors<X> for Dense<T> {
    fn products(_: Option<DType>) -> Result<&'static Products<X>> {
        Ok(T::products())
    }
}

impl<X: Scalar, M: MultipliesVectors<X>> LinearOperator<X> for Operator<M> {
    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_block(1, x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.apply_adjoint_block(1, x, y, ctx)
    }

    fn apply_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("x", self.shape.1.saturating_mul(k), x.len())?;
        check_shape("y", self.shape.0.saturating_mul(k), y.len())?;
        let _running = ctx.begin(|| Ok(self.prepared.plan(false, k, ctx)))?;
        self.prepared.product(M::products(self.prepared.entry())?, false, (k, x, y), ctx)
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("x", self.shape.0.saturating_mul(k), x.len())?;
        check_shape("y", self.shape.1.saturating_mul(k), y.len())?;
        let _running = ctx.begin(|| Ok(self.prepared.plan(true, k, ctx)))?;
        self.prepared.product(M::products(self.prepared.entry())?, true, (k, x, y), ctx)
    }

    fn apply_normal_with(
        &self,
        k: usize,
        x: &[X],
        y: &mut [X],
        between: &mut Between<'_, X>,
        ctx: &Context,
    ) -> Result<()> {
        check_shape("x", self.shape.1.saturating_mul(k), x.len())?;
        check_shape("y", self.shape.1.saturating_mul(k), y.len())?;
        let _running = ctx.begin(|| self.plan_normal(k, ctx))?;
        let by = M::products(self.prepared.entry())?;
        if self.prepared.normal(by, (k, x, y), between, ctx)? {
            return Ok(());
        }
        in_two((self.shape.0, k), between, ctx, &mut |adjoint, middle| match adjoint {
            false => self.prepared.product(by, false, (k, x, middle), ctx),
            true => self.prepared.product(by, true, (k, middle, y), ctx),
        })
    }

    fn apply_powers(
        &self,
        k: usize,
        levels: usize,
        vectors: &mut [&mut [X]],
        combine: &(dyn Fn(Level<'_, X>) + Sync),
        ctx: &Context,
    ) -> Result<()> {
        let mut powers = Powers { k, levels, vectors, combine };
        powers.check(self.shape)?;
        let _running = ctx.begin(|| self.plan_powers(k, levels, ctx))?;
        let by = M::products(self.prepared.entry())?;
        if self.prepared.powers(by, &mut powers, ctx)? {
            return Ok(());
        }
        level_by_level((self.shape.0, powers), ctx, &mut |x, y| {
            self.prepared.product(by, false, (k, x, y), ctx)
        })
    }

    fn id(&self) -> Option<u64> {
        Some(self.id)
    }

    fn plan_normal(&self, k: usize, ctx: &Context) -> Result<Plan> {
        let by = M::products(self.prepared.entry())?;
        if let Some(plan) = self.prepared.normal_plan(by, k, ctx) {
            return Ok(plan);
        }
        let numbers = self.shape.0.saturating_mul(k);
        let plan = |adjoint| self.prepared.plan(adjoint, k, ctx);
        Ok(plan_in_two::<X>(plan(false), plan(true), numbers))
    }

    fn plan_powers(&self, k: usize, levels: usize, ctx: &Context) -> Result<Plan> {
        let by = M::products(self.prepared.entry())?;
        if let Some(plan) = self.prepared.powers_plan(by, k, levels, ctx) {
            return Ok(plan);
        }
        let numbers = self.shape.0.saturating_mul(k);
        Ok(plan_level_by_level::<X>(self.prepared.plan(false, k, ctx), levels, numbers))
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        Ok(self.prepared.plan(adjoint, k, ctx))
    }

    fn context(&self) -> Context {
        self.ctx.clone()
    }
}
