//! The kept elements of a dense matrix, in memory order.
//!
//! ```text
//! for each panel: for each chunk of tasks, each some lines or part of one:
//!     in parallel: test every element -> the kept elements are passed on, in order
//! ```

use crate::convert::formats::nonzero_marks::{Keep, Picker};
use crate::dense::{DensePanel, DensePanels};
use crate::error::Result;
use crate::sparse::{IndexVec, Indices};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Raw, RawVec};
use crate::storage::{Context, DType};

/// Elements of a task.
const TASK: usize = 1 << 15;

/// Elements of a chunk at most.
const CHUNK: usize = 1 << 20;

/// Runs of elements sampled for an estimate, and the elements of each.
const SAMPLES: usize = 256;
const SAMPLE: usize = 4096;

/// Sifts a matrix panel by panel.
pub(super) struct Sieve<'a> {
    panels: DensePanels,
    kind: KeptTypes,
    ctx: &'a Context,
}

/// The types of the kept elements and their indices.
pub(super) type KeptTypes = (DType, DType);

/// The kept elements of some whole lines, or of part of one.
pub(super) struct Kept<'a> {
    /// The first line.
    pub(super) first: usize,
    /// Whether the lines are whole.
    pub(super) whole: bool,
    /// Whether the last line ends here.
    pub(super) ends: bool,
    /// Elements kept of each line.
    pub(super) lens: &'a [usize],
    /// Their positions in the line.
    pub(super) indices: Indices<'a>,
    pub(super) data: Raw<'a>,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(panels: DensePanels, kind: KeptTypes, ctx: &'a Context) -> Self {
        Sieve { panels, kind, ctx }
    }

    /// Memory for the kept elements of a chunk, in addition to the panels.
    pub(super) fn memory(kind: KeptTypes, ctx: &Context) -> u64 {
        // A growing vector has up to twice the capacity.
        (2 * chunk(kind, ctx) * size(kind)) as u64
    }

    /// An estimate of the number of kept elements, and a bound that is rarely exceeded; exact for up to a million
    /// elements.
    pub(super) fn estimate(elements: Raw<'_>, keep: &dyn Keep) -> (u64, u64) {
        let stride = elements.len() / SAMPLES;
        if stride <= SAMPLE {
            let kept = keep.count(elements) as u64;
            return (kept, kept);
        }
        // Varies the position within a line, whatever its length.
        let shift = |k: usize| k.wrapping_mul(0x9E37_79B9) % (stride - SAMPLE);
        let sample = |k: usize| {
            let start = k * stride + shift(k);
            keep.count(elements.slice(start..start + SAMPLE))
        };
        let kept: usize = (0..SAMPLES).map(sample).sum();
        // A sixteenth more, and three standard deviations of a count of rare events.
        let most = kept as f64 * 1.0625 + 3.0 * (kept as f64 + 1.0).sqrt();
        let all = |kept: f64| (kept / (SAMPLES * SAMPLE) as f64 * elements.len() as f64) as u64;
        (all(kept as f64), all(most))
    }

    /// Calls `take` with all kept elements, some lines or part of one at a time, in order.
    pub(super) fn sweep(
        &mut self,
        keep: &dyn Keep,
        take: &mut dyn FnMut(Kept<'_>) -> Result<()>,
    ) -> Result<()> {
        let ((_, length), kind, ctx) = (self.panels.shape(), self.kind, self.ctx);
        let at_once = (chunk(kind, ctx) / TASK).max(1);
        let _held = ctx.hold(Self::memory(kind, ctx));
        self.panels.sweep(ctx, &mut |panel| {
            let cut = PanelTasks::new(&panel, length);
            for start in (0..cut.count()).step_by(at_once) {
                ctx.check_cancelled()?;
                let here = start..cut.count().min(start + at_once);
                let sifted: Vec<Sifted> = ctx.with_threads(|| {
                    here.clone()
                        .into_par_iter()
                        .map(|task| {
                            let (elements, width) = cut.task(&panel, task);
                            Sifted::new(elements, width, cut.offset(task), keep, kind)
                        })
                        .collect()
                });
                for (task, sifted) in here.zip(&sifted) {
                    let Sifted { lens, indices, data } = sifted;
                    let (first, whole) = (panel.first + cut.line(task), cut.whole);
                    let ends = cut.offset(task) + cut.task(&panel, task).1 == length;
                    let (indices, data) = (indices.as_indices(), data.as_raw());
                    take(Kept { first, whole, ends, lens, indices, data })?;
                }
            }
            Ok(())
        })
    }
}

/// Elements that are sifted before they are passed on: those kept use at most a sixteenth of the limit.
fn chunk(kind: KeptTypes, ctx: &Context) -> usize {
    (ctx.memory_left() as usize / 16 / (2 * size(kind))).clamp(TASK, CHUNK)
}

/// Bytes of an element and its index.
fn size((values, indices): KeptTypes) -> usize {
    values.size() + indices.size()
}

/// How a panel is cut into tasks.
struct PanelTasks {
    lines: usize,
    /// Elements of each line in the panel, and the position of the first in its line.
    width: usize,
    start: usize,
    /// Whether tasks consist of whole lines.
    whole: bool,
    /// Lines of a task, or runs of a line.
    step: usize,
}

impl PanelTasks {
    fn new(panel: &DensePanel<'_>, length: usize) -> Self {
        let (lines, start) = (panel.lines, panel.offset);
        let width = panel.elements.len() / lines.max(1);
        let whole = width == length && width <= TASK;
        let step = if whole { TASK / width.max(1) } else { width.div_ceil(TASK) };
        PanelTasks { lines, width, start, whole, step }
    }

    fn count(&self) -> usize {
        if self.whole { self.lines.div_ceil(self.step) } else { self.lines * self.step }
    }

    /// The first line of a task in the panel.
    fn line(&self, task: usize) -> usize {
        if self.whole { task * self.step } else { task / self.step }
    }

    /// Position of a task's first element in its line.
    fn offset(&self, task: usize) -> usize {
        if self.whole { 0 } else { self.start + task % self.step * TASK }
    }

    /// The elements of a task and how many are in each of its lines.
    fn task<'a>(&self, panel: &DensePanel<'a>, task: usize) -> (Raw<'a>, usize) {
        let line = self.line(task);
        if self.whole {
            let lines = self.step.min(self.lines - line);
            let here = line * self.width..(line + lines) * self.width;
            return (panel.elements.slice(here), self.width);
        }
        let before = self.offset(task) - self.start;
        let width = TASK.min(self.width - before);
        let start = line * self.width + before;
        (panel.elements.slice(start..start + width), width)
    }
}

/// What a task kept.
struct Sifted {
    lens: Vec<usize>,
    indices: IndexVec,
    data: RawVec,
}

impl Sifted {
    /// Sifts lines of `width` elements, the first at position `offset` of its line.
    fn new(
        elements: Raw<'_>,
        width: usize,
        offset: usize,
        keep: &dyn Keep,
        kind: KeptTypes,
    ) -> Self {
        let width = width.max(1);
        let mut lens = vec![0; elements.len() / width];
        let (mut indices, mut data) = (IndexVec::new(kind.1), RawVec::new(Some(kind.0)));
        Picker::new().each(elements, width, offset, keep, &mut |picked| {
            for (line, &len) in (picked.line..).zip(picked.lens) {
                lens[line] += len;
            }
            let (before, more) = (data.len(), picked.at.len());
            indices.resize(before + more, 0);
            let mut new = indices.as_mut();
            new.take_front(before);
            new.copy_from(picked.indices);
            data.resize(before + more);
            let gathered =
                data.as_mut().slice_mut(before..before + more).gather(picked.at, picked.run);
            gathered.expect("positions in the run");
        });
        Sifted { lens, indices, data }
    }
}
