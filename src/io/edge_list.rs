//! Edge lists: graphs as lines `u v` or `u v weight`, the form in which SNAP and many others publish them.
//!
//! Vertices are numbers from 0 and mean themselves; they are not renumbered, so a graph whose largest vertex is `m` has
//! `m + 1` of them. Blanks and tabs separate, lines that begin with `#` or `%` are comments, blank lines are skipped, and
//! line ends are `\n` or `\r\n`. An edge stands for itself alone: whether the graph is directed the file does not say.

use std::path::Path;

use super::cursor::Cursor;
use super::decimal::read_float;
use super::lines::{Halt, Records};
use super::text_file::{Position, TextFile};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Context;

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
}

/// What a pass over an edge list has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GraphSize {
    /// The number given, else the largest vertex and one; 0 if there is no edge.
    pub vertices: u64,
    /// Lines with an edge.
    pub edges: u64,
    /// Those among them that carry a weight.
    pub weighted: u64,
}

impl EdgeList {
    /// Opens a file; gzip, a byte order mark and what is no ordinary file are refused.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(EdgeList { text: TextFile::open(path.as_ref())?, vertices: None })
    }

    /// Says how many vertices there are; a larger one in the file is then an error of kind [`Index`](ErrorKind::Index).
    pub fn vertices(mut self, vertices: u64) -> Self {
        self.vertices = Some(vertices);
        self
    }

    /// The file as it was named when it was opened.
    pub fn path(&self) -> &Path {
        self.text.path()
    }

    /// Calls `visit(u, v, weight)` for every edge, in the order of the file, and returns the size of the graph.
    ///
    /// Lines are parsed on all threads of `ctx`; `visit` runs on the calling thread alone. The file is read once. Memory:
    /// a few MiB per thread, and at most about a quarter of the limit.
    ///
    /// Fails at the first line that is wrong, after the edges before it were handed out; if cancelled; and with the error
    /// of `visit`, untouched.
    pub fn for_each(
        &self,
        ctx: &Context,
        mut visit: impl FnMut(u64, u64, Option<f64>) -> Result<()>,
    ) -> Result<GraphSize> {
        let limit = self.vertices.unwrap_or(u64::MAX);
        let records = Records {
            text: &self.text,
            from: Position::START,
            comments: b"#%",
            phase: "reading edges",
        };
        let mut size = GraphSize { vertices: self.vertices.unwrap_or(0), ..GraphSize::default() };
        let parse = |cursor: &mut Cursor<'_>| edge(cursor, limit);
        records.for_each(ctx, parse, |(u, v, weight)| {
            size.vertices = size.vertices.max(u + 1).max(v + 1);
            size.edges += 1;
            size.weighted += u64::from(weight.is_some());
            visit(u, v, weight).map_err(Halt::Caller)
        })?;
        Ok(size)
    }
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
        return cursor.unexpected(
            ErrorKind::Format,
            "not a vertex",
            "a vertex, which is a whole number from 0",
        );
    }
    let expected = match limit {
        0 => "no edge, there being no vertices".to_owned(),
        _ => format!("a vertex from 0 to {}", limit - 1),
    };
    cursor.unexpected(ErrorKind::Index, "the vertex is out of range", &expected)
}
