//! Folders held by a handle, so that files opened together belong together.
//!
//! A path can name another file a moment later. Files opened through the handle of their folder are those of one
//! folder, even if its name changes meanwhile. If a folder is replaced while it is being opened, its files are missing,
//! and it is opened again.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Dir, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};

/// How often to reopen a folder that keeps being replaced.
const ATTEMPTS: usize = 1000;

/// How long to wait for other processes that publish in the same folder.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder by its handle. The path is for messages, and for checking whether the folder is still there.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) handle: File,
    pub(crate) path: PathBuf,
}

/// Keeps others from publishing in a folder while it lives; without effect on a file system without locks.
pub(crate) struct FolderLock {
    _handle: Option<File>,
}

impl Folder {
    /// Opens a folder. Fails if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>> {
        let at = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = match rustix::fs::openat(CWD, at, flags | OFlags::RDONLY, Mode::empty()) {
            // A folder that may be passed through but not listed.
            Err(Errno::ACCESS) => rustix::fs::openat(CWD, at, flags | OFlags::PATH, Mode::empty()),
            other => other,
        };
        match opened {
            Ok(handle) => Ok(Arc::new(Folder { handle: handle.into(), path: path.to_owned() })),
            Err(Errno::NOTDIR) => Err(Error::new(ErrorKind::Format, "not a folder")
                .in_file(at)
                .expected("a folder")
                .found("a file, or a file on the way to it")),
            Err(e) => Err(Error::io("opening the folder", at, e.into())),
        }
    }

    /// Does `work` on the folder at `path`; tries again if it fails and the folder was replaced meanwhile.
    pub(crate) fn whole<R>(
        path: &Path,
        mut work: impl FnMut(&Arc<Folder>) -> Result<R>,
    ) -> Result<R> {
        for _ in 0..ATTEMPTS {
            let folder = Folder::open(path)?;
            match work(&folder) {
                Err(_) if !folder.is_there() => {}
                outcome => return outcome,
            }
        }
        Err(replaced(path).remedy("try again: it is being replaced faster than it can be opened"))
    }

    /// Whether the path still leads to this folder.
    pub(crate) fn is_there(&self) -> bool {
        let here = rustix::fs::fstat(&self.handle);
        let at = if self.path.as_os_str().is_empty() { Path::new(".") } else { &self.path };
        let there = rustix::fs::stat(at);
        here.is_ok_and(|here| there.is_ok_and(|there| same(&here, &there)))
    }

    /// Where the folder was found.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names in the folder.
    pub(crate) fn names(&self) -> Result<Vec<OsString>> {
        let failed = |e: Errno| Error::io("listing", &self.path, e.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Writes the folder itself, the names in it, to the device.
    pub(crate) fn sync(&self) -> Result<()> {
        self.handle.sync_all().map_err(|e| Error::io("writing back the folder", &self.path, e))
    }

    /// Waits until no other process publishes a file in the folder, and locks it: against all others, or if `shared`
    /// against publishers only.
    pub(crate) fn lock(&self, shared: bool) -> Result<FolderLock> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let Ok(handle) = rustix::fs::openat(&self.handle, ".", flags, Mode::empty()) else {
            return Ok(FolderLock { _handle: None });
        };
        let (handle, start) = (File::from(handle), Instant::now());
        let mut pause = Duration::from_micros(50);
        loop {
            let outcome = if shared { handle.try_lock_shared() } else { handle.try_lock() };
            match outcome {
                Ok(()) => return Ok(FolderLock { _handle: Some(handle) }),
                Err(TryLockError::Error(_)) => return Ok(FolderLock { _handle: None }),
                Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                    return Err(Error::new(
                        ErrorKind::Locked,
                        "the folder is locked by another process",
                    )
                    .in_file(&self.path)
                    .expected("no process that holds the lock for more than a moment"));
                }
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(5));
                }
            }
        }
    }
}

/// The error for a file or folder that is no longer there.
pub(crate) fn replaced(path: &Path) -> Error {
    Error::new(ErrorKind::Replaced, "what was opened is no longer there")
        .in_file(path)
        .expected("the file that was opened")
        .found("another, or none")
}

pub(crate) fn same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

/// At most `most` bytes of a name, whole characters if it is text.
pub(crate) fn beginning(name: &OsStr, most: usize) -> OsString {
    let bytes = name.as_bytes();
    let mut end = bytes.len().min(most);
    while end > 0 && end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    OsStr::from_bytes(&bytes[..end]).to_owned()
}
