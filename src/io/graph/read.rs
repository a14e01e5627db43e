//! Graphs from any kind of file: a stored matrix, a Matrix Market file, an edge list.
//!
//! The content of a file decides its format: the rules are [one folder up](super#what-a-file-is), with the definition
//! of an edge.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::format::FileFormat;
use crate::io::graph::compact::{CompactGraph, Ends};
use crate::io::graph::edge_list::EdgeList;
use crate::io::matrix_market::{Reader, is_banner};
use crate::io::options::ReadOptions;
use crate::io::text::cursor::{Cursor, quoted};
use crate::io::text::text_file::TextFile;
use crate::sparse::{Coo, Csc, Csr, Duplicates};
use crate::storage::{Context, Descriptor, Index, Place, SparseFormat};

/// A graph that is about to be read.
pub(in crate::io) enum GraphFile {
    Stored,
    MatrixMarket(Reader),
    EdgeList(EdgeList),
}

/// Reads the graph in a file or folder as compressed rows, each edge once.
///
/// A stored matrix (`NAME.bspnpy`) in compressed rows is mapped in place, whatever `place` is; in another format it is
/// converted to `place`. Symmetric Matrix Market files are read with edges in both directions, other files as edges
/// `u v` in one direction; the content decides [what a file is](crate::io#what-a-file-is). Matrices that are not square
/// are also read; the algorithms refuse them.
///
/// Fails as the readers do, if a vertex or the number of edges does not fit the index types, if the edges do not
/// fit the memory limit, and with [`ErrorKind::Memory`] if the vertices dwarf the edges
/// ([the rule](crate::io#extents)): then [`read_graph_compact`] renumbers them. Cost: text is read once.
/// Memory: `2·size_of::<I>()` bytes per edge while text is read, then the memory of [`Coo::to_csr`].
///
/// ```
/// use outcore::{Context, Csr, Place, io::read_graph};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.txt");
/// std::fs::write(&path, "# two edges\n0 2\n2 1\n").unwrap();
/// let graph: Csr<()> = read_graph(&path, Place::Memory, &Context::new())?;
/// assert_eq!((graph.nrows(), graph.nnz()), (3, 2));
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn read_graph<I: Index, P: Index>(
    path: impl AsRef<Path>,
    place: impl Into<Place>,
    ctx: &Context,
) -> Result<Csr<(), I, P>> {
    read_graph_with(path, &ReadOptions::default(), place, ctx)
}

/// As [`read_graph`], with options for the format of the file and for hypersparse graphs.
pub fn read_graph_with<I: Index, P: Index>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
    place: impl Into<Place>,
    ctx: &Context,
) -> Result<Csr<(), I, P>> {
    let (path, place, all) = (path.as_ref(), place.into(), options.hypersparse);
    match source(path, options.format)? {
        GraphFile::Stored => read_stored(path, all, &place, ctx),
        GraphFile::MatrixMarket(file) if all => file.hypersparse().read_csr(place, ctx),
        GraphFile::MatrixMarket(file) => file.read_csr(place, ctx),
        GraphFile::EdgeList(list) if all => list.hypersparse().read_csr(place, ctx),
        GraphFile::EdgeList(list) => list.read_csr(place, ctx),
    }
}

/// As [`read_graph_with`], only on the vertices that have an edge: renumbered in ascending order, with their numbers in
/// the file. Those of matrices count from 0, even if the file counts from 1.
///
/// Fails as [`EdgeList::read_compact`] does, and if a matrix is not square. Memory: as there, also for stored matrices.
pub fn read_graph_compact<I: Index, P: Index>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
    place: impl Into<Place>,
    ctx: &Context,
) -> Result<CompactGraph<I, P>> {
    let (path, place) = (path.as_ref(), place.into());
    let mut ends = Ends::new(path, ctx);
    match source(path, options.format)? {
        GraphFile::EdgeList(list) => return list.read_compact(place, ctx),
        GraphFile::MatrixMarket(file) => {
            check_square((file.header().nrows, file.header().ncols))
                .map_err(|e| e.in_file(path))?;
            file.for_each_stored(ctx, |u, v, ()| ends.push(u as u64, v as u64))?;
        }
        GraphFile::Stored => {
            let edges = stored_edges::<I, P>(path, ctx)?;
            check_square(edges.shape()).map_err(|e| e.in_file(path))?;
            edges.check()?;
            for (u, v) in edges.row_indices().iter().zip(edges.col_indices().iter()) {
                ends.push(u.to_usize() as u64, v.to_usize() as u64)?;
            }
        }
    }
    ends.number_anew(&place)
}

/// Opens a file in its own format, or in the format that the caller gives.
pub(in crate::io) fn source(path: &Path, format: Option<FileFormat>) -> Result<GraphFile> {
    let by_name = format.is_none();
    if format == Some(FileFormat::Stored) || (by_name && path.is_dir()) {
        return Ok(GraphFile::Stored);
    }
    let named = |name: &str| {
        by_name && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name))
    };
    if named("graph") && path.is_file() {
        return Err(Error::new(ErrorKind::Unsupported, "METIS files are not read")
            .in_file(path)
            .expected("a stored matrix, a Matrix Market file or an edge list")
            .found("the extension .graph")
            .remedy("if it is a list of edges, say so with ReadOptions"));
    }
    let text = TextFile::open(path)?;
    let market = match format {
        Some(FileFormat::MatrixMarket) => true,
        Some(FileFormat::EdgeList) => false,
        _ => has_banner(&text)? || named("mtx"),
    };
    Ok(match market {
        true => GraphFile::MatrixMarket(Reader::over(text)?),
        false => GraphFile::EdgeList(EdgeList::over(text)),
    })
}

/// Whether a Matrix Market banner is the first line that is not blank.
///
/// Fails if one follows comment lines: as a matrix the file would have an invalid first line, and as an edge list its
/// size line would be an edge.
fn has_banner(text: &TextFile) -> Result<bool> {
    let mut comments = false;
    let (found, _) = text.visit_first_lines(|line, bytes| {
        let mut cursor = Cursor::new(bytes);
        cursor.skip_blanks();
        if cursor.at_line_end() {
            return Ok(None);
        }
        if is_banner(cursor.rest()) && comments {
            let what = "a Matrix Market banner stands behind other lines";
            let error = Error::new(ErrorKind::Format, what)
                .expected("a banner on the first line, or none")
                .found(quoted(cursor.token()))
                .remedy("move it to the front, or say with ReadOptions that the file is a list of edges");
            return Err(text.fault(line, error));
        }
        comments = cursor.at_any(b"#%");
        match comments && !is_banner(cursor.rest()) {
            true => Ok(None),
            false => Ok(Some(comments)),
        }
    })?;
    Ok(found.unwrap_or(false))
}

fn read_stored<I: Index, P: Index>(
    path: &Path,
    hypersparse: bool,
    place: &Place,
    ctx: &Context,
) -> Result<Csr<(), I, P>> {
    let Descriptor { format, nrows, nnz, .. } = Descriptor::read(path)?;
    let extent = JustifiedExtent {
        path,
        lines: "vertices",
        count: nrows,
        entries: nnz as u64,
        wanted: hypersparse,
        remedy: "read_graph_compact numbers the vertices that have an edge anew; \
                 `hypersparse` asks for all of them",
    };
    match format {
        SparseFormat::Csr => Csr::open(path),
        SparseFormat::Csc => {
            extent.check::<P>(place, ctx)?;
            Csc::<(), I, P>::open(path)?.to_csr(place, ctx)
        }
        SparseFormat::Coo => {
            extent.check::<P>(place, ctx)?;
            Coo::<(), I>::open(path)?.to_csr(Duplicates::Sum, place, ctx)
        }
    }
}

fn stored_edges<I: Index, P: Index>(path: &Path, ctx: &Context) -> Result<Coo<(), I>> {
    match Descriptor::read(path)?.format {
        SparseFormat::Csr => Csr::<(), I, P>::open(path)?.to_coo(Place::Memory, ctx),
        SparseFormat::Csc => Csc::<(), I, P>::open(path)?.to_coo(Place::Memory, ctx),
        SparseFormat::Coo => Coo::open(path),
    }
}

fn check_square((nrows, ncols): (usize, usize)) -> Result<()> {
    match nrows == ncols {
        true => Ok(()),
        false => {
            Err(Error::shape("the graph", "as many rows as columns", format!("{nrows} x {ncols}")))
        }
    }
}
