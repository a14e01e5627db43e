//! A folder that one routine makes and another adds to, which gets its name when both are done.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::storage::files::StagedFiles;
use crate::storage::runtime::{Context, Place};

/// An unpublished folder. Dropped, it is removed.
pub(crate) struct StagedFolder {
    files: StagedFiles,
    target: PathBuf,
}

impl StagedFolder {
    /// A folder for this place; `None` if the place has no name, or if nothing is made because the next operation is
    /// only planned.
    pub(crate) fn new(place: &Place, ctx: &Context) -> Result<Option<Self>> {
        let (target, replace) = match place {
            Place::File(target) => (target, false),
            Place::Replace(target) => (target, true),
            Place::Memory | Place::Scratch => return Ok(None),
        };
        if ctx.only_plans() {
            return Ok(None);
        }
        let files = StagedFiles::around(target, replace)?;
        Ok(Some(StagedFolder { files, target: target.clone() }))
    }

    /// Where it is to be made, and added to.
    pub(crate) fn path(&self) -> PathBuf {
        self.files.made_at()
    }

    /// Names the final path in an error about the folder, or a file in it.
    pub(crate) fn name(&self, error: Error) -> Error {
        let inside = error.path().and_then(|path| path.strip_prefix(self.path()).ok());
        let Some(inside) = inside.map(Path::to_owned) else { return error };
        let (other, path) = (self.path().join(&inside), self.target.join(&inside));
        let (other, path) = match inside.as_os_str().is_empty() {
            true => (self.path(), self.target.clone()),
            false => (other, path),
        };
        error.in_file_instead(&other, &path)
    }

    /// Gives the folder its name.
    pub(crate) fn publish(self) -> Result<()> {
        self.files.publish_made()
    }
}
