//! A file in the format of another program, which gets its name only when it is complete.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::storage::{Context, StagedFiles, What};

/// The name of the file in its hidden folder.
const NAME: &str = "output";

/// A file being written: appended to, or written at any offset from several threads.
///
/// Until [`finish`](Self::finish) the bytes are in a hidden sibling folder, which is removed if this is dropped.
pub(in crate::io) struct Output {
    path: PathBuf,
    file: File,
    files: StagedFiles,
}

impl Output {
    /// Starts a file that will replace an existing one. Fails if the path is a folder, a pipe, a device, or an array
    /// with checksums.
    pub(in crate::io) fn create(path: &Path) -> Result<Self> {
        let files = StagedFiles::new(path, true, What::Text)?;
        let (file, _) = files.create(NAME)?;
        Ok(Output { path: path.to_owned(), file, files })
    }

    /// Appends bytes.
    pub(in crate::io) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| Error::io("writing", &self.path, error))
    }

    /// Writes bytes at an offset.
    pub(in crate::io) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let written = self.file.write_all_at(bytes, offset);
        written.map_err(|error| Error::io("writing", &self.path, error))
    }

    /// Writes the file to the device, and gives it its name.
    pub(in crate::io) fn finish(self, ctx: &Context) -> Result<()> {
        ctx.check_cancelled()?;
        let failed = |error| Error::io("writing", &self.path, error);
        self.file.sync_all().map_err(failed)?;
        ctx.meter().wrote(self.file.metadata().map_err(failed)?.len());
        self.files.publish(NAME)
    }
}
