//! Floor 5: other people's files.
//!
//! What lies here reads and writes formats that this library did not choose. They are text, they are written by many
//! programs, and some of them are wrong; so a reader says which file and line it stopped at, what should have stood there
//! and what did, and never guesses. All readers stream: they hand out entries in the order of the file, in memory that
//! does not grow with it, and leave it to the caller what to build from them.
//!
//! | module | reads | writes |
//! |---|---|---|
//! | [`matrix_market`] | `.mtx`, coordinate and array, every field and symmetry | the same |
//! | [`edge_list`] | `u v` or `u v w` a line, as SNAP publishes graphs | |
//!
//! [`read_graph`] takes any of them, and stored matrices, as a graph.

mod cursor;
mod decimal;
pub mod edge_list;
mod graph;
mod lines;
pub mod matrix_market;
mod shortest;
mod text_file;

pub use graph::read_graph;
