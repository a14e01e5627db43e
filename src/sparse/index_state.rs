//! What is known about the indices of a matrix, and how many were read to check single lines.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// What is known about the indices. Clones of a matrix share it.
#[derive(Default)]
pub(crate) struct IndexState {
    /// Whether indices strictly increase within every major; empty until all were checked to be in range.
    pub(super) canonical: OnceLock<bool>,
    /// Entries read line by line before the whole was checked.
    entries_read: AtomicUsize,
}

impl IndexState {
    /// For indices that are in range and rise in every line.
    pub(super) fn canonical() -> Arc<Self> {
        Arc::new(IndexState { canonical: OnceLock::from(true), ..IndexState::default() })
    }

    /// Counts the entries of a line that is read; returns the total including it.
    pub(super) fn count_read(&self, entries: usize) -> usize {
        self.entries_read.fetch_add(entries, Ordering::Relaxed).saturating_add(entries)
    }

    /// Restarts the count at 0.
    pub(super) fn start_again(&self) {
        self.entries_read.store(0, Ordering::Relaxed);
    }
}
