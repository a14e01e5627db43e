//! Files that panels are read from, and the location of each panel.

use std::sync::atomic::AtomicU64;

use crate::storage::stream::device::{IoBuffer, ReadMode, SourceFile};

/// A run of bytes of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Position among the reader's sources.
    pub(crate) source: usize,
    /// First byte in the file.
    pub(crate) offset: u64,
    /// Number of bytes.
    pub(crate) bytes: usize,
}

/// The files and panels, and the cost of reading them, summed over all readers.
#[derive(Debug)]
pub(crate) struct PanelFiles {
    pub(crate) sources: Vec<SourceFile>,
    pub(crate) mode: ReadMode,
    pub(crate) panels: PanelExtents,
    pub(crate) sweeps: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    /// In nanoseconds.
    pub(crate) waited: AtomicU64,
}

/// The extents of all panels, one panel after the other.
#[derive(Debug, Default)]
pub(crate) struct PanelExtents {
    extents: Vec<Extent>,
    /// The end of each panel's extents.
    ends: Vec<usize>,
}

impl PanelExtents {
    /// Adds an extent to the panel that is being made.
    pub(crate) fn push(&mut self, extent: Extent) {
        self.extents.push(extent);
    }

    /// Ends the panel that is being made.
    pub(crate) fn end(&mut self) {
        self.ends.push(self.extents.len());
    }

    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn extents(&self, panel: usize) -> &[Extent] {
        let start = if panel == 0 { 0 } else { self.ends[panel - 1] };
        &self.extents[start..self.ends[panel]]
    }

    pub(crate) fn bytes(&self, panel: usize) -> u64 {
        self.extents(panel).iter().map(|extent| extent.bytes as u64).sum()
    }

    /// The memory of the largest panel.
    pub(crate) fn memory_of_largest(&self) -> usize {
        let padded = |extent: &Extent| SourceFile::padded(extent.bytes);
        let panels = (0..self.count()).map(|panel| self.extents(panel).iter().map(padded).sum());
        IoBuffer::rounded(panels.max().unwrap_or(0))
    }
}
