//! A dense matrix in the other order: contiguous rows become contiguous columns.
//!
//! | the matrix | the result | what is done |
//! |---|---|---|
//! | in memory, or fits in half the limit | in memory | transposed from the one to the other |
//! | the same | in a file | transposed band after band of result lines, which are written in order |
//! | larger | in memory | read panel by panel, each transposed into place |
//! | larger, its lines few enough | in a file | read band after band, one run of every line: 1 read, 1 write |
//! | larger, with many lines | in a file | through a scratch file, in large tiles: 2 reads, 2 writes |
//!
//! A run of a line is worth a separate read from 64 KiB on: on one virtual disk two threads read runs of 128 KiB at the
//! full speed of 1.7 to 2.3 GB/s, of 64 KiB at 0.9, and of 32 KiB at 0.3, slower than the method with a scratch file.

use crate::dense::{
    AnyDense, AnyDenseMut, AnyDenseWriter, Dense, DensePanel, DensePanels, Transposer, band_width,
    bands_of_width, memory_to_transpose, transpose_lines, transposed,
};
use crate::error::Result;
use crate::storage::raw::RawMut;
use crate::storage::work;
use crate::storage::{ArrayPanels, Context, Element, Order, Place, Plan};

/// Bytes of a run of a line that is worth a separate read.
const RUN: usize = 64 << 10;

/// Elements between two checks of the cancel token.
const STEP: usize = 1 << 26;

/// How a matrix is converted to the other order.
enum OrderStrategy {
    /// The elements have the same layout in both orders.
    Same,
    /// In place, directly to the result or band by band.
    Resident,
    /// Panels of lines, to a result in memory.
    Panels(DensePanels),
    /// Bands across the lines.
    Bands(ArrayPanels, usize),
    /// Panels of lines through a scratch file.
    Scratch(DensePanels),
}

impl<T: Element> Dense<T> {
    /// The same matrix with its elements in `order`, at `place`.
    ///
    /// With [`transpose`](Self::transpose), which costs nothing, it makes a transposed copy in the same order.
    ///
    /// Cost: one read and one sequential write. For a matrix that is larger than half the memory limit and has so many
    /// lines that less than 64 KiB of each fit in memory together, at most one more write and one more read in the
    /// scratch folder. Memory: at most the limit.
    ///
    /// ```
    /// use outcore::{Context, Dense, Order, Place};
    /// let ctx = Context::new();
    /// let a = Dense::from(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]));
    /// let b = a.to_order(Order::Fortran, Place::Memory, &ctx)?;
    /// assert_eq!((b.as_slice(), b.as_ndarray()), (&[1, 4, 2, 5, 3, 6][..], a.as_ndarray()));
    /// // The transpose, in C order as `a` is.
    /// let t = a.transpose().to_order(Order::C, Place::Memory, &ctx)?;
    /// assert_eq!(t.as_slice(), b.as_slice());
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_order(
        &self,
        order: Order,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Dense<T>> {
        to_order(&self.to_any(), order, &place.into(), ctx).map(AnyDense::into_typed)
    }
}

/// The same matrix with its elements in an order.
pub(crate) fn to_order(
    a: &AnyDense,
    order: Order,
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    ctx.check_memory("the result", memory_of_result(a, place, ctx))?;
    match OrderStrategy::choose(a, order, place, ctx)? {
        OrderStrategy::Same => a.copy_as(order, "changing the order", place, ctx),
        strategy => reorder(a, strategy, order, place, ctx),
    }
}

impl OrderStrategy {
    fn choose(a: &AnyDense, order: Order, place: &Place, ctx: &Context) -> Result<Self> {
        let ((count, length), limit) = (a.lines(), ctx.memory_left());
        if order == a.order() || count <= 1 || length <= 1 {
            return Ok(OrderStrategy::Same);
        }
        let free = limit.saturating_sub(memory_of_result(a, place, ctx));
        if a.stored_bytes() <= (limit / 2).min(free) {
            return Ok(OrderStrategy::Resident);
        }
        // Four bands are being read and one is made.
        let width = band_width(a.dtype(), count, free / 6).min(length);
        if width * a.dtype().size() >= RUN || width == length {
            return bands_of_width(a, width, free / 6 * 5)
                .map(|bands| OrderStrategy::Bands(bands, width));
        }
        if *place == Place::Memory {
            return DensePanels::once(a, (1, 1), free).map(OrderStrategy::Panels);
        }
        DensePanels::once(a, (1, 1), free / 8).map(OrderStrategy::Scratch)
    }

    fn plan(&self, a: &AnyDense, place: &Place, ctx: &Context) -> Result<Plan> {
        let plan = Plan::new("changing the order")
            .on_device_of(a.buffer().file())
            .reads(1, a.stored_bytes());
        let working = |plan: Plan| plan.works(a.len() as u64, work::REORDER_DENSE);
        let ((count, length), dtype) = (a.lines(), a.dtype());
        let plan = match self {
            OrderStrategy::Same => plan,
            OrderStrategy::Resident if *place == Place::Memory => working(plan),
            OrderStrategy::Resident => {
                working(plan).holds(memory_to_transpose(dtype, (count, length), ctx))
            }
            OrderStrategy::Panels(panels) => working(plan).holds(panels.reading.memory()),
            OrderStrategy::Bands(bands, width) => {
                working(plan).holds(bands.memory() + dtype.bytes_of(width * count))
            }
            OrderStrategy::Scratch(panels) => {
                Transposer::plan(plan, dtype, (count, length), panels.reading.memory(), ctx)?
            }
        };
        Ok(AnyDenseWriter::plan(plan, (dtype, a.len()), place, ctx))
    }
}

/// The memory of the result or its writer.
fn memory_of_result(a: &AnyDense, place: &Place, ctx: &Context) -> u64 {
    AnyDenseWriter::memory((a.dtype(), a.len()), place, ctx)
}

fn reorder(
    a: &AnyDense,
    strategy: OrderStrategy,
    order: Order,
    place: &Place,
    ctx: &Context,
) -> Result<AnyDense> {
    let _running = ctx.begin(|| strategy.plan(a, place, ctx))?;
    if *place == Place::Memory
        && matches!(strategy, OrderStrategy::Resident | OrderStrategy::Panels(_))
    {
        return in_memory(a, strategy, order, ctx);
    }
    let ((count, length), dtype) = (a.lines(), a.dtype());
    let mut writer = AnyDenseWriter::new(place, (dtype, a.shape(), order), ctx)?;
    match strategy {
        OrderStrategy::Bands(mut bands, width) => {
            let what = (Some(dtype), width.saturating_mul(count));
            let mut made = ctx.raw_zeros("a band of lines", what)?;
            bands.sweep(ctx, &mut |_, band| {
                let width = band.first().map_or(0, |line| line.len());
                let mut made = made.as_mut();
                let mut rows = made.slice_mut(0..width * count);
                ctx.with_threads(|| {
                    transpose_lines(rows.reborrow(), count, (0, count), &|l| band[l]);
                });
                writer.push(rows.as_raw())
            })?;
        }
        OrderStrategy::Scratch(mut panels) => {
            let mut transposer = Transposer::new(dtype, (count, length), ctx)?;
            panels.sweep(ctx, &mut |DensePanel { elements, .. }| transposer.extend(elements))?;
            drop(panels);
            transposer.finish(&mut |band| writer.push(band))?;
        }
        OrderStrategy::Same | OrderStrategy::Resident | OrderStrategy::Panels(_) => {
            ctx.meter().pass_over(a.stored_bytes());
            transposed(a.elements(), (count, length), ctx, &mut |band| writer.push(band))?;
        }
    }
    writer.finish()
}

fn in_memory(
    a: &AnyDense,
    strategy: OrderStrategy,
    order: Order,
    ctx: &Context,
) -> Result<AnyDense> {
    let mut result = AnyDenseMut::create(&Place::Memory, (a.dtype(), a.shape(), order), ctx)?;
    if let OrderStrategy::Panels(mut panels) = strategy {
        let (count, _) = a.lines();
        let mut rows = result.elements_mut();
        panels.sweep(ctx, &mut |panel| {
            transpose_panel(panel, rows.reborrow(), count, ctx);
            Ok(())
        })?;
    } else {
        ctx.meter().pass_over(a.stored_bytes());
        transpose_to(a, result.elements_mut(), ctx)?;
    }
    result.freeze()
}

/// Transposes some lines, or a run of one, into rows of `count` elements.
pub(crate) fn transpose_panel(
    DensePanel { first, lines, offset, elements }: DensePanel<'_>,
    mut rows: RawMut<'_>,
    count: usize,
    ctx: &Context,
) {
    let width = elements.len() / lines.max(1);
    let rows = rows.slice_mut(offset * count..(offset + width) * count);
    let line = |l: usize| elements.slice(l * width..(l + 1) * width);
    ctx.with_threads(|| transpose_lines(rows, count, (first, lines), &line));
}

/// Transposes a matrix, read in place, to rows of as many elements as it has lines, of which there is at least one.
pub(crate) fn transpose_to(a: &AnyDense, mut rows: RawMut<'_>, ctx: &Context) -> Result<()> {
    let ((count, length), elements) = (a.lines(), a.elements());
    let step = (STEP / count).max(1);
    for start in (0..length).step_by(step) {
        ctx.report("transposing", start as u64, length as u64)?;
        let end = length.min(start + step);
        let rows = rows.slice_mut(start * count..end * count);
        let line = |l: usize| elements.slice(l * length + start..l * length + end);
        ctx.with_threads(|| transpose_lines(rows, count, (0, count), &line));
    }
    Ok(())
}
