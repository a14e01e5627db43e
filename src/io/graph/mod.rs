//! Graphs: lists of edges, and any other file read as a graph.

mod compact;
pub mod edge_list;
mod read;

pub use compact::CompactGraph;
pub(super) use read::{GraphFile, source};
pub use read::{read_graph, read_graph_compact, read_graph_with};
