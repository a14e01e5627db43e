//! Changing a stored array where it lies: its checksums go before the first store and come back after the last.
//!
//! While it is being changed, and after a writer that died, a mark stands beside it, `NAME.changing`, in the place of sums;
//! whoever opens it then is told so. The mark comes before the sums go, and goes after they have come back.

use std::fs::File;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::checksum;
use crate::storage::files::folder::replaced;
use crate::storage::files::stored_file::StoredFile;
use crate::storage::files::sums::Checksums;
use crate::storage::memory::{RawBuffer, RawBufferMut, lock_shared};
use crate::storage::runtime::Context;

/// The ending of the mark beside a file that is being changed.
pub(crate) const MARK: &str = ".changing";

/// The text of the mark.
pub(crate) const MARK_TEXT: &str =
    "being changed where it lies, or left so by a writer that died\n";

/// A stored array that is being changed where it lies.
#[derive(Debug)]
pub(crate) struct Rewrite {
    stored: StoredFile,
}

impl Rewrite {
    /// Marks an array as being changed, which is mapped under an exclusive lock, and removes its sums.
    ///
    /// Fails if its file is no longer there under its name.
    pub(crate) fn start(stored: StoredFile, array: &RawBufferMut) -> Result<Self> {
        let (origin, _) = array.origin().ok_or_else(|| replaced(&stored.path()))?;
        Self::start_file(stored, &origin.file)
    }

    fn start_file(stored: StoredFile, file: &File) -> Result<Self> {
        let lock = stored.folder().lock(false)?;
        check_there(&stored, file)?;
        let (mark, sums) = (stored.beside(MARK), checksum::side_file(&stored));
        mark.check_own(MARK_TEXT)?;
        let had_sums = sums.check_own(checksum::BEGINNING)?;
        mark.write(MARK_TEXT)?;
        stored.folder().sync()?;
        if had_sums {
            sums.remove()?;
            stored.folder().sync()?;
        }
        drop(lock);
        Ok(Rewrite { stored })
    }

    /// Writes the changed array to the device, sums it if there are no `sums` of its file yet, and gives up the right to
    /// write.
    ///
    /// Fails if another file stands under the name by now: what was written is then in no file that has a name, and sums
    /// and marks of the other are left alone.
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
                    // It was moved away, and what comes to stand there is not being changed.
                    stored.beside(MARK).remove()?;
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
        stored.beside(MARK).remove()?;
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

/// Fails if an array is marked as being changed; `locked` says that nobody publishes in its folder meanwhile.
pub(crate) fn check_closed(stored: &StoredFile, locked: bool) -> Result<()> {
    let mark = stored.beside(MARK);
    if !mark.exists()? {
        return Ok(());
    }
    // It may be the mark of what is just being replaced.
    let _lock = if locked { None } else { Some(stored.folder().lock(true)?) };
    if !locked && !mark.exists()? {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unfinished, "a writer that changed it did not close it")
        .in_file(stored.path())
        .expected(format!("no {}", mark.path().display()))
        .found("it: values may be partly old and partly new")
        .remedy("open it with open_unfinished, or write it anew"))
}

/// Opens an array that must be closed, with `open`, which hands out its open file as well.
///
/// The mark is looked for before and after: a file that was marked when it was opened, and had been replaced by the time
/// that was looked at, is opened anew.
pub(crate) fn open_closed<R>(
    stored: &StoredFile,
    mut open: impl FnMut() -> Result<R>,
    is_current: impl Fn(&R) -> bool,
) -> Result<R> {
    loop {
        let marked = stored.beside(MARK).exists()?;
        let opened = open()?;
        check_closed(stored, false)?;
        if !marked || is_current(&opened) {
            return Ok(opened);
        }
    }
}
