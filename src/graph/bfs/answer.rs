//! The levels and parents of a breadth-first search, and a check of them.
//!
//! The check never searches. If no edge leads more than one level further, no vertex is farther from the source than
//! its level says; if every vertex but the source has a parent one level before it and an edge from there, a path as
//! short as its level exists. The two together are the definition of a shortest path.

use crate::error::{Error, ErrorKind, Location, Result};
use crate::graph::vertices::check_graph;
use crate::sparse::Csr;
use crate::storage::{Entry, Index, filled};

/// The result of a breadth-first search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bfs<I: Index = u32> {
    /// Edges on a shortest path from the source to each vertex, or [`UNREACHED`](Self::UNREACHED).
    pub levels: Vec<u32>,
    /// For each vertex the smallest vertex of the previous level with an edge to it; the vertex itself for the source
    /// and for unreached vertices.
    pub parents: Vec<I>,
    /// The number of vertices reached, including the source.
    pub reached: usize,
}

impl<I: Index> Bfs<I> {
    /// The level of an unreached vertex.
    pub const UNREACHED: u32 = u32::MAX;

    /// The level of `vertex`, `None` if it was not reached or does not exist.
    pub fn level(&self, vertex: usize) -> Option<u32> {
        self.levels.get(vertex).copied().filter(|&level| level != Self::UNREACHED)
    }

    /// The vertex before `vertex` on a shortest path from the source, `None` for the source and for unreached vertices.
    pub fn parent(&self, vertex: usize) -> Option<usize> {
        self.level(vertex).filter(|&level| level > 0)?;
        self.parents.get(vertex).map(|parent| parent.to_usize())
    }

    /// The number of vertices of each level, starting with the source's. Reads the levels once.
    ///
    /// ```
    /// use outcore::{Context, Csr, graph::bfs};
    /// // 0 -> 1, 0 -> 2, 2 -> 1; 3 alone
    /// let a = Csr::<()>::from_parts((4, 4), vec![0, 2, 2, 3, 3], vec![1, 2, 1], vec![(); 3])?;
    /// assert_eq!(bfs(&a, 0, &Context::new())?.level_histogram(), [1, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn level_histogram(&self) -> Vec<usize> {
        let mut histogram = Vec::new();
        for level in self.levels.iter().filter(|&&level| level != Self::UNREACHED) {
            let level = *level as usize;
            if level >= histogram.len() {
                histogram.resize(level + 1, 0);
            }
            histogram[level] += 1;
        }
        histogram
    }
}

/// Checks, without searching, that `answer` is the result that [`bfs`](super::bfs) from `source` must find in `graph`.
///
/// Fails with [`ErrorKind::Value`], naming the vertex, if levels, parents (which must be the smallest possible) or the
/// count are wrong, and as [`bfs`](super::bfs) does. Cost: one pass over the edges. Memory: one byte per vertex.
///
/// ```
/// use outcore::{Context, Csr, graph::{bfs, check_bfs}};
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 2, 2], vec![1, 2], vec![(); 2])?;
/// let mut search = bfs(&a, 0, &Context::new())?;
/// check_bfs(&a, 0, &search)?;
/// search.levels[2] = 1;
/// assert!(check_bfs(&a, 0, &search).is_err());
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn check_bfs<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    source: usize,
    answer: &Bfs<I>,
) -> Result<()> {
    let n = check_graph(graph)?;
    if answer.levels.len() != n || answer.parents.len() != n {
        return Err(Error::shape("the answer", n, answer.levels.len().min(answer.parents.len())));
    }
    if answer.level(source) != Some(0) {
        return Err(wrong(source, "the source is not at level 0"));
    }
    let confirmed = follow_edges(graph, answer)?;
    for (v, confirmed) in confirmed.into_iter().enumerate() {
        let level = answer.level(v);
        if level == Some(0) && v != source {
            return Err(wrong(v, "a second vertex is at level 0"));
        }
        if level.is_some() && v != source && !confirmed {
            return Err(wrong(v, "no edge leads from the parent, one level before, to the vertex"));
        }
        if matches!(level, None | Some(0)) && answer.parents[v].to_usize() != v {
            return Err(wrong(v, "a vertex that nothing precedes has a parent"));
        }
    }
    let reached = (0..n).filter(|&v| answer.level(v).is_some()).count();
    if reached != answer.reached {
        return Err(wrong(source, "the count of reached vertices is wrong")
            .expected(reached)
            .found(answer.reached));
    }
    Ok(())
}

/// Visits every edge once: it may lead at most one level further, and must not come from a vertex smaller than the
/// parent for which it qualifies. Returns which vertices have an edge from their parent.
fn follow_edges<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    answer: &Bfs<I>,
) -> Result<Vec<bool>> {
    let mut confirmed = filled("a mark for each vertex", graph.nrows(), false)?;
    for (u, row) in graph.rows().enumerate() {
        let Some(level) = answer.level(u) else { continue };
        for v in row.indices.iter().map(|v| v.to_usize()) {
            let Some(reached_at) = answer.level(v) else {
                return Err(wrong(v, "an edge from a reached vertex leads to one that is not"));
            };
            if reached_at > level + 1 {
                return Err(wrong(v, "a shorter path exists")
                    .expected(format!("level {} at most", level + 1))
                    .found(reached_at));
            }
            if reached_at == level + 1 {
                let parent = answer.parents[v].to_usize();
                if parent > u {
                    return Err(wrong(v, "a smaller parent exists").expected(u).found(parent));
                }
                confirmed[v] |= parent == u;
            }
        }
    }
    Ok(confirmed)
}

fn wrong(vertex: usize, what: &str) -> Error {
    Error::new(ErrorKind::Value, format!("not a breadth-first search: {what}"))
        .at(Location::Row(vertex as u64))
}
