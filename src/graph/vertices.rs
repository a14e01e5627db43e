//! Shared by all algorithms: the check that rows and columns are the same vertices, and a number per vertex.
//!
//! The numbers are vertices again (a parent, a root), and several threads write them at once. They are only ever
//! lowered, or replaced by compare-and-swap, so the final value is a minimum and does not depend on the timing of
//! threads. They have four bytes while the vertices can be counted in them, because the random reads of these numbers
//! dominate the time of a traversal in memory.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::sparse::{Axis, Compressed};
use crate::storage::{Entry, Index};

/// The number of vertices of a graph, after a check that every index is a vertex.
///
/// Fails if the matrix is not square or an index is out of range. Reads the indices once in the life of the matrix.
pub(super) fn check_graph<T: Entry, I: Index, P: Index, A: Axis>(
    graph: &Compressed<T, I, P, A>,
) -> Result<usize> {
    let (nrows, ncols) = graph.shape();
    if nrows != ncols {
        return Err(Error::shape(
            "the graph",
            "as many rows as columns",
            format!("{nrows} x {ncols}"),
        ));
    }
    graph.check()?;
    Ok(nrows)
}

/// Whether `n` vertices and the mark for none fit in four bytes.
pub(super) fn fit_in_u32(n: usize) -> bool {
    n < u32::MAX as usize
}

/// A vertex number that several threads lower at once.
///
/// Every access is relaxed: an algorithm reads values of another thread in the same step only where any value that
/// was ever stored is correct; between steps the threads synchronise.
pub(super) trait AtomicSlot: Send + Sync + Sized {
    /// A slot that holds `vertex`.
    fn holding(vertex: usize) -> Self;
    /// A slot that holds no vertex, which is more than any vertex.
    fn empty() -> Self;
    /// Whether `vertex`, as read from a slot, means none.
    fn is_none(vertex: usize) -> bool;
    fn get(&self) -> usize;
    fn set(&self, vertex: usize);
    /// Stores `vertex` if it is less than the current value; returns the previous one.
    fn lower(&self, vertex: usize) -> usize;
    /// Stores `new` if the value is `old`; returns whether it was.
    fn replace(&self, old: usize, new: usize) -> bool;
}

macro_rules! slots {
    ($($atomic:ty => $word:ty),*) => {$(
        impl AtomicSlot for $atomic {
            fn holding(vertex: usize) -> Self {
                Self::new(vertex as $word)
            }
            fn empty() -> Self {
                Self::new(<$word>::MAX)
            }
            fn is_none(vertex: usize) -> bool {
                vertex == <$word>::MAX as usize
            }
            #[inline]
            fn get(&self) -> usize {
                self.load(Ordering::Relaxed) as usize
            }
            #[inline]
            fn set(&self, vertex: usize) {
                self.store(vertex as $word, Ordering::Relaxed);
            }
            #[inline]
            fn lower(&self, vertex: usize) -> usize {
                self.fetch_min(vertex as $word, Ordering::Relaxed) as usize
            }
            #[inline]
            fn replace(&self, old: usize, new: usize) -> bool {
                let (old, new) = (old as $word, new as $word);
                self.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            }
        }
    )*};
}

slots!(AtomicU32 => u32, AtomicU64 => u64);
