//! Hidden folders left by crashed processes: listed, and removed on request.
//!
//! The next result of the same name removes them as well. This is for names that are never written again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::storage::files::folder::Folder;
use crate::storage::files::hidden::{abandoned, remove_hidden};

/// A hidden folder that a process left behind when it was killed, or the machine stopped.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// for left in outcore::leftovers(&folder)? {
///     println!("{}: {} bytes", left.path().display(), left.bytes());
///     left.remove()?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    path: PathBuf,
    bytes: u64,
}

impl Leftover {
    /// The hidden folder, called `.NAME.tmp-XXXXXX` after the result that was being made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the files in it.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes it, and returns whether it is gone. It stays if another process took it over meanwhile, or if a file in
    /// it cannot be removed.
    pub fn remove(&self) -> Result<bool> {
        let folder = match Folder::open(&self.path) {
            Err(error) if error.is_not_found() => return Ok(true),
            opened => opened?,
        };
        // Its mark stays locked while the folder is removed.
        let Some(_mark) = abandoned(&folder) else { return Ok(false) };
        remove_hidden(&folder, &self.path);
        Ok(!self.path.exists())
    }
}

/// The hidden folders in `folder` in which results were made by processes that have ended. They have the mark of this
/// library, and no process holds it. Other files are not touched, nor are folders below `folder` searched.
///
/// Fails if the folder cannot be listed. Cost: opens each file whose name is that of a hidden folder.
pub fn leftovers(folder: impl AsRef<Path>) -> Result<Vec<Leftover>> {
    let folder = folder.as_ref();
    let outer = Folder::open(folder)?;
    let mut found = Vec::new();
    for name in outer.names()? {
        let bytes = name.as_encoded_bytes();
        if !bytes.starts_with(b".") || !bytes.windows(5).any(|part| part == b".tmp-") {
            continue;
        }
        let Ok(hidden) = outer.file(&*name).open_folder() else { continue };
        if abandoned(&hidden).is_some() {
            let path = folder.join(&name);
            let bytes = bytes_in(&path)?;
            found.push(Leftover { path, bytes });
        }
    }
    Ok(found)
}

/// Bytes of the files in a folder and in the folders in it.
fn bytes_in(folder: &Path) -> Result<u64> {
    let failed = |error| Error::io("listing", folder, error);
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // Links are not followed.
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes += bytes_in(&entry.path())?,
            Ok(metadata) if metadata.is_file() => bytes += metadata.len(),
            _ => {}
        }
    }
    Ok(bytes)
}
