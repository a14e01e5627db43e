//! Graphs: lists of edges, METIS graphs, and any other file read as a graph.
//!
//! - [`edge_list`] – lists, by the rules of [`edge_options`]: lines as [`edge_line`] reads them, in [`blocks`] that all
//!   threads parse to a [`chunk`] of edges each
//! - [`vertex_ids`] – the ids of the vertices; [`numbering`] – which row is whose, [`interner`] – names numbered by all
//!   threads; [`assemble`] – edges brought to their rows
//! - [`metis`] and [`metis_writer`] – METIS graphs; [`read`] – a graph from any file

mod assemble;
mod blocks;
mod chunk;
mod edge_line;
pub mod edge_list;
mod edge_options;
mod interner;
mod metis;
mod metis_writer;
mod numbering;
mod read;
mod vertex_ids;

pub(super) use edge_list::As;
pub use edge_options::{EdgeOptions, Separator, Vertices, Weights};
pub(super) use metis_writer::write as write_metis;
pub use read::{Graph, read_graph, read_graph_with};
pub(super) use read::{GraphFile, source, store_beside};
pub use vertex_ids::VertexIds;
