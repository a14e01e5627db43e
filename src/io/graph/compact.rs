//! Graphs on the vertices that have an edge: renumbered, with the inverse map.
//!
//! The vertices of published graphs are often numbered by something else: users, pages, hashes of names. A matrix has a
//! row for each number up to the largest, so such a graph may take gigabytes for a handful of edges, or be impossible.
//! Here the numbers that occur are sorted, and a vertex is the position of its number among them.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{Coo, Csr, Duplicates};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{Context, Index, Place, parallel};

/// A graph on the vertices that have an edge, and their original numbers.
#[derive(Clone, Debug)]
pub struct CompactGraph<I: Index = u32, P: Index = u32> {
    /// The graph in compressed rows, each edge once.
    pub graph: Csr<(), I, P>,
    /// The number of each vertex in the file, ascending: vertex `k` of the graph is `ids[k]` there.
    pub ids: Vec<u64>,
}

impl<I: Index, P: Index> CompactGraph<I, P> {
    /// The vertex that has number `id` in the file, if it has an edge.
    pub fn vertex(&self, id: u64) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }
}

/// The ends of edges, by the numbers they have in a file.
pub(super) struct Ends<'a> {
    /// Both ends of each edge, one after the other.
    ends: Vec<u64>,
    path: &'a Path,
    ctx: &'a Context,
}

impl<'a> Ends<'a> {
    pub(super) fn new(path: &'a Path, ctx: &'a Context) -> Self {
        Ends { ends: Vec::new(), path, ctx }
    }

    /// Adds an edge.
    pub(super) fn push(&mut self, u: u64, v: u64) -> Result<()> {
        if self.ends.len() + 2 > self.ends.capacity() {
            // The array is about to double, and the old one exists during the copy.
            self.check_memory(24, self.ends.len() as u64 + 2)?;
        }
        self.ends.extend([u, v]);
        Ok(())
    }

    /// The graph of the edges added, at `place`.
    pub(super) fn number_anew<I: Index, P: Index>(
        self,
        place: &Place,
    ) -> Result<CompactGraph<I, P>> {
        self.check_memory(16 + size_of::<I>() as u64, self.ends.len() as u64)?;
        let Ends { ends, path, ctx } = self;
        let ids = ctx.with_threads(|| {
            let mut ids = ends.clone();
            parallel::sort(&mut ids);
            ids.dedup();
            ids.shrink_to_fit();
            ids
        });
        ctx.check_cancelled()?;
        if ids.len() > I::LARGEST {
            return Err(Error::new(ErrorKind::Type, "too many vertices for the index type")
                .in_file(path)
                .expected(format!("at most {}", I::LARGEST))
                .found(ids.len())
                .remedy("use u64 indices"));
        }
        // Every end is among the sorted ones, so it is found.
        let place_of = |id: &u64| I::from_usize(ids.binary_search(id).unwrap_or_else(|at| at));
        let (rows, cols): (Vec<I>, Vec<I>) = ctx.with_threads(|| {
            let end = |at: usize| ends.par_chunks(2).map(move |edge| place_of(&edge[at])).collect();
            (end(0), end(1))
        });
        drop(ends);
        let (n, data) = (ids.len(), vec![(); rows.len()]);
        let edges = Coo::from_parts((n, n), rows, cols, data).map_err(|e| e.in_file(path))?;
        Ok(CompactGraph { graph: edges.to_csr(Duplicates::Sum, place, ctx)?, ids })
    }

    fn check_memory(&self, each: u64, ends: u64) -> Result<()> {
        let bytes = ends.saturating_mul(each);
        self.ctx.check_memory("the edges", bytes).map_err(|e| e.in_file(self.path))
    }
}
