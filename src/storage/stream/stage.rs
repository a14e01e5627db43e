//! An unpublished result: arrays are made, filled, finished, and published together or not at all.
//!
//! For a path, everything is built in a hidden sibling folder (`publish.rs`). Publishing writes files and folder to the
//! device, renames in one step, and writes the parent folder to the device, in this order; a crash leaves either the
//! old state or the new one. Scratch arrays have no name from the start.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Access, access};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::{
    Checksums, DATA_START, INDICES_FILE, NpyHeader, POINTERS_FILE, ROWS_FILE, StagedFiles,
    VALUES_FILE, What, checksum, create_array, create_headerless, finish_array, scratch_file,
};
use crate::storage::memory::raw::width;
use crate::storage::memory::{DType, Origin, RawBuffer, RawBufferMut};
use crate::storage::runtime::{Context, Place, Plan};
use crate::storage::stream::writer::{RawWriter, Written};

/// The arrays of one result until they are published.
pub(crate) struct Stage {
    kind: StageKind,
    ctx: Context,
    /// Bytes of memory allocated so far, counted against the limit.
    memory: AtomicU64,
}

enum StageKind {
    Memory,
    Scratch,
    StagedFiles(StagedFiles),
}

impl Stage {
    /// A stage whose result is a folder of arrays, such as a sparse matrix.
    pub(crate) fn folder(place: &Place, ctx: &Context) -> Result<Self> {
        Self::new(place, ctx, What::Matrix)
    }

    /// A stage whose result is one array file.
    pub(crate) fn file(place: &Place, ctx: &Context) -> Result<Self> {
        Self::new(place, ctx, What::Array)
    }

    /// A stage whose result is one file of raw bytes, at a path.
    pub(crate) fn plain(place: &Place, ctx: &Context) -> Result<Self> {
        match place {
            Place::File(_) | Place::Replace(_) => Self::new(place, ctx, What::Text),
            Place::Memory | Place::Scratch => {
                Err(Error::new(ErrorKind::Unsupported, "a file without a header needs a path")
                    .expected("Place::File or Place::Replace")
                    .found(format!("{place:?}")))
            }
        }
    }

    /// A new array of zeros in a file with only its elements, to be called `name`.
    pub(crate) fn headerless(
        &self,
        name: &str,
        dtype: DType,
        header: &NpyHeader,
    ) -> Result<RawBufferMut> {
        let bytes = header.checked_bytes()?;
        match &self.kind {
            StageKind::StagedFiles(files) => {
                let (file, path) = files.create(name)?;
                create_headerless(file, &path, dtype, bytes)
            }
            StageKind::Memory | StageKind::Scratch => self.array(name, dtype, header),
        }
    }

    fn new(place: &Place, ctx: &Context, what: What) -> Result<Self> {
        let kind = match place {
            Place::Memory => StageKind::Memory,
            Place::Scratch => StageKind::Scratch,
            Place::File(target) => StageKind::StagedFiles(StagedFiles::new(target, false, what)?),
            Place::Replace(target) => StageKind::StagedFiles(StagedFiles::new(target, true, what)?),
        };
        Ok(Stage { kind, ctx: ctx.clone(), memory: AtomicU64::new(0) })
    }

    /// Bytes of memory that a result needs while it is written from the first element to the last: all of it in memory,
    /// otherwise the buffers of files; `arrays` are the bytes of each array.
    pub(crate) fn memory(arrays: &[u64], place: &Place, ctx: &Context) -> u64 {
        match place {
            Place::Memory => arrays.iter().fold(0, |sum, &bytes| sum.saturating_add(bytes)),
            _ => arrays.len() as u64 * RawWriter::extra_memory(ctx.memory_left()),
        }
    }

    /// The memory left for the work while a result of these arrays is made at `place`. Fails if the result goes to memory
    /// and does not fit.
    pub(crate) fn memory_left(arrays: &[u64], place: &Place, ctx: &Context) -> Result<u64> {
        let taken = Self::memory(arrays, place, ctx);
        if *place == Place::Memory {
            ctx.check_memory("the result", taken)?;
        }
        Ok(ctx.memory_left().saturating_sub(taken))
    }

    /// Adds a result of arrays of these sizes, one file or a folder of several, to a plan: the memory of
    /// [`memory`](Self::memory), and the bytes written.
    pub(crate) fn plan(plan: Plan, arrays: &[u64], place: &Place, ctx: &Context) -> Plan {
        let plan = plan.at(place, arrays.len() > 1).throughout(Self::memory(arrays, place, ctx));
        match place {
            Place::Memory => plan,
            _ => arrays.iter().fold(plan, |plan, &bytes| plan.writes(bytes).writes(DATA_START)),
        }
    }

    /// Whether the result disappears with its last user, and has no checksums.
    pub(crate) fn is_scratch(&self) -> bool {
        matches!(self.kind, StageKind::Scratch)
    }

    /// Bytes of the elements of an array. A size that overflows would not fit in memory either.
    fn bytes_of(&self, name: &str, header: &NpyHeader) -> Result<u64> {
        header.checked_bytes().or_else(|error| match self.kind {
            StageKind::Memory if !header.is_empty() => {
                self.ctx.check_memory(thing(name), u64::MAX).and(Err(error))
            }
            _ => Err(error),
        })
    }

    /// A new array of zeros, with the elements and the shape of `header`, to be called `name` (`values.npy`).
    ///
    /// Fails if it would need memory beyond the limit, or more disk space than there is.
    pub(crate) fn array(
        &self,
        name: &str,
        dtype: DType,
        header: &NpyHeader,
    ) -> Result<RawBufferMut> {
        let bytes = self.bytes_of(name, header)?;
        match &self.kind {
            StageKind::Memory => {
                let before = self.memory.fetch_add(bytes, Ordering::Relaxed);
                self.ctx.check_memory(thing(name), before.saturating_add(bytes))?;
                let zeros = RawBufferMut::fresh(Some(dtype), bytes as usize / dtype.size())?;
                Ok(zeros.counted(self.ctx.meter()))
            }
            StageKind::Scratch => {
                let folder = self.ctx.scratch_folder();
                let file = scratch_file(folder)?;
                create_array(file, folder, dtype, header)
            }
            StageKind::StagedFiles(files) => {
                let (file, path) = files.create(name)?;
                create_array(file, &path, dtype, header)
            }
        }
    }

    /// A new array of about as many elements as in `header`, or exactly as many if `exact`, written from first to last.
    ///
    /// Fails as [`array`](Self::array) does.
    pub(crate) fn writer(
        &self,
        name: &str,
        dtype: DType,
        header: &NpyHeader,
        exact: bool,
    ) -> Result<RawWriter> {
        let bytes = self.bytes_of(name, header)?;
        match &self.kind {
            StageKind::Memory if exact => {
                let before = self.memory.fetch_add(bytes, Ordering::Relaxed);
                self.ctx.check_memory(thing(name), before.saturating_add(bytes))?;
                RawWriter::memory(dtype, bytes as usize / dtype.size(), &self.ctx)
            }
            StageKind::Memory => RawWriter::memory(dtype, 0, &self.ctx),
            StageKind::Scratch => RawWriter::scratch(dtype, header, &self.ctx),
            StageKind::StagedFiles(files) => {
                let (file, path) = files.create(name)?;
                RawWriter::file(Origin { path, file }, dtype, header, true, &self.ctx)
            }
        }
    }

    /// Ends the writing of an array made by [`writer`](Self::writer), whose elements `header` counts.
    pub(crate) fn finish_writer(
        &self,
        name: &str,
        writer: RawWriter,
        header: &NpyHeader,
    ) -> Result<RawBuffer> {
        let Written { array, length, sums } = writer.finish(header)?;
        if let StageKind::StagedFiles(files) = &self.kind {
            checksum::write_sums(&files.file(name), length, &sums)?;
        }
        Ok(array)
    }

    /// Ends the writing of an array made by [`array`](Self::array): cut to the shape in `header`, which is no larger
    /// than what it was made with, summed, and written to the device.
    pub(crate) fn finish(
        &self,
        name: &str,
        array: RawBufferMut,
        header: &NpyHeader,
    ) -> Result<RawBuffer> {
        if array.origin().is_some() {
            self.ctx.meter().wrote(DATA_START + header.data_bytes());
        }
        self.finish_summed(name, array, header, None)
    }

    /// As [`finish`](Self::finish), for an array of unchanged shape whose file was written, and has been summed
    /// already if there are `sums`.
    pub(crate) fn finish_summed(
        &self,
        name: &str,
        array: RawBufferMut,
        header: &NpyHeader,
        sums: Option<Checksums>,
    ) -> Result<RawBuffer> {
        let width = width(array.dtype()).max(1);
        let array = array.freeze();
        if let Some((origin, _)) = array.origin() {
            finish_array(origin, header)?;
        }
        if let StageKind::StagedFiles(files) = &self.kind {
            let stored = files.file(name);
            match sums {
                Some(sums) => {
                    checksum::write_sums(&stored, DATA_START + header.data_bytes(), &sums)?;
                }
                None => checksum::write(&stored, &stored.open()?, &self.ctx)?,
            }
        }
        Ok(array.slice(0..header.data_bytes() as usize / width))
    }

    /// Adds a small text file to a folder.
    pub(crate) fn text(&self, name: &str, text: &dyn Fn() -> String) -> Result<()> {
        if let StageKind::StagedFiles(files) = &self.kind {
            let stored = files.file(name);
            stored.write(&text())?;
            checksum::write(&stored, &stored.open()?, &self.ctx)?;
        }
        Ok(())
    }

    /// Gives the finished result its name. `name` is the one file of a stage that is not a folder.
    pub(crate) fn publish(self, name: &str) -> Result<()> {
        self.ctx.check_cancelled()?;
        match self.kind {
            StageKind::Memory | StageKind::Scratch => Ok(()),
            StageKind::StagedFiles(files) => files.publish(name),
        }
    }
}

/// The role of the array called `name`, for an error about a result without a folder.
fn thing(name: &str) -> &'static str {
    match name {
        POINTERS_FILE => "the pointers",
        INDICES_FILE => "the indices",
        ROWS_FILE => "the row indices",
        VALUES_FILE => "the values",
        _ => "the array",
    }
}

/// Fails as a stage for the place would, without making one.
pub(crate) fn check_place(place: &Place, is_folder: bool, ctx: &Context) -> Result<()> {
    let (folder, target) = match place {
        Place::Memory => return Ok(()),
        Place::Scratch => (ctx.scratch_folder().to_owned(), None),
        Place::File(target) | Place::Replace(target) => {
            let replace = matches!(place, Place::Replace(_));
            let what = if is_folder { What::Matrix } else { What::Array };
            let found = StagedFiles::check(target, replace, what)?;
            (found.folder().path().to_owned(), Some(target))
        }
    };
    // A path without a folder is in the current directory.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
    let entered = Access::WRITE_OK | Access::EXEC_OK;
    access(folder, entered).map_err(|e| match target {
        Some(target) => Error::io("creating a folder next to", target, e.into()),
        None => Error::io("making a scratch file in", folder, e.into()),
    })
}
