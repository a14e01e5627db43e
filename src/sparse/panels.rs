//! A compressed matrix in runs of lines: all of it at once if it is in memory or fits, panel by panel if not.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::indices::Indices;
use crate::storage::raw::Raw;
use crate::storage::{
    Context, Devices, Entry, Extent, Index, PanelReader, RawPanelArray, Traffic, largest_panel,
    panel_elements,
};

/// Bytes of a ring of panels without many pinned: reading gains nothing from more.
const RING: u64 = 64 << 20;

/// Hands out a matrix in runs of consecutive lines (rows of CSR, columns of CSC), in order.
pub(crate) struct AnyLinePanels {
    /// Keeps maps and locks while panels are read from the files.
    matrix: AnyCompressed,
    streams: Option<Streams>,
}

/// A matrix that is read panel by panel.
struct Streams {
    reader: PanelReader,
    indptr: RawPanelArray,
    indices: RawPanelArray,
    data: RawPanelArray,
    runs: Arc<[Run]>,
}

/// The lines and entries of a panel.
#[derive(Clone, Debug)]
struct Run {
    lines: Range<usize>,
    entries: Range<usize>,
}

/// A run of lines: the window of the pointers that belongs to it, and its entries.
pub(crate) struct AnyLinePanel<'a> {
    /// The first line's number in the matrix.
    pub(crate) first: usize,
    /// One pointer more than lines; the first is the base of the others.
    pub(crate) indptr: Indices<'a>,
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
}

impl AnyLinePanels {
    /// Panels of a matrix within `budget` bytes of memory. Memory-resident parts of the matrix are not counted.
    ///
    /// The pointers are kept in memory if they take no more than a quarter of the budget. Fails if two panels do not
    /// fit, one line being the least of a panel.
    pub(crate) fn new(matrix: AnyCompressed, budget: u64, ctx: &Context) -> Result<Self> {
        let fits = matrix.stored_bytes() <= budget;
        let streams = if fits { None } else { Some(Streams::new(&matrix, budget, ctx)?) };
        Ok(AnyLinePanels { matrix, streams })
    }

    /// Panels for one sweep: hardly any is pinned, because none would be used again.
    pub(crate) fn for_one_sweep(matrix: AnyCompressed, budget: u64, ctx: &Context) -> Result<Self> {
        let larger = matrix.stored_bytes() > budget;
        Self::new(matrix, if larger { budget.min(RING) } else { budget }, ctx)
    }

    /// Panels of the same matrix for somebody else, with as few buffers as can be.
    pub(crate) fn another(&self) -> Self {
        let another = |streams: &Streams| Streams {
            reader: streams.reader.another(),
            indptr: streams.indptr.clone(),
            indices: streams.indices.clone(),
            data: streams.data.clone(),
            runs: Arc::clone(&streams.runs),
        };
        AnyLinePanels { matrix: self.matrix.clone(), streams: self.streams.as_ref().map(another) }
    }

    /// The same matrix, handed out at once on its map: for a sweep without memory, counted with those that read.
    pub(crate) fn on_the_map(&self) -> Self {
        if let Some(streams) = &self.streams {
            streams.reader.count_mapped();
        }
        AnyLinePanels { matrix: self.matrix.clone(), streams: None }
    }

    /// Stays, beside `vectors` bytes, within the memory that the context allows, whatever else is held there.
    pub(crate) fn share(&mut self, vectors: u64, ctx: &Context) {
        let kept = self.bytes_kept();
        if let Some(streams) = &mut self.streams {
            streams.reader.share(kept, vectors, ctx);
        }
    }

    /// Gives about so many bytes of what is held between sweeps back.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        if let Some(streams) = &mut self.streams {
            streams.reader.give_back(bytes);
        }
    }

    /// The least memory that a sweep takes.
    pub(crate) fn least_memory(&self) -> u64 {
        self.streams.as_ref().map_or(0, |streams| streams.reader.least_memory())
    }

    pub(crate) fn matrix(&self) -> &AnyCompressed {
        &self.matrix
    }

    /// What reading has cost so far; nothing for a matrix that is handed out at once.
    pub(crate) fn traffic(&self) -> Traffic {
        self.streams.as_ref().map_or_else(Traffic::default, |streams| streams.reader.traffic())
    }

    /// Whether the matrix is read from its files at every sweep.
    pub(crate) fn is_streamed(&self) -> bool {
        self.streams.is_some()
    }

    /// Bytes that the next sweep will read.
    pub(crate) fn bytes_to_read(&self) -> u64 {
        match &self.streams {
            Some(streams) => streams.reader.bytes_to_read(),
            None => self.matrix.stored_bytes(),
        }
    }

    /// Bytes that sweeps after the next one will read.
    pub(crate) fn bytes_to_read_again(&self) -> u64 {
        match &self.streams {
            Some(streams) => streams.reader.bytes_to_read_again(),
            None => self.matrix.stored_bytes(),
        }
    }

    /// Bytes that were read when the panels were made: pointers that are kept.
    pub(crate) fn bytes_kept(&self) -> u64 {
        match self.streams.as_ref().map(|streams| &streams.indptr) {
            Some(RawPanelArray::Kept(kept)) => kept.bytes(),
            _ => 0,
        }
    }

    /// Most memory that panels take, pinned ones and pointers among them.
    pub(crate) fn memory(&self) -> u64 {
        let reading = self.streams.as_ref().map_or(0, |streams| streams.reader.memory());
        reading + self.bytes_kept()
    }

    /// Calls `work` with every panel in order.
    pub(crate) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(AnyLinePanel<'_>) -> Result<()>,
    ) -> Result<()> {
        ctx.meter().pass();
        let Some(Streams { reader, indptr, indices, data, runs }) = &mut self.streams else {
            let a = &self.matrix;
            ctx.meter().read(a.stored_bytes());
            return work(AnyLinePanel {
                first: 0,
                indptr: a.indptr(),
                indices: a.indices(),
                data: a.data().as_raw(),
            });
        };
        reader.sweep(ctx, &mut |panel, bytes| {
            let Run { lines, entries } = &runs[panel];
            let indptr = indptr.elements(lines.start..lines.end + 1, bytes)?;
            let indices = indices.elements(entries.clone(), bytes)?;
            work(AnyLinePanel {
                first: lines.start,
                indptr: Indices::of_raw(indptr),
                indices: Indices::of_raw(indices),
                data: data.elements(entries.clone(), bytes)?,
            })
        })
    }
}

impl Streams {
    fn new(matrix: &AnyCompressed, mut budget: u64, ctx: &Context) -> Result<Self> {
        let mut sources = Vec::new();
        let indices = RawPanelArray::new(matrix.indices_buffer(), &mut sources)?;
        let data = RawPanelArray::new(matrix.data(), &mut sources)?;
        let pointers = matrix.indptr_buffer();
        let pointer_bytes = pointers.stored_bytes();
        let indptr = if pointer_bytes > budget / 4 {
            RawPanelArray::new(pointers, &mut sources)?
        } else {
            budget -= pointer_bytes;
            let kept = ctx.raw_work("the pointers", (pointers.dtype(), pointers.len()))?;
            let mut kept = kept.counted(ctx.meter());
            kept.as_mut().copy_from(pointers.as_raw());
            ctx.meter().read(pointer_bytes);
            RawPanelArray::Kept(kept.freeze())
        };
        let runs =
            cut(matrix, budget, [indices.panel_bytes(), data.panel_bytes(), indptr.panel_bytes()]);
        let extents = |run: &Run| -> Vec<Extent> {
            let arrays = [
                indices.extent(run.entries.clone()),
                data.extent(run.entries.clone()),
                indptr.extent(run.lines.start..run.lines.end + 1),
            ];
            arrays.into_iter().flatten().collect()
        };
        let panels = runs.iter().map(extents).collect();
        // The largest array decides; the others lie beside it as a rule.
        let largest = sources.iter().max_by_key(|source| source.length());
        let largest = largest.ok_or_else(|| Error::new(ErrorKind::Format, "no array to read"))?;
        let mode = Devices::known().read_mode(largest)?;
        let reader = PanelReader::new(sources, panels, budget, mode)?;
        Ok(Streams { reader, indptr, indices, data, runs: runs.into() })
    }
}

/// Cuts the lines into runs whose entries and pointers make a panel. `sizes` are the bytes of an index, a value and a
/// pointer in it.
fn cut(matrix: &AnyCompressed, budget: u64, [index, value, pointer]: [usize; 3]) -> Vec<Run> {
    let bytes = largest_panel(budget);
    let most_entries = panel_elements(bytes, &[index, value]);
    let most_lines = (2usize << 20).checked_div(pointer).unwrap_or(usize::MAX);
    let (mut runs, mut start) = (Vec::new(), 0);
    while start < matrix.major() {
        let first = matrix.span(start).start;
        let rest = matrix.major() - start;
        // The last line whose end is within reach; the pointers rise, so it is found by halving.
        let (mut fits, mut beyond) = (1, rest.min(most_lines) + 1);
        while fits + 1 < beyond {
            let middle = fits + (beyond - fits) / 2;
            match matrix.span(start + middle - 1).end.saturating_sub(first) <= most_entries {
                true => fits = middle,
                false => beyond = middle,
            }
        }
        let end = start + fits;
        runs.push(Run { lines: start..end, entries: first..matrix.span(end - 1).end });
        start = end;
    }
    runs
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Bytes of the arrays that lie in files.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.indptr().stored_bytes() + self.indices().stored_bytes() + self.data().stored_bytes()
    }
}
