//! A result on its way to its place: arrays are made, filled, finished, and published together or not at all.
//!
//! For a path, everything is built in a hidden sibling folder `.NAME.tmp-` and six letters. Publishing writes files and folder
//! to the device, renames in one step, and writes the parent folder to the device, in this order; a crash leaves
//! either the old state or the new one. The sibling is held under a lock, and one whose maker died (its lock is free)
//! is removed by the next stage for the same name. Scratch arrays have no name from the start.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::buffer::{Buffer, Origin};
use crate::storage::buffer_mut::BufferMut;
use crate::storage::checksum;
use crate::storage::context::Context;
use crate::storage::element::Entry;
use crate::storage::npy::{DATA_START, NpyHeader, create_array, finish_array};
use crate::storage::place::Place;
use crate::storage::sums::Sums;
use crate::storage::writer::{ArrayWriter, Written};

/// The arrays of one result until they are published.
pub(crate) struct Stage {
    kind: Kind,
    ctx: Context,
    /// Bytes of memory handed out so far, against the limit.
    memory: AtomicU64,
}

enum Kind {
    Memory,
    Scratch,
    Files(Files),
}

struct Files {
    /// The hidden sibling; removed when dropped.
    building: TempDir,
    /// The open sibling, holding its lock.
    folder: File,
    target: PathBuf,
    replace: bool,
    /// Whether the target is the folder itself, or the one file in it.
    is_folder: bool,
}

impl Stage {
    /// A stage whose result is a folder of arrays, such as a sparse matrix.
    pub(crate) fn folder(place: &Place, ctx: &Context) -> Result<Self> {
        Self::new(place, ctx, true)
    }

    /// A stage whose result is one array file.
    pub(crate) fn file(place: &Place, ctx: &Context) -> Result<Self> {
        Self::new(place, ctx, false)
    }

    fn new(place: &Place, ctx: &Context, is_folder: bool) -> Result<Self> {
        let kind = match place {
            Place::Memory => Kind::Memory,
            Place::Scratch => Kind::Scratch,
            Place::File(target) => Kind::Files(Files::new(target, false, is_folder)?),
            Place::Replace(target) => Kind::Files(Files::new(target, true, is_folder)?),
        };
        Ok(Stage { kind, ctx: ctx.clone(), memory: AtomicU64::new(0) })
    }

    /// Whether the result goes away with its last user, and has no checksums.
    pub(crate) fn is_scratch(&self) -> bool {
        matches!(self.kind, Kind::Scratch)
    }

    /// A new array of zeros, with the elements and the shape of `header`, to be called `name` (`values.npy`).
    ///
    /// Fails if memory beyond the limit, or disk space that is not there, would be needed.
    pub(crate) fn array<T: Entry>(&self, name: &str, header: &NpyHeader) -> Result<BufferMut<T>> {
        let bytes = header.checked_bytes()?;
        match &self.kind {
            Kind::Memory => {
                let before = self.memory.fetch_add(bytes, Ordering::Relaxed);
                self.ctx.check_memory(name, before.saturating_add(bytes))?;
                let zeros = BufferMut::zeros(bytes as usize / size_of::<T>())?;
                Ok(zeros.counted(self.ctx.meter()))
            }
            Kind::Scratch => {
                let folder = self.ctx.scratch_folder();
                let file = tempfile::tempfile_in(folder)
                    .map_err(|e| Error::io("making a scratch file in", folder, e))?;
                create_array(file, folder, header)
            }
            Kind::Files(files) => {
                let Origin { path, file } = files.create(name)?;
                create_array(file, &path, header)
            }
        }
    }

    /// A new array of about the elements of `header`, to be made from the first to the last; exactly those if `exact`.
    ///
    /// Fails as [`array`](Self::array) does.
    pub(crate) fn writer<T: Entry>(
        &self,
        name: &str,
        header: &NpyHeader,
        exact: bool,
    ) -> Result<ArrayWriter<T>> {
        let bytes = header.checked_bytes()?;
        match &self.kind {
            Kind::Memory if exact => {
                let before = self.memory.fetch_add(bytes, Ordering::Relaxed);
                self.ctx.check_memory(name, before.saturating_add(bytes))?;
                ArrayWriter::memory(bytes as usize / size_of::<T>(), &self.ctx)
            }
            Kind::Memory => ArrayWriter::memory(0, &self.ctx),
            Kind::Scratch => ArrayWriter::scratch(header, &self.ctx),
            Kind::Files(files) => ArrayWriter::file(files.create(name)?, header, true, &self.ctx),
        }
    }

    /// Ends the writing of an array made by [`writer`](Self::writer), whose elements `header` counts.
    pub(crate) fn finish_writer<T: Entry>(
        &self,
        name: &str,
        writer: ArrayWriter<T>,
        header: &NpyHeader,
    ) -> Result<Buffer<T>> {
        let Written { array, length, sums } = writer.finish(header)?;
        if let Kind::Files(files) = &self.kind {
            checksum::write_sums(&files.building.path().join(name), length, &sums)?;
        }
        Ok(array)
    }

    /// Ends the writing of an array made by [`array`](Self::array): cut to the shape in `header`, which is no larger
    /// than what it was made with, summed, and written to the device.
    pub(crate) fn finish<T: Entry>(
        &self,
        name: &str,
        array: BufferMut<T>,
        header: &NpyHeader,
    ) -> Result<Buffer<T>> {
        if array.origin().is_some() {
            self.ctx.meter().wrote(header.data_bytes());
        }
        self.finish_summed(name, array, header, None)
    }

    /// As [`finish`](Self::finish), for an array of the shape it was made with whose file was written, and is summed
    /// already if there are `sums`.
    pub(crate) fn finish_summed<T: Entry>(
        &self,
        name: &str,
        array: BufferMut<T>,
        header: &NpyHeader,
        sums: Option<Sums>,
    ) -> Result<Buffer<T>> {
        let array = array.freeze();
        if let Some((origin, _)) = array.origin() {
            finish_array(origin, header)?;
        }
        if let Kind::Files(files) = &self.kind {
            let path = files.building.path().join(name);
            match sums {
                Some(sums) => {
                    checksum::write_sums(&path, DATA_START + header.data_bytes(), &sums)?;
                }
                None => checksum::write(&path, &self.ctx)?,
            }
        }
        Ok(array.slice(0..header.data_bytes() as usize / size_of::<T>()))
    }

    /// Adds a small text file to a folder.
    pub(crate) fn text(&self, name: &str, text: &str) -> Result<()> {
        if let Kind::Files(files) = &self.kind {
            let path = files.building.path().join(name);
            fs::write(&path, text).map_err(|e| Error::io("writing", &path, e))?;
            sync(&path)?;
            checksum::write(&path, &self.ctx)?;
        }
        Ok(())
    }

    /// Gives the finished result its name. `name` is the one file of a stage that is not a folder.
    pub(crate) fn publish(self, name: &str) -> Result<()> {
        self.ctx.check_cancelled()?;
        match self.kind {
            Kind::Memory | Kind::Scratch => Ok(()),
            Kind::Files(files) if files.is_folder => files.publish_folder(),
            Kind::Files(files) => files.publish_file(name),
        }
    }
}

impl Files {
    fn new(target: &Path, replace: bool, is_folder: bool) -> Result<Self> {
        if !replace && target.symlink_metadata().is_ok() {
            return Err(taken(target));
        }
        let name = target.file_name().ok_or_else(|| {
            Error::new(ErrorKind::Format, "the path does not end in a name").in_file(target)
        })?;
        let prefix = format!(".{}.tmp-", name.to_string_lossy());
        remove_abandoned(parent(target), &prefix);
        let building = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(parent(target))
            .map_err(|e| Error::io("creating a folder beside", target, e))?;
        let folder =
            File::open(building.path()).map_err(|e| Error::io("opening", building.path(), e))?;
        // Without locks on this file system an abandoned folder stays, but nothing is lost.
        let _ = folder.try_lock();
        Ok(Files { building, folder, target: target.to_owned(), replace, is_folder })
    }

    /// A new empty file; its path is where it will be found in the end, for messages.
    fn create(&self, name: &str) -> Result<Origin> {
        let path = self.building.path().join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|e| Error::io("creating", &path, e))?;
        let published = if self.is_folder { self.target.join(name) } else { self.target.clone() };
        Ok(Origin { path: published, file })
    }

    fn publish_folder(self) -> Result<()> {
        self.folder.sync_all().map_err(|e| Error::io("writing back", &self.target, e))?;
        if self.replace && self.target.exists() {
            // The old folder comes to lie under the hidden name and is removed with it.
            renameat_with(CWD, self.building.path(), CWD, &self.target, RenameFlags::EXCHANGE)
                .map_err(|e| Error::io("replacing", &self.target, e.into()))?;
        } else {
            rename_new(self.building.path(), &self.target)?;
            // The folder has its final name now; there is nothing left to remove.
            let _ = self.building.keep();
        }
        sync(parent(&self.target))
    }

    fn publish_file(self, name: &str) -> Result<()> {
        let built = self.building.path().join(name);
        let (built_sums, sums) = (checksum::side_file(&built), checksum::side_file(&self.target));
        if self.replace {
            // Old sums must never stand beside new data, nor the other way round.
            remove_if_there(&sums)?;
            fs::rename(&built, &self.target)
                .map_err(|e| Error::io("replacing", &self.target, e))?;
        } else {
            rename_new(&built, &self.target)?;
        }
        sync(parent(&self.target))?;
        fs::rename(&built_sums, &sums).map_err(|e| Error::io("publishing", &sums, e))?;
        sync(parent(&self.target))
    }
}

/// Renames to a name that must be free.
fn rename_new(from: &Path, to: &Path) -> Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(taken(to)),
        // A file system without that promise: look first.
        Err(Errno::INVAL | Errno::NOSYS) if to.symlink_metadata().is_err() => {
            fs::rename(from, to).map_err(|e| Error::io("publishing", to, e))
        }
        Err(Errno::INVAL | Errno::NOSYS) => Err(taken(to)),
        Err(e) => Err(Error::io("publishing", to, e.into())),
    }
}

fn taken(path: &Path) -> Error {
    Error::new(ErrorKind::Exists, "something is there already")
        .in_file(path)
        .remedy("choose another name, or Place::Replace")
}

/// Removes a file that may not be there.
pub(crate) fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("removing", path, e)),
        _ => Ok(()),
    }
}

/// The folder that holds `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Writes a file or folder to the device.
pub(crate) fn sync(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|e| Error::io("writing back", path, e))
}

/// How old a sibling must be before a free lock means that its maker is gone; a younger one may just be locked.
const SETTLED: Duration = Duration::from_secs(60);

/// Removes hidden siblings whose makers are gone: their locks are free, and they are not just being made.
fn remove_abandoned(folder: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let settled = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|made| made.elapsed().is_ok_and(|age| age > SETTLED));
        let free = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if settled && free() {
            // Best effort: what cannot be removed now stays hidden and harmless.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
