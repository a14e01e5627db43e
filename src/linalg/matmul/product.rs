//! Products of dense matrices: what is called, what it costs, where the result goes.

use std::ops::Range;

use ndarray::{ArrayViewMut2, Ix2, s};

use crate::dense::{Dense, DenseMut, DenseWriter};
use crate::error::{Error, Result};
use crate::linalg::matmul::gemm::packing_memory;
use crate::linalg::matmul::operand::Operand;
use crate::linalg::matmul::strips::Strips;
use crate::linalg::matmul::tiles::Tiles;
use crate::linalg::matmul::tiling::{Choice, Extents, Tiling, Way};
use crate::linalg::scalar::Scalar;
use crate::storage::{BufferMut, Context, Order, Place, Plan};

/// Nanoseconds that a multiplication and addition takes one thread.
const WORK: f64 = 0.03;

impl<T: Scalar> Dense<T> {
    /// The product `A B`, in C order, at `place`.
    ///
    /// Operands and result may be larger than memory, in either order; an operand of which the file is less than a quarter
    /// of the memory limit is used on its map. Otherwise the cheaper of two ways is taken:
    ///
    /// - rows of the result at a time: `A` is read once, `B` as often as there are such strips, which are as high as the
    ///   rows of `A` and of the result fit in memory; the result is one sequential write.
    /// - tiles of the result at a time: `A` is read as often as there are tiles side by side, `B` as there are below each
    ///   other. For results that fit, once each. Fastest with `A` in Fortran order and `B` in C order.
    ///
    /// Cost: `m k n` multiplications and additions. Memory: the limit at most; [`plan`](Context::plan) tells how often what is
    /// read. The bits depend neither on the limit nor on threads, nor on order and place of the operands. Fails if the inner
    /// extents differ. A result in Fortran order is the transpose of `Bᵀ Aᵀ`; transposing costs nothing.
    ///
    /// ```
    /// use outcore::{Context, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]));
    /// let b = a.matmul(&a.transpose(), Place::Memory, &Context::new())?;
    /// assert_eq!(b.view(), ndarray::arr2(&[[5.0, 11.0], [11.0, 25.0]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matmul(&self, b: &Self, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let place = place.into();
        let ((m, k), (rows, n)) = (self.dim(), b.dim());
        if k != rows {
            return Err(Error::shape("the right matrix", format!("{k} rows"), rows));
        }
        let taken = DenseWriter::<T, Ix2>::memory(m.saturating_mul(n), &place, ctx);
        ctx.check_memory("the product", if place == Place::Memory { taken } else { 0 })?;
        let limit = ctx.memory_limit_bytes();
        let (a, b) = (Operand::new(self, limit / 4), Operand::new(b, limit / 4));
        let choice = Choice {
            a: &a,
            b: &b,
            extents: Extents { m, k, n },
            result_in_memory: place == Place::Memory,
            budget: limit.saturating_sub(taken + packing_memory(ctx)),
        };
        let way = choice.best()?;
        let product = Product { a: &a, b: &b, extents: choice.extents, way, place: &place, ctx };
        let _running = ctx.begin(|| Ok(product.plan()))?;
        product.run()
    }
}

/// A product that is about to be made.
struct Product<'a, T: Scalar> {
    a: &'a Operand<'a, T>,
    b: &'a Operand<'a, T>,
    extents: Extents,
    way: Way,
    place: &'a Place,
    ctx: &'a Context,
}

impl<T: Scalar> Product<'_, T> {
    fn plan(&self) -> Plan {
        let (Extents { m, k, n }, Way { passes, ring, kept, made, .. }) = (self.extents, self.way);
        let streamed = passes[0] * self.a.bytes() + passes[1] * self.b.bytes();
        let in_place = self.a.bytes_in_place() + self.b.bytes_in_place();
        let plan = Plan::new("dense product")
            .on_device_of(self.a.matrix.buffer().file())
            .on_device_of(self.b.matrix.buffer().file())
            .reads(passes[0].max(passes[1]), streamed + in_place)
            .works((m * n) as u64, WORK * k as f64)
            .holds(ring + kept + made + packing_memory(self.ctx));
        match self.place {
            Place::Scratch if self.in_pieces() => plan.writes(self.bytes()),
            Place::File(_) | Place::Replace(_) if self.in_pieces() => {
                plan.writes(self.bytes()).reads(0, self.bytes())
            }
            _ => DenseWriter::<T, Ix2>::plan(plan, m * n, self.place, self.ctx),
        }
    }

    /// Whether the result is not made row after row.
    fn in_pieces(&self) -> bool {
        matches!(self.way.tiling, Tiling::Tiles { cols, .. } if cols < self.extents.n)
    }

    /// Bytes of the result.
    fn bytes(&self) -> u64 {
        (self.extents.m * self.extents.n * size_of::<T>()) as u64
    }

    fn run(&self) -> Result<Dense<T>> {
        let (Extents { n, .. }, Way { passes, .. }) = (self.extents, self.way);
        let _packed = self.ctx.hold(packing_memory(self.ctx));
        (0..passes[0].max(passes[1])).for_each(|_| self.ctx.meter().pass());
        self.ctx.meter().read(self.a.bytes_in_place() + self.b.bytes_in_place());
        match self.way.tiling {
            Tiling::Strips { rows, lines } => {
                let operands = (self.a, self.b);
                let mut strips = Strips::new(operands, self.extents, lines, &self.way, self.ctx)?;
                self.by_rows(rows, |rows, c| strips.multiply(rows, c))
            }
            Tiling::Tiles { rows, cols, inner } => {
                let operands = (self.a, self.b);
                let mut tiles = Tiles::new(operands, self.extents, inner, &self.way, self.ctx)?;
                match cols < n {
                    false => self.by_rows(rows, |rows, c| tiles.multiply(rows, 0..n, c)),
                    true => self.in_tiles((rows, cols), tiles),
                }
            }
        }
    }

    /// Makes the result some rows at a time, in order.
    fn by_rows(
        &self,
        step: usize,
        mut multiply: impl FnMut(Range<usize>, ArrayViewMut2<'_, T>) -> Result<()>,
    ) -> Result<Dense<T>> {
        let Extents { m, n, .. } = self.extents;
        let strips = (0..m).step_by(step.max(1)).map(|first| first..m.min(first + step));
        if *self.place == Place::Memory {
            let mut result = DenseMut::<T>::create(self.place, (m, n), Order::C, self.ctx)?;
            let mut c = result.view_mut();
            for rows in strips {
                multiply(rows.clone(), c.slice_mut(s![rows, ..]))?;
            }
            return result.freeze();
        }
        let mut writer = DenseWriter::new(self.place, ndarray::Dim([m, n]), Order::C, self.ctx)?;
        let mut made = BufferMut::<T>::zeros(step * n)?.counted(self.ctx.meter());
        for (k, rows) in strips.enumerate() {
            let c = &mut made[..rows.len() * n];
            if k > 0 {
                c.fill(T::zero());
            }
            let shape = (rows.len(), n);
            multiply(rows, ArrayViewMut2::from_shape(shape, c).expect("so many elements"))?;
            writer.push(c)?;
        }
        writer.finish()
    }

    /// Makes the result tile by tile, in memory or in a mapped file.
    fn in_tiles(&self, (tall, wide): (usize, usize), mut tiles: Tiles<'_, T>) -> Result<Dense<T>> {
        let Extents { m, n, .. } = self.extents;
        let mut result = DenseMut::<T>::create(self.place, (m, n), Order::C, self.ctx)?;
        let in_memory = *self.place == Place::Memory;
        let room = if in_memory { 0 } else { tall * wide };
        let mut made = BufferMut::<T>::zeros(room)?.counted(self.ctx.meter());
        for row in (0..m).step_by(tall) {
            for col in (0..n).step_by(wide) {
                let (rows, cols) = (row..m.min(row + tall), col..n.min(col + wide));
                let mut to = result.view_mut();
                let mut to = to.slice_mut(s![rows.clone(), cols.clone()]);
                if in_memory {
                    tiles.multiply(rows, cols, to)?;
                    continue;
                }
                let c = &mut made[..to.len()];
                c.fill(T::zero());
                let mut c = ArrayViewMut2::from_shape(to.dim(), c).expect("so many elements");
                tiles.multiply(rows, cols, c.view_mut())?;
                to.assign(&c);
            }
        }
        result.freeze()
    }
}
