//! The sizes of the parts into which work in memory is cut.

/// Sizes that affect only the speed.
#[derive(Clone, Copy)]
pub(crate) struct GrainSizes {
    /// The least number of entries that are sorted on all threads.
    pub(crate) least: usize,
    /// Entries of a block that is distributed to owners of lines.
    pub(crate) block: usize,
    /// Entries of a panel, unless there would be too many panels: twice their size is about a core's cache.
    pub(crate) panel: u64,
    /// Lines whose lengths are looked up by a task.
    pub(crate) lines: usize,
    /// Entries of a task that copies lines.
    pub(crate) entries: usize,
}

impl GrainSizes {
    pub(crate) const USUAL: Self = GrainSizes {
        least: 1 << 15,
        block: 1 << 14,
        panel: 1 << 16,
        lines: 1 << 14,
        entries: 1 << 16,
    };

    /// So small that few entries span many parts.
    #[cfg(test)]
    pub(crate) const SMALL: Self =
        GrainSizes { least: 1, block: 8, panel: 16, lines: 4, entries: 16 };
}
