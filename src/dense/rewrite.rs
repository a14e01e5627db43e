//! Replacing all elements of a writable array, in order: on its map, or read ahead and written behind the work.
//!
//! Reading and writing use the same file, with the writing behind: a block is written when it is full, so that all of
//! it has been read by then, and the read-ahead is past it. With 640 MB of memory, an array of 2 GB took 1.8 to 2.4 s
//! with this method, closing it included, and 5.7 to 6.6 s on its map.

use ndarray::Dimension;

use crate::dense::writable::{ArrayToWrite, DenseMut};
use crate::error::Result;
use crate::storage::raw::RawMut;
use crate::storage::{
    ArrayPanels, Arrays, Context, Element, EvenCut, Plan, RawWriter, Reading, elements_within,
};

/// Elements between two checks of the cancel token.
const STEP: usize = 1 << 22;

impl<T: Element, D: Dimension> DenseMut<T, D> {
    /// Passes all elements to `change` to be replaced, many at a time, in order. `work` is the nanoseconds per element.
    pub(crate) fn replace(
        &mut self,
        phase: &'static str,
        work: f64,
        replace: &mut dyn FnMut(RawMut<'_>),
    ) -> Result<()> {
        self.being_written().replace(phase, work, replace)
    }
}

impl ArrayToWrite<'_> {
    fn replace(
        &mut self,
        phase: &'static str,
        work: f64,
        replace: &mut dyn FnMut(RawMut<'_>),
    ) -> Result<()> {
        let ctx = self.ctx.clone();
        let (len, bytes) = (self.len(), self.bytes());
        if bytes > ctx.memory_left() / 2 && self.fills_its_file() {
            return self.replace_file(phase, work, replace, &ctx);
        }
        let stored = self.file().is_some();
        let _running = ctx.begin_pass(if stored { bytes } else { 0 }, || {
            let plan = Plan::new(phase).works(len as u64, work);
            Ok(if stored { plan.reads(1, bytes) } else { plan.reads(1, 0).throughout(bytes) })
        })?;
        for start in (0..len).step_by(STEP) {
            ctx.report(phase, start as u64, len as u64)?;
            replace(self.elements().slice_mut(start..len.min(start + STEP)));
        }
        ctx.report(phase, len as u64, len as u64)
    }

    fn replace_file(
        &mut self,
        phase: &'static str,
        work: f64,
        replace: &mut dyn FnMut(RawMut<'_>),
        ctx: &Context,
    ) -> Result<()> {
        let (len, dtype) = (self.len(), self.dtype());
        let budget = ctx.memory_left() / 2;
        let step = elements_within(budget, dtype.size()).min(len);
        let Some((origin, start)) = self.origin() else { return Ok(()) };
        let arrays = Arrays::of_file(origin, start, dtype)?;
        let cut = EvenCut { len, step, arrays: 1 };
        let mut reader = ArrayPanels::new(arrays, cut, Reading::once(budget))?;
        let _running = ctx.begin(|| {
            let bytes = dtype.bytes_of(len);
            let writing = RawWriter::extra_memory(ctx.memory_left());
            let plan = Plan::new(phase).works(len as u64, work).reads(1, bytes);
            let extra = reader.memory() + writing + dtype.bytes_of(step);
            Ok(plan.writes(start + bytes).throughout(extra))
        })?;
        let mut buffer =
            ctx.raw_work("a run of elements", (Some(dtype), step))?.counted(ctx.meter());
        // Changes on the map must be on the device before the file is read.
        let mut writer = self.write_over()?;
        reader.sweep(ctx, &mut |_, parts| {
            let read = parts[0];
            let mut elements = buffer.as_mut();
            let mut elements = elements.slice_mut(0..read.len());
            elements.copy_from(read);
            replace(elements.reborrow());
            writer.push(elements.as_raw())
        })?;
        self.finish_over(writer)
    }
}
