//! The structure of a matrix that is assembled from elements: nodes are coupled if an element has both.
//!
//! The elements of each node are found by counting; then every row is the union of their nodes, sorted. Rows are made
//! some thousand at a time, by any thread, and put together in order.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::{Csr, check_widths};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::work;
use crate::storage::{BufferMut, Context, Index, Plan, bytes_of};

/// Rows of a task.
const TASK: usize = 1 << 12;

impl<I: Index, P: Index> Csr<(), I, P> {
    /// The structure of a square matrix with a row and a column for each of `nodes` nodes: an entry wherever an element
    /// has both nodes, and on the diagonal. Each element is a list of its nodes, in any order; elements of different
    /// kinds may be mixed. [`assemble`](crate::Compressed::assemble) gives it values.
    ///
    /// Cost: a sort of the neighbours of every node. Memory: the result twice, and 12 bytes for each node of each
    /// element. Fails if that does not fit in the memory limit, if the index types are too narrow, or, naming the
    /// element, if there is no such node. A mesh that does not fit: [`CooBuilder`](crate::CooBuilder).
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// // Two triangles with a common edge; node 4 is in none.
    /// let triangles = [[0, 1, 2], [2, 1, 3]];
    /// let pattern = Csr::<()>::from_elements(5, &triangles, &Context::new())?;
    /// assert_eq!(pattern.row(0)?.indices, [0, 1, 2]);
    /// assert_eq!(pattern.row(1)?.indices, [0, 1, 2, 3]);
    /// assert_eq!(pattern.row(4)?.indices, [4]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias("connectivity", "sparsity pattern", "MatPreallocator"))]
    pub fn from_elements<E: AsRef<[usize]>>(
        nodes: usize,
        elements: &[E],
        ctx: &Context,
    ) -> Result<Self> {
        let count = elements.iter().map(|element| element.as_ref().len()).sum();
        let mut lists = ctx.with_capacity("the nodes of elements", count)?;
        let mut ends = ctx.with_capacity("the elements", elements.len() + 1)?;
        ends.push(0);
        check_widths::<I, P>(nodes, nodes, 0)?;
        for (k, element) in elements.iter().enumerate() {
            for &node in element.as_ref() {
                if node >= nodes {
                    return Err(Error::new(ErrorKind::Index, "an element has no such node")
                        .at(Location::Position(k as u64))
                        .expected(format!("a node below {nodes}"))
                        .found(node));
                }
                lists.push(I::from_usize(node));
            }
            ends.push(lists.len());
        }
        structure(nodes, (&ends, &lists), ctx)
    }
}

/// The structure for elements whose nodes are `lists[ends[k]..ends[k + 1]]`.
fn structure<I: Index, P: Index>(
    nodes: usize,
    (ends, lists): (&[usize], &[I]),
    ctx: &Context,
) -> Result<Csr<(), I, P>> {
    let inverse = bytes_of::<usize>(nodes + 1).saturating_add(bytes_of::<usize>(lists.len()));
    let given = (size_of_val(ends) + size_of_val(lists)) as u64;
    let work_space = inverse.saturating_add(given);
    let _running = ctx.begin(|| {
        ctx.check_memory("the elements of each node", work_space)?;
        // The union of the elements of a node is at least the largest of them.
        let least = bytes_of::<P>(nodes + 1).saturating_add(bytes_of::<I>(nodes));
        let plan = Plan::new("structure of elements").works(lists.len() as u64, work::SORT);
        Ok(plan.holds(work_space.saturating_add(least)))
    })?;
    ctx.check_memory("the elements of each node", work_space)?;
    let mut held = ctx.hold(work_space);
    let (starts, of_node) = elements_of_nodes(nodes, (ends, lists), ctx)?;
    let taken = AtomicU64::new(work_space);
    let parts = ctx.with_threads(|| {
        let tasks = (0..nodes.div_ceil(TASK)).into_par_iter().with_max_len(1);
        let parts = tasks.map(|task| {
            ctx.check_cancelled()?;
            let rows = task * TASK..nodes.min((task + 1) * TASK);
            let (mut lens, mut indices) = (Vec::with_capacity(rows.len()), Vec::<I>::new());
            let mut row_nodes = Vec::new();
            for row in rows {
                row_nodes.clear();
                row_nodes.push(I::from_usize(row));
                // An element that lists the node more than once is there as often, one after the other.
                let mut before = usize::MAX;
                for &element in &of_node[starts[row]..starts[row + 1]] {
                    if element == std::mem::replace(&mut before, element) {
                        continue;
                    }
                    row_nodes.extend_from_slice(&lists[ends[element]..ends[element + 1]]);
                }
                row_nodes.sort_unstable();
                row_nodes.dedup();
                lens.push(row_nodes.len());
                indices.extend_from_slice(&row_nodes);
                // Each row is held twice, when it is put together with the others.
                let bytes = 2 * size_of_val(&row_nodes[..]) as u64 + size_of::<usize>() as u64;
                let all = taken.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
                ctx.check_memory("the structure", all)?;
            }
            Ok((lens, indices))
        });
        parts.collect::<Result<Vec<(Vec<usize>, Vec<I>)>>>()
    })?;
    held.resize(taken.into_inner());
    let nnz = parts.iter().map(|(_, indices)| indices.len()).sum();
    check_widths::<I, P>(nodes, nodes, nnz)?;
    let mut indptr = BufferMut::<P>::fresh(nodes + 1)?;
    let mut indices = BufferMut::<I>::fresh(nnz)?;
    let (mut row, mut end) = (0, 0);
    for (lens, part) in parts {
        indices[end..end + part.len()].copy_from_slice(&part);
        for len in lens {
            (row, end) = (row + 1, end + len);
            indptr[row] = P::from_usize(end);
        }
    }
    let (indptr, indices) = (indptr.counted(ctx.meter()), indices.counted(ctx.meter()));
    drop(held);
    Csr::from_parts((nodes, nodes), indptr.freeze(), indices.freeze(), vec![(); nnz])
}

/// The elements of each node, in order, and where those of each begin.
fn elements_of_nodes<I: Index>(
    nodes: usize,
    (ends, lists): (&[usize], &[I]),
    ctx: &Context,
) -> Result<(Vec<usize>, Vec<usize>)> {
    let mut starts = ctx.filled("the nodes", nodes + 1, 0usize)?;
    lists.iter().for_each(|node| starts[node.to_usize() + 1] += 1);
    (0..nodes).for_each(|node| starts[node + 1] += starts[node]);
    let mut of_node = ctx.filled("the elements of each node", lists.len(), 0usize)?;
    for (element, ends) in ends.windows(2).enumerate() {
        for node in &lists[ends[0]..ends[1]] {
            let next = &mut starts[node.to_usize()];
            of_node[*next] = element;
            *next += 1;
        }
    }
    // Each start has moved to that of the next node.
    starts.rotate_right(1);
    starts[0] = 0;
    Ok((starts, of_node))
}
