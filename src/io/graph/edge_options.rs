//! How an edge list is read.

use crate::sparse::Duplicates;

/// How an edge list is read: what its vertices are, and which edges its lines make.
///
/// ```
/// use outcore::io::{EdgeOptions, ReadOptions, read_graph_with};
/// use outcore::{Context, Place};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.csv");
/// std::fs::write(&path, "from,to\nann,bob\nbob,bob\n").unwrap();
/// let edges = EdgeOptions { symmetrize: true, drop_self_loops: true, ..EdgeOptions::default() };
/// let options = ReadOptions { edges, ..ReadOptions::default() };
/// let read = read_graph_with::<u32, u32>(&path, &options, Place::Memory, &Context::new())?;
/// assert_eq!((read.graph.nrows(), read.graph.nnz()), (2, 2));
/// assert_eq!(read.vertices.unwrap().id(0), "ann");
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgeOptions {
    /// Which vertices there are, and which row is whose.
    pub vertices: Vertices,
    /// What becomes of a third column.
    pub weights: Weights,
    /// Whether every edge is read in both directions. A self loop is still one edge; an edge that the file lists in
    /// both directions is then there twice in each, which `duplicates` decides about.
    pub symmetrize: bool,
    /// Whether edges from a vertex to itself are left out. Their vertices stay.
    pub drop_self_loops: bool,
    /// What becomes of an edge that is listed several times.
    pub duplicates: Duplicates,
    /// The field separator of a line.
    pub separator: Separator,
    /// Whether the first line that is not a comment names the columns. If not given, it does if it holds words where
    /// the line after it holds numbers, or the usual names of columns, such as `source` and `target`.
    pub header: Option<bool>,
}

/// Which vertices a graph has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Vertices {
    /// As in the file, unless an id is not a whole number from 0, or the largest exceeds a million and is more than 16
    /// times the number of different ones: then compact.
    #[default]
    Auto,
    /// Vertex `k` is the one with number `k` in the file, for all numbers up to the largest. Other ids are an error.
    AsInFile,
    /// As [`AsInFile`](Self::AsInFile), with this number of vertices; a larger number in the file is an error.
    Count(u64),
    /// Those that occur, renumbered: numbers in ascending order, names in the order in which they first occur.
    Compact,
}

/// What becomes of the weights of edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Weights {
    /// A third column is the weights, as `f64`. Either all edges have one, or none.
    #[default]
    AsInFile,
    /// Whatever stands after the second column is ignored.
    Ignore,
    /// As [`Ignore`](Self::Ignore), and every line counts 1: summed, the weight of an edge is how often it is listed.
    Count,
}

/// The field separator of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Separator {
    /// What the first line that is not a comment has: a comma, a semicolon, or blanks and tabs.
    #[default]
    Auto,
    /// Blanks and tabs, any number of them.
    Blank,
    /// One tab; a field may contain blanks.
    Tab,
    /// A comma; a field may contain blanks, and commas if it is quoted.
    Comma,
    /// A semicolon; otherwise as a comma.
    Semicolon,
}

impl Separator {
    /// The byte, unless it is any number of blanks.
    pub(super) fn byte(self) -> Option<u8> {
        match self {
            Separator::Auto | Separator::Blank => None,
            Separator::Tab => Some(b'\t'),
            Separator::Comma => Some(b','),
            Separator::Semicolon => Some(b';'),
        }
    }
}
