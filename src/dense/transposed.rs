//! The lines of the other axis, band by band, from lines in memory and in a scratch file.

use std::ops::Range;

use crate::dense::transpose::{Patch, each_patch, transpose};
use crate::dense::transpose_cut::{ResultBand, TransposeCut};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::{Carrier, Raw, RawMut, by_size, carriers_mut};
use crate::storage::{ArrayRange, Context, DType, ScratchFile};

/// Bands of tiles that are being read or worked on at a time.
pub(crate) const IN_FLIGHT: usize = 3;

/// All lines, in memory and in the scratch file.
pub(crate) struct AllLines<'a> {
    pub(crate) cut: TransposeCut,
    pub(crate) lines: Raw<'a>,
    /// The offset of every block in the scratch file, panel by panel.
    pub(crate) blocks: &'a [u64],
    pub(crate) ctx: &'a Context,
}

impl AllLines<'_> {
    /// Passes on the result, some lines at a time or a run of one, in order.
    pub(crate) fn hand_on(
        &self,
        file: Option<&ScratchFile>,
        sink: &mut dyn FnMut(Raw<'_>) -> Result<()>,
    ) -> Result<()> {
        let (cut, ctx) = (self.cut, self.ctx);
        let mut made = ctx
            .raw_work("a band of lines", (self.lines.dtype(), cut.width.saturating_mul(cut.chunk)))?
            .counted(ctx.meter());
        let Some(file) = file else {
            let all = cut.bands().count() as u64;
            for (k, band) in cut.bands().enumerate() {
                ctx.report("transposing", k as u64, all)?;
                let mut made = made.as_mut();
                let mut elements = made.slice_mut(0..band.rows.len() * band.cols.len());
                self.fill(&band, &[], elements.reborrow());
                sink(elements.as_raw())?;
            }
            return Ok(());
        };
        let bands: Vec<ResultBand> = cut.bands().collect();
        let panels =
            |band: &ResultBand| -> Vec<(usize, Range<usize>)> { cut.panels_in(band).collect() };
        let extents = |band: &ResultBand| {
            let panels = panels(band).into_iter();
            panels.map(|(panel, cols)| self.extent(panel, band, &cols)).collect()
        };
        let mut reader = file.panels(bands.iter().map(extents).collect(), IN_FLIGHT)?;
        let dtype = self.lines.dtype();
        reader.sweep_part(ctx, &mut |k, read| {
            let band = &bands[k];
            let tiles: Option<Vec<Tile<'_>>> = read
                .iter()
                .zip(panels(band))
                .map(|(read, (_, cols))| {
                    let elements = Raw::read(read.bytes(), (dtype, band.rows.len() * cols.len()))?;
                    Some(Tile { cols, elements })
                })
                .collect();
            let mut made = made.as_mut();
            let mut elements = made.slice_mut(0..band.rows.len() * band.cols.len());
            self.fill(band, &tiles.ok_or_else(damaged)?, elements.reborrow());
            sink(elements.as_raw())
        })
    }

    /// The extent in the scratch file of a panel's tile for a band.
    fn extent(&self, panel: usize, band: &ResultBand, cols: &Range<usize>) -> ArrayRange {
        let (cut, size) = (self.cut, self.lines.width());
        let (block, row) = (band.rows.start / cut.block, band.rows.start % cut.block);
        let start = self.blocks[panel * cut.blocks().count() + block];
        let before = row * cut.panel + cols.start - cut.first_of(panel);
        let start = start as usize + before * size;
        (0, start..start + band.rows.len() * cols.len() * size)
    }

    /// Fills a band from the lines in memory and the tiles.
    fn fill(&self, band: &ResultBand, tiles: &[Tile<'_>], elements: RawMut<'_>) {
        by_size!(elements.width(), W => self.fill_rows::<W>(band, tiles, carriers_mut(elements)));
    }

    fn fill_rows<const W: usize>(
        &self,
        band: &ResultBand,
        tiles: &[Tile<'_>],
        elements: &mut [Carrier<W>],
    ) {
        let cut = self.cut;
        let last = cut.first_of(cut.panels());
        self.ctx.with_threads(|| {
            each_patch(elements, band.cols.len(), &|mut patch| {
                let first = band.cols.start + patch.col;
                let cols = first..first + patch.width();
                let from = band.rows.start + patch.row;
                let from = from..from + patch.rows.len();
                let here = cols.start..cols.end.min(cut.kept);
                let line = |k: usize| self.line(first + k, &from);
                transpose(&mut patch.rows, (0, here.len()), &line);
                let here = cols.start.max(last).min(cols.end)..cols.end;
                let line = |k: usize| self.line(cut.kept + here.start + k - last, &from);
                transpose(&mut patch.rows, (here.start - first, here.len()), &line);
                copy(tiles, &mut patch, band.cols.start);
            });
        });
    }

    /// A part of the line in a slot.
    fn line<const W: usize>(&self, slot: usize, part: &Range<usize>) -> &[Carrier<W>] {
        let start = slot * self.cut.length;
        self.lines.slice(start + part.start..start + part.end).carriers()
    }
}

/// The part of some lines of a panel in a band, row by row.
struct Tile<'a> {
    cols: Range<usize>,
    elements: Raw<'a>,
}

/// Copies the parts of tiles in a patch of a band whose first column is `origin`: row after row, so that each is
/// written at once.
fn copy<const W: usize>(tiles: &[Tile<'_>], patch: &mut Patch<'_, W>, origin: usize) {
    let first = origin + patch.col;
    let last = first + patch.width();
    let here = |tile: &&Tile<'_>| tile.cols.start < last && tile.cols.end > first;
    let tiles: Vec<(&Range<usize>, &[Carrier<W>])> =
        tiles.iter().filter(here).map(|tile| (&tile.cols, tile.elements.carriers())).collect();
    for (k, row) in patch.rows.iter_mut().enumerate() {
        for &(cols, elements) in &tiles {
            let here = cols.start.max(first)..cols.end.min(last);
            let elements = &elements[(patch.row + k) * cols.len()..][..cols.len()];
            let elements = &elements[here.start - cols.start..here.end - cols.start];
            row[here.start - first..here.end - first].copy_from_slice(elements);
        }
    }
}

/// Passes on the transpose of `count` consecutive lines in memory, some result lines at a time or a run of one, in
/// order. Memory: a band of a twentieth of the limit.
pub(crate) fn transposed(
    lines: Raw<'_>,
    (count, length): (usize, usize),
    ctx: &Context,
    sink: &mut dyn FnMut(Raw<'_>) -> Result<()>,
) -> Result<()> {
    let dtype = lines.dtype().expect("elements have a type");
    let cut = TransposeCut::resident(dtype, count, length, ctx);
    AllLines { cut, lines, blocks: &[], ctx }.hand_on(None, sink)
}

/// Memory of [`transposed`].
pub(crate) fn memory_to_transpose(
    dtype: DType,
    (count, length): (usize, usize),
    ctx: &Context,
) -> u64 {
    let cut = TransposeCut::resident(dtype, count, length, ctx);
    dtype.bytes_of(cut.width * cut.chunk)
}

pub(crate) fn damaged() -> Error {
    Error::new(ErrorKind::Io, "the scratch file does not contain what was written to it")
}
