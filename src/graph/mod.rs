//! Floor 4, graphs: a matrix as a graph.
//!
//! A graph is a square [`Csr`](crate::Csr), in memory or mapped from a file. The stored entry (i, j) is the edge from
//! vertex i to vertex j, whatever its value, including explicit zeros; an undirected graph stores both (i, j) and (j,
//! i). So `Csr<()>`, the pattern, is all that an algorithm needs, and `Csr<f64>` works as well. An entry stored twice
//! is one edge.
//!
//! Results are small compared with the graph, a few bytes per vertex in memory, while the edges stay in place and are
//! swept in order where the algorithm allows it. They are defined so that they do not depend on the number of threads:
//! the parent in a search is the smallest possible, a component is named by its smallest vertex, sums are formed in one
//! fixed shape. Every algorithm has a check that reaches its verdict by another method.
//!
//! - `bfs` – [levels and parents](bfs()) of a breadth-first search
//! - `components` – [weakly connected components](connected_components); `strong` – [strongly connected
//!   ones](strong_components); `partition` – [the result](Components) of both
//! - `cuthill_mckee` – [neighbours close together](reverse_cuthill_mckee()); `degree_order` – [vertices of high degree
//!   first](degree_order())
//! - `pagerank` – [the distribution of a random walk](pagerank()), over any
//!   [`LinearOperator`](crate::linalg::LinearOperator)
//! - `undirected` – a graph with every edge in both directions
//! - `vertices` – one number per vertex, lowered by many threads

mod bfs;
mod components;
mod cuthill_mckee;
mod degree_order;
mod pagerank;
mod partition;
mod strong;
mod undirected;
mod vertices;

pub use bfs::{Bfs, bfs, bfs_with_incoming, check_bfs};
pub use components::{check_components, connected_components};
pub use cuthill_mckee::{check_cuthill_mckee, reverse_cuthill_mckee};
pub use degree_order::degree_order;
pub use pagerank::{PageRank, PageRankOptions, check_pagerank, pagerank, pagerank_over};
pub use partition::Components;
pub use strong::{check_strong_components, strong_components};
