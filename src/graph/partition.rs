//! A division of the vertices into components, as the algorithms that find one hand it back.

use crate::storage::Index;

/// To which component every vertex belongs.
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
    /// How many components there are.
    pub count: usize,
    /// Vertices in the largest component; 0 for a graph without vertices.
    pub largest: usize,
}

impl<I: Index> Components<I> {
    /// Counts what `labels` say; each label is the smallest vertex that bears it.
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

/// Vertices with each label, at the label.
fn sizes<I: Index>(labels: &[I]) -> Vec<usize> {
    let mut sizes = vec![0; labels.len()];
    for label in labels {
        if let Some(size) = sizes.get_mut(label.to_usize()) {
            *size += 1;
        }
    }
    sizes
}
