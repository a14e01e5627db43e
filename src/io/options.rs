//! How a file is read.

use crate::error::{ErrorKind, Result};
use crate::io::format::FileFormat;
use crate::io::graph::EdgeOptions;
use crate::io::headerless::RawLayout;
use crate::io::petsc::PetscOptions;
use crate::io::table::TableOptions;
use crate::storage::Place;

/// How a file is read as a matrix or a graph.
///
/// ```
/// use outcore::io::{FileFormat, ReadOptions, read_graph_with};
/// use outcore::{Context, Csr, Place};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.txt");
/// std::fs::write(&path, "%%MatrixMarket matrix coordinate pattern general\n0 2\n2 1\n").unwrap();
/// let options = ReadOptions { format: Some(FileFormat::EdgeList), ..ReadOptions::default() };
/// let graph: Csr<()> = read_graph_with(&path, &options, Place::Memory, &Context::new())?.graph;
/// assert_eq!((graph.nrows(), graph.nnz()), (3, 2));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// The format of the file; determined by its content if not given.
    pub format: Option<FileFormat>,
    /// Which matrix of a file that has several: the name of a member of an archive, with or without `.npy`, the path of
    /// a group or dataset in HDF5, such as `layers/counts`, or the name of a member of a `.tar.gz`, with or without its
    /// folder and `.mtx`. An error for a file that has none.
    pub member: Option<String>,
    /// Whether a matrix that is to go to [memory](Place::Memory), and would not fit in the memory limit, is read to
    /// scratch files instead. What was read before that was seen is read again.
    pub spill: bool,
    /// Whether every vertex or row up to the largest is made, even if they dwarf the entries so that the pointers take
    /// far more memory than the file; otherwise that is an error.
    pub hypersparse: bool,
    /// How [PETSc binary](crate::io::petsc) files are read.
    pub petsc: PetscOptions,
    /// How [tables](crate::io::table) and lists of entries are read.
    pub table: TableOptions,
    /// What a file without a header holds; it is then read as such, if no other format is given.
    pub raw: Option<RawLayout>,
    /// How edge lists are read.
    pub edges: EdgeOptions,
}

impl ReadOptions {
    /// Reads to a place; if that is memory, and too small, to scratch files instead if the caller has said so.
    pub(super) fn or_scratch<R>(
        &self,
        place: &Place,
        read: &mut dyn FnMut(&Place) -> Result<R>,
    ) -> Result<R> {
        match read(place) {
            Err(error)
                if self.spill && *place == Place::Memory && error.kind() == ErrorKind::Memory =>
            {
                read(&Place::Scratch)
            }
            outcome => outcome,
        }
    }
}
