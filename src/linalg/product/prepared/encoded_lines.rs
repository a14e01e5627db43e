//! A compressed matrix larger than the memory limit, with what the encoding makes of it in memory.
//!
//! ```text
//! once:          for each panel:  encode; keep the encoding if it saves more bytes than it takes
//! each product:  for each panel:  kept whole       -> nothing is read
//!                                 structure kept   -> its values are read
//!                                 not kept         -> pointers, indices and values are read
//! ```
//!
//! A panel is kept whole if its values repeat, or if there are so few that they are numbered by bytes. Otherwise its
//! structure is kept, for lines that differ only by their number nearly for nothing, else at two bytes for each entry
//! instead of four. A byte of memory that keeps a panel from the file saves one byte of every pass, so structure that
//! takes more than what it saves is left in the file.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::product::line_source::{EncodedPart, LineSource, LinesPart};
use crate::linalg::product::prepared::compact::{Compact, Expanded};
use crate::linalg::product::prepared::encoded_panel::{
    EncodedPanel, Look, encode, is_near, look, saves,
};
use crate::linalg::product::prepared::levels::PanelReach;
use crate::sparse::{AnyCompressed, CompressedPanel, CompressedPanels, Indices};
use crate::storage::work;
use crate::storage::{
    ArrayPanels, ArrayRange, ArrayWindow, Arrays, Context, Cut, Held, Plan, Reading,
};

/// Panels are smaller than those that are only read, by this factor where memory is short: several are needed at a time
/// where a sweep makes several levels.
const PARTS: u64 = 4;

/// The budget of panels of 2 MiB. They are no larger where columns are near the diagonal: every level of a sweep waits
/// for a whole one.
const SMALL: u64 = 16 << 20;

/// The lines of a matrix, encoded as far as it is worthwhile, and read panel by panel.
pub(crate) struct EncodedLines {
    matrix: AnyCompressed,
    all: Arc<Encodings>,
    /// How the matrix is read.
    pub(crate) reading: ArrayPanels,
}

/// What is kept of every panel.
pub(crate) struct Encodings {
    pub(crate) panels: Vec<EncodedPanel>,
    /// The panels of which something is read.
    read: Vec<usize>,
    /// Bytes of all encodings.
    bytes: u64,
    /// Bytes for plain lines of the largest panel.
    decoding_bytes: u64,
    reach: PanelReach,
    /// Those of `bytes` that the encodings do not count themselves.
    _held: Held,
}

impl Encodings {
    /// Which panels wait for which in a sweep with several levels.
    pub(crate) fn reach(&self) -> &PanelReach {
        &self.reach
    }
}

/// Indices, values, pointers, of the panels of which something is read.
impl Cut for Arc<Encodings> {
    fn count(&self) -> usize {
        self.read.len()
    }

    fn parts(&self, panel: usize, name: &mut dyn FnMut(ArrayRange)) {
        let EncodedPanel { lines, entries, compact, .. } = &self.panels[self.read[panel]];
        match compact {
            Some(_) => name((1, entries.clone())),
            None => {
                name((0, entries.clone()));
                name((1, entries.clone()));
                name((2, lines.start..lines.end + 1));
            }
        }
    }
}

impl EncodedLines {
    /// Encodes a matrix within `budget` bytes, which then also hold the panels that are read; `None` if it hardly saves
    /// anything.
    ///
    /// A line or an index out of range is found by the products. Cost: one pass, after a look at some lines.
    pub(crate) fn new(matrix: &AnyCompressed, budget: u64, ctx: &Context) -> Result<Option<Self>> {
        let Look { worthwhile, near, bytes: looked_at } = look(matrix, ctx)?;
        if !worthwhile {
            return Ok(None);
        }
        let largest = (budget / PARTS).min(if near { SMALL } else { u64::MAX });
        let mut panels = CompressedPanels::once(matrix.clone(), largest, budget)?;
        let (lines, entries) = panels.largest();
        let decoding_bytes = Expanded::memory(lines, entries, matrix.types().values);
        let most = budget.saturating_sub(panels.memory() + decoding_bytes);
        let _running = ctx.begin(|| {
            let plan = panels.plan("preparing").reads(1, looked_at);
            Ok(plan.throughout(most + decoding_bytes).works(matrix.nnz() as u64, work::ENCODE))
        })?;
        ctx.meter().read(looked_at);
        let mut made = Vec::new();
        let (mut bytes, mut small, mut start) = (0, 0, 0);
        panels.sweep(ctx, &mut |panel| {
            let entries = start..start + panel.indices.len();
            start = entries.end;
            let EncodedPanel { lines, columns, compact, .. } = encode(matrix, &panel, ctx)?;
            let compact = compact.filter(|compact| {
                saves(matrix, compact, (lines.len(), entries.len()))
                    && bytes + compact.bytes() <= most
            });
            bytes += compact.as_ref().map_or(0, Compact::bytes);
            small += compact.as_ref().map_or(0, Compact::bytes_uncounted);
            made.push(EncodedPanel { lines, entries, columns, compact });
            Ok(())
        })?;
        let minor = matrix.minor();
        let near = made.iter().filter(|panel| is_near(&panel.columns, minor)).count();
        let square = matrix.major() == minor;
        if made.iter().all(|panel| panel.compact.is_none()) && !(square && 2 * near > made.len()) {
            return Ok(None);
        }
        let read = made.iter().enumerate().filter(|(_, panel)| panel.is_read());
        let read = read.map(|(at, _)| at).collect();
        let held = ctx.meter().outermost().hold(small);
        let reach = made.iter().map(|panel| (panel.lines.clone(), panel.columns.clone()));
        let reach = PanelReach::new(reach.filter(|_| square));
        let all =
            Arc::new(Encodings { panels: made, read, bytes, decoding_bytes, reach, _held: held });
        let buffers = [matrix.indices_buffer(), matrix.data(), matrix.indptr_buffer()];
        let how = Reading::repeatedly(budget.saturating_sub(bytes + decoding_bytes));
        let reading = ArrayPanels::new(Arrays::read(buffers)?, Arc::clone(&all), how)?;
        Ok(Some(EncodedLines { matrix: matrix.clone(), all, reading }))
    }

    /// The same lines with another reader.
    pub(crate) fn with(&self, reading: ArrayPanels) -> Self {
        EncodedLines { matrix: self.matrix.clone(), all: Arc::clone(&self.all), reading }
    }

    pub(crate) fn matrix(&self) -> &AnyCompressed {
        &self.matrix
    }

    pub(crate) fn encodings(&self) -> &Arc<Encodings> {
        &self.all
    }

    /// Bytes of the encodings.
    pub(crate) fn bytes_kept(&self) -> u64 {
        self.all.bytes
    }

    /// The most lines of a panel.
    pub(crate) fn most_lines(&self) -> usize {
        self.all.panels.iter().map(|panel| panel.lines.len()).max().unwrap_or(0)
    }

    /// Bytes for the plain lines of a panel.
    pub(crate) fn decoding_bytes(&self) -> u64 {
        self.all.decoding_bytes
    }

    /// As [`LineSource::sweep`], where about `in_window` panels that are read are needed for longer than the work on them.
    /// `work` is called when more panels are in memory, with the end of these; it gets all of them, and returns the
    /// first that must stay.
    pub(crate) fn sweep_window(
        &mut self,
        in_window: usize,
        ctx: &Context,
        work: &mut dyn FnMut(usize, &dyn PartsInMemory) -> Result<usize>,
    ) -> Result<()> {
        let all = &self.all;
        let count = all.panels.len();
        let in_front = all.read.first().copied().unwrap_or(count);
        let mut needed = work(in_front, &EncodedWindow { all, read: None })?;
        ctx.meter().pass();
        self.reading.sweep_window(in_window, ctx, &mut |at, window| {
            let end = all.read.get(at + 1).copied().unwrap_or(count);
            needed = work(end, &EncodedWindow { all, read: Some(window) })?.max(needed);
            Ok(all.read.partition_point(|&panel| panel < needed))
        })
    }
}

/// The panels that are in memory.
pub(crate) trait PartsInMemory {
    /// The lines of a panel. Fails if it is not in memory.
    fn part(&self, panel: usize) -> Result<LinesPart<'_>>;
}

struct EncodedWindow<'a> {
    all: &'a Encodings,
    read: Option<ArrayWindow<'a>>,
}

impl PartsInMemory for EncodedWindow<'_> {
    fn part(&self, panel: usize) -> Result<LinesPart<'_>> {
        let EncodedPanel { lines, compact, .. } = &self.all.panels[panel];
        let parts = match (&self.read, self.all.read.binary_search(&panel)) {
            (Some(window), Ok(at)) => window.parts(at)?,
            _ => Vec::new(),
        };
        let first = lines.start;
        Ok(match (compact, &parts[..]) {
            (None, [indices, data, indptr]) => LinesPart::Plain(CompressedPanel {
                first,
                indptr: Indices::of_raw(*indptr),
                indices: Indices::of_raw(*indices),
                data: *data,
            }),
            (Some(compact), values) => LinesPart::Encoded(EncodedPart {
                first,
                compact,
                blocks: 0..compact.blocks.len(),
                values: values.first().copied(),
            }),
            _ => return Err(Error::new(ErrorKind::Index, "a panel is not in memory")),
        })
    }
}

impl LineSource for EncodedLines {
    fn matrix(&self) -> &AnyCompressed {
        &self.matrix
    }

    fn decoding_bytes(&self) -> u64 {
        self.all.decoding_bytes
    }

    fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(LinesPart<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut next = 0;
        self.sweep_window(0, ctx, &mut |end, window| {
            for panel in next..end {
                ctx.check_cancelled()?;
                work(window.part(panel)?)?;
            }
            next = end;
            Ok(end)
        })
    }
}

/// The plan of a product with `k` vectors.
pub(crate) fn encoded_plan(
    lines: &EncodedLines,
    name: &'static str,
    k: usize,
    scatter: u64,
) -> Plan {
    let matrix = &lines.matrix;
    let plan =
        lines.reading.plan(name).throughout(lines.all.bytes + lines.all.decoding_bytes + scatter);
    plan.reads_again(lines.reading.cost(0).again)
        .works(matrix.nnz() as u64 * k as u64, work::PRODUCT)
}
