//! `.npz` archives: arrays of NumPy, sparse matrices of SciPy and of Binsparse, in a zip file.
//!
//! | archive | read as | written |
//! |---|---|---|
//! | `format.npy`, `shape.npy`, `data.npy` and what the format has (SciPy's `save_npz`) | CSR, CSC, COO; BSR and DIA as CSR | CSR, CSC, COO |
//! | `binsparse.npy` and the arrays that it describes | CSR, CSC, COO | |
//! | one array, or the one that [`ReadOptions::member`](crate::io::ReadOptions) names | dense | dense, as `arr_0.npy` |
//!
//! Members that are stored, and whose elements are aligned, are mapped in place; if one is not, or is deflated, all
//! are copied, and their checksums compared on the way. What is written here is mapped: members are stored, and their
//! elements begin at a multiple of 64 bytes.
//!
//! An archive is not trusted. Sizes are compared with the file and with each other before anything is allocated;
//! pickled objects are never loaded; see [`archive`] for what is refused.
//!
//! - [`archive`] – the directory of the archive; [`member`] – one array of it; [`names`] – found by its name
//! - [`read`](mod@read) – which matrix it is; [`scipy`] – SciPy's
//! - [`zip`] – an archive being written; [`write`](mod@write) – the members of a matrix

mod archive;
mod member;
mod names;
mod read;
mod scipy;
mod write;
mod zip;

pub(super) use read::read;
pub(super) use write::write;
