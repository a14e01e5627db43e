//! Reverse Cuthill–McKee: an order of vertices in which neighbours have numbers close to each other.
//!
//! Cuthill and McKee, "Reducing the bandwidth of sparse symmetric matrices", 1969; reversed, George 1971; the start by George
//! and Liu, "An implementation of a pseudoperipheral node finder", 1979.
//!
//! ```text
//! for each component, from its vertex of least degree:
//!     number it level by level:  a vertex comes after those whose first neighbour comes earlier,
//!                                among those with the same first neighbour by degree
//!     while that gave more levels than the try before:  again, from the vertex of least degree in the last level
//! turn the whole order round
//! ```
//!
//! A level is numbered on all threads. Every vertex of the last level lowers a number at each of its neighbours to its own
//! place; those that end up with it are its children. Who came first does not matter, so the order is that of the queue of
//! the sequential algorithm, whatever the number of threads.

use std::sync::atomic::{AtomicU32, AtomicU64};

use rayon::prelude::*;

use crate::error::Result;
use crate::graph::vertices::{Slot, check_graph, fit_in_u32};
use crate::sparse::{Csr, Permutation};
use crate::storage::{Context, Entry, Index, Place};

/// Vertices of a level that one task takes.
const CHUNK: usize = if cfg!(test) { 4 } else { 256 };

/// Vertices of a task that looks at all of them.
const SWEEP: usize = 1 << 14;

/// How often a start further out is looked for.
const TRIES: usize = 5;

/// Vertices that are numbered between two reports.
const REPORT: usize = 1 << 16;

/// The reverse Cuthill–McKee order: neighbours get numbers close to each other, so that the entries of the reordered matrix lie
/// near its diagonal.
///
/// The structure is read as an undirected graph: an entry (i, j) joins i and j, whether (j, i) is stored or not. Give the order to
/// [`reorder`](Csr::reorder), which remembers it; [`bandwidth`](Csr::bandwidth) tells what is gained.
///
/// The order does not depend on the number of threads. Fails if the matrix is not square or has an index out of range.
///
/// Cost: the structure is transposed once, and added to itself where it is not symmetric, in memory if that takes less than
/// a quarter of the limit each and in scratch space otherwise; then four to twelve passes over the edges, level by level.
/// Memory: at most `24 + size_of::<I>()` bytes a vertex.
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
        true => Numbering::<I, AtomicU32>::new(n).number(&graph, ctx),
        false => Numbering::<I, AtomicU64>::new(n).number(&graph, ctx),
    })?;
    Permutation::new(order.into_iter().rev().map(|v| v.to_usize()).collect())
}

/// The structure with every edge in both directions.
fn undirected<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    ctx: &Context,
) -> Result<Csr<(), I, P>> {
    let pattern = graph.pattern();
    let place = match pattern.bytes() < ctx.memory_limit_bytes() / 4 {
        true => Place::Memory,
        false => Place::Scratch,
    };
    let across = pattern.to_csc(&place, ctx)?.transpose();
    if pattern.indptr() == across.indptr() && pattern.indices() == across.indices() {
        return Ok(pattern);
    }
    pattern.add(&across, place, ctx)
}

/// Vertices being numbered.
struct Numbering<I, S> {
    /// Those that have a number, in order.
    order: Vec<I>,
    /// One more than the number of the first neighbour of each vertex; 0 for a start, nothing for one that was not reached.
    firsts: Vec<S>,
}

/// What numbering a component found.
struct Levels {
    count: usize,
    /// The number of the first vertex of the last level.
    last: usize,
}

impl<I: Index, S: Slot> Numbering<I, S> {
    fn new(n: usize) -> Self {
        let firsts = (0..n).into_par_iter().with_min_len(SWEEP).map(|_| S::empty()).collect();
        Numbering { order: Vec::with_capacity(n), firsts }
    }

    /// Numbers all vertices.
    fn number<P: Index>(mut self, graph: &Csr<(), I, P>, ctx: &Context) -> Result<Vec<I>> {
        let n = self.firsts.len();
        let mut starts: Vec<usize> = (0..n).collect();
        starts.par_sort_unstable_by_key(|&v| (graph.span(v).len(), v));
        let mut reported = 0;
        for start in starts {
            if !S::is_none(self.firsts[start].get()) {
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

    /// Numbers a component from a start that is far out.
    fn component<P: Index>(
        &mut self,
        graph: &Csr<(), I, P>,
        start: usize,
        ctx: &Context,
    ) -> Result<()> {
        let first = self.order.len();
        let mut levels = self.from_start(graph, start, ctx)?;
        for _ in 0..TRIES {
            // All starts within two levels are as good as each other.
            if levels.count <= 2 {
                break;
            }
            let degree = |v: &&I| (graph.span(v.to_usize()).len(), **v);
            let Some(&start) = self.order[levels.last..].iter().min_by_key(degree) else { break };
            self.forget(first);
            let found = self.from_start(graph, start.to_usize(), ctx)?;
            if found.count <= levels.count {
                break;
            }
            levels = found;
        }
        Ok(())
    }

    /// Takes the numbers from `first` on back.
    fn forget(&mut self, first: usize) {
        let firsts = &self.firsts;
        self.order[first..].par_iter().with_min_len(SWEEP).for_each(|v| {
            firsts[v.to_usize()].set(S::empty().get());
        });
        self.order.truncate(first);
    }

    /// Numbers what can be reached from a start, level by level.
    fn from_start<P: Index>(
        &mut self,
        graph: &Csr<(), I, P>,
        start: usize,
        ctx: &Context,
    ) -> Result<Levels> {
        let mut level = self.order.len()..self.order.len() + 1;
        self.firsts[start].set(0);
        self.order.push(I::from_usize(start));
        let mut levels = Levels { count: 1, last: level.start };
        loop {
            let (before, next) = (level.start, level.end);
            if level.len() <= CHUNK {
                let level = &self.order[level];
                level.iter().zip(before..).for_each(|(&v, number)| self.claim(graph, v, number));
                let mut children = Vec::new();
                for (&v, number) in level.iter().zip(before..) {
                    self.children(graph, v, number, &mut children);
                }
                self.order.extend(children);
            } else {
                let chunks = || {
                    let chunks = self.order[level.clone()].par_chunks(CHUNK).enumerate();
                    chunks.map(|(k, chunk)| chunk.iter().zip(before + k * CHUNK..))
                };
                chunks().for_each(|chunk| {
                    chunk.for_each(|(&v, number)| self.claim(graph, v, number));
                });
                let children = chunks().map(|chunk| {
                    let mut children = Vec::new();
                    chunk.for_each(|(&v, number)| self.children(graph, v, number, &mut children));
                    children
                });
                let children = children.collect::<Vec<_>>();
                children.iter().for_each(|children| self.order.extend_from_slice(children));
                ctx.check_cancelled()?;
            }
            level = next..self.order.len();
            if level.is_empty() {
                return Ok(levels);
            }
            levels = Levels { count: levels.count + 1, last: level.start };
        }
    }

    /// Tells all neighbours of a vertex its number.
    #[inline]
    fn claim<P: Index>(&self, graph: &Csr<(), I, P>, v: I, number: usize) {
        for neighbour in graph.line(v.to_usize()).indices {
            // Absent only if a mapped file was changed after its check.
            let Some(first) = self.firsts.get(neighbour.to_usize()) else { continue };
            // Those with a number of their own have a first neighbour of an earlier level, and end at this test.
            if first.get() > number + 1 {
                first.lower(number + 1);
            }
        }
    }

    /// Adds the vertices whose first neighbour this one is, by degree.
    #[inline]
    fn children<P: Index>(
        &self,
        graph: &Csr<(), I, P>,
        v: I,
        number: usize,
        children: &mut Vec<I>,
    ) {
        let own = |w: &&I| self.firsts.get(w.to_usize()).is_some_and(|f| f.get() == number + 1);
        let begin = children.len();
        children.extend(graph.line(v.to_usize()).indices.iter().filter(own));
        if children.len() > begin + 1 {
            children[begin..].sort_by_cached_key(|&w| (graph.span(w.to_usize()).len(), w));
        }
        let mut last = None;
        let mut kept = begin;
        for k in begin..children.len() {
            // A neighbour that is stored twice is one.
            if last != Some(children[k]) {
                last = Some(children[k]);
                children[kept] = children[k];
                kept += 1;
            }
        }
        children.truncate(kept);
    }
}
