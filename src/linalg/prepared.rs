//! Operators prepared for many products: how the matrix is read is decided once, and what fits stays in memory.

use crate::convert::recompress;
use crate::dense::{AnyLinePanels, Dense};
use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::linalg::dense::{line_plan, line_product, panel_step};
use crate::linalg::kernels::Vectors;
use crate::linalg::operator::{LinearOperator, product_name};
use crate::linalg::prepared_sparse::{PreparedLines, Recompress};
use crate::linalg::readers::Readers;
use crate::linalg::scalar::{Factor, Scalar};
use crate::sparse::{Axis, Compressed};
use crate::storage::{Context, Element, Entry, Index, Lasts, Order, Plan, Reserved, Traffic};

/// A matrix prepared for many products under the memory limit of a context.
///
/// A matrix that fits in the limit is used where it lies. A larger one is read panel by panel, ahead of the work, with as
/// much of it pinned in memory between products as the limit allows beside the vectors. Every product is one pass over
/// what is not pinned, the transposed one and that with several vectors too, and gives the bits of the product in memory.
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
pub struct Operator<M: Panelled> {
    shape: (usize, usize),
    panels: M::Panels,
    ctx: Context,
    _reserved: Reserved,
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A matrix that can be worked on panel by panel: [`Csr`](crate::Csr), [`Csc`](crate::Csc) and [`Dense`], and an
/// [`AnyMatrix`](crate::AnyMatrix) of these.
pub trait Panelled: sealed::Sealed {
    #[doc(hidden)]
    type Panels: Send + Sync;
    #[doc(hidden)]
    fn extents(&self) -> (usize, usize);
    #[doc(hidden)]
    fn panels(
        &self,
        across: Option<Recompress>,
        budget: (u64, u64),
        ctx: &Context,
    ) -> Result<Self::Panels>;
    #[doc(hidden)]
    fn traffic(panels: &Self::Panels) -> Traffic;
    #[doc(hidden)]
    fn lasts(panels: &Self::Panels) -> Lasts;
    #[doc(hidden)]
    fn plan(panels: &Self::Panels, adjoint: bool, k: usize, ctx: &Context) -> Plan;
}

impl<M: Panelled> Operator<M> {
    /// Prepares a matrix, leaving memory for two vectors of each length in `f64`.
    ///
    /// Fails with [`ErrorKind::Memory`], saying how much is needed, if the vectors or two panels do not fit.
    pub fn new(matrix: &M, ctx: &Context) -> Result<Self> {
        Self::with_vectors(matrix, two_of_each(matrix.extents()), ctx)
    }

    /// Like [`new`](Self::new), and makes products with the adjoint as fast as the others if there is memory for it.
    ///
    /// Cost: one conversion to the other axis, and the encoding that `new` makes for it once more. The matrix must fit
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
        Self::prepare(matrix, two_of_each(matrix.extents()), Some(recompress), ctx)
    }

    /// Prepares a matrix, leaving `vectors` bytes of the memory limit for the caller's vectors.
    pub fn with_vectors(matrix: &M, vectors: u64, ctx: &Context) -> Result<Self> {
        Self::prepare(matrix, vectors, None, ctx)
    }

    fn prepare(
        matrix: &M,
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
        let panels = matrix.panels(across, (budget, vectors), ctx)?;
        let reserved = ctx.meter().reserve(M::lasts(&panels));
        Ok(Operator { shape: matrix.extents(), panels, ctx: ctx.unrecorded(), _reserved: reserved })
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

    /// The context it was made with.
    pub fn context(&self) -> Context {
        self.ctx.clone()
    }

    /// What reading has cost so far: passes, bytes, seconds in which the work waited.
    pub fn traffic(&self) -> Traffic {
        M::traffic(&self.panels)
    }
}

/// Bytes of two vectors of each length in `f64`.
fn two_of_each((nrows, ncols): (usize, usize)) -> u64 {
    16u64.saturating_mul(nrows as u64).saturating_add(16u64.saturating_mul(ncols as u64))
}

impl<T: Entry, I: Index, P: Index, A: Axis> sealed::Sealed for Compressed<T, I, P, A> {}
impl<T: Entry, I: Index, P: Index, A: Axis> Panelled for Compressed<T, I, P, A> {
    type Panels = PreparedLines;
    fn extents(&self) -> (usize, usize) {
        self.shape()
    }
    fn panels(
        &self,
        across: Option<Recompress>,
        budget: (u64, u64),
        ctx: &Context,
    ) -> Result<Self::Panels> {
        PreparedLines::new(&self.to_any(), across, budget, ctx)
    }
    fn traffic(panels: &Self::Panels) -> Traffic {
        panels.traffic()
    }
    fn lasts(panels: &Self::Panels) -> Lasts {
        panels.lasts()
    }
    fn plan(panels: &Self::Panels, adjoint: bool, k: usize, ctx: &Context) -> Plan {
        panels.plan(adjoint, k, ctx)
    }
}

impl<T: Element> sealed::Sealed for Dense<T> {}
impl<T: Element> Panelled for Dense<T> {
    type Panels = Readers<AnyLinePanels>;
    fn extents(&self) -> (usize, usize) {
        self.dim()
    }
    fn panels(
        &self,
        _across: Option<Recompress>,
        (budget, vectors): (u64, u64),
        ctx: &Context,
    ) -> Result<Self::Panels> {
        let length = if self.order() == Order::C { self.ncols() } else { self.nrows() };
        let panels = AnyLinePanels::new(&self.to_any(), panel_step(length), budget, ctx)?;
        Ok(Readers::new(panels, vectors, ctx))
    }
    fn traffic(panels: &Self::Panels) -> Traffic {
        panels.traffic()
    }
    fn lasts(panels: &Self::Panels) -> Lasts {
        panels.lasts()
    }
    fn plan(panels: &Self::Panels, adjoint: bool, k: usize, ctx: &Context) -> Plan {
        panels.ask(&mut |panels| line_plan(panels, product_name(adjoint), k, ctx))
    }
}

/// A matrix whose panels can be multiplied with vectors of `X`.
pub trait PanelProduct<X: Scalar>: Panelled {
    #[doc(hidden)]
    fn product(
        panels: &Self::Panels,
        adjoint: bool,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()>;
}

impl<X: Scalar, T: Factor<X>, I: Index, P: Index, A: Axis> PanelProduct<X>
    for Compressed<T, I, P, A>
{
    fn product(
        panels: &Self::Panels,
        adjoint: bool,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()> {
        panels.product::<T, X>(adjoint, Vectors { k, x, y }, ctx)
    }
}

impl<X: Scalar, T: Element + Factor<X>> PanelProduct<X> for Dense<T> {
    fn product(
        panels: &Self::Panels,
        adjoint: bool,
        k: usize,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()> {
        if T::exact_dense(panels.model().matrix(), adjoint, (k, x, y), ctx)? {
            return Ok(());
        }
        panels.with(ctx, &mut |panels| {
            line_product::<T, X>(panels, None, adjoint, &mut [Vectors { k, x, y }], ctx)
        })
    }
}

impl<X: Scalar, M: PanelProduct<X>> LinearOperator<X> for Operator<M> {
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
        let _running = ctx.begin(|| Ok(M::plan(&self.panels, false, k, ctx)))?;
        M::product(&self.panels, false, k, x, y, ctx)
    }

    fn apply_adjoint_block(&self, k: usize, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        check_shape("x", self.shape.0.saturating_mul(k), x.len())?;
        check_shape("y", self.shape.1.saturating_mul(k), y.len())?;
        let _running = ctx.begin(|| Ok(M::plan(&self.panels, true, k, ctx)))?;
        M::product(&self.panels, true, k, x, y, ctx)
    }

    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        Ok(M::plan(&self.panels, adjoint, k, ctx))
    }

    fn context(&self) -> Context {
        self.ctx.clone()
    }
}
