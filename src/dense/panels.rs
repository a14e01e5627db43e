//! A dense matrix in runs of lines: all of it at once if it is in memory or fits, panel by panel if not.

use crate::dense::any_dense::AnyDense;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::Raw;
use crate::storage::{
    Context, DType, Devices, Element, PanelReader, RawPanelArray, Traffic, largest_panel,
    panel_elements,
};

/// Elements that one pass over a matrix in memory works on between two looks at the cancel token.
const RESIDENT: usize = 1 << 24;

/// Bytes of a ring of panels without many pinned: reading gains nothing from more.
const RING: u64 = 64 << 20;

/// Hands out a matrix in runs of contiguous lines (rows in C order, columns in Fortran order), in order.
pub(crate) struct AnyLinePanels {
    matrix: AnyDense,
    cut: Cut,
    /// `None` for a matrix that is used where it lies.
    streams: Option<(PanelReader, RawPanelArray)>,
}

/// Where panels begin and end.
#[derive(Clone, Copy)]
struct Cut {
    lines: usize,
    length: usize,
    /// Lines of every panel but the last; 1 if a panel is a piece of a line.
    height: usize,
    /// Elements of a line in every panel but the line's last.
    width: usize,
}

/// A run of lines, or a piece of one that is too long for a panel.
pub(crate) struct LinePanel<'a> {
    /// The first line's number in the matrix.
    pub(crate) first: usize,
    /// Number of lines; 1 for a piece.
    pub(crate) lines: usize,
    /// Position of the first element in its line: 0 unless the panel is a piece.
    pub(crate) offset: usize,
    /// The lines, one after the other.
    pub(crate) elements: Raw<'a>,
}

impl AnyLinePanels {
    /// Panels of a matrix within `budget` bytes of memory, each but the last with a multiple of `step` lines, for many
    /// passes: what fits is kept between them.
    ///
    /// Fails if two panels do not fit, `step` lines being the least of a panel.
    pub(crate) fn new(matrix: &AnyDense, step: usize, budget: u64, ctx: &Context) -> Result<Self> {
        let (lines, length) = matrix.lines();
        let whole = Cut { lines, length, height: lines.max(1), width: length.max(1) };
        if !is_streamed(matrix, budget) {
            return Ok(AnyLinePanels { matrix: matrix.clone(), cut: whole, streams: None });
        }
        let cut =
            Cut { height: whole.most_lines(panel_size(matrix.dtype(), budget), step), ..whole };
        Self::streamed(matrix, cut, budget, false, ctx)
    }

    /// Panels of whole lines for one pass: hardly any is pinned, because none would be used again.
    pub(crate) fn for_one_sweep(
        matrix: &AnyDense,
        step: usize,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let streamed = is_streamed(matrix, budget);
        Self::new(matrix, step, if streamed { budget.min(RING) } else { budget }, ctx)
    }

    /// Panels for one pass: each but the last has a multiple of `step` lines, or is a piece of a line, of which each but
    /// the last has a multiple of `piece` elements.
    ///
    /// A line comes in pieces only if it alone is more than a panel, and only for a `step` of 1.
    pub(crate) fn once(
        matrix: &AnyDense,
        (step, piece): (usize, usize),
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        let (lines, length) = matrix.lines();
        let streamed = is_streamed(matrix, budget);
        let most = if streamed { panel_size(matrix.dtype(), budget) } else { RESIDENT };
        let mut cut = Cut { lines, length, height: 1, width: length.max(1) };
        if matrix.is_empty() {
            // One panel of nothing, however many lines of no elements there are.
            cut.height = lines.max(1);
        } else if length > most && step == 1 {
            cut.width = (most / piece * piece).max(piece);
        } else {
            cut.height = cut.most_lines(most, step);
        }
        if streamed {
            return Self::streamed(matrix, cut, budget, true, ctx);
        }
        Ok(AnyLinePanels { matrix: matrix.clone(), cut, streams: None })
    }

    fn streamed(
        matrix: &AnyDense,
        cut: Cut,
        budget: u64,
        once: bool,
        ctx: &Context,
    ) -> Result<Self> {
        let mut sources = Vec::new();
        let elements = RawPanelArray::new(matrix.buffer(), &mut sources)?;
        let panels = (0..cut.count())
            .map(|panel| {
                let (first, lines, offset, len) = cut.panel(panel);
                let start = first * cut.length + offset;
                elements.extent(start..start + lines * len).into_iter().collect()
            })
            .collect();
        let source =
            sources.first().ok_or_else(|| Error::new(ErrorKind::Format, "no array to read"))?;
        let mode = Devices::known().read_mode(source)?;
        let mut reader = PanelReader::new(sources, panels, budget, mode)?;
        if once {
            reader.pin_nothing();
        }
        Ok(AnyLinePanels { matrix: matrix.clone(), cut, streams: Some((reader, elements)) })
    }

    /// Panels of the same matrix for somebody else, with as few buffers as can be.
    pub(crate) fn another(&self) -> Self {
        let another = |(reader, elements): &(PanelReader, RawPanelArray)| {
            (reader.another(), elements.clone())
        };
        let streams = self.streams.as_ref().map(another);
        AnyLinePanels { matrix: self.matrix.clone(), cut: self.cut, streams }
    }

    /// The same panels, handed out on the map: for a sweep without memory, counted with those that read.
    pub(crate) fn on_the_map(&self) -> Self {
        if let Some((reader, _)) = &self.streams {
            reader.count_mapped();
        }
        AnyLinePanels { matrix: self.matrix.clone(), cut: self.cut, streams: None }
    }

    /// Stays, beside `vectors` bytes, within the memory that the context allows, whatever else is held there.
    pub(crate) fn share(&mut self, vectors: u64, ctx: &Context) {
        if let Some((reader, _)) = &mut self.streams {
            reader.share(0, vectors, ctx);
        }
    }

    /// Gives about so many bytes of what is held between sweeps back.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        if let Some((reader, _)) = &mut self.streams {
            reader.give_back(bytes);
        }
    }

    pub(crate) fn matrix(&self) -> &AnyDense {
        &self.matrix
    }

    /// Whether the matrix is read from its file at every sweep.
    pub(crate) fn is_streamed(&self) -> bool {
        self.streams.is_some()
    }

    /// The least memory that a sweep takes.
    pub(crate) fn least_memory(&self) -> u64 {
        self.streams.as_ref().map_or(0, |(reader, _)| reader.least_memory())
    }

    /// `(lines, elements of a line)`.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.cut.lines, self.cut.length)
    }

    /// What reading has cost so far; nothing for a matrix that is handed out at once.
    pub(crate) fn traffic(&self) -> Traffic {
        self.streams.as_ref().map_or_else(Traffic::default, |(reader, _)| reader.traffic())
    }

    /// Bytes that the next sweep will read.
    pub(crate) fn bytes_to_read(&self) -> u64 {
        match &self.streams {
            Some((reader, _)) => reader.bytes_to_read(),
            None => self.matrix.stored_bytes(),
        }
    }

    /// Bytes that sweeps after the next one will read.
    pub(crate) fn bytes_to_read_again(&self) -> u64 {
        match &self.streams {
            Some((reader, _)) => reader.bytes_to_read_again(),
            None => self.matrix.stored_bytes(),
        }
    }

    /// Most memory that panels take, pinned ones among them.
    pub(crate) fn memory(&self) -> u64 {
        self.streams.as_ref().map_or(0, |(reader, _)| reader.memory())
    }

    /// Calls `work` with every panel in order; with an empty one for a matrix without lines.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(LinePanel<'_>) -> Result<()>,
    ) -> Result<()> {
        let cut = self.cut;
        ctx.meter().pass();
        let Some((reader, elements)) = &mut self.streams else {
            ctx.meter().read(self.matrix.stored_bytes());
            let count = cut.count().max(1);
            for panel in 0..count {
                ctx.report("sweeping", panel as u64, count as u64)?;
                let (first, lines, offset, len) = cut.panel(panel);
                let start = first * cut.length + offset;
                let elements = self.matrix.elements().slice(start..start + lines * len);
                work(LinePanel { first, lines, offset, elements })?;
            }
            return ctx.report("sweeping", count as u64, count as u64);
        };
        reader.sweep(ctx, &mut |panel, bytes| {
            let (first, lines, offset, len) = cut.panel(panel);
            let start = first * cut.length + offset;
            let elements = elements.elements(start..start + lines * len, bytes)?;
            work(LinePanel { first, lines, offset, elements })
        })
    }
}

/// Elements that were read as values of their type.
pub(crate) fn typed<T: Element>(elements: Raw<'_>) -> Result<&[T]> {
    elements.typed().ok_or_else(unaligned)
}

fn unaligned() -> Error {
    Error::new(ErrorKind::Value, "the bytes are no values of the element type")
}

/// Whether a matrix is read panel by panel: it lies in a file and is more than fits.
fn is_streamed(matrix: &AnyDense, budget: u64) -> bool {
    matrix.stored_bytes() > budget
}

/// Elements of a panel as large as is useful; of a tiny budget, a quarter.
fn panel_size(dtype: DType, budget: u64) -> usize {
    let most = largest_panel(budget).min((budget / 4).max(16 << 10) as usize);
    panel_elements(most, &[dtype.size()])
}

impl Cut {
    /// A multiple of `step` lines with at most `elements` elements; at least `step`.
    fn most_lines(&self, elements: usize, step: usize) -> usize {
        (elements / self.length.max(1) / step * step).max(step)
    }

    /// Panels of a line, if it is cut.
    fn pieces(&self) -> usize {
        self.length.div_ceil(self.width).max(1)
    }

    fn count(&self) -> usize {
        self.lines.div_ceil(self.height) * self.pieces()
    }

    /// First line, number of lines, position in the line, elements of each line.
    fn panel(&self, panel: usize) -> (usize, usize, usize, usize) {
        let (first, offset) =
            (panel / self.pieces() * self.height, panel % self.pieces() * self.width);
        let lines = self.height.min(self.lines - first);
        (first, lines, offset, self.width.min(self.length - offset))
    }
}
