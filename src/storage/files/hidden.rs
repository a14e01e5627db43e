//! Hidden sibling folders in which results are built: created, marked, and removed when their process has ended.
//!
//! The mark is a file that is locked while its process runs. It gets its name once it is locked, and is removed last
//! when the folder is. So a folder with an unlocked mark is abandoned, and one without a mark contains nothing of this
//! library.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, RenameFlags};

use crate::error::{Error, Result};
use crate::storage::files::folder::{Folder, beginning};
use crate::storage::files::stored_file::StoredFile;

/// The file that marks a hidden folder as one of this library.
const MARK: &str = "outcore-stage";

/// The same before it is locked.
const NEW_MARK: &str = "outcore-stage.new";

/// Bytes of a name that its hidden sibling repeats.
const LONGEST: usize = 200;

/// How often to retry when a hidden folder was removed before it had its mark.
const ATTEMPTS: usize = 100;

/// Removes a hidden folder, its mark last, so that the remains are recognised if the process dies meanwhile.
///
/// A writer that changes an array in place may still add a mark or sums. A folder that is not empty after a while stays
/// marked, and is removed by the next result of the name.
pub(super) fn remove_hidden(outer: &Arc<Folder>, path: &Path) {
    for _ in 0..ATTEMPTS {
        let Ok(mut names) = outer.names() else { return };
        names.retain(|name| name != MARK);
        if names.is_empty() {
            // If the mark cannot be removed, the folder counts as abandoned.
            let _ = outer.file(MARK).remove();
            let _ = std::fs::remove_dir(path);
            return;
        }
        for name in names {
            let entry = outer.file(name);
            // Leftovers are seen when the names are listed again.
            match entry.kind() {
                Ok(Some(FileType::Directory)) => {
                    let _ = std::fs::remove_dir_all(path.join(entry.name()));
                }
                _ => {
                    let _ = entry.remove();
                }
            }
        }
    }
}

/// The path of a folder, which is not empty.
fn shown(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// The prefix of the names of hidden siblings of results called `name`.
pub(super) fn hidden_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(beginning(name, LONGEST));
    prefix.push(".tmp-");
    prefix
}

/// Makes a hidden folder and its mark.
pub(super) fn make_hidden(
    target: &StoredFile,
    prefix: &OsStr,
) -> Result<(PathBuf, Arc<Folder>, File)> {
    let mut attempts = 0..ATTEMPTS;
    loop {
        let hidden = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(shown(target.folder().path()))
            .map_err(|e| Error::io("creating a folder next to", target.path(), e))?;
        let marked = Folder::open(hidden.path()).and_then(|outer| {
            let mark = make_mark(&outer)?;
            Ok((outer, mark))
        });
        match marked {
            Ok((outer, mark)) => return Ok((hidden.keep(), outer, mark)),
            // Another process removed it as abandoned, because it had no mark yet.
            Err(error) if error.is_not_found() && attempts.next().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Marks a hidden folder as one of this library and locks the mark, which gets its name once it is locked.
fn make_mark(outer: &Arc<Folder>) -> Result<File> {
    let new = outer.file(NEW_MARK);
    let file = new.create()?;
    // Waits for a process that checks whether it is abandoned, which takes a moment. Without locks on this file system
    // an abandoned folder stays, but nothing is lost.
    let _ = file.lock();
    let named = new.rename(&outer.file(MARK), RenameFlags::empty());
    named.map_err(|e| Error::io("marking", outer.path(), e.into()))?;
    Ok(file)
}

/// The mark of a hidden folder whose process has ended, locked; `None` without a mark, or while its process runs.
pub(super) fn abandoned(folder: &Arc<Folder>) -> Option<File> {
    let mark = folder.file(MARK).open().ok()?;
    mark.try_lock().is_ok().then_some(mark)
}

/// Removes hidden siblings whose process has ended: they have the mark, and it is not locked.
pub(super) fn remove_abandoned(parent: &Arc<Folder>, prefix: &OsStr) {
    let Ok(names) = parent.names() else { return };
    let prefix = prefix.as_encoded_bytes();
    for name in names.into_iter().filter(|name| name.as_encoded_bytes().starts_with(prefix)) {
        let sibling = parent.file(name);
        let Ok(folder) = sibling.open_folder() else { continue };
        match folder.file(MARK).open() {
            Ok(mark) if mark.try_lock().is_ok() => remove_hidden(&folder, &sibling.path()),
            Ok(_) => {}
            // Without a mark it has nothing in it; if its process runs, it makes another.
            Err(_)
                if folder.names().is_ok_and(|names| names.iter().all(|name| name == NEW_MARK)) =>
            {
                let new = folder.file(NEW_MARK);
                if new.open().is_ok_and(|mark| mark.try_lock().is_ok()) {
                    let _ = new.remove();
                }
                let _ = std::fs::remove_dir(sibling.path());
            }
            Err(_) => {}
        }
    }
}
