//! How large the parts are into which work in memory is cut.

/// Sizes that change how long the work takes and nothing else.
#[derive(Clone, Copy)]
pub(super) struct Grain {
    /// The least entries that all threads are asked to sort.
    pub(super) least: usize,
    /// Entries of a block that meets owners of lines.
    pub(super) block: usize,
    /// Entries of a strip, unless the strips would be too many: what they take twice is about a core's cache.
    pub(super) strip: u64,
    /// Lines whose lengths are looked up by a task.
    pub(super) lines: usize,
    /// Entries of a task that copies lines.
    pub(super) entries: usize,
}

impl Grain {
    pub(super) const USUAL: Self =
        Grain { least: 1 << 15, block: 1 << 14, strip: 1 << 16, lines: 1 << 14, entries: 1 << 16 };

    /// So small that few entries meet many parts.
    #[cfg(test)]
    pub(super) const SMALL: Self = Grain { least: 1, block: 8, strip: 16, lines: 4, entries: 16 };
}
