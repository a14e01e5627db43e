//! Weakly connected components: vertices connected when edges may be followed in both directions.
//!
//! A forest over the vertices, in which every root is the smallest vertex of its tree, takes the edges in any order: an
//! edge between two trees attaches the larger root to the smaller. Threads do this concurrently with one
//! compare-and-swap for each such edge (the linking of Shiloach and Vishkin, "An O(log n) parallel connectivity
//! algorithm", 1982, with the path halving of union-find; Jayanti and Tarjan, 2016, prove it correct). The forest
//! depends on the timing of threads; its trees and their roots do not, and they are the result.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::graph::partition::Components;
use crate::graph::vertices::{AtomicSlot, check_graph, fit_in_u32};
use crate::sparse::Csr;
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Context, Entry, Index, with_capacity};

/// Rows that one task takes.
const CHUNK: usize = 1 << 12;

/// The components of the graph without regard to the direction of its edges, which need not be stored in both
/// directions.
///
/// Fails if the matrix is not square or has an index out of range. Cost: one pass over the edges, and one more if the
/// matrix was never checked. Memory: at most `16 + size_of::<I>()` bytes per vertex.
///
/// ```
/// use outcore::{Context, Csr, graph::connected_components};
/// // 2 -> 0, 1 -> 3
/// let a = Csr::<()>::from_parts((4, 4), vec![0, 0, 1, 2, 2], vec![3, 0], vec![(); 2])?;
/// let components = connected_components(&a, &Context::new())?;
/// assert_eq!(components.labels, [0, 1, 0, 1]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn connected_components<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    ctx: &Context,
) -> Result<Components<I>> {
    let labels = ctx.run(|| {
        let n = check_graph(graph)?;
        ctx.check_memory("the components", (16 + size_of::<I>() as u64).saturating_mul(n as u64))?;
        match fit_in_u32(n) {
            true => Forest::<AtomicU32>::new(n, ctx)?.join_all(graph, ctx),
            false => Forest::<AtomicU64>::new(n, ctx)?.join_all(graph, ctx),
        }
    })?;
    Ok(Components::from_labels(labels))
}

/// For every vertex a vertex of the same tree that is not larger; itself for a root.
struct Forest<S>(Vec<S>);

impl<S: AtomicSlot> Forest<S> {
    fn new(n: usize, ctx: &Context) -> Result<Self> {
        Ok(Forest(ctx.collected("the components", (0..n).map(S::holding))?))
    }

    /// Joins the ends of every edge; returns the root of every vertex.
    fn join_all<T: Entry, I: Index, P: Index>(
        self,
        graph: &Csr<T, I, P>,
        ctx: &Context,
    ) -> Result<Vec<I>> {
        let n = self.0.len();
        let done = AtomicU64::new(0);
        (0..n.div_ceil(CHUNK)).into_par_iter().try_for_each(|chunk| {
            let rows = chunk * CHUNK..n.min((chunk + 1) * CHUNK);
            let len = rows.len() as u64;
            for u in rows {
                graph.line(u).indices.iter().for_each(|v| self.join(u, v.to_usize()));
            }
            let done = done.fetch_add(len, Ordering::Relaxed) + len;
            ctx.report("joining components", done, n as u64)
        })?;
        Ok((0..n).into_par_iter().map(|v| I::from_usize(self.root(v))).collect())
    }

    /// Joins the trees of two vertices.
    fn join(&self, u: usize, v: usize) {
        // Absent only if a mapped file was changed after its check.
        if v >= self.0.len() {
            return;
        }
        let (mut u, mut v) = (u, v);
        loop {
            (u, v) = (self.root(u), self.root(v));
            if u == v {
                return;
            }
            let (low, high) = (u.min(v), u.max(v));
            // Fails if another thread has just attached `high` elsewhere: it has another root now.
            if self.0[high].replace(high, low) {
                return;
            }
        }
    }

    /// The root of the tree of `v`. Every vertex passed is moved one step up.
    ///
    /// A vertex that is no longer a root never becomes one again, and every vertex ever stored for it is on its path to
    /// the root. Overwriting a newer value by an older one costs steps but stays correct.
    fn root(&self, mut v: usize) -> usize {
        loop {
            let up = self.0[v].get();
            let above = self.0[up].get();
            if up == above {
                return up;
            }
            self.0[v].set(above);
            v = above;
        }
    }
}

/// Checks `components` with a separate sequential union-find.
///
/// Every edge must be within one component, every label must be the smallest vertex that has it, and there must be as
/// many labels as the edges leave trees: fewer edges joined would leave two trees under one label. Fails with
/// [`ErrorKind::Value`], naming the vertex. Cost: one pass over the edges. Memory: 16 bytes per vertex.
///
/// ```
/// use outcore::{Context, Csr, graph::{check_components, connected_components}};
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 1, 1], vec![2], vec![()])?;
/// let mut components = connected_components(&a, &Context::new())?;
/// check_components(&a, &components)?;
/// components.labels[1] = 0;
/// assert!(check_components(&a, &components).is_err());
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn check_components<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    components: &Components<I>,
) -> Result<()> {
    let n = check_graph(graph)?;
    let labels = &components.labels;
    if labels.len() != n {
        return Err(Error::shape("the labels", n, labels.len()));
    }
    let mut above = with_capacity("the components", n)?;
    above.extend(0..n);
    let mut trees = n;
    for (u, row) in graph.rows().enumerate() {
        for v in row.indices.iter().map(|v| v.to_usize()) {
            if labels.get(v) != Some(&labels[u]) {
                return Err(wrong(u, "an edge joins two components").found(format!("edge to {v}")));
            }
            let (u, v) = (climb(&mut above, u), climb(&mut above, v));
            if u != v {
                above[u] = v;
                trees -= 1;
            }
        }
    }
    let smallest = |&v: &usize| {
        let label = labels[v].to_usize();
        label <= v && labels.get(label) == Some(&labels[v])
    };
    if let Some(v) = (0..n).find(|v| !smallest(v)) {
        return Err(wrong(v, "the label is not the smallest vertex that bears it").found(labels[v]));
    }
    let sizes = components.sizes();
    let largest = sizes.iter().map(|&(_, size)| size).max().unwrap_or(0);
    if (trees, trees, largest) != (sizes.len(), components.count, components.largest) {
        return Err(wrong(0, "the components are miscounted")
            .expected(format!("{trees}, the largest of {largest}"))
            .found(format!("{}, the largest of {}", components.count, components.largest)));
    }
    Ok(())
}

fn climb(above: &mut [usize], mut v: usize) -> usize {
    while above[v] != v {
        above[v] = above[above[v]];
        v = above[v];
    }
    v
}

fn wrong(vertex: usize, what: &str) -> Error {
    Error::new(ErrorKind::Value, format!("not the components: {what}"))
        .at(Location::Row(vertex as u64))
}
