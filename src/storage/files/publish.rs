//! A result is built in a hidden sibling folder, and renamed in one step.
//!
//! ```text
//! .NAME.tmp-XXXXXX/outcore-stage   the mark of this library, locked while its process runs
//! .NAME.tmp-XXXXXX/result/         a matrix, which is renamed to NAME
//! .NAME.tmp-XXXXXX/array.npy       or an array, renamed likewise, and then its sums; or a text
//! ```
//!
//! Publishing succeeds and leaves the new state, or fails and leaves the old one. If the device does not confirm the
//! new names, they are reverted. The old files end up in the hidden folder and are removed with it. A hidden folder
//! with an unlocked mark belonged to a process that crashed, and is removed by the next result of the same name; a
//! folder without a mark belongs to another program.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::RenameFlags;
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::checksum::{has_sums, side_file};
use crate::storage::files::folder::Folder;
use crate::storage::files::hidden::{hidden_prefix, make_hidden, remove_abandoned, remove_hidden};
use crate::storage::files::replaceable::{What, check_replaceable};
use crate::storage::files::rewrite::{MARK as CHANGING, MARK_TEXT};
use crate::storage::files::stored_file::{LONGEST_NAME, StoredFile};

/// The folder of a matrix in the hidden one.
const RESULT: &str = "result";

/// A result in files until it is published; removed when it is dropped before.
#[derive(Debug)]
pub(crate) struct StagedFiles {
    /// The hidden folder.
    hidden: PathBuf,
    outer: Arc<Folder>,
    /// The open mark, which holds its lock.
    _mark: File,
    /// The folder in which the arrays are made.
    inside: Arc<Folder>,
    target: StoredFile,
    replace: bool,
    what: What,
    /// The process that makes it: the child of a fork has a copy of this value, and must not touch the files.
    process: u32,
}

impl StagedFiles {
    /// Starts a result for `target`. Fails if it could not be published there now.
    pub(crate) fn new(target: &Path, replace: bool, what: What) -> Result<Self> {
        let mut files = Self::start(target, replace, what)?;
        if what == What::Matrix {
            let result = files.outer.file(RESULT);
            std::fs::create_dir(result.path())
                .map_err(|e| Error::io("creating a folder for", files.target.path(), e))?;
            files.inside = result.open_folder()?;
        }
        Ok(files)
    }

    /// Starts a matrix that another routine makes, at [`made_at`](Self::made_at), and to which more is added before it
    /// is [published](Self::publish_made).
    pub(crate) fn around(target: &Path, replace: bool) -> Result<Self> {
        Self::start(target, replace, What::Matrix)
    }

    /// Where the matrix is to be made.
    pub(crate) fn made_at(&self) -> PathBuf {
        self.hidden.join(RESULT)
    }

    /// Gives the name to what was made at [`made_at`](Self::made_at).
    pub(crate) fn publish_made(mut self) -> Result<()> {
        self.inside = self.outer.file(RESULT).open_folder()?;
        self.publish(RESULT)
    }

    fn start(target: &Path, replace: bool, what: What) -> Result<Self> {
        let target = Self::check(target, replace, what)?;
        if what == What::Array {
            // Checked before the work as well as after it.
            has_sums(&target)?;
            target.sibling(CHANGING).check_own(MARK_TEXT)?;
        }
        let prefix = hidden_prefix(target.name());
        remove_abandoned(target.folder(), &prefix);
        let (hidden, outer, mark) = make_hidden(&target, &prefix)?;
        let (inside, process) = (Arc::clone(&outer), std::process::id());
        Ok(StagedFiles { hidden, outer, _mark: mark, inside, target, replace, what, process })
    }

    /// The place of a result. Fails if it is taken, if an existing file must not be replaced, or if there is no folder.
    pub(crate) fn check(target: &Path, replace: bool, what: What) -> Result<StoredFile> {
        match target.symlink_metadata() {
            Ok(_) if !replace => return Err(taken(target)),
            Ok(metadata) if metadata.is_symlink() && !target.exists() => {
                let error = taken(target).found("a dangling link");
                return Err(error.remedy("remove the link, or choose another name"));
            }
            _ => {}
        }
        let target = StoredFile::at(target)?;
        if target.name().len() > LONGEST_NAME {
            return Err(Error::new(ErrorKind::Format, "the name is too long")
                .in_file(target.path())
                .expected(format!("at most {LONGEST_NAME} bytes"))
                .found(target.name().len()));
        }
        if replace {
            check_replaceable(&target, what)?;
        }
        Ok(target)
    }

    /// A file of the unpublished result.
    pub(crate) fn file(&self, name: &str) -> StoredFile {
        self.inside.file(name)
    }

    /// A new empty file, which no one else can open before it is finished, and its final path, for messages.
    pub(crate) fn create(&self, name: &str) -> Result<(File, PathBuf)> {
        let file = self.inside.file(name).create()?;
        // Without locks on this file system it is only hidden.
        let _ = file.try_lock();
        let target = self.target.path();
        Ok((file, if self.what == What::Matrix { target.join(name) } else { target }))
    }

    /// Gives the result its name; `name` is the one file of a result that is not a folder.
    pub(crate) fn publish(self, name: &str) -> Result<()> {
        match self.what {
            What::Matrix => self.inside.sync().and_then(|()| self.publish_alone(RESULT)),
            What::Array => self.publish_array(name),
            What::Text => self.publish_alone(name),
        }
    }

    /// Gives the name to a folder, or to a file that has no sums.
    fn publish_alone(&self, name: &str) -> Result<()> {
        let target = &self.target;
        let built = self.outer.file(name);
        let (before, flags) = loop {
            let before = self.replace && check_replaceable(target, self.what)?;
            let flags = if before { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
            match give_name(&built, target, flags) {
                Ok(()) => break (before, flags),
                // Another file appeared, or disappeared, since the check.
                Err(_) if self.replace && target.exists()? != before => {}
                Err(error) => return Err(error),
            }
        };
        if before && let Err(other) = check_replaceable(&built, self.what) {
            // Another file appeared there just before.
            give_name(&built, target, flags).map_err(|e| self.stands(e))?;
            return Err(other);
        }
        if let Err(error) = target.folder().sync() {
            return Err(self.take_back(error, || give_back(&built, target, before)));
        }
        Ok(())
    }

    fn publish_array(&self, name: &str) -> Result<()> {
        let target = &self.target;
        let (built, old_sums) = (self.outer.file(name), self.outer.file("old-sums"));
        let (mark, old_mark) = (target.sibling(CHANGING), self.outer.file("old-mark"));
        let (sums, parent) = (side_file(target), target.folder());
        // The array and its sums are renamed one after the other; no other process may publish in between.
        let _lock = parent.lock(false)?;
        let before = self.replace && check_replaceable(target, self.what)?;
        if !before && target.exists()? {
            return Err(taken(&target.path()));
        }
        has_sums(target)?;
        mark.check_own(MARK_TEXT)?;
        // Old sums must never belong to the new array; without an old array they are left over from another file.
        let had_sums = match sums.rename(&old_sums, RenameFlags::empty()) {
            Ok(()) => true,
            Err(Errno::NOENT) => false,
            Err(e) => {
                return Err(Error::io("moving the old checksums away", sums.path(), e.into()));
            }
        };
        let restore = || match had_sums && before {
            true => old_sums.rename(&sums, RenameFlags::empty()),
            false => Ok(()),
        };
        let named = match had_sums {
            true => parent.sync(),
            false => Ok(()),
        };
        let flags = if before { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
        if let Err(error) = named.and_then(|()| give_name(&built, target, flags)) {
            return match restore() {
                Ok(()) => Err(error),
                Err(_) => Err(error.remedy("the old array is in place, but without its checksums")),
            };
        }
        let undo = || {
            let _ = sums.rename(&self.outer.file("new-sums"), RenameFlags::empty());
            give_back(&built, target, before)?;
            match old_mark.rename(&mark, RenameFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => restore(),
                failed => failed,
            }
        };
        let finished = (if had_sums { parent.sync() } else { Ok(()) }).and_then(|()| {
            // The mark of a writer that changed the old array and did not close it is removed with that array.
            match mark.rename(&old_mark, RenameFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(e) => return Err(Error::io("moving the mark away", mark.path(), e.into())),
            }
            let renamed = side_file(&built).rename(&sums, RenameFlags::empty());
            renamed.map_err(|e| Error::io("publishing", sums.path(), e.into()))?;
            parent.sync()
        });
        finished.map_err(|error| self.take_back(error, undo))
    }

    /// Reverts what could not be confirmed, and returns an error that describes the current state.
    fn take_back(
        &self,
        error: Error,
        undo: impl FnOnce() -> std::result::Result<(), Errno>,
    ) -> Error {
        match undo() {
            Ok(()) => {
                // A second failure cannot be reported.
                let _ = self.target.folder().sync();
                error
            }
            Err(_) => self.stands(error),
        }
    }

    /// The error for a result that was renamed before something failed.
    fn stands(&self, error: Error) -> Error {
        Error::new(
            ErrorKind::NotDurable,
            "the new result is in place, but the device did not confirm it",
        )
        .in_file(self.target.path())
        .found(error)
        .remedy("check the device, and write the result again")
    }
}

impl Drop for StagedFiles {
    /// Removes the old files, or a result that was not published. Best effort: what cannot be removed
    /// now stays hidden, and the next result of the name tries again.
    fn drop(&mut self) {
        if self.process == std::process::id() {
            remove_hidden(&self.outer, &self.hidden);
        }
    }
}

/// Gives `built` the name of `target`.
fn give_name(built: &StoredFile, target: &StoredFile, flags: RenameFlags) -> Result<()> {
    let path = target.path();
    match built.rename(target, flags) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(taken(&path)),
        // A file system without these guarantees. The target is checked first; a folder cannot be replaced.
        Err(Errno::INVAL | Errno::NOSYS) if flags == RenameFlags::NOREPLACE => {
            match target.exists()? {
                true => Err(taken(&path)),
                false => built
                    .rename(target, RenameFlags::empty())
                    .map_err(|e| Error::io("publishing", &path, e.into())),
            }
        }
        Err(e) => Err(Error::io("publishing", &path, e.into())),
    }
}

/// Moves a result away from its name again, and restores the previous file.
fn give_back(
    built: &StoredFile,
    target: &StoredFile,
    before: bool,
) -> std::result::Result<(), Errno> {
    let flags = if before { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
    target.rename(built, flags)
}

fn taken(path: &Path) -> Error {
    Error::new(ErrorKind::Exists, "the path already exists")
        .in_file(path)
        .remedy("choose another name, or Place::Replace")
}
