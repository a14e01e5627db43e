//! Graphs from whatever file they are in: a stored matrix, a Matrix Market file, an edge list.
//!
//! What a file is, its content says where it can: a folder is a stored matrix, a banner makes a Matrix Market file, and
//! everything else is a list of edges. Values are left alone; a graph is its pattern.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::edge_list::EdgeList;
use super::matrix_market::Reader;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{Coo, Csc, Csr, Duplicates};
use crate::storage::{Context, Descriptor, Index, Place, SparseFormat};

/// What every Matrix Market file begins with, in letters of any case.
const BANNER: &[u8] = b"%%MatrixMarket";

/// Reads the graph in a file or folder as compressed rows, each edge once.
///
/// A stored matrix (`NAME.bspnpy`) in compressed rows is mapped where it lies, whatever `place` says; in another format
/// it is converted to `place`. A file that ends in `.mtx` or begins with its banner is read as Matrix Market, symmetric
/// ones both ways; any other file as edges `u v`, one way. METIS files (`.graph`) are refused. Matrices that are not
/// square are read as well: the algorithms refuse them.
///
/// Fails as the readers do, if a vertex or the number of edges does not fit the index types, and if the edges do not
/// fit the memory limit. Cost: text is read once. Memory: `2·size_of::<I>()` bytes per edge while text is read, then
/// what [`Coo::to_csr`] takes.
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
    let (path, place) = (path.as_ref(), place.into());
    if path.is_dir() {
        return read_stored(path, &place, ctx);
    }
    let extension = path.extension().unwrap_or_default();
    if extension == "graph" {
        return Err(Error::new(ErrorKind::Unsupported, "METIS files are not read")
            .in_file(path)
            .expected("a stored matrix, a Matrix Market file or an edge list"));
    }
    match extension == "mtx" || has_banner(path)? {
        true => Reader::open(path)?.read_csr(place, ctx),
        false => read_edges::<I>(path, ctx)?.to_csr(Duplicates::Sum, place, ctx),
    }
}

fn read_stored<I: Index, P: Index>(
    path: &Path,
    place: &Place,
    ctx: &Context,
) -> Result<Csr<(), I, P>> {
    match Descriptor::read(path)?.format {
        SparseFormat::Csr => Csr::open(path),
        SparseFormat::Csc => Csc::<(), I, P>::open(path)?.to_csr(place, ctx),
        SparseFormat::Coo => Coo::<(), I>::open(path)?.to_csr(Duplicates::Sum, place, ctx),
    }
}

fn has_banner(path: &Path) -> Result<bool> {
    // Opening a pipe would wait for its writer; the readers refuse it without opening it.
    if !path.is_file() {
        return Ok(false);
    }
    let failed = |error| Error::io("reading", path, error);
    let mut start = Vec::with_capacity(BANNER.len());
    let file = File::open(path).map_err(failed)?;
    file.take(BANNER.len() as u64).read_to_end(&mut start).map_err(failed)?;
    Ok(start.eq_ignore_ascii_case(BANNER))
}

/// The edges of a list in the order of the file, as many rows and columns as the largest vertex asks for.
fn read_edges<I: Index>(path: &Path, ctx: &Context) -> Result<Coo<(), I>> {
    let (mut rows, mut cols) = (Vec::new(), Vec::new());
    let size = EdgeList::open(path)?.for_each(ctx, |u, v, _| {
        let last = u.max(v);
        // Less than the largest index, so that the number of vertices is an index as well.
        if last >= I::LARGEST as u64 {
            return Err(Error::new(ErrorKind::Type, "a vertex is too large for the index type")
                .in_file(path)
                .expected(format!("a vertex below {}", I::LARGEST))
                .found(last)
                .remedy("use u64 indices"));
        }
        if rows.len() == rows.capacity() {
            // Both arrays are about to double, the old ones being there while they are copied.
            let bytes = (rows.len() as u64 + 1).saturating_mul(6 * size_of::<I>() as u64);
            ctx.check_memory("the edges", bytes).map_err(|e| e.in_file(path))?;
        }
        rows.push(I::from_usize(u as usize));
        cols.push(I::from_usize(v as usize));
        Ok(())
    })?;
    let (n, data) = (size.vertices as usize, vec![(); rows.len()]);
    Coo::from_parts((n, n), rows, cols, data).map_err(|e| e.in_file(path))
}
