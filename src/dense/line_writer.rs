//! A matrix to write, filled with one line after the other, along its order or across it.
//!
//! | the array | lines along its order | lines across it |
//! |---|---|---|
//! | in a file, more than half the memory limit | pushed into the file | transposed on their way into the file |
//! | anything else | written where they belong | gathered, and written many at a time |
//!
//! The file is written past its map, from its first byte to its last: a map of a file larger than memory is written back
//! page by page at the system's discretion, and would have to be read again for its checksums.

use ndarray::Ix2;

use crate::dense::transpose::transpose_lines;
use crate::dense::transposer::Transposer;
use crate::dense::writable::DenseMut;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{
    ArrayWriter, Broken, BufferMut, Context, Element, Held, Plan, Running, bytes_of,
};

/// Bytes gathered before they are written where they belong: enough lines for a full cache line a row up to a million
/// rows, little enough to be reused warm.
const STAGING: u64 = 64 << 20;

/// The lines that a matrix is filled with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub(super) count: usize,
    pub(super) length: usize,
    /// Whether a line is contiguous in the array; otherwise element `i` of every line is, one after the other.
    pub(super) along: bool,
    pub(super) phase: &'static str,
}

/// Writes lines into a matrix.
pub(super) struct LineWriter<'a, T: Element> {
    array: &'a mut DenseMut<T, Ix2>,
    ctx: Context,
    lines: Lines,
    /// Lines taken so far.
    next: usize,
    way: Way<T>,
    /// Whether a line was taken in part, or taken and an error told all the same.
    broken: Broken,
    _running: Running,
}

/// How lines get into the array.
enum Way<T: Element> {
    /// Written where they belong.
    InPlace,
    /// Gathered, one after the other, and written where they belong when there are as many as fit.
    Gathered { lines: BufferMut<T>, most: usize },
    /// Pushed into the file; `line` is where one is made.
    Pushed { writer: ArrayWriter<T>, line: Vec<T>, _held: Held },
    /// Transposed on their way into the file.
    Transposed(Transposer<T>),
}

impl<'a, T: Element> LineWriter<'a, T> {
    pub(super) fn new(array: &'a mut DenseMut<T, Ix2>, lines: Lines) -> Result<Self> {
        let ctx = array.context().clone();
        let running = ctx.begin(|| lines.plan::<T>(array, &ctx))?;
        let way = lines.way(array, &ctx)?;
        let broken = Broken::default();
        Ok(LineWriter { array, ctx, lines, next: 0, way, broken, _running: running })
    }

    /// Elements of a line.
    pub(super) fn length(&self) -> usize {
        self.lines.length
    }

    /// Takes the next line.
    pub(super) fn push(&mut self, line: &[T]) -> Result<()> {
        self.check_room()?;
        let pushed = match &mut self.way {
            Way::Pushed { writer, .. } => writer.push(line).and_then(|()| self.taken()),
            _ => self.next_line(|to| to.copy_from_slice(line)),
        };
        self.broken.note(pushed)
    }

    /// Fails if the array is full, or a line before could not be taken.
    fn check_room(&self) -> Result<()> {
        if self.next == self.lines.count {
            return Err(Error::new(ErrorKind::Shape, "the array is full")
                .found(format!("one line more than its {}", self.lines.count)));
        }
        self.broken.check()
    }

    /// Has `fill` write every line.
    pub(super) fn fill(mut self, mut fill: impl FnMut(usize, &mut [T])) -> Result<()> {
        if self.array.is_empty() {
            // There may be more lines without elements than anybody can count to.
            return Ok(());
        }
        for k in 0..self.lines.count {
            self.next_line(|line| fill(k, line))?;
        }
        self.finish()
    }

    fn next_line(&mut self, fill: impl FnOnce(&mut [T])) -> Result<()> {
        let length = self.lines.length;
        match &mut self.way {
            Way::InPlace => fill(&mut self.array.as_mut_slice()[self.next * length..][..length]),
            Way::Gathered { lines, most } => {
                let slot = self.next % *most;
                if slot == 0 && self.next > 0 {
                    scatter(lines, self.lines, self.next - *most, self.array, &self.ctx);
                }
                fill(&mut lines[slot * length..][..length]);
            }
            Way::Pushed { writer, line, .. } => {
                line.resize(length, T::default());
                fill(line);
                writer.push(line)?;
            }
            Way::Transposed(transposer) => transposer.fill_line(fill)?,
        }
        self.taken()
    }

    fn taken(&mut self) -> Result<()> {
        self.next += 1;
        self.ctx.report(self.lines.phase, self.next as u64, self.lines.count as u64)
    }

    /// Puts the last lines into the array. Fails if lines are missing.
    pub(super) fn finish(self) -> Result<()> {
        self.broken.check()?;
        let Lines { count, length, .. } = self.lines;
        if self.next != count {
            return Err(Error::new(ErrorKind::Shape, "lines are missing")
                .expected(count)
                .found(self.next));
        }
        let writer = match self.way {
            Way::InPlace => return Ok(()),
            Way::Gathered { lines, most } => {
                let first = count.saturating_sub(1) / most * most;
                scatter(
                    &lines[..(count - first) * length],
                    self.lines,
                    first,
                    self.array,
                    &self.ctx,
                );
                return Ok(());
            }
            Way::Pushed { writer, .. } => writer,
            Way::Transposed(transposer) => {
                let mut writer = ArrayWriter::over(self.array.buffer_to_write(), &self.ctx)?;
                transposer.finish(|band| writer.push(band))?;
                writer
            }
        };
        let sums = writer.finish_over(self.array.len())?;
        self.array.summed(sums);
        Ok(())
    }
}

impl Lines {
    /// Whether the file of an array is written past its map.
    fn streams<T: Element>(&self, array: &DenseMut<T, Ix2>, ctx: &Context) -> bool {
        let (limit, bytes) = (ctx.memory_left(), size_of_val(array.as_slice()) as u64);
        let line = bytes_of::<T>(self.length);
        // A line that is made where none fits beside the writer is made in the map.
        bytes > limit / 2 && array.fills_its_file() && (!self.along || line <= limit / 2)
    }

    fn way<T: Element>(&self, array: &mut DenseMut<T, Ix2>, ctx: &Context) -> Result<Way<T>> {
        if self.streams(array, ctx) {
            if !self.along {
                return Transposer::new(self.count, self.length, ctx).map(Way::Transposed);
            }
            let held = ctx.hold(bytes_of::<T>(self.length));
            let writer = ArrayWriter::over(array.buffer_to_write(), ctx)?;
            return Ok(Way::Pushed { writer, line: Vec::new(), _held: held });
        }
        if self.along {
            return Ok(Way::InPlace);
        }
        let most = gathered_lines::<T>(self, ctx)?;
        let lines = ctx.zeros("lines to gather", most.saturating_mul(self.length))?;
        Ok(Way::Gathered { lines, most })
    }

    fn plan<T: Element>(&self, array: &DenseMut<T, Ix2>, ctx: &Context) -> Result<Plan> {
        let Lines { count, length, along, phase } = *self;
        let (size, bytes) = (size_of::<T>() as u64, size_of_val(array.as_slice()) as u64);
        let plan = Plan::new(phase);
        let in_memory = if array.buffer.file().is_some() { 0 } else { bytes };
        if !self.streams(array, ctx) {
            let plan = plan.works(array.len() as u64, 1.0).beside(in_memory);
            let most = if along { 0 } else { gathered_lines::<T>(self, ctx)? };
            return Ok(plan.beside(bytes_of::<T>(most.saturating_mul(length))));
        }
        let start = array.buffer.file().map_or(0, |(_, start)| start);
        let writing = ArrayWriter::<T>::memory_beside(ctx.memory_left());
        let plan = plan.writes(start + bytes);
        if along {
            return Ok(plan.works(array.len() as u64, 0.3).beside(writing + length as u64 * size));
        }
        Ok(Transposer::<T>::plan(plan, (count, length), 0, ctx)?.beside(writing))
    }
}

/// Puts lines from the `first` on into the array: row `i` of it gets element `i` of each.
fn scatter<T: Element>(
    lines: &[T],
    Lines { count, length, .. }: Lines,
    first: usize,
    array: &mut DenseMut<T, Ix2>,
    ctx: &Context,
) {
    let here = lines.len() / length.max(1);
    ctx.with_threads(|| {
        let line = |k: usize| &lines[k * length..][..length];
        transpose_lines(array.as_mut_slice(), count, (first, here), line);
    });
}

/// Lines to gather: at most all of them, at least one, otherwise what the area for them holds, in whole cache lines.
fn gathered_lines<T: Element>(lines: &Lines, ctx: &Context) -> Result<usize> {
    let line = bytes_of::<T>(lines.length);
    ctx.check_memory("one line of the staging area", line)?;
    let area = STAGING.min(ctx.memory_left() / 4);
    let most = (area / line.max(1)) as usize;
    let in_cache_line = 64 / size_of::<T>();
    let whole = if most > in_cache_line { most - most % in_cache_line } else { most };
    Ok(whole.clamp(1, lines.count.max(1)))
}
