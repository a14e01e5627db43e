//! What is known of the indices of a matrix, and how many of them were looked at to know it of single lines.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// What is known of the indices. Clones of a matrix share it.
#[derive(Default)]
pub(crate) struct Seen {
    /// Whether indices strictly increase within every major; empty until they were checked, all being in range.
    pub(super) canonical: OnceLock<bool>,
    /// Entries that were looked at line by line while nothing was known of the whole.
    looked: AtomicUsize,
}

impl Seen {
    /// Of indices that are in range and rise in every line.
    pub(super) fn canonical() -> Arc<Self> {
        Arc::new(Seen { canonical: OnceLock::from(true), ..Seen::default() })
    }

    /// Counts the entries of a line that is looked at; how many were with it.
    pub(super) fn looks_at(&self, entries: usize) -> usize {
        self.looked.fetch_add(entries, Ordering::Relaxed).saturating_add(entries)
    }

    /// Counts from nothing.
    pub(super) fn start_again(&self) {
        self.looked.store(0, Ordering::Relaxed);
    }
}
