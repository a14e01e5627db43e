//! Graphs from files whose readers make no values: a stored matrix, a Matrix Market file, a METIS graph, an edge list.
//!
//! The content of a file decides its format: the rules are [one folder up](super#what-a-file-is), with the definition
//! of an edge.

use std::path::Path;

use crate::any::{AnyMatrix, open};
use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::format::FileFormat;
use crate::io::graph::assemble::Assembly;
use crate::io::graph::chunk::{EdgeChunk, Edges};
use crate::io::graph::edge_list::{As, EdgeList};
use crate::io::graph::edge_options::Vertices;
use crate::io::graph::metis::Metis;
use crate::io::graph::numbering::{EdgeExtent, number};
use crate::io::graph::vertex_ids::VertexIds;
use crate::io::matrix_market::{Reader, is_banner};
use crate::io::options::ReadOptions;
use crate::io::text::cursor::{Cursor, quoted};
use crate::io::text::gzip::{refuse_member, without_packing};
use crate::io::text::text_file::TextFile;
use crate::sparse::{AnyCompressed, AnyCoo, Coo, Csc, Csr, Duplicates, IndexVec, Indices};
use crate::storage::{Context, DType, Descriptor, Index, Place, SparseFormat};

/// A graph that is about to be read.
pub(in crate::io) enum GraphFile {
    Stored,
    MatrixMarket(Reader),
    Metis(Metis),
    EdgeList(EdgeList),
}

/// A graph as compressed rows with indices and pointers of these types.
pub(in crate::io) fn read_file(
    path: &Path,
    file: GraphFile,
    options: &ReadOptions,
    types: (DType, DType),
    place: &Place,
    ctx: &Context,
) -> Result<(AnyCompressed, Option<VertexIds>)> {
    let compact = options.edges.vertices == Vertices::Compact;
    match file {
        GraphFile::EdgeList(list) => {
            list.read(As { weights: false, types: Some(types) }, place, ctx)
        }
        GraphFile::Metis(file) if compact => {
            let graph = file.read(false, None, &Place::Memory, ctx)?;
            let coo = AnyMatrix::of_lines(graph).to_coo(Place::Memory, ctx)?;
            renumber(path, &coo, None, types, place, ctx)
        }
        GraphFile::Metis(file) => Ok((file.read(false, Some(types), place, ctx)?, None)),
        GraphFile::MatrixMarket(file) if compact => {
            let coo = file.read_coo::<(), u64>(ctx)?;
            renumber(path, &AnyCoo::from(coo), None, types, place, ctx)
        }
        GraphFile::MatrixMarket(file) => {
            let file = if options.hypersparse { file.hypersparse() } else { file };
            let graph = match types {
                (DType::UInt32, DType::UInt32) => {
                    file.read_csr::<(), u32, u32>(place, ctx).map(|a| a.to_any())
                }
                (DType::UInt32, _) => file.read_csr::<(), u32, u64>(place, ctx).map(|a| a.to_any()),
                (_, DType::UInt32) => file.read_csr::<(), u64, u32>(place, ctx).map(|a| a.to_any()),
                _ => file.read_csr::<(), u64, u64>(place, ctx).map(|a| a.to_any()),
            };
            Ok((graph?, None))
        }
        GraphFile::Stored => {
            let matrix = open(path)?;
            let ids = VertexIds::stored(path, matrix.nrows(), ctx)?;
            let coo = matrix.to_coo(Place::Memory, ctx)?;
            renumber(path, &coo, ids.as_ref(), types, place, ctx)
        }
    }
}

/// The graph on the vertices that have an entry, and their numbers, or their ids if they have some.
pub(in crate::io) fn renumber(
    path: &Path,
    coo: &AnyCoo,
    ids: Option<&VertexIds>,
    types: (DType, DType),
    place: &Place,
    ctx: &Context,
) -> Result<(AnyCompressed, Option<VertexIds>)> {
    let (nrows, ncols) = coo.shape();
    if nrows != ncols {
        let error =
            Error::shape("the graph", "as many rows as columns", format!("{nrows} x {ncols}"));
        return Err(error.in_file(path));
    }
    coo.check().map_err(|error| error.in_file(path))?;
    let entries = coo.nnz();
    ctx.check_memory("the edges", 16 * entries as u64).map_err(|e| e.in_file(path))?;
    let (rows, cols) = (Indices::of(coo.rows()), Indices::of(coo.cols()));
    let ends: Vec<u64> =
        (0..entries).flat_map(|k| [rows.at(k) as u64, cols.at(k) as u64]).collect();
    let largest = ends.iter().copied().max().unwrap_or(0);
    let chunk = EdgeChunk { ends: IndexVec::up_to(ends, largest), largest, ..EdgeChunk::default() };
    let mut edges = Edges::Kept(vec![chunk]);
    let found = EdgeExtent { edges: entries as u64, largest };
    let numbered = number(found, Vertices::Compact, &mut edges, ctx);
    let (numbering, count, numbers) = numbered.map_err(|e| e.in_file(path))?;
    let assembly = Assembly {
        path,
        numbering: &numbering,
        vertices: count as usize,
        entries: entries as u64,
        symmetrize: false,
        drop_self_loops: false,
        duplicates: Duplicates::Sum,
        types,
    };
    let numbers = match (ids, numbers) {
        (Some(ids), Some(numbers)) => Some(ids.of_vertices(numbers.numbers().unwrap_or_default())),
        (_, numbers) => numbers,
    };
    Ok((assembly.make::<()>(edges, numbers.as_ref(), place, ctx)?, numbers))
}

/// Opens a file in its own format, or in the format that the caller gives.
pub(in crate::io) fn source(path: &Path, options: &ReadOptions) -> Result<GraphFile> {
    let format = options.format;
    let by_name = format.is_none();
    if format == Some(FileFormat::Stored) || (by_name && path.is_dir()) {
        refuse_member(path, options.member.as_deref())?;
        return Ok(GraphFile::Stored);
    }
    let text = TextFile::open_member(path, options.member.as_deref())?;
    let format = match format {
        Some(format) => format,
        None if has_banner(&text)? => FileFormat::MatrixMarket,
        None => match FileFormat::of_name(&without_packing(path)) {
            Some(named @ (FileFormat::MatrixMarket | FileFormat::Metis)) => named,
            _ => FileFormat::EdgeList,
        },
    };
    Ok(match format {
        FileFormat::MatrixMarket => GraphFile::MatrixMarket(Reader::over(text)?),
        FileFormat::Metis => GraphFile::Metis(Metis::over(text)?),
        _ => {
            let list = EdgeList::over(text).with(options.edges.clone());
            GraphFile::EdgeList(list.read_so(options.hypersparse, by_name))
        }
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
            let what = "a Matrix Market banner follows other lines";
            let error = Error::new(ErrorKind::Format, what)
                .expected("a banner on the first line, or none")
                .found(quoted(cursor.token()))
                .remedy("move it to the front, or set the format to EdgeList in ReadOptions");
            return Err(text.error_at(line, error));
        }
        comments = cursor.at_any(b"#%");
        match comments && !is_banner(cursor.rest()) {
            true => Ok(None),
            false => Ok(Some(comments)),
        }
    })?;
    Ok(found.unwrap_or(false))
}

/// A stored matrix as a graph: mapped in place if it is in compressed rows, otherwise converted to `place`.
pub(in crate::io) fn read_stored<I: Index, P: Index>(
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
        remedy: "compact vertices are those that have an edge, renumbered; `hypersparse` keeps all of them",
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
