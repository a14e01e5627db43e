//! Changing a stored array in place: its checksums are removed before the first store and written again after the last.
//!
//! While an array is being changed, and after a writer that crashed, a mark replaces its sums: a file called
//! `NAME.changing`. Opening the array then fails with that reason. The mark is written before the sums are removed, and
//! removed after they are written again.

use std::fs::File;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::checksum;
use crate::storage::files::folder::replaced;
use crate::storage::files::stored_file::StoredFile;
use crate::storage::files::sums::Checksums;
use crate::storage::memory::{RawBuffer, RawBufferMut, lock_shared};
use crate::storage::runtime::Context;

/// The ending of the mark next to a file that is being changed.
pub(crate) const MARK: &str = ".changing";

/// The text of the mark.
pub(crate) const MARK_TEXT: &str =
    "being changed in place, or left unfinished by a process that crashed\n";

/// A stored array that is being changed in place.
#[derive(Debug)]
pub(crate) struct Rewrite {
    stored: StoredFile,
}

impl Rewrite {
    /// Marks an array, which is mapped under an exclusive lock, as being changed, and removes its sums.
    ///
    /// Fails if its file is no longer there under its name.
    pub(crate) fn start(stored: StoredFile, array: &RawBufferMut) -> Result<Self> {
        let (origin, _) = array.origin().ok_or_else(|| replaced(&stored.path()))?;
        Self::start_file(stored, &origin.file)
    }

    fn start_file(stored: StoredFile, file: &File) -> Result<Self> {
        let lock = stored.folder().lock(false)?;
        check_there(&stored, file)?;
        let (mark, sums) = (stored.sibling(MARK), checksum::side_file(&stored));
        mark.check_own(MARK_TEXT)?;
        let had_sums = checksum::has_sums(&stored)?;
        mark.write(MARK_TEXT)?;
        stored.folder().sync()?;
        if had_sums {
            sums.remove()?;
            stored.folder().sync()?;
        }
        drop(lock);
        Ok(Rewrite { stored })
    }

    /// Writes the changed array to the device, computes its sums unless `sums` are given, and gives up the right to
    /// write.
    ///
    /// Fails if another file has the name by now. The changes are then in a file without a name, and the sums and marks
    /// of the other file are not touched.
    pub(crate) fn end(
        self,
        array: RawBufferMut,
        sums: Option<Checksums>,
        ctx: &Context,
    ) -> Result<RawBuffer> {
        array.flush()?;
        let stored = &self.stored;
        let path = stored.path();
        let (origin, start) = array.origin().ok_or_else(|| replaced(&path))?;
        origin.file.sync_all().map_err(|e| Error::io("writing back", &path, e))?;
        {
            let _lock = stored.folder().lock(false)?;
            if let Err(error) = check_there(stored, &origin.file) {
                if !stored.exists()? {
                    // It was moved away, and the file now at its name is not being changed.
                    stored.sibling(MARK).remove()?;
                }
                return Err(error);
            }
        }
        let (length, sums) = match sums {
            Some(sums) => (start + array.bytes(), sums),
            None => checksum::sum_file(&origin.file, &path, ctx)?,
        };
        let lock = stored.folder().lock(false)?;
        check_there(stored, &origin.file)?;
        checksum::write_sums(stored, length, &sums)?;
        stored.folder().sync()?;
        stored.sibling(MARK).remove()?;
        stored.folder().sync()?;
        drop(lock);
        let array = array.freeze();
        if let Some((origin, _)) = array.origin() {
            lock_shared(&origin.file, &path)?;
        }
        Ok(array)
    }
}

fn check_there(stored: &StoredFile, file: &File) -> Result<()> {
    match stored.is(file) && stored.folder().is_there() {
        true => Ok(()),
        false => Err(replaced(&stored.path())),
    }
}

/// Fails if an array is marked as being changed; `locked` says that its folder is locked against publishers.
pub(crate) fn check_closed(stored: &StoredFile, locked: bool) -> Result<()> {
    let mark = stored.sibling(MARK);
    if !mark.exists()? {
        return Ok(());
    }
    // It may be the mark of a file that is just being replaced.
    let _lock = if locked { None } else { Some(stored.folder().lock(true)?) };
    if !locked && !mark.exists()? {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unfinished, "the last writer did not close it")
        .in_file(stored.path())
        .expected(format!("no {}", mark.path().display()))
        .found("the mark: some values may be old and some new")
        .remedy("open it with open_unfinished, or write it again"))
}

/// Opens an array by `open`, which also returns the open file. Fails if the array is being changed.
///
/// The mark is checked before and after: a file that was marked when it was opened, and was replaced before the check,
/// is opened again.
pub(crate) fn open_closed<R>(
    stored: &StoredFile,
    mut open: impl FnMut() -> Result<R>,
    is_current: impl Fn(&R) -> bool,
) -> Result<R> {
    loop {
        let marked = stored.sibling(MARK).exists()?;
        let opened = open()?;
        check_closed(stored, false)?;
        if !marked || is_current(&opened) {
            return Ok(opened);
        }
    }
}
