//! Filling a writable matrix line by line, along its order or across it.
//!
//! | the array | lines along its order | lines across it |
//! |---|---|---|
//! | in a file, more than half the memory limit | appended to the file | transposed, then written to the file |
//! | anything else | written in place | gathered, and written many at a time |
//!
//! The file is written past its map, from its first byte to its last: a map of a file larger than memory is written
//! back page by page at the system's discretion, and would have to be read again for its checksums.

use crate::dense::transpose::transpose_lines;
use crate::dense::transposer::Transposer;
use crate::dense::writable::ArrayToWrite;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::work;
use crate::storage::{Broken, CACHE_LINE, Held, Plan, RawBufferMut, RawWriter, Running};

/// Bytes gathered before they are stored in the array: enough lines for a full cache line per row up to a million rows,
/// few enough to be reused warm.
const STAGING: u64 = 64 << 20;

/// The lines with which a matrix is filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct FillLines {
    pub(super) count: usize,
    pub(super) length: usize,
    /// Whether a line is contiguous in the array; otherwise element `i` of all lines is.
    pub(super) along: bool,
    pub(super) phase: &'static str,
}

/// Writes lines into a matrix.
pub(super) struct LineWriter<'a> {
    array: ArrayToWrite<'a>,
    lines: FillLines,
    /// Lines written so far.
    next: usize,
    strategy: FillStrategy,
    /// Whether a line was written in part, or written and an error returned anyway.
    broken: Broken,
    _running: Running,
}

/// How lines get into the array.
enum FillStrategy {
    /// Written in place.
    InPlace,
    /// Gathered, and stored in the array when the buffer is full.
    Gathered { lines: RawBufferMut, most: usize },
    /// Appended to the file; a line is made in `line`.
    Pushed { writer: RawWriter, line: RawBufferMut, _held: Held },
    /// Transposed, then written to the file.
    Transposed(Transposer),
}

impl<'a> LineWriter<'a> {
    pub(super) fn new(mut array: ArrayToWrite<'a>, lines: FillLines) -> Result<Self> {
        let running = array.ctx.begin(|| lines.plan(&array))?;
        let strategy = lines.strategy(&mut array)?;
        let broken = Broken::default();
        Ok(LineWriter { array, lines, next: 0, strategy, broken, _running: running })
    }

    /// Writes the next line; an error about its length calls it `what`.
    pub(super) fn push(&mut self, what: &str, line: Raw<'_>) -> Result<()> {
        if line.len() != self.lines.length {
            return Err(Error::shape(what, self.lines.length, line.len()));
        }
        self.check_capacity()?;
        let pushed = match &mut self.strategy {
            FillStrategy::Pushed { writer, .. } => writer.push(line).and_then(|()| self.taken()),
            _ => self.next_line(&mut |mut to| to.copy_from(line)),
        };
        self.broken.note(pushed)
    }

    /// Fails if the array is full, or an earlier line failed.
    fn check_capacity(&self) -> Result<()> {
        if self.next == self.lines.count {
            return Err(Error::new(ErrorKind::Shape, "the array is full")
                .found(format!("one line more than its {}", self.lines.count)));
        }
        self.broken.check()
    }

    /// Calls `fill` to write every line.
    pub(super) fn fill(mut self, fill: &mut dyn FnMut(usize, RawMut<'_>)) -> Result<()> {
        if self.array.len() == 0 {
            // The number of empty lines may be too large to loop over.
            return Ok(());
        }
        for k in 0..self.lines.count {
            self.next_line(&mut |line| fill(k, line))?;
        }
        self.finish()
    }

    fn next_line(&mut self, fill: &mut dyn FnMut(RawMut<'_>)) -> Result<()> {
        let length = self.lines.length;
        match &mut self.strategy {
            FillStrategy::InPlace => {
                let start = self.next * length;
                fill(self.array.elements().slice_mut(start..start + length));
            }
            FillStrategy::Gathered { lines, most } => {
                let slot = self.next % *most;
                if slot == 0 && self.next > 0 {
                    scatter(lines.as_raw(), self.lines, self.next - *most, &mut self.array);
                }
                fill(lines.as_mut().slice_mut(slot * length..(slot + 1) * length));
            }
            FillStrategy::Pushed { writer, line, .. } => {
                if line.len() != length {
                    *line = RawBufferMut::fresh(line.dtype(), length)?;
                }
                fill(line.as_mut());
                writer.push(line.as_raw())?;
            }
            FillStrategy::Transposed(transposer) => transposer.fill_line(fill)?,
        }
        self.taken()
    }

    fn taken(&mut self) -> Result<()> {
        self.next += 1;
        self.array.ctx.report(self.lines.phase, self.next as u64, self.lines.count as u64)
    }

    /// Writes the last lines to the array. Fails if lines are missing.
    pub(super) fn finish(mut self) -> Result<()> {
        self.broken.check()?;
        let FillLines { count, length, .. } = self.lines;
        if self.next != count {
            return Err(Error::new(ErrorKind::Shape, "lines are missing")
                .expected(count)
                .found(self.next));
        }
        let writer = match self.strategy {
            FillStrategy::InPlace => return Ok(()),
            FillStrategy::Gathered { lines, most } => {
                let first = count.saturating_sub(1) / most * most;
                let rest = lines.as_raw().slice(0..(count - first) * length);
                scatter(rest, self.lines, first, &mut self.array);
                return Ok(());
            }
            FillStrategy::Pushed { writer, .. } => writer,
            FillStrategy::Transposed(transposer) => {
                let mut writer = self.array.write_over()?;
                transposer.finish(&mut |band| writer.push(band))?;
                writer
            }
        };
        self.array.finish_over(writer)
    }
}

impl FillLines {
    /// Whether the file of an array is written past its map.
    fn streams(&self, array: &ArrayToWrite<'_>) -> bool {
        let limit = array.ctx.memory_left();
        let line = array.dtype().bytes_of(self.length);
        // If a line does not fit in addition to the writer, it is made in the map.
        array.bytes() > limit / 2 && array.fills_its_file() && (!self.along || line <= limit / 2)
    }

    fn strategy(&self, array: &mut ArrayToWrite<'_>) -> Result<FillStrategy> {
        let (dtype, ctx) = (array.dtype(), array.ctx);
        if self.streams(array) {
            if !self.along {
                return Transposer::new(dtype, (self.count, self.length), ctx)
                    .map(FillStrategy::Transposed);
            }
            let held = ctx.hold(dtype.bytes_of(self.length));
            let (writer, line) = (array.write_over()?, RawBufferMut::fresh(Some(dtype), 0)?);
            return Ok(FillStrategy::Pushed { writer, line, _held: held });
        }
        if self.along {
            return Ok(FillStrategy::InPlace);
        }
        let most = self.gathered(array)?;
        let what = (Some(dtype), most.saturating_mul(self.length));
        Ok(FillStrategy::Gathered { lines: ctx.raw_zeros("lines to gather", what)?, most })
    }

    fn plan(&self, array: &ArrayToWrite<'_>) -> Result<Plan> {
        let FillLines { count, length, along, phase } = *self;
        let (dtype, ctx, len, bytes) = (array.dtype(), array.ctx, array.len(), array.bytes());
        let plan = Plan::new(phase);
        let in_memory = if array.file().is_some() { 0 } else { bytes };
        if !self.streams(array) {
            let plan = plan.works(len as u64, work::FILL_LINES).throughout(in_memory);
            let most = if along { 0 } else { self.gathered(array)? };
            return Ok(plan.throughout(dtype.bytes_of(most.saturating_mul(length))));
        }
        let start = array.file().map_or(0, |(_, start)| start);
        let writing = RawWriter::extra_memory(ctx.memory_left());
        let plan = plan.writes(start + bytes);
        if along {
            return Ok(plan
                .works(len as u64, work::WRITE_LINES)
                .throughout(writing + dtype.bytes_of(length)));
        }
        Ok(Transposer::plan(plan, dtype, (count, length), 0, ctx)?.throughout(writing))
    }

    /// Lines to gather: at most all of them, at least one, otherwise as many as the buffer holds, in whole cache lines.
    fn gathered(&self, array: &ArrayToWrite<'_>) -> Result<usize> {
        let (dtype, ctx) = (array.dtype(), array.ctx);
        let line = dtype.bytes_of(self.length);
        ctx.check_memory("one line of the staging area", line)?;
        let area = STAGING.min(ctx.memory_left() / 4);
        let most = (area / line.max(1)) as usize;
        let in_cache_line = CACHE_LINE / dtype.size();
        let whole = if most > in_cache_line { most - most % in_cache_line } else { most };
        Ok(whole.clamp(1, self.count.max(1)))
    }
}

/// Stores lines from `first` on in the array: its row `i` gets element `i` of each.
fn scatter(
    lines: Raw<'_>,
    FillLines { count, length, .. }: FillLines,
    first: usize,
    array: &mut ArrayToWrite<'_>,
) {
    let here = lines.len() / length.max(1);
    let line = |k: usize| lines.slice(k * length..(k + 1) * length);
    array.ctx.with_threads(|| transpose_lines(array.elements(), count, (first, here), &line));
}
