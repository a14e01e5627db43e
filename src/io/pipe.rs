//! Pipes and standard input: what comes through them is kept in a scratch file, and that is read.
//!
//! Readers read by offset, some of them several times, so a stream is first received as a whole. The scratch file of
//! a text has no name and disappears with its last user; that of an array or an archive, whose readers open files by
//! their names, has one until it is open. Waiting for a writer can be cancelled, and is reported. Devices are refused
//! by their kind: most have no end.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use crate::error::{Error, Result};
use crate::io::format::FileFormat;
use crate::io::text::text_file::{LONGEST_LINE, too_long};
use crate::storage::{Context, Plan, named_scratch_file, scratch_file};

/// Bytes received at a time.
const STEP: usize = 1 << 18;

/// How long to wait before the caller's cancel token is checked again.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// First bytes of archives, which are received as a whole even if they are only refused then: zip and HDF5.
const ARCHIVES: [&[u8]; 2] = [b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"];

/// The first bytes of gzip, whose text is not seen here.
const PACKED: &[u8] = b"\x1f\x8b";

/// Names of standard input.
const STANDARD_INPUT: [&str; 3] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// Calls `read` with a path of a file: this one, or that of a scratch file with what comes through a pipe.
///
/// Fails if the scratch folder is full, if cancelled, and if a text has a line without an end. Cost of a pipe: its
/// bytes are written to the scratch folder once. A [plan](Context::plan) receives nothing, so it says only that
/// something would be received.
pub(in crate::io) fn through_file<R>(
    path: &Path,
    ctx: &Context,
    read: &mut dyn FnMut(&Path) -> Result<R>,
) -> Result<R> {
    let kind = path.metadata().map_err(|error| Error::io("opening", path, error))?;
    let Some(stream) = open_stream(path, &kind)? else { return read(path) };
    let received = {
        let _running = ctx.begin(|| Ok(Plan::new("receiving a stream")))?;
        receive(stream, path, ctx)?
    };
    read(&received.path).map_err(|error| error.in_file_instead(&received.path, path))
}

/// What came through a pipe.
struct Received {
    path: PathBuf,
    /// Keep the file, or its name.
    _file: File,
    _name: Option<tempfile::TempPath>,
}

/// Opens a pipe, a socket or a terminal on standard input; `None` for ordinary files and folders.
fn open_stream(path: &Path, kind: &Metadata) -> Result<Option<File>> {
    let kind = kind.file_type();
    if kind.is_file() || kind.is_dir() {
        return Ok(None);
    }
    let failed = |error| Error::io("opening", path, error);
    let is_standard = STANDARD_INPUT.iter().any(|name| path == Path::new(name));
    if kind.is_char_device() && is_standard && std::io::IsTerminal::is_terminal(&std::io::stdin())
        || kind.is_socket() && is_standard
    {
        return std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map(|fd| Some(fd.into()))
            .map_err(failed);
    }
    if !kind.is_fifo() {
        // Refused by those who open it, with its kind.
        return Ok(None);
    }
    // Without waiting for a writer, which is waited for below.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut options = File::options();
    options.read(true).custom_flags(flags).open(path).map(Some).map_err(failed)
}

fn receive(mut stream: File, path: &Path, ctx: &Context) -> Result<Received> {
    let folder = ctx.scratch_folder();
    let mut buffer = vec![0; STEP];
    let mut length = next(&mut stream, &mut buffer, path, (0, "waiting for a writer"), ctx)?;
    // Enough to see what it is.
    while length > 0 && length < 8 {
        match next(&mut stream, &mut buffer[length..], path, (0, "receiving"), ctx)? {
            0 => break,
            more => length += more,
        }
    }
    let first = &buffer[..length];
    let archive = ARCHIVES.iter().any(|magic| first.starts_with(magic));
    let is_text = !archive && FileFormat::of_magic(first).is_none();
    let (mut file, name) = match is_text {
        true => (scratch_file(folder)?, None),
        false => named_scratch_file(folder).map(|(file, name)| (file, Some(name)))?,
    };
    let mut text = (is_text && !first.starts_with(PACKED)).then_some(Text { line: 1, open: 0 });
    let mut total = 0;
    while length > 0 {
        let bytes = &buffer[..length];
        if let Some(text) = &mut text {
            text.add(bytes).map_err(|error| error.in_file(path))?;
        }
        file.write_all(bytes).map_err(|error| {
            Error::io("keeping what comes through the pipe", path, error)
                .remedy("give scratch files a folder with more space")
        })?;
        ctx.meter().wrote(length as u64);
        total += length as u64;
        length = next(&mut stream, &mut buffer, path, (total, "receiving"), ctx)?;
    }
    let path = match &name {
        Some(name) => name.to_path_buf(),
        None => format!("/proc/self/fd/{}", file.as_raw_fd()).into(),
    };
    Ok(Received { path, _file: file, _name: name })
}

/// Reads what there is, after waiting for it; 0 bytes at the end.
fn next(
    stream: &mut File,
    buffer: &mut [u8],
    path: &Path,
    (total, phase): (u64, &'static str),
    ctx: &Context,
) -> Result<usize> {
    let failed = |error| Error::io("reading", path, error);
    loop {
        ctx.report(phase, total, total + 1)?;
        let mut polled = [PollFd::new(&*stream, PollFlags::IN)];
        match poll(&mut polled, Some(&PATIENCE)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(failed(error.into())),
        }
        let events = polled[0].revents();
        if !events.contains(PollFlags::IN) {
            // The last writer is gone, and everything was read.
            return Ok(0);
        }
        match stream.read(buffer) {
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
                ) => {}
            outcome => return outcome.map_err(failed),
        }
    }
}

/// How long the line is that is being received.
struct Text {
    line: u64,
    open: usize,
}

impl Text {
    /// Fails once a line is so long that no reader would take it: it may have no end.
    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(last) => {
                self.line += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
                self.open = bytes.len() - last - 1;
            }
            None => self.open += bytes.len(),
        }
        match self.open > LONGEST_LINE + STEP {
            true => Err(too_long(LONGEST_LINE).at_line(self.line)),
            false => Ok(()),
        }
    }
}
