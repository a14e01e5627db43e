//! A graph with every edge in both directions.

use crate::error::Result;
use crate::sparse::Csr;
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::random::random;
use crate::storage::{Context, Entry, Index};

/// Rows of a task.
const TASK: usize = 1 << 12;

/// The structure with every edge in both directions: as stored, without a copy, if it is symmetric; otherwise the union
/// of it and its transpose, in memory if that takes at most a quarter of the limit and in scratch space otherwise.
///
/// The indices have been checked.
pub(super) fn undirected<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    ctx: &Context,
) -> Result<Csr<(), I, P>> {
    let pattern = graph.pattern();
    if ctx.run(|| is_symmetric(&pattern)) {
        return Ok(pattern);
    }
    ctx.check_cancelled()?;
    let place = ctx.aside(2 * pattern.bytes());
    let across = pattern.to_csc(&place, ctx)?.transpose();
    pattern.add(&across, place, ctx)
}

/// Whether (j, i) is stored as often as (i, j), by a hash: the sum of pseudorandom numbers over the entries above the
/// diagonal minus that over the entries below it, each hashed by its mirrored position above.
///
/// One pass in the order of the arrays. A structure that is not symmetric passes with probability 2⁻⁶⁴. The caller must
/// stay correct then, as a search does that starts at every vertex it has not reached.
fn is_symmetric<I: Index, P: Index>(graph: &Csr<(), I, P>) -> bool {
    let rows = (0..graph.nrows()).into_par_iter().with_min_len(TASK);
    let sums = rows.map(|row| {
        let of = |index: &I| match index.to_usize() {
            col if col > row => random(col as u64, row as u64),
            col if col < row => random(row as u64, col as u64).wrapping_neg(),
            _ => 0,
        };
        graph.line(row).indices.iter().map(of).fold(0u64, u64::wrapping_add)
    });
    sums.reduce(|| 0, u64::wrapping_add) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Duplicates;

    fn symmetric(n: usize, edges: &[(usize, usize)]) -> bool {
        let edges = edges.iter().map(|&(i, j)| (i, j, ()));
        is_symmetric(&Csr::<()>::from_triplets((n, n), edges, Duplicates::Sum).unwrap())
    }

    #[test]
    fn an_edge_without_its_other_direction_is_found() {
        let mut edges: Vec<_> =
            (0..40).flat_map(|i| [(i, (i * 7) % 40), ((i * 7) % 40, i)]).collect();
        edges.sort_unstable();
        edges.dedup();
        assert!(symmetric(40, &edges) && symmetric(0, &[]));
        for k in 0..edges.len() {
            let mut fewer = edges.clone();
            let (i, j) = fewer.remove(k);
            assert_eq!(symmetric(40, &fewer), i == j, "without {i}, {j}");
        }
    }
}
