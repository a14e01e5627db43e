//! A partition of the vertices into components, as returned by the algorithms.

use crate::storage::Index;

/// The component of every vertex.
///
/// ```
/// use outcore::{Context, Csr, graph::connected_components};
/// // 0 -> 2; 1 alone
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 1, 1], vec![2], vec![()])?;
/// let components = connected_components(&a, &Context::new())?;
/// assert_eq!(components.labels, [0, 1, 0]);
/// assert_eq!((components.count, components.largest), (2, 2));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Components<I: Index = u32> {
    /// For every vertex, the smallest vertex of its component.
    pub labels: Vec<I>,
    /// The number of components.
    pub count: usize,
    /// Vertices in the largest component; 0 for a graph without vertices.
    pub largest: usize,
}

impl<I: Index> Components<I> {
    /// Counts the components in `labels`; each label is the smallest vertex that has it.
    pub(super) fn from_labels(labels: Vec<I>) -> Self {
        let sizes = sizes(&labels);
        let count = sizes.iter().filter(|&&size| size > 0).count();
        Components { labels, count, largest: sizes.into_iter().max().unwrap_or(0) }
    }

    /// Label and number of vertices of every component, by label. One pass over the labels.
    pub fn sizes(&self) -> Vec<(usize, usize)> {
        let sizes = sizes(&self.labels).into_iter().enumerate();
        sizes.filter(|&(_, size)| size > 0).collect()
    }
}

/// The number of vertices with each label, indexed by label.
fn sizes<I: Index>(labels: &[I]) -> Vec<usize> {
    let mut sizes = vec![0; labels.len()];
    for label in labels {
        if let Some(size) = sizes.get_mut(label.to_usize()) {
            *size += 1;
        }
    }
    sizes
}
