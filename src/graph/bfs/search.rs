//! Breadth-first search: the distance of every vertex from the source in edges, and its parent.
//!
//! The search runs level by level. Top-down, the edges out of the last level claim unvisited vertices. If the incoming
//! edges are available, a level that holds much of the graph is searched bottom-up instead: every unvisited vertex
//! looks for an in-neighbour in the last level and stops at the first (Beamer, Asanović, Patterson,
//! "Direction-optimizing breadth-first search", SC 2012). The parent of a vertex is the smallest vertex of the previous
//! level with an edge to it, so both directions and any number of threads give the same result. A level is kept in
//! ascending order, so that a graph in a file is swept forward once per level and not read in random order.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::bfs::answer::Bfs;
use crate::graph::vertices::{AtomicSlot, check_graph, fit_in_u32};
use crate::sparse::{Csc, Csr};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, Entry, Index};

/// Vertices of a level that one task takes top-down.
const CHUNK: usize = 256;

/// Vertices that one task visits bottom-up, and in any sweep over all of them.
const SWEEP: usize = 1 << 12;

/// Bottom-up begins when the level's edges are more than one in `ALPHA` of those not yet searched, and ends when the
/// level shrinks below one in `BETA` of all vertices; the values of the paper's authors.
const ALPHA: usize = 15;
const BETA: usize = 18;

/// Searches from `source` along the stored entries: entry (i, j) is the edge from i to j, whatever its value.
///
/// Fails if the matrix is not square, has no row `source`, or has an index out of range, which is checked before the
/// search begins. Cost: every edge out of a reached vertex is read once, and again if the matrix was never checked.
/// Memory: at most `12 + 3·size_of::<I>()` bytes per vertex.
///
/// ```
/// use outcore::{Context, Csr, graph::bfs};
/// // The path 0 -> 1 -> 2
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 2, 2], vec![1, 2], vec![(); 2])?;
/// let search = bfs(&a, 0, &Context::new())?;
/// assert_eq!(search.levels, [0, 1, 2]);
/// assert_eq!((search.parent(2), search.parent(0)), (Some(1), None));
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias = "breadth_first_order")]
pub fn bfs<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    source: usize,
    ctx: &Context,
) -> Result<Bfs<I>> {
    ctx.run(|| {
        check_graph(graph)?;
        start::<T, I, P, (), P>(graph, None, source, ctx)
    })
}

/// As [`bfs`], with the incoming edges too, as the columns of the same matrix: several times fewer edges are read if
/// a few levels hold most of the graph.
///
/// `incoming` is the result of [`Csr::to_csc`]. For a symmetric matrix it is `graph.transpose()`, which costs nothing.
/// If it is another matrix of the same shape, the result is wrong. Errors, and the cost at worst, are those of two
/// searches.
///
/// ```
/// use outcore::{Context, Csr, graph::{bfs, bfs_with_incoming}};
/// // 0 - 1 - 2, in both directions
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 3, 4], vec![1, 0, 2, 1], vec![(); 4])?;
/// let ctx = Context::new();
/// assert_eq!(bfs_with_incoming(&a, &a.transpose(), 0, &ctx)?, bfs(&a, 0, &ctx)?);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn bfs_with_incoming<T: Entry, I: Index, P: Index, U: Entry, Q: Index>(
    graph: &Csr<T, I, P>,
    incoming: &Csc<U, I, Q>,
    source: usize,
    ctx: &Context,
) -> Result<Bfs<I>> {
    ctx.run(|| {
        if graph.shape() != incoming.shape() {
            return Err(Error::shape(
                "the matrix of incoming edges",
                format!("{:?}", graph.shape()),
                format!("{:?}", incoming.shape()),
            ));
        }
        check_graph(graph)?;
        check_graph(incoming)?;
        start(graph, Some(incoming), source, ctx)
    })
}

/// Chooses the width of a vertex number and runs the search.
fn start<T: Entry, I: Index, P: Index, U: Entry, Q: Index>(
    graph: &Csr<T, I, P>,
    incoming: Option<&Csc<U, I, Q>>,
    source: usize,
    ctx: &Context,
) -> Result<Bfs<I>> {
    let n = graph.nrows();
    if source >= n {
        return Err(Error::new(ErrorKind::Index, "there is no such source vertex")
            .expected(format!("a vertex below {n}"))
            .found(source));
    }
    let each = 12 + 3 * size_of::<I>() as u64;
    ctx.check_memory("the search", each.saturating_mul(n as u64))?;
    match fit_in_u32(n) {
        true => BfsSearch::<AtomicU32>::new(n, ctx)?.run(graph, incoming, source, ctx),
        false => BfsSearch::<AtomicU64>::new(n, ctx)?.run(graph, incoming, source, ctx),
    }
}

/// The state of a search between two levels.
struct BfsSearch<S> {
    parents: Vec<S>,
    levels: Vec<AtomicU32>,
}

impl<S: AtomicSlot> BfsSearch<S> {
    fn new(n: usize, ctx: &Context) -> Result<Self> {
        Ok(BfsSearch {
            parents: ctx.collected("the search", (0..n).map(|_| S::empty()))?,
            levels: ctx.collected("the search", (0..n).map(|_| AtomicU32::new(u32::MAX)))?,
        })
    }

    fn run<T: Entry, I: Index, P: Index, U: Entry, Q: Index>(
        self,
        graph: &Csr<T, I, P>,
        incoming: Option<&Csc<U, I, Q>>,
        source: usize,
        ctx: &Context,
    ) -> Result<Bfs<I>> {
        let n = self.levels.len();
        self.parents[source].set(source);
        self.levels[source].store(0, Ordering::Relaxed);
        let mut level = vec![I::from_usize(source)];
        let (mut depth, mut reached, mut up) = (0, 1, false);
        let mut edges_left = graph.nnz();
        while !level.is_empty() {
            ctx.report("searching breadth first", reached as u64, n as u64)?;
            depth = next_depth(depth)?;
            let edges = incoming.map_or(0, |_| out_edges(graph, &level));
            up = match up {
                false => edges > edges_left / ALPHA,
                true => level.len() >= n / BETA || level.len() > reached / 2,
            };
            edges_left = edges_left.saturating_sub(edges);
            level = match incoming {
                Some(incoming) if up => self.bottom_up(incoming, depth),
                _ => self.top_down(graph, &level, depth),
            };
            reached += level.len();
        }
        Ok(self.finish(reached))
    }

    /// The vertices that edges from `level` lead to and that are in no earlier level, ascending.
    ///
    /// The first edge that sets a vertex's parent reports the vertex; others may lower it
    /// further during the level, down to the smallest.
    fn top_down<T: Entry, I: Index, P: Index>(
        &self,
        graph: &Csr<T, I, P>,
        level: &[I],
        depth: u32,
    ) -> Vec<I> {
        let claim = |u: usize, found: &mut Vec<I>| {
            for &v in graph.line(u).indices {
                // Absent only if a mapped file was changed after its check.
                let Some(parent) = self.parents.get(v.to_usize()) else { continue };
                // Most edges lead to visited vertices, and end at this test.
                let before = parent.get();
                if before <= u {
                    continue;
                }
                let reached_at = &self.levels[v.to_usize()];
                // A vertex being claimed right now may not have its level yet; it reads as unreached, which compares
                // greater.
                if !S::is_none(before) && reached_at.load(Ordering::Relaxed) < depth {
                    continue;
                }
                if S::is_none(parent.lower(u)) {
                    reached_at.store(depth, Ordering::Relaxed);
                    found.push(v);
                }
            }
        };
        let found = level.par_chunks(CHUNK).map(|chunk| {
            let mut found = Vec::new();
            chunk.iter().for_each(|u| claim(u.to_usize(), &mut found));
            found
        });
        let found = found.collect::<Vec<_>>();
        // Finding a long level again by its depth is faster than sorting it.
        if found.iter().map(Vec::len).sum::<usize>() > self.levels.len() / 32 {
            return self.sweep(|v| self.levels[v].load(Ordering::Relaxed) == depth);
        }
        let mut found = found.concat();
        I::sort(&mut found);
        found
    }

    /// The same vertices as [`top_down`](Self::top_down), each looking for its own parent.
    fn bottom_up<U: Entry, I: Index, Q: Index>(
        &self,
        incoming: &Csc<U, I, Q>,
        depth: u32,
    ) -> Vec<I> {
        // Ascending in-neighbours: the first in the last level is the smallest, and the rest need not be read.
        let ascending = incoming.check().unwrap_or(false);
        let last =
            |u: &usize| self.levels.get(*u).is_some_and(|l| l.load(Ordering::Relaxed) == depth - 1);
        self.sweep(|v| {
            if self.levels[v].load(Ordering::Relaxed) != u32::MAX {
                return false;
            }
            let mut sources = incoming.line(v).indices.iter().map(|u| u.to_usize()).filter(last);
            let parent = if ascending { sources.next() } else { sources.min() };
            if let Some(parent) = parent {
                self.parents[v].set(parent);
                self.levels[v].store(depth, Ordering::Relaxed);
            }
            parent.is_some()
        })
    }

    /// The vertices for which `keep` is true, ascending.
    fn sweep<I: Index>(&self, keep: impl Fn(usize) -> bool + Sync) -> Vec<I> {
        let n = self.levels.len();
        let parts = (0..n.div_ceil(SWEEP)).into_par_iter().map(|chunk| {
            let vertices = chunk * SWEEP..n.min((chunk + 1) * SWEEP);
            vertices.filter(|&v| keep(v)).map(I::from_usize).collect::<Vec<_>>()
        });
        parts.collect::<Vec<_>>().concat()
    }

    fn finish<I: Index>(self, reached: usize) -> Bfs<I> {
        let parents = self.parents.into_iter().enumerate().map(|(v, parent)| {
            let parent = parent.get();
            I::from_usize(if S::is_none(parent) { v } else { parent })
        });
        Bfs {
            parents: parents.collect(),
            levels: self.levels.into_iter().map(AtomicU32::into_inner).collect(),
            reached,
        }
    }
}

fn next_depth(depth: u32) -> Result<u32> {
    depth.checked_add(1).filter(|&next| next != u32::MAX).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "the graph has too many levels")
            .expected(format!("at most {}", u32::MAX))
    })
}

fn out_edges<T: Entry, I: Index, P: Index>(graph: &Csr<T, I, P>, level: &[I]) -> usize {
    let count = |part: &[I]| part.iter().map(|u| graph.span(u.to_usize()).len()).sum::<usize>();
    level.par_chunks(SWEEP).map(count).collect::<Vec<_>>().into_iter().sum()
}
