//! Vertices by how many edges they have.

use std::cmp::Reverse;

use rayon::prelude::*;

use crate::error::Result;
use crate::graph::vertices::check_graph;
use crate::sparse::{Csr, Permutation};
use crate::storage::{Context, Entry, Index};

/// The vertices in the order of their degrees, those with most edges first, equal ones by number.
///
/// What a power-law graph reads again and again then lies close together, at the start of every vector. The degree counts the
/// entries of a row. Give the order to [`reorder`](Csr::reorder), which remembers it.
///
/// Fails if the matrix is not square or has an index out of range. Cost: one pass over the pointers; memory: 8 bytes a
/// vertex, and as many while it is sorted.
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
    ctx.check_memory("the order", 16u64.saturating_mul(n as u64))?;
    let mut order: Vec<usize> = (0..n).collect();
    ctx.run(|| order.par_sort_unstable_by_key(|&v| (Reverse(graph.span(v).len()), v)));
    Permutation::new(order)
}
