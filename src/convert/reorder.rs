//! A dense matrix in the other order: rows that were contiguous become columns that are.
//!
//! | the matrix | the result | what is done |
//! |---|---|---|
//! | in memory, or fits in half the limit | in memory | transposed from the one to the other |
//! | the same | in a file | transposed band after band of result lines, which are written in order |
//! | larger | in memory | read panel by panel, each transposed to where it belongs |
//! | larger, its lines few enough | in a file | read band after band, one run of every line: 1 read, 1 write |
//! | larger, with many lines | in a file | through a scratch file, in large tiles: 2 reads, 2 writes |
//!
//! A run of a line is worth a read of its own from 64 KiB on: on one virtual disk two threads read runs of 128 KiB at
//! the full speed of 1.7 to 2.3 GB/s, of 64 KiB at 0.9, and of 32 KiB at 0.3, slower than the way through a scratch file.

use crate::dense::{
    BandPanels, Dense, DenseMut, DenseWriter, LinePanel, LinePanels, Transposer,
    memory_to_transpose, transpose_lines, transposed,
};
use crate::error::Result;
use crate::storage::{Context, Element, Order, Place, Plan};

/// Bytes of a run of a line that is worth a read of its own.
const RUN: usize = 64 << 10;

/// Elements between two looks at the cancel token.
const STEP: usize = 1 << 26;

/// Nanoseconds that an element takes one thread.
const WORK: f64 = 0.7;

/// How a matrix is brought to the other order.
enum Way<T: Element> {
    /// The elements lie the same in both orders.
    Same,
    /// From where they lie, straight to the result or band by band.
    Resident,
    /// Panels of lines, to a result in memory.
    Panels(LinePanels<T>),
    /// Bands across the lines.
    Bands(BandPanels<T>, usize),
    /// Panels of lines through a scratch file.
    Scratch(LinePanels<T>),
}

impl<T: Element> Dense<T> {
    /// The same matrix with its elements in `order`, at `place`.
    ///
    /// With [`transpose`](Self::transpose), which costs nothing, it makes a transposed copy in the same order.
    ///
    /// Cost: one read and one sequential write. Of a matrix that is larger than half the memory limit and has so many lines
    /// that less than 64 KiB of each fit in memory side by side, at most one write and one read of the scratch folder more.
    /// Memory: the limit at most.
    ///
    /// ```
    /// use outcore::{Context, Dense, Order, Place};
    /// let ctx = Context::new();
    /// let a = Dense::from(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]));
    /// let b = a.to_order(Order::Fortran, Place::Memory, &ctx)?;
    /// assert_eq!((b.as_slice(), b.view()), (&[1, 4, 2, 5, 3, 6][..], a.view()));
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
        let place = place.into();
        ctx.check_memory(
            "the result",
            DenseWriter::<T, ndarray::Ix2>::memory(self.len(), &place, ctx),
        )?;
        match Way::choose(self, order, &place, ctx)? {
            Way::Same => self.copy_as(order, "changing the order", &place, ctx),
            way => reorder(self, way, order, &place, ctx),
        }
    }
}

impl<T: Element> Way<T> {
    fn choose(a: &Dense<T>, order: Order, place: &Place, ctx: &Context) -> Result<Self> {
        let ((count, length), limit) = (a.lines(), ctx.memory_left());
        if order == a.order() || count <= 1 || length <= 1 {
            return Ok(Way::Same);
        }
        let free = free_memory::<T>(a.len(), place, ctx);
        if a.buffer().stored_bytes() <= (limit / 2).min(free) {
            return Ok(Way::Resident);
        }
        // Four bands are being read and one is made.
        let width = BandPanels::<T>::elements(count, free / 6).min(length);
        if width * size_of::<T>() >= RUN || width == length {
            return BandPanels::of_width(a, width, free / 6 * 5, ctx)
                .map(|bands| Way::Bands(bands, width));
        }
        if *place == Place::Memory {
            return LinePanels::once(a, (1, 1), free, ctx).map(Way::Panels);
        }
        LinePanels::once(a, (1, 1), free / 8, ctx).map(Way::Scratch)
    }

    fn plan(&self, a: &Dense<T>, place: &Place, ctx: &Context) -> Result<Plan> {
        let plan = Plan::new("changing the order")
            .on_device_of(a.buffer().file())
            .reads(1, a.buffer().stored_bytes());
        let working = |plan: Plan| plan.works(a.len() as u64, WORK);
        let (count, length) = a.lines();
        let plan = match self {
            Way::Same => plan,
            Way::Resident if *place == Place::Memory => working(plan),
            Way::Resident => working(plan).holds(memory_to_transpose::<T>(count, length, ctx)),
            Way::Panels(panels) => working(plan).holds(panels.memory()),
            Way::Bands(bands, width) => {
                working(plan).holds(bands.memory() + (width * count * size_of::<T>()) as u64)
            }
            Way::Scratch(panels) => {
                Transposer::<T>::plan(plan, (count, length), panels.memory(), ctx)?
            }
        };
        Ok(DenseWriter::<T, ndarray::Ix2>::plan(plan, a.len(), place, ctx))
    }
}

/// The memory that is left beside the result, or beside writing it.
fn free_memory<T: Element>(len: usize, place: &Place, ctx: &Context) -> u64 {
    ctx.memory_left().saturating_sub(DenseWriter::<T, ndarray::Ix2>::memory(len, place, ctx))
}

fn reorder<T: Element>(
    a: &Dense<T>,
    way: Way<T>,
    order: Order,
    place: &Place,
    ctx: &Context,
) -> Result<Dense<T>> {
    let _running = ctx.begin(|| way.plan(a, place, ctx))?;
    if *place == Place::Memory && matches!(way, Way::Resident | Way::Panels(_)) {
        return in_memory(a, way, order, ctx);
    }
    let (count, length) = a.lines();
    let mut writer = DenseWriter::new(place, ndarray::Dim(a.dim()), order, ctx)?;
    match way {
        Way::Bands(mut bands, width) => {
            let mut made = ctx.zeros::<T>("a band of lines", width.saturating_mul(count))?;
            bands.sweep(ctx, &mut |band| {
                let width = band.lines.first().map_or(0, |line| line.len());
                let rows = &mut made[..width * count];
                ctx.with_threads(|| transpose_lines(rows, count, (0, count), |l| band.lines[l]));
                writer.push(rows)
            })?;
        }
        Way::Scratch(mut panels) => {
            let mut transposer = Transposer::new(count, length, ctx)?;
            panels.sweep(ctx, &mut |LinePanel { elements, .. }| transposer.extend(elements))?;
            drop(panels);
            transposer.finish(|band| writer.push(band))?;
        }
        Way::Same | Way::Resident | Way::Panels(_) => {
            ctx.meter().pass();
            ctx.meter().read(a.buffer().stored_bytes());
            transposed(a.as_slice(), (count, length), ctx, |band| writer.push(band))?;
        }
    }
    writer.finish()
}

fn in_memory<T: Element>(
    a: &Dense<T>,
    way: Way<T>,
    order: Order,
    ctx: &Context,
) -> Result<Dense<T>> {
    let (count, _) = a.lines();
    let mut result = DenseMut::<T>::create(Place::Memory, a.dim(), order, ctx)?;
    let rows = result.as_mut_slice();
    if let Way::Panels(mut panels) = way {
        panels.sweep(ctx, &mut |LinePanel { first, lines, offset, elements }| {
            let width = elements.len() / lines;
            let rows = &mut rows[offset * count..][..width * count];
            let line = |l: usize| &elements[l * width..][..width];
            ctx.with_threads(|| transpose_lines(rows, count, (first, lines), line));
            Ok(())
        })?;
    } else {
        ctx.meter().pass();
        ctx.meter().read(a.buffer().stored_bytes());
        transpose_to(a, rows, ctx)?;
    }
    result.freeze()
}

/// Transposes a matrix from where it lies to rows of as many elements as it has lines, of which there is one at least.
pub(super) fn transpose_to<T: Element>(a: &Dense<T>, rows: &mut [T], ctx: &Context) -> Result<()> {
    let (count, length) = a.lines();
    let step = (STEP / count).max(1);
    for (k, rows) in rows.chunks_mut(step * count).enumerate() {
        ctx.report("transposing", (k * step) as u64, length as u64)?;
        let line = |l: usize| &a.as_slice()[l * length + k * step..];
        ctx.with_threads(|| transpose_lines(rows, count, (0, count), line));
    }
    Ok(())
}
