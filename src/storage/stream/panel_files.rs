//! Files that panels are read from, and where in them each panel lies.

use std::sync::atomic::AtomicU64;

use crate::storage::stream::device::{ReadMode, Source};

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

/// What is read, and what reading it has cost all readers of it.
#[derive(Debug)]
pub(crate) struct PanelFiles {
    pub(crate) sources: Vec<Source>,
    pub(crate) mode: ReadMode,
    pub(crate) panels: PanelExtents,
    pub(crate) sweeps: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    /// Nanoseconds.
    pub(crate) waited: AtomicU64,
}

/// The extents of all panels, one panel after the other.
#[derive(Debug)]
pub(crate) struct PanelExtents {
    extents: Vec<Extent>,
    /// Where each panel's extents end.
    ends: Vec<usize>,
}

impl PanelExtents {
    pub(crate) fn new(panels: Vec<Vec<Extent>>) -> Self {
        let ends = panels.iter().scan(0, |end, panel| {
            *end += panel.len();
            Some(*end)
        });
        PanelExtents { ends: ends.collect(), extents: panels.into_iter().flatten().collect() }
    }

    pub(crate) fn extents(&self, panel: usize) -> &[Extent] {
        let start = if panel == 0 { 0 } else { self.ends[panel - 1] };
        &self.extents[start..self.ends[panel]]
    }

    pub(crate) fn bytes(&self, panel: usize) -> u64 {
        self.extents(panel).iter().map(|extent| extent.bytes as u64).sum()
    }
}
