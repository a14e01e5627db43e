//! Files in the scratch folder: without a name, so that they are gone with their last handle or the process.

use std::fs::File;
use std::path::Path;

use tempfile::TempPath;

use crate::error::{Error, Result};

/// An empty file without a name.
pub(crate) fn scratch_file(folder: &Path) -> Result<File> {
    tempfile::tempfile_in(folder).map_err(|error| failed(folder, error))
}

/// An empty file with a name, for what is opened by name; the name is removed when the path is dropped.
pub(crate) fn named_scratch_file(folder: &Path) -> Result<(File, TempPath)> {
    let made = tempfile::Builder::new().prefix(".outcore-").tempfile_in(folder);
    made.map(tempfile::NamedTempFile::into_parts).map_err(|error| failed(folder, error))
}

fn failed(folder: &Path, error: std::io::Error) -> Error {
    Error::io("making a scratch file in", folder, error)
}
