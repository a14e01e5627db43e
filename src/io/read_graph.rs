//! Graphs from any file.
//!
//! Formats that know graphs, or are read without their values, have readers for that ([`graph`](super::graph)). A file of
//! any other format is read as a matrix, of which the structure is kept.

use std::path::Path;

use crate::any::{AnyMatrix, open};
use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::format::FileFormat;
use crate::io::graph::{GraphFile, VertexIds, Vertices, read_file, read_stored, renumber, source};
use crate::io::import::{Imported, read};
use crate::io::options::ReadOptions;
use crate::io::pipe::through_file;
use crate::io::read_as::ReadAs;
use crate::io::sniff::{or_named_otherwise, text_format};
use crate::sparse::{Csr, Duplicates, on_disk};
use crate::storage::{Context, Index, Place};

/// A graph, and the ids that its vertices have in the file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Graph<I: Index = u32, P: Index = u32> {
    /// The graph in compressed rows.
    pub graph: Csr<(), I, P>,
    /// The id of each vertex, unless it is the number of its row.
    pub vertices: Option<VertexIds>,
}

/// Reads the graph in a file or folder as compressed rows, each edge once; [`read_graph_with`] also returns the ids of
/// the vertices, which are renumbered if they are names, or numbers far larger than there are vertices.
///
/// A matrix of any format is a graph: its entries are the edges, and of a dense one the elements that are not zero. A
/// stored matrix (`NAME.bspnpy`) in compressed rows is mapped in place, whatever `place` is, and so is one in an archive
/// or in HDF5 that lies there in canonical format; in other formats and with other types of indices it is converted to
/// `place`. Symmetric Matrix Market files are read with edges in both directions, and so are METIS graphs; lists have
/// edges `u v` in one direction. The content decides [what a file is](crate::io#what-a-file-is); text named `.csv` or
/// `.tsv` is a list, not a table. Matrices that are not square are also read; the algorithms refuse them.
///
/// Fails as the readers do, if a vertex or the number of edges does not fit the index types, and if the edges do not
/// fit the memory limit. Cost: text is read once, and up to twice more if its edges do not fit in a quarter of the
/// memory limit; formats that are read as matrices with their values, and converted. Memory: 8 or 16 bytes per edge
/// while text is read, then the memory of [`Coo::to_csr`](crate::Coo::to_csr).
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
    read_graph_with(path, &ReadOptions::default(), place, ctx).map(|read| read.graph)
}

/// As [`read_graph`], with options, and with the ids of the vertices.
///
/// [`Vertices::Compact`] renumbers the vertices of any file, matrices included: those that have an edge, in
/// ascending order, counted from 0 even if the file counts from 1. All other [`edges`](ReadOptions::edges) options are
/// for edge lists. If the graph goes to a path, its ids are stored [with it](VertexIds::store_with).
///
/// ```
/// use outcore::io::{ReadOptions, read_graph_with};
/// use outcore::{Context, Place};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.txt");
/// std::fs::write(&path, "7 9000000000000\n9000000000000 30\n").unwrap();
/// let read = read_graph_with::<u32, u32>(&path, &ReadOptions::default(), Place::Memory, &Context::new())?;
/// assert_eq!((read.graph.nrows(), read.graph.nnz()), (3, 2));
/// assert_eq!(read.vertices.unwrap().numbers(), Some(&[7, 30, 9_000_000_000_000][..]));
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn read_graph_with<I: Index, P: Index>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
    place: impl Into<Place>,
    ctx: &Context,
) -> Result<Graph<I, P>> {
    let place = place.into();
    through_file(path.as_ref(), ctx, &mut |path| {
        options.or_scratch(&place, &mut |place| match is_read_as_matrix(path, options)? {
            true => structure(path, options, place, ctx),
            false => read_one(path, options, place, ctx)
                .map_err(|error| or_named_otherwise(path, options, error)),
        })
    })
}

/// The graph of a file of a format that knows graphs.
fn read_one<I: Index, P: Index>(
    path: &Path,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<Graph<I, P>> {
    match source(path, options)? {
        // Mapped in place, which needs the types.
        GraphFile::Stored if options.edges.vertices != Vertices::Compact => {
            match read_stored(path, options.hypersparse, place, ctx) {
                // Indices of another width, or arrays that cannot be mapped.
                Err(error) if error.kind() == ErrorKind::Type => {
                    structure(path, options, place, ctx)
                }
                graph => {
                    let graph: Csr<(), I, P> = graph?;
                    let vertices = VertexIds::stored(path, graph.nrows(), ctx)?;
                    Ok(Graph { graph, vertices })
                }
            }
        }
        file => {
            let types = (I::DTYPE, P::DTYPE);
            let (graph, vertices) = read_file(path, file, options, types, place, ctx)?;
            Ok(Graph { graph: graph.into_typed(), vertices })
        }
    }
}

/// Whether a file is of a format that knows no graphs. Text is an edge list, whatever its name, unless it is one of
/// matrices alone or the caller says what it is.
fn is_read_as_matrix(path: &Path, options: &ReadOptions) -> Result<bool> {
    use FileFormat::{EdgeList, HarwellBoeing, MatrixMarket, Metis, Stored};
    let format = match options.format {
        Some(format) => Some(format),
        None if options.raw.is_some() => Some(FileFormat::Raw),
        None => match FileFormat::of_first_bytes(path)? {
            None => text_format(path, options.member.as_deref())?
                .filter(|format| *format == HarwellBoeing),
            format => format,
        },
    };
    Ok(!matches!(format, None | Some(Stored | MatrixMarket | EdgeList | Metis)))
}

/// The structure of a matrix in a file.
fn structure<I: Index, P: Index>(
    path: &Path,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<Graph<I, P>> {
    let in_file = |error: Error| error.in_file(path);
    let extra = if *place == Place::Memory { Place::Memory } else { Place::Scratch };
    let Imported { matrix, read_as, vertices, .. } = read(path, options, &extra, ctx)?;
    if options.edges.vertices == Vertices::Compact {
        let (coo, types) = (matrix.to_coo(Place::Memory, ctx)?, (I::DTYPE, P::DTYPE));
        let (graph, vertices) = renumber(path, &coo, vertices.as_ref(), types, place, ctx)?;
        return Ok(Graph { graph: graph.into_typed(), vertices });
    }
    if !matches!(matrix, AnyMatrix::Csr(_)) {
        let extent = JustifiedExtent {
            path,
            lines: "vertices",
            count: matrix.nrows(),
            entries: matrix.nnz() as u64,
            wanted: options.hypersparse,
            remedy: "compact vertices are those that have an edge, renumbered; `hypersparse` keeps all of them",
        };
        extent.check::<P>(place, ctx)?;
    }
    let canonical = matches!(matrix, AnyMatrix::Csr(_)) && matrix.check().map_err(in_file)?;
    let rows = match &matrix {
        AnyMatrix::Dense(_) => AnyMatrix::from(matrix.to_csr(extra, ctx)?).pattern()?,
        _ if canonical => matrix.pattern()?,
        _ => AnyMatrix::from(matrix.pattern()?.to_csr_with(Duplicates::Sum, extra, ctx)?),
    };
    let types = (on_disk(I::DTYPE), on_disk(P::DTYPE));
    let is_there = *place == Place::Memory || *place == Place::Scratch;
    let stays = is_there || canonical && read_as == ReadAs::Mapped;
    let same = (rows.index_dtype(), rows.pointer_dtype()) == (Some(types.0), Some(types.1));
    let make = |place: Place| match same {
        true => rows.copy_to(place, ctx),
        false => rows.with_index_types(types.0, types.1, place, ctx).map_err(in_file),
    };
    let graph = match (&vertices, place) {
        _ if stays && same => rows,
        (Some(ids), Place::File(path) | Place::Replace(path)) => {
            ids.store_with(place.clone(), ctx, |place| make(place).map(drop))?;
            open(path)?
        }
        _ => make(place.clone())?,
    };
    Ok(Graph { graph: graph.try_into()?, vertices })
}
