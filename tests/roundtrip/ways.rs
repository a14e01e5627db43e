//! The ways out and back: what is written under which name, how it is read again, and what each format cannot hold.

use std::io::Write;
use std::path::Path;

use flate2::write::GzEncoder;
use outcore::io::{
    EdgeOptions, FileFormat, RawLayout, ReadOptions, TableOptions, Vertices, read_matrix_with,
    write_matrix, write_petsc,
};
use outcore::{AnyMatrix, Context, DType, ErrorKind, NpyHeader, Place, Result};

use crate::roundtrip::values::{At, Value, summed};

/// A way out and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Stored,
    Npy,
    /// The elements of a `.npy` file, without looking at its header.
    Raw,
    Npz,
    Mtx,
    /// Packed by this test.
    MtxGz,
    Metis,
    Petsc,
    /// With integers of 64 bits.
    PetscWide,
    Csv,
    Tsv,
    /// A list of entries, read as one of edges.
    Edges,
}

pub(super) const WAYS: [Way; 12] = [
    Way::Stored,
    Way::Npy,
    Way::Raw,
    Way::Npz,
    Way::Mtx,
    Way::MtxGz,
    Way::Metis,
    Way::Petsc,
    Way::PetscWide,
    Way::Csv,
    Way::Tsv,
    Way::Edges,
];

/// A matrix, and what is asked about it several times.
pub(super) struct Sent<'a> {
    pub(super) matrix: &'a AnyMatrix,
    pub(super) entries: &'a [At],
}

impl Sent<'_> {
    pub(super) fn is_dense(&self) -> bool {
        self.matrix.format().is_none()
    }

    fn is_complex(&self) -> bool {
        matches!(self.matrix.dtype(), Some(DType::Complex64 | DType::Complex128))
    }

    /// Whether it has floats of at most 32 bits.
    pub(super) fn is_narrow(&self) -> bool {
        use DType::{BFloat16, Complex64, Float16, Float32};
        matches!(self.matrix.dtype(), Some(Float16 | BFloat16 | Float32 | Complex64))
    }

    fn whole(&self) -> impl Iterator<Item = i128> {
        self.entries.iter().filter_map(|&(.., value)| match value {
            Value::Whole(whole) => Some(whole),
            _ => None,
        })
    }

    /// Rows and columns of the square matrix that an edge list makes of it.
    fn most(&self) -> usize {
        self.matrix.nrows().max(self.matrix.ncols())
    }
}

impl Way {
    /// Whether the way is one for the matrix: an edge list has real weights, or none.
    pub(super) fn leads(self, sent: &Sent<'_>) -> bool {
        self != Way::Edges || !(sent.is_dense() || sent.is_complex())
    }

    /// Whether what comes back is as it was, in the same types and the same order.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Way::Stored | Way::Npy | Way::Raw | Way::Npz)
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Way::Mtx | Way::MtxGz | Way::Csv | Way::Tsv | Way::Edges)
    }

    /// Rows and columns of what comes back.
    pub(super) fn shape(self, sent: &Sent<'_>) -> (usize, usize) {
        if self == Way::Edges { (sent.most(), sent.most()) } else { sent.matrix.shape() }
    }

    /// The type of the values that come back.
    pub(super) fn dtype(self, sent: &Sent<'_>) -> Option<DType> {
        let dtype = sent.matrix.dtype();
        let fits = sent.whole().all(|whole| i64::try_from(whole).is_ok());
        let is_float = matches!(
            dtype,
            Some(DType::Float16 | DType::BFloat16 | DType::Float32 | DType::Float64)
        );
        match self {
            Way::Npz if dtype.is_none() => Some(DType::Int8),
            Way::Stored | Way::Npy | Way::Raw | Way::Npz => dtype,
            // Without values there is nothing by which to see that they are complex.
            Way::Petsc | Way::PetscWide if sent.is_complex() && !sent.entries.is_empty() => {
                Some(DType::Complex128)
            }
            Way::Petsc | Way::PetscWide => Some(DType::Float64),
            _ if dtype.is_none() => None,
            Way::Metis => Some(DType::Int64),
            _ if sent.is_complex() => Some(DType::Complex128),
            Way::Edges => Some(DType::Float64),
            _ if is_float => Some(DType::Float64),
            Way::Mtx | Way::MtxGz if dtype == Some(DType::UInt64) => Some(DType::UInt64),
            Way::Mtx | Way::MtxGz => Some(DType::Int64),
            // A table says no more than its numbers.
            _ if sent.entries.is_empty() => Some(DType::Float64),
            _ => Some(if fits { DType::Int64 } else { DType::UInt64 }),
        }
    }

    /// Why the format does not hold the matrix: nothing if it does.
    pub(super) fn refusals(self, sent: &Sent<'_>) -> Vec<ErrorKind> {
        use ErrorKind::{Shape, Unsupported, Value};
        let mut found = Vec::new();
        let mut refuse = |when: bool, kind| {
            if when {
                found.push(kind)
            }
        };
        let (nrows, ncols) = sent.matrix.shape();
        let narrow = matches!(sent.matrix.dtype(), Some(DType::Float16 | DType::BFloat16));
        match self {
            Way::Stored => refuse(sent.is_dense(), Unsupported),
            Way::Npy | Way::Raw => refuse(!sent.is_dense(), Unsupported),
            Way::Npz => refuse(!sent.is_dense() && narrow, Unsupported),
            Way::Mtx | Way::MtxGz | Way::Edges => {}
            Way::Petsc | Way::PetscWide => {
                refuse(sent.whole().any(|whole| whole.unsigned_abs() > 1 << 53), Value)
            }
            Way::Csv | Way::Tsv => {
                refuse(sent.is_dense() && sent.is_complex(), Unsupported);
                refuse(sent.is_dense() && (nrows == 0 || ncols == 0), Unsupported);
            }
            Way::Metis => {
                refuse(nrows != ncols, Shape);
                refuse(sent.is_dense(), Unsupported);
                refuse(sent.entries.iter().any(|&(i, j, _)| i == j), Unsupported);
                let weight = |value: crate::roundtrip::values::Value| {
                    value.whole().is_some_and(|whole| (1..=i64::MAX.into()).contains(&whole))
                };
                refuse(!sent.entries.iter().all(|&(.., value)| weight(value)), Value);
                let here = summed(sent.entries, sent.matrix.dtype());
                let turned: Vec<At> = here.iter().map(|&(i, j, value)| (j, i, value)).collect();
                refuse(here != summed(&turned, sent.matrix.dtype()), Unsupported);
                let sorted = sent.matrix.check().unwrap();
                let is_coo = sent.matrix.format() == Some(outcore::SparseFormat::Coo);
                refuse(!sorted && !is_coo, Unsupported);
            }
        }
        found
    }

    /// Writes the matrix into a folder, and reads it back.
    pub(super) fn send(self, sent: &Sent<'_>, folder: &Path, ctx: &Context) -> Result<AnyMatrix> {
        let (matrix, default) = (sent.matrix, ReadOptions::default());
        let table = TableOptions {
            missing: Some(f64::NAN),
            shape: (!sent.is_dense()).then(|| matrix.shape()),
            ..TableOptions::default()
        };
        let tables = ReadOptions { table, ..default.clone() };
        let (name, options) = match self {
            Way::Stored => ("a.bspnpy", default),
            Way::Npy | Way::Raw => ("a.npy", default),
            Way::Npz => ("a.npz", default),
            Way::Mtx => ("a.mtx", default),
            Way::MtxGz => ("z.mtx", default),
            Way::Metis => ("a.graph", default),
            Way::Petsc => ("a.petsc", default),
            Way::PetscWide => ("b.petsc", default),
            Way::Csv => ("a.csv", tables),
            Way::Tsv => ("a.tsv", tables),
            Way::Edges => {
                let vertices = Vertices::Count(sent.most() as u64);
                let header = Some(true);
                let edges = EdgeOptions { vertices, header, ..EdgeOptions::default() };
                let format = Some(FileFormat::EdgeList);
                ("e.tsv", ReadOptions { format, edges, ..default })
            }
        };
        let path = folder.join(name);
        match self {
            Way::PetscWide => write_petsc(&path, matrix, DType::Int64, ctx)?,
            _ => write_matrix(&path, matrix, ctx)?,
        }
        let read = |path: &Path, options: &ReadOptions| {
            read_matrix_with(path, options, Place::Memory, ctx).map(|read| read.matrix)
        };
        match self {
            Way::Raw => {
                let header = NpyHeader::read(&path)?;
                let layout = RawLayout {
                    order: header.order,
                    offset: header.data_start,
                    byte_order: header.byte_order,
                    ..RawLayout::new(header.dtype, matrix.shape())
                };
                read(&path, &ReadOptions { raw: Some(layout), ..options })
            }
            Way::MtxGz => {
                let packed = folder.join("z.mtx.gz");
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&std::fs::read(&path).unwrap()).unwrap();
                std::fs::write(&packed, encoder.finish().unwrap()).unwrap();
                read(&packed, &options)
            }
            _ => read(&path, &options),
        }
    }
}
