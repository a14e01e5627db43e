//! Edge lists: graphs as lines `u v` or `u v weight`, the form in which SNAP and many others publish them.
//!
//! Vertices are numbers from 0 and are not renumbered, so a graph whose largest vertex is `m` has `m + 1` of them.
//! Blanks and tabs separate, lines that begin with `#` or `%` are comments, blank lines are skipped, and line ends are
//! `\n` or `\r\n`. Each line is one edge; the file does not say whether the graph is directed.
//!
//! As a matrix a list needs a row for every vertex up to the largest. If the numbers of vertices dwarf the edges,
//! [`read_csr`](EdgeList::read_csr) refuses ([the rule](crate::io#extents)), unless the caller gives the number of
//! vertices or allows [`hypersparse`](EdgeList::hypersparse) graphs; [`read_compact`](EdgeList::read_compact) renumbers
//! the vertices that have an edge.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::graph::compact::{CompactGraph, Ends};
use crate::io::text::cursor::Cursor;
use crate::io::text::decimal::read_float;
use crate::io::text::foreign::wrong_text;
use crate::io::text::lines::{Halt, Records};
use crate::io::text::text_file::{Position, TextFile};
use crate::sparse::{Coo, Csr, Duplicates};
use crate::storage::{Context, Entry, Index, Place};

/// A line that begins with one of these is a comment.
const COMMENTS: &[u8] = b"#%";

/// An edge list, open for reading.
///
/// ```
/// use outcore::Context;
/// use outcore::io::edge_list::EdgeList;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.txt");
/// std::fs::write(&path, "# two edges\n0 3\n3\t1 0.5\n").unwrap();
/// let mut edges = Vec::new();
/// let size = EdgeList::open(&path)?.for_each(&Context::new(), |u, v, weight| {
///     edges.push((u, v, weight));
///     Ok(())
/// })?;
/// assert_eq!(edges, [(0, 3, None), (3, 1, Some(0.5))]);
/// assert_eq!((size.vertices, size.edges, size.weighted), (4, 2, 1));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Debug)]
pub struct EdgeList {
    text: TextFile,
    vertices: Option<u64>,
    hypersparse: bool,
}

/// The result of a pass over an edge list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GraphSize {
    /// The given number, otherwise the largest vertex plus one; 0 if there is no edge.
    pub vertices: u64,
    /// Lines with an edge.
    pub edges: u64,
    /// Lines with a weight.
    pub weighted: u64,
}

impl EdgeList {
    /// Opens a file. A byte order mark, a file that is not ordinary, and one that is clearly not text (an archive,
    /// HDF5, a NumPy array) are refused, by name if known.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::over(TextFile::open(path.as_ref())?))
    }

    /// The list in an open file.
    pub(in crate::io) fn over(text: TextFile) -> Self {
        EdgeList { text, vertices: None, hypersparse: false }
    }

    /// Sets the number of vertices; a larger one in the file is then an error of kind [`Index`](ErrorKind::Index).
    pub fn vertices(mut self, vertices: u64) -> Self {
        self.vertices = Some(vertices);
        self
    }

    /// Allows [`read_csr`](Self::read_csr) to make a row for every vertex up to the largest, even if they dwarf the
    /// edges.
    pub fn hypersparse(mut self) -> Self {
        self.hypersparse = true;
        self
    }

    /// The path with which the file was opened.
    pub fn path(&self) -> &Path {
        self.text.path()
    }

    /// Calls `visit(u, v, weight)` for every edge, in the order of the file, and returns the size of the graph.
    ///
    /// Lines are parsed on all threads of `ctx`; `visit` runs only on the calling thread. The file is read once.
    /// Memory: a few MiB per thread, and at most about a quarter of the limit.
    ///
    /// Fails at the first invalid line, after the edges before it were passed to `visit`; if cancelled; and with the
    /// error of `visit`, unchanged.
    pub fn for_each(
        &self,
        ctx: &Context,
        mut visit: impl FnMut(u64, u64, Option<f64>) -> Result<()>,
    ) -> Result<GraphSize> {
        self.for_each_line(ctx, |u, v, weight| visit(u, v, weight).map_err(Halt::Caller))
    }

    /// As [`for_each`](Self::for_each); `visit` may also find a fault in the line, which is then named.
    fn for_each_line(
        &self,
        ctx: &Context,
        mut visit: impl FnMut(u64, u64, Option<f64>) -> std::result::Result<(), Halt>,
    ) -> Result<GraphSize> {
        let limit = self.vertices.unwrap_or(u64::MAX);
        let mut size = GraphSize { vertices: self.vertices.unwrap_or(0), ..GraphSize::default() };
        let parse = |cursor: &mut Cursor<'_>| edge(cursor, limit);
        self.records().for_each(ctx, parse, |(u, v, weight)| {
            size.vertices = size.vertices.max(u + 1).max(v + 1);
            size.edges += 1;
            size.weighted += u64::from(weight.is_some());
            visit(u, v, weight)
        })?;
        Ok(size)
    }

    fn records(&self) -> Records<'_> {
        let from = Position::START;
        Records { text: &self.text, from, comments: COMMENTS, phase: "reading edges" }
    }

    /// The graph as compressed rows at `place`, each edge once, without weights: as many rows and columns as there are
    /// vertices.
    ///
    /// Fails as [`for_each`](Self::for_each) does, if a vertex or the number of edges does not fit the index types, if
    /// the edges do not fit the memory limit, and if the vertices dwarf the edges. Cost: the file is read once. Memory:
    /// `2·size_of::<I>()` bytes per edge, then the memory of [`Coo::to_csr`].
    pub fn read_csr<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<(), I, P>> {
        self.read_entries(&place.into(), ctx, |_| Ok(()))
    }

    /// The list as a matrix at `place`: with the weights as `f64`, those of an edge that is listed several times
    /// summed, or as a pattern if there are none. Indices have 32 bits if that suffices.
    ///
    /// Fails as [`read_csr`](Self::read_csr) does, if the file is empty, and if some lines have a weight and others
    /// have none.
    pub(in crate::io) fn read_matrix(&self, place: &Place, ctx: &Context) -> Result<AnyMatrix> {
        match self.is_weighted()? {
            true => {
                let weight = |found: Option<f64>| found.ok_or_else(|| mixed(true));
                let narrow = self.read_entries::<f64, u32, u32>(place, ctx, weight);
                wider(narrow, || self.read_entries::<f64, u64, u64>(place, ctx, weight))
            }
            false => {
                let none = |found: Option<f64>| found.map_or(Ok(()), |_| Err(mixed(false)));
                let narrow = self.read_entries::<(), u32, u32>(place, ctx, none);
                wider(narrow, || self.read_entries::<(), u64, u64>(place, ctx, none))
            }
        }
    }

    /// Whether the first edge has a weight. Fails if the file is empty.
    fn is_weighted(&self) -> Result<bool> {
        let mut empty = true;
        let (weighted, _) = self.text.visit_first_lines(|_, bytes| {
            let mut cursor = Cursor::new(bytes);
            cursor.skip_blanks();
            empty &= cursor.at_line_end();
            if cursor.at_line_end() || cursor.at_any(COMMENTS) {
                return Ok(None);
            }
            // A wrong line is reported when the lines are read.
            Ok(Some(edge(&mut cursor, u64::MAX).is_ok_and(|(.., weight)| weight.is_some())))
        })?;
        match empty {
            true => Err(Error::new(ErrorKind::Format, "the file is empty")
                .in_file(self.path())
                .expected("a matrix or a list of edges")
                .found("no line")),
            false => Ok(weighted.unwrap_or(false)),
        }
    }

    /// The entries as compressed rows at `place`, repeats summed; `value` makes the value of a weight.
    fn read_entries<T: Entry, I: Index, P: Index>(
        &self,
        place: &Place,
        ctx: &Context,
        value: impl Fn(Option<f64>) -> Result<T>,
    ) -> Result<Csr<T, I, P>> {
        let edges = self.read_edges::<T, I>(ctx, value)?;
        let extent = JustifiedExtent {
            path: self.path(),
            lines: "vertices",
            count: edges.nrows(),
            entries: edges.nnz() as u64,
            wanted: self.hypersparse || self.vertices.is_some(),
            remedy: "read_graph_compact numbers the vertices that have an edge anew; \
                     `hypersparse` asks for all of them",
        };
        extent.check::<P>(place, ctx)?;
        edges.to_csr(Duplicates::Sum, place, ctx)
    }

    /// The graph on the vertices that have an edge, renumbered in ascending order, and their numbers in the file.
    ///
    /// Vertices may be any numbers below 2⁶⁴ − 1, whatever the index type. Cost: the file is read once. Memory: 32
    /// bytes and `2·size_of::<I>()` per edge, within the limit, then the memory of [`Coo::to_csr`].
    ///
    /// ```
    /// use outcore::{Context, Place};
    /// use outcore::io::{CompactGraph, edge_list::EdgeList};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.txt");
    /// std::fs::write(&path, "7 9000000000000\n9000000000000 30\n").unwrap();
    /// let compact: CompactGraph = EdgeList::open(&path)?.read_compact(Place::Memory, &Context::new())?;
    /// assert_eq!((compact.graph.nrows(), compact.graph.nnz()), (3, 2));
    /// assert_eq!(compact.ids, [7, 30, 9_000_000_000_000]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn read_compact<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<CompactGraph<I, P>> {
        let mut ends = Ends::new(self.path(), ctx);
        self.for_each(ctx, |u, v, _| ends.push(u, v))?;
        ends.number_anew(&place.into())
    }

    /// The edges in the order of the file, as many rows and columns as there are vertices.
    fn read_edges<T: Entry, I: Index>(
        &self,
        ctx: &Context,
        value: impl Fn(Option<f64>) -> Result<T>,
    ) -> Result<Coo<T, I>> {
        let (mut rows, mut cols, mut data) = (Vec::new(), Vec::new(), Vec::new());
        let too_large = |what: &str, expected: String, found: u64| {
            let error = Error::new(ErrorKind::Type, what).in_file(self.path());
            let remedy = "use u64 indices, or number the vertices anew with read_graph_compact";
            error.expected(expected).found(found).remedy(remedy)
        };
        let less = ctx.less(self.records().window(ctx));
        let size = self.for_each_line(ctx, |u, v, weight| {
            let value = value(weight).map_err(Halt::Fault)?;
            let last = u.max(v);
            // Less than the largest index, so that the number of vertices is an index as well.
            if last >= I::LARGEST as u64 {
                let expected = format!("a vertex below {}", I::LARGEST);
                let error = too_large("a vertex is too large for the index type", expected, last);
                return Err(Halt::Caller(error));
            }
            if rows.len() == rows.capacity() {
                // The arrays are about to double, and the old ones exist during the copy.
                let each = 3 * (2 * size_of::<I>() + size_of::<T>()) as u64;
                let bytes = (rows.len() as u64 + 1).saturating_mul(each);
                let fits = less.check_memory("the edges", bytes);
                fits.map_err(|e| Halt::Caller(e.in_file(self.path())))?;
            }
            rows.push(I::from_usize(u as usize));
            cols.push(I::from_usize(v as usize));
            data.push(value);
            Ok(())
        })?;
        if size.vertices > I::LARGEST as u64 {
            let expected = format!("at most {}", I::LARGEST);
            let what = "too many vertices for the index type";
            return Err(too_large(what, expected, size.vertices));
        }
        let n = size.vertices as usize;
        Coo::from_parts((n, n), rows, cols, data).map_err(|e| e.in_file(self.path()))
    }
}

/// The matrix, or what `again` makes if its index types are too narrow.
fn wider<T: Entry>(
    narrow: Result<Csr<T, u32, u32>>,
    again: impl FnOnce() -> Result<Csr<T, u64, u64>>,
) -> Result<AnyMatrix> {
    match narrow {
        Err(error) if error.kind() == ErrorKind::Type => again().map(AnyMatrix::from),
        matrix => matrix.map(AnyMatrix::from),
    }
}

/// The error for a line that has no weight, unlike the first (`weighted`), or has one.
#[cold]
fn mixed(weighted: bool) -> Error {
    let (first, this) = if weighted { ("a weight", "none") } else { ("no weight", "one") };
    Error::new(ErrorKind::Format, "some edges have a weight and others have none")
        .expected(format!("{first}, like the first edge"))
        .found(this)
        .remedy("read it with read_graph, which ignores weights, or give every edge a weight")
}

fn edge(cursor: &mut Cursor<'_>, limit: u64) -> Result<(u64, u64, Option<f64>)> {
    let u = vertex(cursor, limit)?;
    let v = vertex(cursor, limit)?;
    cursor.skip_blanks();
    let weight = if cursor.at_line_end() { None } else { Some(read_float(cursor)?) };
    Ok((u, v, weight))
}

/// Reads a vertex below `limit`.
fn vertex(cursor: &mut Cursor<'_>, limit: u64) -> Result<u64> {
    cursor.skip_blanks();
    let here = *cursor;
    match cursor.digits() {
        Some(vertex) if vertex < limit => Ok(vertex),
        _ => Err(wrong_vertex(&here, limit)),
    }
}

#[cold]
fn wrong_vertex(cursor: &Cursor<'_>, limit: u64) -> Error {
    let token = cursor.token();
    if token.is_empty() || !token.iter().all(u8::is_ascii_digit) {
        let (what, remedy) = wrong_text(token).unzip();
        let what =
            what.map_or_else(|| "not a vertex".to_owned(), |what| format!("not a vertex: {what}"));
        let expected = "a vertex, which is a whole number from 0";
        let error = cursor.unexpected(ErrorKind::Format, &what, expected);
        return remedy.into_iter().fold(error, Error::remedy);
    }
    let expected = match limit {
        0 => "no edge, there being no vertices".to_owned(),
        _ => format!("a vertex from 0 to {}", limit - 1),
    };
    cursor.unexpected(ErrorKind::Index, "the vertex is out of range", &expected)
}
