//! Files held by the handle of their folder and their name.
//!
//! Only ordinary files are opened: a pipe or a device is rejected by its kind, before a read of it could
//! block or never end. Names of side files derive from the name of the file, within the limits of file systems.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::folder::{Folder, beginning, same};
use crate::storage::memory::{lock_exclusive, lock_shared};

/// Maximum length of a file name on common file systems.
pub(crate) const LONGEST_NAME: usize = 255;

/// A file by the handle of its folder and its name.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    folder: Arc<Folder>,
    name: OsString,
    /// The link that the caller used, for messages.
    link: Option<PathBuf>,
}

impl Folder {
    /// A file in the folder, which need not exist.
    pub(crate) fn file(self: &Arc<Self>, name: impl Into<OsString>) -> StoredFile {
        StoredFile { folder: Arc::clone(self), name: name.into(), link: None }
    }
}

impl StoredFile {
    /// The file at a path, in its real folder: symbolic links are followed.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        // Without a trailing slash, which would follow a link.
        let path = path.components().as_path();
        let real = match path.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => {
                Some(path.canonicalize().map_err(|e| Error::io("following the link", path, e))?)
            }
            _ => None,
        };
        let link = real.is_some().then(|| path.to_owned());
        let path = real.as_deref().unwrap_or(path);
        let name = path.file_name().ok_or_else(|| {
            Error::new(ErrorKind::Format, "the path does not end in a name").in_file(path)
        })?;
        let folder = Folder::open(path.parent().unwrap_or(Path::new("")))?;
        Ok(StoredFile { folder, name: name.to_owned(), link })
    }

    /// The path of the file, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.link.clone().unwrap_or_else(|| self.folder.path.join(&self.name))
    }

    /// Its name in its folder.
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// The file named as this one plus an ending. If that is too long, a prefix and a hash of the name.
    pub(crate) fn sibling(&self, ending: &str) -> StoredFile {
        self.folder.file(with_ending(&self.name, ending))
    }

    /// The file's metadata, links not followed; `None` if it does not exist.
    fn stat(&self) -> Result<Option<Stat>> {
        match rustix::fs::statat(&self.folder.handle, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(Error::io("looking at", self.path(), e.into())),
        }
    }

    /// Whether a file of any kind exists there.
    pub(crate) fn exists(&self) -> Result<bool> {
        Ok(self.stat()?.is_some())
    }

    /// The kind of the file, links not followed; `None` if it does not exist.
    pub(crate) fn kind(&self) -> Result<Option<FileType>> {
        Ok(self.stat()?.map(|stat| FileType::from_raw_mode(stat.st_mode)))
    }

    /// Whether an open file is the one at this name now.
    pub(crate) fn is(&self, file: &File) -> bool {
        let there = self.stat().ok().flatten();
        rustix::fs::fstat(file).is_ok_and(|here| there.is_some_and(|there| same(&here, &there)))
    }

    /// Opens an ordinary file for reading.
    pub(crate) fn open(&self) -> Result<File> {
        self.open_as(OFlags::RDONLY, "opening")
    }

    /// Opens an ordinary file for reading, under a shared lock.
    pub(crate) fn open_read(&self) -> Result<File> {
        let file = self.open()?;
        lock_shared(&file, &self.path())?;
        Ok(file)
    }

    /// Opens an ordinary file for reading and writing, under an exclusive lock.
    pub(crate) fn open_write(&self) -> Result<File> {
        let file = self.open_as(OFlags::RDWR, "opening for writing")?;
        lock_exclusive(&file, &self.path())?;
        Ok(file)
    }

    fn open_as(&self, access: OFlags, doing: &str) -> Result<File> {
        let failed = |e: Errno| Error::io(doing, self.path(), e.into());
        // Opening some devices has side effects, so the kind is checked first, and again after opening.
        let stat = rustix::fs::statat(&self.folder.handle, &self.name, AtFlags::empty());
        self.check_ordinary(&stat.map_err(failed)?)?;
        let flags = access | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = rustix::fs::openat(&self.folder.handle, &self.name, flags, Mode::empty());
        let file = opened.map_err(failed)?;
        self.check_ordinary(&rustix::fs::fstat(&file).map_err(failed)?)?;
        Ok(file.into())
    }

    fn check_ordinary(&self, stat: &Stat) -> Result<()> {
        let found = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => return Ok(()),
            FileType::Directory => "a folder",
            FileType::Fifo => "a pipe",
            FileType::Socket => "a socket",
            _ => "a device",
        };
        let error = Error::new(ErrorKind::Format, "not an ordinary file")
            .in_file(self.path())
            .expected("an ordinary file")
            .found(found);
        Err(match found {
            "a folder" => {
                error.remedy("a folder may hold a sparse matrix, which Csr, Csc and Coo open")
            }
            _ => error,
        })
    }

    /// The bytes of a small file; `None` if it does not exist. Fails if it is longer than `longest`, without reading it
    /// all.
    pub(crate) fn read_small(&self, longest: u64) -> Result<Option<Vec<u8>>> {
        if !self.exists()? {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let file = match self.open() {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let read = file.take(longest + 1).read_to_end(&mut bytes);
        read.map_err(|e| Error::io("reading", self.path(), e))?;
        if bytes.len() as u64 > longest {
            return Err(Error::new(ErrorKind::Format, "the file is too long")
                .in_file(self.path())
                .expected(format!("at most {longest} bytes"))
                .found("more"));
        }
        Ok(Some(bytes))
    }

    /// Creates an empty file. Fails if one exists.
    pub(crate) fn create(&self) -> Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        rustix::fs::openat(&self.folder.handle, &self.name, flags, mode)
            .map(File::from)
            .map_err(|e| Error::io("creating", self.path(), e.into()))
    }

    /// Fails if a file exists there that is neither an ordinary file starting with `beginning` nor a torn one with a
    /// prefix of it; returns whether a file exists.
    pub(crate) fn check_own(&self, beginning: &str) -> Result<bool> {
        let other = |found: &str| {
            Error::new(
                ErrorKind::Exists,
                "a file of another program has the name of a file of this library",
            )
            .in_file(self.path())
            .expected("one of this library, or none")
            .found(found)
            .remedy("move it away")
        };
        match self.kind()? {
            None => return Ok(false),
            Some(FileType::RegularFile) => {}
            Some(_) => return Err(other("not an ordinary file")),
        }
        let mut found = Vec::new();
        let file = match self.open() {
            // It was removed meanwhile.
            Err(error) if error.is_not_found() => return Ok(false),
            other => other?,
        };
        let read = file.take(beginning.len() as u64).read_to_end(&mut found);
        read.map_err(|e| Error::io("reading", self.path(), e))?;
        match beginning.as_bytes().starts_with(&found) {
            true => Ok(true),
            false => Err(other("another file")),
        }
    }

    /// Writes a small file to the device, replacing an existing one.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        // Does not write to a link or a pipe, nor block on one.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        if let Some(stat) = self.stat()? {
            self.check_ordinary(&stat)?;
        }
        let mode = Mode::from_raw_mode(0o666);
        rustix::fs::openat(&self.folder.handle, &self.name, flags, mode)
            .map_err(Into::into)
            .and_then(|file| {
                let mut file = File::from(file);
                std::io::Write::write_all(&mut file, text.as_bytes())?;
                file.sync_all()
            })
            .map_err(|e| Error::io("writing", self.path(), e))
    }

    /// Removes the file; returns whether it existed.
    pub(crate) fn remove(&self) -> Result<bool> {
        match rustix::fs::unlinkat(&self.folder.handle, &self.name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(Error::io("removing", self.path(), e.into())),
        }
    }

    /// Renames the file. `flags` decide whether the new name must be free, is exchanged, or is replaced.
    pub(crate) fn rename(
        &self,
        to: &StoredFile,
        flags: RenameFlags,
    ) -> std::result::Result<(), Errno> {
        let (from_folder, to_folder) = (&self.folder.handle, &to.folder.handle);
        rustix::fs::renameat_with(from_folder, &self.name, to_folder, &to.name, flags)
    }

    /// Opens the folder of this name. Fails if it is not a folder, or is a link.
    pub(crate) fn open_folder(&self) -> Result<Arc<Folder>> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY | OFlags::NOFOLLOW;
        rustix::fs::openat(&self.folder.handle, &self.name, flags, Mode::empty())
            .map(|handle| Arc::new(Folder { handle: handle.into(), path: self.path() }))
            .map_err(|e| Error::io("opening the folder", self.path(), e.into()))
    }
}

/// A name with an ending, within the length limit of file systems.
fn with_ending(name: &OsStr, ending: &str) -> OsString {
    let mut whole = name.to_owned();
    whole.push(ending);
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let sum = format!(".{:016x}{ending}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()));
    let mut short = beginning(name, LONGEST_NAME - sum.len());
    short.push(sum);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_endings_stay_within_what_a_file_system_takes() {
        assert_eq!(with_ending("a.npy".as_ref(), ".xxh3"), "a.npy.xxh3");
        let names = ["x".repeat(250), "x".repeat(251), "x".repeat(255), "ä".repeat(127)];
        let whole: Vec<_> = names.iter().map(|name| with_ending(name.as_ref(), ".xxh3")).collect();
        assert!(whole.iter().all(|name| name.len() <= LONGEST_NAME && name.to_str().is_some()));
        assert_ne!(whole[1], whole[2]);
    }
}
