//! Hidden folders beside a name, in which its result is built: made, marked, and removed when their maker is gone.
//!
//! The mark is a file that is held under a lock while its maker lives. It gets its name when it is locked, and goes last
//! when the folder does, so that a folder with a mark that is not locked belongs to nobody any more, and one without a mark
//! has nothing of ours in it.

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

/// How often another hidden folder is made where one was taken away before it had its mark.
const ATTEMPTS: usize = 100;

/// Removes a hidden folder, its mark last, so that what is left of it by a process that dies meanwhile is known.
///
/// Whoever changes in place what lies there may still put a mark or sums beside it; what is not empty after a while stays
/// marked, for the next result of the name to remove.
pub(super) fn remove_hidden(outer: &Arc<Folder>, path: &Path) {
    for _ in 0..ATTEMPTS {
        let Ok(mut names) = outer.names() else { return };
        names.retain(|name| name != MARK);
        if names.is_empty() {
            // A mark that cannot be removed makes the folder one that is abandoned.
            let _ = outer.file(MARK).remove();
            let _ = std::fs::remove_dir(path);
            return;
        }
        for name in names {
            let entry = outer.file(name);
            // What is left is seen when the names are asked for again.
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

/// What the names of hidden siblings of results called `name` begin with.
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
            .map_err(|e| Error::io("creating a folder beside", target.path(), e))?;
        let marked = Folder::open(hidden.path()).and_then(|outer| {
            let mark = make_mark(&outer)?;
            Ok((outer, mark))
        });
        match marked {
            Ok((outer, mark)) => return Ok((hidden.keep(), outer, mark)),
            // Another maker took it for an abandoned one, which it looks like before it has its mark.
            Err(error) if error.is_not_found() && attempts.next().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Marks a hidden folder as one of this library and locks the mark, which gets its name when it is locked.
fn make_mark(outer: &Arc<Folder>) -> Result<File> {
    let new = outer.file(NEW_MARK);
    let file = new.create()?;
    // Waits for whoever looks whether it is abandoned, which takes a moment. Without locks on this file system an abandoned
    // folder stays, but nothing is lost.
    let _ = file.lock();
    let named = new.rename(&outer.file(MARK), RenameFlags::empty());
    named.map_err(|e| Error::io("marking", outer.path(), e.into()))?;
    Ok(file)
}

/// Removes hidden siblings whose makers are gone: they carry the mark, and its lock is free.
pub(super) fn remove_abandoned(parent: &Arc<Folder>, prefix: &OsStr) {
    let Ok(names) = parent.names() else { return };
    let prefix = prefix.as_encoded_bytes();
    for name in names.into_iter().filter(|name| name.as_encoded_bytes().starts_with(prefix)) {
        let sibling = parent.file(name);
        let Ok(folder) = sibling.open_folder() else { continue };
        match folder.file(MARK).open() {
            Ok(mark) if mark.try_lock().is_ok() => remove_hidden(&folder, &sibling.path()),
            Ok(_) => {}
            // One that has no mark yet, or none any more, has nothing in it; if its maker lives, it makes another.
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
