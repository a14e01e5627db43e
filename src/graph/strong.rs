//! Strongly connected components: vertices connected by directed paths in both directions.
//!
//! Tarjan's depth-first search ("Depth-first search and linear graph algorithms", 1972) in the form of Pearce ("A
//! space-efficient algorithm for finding strongly connected components", 2016), where one number per vertex serves
//! first as its place in the search and then as its component. The recursion uses an explicit stack: a path of a
//! million vertices must not overflow the thread's stack. Depth-first search is inherently sequential, so this is the
//! one algorithm here that does not use more than one thread.

use crate::error::{Error, ErrorKind, Location, Result};
use crate::graph::partition::Components;
use crate::graph::vertices::check_graph;
use crate::sparse::{Axis, Compressed, Csc, Csr};
use crate::storage::{Context, Entry, Index, filled};

/// Vertices between two calls of the progress callback.
const REPORT: usize = 1 << 16;

/// The components within which every vertex reaches every other along the edges.
///
/// Fails if the matrix is not square or has an index out of range. Cost: every edge is read once, in the order of a
/// depth-first search, which is random access in a file; again, in order, if the matrix was never checked. One thread.
/// Memory: at most `56 + size_of::<I>()` bytes per vertex.
///
/// ```
/// use outcore::{Context, Csr, graph::strong_components};
/// // 0 -> 1 -> 2 -> 1
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 2, 3], vec![1, 2, 1], vec![(); 3])?;
/// let components = strong_components(&a, &Context::new())?;
/// assert_eq!(components.labels, [0, 1, 1]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn strong_components<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    ctx: &Context,
) -> Result<Components<I>> {
    let n = ctx.run(|| check_graph(graph))?;
    ctx.check_memory("the components", (56 + size_of::<I>() as u64).saturating_mul(n as u64))?;
    let mut search = DepthFirst {
        number: ctx.filled("the components", n, 0)?,
        next: 1,
        component: n,
        open: Vec::new(),
        met: 0,
    };
    for v in 0..n {
        if search.number[v] == 0 {
            search.visit(graph, v, ctx)?;
        }
    }
    Ok(Components::from_labels(smallest_members(&search.number)))
}

/// A depth-first search between two edges.
struct DepthFirst {
    /// 0 for an unvisited vertex; while its component is open, the least place in the search known to be reachable;
    /// then the number of its component. Components count down from `n` and places up from 1, and a place is released
    /// when its component closes, so that an open vertex always has a lower number than a closed one.
    number: Vec<usize>,
    next: usize,
    component: usize,
    /// Vertices left by the search whose component is still open.
    open: Vec<usize>,
    /// The number of vertices visited.
    met: usize,
}

/// A vertex on the path of the search.
struct PathStep {
    vertex: usize,
    /// Its place in the search.
    place: usize,
    /// The number of its edges followed.
    edges: usize,
}

impl DepthFirst {
    /// Visits all vertices reachable from `start` that no earlier search visited.
    fn visit<T: Entry, I: Index, P: Index>(
        &mut self,
        graph: &Csr<T, I, P>,
        start: usize,
        ctx: &Context,
    ) -> Result<()> {
        let mut path = vec![self.enter(start, ctx)?];
        while let Some(step) = path.last_mut() {
            let v = step.vertex;
            let Some(edge) = graph.line(v).indices.get(step.edges) else {
                self.leave(step.vertex, step.place);
                path.pop();
                continue;
            };
            let w = edge.to_usize();
            match self.number.get(w) {
                Some(0) => path.push(self.enter(w, ctx)?),
                // An edge is finished only when its target is: a vertex just searched is met here again.
                Some(&number) => {
                    self.number[v] = self.number[v].min(number);
                    step.edges += 1;
                }
                // Only if a mapped file was changed after its check.
                None => step.edges += 1,
            }
        }
        Ok(())
    }

    fn enter(&mut self, vertex: usize, ctx: &Context) -> Result<PathStep> {
        if self.met.is_multiple_of(REPORT) {
            ctx.report("searching depth first", self.met as u64, self.number.len() as u64)?;
        }
        let place = self.next;
        self.number[vertex] = place;
        self.next += 1;
        self.met += 1;
        Ok(PathStep { vertex, place, edges: 0 })
    }

    /// Closes the component of `vertex` if it is its first visited vertex.
    fn leave(&mut self, vertex: usize, place: usize) {
        if self.number[vertex] < place {
            self.open.push(vertex);
            return;
        }
        self.next -= 1;
        while let Some(member) = self.open.pop_if(|member| self.number[*member] >= place) {
            self.number[member] = self.component;
            self.next -= 1;
        }
        self.number[vertex] = self.component;
        self.component -= 1;
    }
}

/// For every vertex the smallest with the same number; numbers are at most the count of vertices.
fn smallest_members<I: Index>(number: &[usize]) -> Vec<I> {
    let mut smallest = vec![usize::MAX; number.len() + 1];
    let label = |(v, &number): (usize, &usize)| {
        let smallest = &mut smallest[number];
        *smallest = (*smallest).min(v);
        I::from_usize(*smallest)
    };
    number.iter().enumerate().map(label).collect()
}

/// Checks `components` without a depth-first search, given the edges as rows and, in `incoming`, as columns too.
///
/// From the vertex that names a component all of it must be reachable within it, along the edges and against them. The
/// graph of components must have no cycle, otherwise some could be merged. Fails with [`ErrorKind::Value`], naming the
/// vertex. Cost: four passes over the edges, on one thread. Memory: 33 bytes per vertex.
///
/// ```
/// use outcore::{Context, Csr, Place, graph::{check_strong_components, strong_components}};
/// // 0 -> 1 -> 2 -> 1
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 2, 3], vec![1, 2, 1], vec![(); 3])?;
/// let ctx = Context::new();
/// let incoming = a.to_csc(Place::Memory, &ctx)?;
/// check_strong_components(&a, &incoming, &strong_components(&a, &ctx)?)?;
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn check_strong_components<T: Entry, I: Index, P: Index, U: Entry, Q: Index>(
    graph: &Csr<T, I, P>,
    incoming: &Csc<U, I, Q>,
    components: &Components<I>,
) -> Result<()> {
    let n = check_graph(graph)?;
    let labels = components.labels.iter().map(|label| label.to_usize()).collect::<Vec<_>>();
    if (check_graph(incoming)?, labels.len()) != (n, n) {
        return Err(Error::shape("the incoming edges or the labels", n, labels.len()));
    }
    if let Some(v) = (0..n).find(|&v| labels[v] > v || labels[labels[v]] != labels[v]) {
        return Err(wrong(v, "the label is not the smallest vertex that bears it"));
    }
    spreads(graph, &labels)?;
    spreads(incoming, &labels)?;
    has_no_cycle(graph, &labels)?;
    let sizes = components.sizes();
    let largest = sizes.iter().map(|&(_, size)| size).max().unwrap_or(0);
    if (sizes.len(), largest) != (components.count, components.largest) {
        return Err(wrong(0, "the components are miscounted"));
    }
    Ok(())
}

/// Fails if the vertex that names a component does not reach all of it within the component.
fn spreads<T: Entry, I: Index, P: Index, A: Axis>(
    graph: &Compressed<T, I, P, A>,
    labels: &[usize],
) -> Result<()> {
    let n = labels.len();
    let mut seen = (0..n).map(|v| labels[v] == v).collect::<Vec<_>>();
    let mut waiting = (0..n).filter(|&v| seen[v]).collect::<Vec<_>>();
    while let Some(u) = waiting.pop() {
        for v in graph.line(u).indices.iter().map(|v| v.to_usize()) {
            if labels.get(v) == Some(&labels[u]) && !seen[v] {
                seen[v] = true;
                waiting.push(v);
            }
        }
    }
    match seen.iter().position(|seen| !seen) {
        Some(v) => Err(wrong(v, "no path within the component joins it to its smallest vertex")),
        None => Ok(()),
    }
}

/// Fails if a cycle leads through two components: removes components without incoming edges until none is left
/// (Kahn, "Topological sorting of large networks", 1962).
fn has_no_cycle<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    labels: &[usize],
) -> Result<()> {
    let n = labels.len();
    let mut members = (0..n).collect::<Vec<_>>();
    members.sort_by_key(|&v| labels[v]);
    let mut incoming = filled("the edges between components", n, 0usize)?;
    let leaving = |u: usize| {
        let targets =
            graph.line(u).indices.iter().filter_map(|v| labels.get(v.to_usize()).copied());
        targets.filter(move |&label| label != labels[u])
    };
    (0..n).flat_map(leaving).for_each(|label| incoming[label] += 1);
    let mut free = (0..n).filter(|&v| labels[v] == v && incoming[v] == 0).collect::<Vec<_>>();
    let mut taken = 0;
    while let Some(label) = free.pop() {
        let first = members.partition_point(|&v| labels[v] < label);
        for &u in members[first..].iter().take_while(|&&v| labels[v] == label) {
            taken += 1;
            for target in leaving(u) {
                incoming[target] = incoming[target].saturating_sub(1);
                if incoming[target] == 0 {
                    free.push(target);
                }
            }
        }
    }
    match (0..n).find(|&v| incoming[labels[v]] > 0) {
        Some(v) if taken < n => Err(wrong(v, "a cycle leads through several components")),
        _ => Ok(()),
    }
}

fn wrong(vertex: usize, what: &str) -> Error {
    Error::new(ErrorKind::Value, format!("not the strong components: {what}"))
        .at(Location::Row(vertex as u64))
}
