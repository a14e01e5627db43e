//! The properties of a Cuthill–McKee order, checked without a queue.
//!
//! In the reversed order, every vertex but a start comes after its first neighbour; the numbers of first neighbours
//! never decrease; vertices with the same first neighbour are sorted by degree; and no vertex after a start has a
//! neighbour before the start. An order with these properties is the one in which a queue takes the vertices from the
//! same starts.

use crate::error::{Error, ErrorKind, Location, Result};
use crate::graph::undirected::undirected;
use crate::graph::vertices::check_graph;
use crate::sparse::{Csr, Permutation};
use crate::storage::{Context, Entry, Index};

/// Checks that `order` is a reverse Cuthill–McKee order of `graph`, for any starting vertices.
///
/// Fails with [`ErrorKind::Value`], naming the vertex, if it is not, and as
/// [`reverse_cuthill_mckee`](super::reverse_cuthill_mckee) does. Cost: two passes over the edges. Memory: 8 bytes a
/// vertex.
///
/// ```
/// use outcore::graph::{check_cuthill_mckee, reverse_cuthill_mckee};
/// use outcore::{Context, Csr, Permutation, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[7, 9], Place::Memory, &ctx)?;
/// check_cuthill_mckee(&a, &reverse_cuthill_mckee(&a, &ctx)?, &ctx)?;
/// assert!(check_cuthill_mckee(&a, &Permutation::identity(63), &ctx).is_err());
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn check_cuthill_mckee<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    order: &Permutation,
    ctx: &Context,
) -> Result<()> {
    let n = check_graph(graph)?;
    if order.len() != n {
        return Err(Error::shape("the order", n, order.len()));
    }
    let graph = undirected(graph, ctx)?;
    let number = order.inverse();
    let number = |v: usize| n - 1 - number.order()[v];
    // The start of the component, the first neighbour of the previous vertex, and its sort key.
    let (mut start, mut last, mut before) = (0, 0, None);
    for (k, &v) in order.order().iter().rev().enumerate() {
        let neighbours = graph.line(v).indices.iter().map(|w| w.to_usize());
        let first = neighbours.filter(|&w| w < n).map(number).min().filter(|&first| first < k);
        let Some(first) = first else {
            (start, last, before) = (k, k, None);
            continue;
        };
        if first < start {
            return Err(wrong(v, "a component goes on after the start of another"));
        }
        if first < last {
            return Err(wrong(v, "a vertex comes too late for its first neighbour"));
        }
        let by = Some((graph.span(v).len(), v));
        if first == last && before >= by {
            return Err(wrong(v, "neighbours of one vertex are not in the order of their degrees"));
        }
        (last, before) = (first, by);
    }
    Ok(())
}

fn wrong(vertex: usize, what: &str) -> Error {
    Error::new(ErrorKind::Value, format!("not a Cuthill-McKee order: {what}"))
        .at(Location::Row(vertex as u64))
}
