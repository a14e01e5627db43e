//! Several arrays in parts, in the order in which they make up another: from memory, or read ahead panel by panel.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::raw::Raw;
use crate::storage::{Context, Devices, Extent, PanelReader, RawBuffer, RawPanelArray};

/// A run of elements of one of the arrays.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Position among the arrays.
    pub(super) array: usize,
    pub(super) elements: Range<usize>,
}

/// Hands out arrays in panels of parts, for one pass.
pub(super) struct Parts {
    /// Keeps maps and locks while panels are read from the files.
    buffers: Vec<RawBuffer>,
    arrays: Vec<RawPanelArray>,
    panels: Vec<Vec<Part>>,
    /// `None` if the arrays are used where they lie.
    reader: Option<PanelReader>,
}

impl Parts {
    /// Panels of parts of the arrays, which are read within `budget` bytes unless all of them fit.
    ///
    /// Fails if two panels do not fit.
    pub(super) fn new(
        buffers: Vec<RawBuffer>,
        panels: Vec<Vec<Part>>,
        budget: u64,
        ctx: &Context,
    ) -> Result<Self> {
        if Self::stored(&buffers) <= budget {
            let arrays = buffers.iter().map(|buffer| RawPanelArray::Kept(buffer.clone())).collect();
            return Ok(Parts { buffers, arrays, panels, reader: None });
        }
        let (mut arrays, mut sources, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        for buffer in &buffers {
            // Each array believes that its source is the only one, for a panel need not have a part of every array.
            let mut own = Vec::new();
            arrays.push(RawPanelArray::new(buffer, &mut own)?);
            positions.push(sources.len());
            sources.append(&mut own);
        }
        let extent = |part: &Part| {
            let extent = arrays[part.array].extent(part.elements.clone())?;
            Some(Extent { source: positions[part.array], ..extent })
        };
        let extents = panels.iter().map(|parts| parts.iter().filter_map(extent).collect());
        let largest = sources.iter().max_by_key(|source| source.length());
        let largest = largest.ok_or_else(|| Error::new(ErrorKind::Format, "no array to read"))?;
        let mode = Devices::known().read_mode(largest)?;
        let mut reader = PanelReader::new(sources, extents.collect(), budget, mode)?;
        reader.pin_nothing();
        Ok(Parts { buffers, arrays, panels, reader: Some(reader) })
    }

    /// Most memory that panels take.
    pub(super) fn memory(&self) -> u64 {
        self.reader.as_ref().map_or(0, PanelReader::memory)
    }

    /// Bytes of some arrays that lie in files.
    pub(super) fn stored(buffers: &[RawBuffer]) -> u64 {
        buffers.iter().map(RawBuffer::stored_bytes).sum()
    }

    /// Calls `work` with the parts of every panel in order.
    pub(super) fn sweep(
        &mut self,
        ctx: &Context,
        work: &mut dyn FnMut(&[Raw<'_>]) -> Result<()>,
    ) -> Result<()> {
        ctx.meter().pass();
        let Parts { buffers, arrays, panels, reader } = self;
        let mut hand_out = |panel: usize, bytes: &[&[u8]]| {
            let mut read = 0;
            let parts: Result<Vec<Raw<'_>>> = panels[panel]
                .iter()
                .map(|Part { array, elements }| {
                    let array = &arrays[*array];
                    let part = array.elements(elements.clone(), &bytes[read..]);
                    read += usize::from(matches!(array, RawPanelArray::Read { .. }));
                    part
                })
                .collect();
            work(&parts?)
        };
        if let Some(reader) = reader {
            return reader.sweep(ctx, &mut hand_out);
        }
        ctx.meter().read(Self::stored(buffers));
        let count = panels.len() as u64;
        for panel in 0..panels.len() {
            ctx.report("sweeping", panel as u64, count)?;
            hand_out(panel, &[])?;
        }
        ctx.report("sweeping", count, count)
    }
}
