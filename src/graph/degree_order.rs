//! Vertices by their number of edges.

use crate::error::Result;
use crate::graph::vertices::check_graph;
use crate::sparse::{Csr, Permutation};
use crate::storage::{Context, Entry, Index};

/// The vertices in the order of their degrees, those with most edges first, equal ones by number.
///
/// The most frequently read vertices of a power-law graph are then close together, at the start of every vector. The
/// degree counts the entries of a row. Pass the order to [`reorder`](Csr::reorder), which remembers it.
///
/// Fails if the matrix is not square or has an index out of range. Cost: one pass over the pointers; memory: at most
/// `16 + size_of::<I>()` bytes per vertex.
///
/// ```
/// use outcore::{Context, Csr, graph::degree_order};
/// // 1 -> 0, 1 -> 2, 2 -> 1
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 0, 2, 3], vec![0, 2, 1], vec![(); 3])?;
/// assert_eq!(degree_order(&a, &Context::new())?.order(), [1, 2, 0]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn degree_order<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    ctx: &Context,
) -> Result<Permutation> {
    let n = check_graph(graph)?;
    ctx.check_memory("the order", (16 + size_of::<I>() as u64).saturating_mul(n as u64))?;
    let rising = rising_degrees(graph, ctx)?;
    // Vertices of equal degree stay in ascending order in both.
    let (mut order, mut end) = (ctx.with_capacity("the order", n)?, n);
    while end > 0 {
        let degree = graph.span(rising[end - 1].to_usize()).len();
        let begin = rising[..end - 1].partition_point(|v| graph.span(v.to_usize()).len() < degree);
        order.extend(rising[begin..end].iter().map(|v| v.to_usize()));
        end = begin;
    }
    Permutation::new(order)
}

/// The vertices by increasing degree, equal ones by number.
pub(super) fn rising_degrees<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    ctx: &Context,
) -> Result<Vec<I>> {
    let (n, degree) = (graph.nrows(), |v: usize| graph.span(v).len());
    // Vertices with more edges are few, and sorted; the others use a counting sort.
    let most = n.min(1 << 16);
    let mut starts = vec![0usize; most + 1];
    (0..n).for_each(|v| starts[degree(v).min(most)] += 1);
    let mut sum = 0;
    starts.iter_mut().for_each(|slot| sum += std::mem::replace(slot, sum));
    let many = starts[most];
    let mut order = ctx.filled("the order", n, I::from_usize(0))?;
    for v in 0..n {
        // If a mapped file changes meanwhile, the order is arbitrary, but indices stay in range.
        let slot = &mut starts[degree(v).min(most)];
        if let Some(to) = order.get_mut(*slot) {
            *to = I::from_usize(v);
        }
        *slot += 1;
    }
    order[many..].sort_unstable_by_key(|&v| (degree(v.to_usize()), v));
    Ok(order)
}
