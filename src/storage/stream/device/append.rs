//! Writing a file from its first byte to its last, in large blocks, behind the work.
//!
//! Blocks change hands by value: the caller fills a buffer, passes it in, and gets back one that was written. One I/O
//! thread writes them in order, past the page cache if the file system allows, because pages of a result larger than
//! memory would evict those that are still needed. The same thread computes checksums if they are wanted, so that the
//! file need not be read again. The thread starts with the first block; if it cannot be started, the caller writes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::{Checksums, Summing, scratch_file};
use crate::storage::memory::{Origin, reserve};
use crate::storage::runtime::{Held, Meter, Receiver, Sender, channel, threads_run};
use crate::storage::stream::device::io_buffer::IoBuffer;

/// Lengths of direct writes are multiples of this.
const SECTOR: usize = 4096;

/// From this size on, each block is worth a device request; smaller ones are combined by the page cache.
const DIRECT: usize = 256 << 10;

/// When more than expected is needed, this fraction is reserved in addition.
const GROWTH: u64 = 4;

/// A file that is being written.
pub(crate) struct Appender {
    origin: Arc<Origin>,
    /// A handle that writes past the page cache.
    direct: Option<File>,
    summed: bool,
    /// Bytes appended so far; whole sectors except for the last block.
    length: u64,
    reserved: u64,
    link: Option<Link>,
    meter: Meter,
    scratch: Option<Held>,
}

/// The writer. Dropping it waits for the I/O thread, so that nothing is written after the result was given up.
struct Link {
    requests: Option<Sender<(IoBuffer, usize)>>,
    done: Receiver<Result<IoBuffer>>,
    writer: Option<BlockWriter>,
    /// Blocks passed in and not returned yet.
    out: usize,
}

enum BlockWriter {
    Thread(JoinHandle<Checksums>),
    /// The caller, whenever a block is passed in.
    Caller(Box<Writing>),
}

/// A written file with its length set; not yet synced to the device.
pub(crate) struct Appended {
    pub(crate) origin: Origin,
    pub(crate) length: u64,
    /// Empty if none were wanted.
    pub(crate) sums: Checksums,
    /// Scratch space in use while this lives.
    _scratch: Option<Held>,
}

impl Appender {
    /// Starts with an empty file, for blocks of about `block` bytes and `expected` bytes in total, for which space is
    /// reserved now. More can be appended.
    pub(crate) fn new(
        origin: Origin,
        expected: u64,
        block: usize,
        summed: bool,
        meter: &Meter,
    ) -> Result<Self> {
        reserve(&origin.file, &origin.path, expected)?;
        let direct = match block >= DIRECT {
            true => {
                let handle = format!("/proc/self/fd/{}", origin.file.as_raw_fd());
                let flags = rustix::fs::OFlags::DIRECT.bits() as i32;
                OpenOptions::new().write(true).custom_flags(flags).open(handle).ok()
            }
            false => None,
        };
        Ok(Appender {
            origin: Arc::new(origin),
            direct,
            summed,
            length: 0,
            reserved: expected,
            link: None,
            meter: meter.clone(),
            scratch: None,
        })
    }

    /// Starts a file without a name in the scratch folder, which disappears with its last handle or the process.
    pub(crate) fn scratch(
        folder: &Path,
        expected: u64,
        block: usize,
        meter: &Meter,
    ) -> Result<Self> {
        let file = scratch_file(folder)?;
        let origin = Origin { path: folder.to_owned(), file };
        let appender = Self::new(origin, expected, block, false, meter)?;
        Ok(Appender { scratch: Some(meter.scratch(0)), ..appender })
    }

    /// Bytes appended so far: the offset of the next block.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Appends the first `bytes` bytes of a buffer, which must be whole sectors unless nothing follows. The rest of the
    /// last sector is written too, and cut off at the end.
    pub(crate) fn append(&mut self, buffer: IoBuffer, bytes: usize) -> Result<()> {
        debug_assert!(self.length.is_multiple_of(SECTOR as u64));
        self.reserve(bytes)?;
        self.length += bytes as u64;
        self.meter.wrote(bytes as u64);
        if let Some(scratch) = &mut self.scratch {
            scratch.resize(self.length);
        }
        if self.link.is_none() {
            self.link = Some(self.start(&start_thread));
        }
        let link = self.link.as_mut().ok_or_else(lost)?;
        link.out += 1;
        // A writer that has stopped reports why when a buffer is requested.
        link.requests.as_ref().ok_or_else(lost)?.send((buffer, bytes));
        if let Some(BlockWriter::Caller(writing)) = &mut link.writer {
            writing.write_waiting();
        }
        Ok(())
    }

    /// Reserves space for this many more bytes. Fails, changing nothing, if the device does not have them.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<()> {
        let needed = self.length.saturating_add(bytes as u64);
        if needed <= self.reserved {
            return Ok(());
        }
        // Somewhat more than needed, if available, to avoid a request per block.
        let (file, path) = (&self.origin.file, &self.origin.path);
        let ample = needed.saturating_add(needed / GROWTH);
        self.reserved = match reserve(file, path, ample) {
            Ok(()) => ample,
            Err(_) => reserve(file, path, needed).map(|()| needed)?,
        };
        Ok(())
    }

    /// A buffer that has been written. Fails if a write failed, or if all buffers were returned already.
    pub(crate) fn spare(&mut self) -> Result<IoBuffer> {
        let link = self.link.as_mut().filter(|link| link.out > 0).ok_or_else(lost)?;
        link.out -= 1;
        link.done.recv().ok_or_else(lost)?
    }

    /// Waits until all is written, and sets the length of the file.
    pub(crate) fn finish(mut self) -> Result<Appended> {
        let mut sums = Checksums::default();
        while self.link.as_ref().is_some_and(|link| link.out > 0) {
            self.spare()?;
        }
        if let Some(mut link) = self.link.take() {
            sums = link.end()?;
        }
        let origin = Arc::into_inner(self.origin).ok_or_else(lost)?;
        origin
            .file
            .set_len(self.length)
            .map_err(|e| Error::io("setting the length", &origin.path, e))?;
        Ok(Appended { origin, length: self.length, sums, _scratch: self.scratch })
    }

    fn start(&mut self, start_thread: &StartThread) -> Link {
        let (requests, queue) = channel();
        let (ends, done) = channel();
        let writing = Writing {
            origin: Arc::clone(&self.origin),
            direct: self.direct.take(),
            offset: 0,
            sums: self.summed.then(Summing::new),
            queue,
            ends,
            failed: false,
        };
        // State moved into a thread is lost if the thread cannot be started, so it is sent through a channel.
        let (handed, wait) = channel::<Writing>();
        let body = move || wait.recv().map_or_else(Checksums::default, Writing::run);
        let writer = match start_thread(Box::new(body)) {
            Ok(thread) => {
                handed.send(writing); // which the thread waits for
                Some(BlockWriter::Thread(thread))
            }
            Err(_) => Some(BlockWriter::Caller(Box::new(writing))),
        };
        Link { requests: Some(requests), done, writer, out: 0 }
    }
}

/// Starts a thread that does the given work.
type StartThread =
    dyn Fn(Box<dyn FnOnce() -> Checksums + Send>) -> io::Result<JoinHandle<Checksums>>;

fn start_thread(body: Box<dyn FnOnce() -> Checksums + Send>) -> io::Result<JoinHandle<Checksums>> {
    threads_run()?;
    std::thread::Builder::new().name("outcore-write".to_owned()).spawn(body)
}

impl Link {
    /// Waits until all blocks are written.
    fn end(&mut self) -> Result<Checksums> {
        self.requests = None;
        match self.writer.take().ok_or_else(lost)? {
            BlockWriter::Thread(thread) => thread.join().map_err(|_| lost()),
            BlockWriter::Caller(writing) => Ok(writing.finish()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Callers interested in errors have called `end`.
        let _ = self.end();
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Io, "the writer thread has stopped")
}

/// The state of the writing side.
struct Writing {
    origin: Arc<Origin>,
    direct: Option<File>,
    offset: u64,
    sums: Option<Summing>,
    queue: Receiver<(IoBuffer, usize)>,
    ends: Sender<Result<IoBuffer>>,
    /// Whether a write failed, after which nothing is written.
    failed: bool,
}

impl Writing {
    /// The I/O thread: writes blocks until the channel closes or a write fails.
    fn run(mut self) -> Checksums {
        while let Some((buffer, bytes)) = self.queue.recv() {
            if !self.take(buffer, bytes) {
                break;
            }
        }
        self.finish()
    }

    /// Writes the waiting blocks.
    fn write_waiting(&mut self) {
        while let Some((buffer, bytes)) = self.queue.try_recv() {
            if self.failed || !self.take(buffer, bytes) {
                break;
            }
        }
    }

    /// Sums and writes a block; false if nothing more is to be written.
    fn take(&mut self, buffer: IoBuffer, bytes: usize) -> bool {
        if let Some(sums) = &mut self.sums {
            sums.add(&buffer.bytes()[..bytes]);
        }
        let written = self.write(&buffer, bytes);
        self.failed = written.is_err();
        // No receiver is left: the result was given up.
        self.ends.send(written.map(|()| buffer)) && !self.failed
    }

    fn finish(self) -> Checksums {
        if self.failed {
            return Checksums::default();
        }
        self.sums.map(Summing::finish).unwrap_or_default()
    }

    fn write(&mut self, buffer: &IoBuffer, bytes: usize) -> Result<()> {
        if let Some(direct) = &self.direct {
            let whole = &buffer.bytes()[..bytes.next_multiple_of(SECTOR)];
            match direct.write_all_at(whole, self.offset) {
                // Opened for direct writes, but this device requires another alignment.
                Err(e) if e.kind() == io::ErrorKind::InvalidInput => self.direct = None,
                other => return self.written(other, bytes),
            }
        }
        let written = self.origin.file.write_all_at(&buffer.bytes()[..bytes], self.offset);
        self.written(written, bytes)
    }

    fn written(&mut self, outcome: io::Result<()>, bytes: usize) -> Result<()> {
        outcome.map_err(|e| Error::io("writing", &self.origin.path, e).at_byte(self.offset))?;
        self.offset += bytes as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn where_no_thread_can_be_started_the_caller_writes_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let refuse: &StartThread = &|_| Err(io::ErrorKind::WouldBlock.into());
        let write = |name: &str, start: &StartThread| {
            let (path, meter) = (folder.path().join(name), Meter::default());
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
            let origin = Origin { path: path.clone(), file: file.unwrap() };
            let mut appender = Appender::new(origin, 0, DIRECT, true, &meter).unwrap();
            appender.link = Some(appender.start(start));
            for block in 0..5u8 {
                let mut buffer = match block < 2 {
                    true => IoBuffer::new(DIRECT, &meter).unwrap(),
                    false => appender.spare().unwrap(),
                };
                buffer.bytes_mut().fill(block);
                appender.append(buffer, if block < 4 { DIRECT } else { 5000 }).unwrap();
            }
            let Appended { length, sums, .. } = appender.finish().unwrap();
            assert_eq!(length, 4 * DIRECT as u64 + 5000);
            (fs::read(path).unwrap(), sums.0)
        };
        assert!(write("here", refuse) == write("behind", &start_thread));
    }

    #[test]
    fn a_write_that_fails_is_told_by_the_caller_too() {
        // A file that was opened for reading cannot be written.
        let file = tempfile::NamedTempFile::new().unwrap();
        let meter = Meter::default();
        for start in [&(|_| Err(io::ErrorKind::WouldBlock.into())) as &StartThread, &start_thread] {
            let origin =
                Origin { path: file.path().into(), file: File::open(file.path()).unwrap() };
            let mut appender = Appender {
                origin: Arc::new(origin),
                direct: None,
                summed: true,
                length: 0,
                reserved: 1 << 30,
                link: None,
                meter: meter.clone(),
                scratch: None,
            };
            appender.link = Some(appender.start(start));
            appender.append(IoBuffer::new(4096, &meter).unwrap(), 4096).unwrap();
            assert!(appender.finish().is_err());
        }
    }
}
