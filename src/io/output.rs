//! A file in the format of another program, which gets its name only when it is complete.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Context, Place, StagedFiles, What};

/// The name of the file in its hidden folder.
const NAME: &str = "output";

/// Where a file goes.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct Target<'a> {
    pub(in crate::io) path: &'a Path,
    /// Whether it replaces an existing file, which is an error otherwise.
    pub(in crate::io) replace: bool,
}

impl<'a> Target<'a> {
    /// A file that replaces an existing one.
    pub(in crate::io) fn replacing(path: &'a Path) -> Self {
        Target { path, replace: true }
    }

    /// Fails for places that have no name.
    pub(in crate::io) fn of(place: &'a Place) -> Result<Self> {
        match place {
            Place::File(path) => Ok(Target { path, replace: false }),
            Place::Replace(path) => Ok(Target { path, replace: true }),
            Place::Memory | Place::Scratch => {
                Err(Error::new(ErrorKind::Unsupported, "a file needs a name")
                    .expected("Place::File or Place::Replace"))
            }
        }
    }
}

/// A file being written, the one maker of files of other programs: appended to, or written at any offset from several threads.
///
/// Until [`finish`](Self::finish) the bytes are in a hidden sibling folder, which is removed if this is dropped.
#[derive(Debug)]
pub(in crate::io) struct Output {
    path: PathBuf,
    file: File,
    files: StagedFiles,
}

impl Output {
    /// Starts a file. Fails if something is there that is not to be replaced, and if it is a folder, a pipe, a device,
    /// or an array with checksums.
    pub(in crate::io) fn create(target: Target<'_>) -> Result<Self> {
        let Target { path, replace } = target;
        let files = StagedFiles::new(path, replace, What::Text)?;
        let (file, _) = files.create(NAME)?;
        Ok(Output { path: path.to_owned(), file, files })
    }

    /// Fails as [`create`](Self::create) does, without making anything.
    pub(in crate::io) fn check(target: Target<'_>) -> Result<()> {
        StagedFiles::check(target.path, target.replace, What::Text).map(drop)
    }

    /// The path that the file will have.
    pub(in crate::io) fn path(&self) -> &Path {
        &self.path
    }

    /// The file, for writers of the standard library.
    pub(in crate::io) fn file(&self) -> &File {
        &self.file
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

    /// Writes the file to the device, and gives it its name, unless the context is cancelled. Fails if something has
    /// appeared there that is not to be replaced.
    pub(in crate::io) fn finish(self, ctx: &Context) -> Result<()> {
        ctx.check_cancelled()?;
        ctx.meter().wrote(self.publish()?);
        Ok(())
    }

    /// Writes the file to the device, and gives it its name; returns its length.
    pub(in crate::io) fn publish(self) -> Result<u64> {
        let failed = |error| Error::io("writing", &self.path, error);
        self.file.sync_all().map_err(failed)?;
        let length = self.file.metadata().map_err(failed)?.len();
        self.files.publish(NAME)?;
        Ok(length)
    }
}
