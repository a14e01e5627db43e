//! Floor 5: foreign file formats.
//!
//! This folder reads and writes formats that this library did not choose. They are written by many programs, and
//! sometimes invalid. So a reader reports the file and the place at which it stopped, what it expected and what it found,
//! and never guesses. Readers of text stream: they pass on entries in the order of the file, in memory that does not grow
//! with it, and leave it to the caller what to build from them. Arrays in binary files are mapped in place if that
//! is possible, and otherwise copied a block at a time.
//!
//! | module | reads | writes |
//! |---|---|---|
//! | [`matrix_market`] | `.mtx`, coordinate and array, every field and symmetry | the same |
//! | [`edge_list`] | `u v` or `u v w` per line, with numbers or names for vertices and any separator, as SNAP, KONECT and others publish graphs | |
//! | METIS | `.graph`, every format; sizes and weights of vertices are checked, and not returned | symmetric patterns, or whole numbers |
//! | [`petsc`] | matrices and vectors of PETSc: [`PetscOptions`] | the same: [`write_petsc`] |
//! | [`harwell_boeing`] | Harwell-Boeing and Rutherford-Boeing | |
//! | [`table`] | `.csv`, `.tsv` and lists of entries: [`TableOptions`] | tables: [`write_table`] |
//! | [`RawLayout`] | elements without a header | |
//! | `.npz` | arrays of NumPy, sparse matrices of SciPy and Binsparse | dense, CSR, CSC, COO |
//! | HDF5, with the feature `hdf5` | AnnData, 10x, MATLAB 7.3, Binsparse, plain datasets | |
//! | the text formats | the same, compressed by gzip (`.gz`), and a member of an archive (`.tar.gz`) | compressed, if the name ends in `.gz` |
//!
//! [`read_matrix`] reads any of them, and stored matrices, as an [`AnyMatrix`](crate::AnyMatrix), and [`write_matrix`]
//! writes one, or [`write_matrix_to`] where nothing may be replaced; [`read_graph`] reads any of them as a graph.
//!
//! # What a file is
//! What comes through a pipe, or standard input (`/dev/stdin`), is received in a scratch file and then read as a file;
//! waiting for a writer is reported, and can be cancelled. Devices are refused by their kind, before they are opened,
//! and so are pipes by those readers of one format that take a path.
//!
//! Text compressed by gzip is read directly, and of a `NAME.tar.gz`, as published by the SuiteSparse collection,
//! `NAME/NAME.mtx`, or the member that [`ReadOptions::member`] names. The archive is examined up to the header of a
//! member that is named with its folder, or is `NAME/NAME.mtx`, and to its end otherwise; links, names that lead out of
//! it, and two members of one name are refused where they are seen. Files that are clearly not text are refused by
//! name, with a suggestion: compressors other than gzip, MATLAB files before version 7.3, other binary formats, XML,
//! JSON, web pages, other graph languages, text with a byte order mark.
//!
//! If [`read_graph`] has to choose, the content decides; a name can only exclude.
//!
//! | content | read as |
//! |---|---|
//! | a folder | a stored matrix |
//! | the class of a matrix or a vector | PETSc binary |
//! | counts, a type such as `RUA`, and Fortran formats on lines 2 to 4 | Harwell-Boeing |
//! | text in a file called `.csv`, `.tsv` or `.tri` without the banner below | a table, a list of entries; as a graph an edge list |
//! | the signature of NumPy, zip or HDF5 (the last also behind a block of 512 bytes, 1024, …) | an array, an `.npz` archive, HDF5 |
//! | `%%MatrixMarket` or `%MatrixMarket`, in any letter case, on the first line that is not blank, optionally after blanks | Matrix Market; invalid words after it are an error, and so is `%% MatrixMarket matrix` |
//! | such a banner after other comment lines | refused: it could be either |
//! | gzip (`.gz`) | what its text is, by the other rows |
//! | gzip of a tar archive (`.tar.gz`) | the member that is asked for, or `NAME/NAME.mtx`, or the only one that ends in `.mtx`, by the other rows; otherwise refused, and the members are listed |
//! | nothing | refused by [`read_matrix`]; a graph without vertices for [`read_graph`] |
//! | anything else | edges `u v` or `u v w`, unless the name ends in `.mtx` (Matrix Market without its banner is an error) or in `.graph` or `.metis` (a METIS graph, whose counts and symmetry are checked) |
//! | edges that could be a METIS graph by another name | refused: it could be either |
//!
//! A `#` makes any line a comment, even one with `MatrixMarket`. [`ReadOptions::format`] overrides the content, for
//! example for an edge list that kept a banner as its first comment.
//!
//! # What an edge is
//! A graph is a pattern: every entry of a file or a stored matrix is an edge, including those with value zero, and
//! values are ignored. Only [`read_matrix`] reads the weights of edges: either all edges of a list have one, or none.
//! [`EdgeOptions`] say what else a line of a list can mean.
//! An array file of Matrix Market has a value for every position: those that are not zero (as `f64`; a NaN is not) are
//! its entries, for any sparse matrix or graph; so are those of any other dense matrix that is read as a graph.
//!
//! # Extents
//! A compressed matrix has a pointer for every row (column, for CSC), whether it has entries or not, so that a file of
//! twenty bytes that names row 2,000,000,000 would need eight gigabytes. So an edge list is read with its vertices
//! renumbered if the largest is far larger than there are different ones ([`Vertices::Auto`]), and their ids are
//! returned ([`VertexIds`]). Where all rows are wanted, and the extent comes from a file, and not from the caller, the
//! entries must justify it:
//!
//! - pointers of up to 128 MiB are always made;
//! - more of them are made if there are at most 16 rows for each entry;
//! - otherwise it is an error of kind [`Memory`](crate::ErrorKind::Memory), before any of them is made;
//! - the same error occurs for pointers in memory that exceed the memory limit, even if the caller requested them.
//!
//! [`Reader::hypersparse`](matrix_market::Reader::hypersparse) and [`ReadOptions::hypersparse`] allow all of them, and
//! so does a number of vertices given to an edge list ([`Vertices::Count`]). [`Vertices::Compact`] makes a graph on the
//! vertices that have an edge, with the inverse map, and [`Reader::read_coo`](matrix_market::Reader::read_coo) has no
//! pointers.

mod arrays;
mod entries;
mod export;
mod extents;
mod file_range;
mod format;
mod graph;
pub mod harwell_boeing;
mod hdf5;
mod headerless;
mod import;
pub mod matrix_market;
mod npz;
mod options;
mod output;
pub mod petsc;
mod pipe;
mod read_as;
mod read_graph;
mod sniff;
pub mod table;
mod text;
mod write_file;

pub use export::{write_matrix, write_matrix_to};
pub use format::FileFormat;
pub use graph::{EdgeOptions, Separator, VertexIds, Vertices, Weights, edge_list};
pub use headerless::RawLayout;
pub use import::{Imported, read_matrix, read_matrix_with};
pub use options::ReadOptions;
pub use petsc::{PetscOptions, write_petsc};
pub use read_as::ReadAs;
pub use read_graph::{Graph, read_graph, read_graph_with};
pub use table::{TableOptions, write_table};
pub use write_file::write_file;
