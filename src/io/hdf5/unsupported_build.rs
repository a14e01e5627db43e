//! HDF5 files where this library is compiled without the feature `hdf5`: recognised, and refused.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::options::ReadOptions;
use crate::io::read_as::ReadAs;
use crate::storage::{Context, Place};

/// Fails.
pub(in crate::io) fn read(
    path: &Path,
    _options: &ReadOptions,
    _place: &Place,
    _ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    Err(Error::new(ErrorKind::Unsupported, "this build does not support HDF5")
        .in_file(path)
        .remedy("compile with the feature hdf5"))
}
