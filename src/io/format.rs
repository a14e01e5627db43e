//! What a file is: by its content for reading, by its name for writing.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::io::hdf5;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// The folder of a stored sparse matrix (`NAME.bspnpy`).
    Stored,
    /// A NumPy array.
    Npy,
    /// Arrays of NumPy in a zip archive, or a sparse matrix of SciPy.
    Npz,
    /// HDF5: AnnData, 10x, MATLAB 7.3, Binsparse, or plain datasets; read with the feature `hdf5`.
    Hdf5,
    /// Matrix Market.
    MatrixMarket,
    /// An edge list `u v` or `u v weight`.
    EdgeList,
    /// A METIS graph.
    Metis,
    /// PETSc binary.
    Petsc,
    /// Harwell-Boeing and Rutherford-Boeing.
    HarwellBoeing,
    /// A table of numbers: comma-separated values, or with other separators.
    Csv,
    /// As [`Csv`](Self::Csv), tabs between the values.
    Tsv,
    /// A list of entries `row column value`.
    Triplets,
    /// Elements without a header, whose type and shape the caller gives.
    Raw,
}

/// A format, the name by which a user selects it, and the extensions of its files.
type KnownFormat = (FileFormat, &'static str, &'static [&'static str]);

const KNOWN: &[KnownFormat] = &[
    (FileFormat::Stored, "bspnpy", &["bspnpy"]),
    (FileFormat::Npy, "npy", &["npy"]),
    (FileFormat::Npz, "npz", &["npz"]),
    (FileFormat::Hdf5, "hdf5", &["h5", "hdf5", "h5ad", "loom"]),
    (FileFormat::MatrixMarket, "mtx", &["mtx"]),
    (FileFormat::EdgeList, "edges", &[]),
    (FileFormat::Metis, "metis", &["graph", "metis"]),
    (FileFormat::Petsc, "petsc", &["petsc"]),
    (
        FileFormat::HarwellBoeing,
        "hb",
        &["rb", "hb", "rsa", "rua", "rra", "csa", "cua", "cha", "psa", "pua", "pra"],
    ),
    (FileFormat::Csv, "csv", &["csv"]),
    (FileFormat::Tsv, "tsv", &["tsv", "tab"]),
    (FileFormat::Triplets, "triplets", &["tri"]),
    (FileFormat::Raw, "raw", &[]),
];

/// First bytes that no other format has.
const MAGIC: &[(&[u8], FileFormat)] = &[
    (b"\x93NUMPY", FileFormat::Npy),
    // Matrices and vectors, with integers of 32 and of 64 bits.
    (b"\0\x12\x7b\x50", FileFormat::Petsc),
    (b"\0\x12\x7b\x4e", FileFormat::Petsc),
    (b"\0\0\0\0\0\x12\x7b\x50", FileFormat::Petsc),
    (b"\0\0\0\0\0\x12\x7b\x4e", FileFormat::Petsc),
    (b"PK\x03\x04", FileFormat::Npz),
    (b"PK\x05\x06", FileFormat::Npz),
];

impl FileFormat {
    /// Every format.
    pub fn all() -> impl Iterator<Item = Self> {
        KNOWN.iter().map(|&(format, ..)| format)
    }

    /// The name by which a user selects the format: `mtx`, `npy` and so on.
    pub fn name(self) -> &'static str {
        KNOWN.iter().find(|(format, ..)| *format == self).map_or("", |(_, name, _)| name)
    }

    /// The format with a [`name`](Self::name).
    ///
    /// ```
    /// use outcore::io::FileFormat;
    /// assert_eq!(FileFormat::from_name("mtx"), Some(FileFormat::MatrixMarket));
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        KNOWN.iter().find(|(_, known, _)| *known == name).map(|&(format, ..)| format)
    }

    /// The format that the extension of a path names, in any letter case.
    pub fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        let is_its =
            |(.., names): &&KnownFormat| names.iter().any(|n| extension.eq_ignore_ascii_case(n));
        KNOWN.iter().find(is_its).map(|&(format, ..)| format)
    }

    /// The format that the first bytes of a file decide, or that it is a folder; `None` if it is text, or nothing known.
    ///
    /// Only ordinary files are opened.
    ///
    /// ```
    /// use outcore::io::FileFormat;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a");
    /// std::fs::write(&path, b"PK\x03\x04")?;
    /// assert_eq!(FileFormat::of_first_bytes(&path)?, Some(FileFormat::Npz));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_first_bytes(path: &Path) -> Result<Option<Self>> {
        let kind = path.metadata().map_err(|error| Error::io("opening", path, error))?;
        if kind.is_dir() {
            return Ok(Some(FileFormat::Stored));
        }
        let (mut first, mut is_hdf5) = (Vec::new(), false);
        if kind.is_file() {
            let file = File::open(path).map_err(|error| Error::io("opening", path, error))?;
            let read = (&file).take(MOST).read_to_end(&mut first);
            read.map_err(|error| Error::io("reading", path, error))?;
            is_hdf5 = hdf5::is_hdf5(&file);
        }
        // Its signature may stand behind a block of text or of anything else.
        Ok(Self::of_magic(&first).or(is_hdf5.then_some(FileFormat::Hdf5)))
    }

    /// The format that only files with these first bytes have.
    pub(super) fn of_magic(first: &[u8]) -> Option<Self> {
        let known = MAGIC.iter().find(|(magic, _)| first.starts_with(magic));
        known.map(|&(_, format)| format)
    }
}

/// Bytes of a file that decide its format.
const MOST: u64 = 1 << 10;

/// The error for a path whose name does not say in which format to write.
pub(super) fn no_format(path: &Path) -> Error {
    let is_written =
        |known: &&KnownFormat| !matches!(known.0, FileFormat::HarwellBoeing | FileFormat::Triplets);
    let names: Vec<_> =
        KNOWN.iter().filter(is_written).flat_map(|(.., names)| names.iter()).collect();
    let names: Vec<_> = names.into_iter().map(|name| format!(".{name}")).collect();
    Error::new(ErrorKind::Unsupported, "the file name has no known extension")
        .in_file(path)
        .expected(format!("a name that ends in {}", names.join(", ")))
}
