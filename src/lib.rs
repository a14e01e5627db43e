//! Sparse and dense matrices larger than memory.
//!
//! A [`Csr`] whose arrays are mapped from files is the same type as one on the heap, and every routine takes both. One
//! argument decides where a result goes, to memory, a file or scratch space: a [`Place`]. Another sets threads, memory
//! limit, progress and cancellation: a [`Context`].
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! use outcore::linalg::LinearOperator;
//! use outcore::{ColumnWriter, Context, Csr, Dense, DenseMut, Order};
//!
//! let ctx = Context::new();
//! // A dense array in a file, filled column by column; it appears under its name when it is closed.
//! let mut array = DenseMut::<f32>::create((1000, 100), Order::C, folder.join("a.npy"), &ctx)?;
//! let mut columns = ColumnWriter::new(&mut array)?;
//! for j in 0..100 {
//!     let column: Vec<f32> = (0..1000).map(|i| if i % 100 == j { 1.0 } else { 0.0 }).collect();
//!     columns.push(&column)?;
//! }
//! columns.finish()?;
//! array.close()?;
//!
//! // Reopened, type and shape come from the file; the nonzeros become a sparse matrix, in files too.
//! let dense = Dense::<f32>::open(folder.join("a.npy"))?;
//! let sparse: Csr<f32> = dense.to_csr(folder.join("a.bspnpy"), &ctx)?;
//! assert_eq!((sparse.shape(), sparse.nnz()), ((1000, 100), 1000));
//!
//! // Products are the same for both, and their numbers may be wider than the entries.
//! let x = vec![1.0f64; 100];
//! assert_eq!(sparse.matvec(&x)?, dense.matvec(&x)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Floors
//! A file uses the floors below its own and never one above. A test reads the source and enforces this.
//!
//! | floor | contents |
//! |---|---|
//! | errors | [`Error`]: what happened, in which file and where, what was expected and what was found |
//! | 0, storage | [`Element`] types, [`Buffer`]s over memory or mapped files, [`Place`], [`Context`], `.npy` headers ([`NpyHeader`]), folders of arrays ([`Descriptor`]), checksums ([`verify()`]) |
//! | 1, matrices | [`Dense`] and [`DenseMut`]; [`Csr`], [`Csc`] and [`Coo`]: shapes and structures over buffers |
//! | 2, conversions | every pair of dense, COO, CSR and CSC, as methods `to_…` of the matrices; rows and columns in another order, a [`Permutation`] |
//! | 3, [`linalg`] | [`LinearOperator`](linalg::LinearOperator) and products; [`Operator`](linalg::Operator), prepared for many products of a matrix that may be larger than memory; sums and norms |
//! | 4, algorithms | [`graph`]: breadth-first search, components, PageRank, orders of vertices; [`solve`]: linear systems; [`spectral`]: singular values, principal components |
//! | 4, run-time types | [`AnyMatrix`] and [`open()`]: matrices whose kind and types are known only at run time |
//! | 5, [`io`] | foreign file formats: Matrix Market, `.npz`, PETSc, METIS, CSV, HDF5, edge lists and others |
//!
//! In the repository: `docs/coming-from-scipy.md` and `docs/coming-from-petsc.md` translate names, `docs/recipes.md`
//! has short programs for common tasks, `docs/architecture.md` follows a matrix through the floors, `docs/design.md`
//! says why they are as they are, and `docs/format.md` describes the files byte by byte.

#![deny(unsafe_code)]
// The text of each `mod.rs` says what each file of the folder holds. Those files are private. In a public module they
// are named as plain code, because rustdoc has no page to link to; in a private one they are links, which editors
// follow.

mod any;
mod convert;
mod dense;
mod error;
pub mod graph;
pub mod io;
pub mod linalg;
pub mod solve;
mod sparse;
pub mod spectral;
mod storage;

pub use ndarray;
pub use num_complex;

pub use any::{AnyCompressed, AnyCsc, AnyCsr, AnyMatrix, open};
pub use convert::CooBuilder;
pub use dense::{AnyDense, ColumnWriter, Dense, DenseBase, DenseBuilder, DenseMut};
pub use error::{Error, ErrorKind, Location, Result};
pub use sparse::{
    AnyCoo, Axis, ByCols, ByRows, Compressed, CompressedMut, Coo, Csc, CscMut, Csr, CsrMut,
    Duplicates, Line, Permutation,
};
pub use sparse::{CompressedBuilder, CscBuilder, CsrBuilder};
pub use sparse::{CompressedIter, CooIter};
pub use storage::{
    Access, Buffer, BufferMut, ByteCount, ByteOrder, CancelToken, Context, Cost, DType, Descriptor,
    DeviceSpeeds, Element, Entry, Index, Leftover, MemoryLimit, NpyHeader, Order, Place, Plan,
    Progress, Report, SparseFormat, StoredValues, Traffic, Verified, device_speeds, has_checksums,
    leftovers, memory_limits, verify,
};

// The examples of these pages compile and run as doc tests.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
enum Readme {}

#[cfg(doctest)]
#[doc = include_str!("../docs/recipes.md")]
enum Recipes {}

#[cfg(doctest)]
#[doc = include_str!("../docs/solving.md")]
enum Solving {}

#[cfg(doctest)]
#[doc = include_str!("../docs/coming-from-scipy.md")]
enum ComingFromScipy {}

#[cfg(doctest)]
#[doc = include_str!("../docs/coming-from-petsc.md")]
enum ComingFromPetsc {}

#[cfg(doctest)]
#[doc = include_str!("../docs/out-of-core.md")]
enum OutOfCore {}
