//! Products of dense matrices: the public methods, their cost, the place of the result.

use std::ops::Range;

use ndarray::{ArrayViewMut2, s};

use crate::dense::{AnyDense, AnyDenseWriter, Dense, DenseMut};
use crate::error::{Error, Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::gemm::in_memory::packing_memory;
use crate::linalg::gemm::operand::Operand;
use crate::linalg::gemm::row_blocks::RowBlocks;
use crate::linalg::gemm::tiles::Tiles;
use crate::linalg::gemm::tiling::{Extents, GemmStrategy, Strategies, Tiling};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, Held, Order, Place, Plan, bytes_of};

impl<T: Scalar> Dense<T> {
    /// The product `A B`, in C order, at `place`.
    ///
    /// Operands and result may be larger than memory, in either order. An operand whose file is less than a quarter of
    /// the memory limit is used through its map. Otherwise the cheaper of two strategies is used:
    ///
    /// - rows of the result at a time: `A` is read once, `B` once per block, where a block is as high as the rows of
    ///   `A` and of the result that fit in memory; the result is one sequential write.
    /// - tiles of the result at a time: `A` is read as often as there are columns of tiles, `B` as often as there are
    ///   rows of tiles. For results that fit, once each. Fastest with `A` in Fortran order and `B` in C order.
    ///
    /// Cost: `m k n` multiplications and additions. Memory: at most the limit; [`plan`](Context::plan) reports the
    /// number of reads. The bits depend neither on the limit nor on threads, nor on order and place of the operands.
    /// Fails if the inner extents differ. A result in Fortran order is the transpose of `Bᵀ Aᵀ`; transposing costs
    /// nothing.
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]));
    /// let b = a.matmul(&a.transpose(), Place::Memory, &Context::new())?;
    /// assert_eq!(b.as_ndarray(), ndarray::arr2(&[[5.0, 11.0], [11.0, 25.0]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("dot", "MatMatMult"))]
    pub fn matmul(&self, b: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let place = place.into();
        let extents = extents(self, b)?;
        let elements = extents.m.saturating_mul(extents.n);
        let what = (T::DTYPE, elements);
        let taken = AnyDenseWriter::memory(what, &place, ctx);
        ctx.check_memory("the product", if place == Place::Memory { taken } else { 0 })?;
        if elements == 0 || extents.k == 0 {
            // There are no products, whatever the other extents are.
            let _running = ctx.begin_pass(0, || {
                let plan = Plan::new("dense product").reads(1, 0);
                Ok(AnyDenseWriter::plan(plan, what, &place, ctx))
            })?;
            return DenseMut::create((extents.m, extents.n), Order::C, &place, ctx)?.freeze();
        }
        let product = DenseProduct::new((self, b), extents, (place == Place::Memory, taken), ctx)?;
        let _running = ctx.begin(|| Ok(product.plan_to_make(&place)))?;
        product.make(&place)
    }

    /// Writes the product `A B` to `c`, `m x n`, for which nothing is allocated: `c` counts against the memory limit as
    /// a result in memory does. Otherwise as [`matmul`](Self::matmul), with the same bits.
    ///
    /// `c` is not read. If its rows are not contiguous, the product is computed in a separate array and copied. After
    /// an error the contents of `c` are unspecified.
    ///
    /// ```
    /// use outcore::{Context, Dense};
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]));
    /// let mut c = ndarray::Array2::zeros((2, 2));
    /// a.matmul_into(&a.transpose(), c.view_mut(), &Context::new())?;
    /// assert_eq!(c, ndarray::arr2(&[[5.0, 11.0], [11.0, 25.0]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matmul_into(&self, b: &Self, mut c: ArrayViewMut2<'_, T>, ctx: &Context) -> Result<()> {
        let extents = extents(self, b)?;
        check_shape("the product", (extents.m, extents.n), c.dim())?;
        if c.ncols() > 1 && c.strides()[1] != 1 {
            // The kernels write rows; a product of the transposes would give other bits.
            c.assign(&self.matmul(b, Place::Memory, ctx)?.as_ndarray());
            return Ok(());
        }
        if c.is_empty() || extents.k == 0 {
            let _running = ctx.begin_pass(0, || Ok(Plan::new("dense product").reads(1, 0)))?;
            c.fill(T::zero());
            return Ok(());
        }
        let taken = bytes_of::<T>(c.len());
        let product = DenseProduct::new((self, b), extents, (true, taken), ctx)?;
        let _running = ctx.begin(|| Ok(product.plan()))?;
        c.fill(T::zero());
        product.add_to(c)
    }
}

/// The extents of a product. Fails if the inner ones differ.
fn extents<T: Scalar>(a: &Dense<T>, b: &Dense<T>) -> Result<Extents> {
    let ((m, k), (rows, n)) = (a.shape(), b.shape());
    match k == rows {
        true => Ok(Extents { m, k, n }),
        false => Err(Error::shape("the right matrix", format!("{k} rows"), rows)),
    }
}

/// A product that is about to be made.
struct DenseProduct<'a, T: Scalar> {
    a: Operand<'a, T>,
    b: Operand<'a, T>,
    extents: Extents,
    strategy: GemmStrategy,
    ctx: &'a Context,
}

impl<'a, T: Scalar> DenseProduct<'a, T> {
    /// Chooses the strategy, for a result in memory or not, which takes some bytes of memory.
    fn new(
        (a, b): (&'a Dense<T>, &'a Dense<T>),
        extents: Extents,
        (result_in_memory, taken): (bool, u64),
        ctx: &'a Context,
    ) -> Result<Self> {
        let limit = ctx.memory_left();
        let (a, b) = (Operand::new(a, limit / 4), Operand::new(b, limit / 4));
        let budget = limit.saturating_sub(taken.saturating_add(packing_memory(ctx)));
        let strategy = Strategies { a: &a, b: &b, extents, result_in_memory, budget }.best()?;
        Ok(DenseProduct { a, b, extents, strategy, ctx })
    }

    /// The plan without the result.
    fn plan(&self) -> Plan {
        let (Extents { m, k, n }, GemmStrategy { passes, ring, kept, made, .. }) =
            (self.extents, self.strategy);
        let streamed = passes[0] * self.a.bytes() + passes[1] * self.b.bytes();
        let in_place = self.a.bytes_in_place() + self.b.bytes_in_place();
        Plan::new("dense product")
            .on_device_of(self.a.matrix.buffer().file())
            .on_device_of(self.b.matrix.buffer().file())
            .reads(passes[0].max(passes[1]), streamed + in_place)
            .works((m * n) as u64, work::GEMM * k as f64)
            .holds(ring + kept + made + packing_memory(self.ctx))
    }

    fn plan_to_make(&self, place: &Place) -> Plan {
        let (plan, Extents { m, n, .. }) = (self.plan(), self.extents);
        let bytes = (m * n * size_of::<T>()) as u64;
        match place {
            Place::Scratch if self.in_row_blocks() => plan.at(place, false).writes(bytes),
            Place::File(_) | Place::Replace(_) if self.in_row_blocks() => {
                plan.at(place, false).writes(bytes).reads(0, bytes)
            }
            _ => AnyDenseWriter::plan(plan, (T::DTYPE, m * n), place, self.ctx),
        }
    }

    /// Whether the result is not computed row by row.
    fn in_row_blocks(&self) -> bool {
        matches!(self.strategy.tiling, Tiling::Tiles { cols, .. } if cols < self.extents.n)
    }

    /// Counts the reads, and the packing memory while the returned value lives.
    fn start(&self) -> Held {
        let GemmStrategy { passes, .. } = self.strategy;
        (0..passes[0].max(passes[1])).for_each(|_| self.ctx.meter().pass());
        self.ctx.meter().read(self.a.bytes_in_place() + self.b.bytes_in_place());
        self.ctx.hold(packing_memory(self.ctx))
    }

    fn make(&self, place: &Place) -> Result<Dense<T>> {
        let Extents { m, n, .. } = self.extents;
        if *place == Place::Memory {
            let mut result = DenseMut::<T>::create((m, n), Order::C, place, self.ctx)?;
            self.add_to(result.as_ndarray_mut())?;
            return result.freeze();
        }
        let _packed = self.start();
        match self.strategy.tiling {
            Tiling::Tiles { rows, cols, inner } if cols < n => {
                self.write_tiles((rows, cols), self.tiles(inner)?, place)
            }
            Tiling::Tiles { rows, inner, .. } => {
                let mut tiles = self.tiles(inner)?;
                self.write_rows(rows, place, |rows, c| tiles.multiply(rows, 0..n, c))
            }
            Tiling::RowBlocks { rows, lines } => {
                let mut row_blocks = self.row_blocks(lines)?;
                self.write_rows(rows, place, |rows, c| row_blocks.multiply(rows, c))
            }
        }
    }

    /// Adds the product to an array in memory.
    fn add_to(&self, mut c: ArrayViewMut2<'_, T>) -> Result<()> {
        let (Extents { m, n, .. }, _packed) = (self.extents, self.start());
        match self.strategy.tiling {
            Tiling::RowBlocks { rows, lines } => {
                let mut row_blocks = self.row_blocks(lines)?;
                steps(m, rows).try_for_each(|rows| {
                    row_blocks.multiply(rows.clone(), c.slice_mut(s![rows, ..]))
                })
            }
            Tiling::Tiles { rows, cols, inner } => {
                let mut tiles = self.tiles(inner)?;
                for rows in steps(m, rows) {
                    for cols in steps(n, cols) {
                        let c = c.slice_mut(s![rows.clone(), cols.clone()]);
                        tiles.multiply(rows.clone(), cols, c)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn row_blocks(&self, lines: usize) -> Result<RowBlocks<'_, T>> {
        RowBlocks::new((&self.a, &self.b), self.extents, lines, &self.strategy, self.ctx)
    }

    fn tiles(&self, inner: usize) -> Result<Tiles<'_, T>> {
        Tiles::new((&self.a, &self.b), self.extents, inner, &self.strategy, self.ctx)
    }

    /// Computes a result in a file some rows at a time, in order.
    fn write_rows(
        &self,
        step: usize,
        place: &Place,
        mut multiply: impl FnMut(Range<usize>, ArrayViewMut2<'_, T>) -> Result<()>,
    ) -> Result<Dense<T>> {
        let Extents { m, n, .. } = self.extents;
        let mut writer = AnyDenseWriter::new(place, (T::DTYPE, &[m, n], Order::C), self.ctx)?;
        let mut made = self
            .ctx
            .work::<T>("rows of the product", step.saturating_mul(n))?
            .counted(self.ctx.meter());
        for (k, rows) in steps(m, step).enumerate() {
            let c = &mut made[..rows.len() * n];
            if k > 0 {
                c.fill(T::zero());
            }
            let shape = (rows.len(), n);
            multiply(rows, ArrayViewMut2::from_shape(shape, c).expect("length matches the shape"))?;
            writer.push(Raw::of(&*c))?;
        }
        writer.finish().map(AnyDense::into_typed)
    }

    /// Computes a result in a mapped file tile by tile.
    fn write_tiles(
        &self,
        (tall, wide): (usize, usize),
        mut tiles: Tiles<'_, T>,
        place: &Place,
    ) -> Result<Dense<T>> {
        let Extents { m, n, .. } = self.extents;
        let mut result = DenseMut::<T>::create((m, n), Order::C, place, self.ctx)?;
        let mut made = self
            .ctx
            .work::<T>("a tile of the product", tall.saturating_mul(wide))?
            .counted(self.ctx.meter());
        for rows in steps(m, tall) {
            for cols in steps(n, wide) {
                let mut to = result.as_ndarray_mut();
                let mut to = to.slice_mut(s![rows.clone(), cols.clone()]);
                let c = &mut made[..to.len()];
                c.fill(T::zero());
                let mut c =
                    ArrayViewMut2::from_shape(to.dim(), c).expect("length matches the shape");
                tiles.multiply(rows.clone(), cols, c.view_mut())?;
                to.assign(&c);
            }
        }
        result.freeze()
    }
}

/// Ranges of `step` numbers, the last being the rest.
fn steps(end: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..end).step_by(step.max(1)).map(move |first| first..end.min(first + step.max(1)))
}
