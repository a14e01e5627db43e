//! An order of vertices that gives neighbours nearby numbers.
//!
//! Cuthill and McKee, "Reducing the bandwidth of sparse symmetric matrices", 1969; reversed, George 1971; the start by
//! George and Liu, "An implementation of a pseudoperipheral node finder", 1979.
//!
//! ```text
//! for each component, from its vertex of least degree:
//!     number it level by level:  a vertex comes after those whose first neighbour comes earlier,
//!                                among those with the same first neighbour by degree
//!     while that gave more levels than the previous try:  again, from the vertex of least degree in the last level
//! reverse the order
//! ```
//!
//! A long level is numbered on all threads. Every vertex of the last level lowers a number at each of its neighbours to
//! its own position, and notes those that it lowered; those that keep it are its children. The timing of threads does
//! not matter, so the order is that of the queue of the sequential algorithm, whatever the number of threads. The first
//! search of a component only finds its start, and sorts nothing.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::degree_order::rising_degrees;
use crate::graph::undirected::undirected;
use crate::graph::vertices::{AtomicSlot, check_graph, fit_in_u32};
use crate::sparse::{Csr, Permutation};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, Entry, Index, parallel};

/// Vertices of a level that one task takes.
const CHUNK: usize = 256;

/// How often to search for a more peripheral start.
const TRIES: usize = 5;

/// Vertices that are numbered between two reports.
const REPORT: usize = 1 << 16;

/// The reverse Cuthill–McKee order: neighbours get nearby numbers, so that the entries of the reordered matrix are near
/// its diagonal.
///
/// The structure is read as an undirected graph: an entry (i, j) joins i and j, whether (j, i) is stored or not. Pass
/// the order to [`reorder`](Csr::reorder), which remembers it; [`bandwidth`](Csr::bandwidth) measures the gain.
///
/// The order does not depend on the number of threads. Fails if the matrix is not square or has an index out of range.
///
/// Cost: one pass over the edges to check that every one is stored in both directions, then three to seven level by
/// level. If one is not, the structure is first transposed and added to itself, in memory if the sum takes less than a
/// quarter of the limit and in scratch space otherwise. Memory: at most `24 + size_of::<I>()` bytes per vertex.
///
/// ```
/// use outcore::{Context, Csr, Place, graph::reverse_cuthill_mckee};
/// // The path 0 - 2 - 1.
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 2, 4], vec![2, 2, 0, 1], vec![(); 4])?;
/// let ctx = Context::new();
/// let order = reverse_cuthill_mckee(&a, &ctx)?;
/// assert_eq!(order.order(), [0, 2, 1]);
/// assert_eq!(a.permute(&order, &order, Place::Memory, &ctx)?.bandwidth(&ctx)?, (1, 1));
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn reverse_cuthill_mckee<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    ctx: &Context,
) -> Result<Permutation> {
    let n = check_graph(graph)?;
    ctx.check_memory("the order", (24 + size_of::<I>() as u64).saturating_mul(n as u64))?;
    let graph = undirected(graph, ctx)?;
    let order = ctx.run(|| match fit_in_u32(n) {
        true => VertexNumbering::<I, AtomicU32>::new(n, ctx)?.number(&graph, ctx),
        false => VertexNumbering::<I, AtomicU64>::new(n, ctx)?.number(&graph, ctx),
    })?;
    if order.len() < n {
        return Err(Error::new(ErrorKind::Index, "the graph changed while it was read"));
    }
    Permutation::new(order.into_iter().rev().map(|v| v.to_usize()).collect())
}

/// Vertices being numbered.
struct VertexNumbering<I, S> {
    /// Those that have a number, in order.
    order: Vec<I>,
    /// A bit for each vertex that has a number: most edges lead to one of these, and end here, in a cache.
    numbered: Vec<AtomicU64>,
    /// The number of the first neighbour of each vertex, used while a level is numbered on all threads; empty
    /// otherwise.
    firsts: Vec<S>,
}

/// The result of numbering a component.
struct NumberedLevels {
    count: usize,
    /// The number of the first vertex of the last level.
    last: usize,
}

impl<I: Index, S: AtomicSlot> VertexNumbering<I, S> {
    fn new(n: usize, ctx: &Context) -> Result<Self> {
        let firsts = ctx.collected("the order", (0..n).map(|_| S::empty()))?;
        let words = 0..n.div_ceil(64);
        let numbered = ctx.collected("the order", words.map(|_| AtomicU64::new(0)))?;
        if let (Some(last), 1..) = (numbered.last(), n % 64) {
            // Bits beyond the last vertex count as numbered.
            last.store(u64::MAX << (n % 64), Ordering::Relaxed);
        }
        Ok(VertexNumbering { order: ctx.with_capacity("the order", n)?, numbered, firsts })
    }

    /// Numbers all vertices.
    fn number<P: Index>(mut self, graph: &Csr<(), I, P>, ctx: &Context) -> Result<Vec<I>> {
        let (n, mut reported) = (self.firsts.len(), 0);
        for start in rising_degrees(graph, ctx)? {
            if self.has_number(start) {
                continue;
            }
            self.component(graph, start, ctx)?;
            if self.order.len() >= reported + REPORT {
                reported = self.order.len();
                ctx.report("ordering", reported as u64, n as u64)?;
            }
        }
        Ok(self.order)
    }

    /// Numbers a component from a peripheral start.
    fn component<P: Index>(
        &mut self,
        graph: &Csr<(), I, P>,
        start: I,
        ctx: &Context,
    ) -> Result<()> {
        let first = self.order.len();
        let mut levels = self.search(graph, start, false, ctx)?;
        if levels.count <= 2 {
            // A vertex adjacent to all others: no start is better.
            sort_by_degree(graph, &mut self.order[first + 1..], &mut Vec::new());
            return Ok(());
        }
        for _ in 0..TRIES {
            let degree = |v: &&I| (graph.span(v.to_usize()).len(), **v);
            let Some(&start) = self.order[levels.last..].iter().min_by_key(degree) else { break };
            self.forget(first);
            let found = self.search(graph, start, true, ctx)?;
            if found.count <= levels.count {
                break;
            }
            levels = found;
        }
        Ok(())
    }

    /// Undoes the numbers from `first` on.
    fn forget(&mut self, first: usize) {
        for v in self.order.drain(first..) {
            let v = v.to_usize();
            self.numbered[v / 64].fetch_and(!(1 << (v % 64)), Ordering::Relaxed);
        }
    }

    /// Whether a vertex has a number. An invalid one, in a mapped file that changed after its check, counts as
    /// numbered.
    #[inline(always)]
    fn has_number(&self, v: I) -> bool {
        let (word, bit) = (v.to_usize() / 64, v.to_usize() % 64);
        self.numbered.get(word).is_none_or(|bits| bits.load(Ordering::Relaxed) >> bit & 1 == 1)
    }

    /// Marks a vertex as numbered; returns whether it was not.
    #[inline(always)]
    fn note(&self, v: I) -> bool {
        let (word, bit) = (v.to_usize() / 64, v.to_usize() % 64);
        let Some(bits) = self.numbered.get(word) else { return false };
        // Threads mark vertices concurrently only between levels, when there are no readers.
        bits.fetch_or(1 << bit, Ordering::Relaxed) >> bit & 1 == 0
    }

    /// Numbers the vertices reachable from a start, level by level; sorted by degree if `sorted`.
    fn search<P: Index>(
        &mut self,
        graph: &Csr<(), I, P>,
        start: I,
        sorted: bool,
        ctx: &Context,
    ) -> Result<NumberedLevels> {
        let mut level = self.order.len()..self.order.len() + 1;
        self.note(start);
        self.order.push(start);
        let (mut levels, mut keys) = (NumberedLevels { count: 1, last: level.start }, Vec::new());
        loop {
            let next = level.end;
            if level.len() <= CHUNK || parallel::threads() == 1 {
                self.follow(graph, level, sorted, &mut keys);
            } else {
                self.follow_in_parallel(graph, level, sorted);
                ctx.check_cancelled()?;
            }
            level = next..self.order.len();
            if level.is_empty() {
                return Ok(levels);
            }
            levels = NumberedLevels { count: levels.count + 1, last: level.start };
        }
    }

    /// Numbers the next level, sequentially.
    fn follow<P: Index>(
        &mut self,
        graph: &Csr<(), I, P>,
        level: Range<usize>,
        sorted: bool,
        keys: &mut Vec<(usize, I)>,
    ) {
        for number in level {
            let begin = self.order.len();
            for &w in graph.line(self.order[number].to_usize()).indices {
                if !self.has_number(w) && self.note(w) {
                    self.order.push(w);
                }
            }
            if sorted {
                sort_by_degree(graph, &mut self.order[begin..], keys);
            }
        }
    }

    /// Numbers the next level on all threads.
    fn follow_in_parallel<P: Index>(
        &mut self,
        graph: &Csr<(), I, P>,
        level: Range<usize>,
        sorted: bool,
    ) {
        let begin = level.start;
        let chunks = self.order[level].par_chunks(CHUNK).enumerate();
        let lowered = chunks.map(|(k, chunk)| self.lower(graph, begin + k * CHUNK, chunk));
        let lowered: Vec<_> = lowered.collect();
        let chunks = lowered.into_par_iter().enumerate();
        let children = chunks.map(|(k, (neighbours, ends))| {
            let mut kept = Vec::with_capacity(neighbours.len());
            let (mut keys, mut start) = (Vec::new(), 0);
            for (number, end) in (begin + k * CHUNK..).zip(ends) {
                let own = |w: &&I| self.firsts[w.to_usize()].get() == number;
                let from = kept.len();
                kept.extend(neighbours[start..end].iter().filter(own));
                start = end;
                if sorted {
                    sort_by_degree(graph, &mut kept[from..], &mut keys);
                }
            }
            kept
        });
        let children = children.collect::<Vec<_>>();
        let none = S::empty().get();
        children.par_iter().for_each(|children| {
            for &w in children {
                self.note(w);
                self.firsts[w.to_usize()].set(none);
            }
        });
        children.iter().for_each(|children| self.order.extend_from_slice(children));
    }

    /// For some vertices with numbers from `number` on, lowers the first neighbour of their neighbours. Returns those
    /// that were higher, and the end of those of each vertex.
    fn lower<P: Index>(
        &self,
        graph: &Csr<(), I, P>,
        number: usize,
        vertices: &[I],
    ) -> (Vec<I>, Vec<usize>) {
        let (mut lowered, mut ends) = (Vec::new(), Vec::with_capacity(vertices.len()));
        for (v, number) in vertices.iter().zip(number..) {
            for &w in graph.line(v.to_usize()).indices {
                if self.has_number(w) {
                    continue;
                }
                let Some(first) = self.firsts.get(w.to_usize()) else { continue };
                if first.get() > number && first.lower(number) > number {
                    lowered.push(w);
                }
            }
            ends.push(lowered.len());
        }
        (lowered, ends)
    }
}

/// Sorts vertices by degree, equal ones by number.
#[inline]
fn sort_by_degree<I: Index, P: Index>(
    graph: &Csr<(), I, P>,
    vertices: &mut [I],
    keys: &mut Vec<(usize, I)>,
) {
    if vertices.len() < 2 {
        return;
    }
    keys.clear();
    keys.extend(vertices.iter().map(|&v| (graph.span(v.to_usize()).len(), v)));
    keys.sort_unstable();
    vertices.iter_mut().zip(&*keys).for_each(|(v, key)| *v = key.1);
}
