//! HDF5 files: AnnData, 10x, MATLAB 7.3, Binsparse, and plain datasets, read.
//!
//! | file | read as |
//! |---|---|
//! | a group with the attribute `binsparse` (`.bsp.h5`) | CSR, CSC, COO |
//! | AnnData (`.h5ad`): `X`, or what [`ReadOptions::member`](crate::io::ReadOptions) names, as `layers/NAME`, `raw/X`, `obsp/NAME` | CSR, CSC, dense |
//! | 10x (`.h5`), cells in rows and features in columns, as scanpy reads it: the transpose of what is stored | CSR |
//! | MATLAB 7.3: sparse, and full ones of numbers | CSC, dense in Fortran order |
//! | any other dataset of one or two dimensions | dense |
//!
//! If a file holds several matrices and no rule above chooses one, [`ReadOptions::member`](crate::io::ReadOptions) has to,
//! by the path of a group or a dataset. Contiguous datasets in the byte order of this machine are mapped in place;
//! chunked ones, packed or not, are read a few chunks at a time.
//!
//! Only `container.rs`, `dataset.rs`, `element_type.rs` and `failure.rs` know which crate parses the files. It is a feature,
//! because that crate takes 52 processor seconds to compile.

mod signature;

#[cfg(feature = "hdf5")]
mod container;
#[cfg(feature = "hdf5")]
mod dataset;
#[cfg(feature = "hdf5")]
mod element_type;
#[cfg(feature = "hdf5")]
mod empty_arrays;
#[cfg(feature = "hdf5")]
mod failure;
#[cfg(feature = "hdf5")]
mod kinds;
#[cfg(feature = "hdf5")]
mod read;
#[cfg(not(feature = "hdf5"))]
mod unsupported_build;

#[cfg(feature = "hdf5")]
pub(super) use read::read;
pub(super) use signature::is_hdf5;
#[cfg(not(feature = "hdf5"))]
pub(super) use unsupported_build::read;
