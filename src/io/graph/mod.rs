//! Graphs: edge lists, METIS graphs, and any other file read as a graph.
//!
//! - [`edge_list`] – lists, by the rules of [`edge_options`], in passes ([`survey`]) over blocks of lines that all
//!   threads parse to a [`chunk`] of edges each; [`first_lines`] – what separates the fields, [`edge_line`] – a line,
//!   [`fields`] of it
//! - [`vertex_ids`] – the ids of the vertices; [`numbering`] – which row is whose, [`interner`] – names numbered by all
//!   threads; [`assemble`] – edges sorted into their rows
//! - [`metis`] of [`metis_lines`], and [`metis_writer`] – METIS graphs; [`read`] – a graph from any file

mod assemble;
mod chunk;
mod edge_line;
pub mod edge_list;
mod edge_options;
mod fields;
mod first_lines;
mod interner;
mod metis;
mod metis_lines;
mod metis_writer;
mod numbering;
mod read;
mod survey;
mod vertex_ids;

pub(super) use edge_list::As;
pub use edge_options::{EdgeOptions, Separator, Vertices, Weights};
pub(super) use metis_writer::write as write_metis;
pub(super) use read::{GraphFile, read_file, read_stored, renumber, source};
pub use vertex_ids::VertexIds;
