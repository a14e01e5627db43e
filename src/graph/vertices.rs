//! What every algorithm asks of a graph's vertices: that rows and columns are the same ones, and a number for each.
//!
//! The numbers are vertices again (a parent, a root), and several threads write them at once. They are only ever
//! lowered, or replaced where they are what was expected, so the value left at the end is a minimum and does not depend
//! on who came first. Four bytes each while the vertices can be counted in them: the random reads of these numbers
//! are what a traversal in memory spends its time on.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::sparse::{Axis, Compressed};
use crate::storage::{Entry, Index};

/// The number of vertices of a graph, every index of which has been seen to name one.
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

/// Whether `n` vertices and the mark of none can be told apart in four bytes.
pub(super) fn fit_in_u32(n: usize) -> bool {
    n < u32::MAX as usize
}

/// A vertex number that several threads lower at once.
///
/// Every access is relaxed: an algorithm reads what another thread wrote in the same step only where any value that
/// was ever there will do; between steps the threads meet.
pub(super) trait Slot: Send + Sync + Sized {
    /// A slot that holds `vertex`.
    fn holding(vertex: usize) -> Self;
    /// A slot that holds no vertex, which is more than any vertex.
    fn empty() -> Self;
    /// Whether `vertex`, as read from a slot, is none.
    fn is_none(vertex: usize) -> bool;
    fn get(&self) -> usize;
    fn set(&self, vertex: usize);
    /// Puts `vertex` here if it is less than what is; returns what was.
    fn lower(&self, vertex: usize) -> usize;
    /// Puts `new` here if `old` is; tells whether it was.
    fn replace(&self, old: usize, new: usize) -> bool;
}

macro_rules! slots {
    ($($atomic:ty => $word:ty),*) => {$(
        impl Slot for $atomic {
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
