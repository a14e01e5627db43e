//! The elements of a dense matrix that are kept, in the order in which they lie.
//!
//! ```text
//! for each panel: for each batch of tasks, some lines or a piece of one each:
//!     in parallel: look at every element -> what the tasks kept is handed on, in order
//! ```

use crate::dense::{LinePanel, LinePanels};
use crate::error::Result;
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Context, Element, Index};

/// Elements of a task.
const TASK: usize = 1 << 15;

/// Elements of a batch at most.
const BATCH: usize = 1 << 20;

/// Runs of elements looked at for an estimate, and the elements of each.
const SAMPLES: usize = 256;
const SAMPLE: usize = 4096;

/// Sifts a matrix that comes in panels.
pub(super) struct Sieve<'a, T: Element> {
    panels: LinePanels<T>,
    ctx: &'a Context,
}

/// What was kept of some whole lines, or of a piece of one.
pub(super) struct Kept<'a, T, I> {
    /// The first line.
    pub(super) first: usize,
    /// Whether the lines are whole.
    pub(super) whole: bool,
    /// Whether the last line ends here.
    pub(super) ends: bool,
    /// Elements kept of each line.
    pub(super) lens: &'a [usize],
    /// Their positions in the line.
    pub(super) indices: &'a [I],
    pub(super) data: &'a [T],
}

impl<'a, T: Element> Sieve<'a, T> {
    pub(super) fn new(panels: LinePanels<T>, ctx: &'a Context) -> Self {
        Sieve { panels, ctx }
    }

    /// Memory that what is kept of a batch takes, beside the panels.
    pub(super) fn memory<I>(ctx: &Context) -> u64 {
        // A vector that grows has up to twice the room.
        (2 * batch::<T, I>(ctx) * (size_of::<T>() + size_of::<I>())) as u64
    }

    /// About how many elements are kept, and hardly more than that; exactly, of a million or fewer.
    pub(super) fn estimate(elements: &[T], keep: impl Fn(T) -> bool) -> (u64, u64) {
        let count = |run: &[T]| run.iter().filter(|&&element| keep(element)).count() as u64;
        let stride = elements.len() / SAMPLES;
        if stride <= SAMPLE {
            return (count(elements), count(elements));
        }
        // Not always at the same place of a line, whatever its length.
        let shift = |k: usize| k.wrapping_mul(0x9E37_79B9) % (stride - SAMPLE);
        let kept: u64 =
            (0..SAMPLES).map(|k| count(&elements[k * stride + shift(k)..][..SAMPLE])).sum();
        // A sixteenth more, and three deviations of so many rare ones.
        let most = kept as f64 * 1.0625 + 3.0 * (kept as f64 + 1.0).sqrt();
        let all = |kept: f64| (kept / (SAMPLES * SAMPLE) as f64 * elements.len() as f64) as u64;
        (all(kept as f64), all(most))
    }

    /// Calls `take` with all that `keep` wants, some lines or a piece of one at a time, in order.
    pub(super) fn sweep<I: Index>(
        &mut self,
        keep: impl Fn(T) -> bool + Sync,
        take: &mut dyn FnMut(Kept<'_, T, I>) -> Result<()>,
    ) -> Result<()> {
        let ((_, length), ctx) = (self.panels.shape(), self.ctx);
        let at_once = (batch::<T, I>(ctx) / TASK).max(1);
        let _held = ctx.hold(Self::memory::<I>(ctx));
        self.panels.sweep(ctx, &mut |panel| {
            let cut = Cut::new(&panel, length);
            for start in (0..cut.count()).step_by(at_once) {
                ctx.check_cancelled()?;
                let here = start..cut.count().min(start + at_once);
                let sifted: Vec<Sifted<T, I>> = ctx.with_threads(|| {
                    here.clone()
                        .into_par_iter()
                        .map(|task| {
                            let (elements, width) = cut.task(&panel, task);
                            Sifted::new(elements, width, cut.offset(task), &keep)
                        })
                        .collect()
                });
                for (task, sifted) in here.zip(&sifted) {
                    let Sifted { lens, indices, data } = sifted;
                    let (first, whole) = (panel.first + cut.line(task), cut.whole);
                    let ends = cut.offset(task) + cut.task(&panel, task).1 == length;
                    take(Kept { first, whole, ends, lens, indices, data })?;
                }
            }
            Ok(())
        })
    }
}

/// Elements that are sifted before they are handed on: no more than a sixteenth of the limit keeps of them.
fn batch<T, I>(ctx: &Context) -> usize {
    let kept = 2 * (size_of::<T>() + size_of::<I>());
    (ctx.memory_left() as usize / 16 / kept).clamp(TASK, BATCH)
}

/// How a panel is cut into tasks.
struct Cut {
    lines: usize,
    /// Elements of each line in the panel, and where the first lies in its line.
    width: usize,
    start: usize,
    /// Whether tasks are of whole lines.
    whole: bool,
    /// Lines of a task, or pieces of a line.
    step: usize,
}

impl Cut {
    fn new<T>(panel: &LinePanel<&[T]>, length: usize) -> Self {
        let (lines, start) = (panel.lines, panel.offset);
        let width = panel.elements.len() / lines.max(1);
        let whole = width == length && width <= TASK;
        let step = if whole { TASK / width.max(1) } else { width.div_ceil(TASK) };
        Cut { lines, width, start, whole, step }
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

    /// The elements of a task and how many each of its lines has there.
    fn task<'a, T>(&self, panel: &LinePanel<&'a [T]>, task: usize) -> (&'a [T], usize) {
        let line = self.line(task);
        if self.whole {
            let lines = self.step.min(self.lines - line);
            return (&panel.elements[line * self.width..][..lines * self.width], self.width);
        }
        let before = self.offset(task) - self.start;
        let width = TASK.min(self.width - before);
        (&panel.elements[line * self.width + before..][..width], width)
    }
}

/// What a task kept.
struct Sifted<T, I> {
    lens: Vec<usize>,
    indices: Vec<I>,
    data: Vec<T>,
}

impl<T: Element, I: Index> Sifted<T, I> {
    /// Sifts lines of `width` elements, the first at position `offset` of its line.
    fn new(elements: &[T], width: usize, offset: usize, keep: &impl Fn(T) -> bool) -> Self {
        let (mut lens, mut indices, mut data) = (Vec::new(), Vec::new(), Vec::new());
        for line in elements.chunks_exact(width.max(1)) {
            let before = data.len();
            for (k, &element) in line.iter().enumerate() {
                if keep(element) {
                    indices.push(I::from_usize(offset + k));
                    data.push(element);
                }
            }
            lens.push(data.len() - before);
        }
        Sifted { lens, indices, data }
    }
}
