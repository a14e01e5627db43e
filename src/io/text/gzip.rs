//! Text in a gzip file, read as if it were unpacked, without unpacking it to disk.
//!
//! Two ways: [`PackedText::fill`] reads by offset, for the first lines and the members of an archive, out of a window of
//! the last unpacked bytes; a read before the window restarts it. [`Unpacked`] is the text in order, for the rest of
//! the file: one thread unpacks it while others parse what came before. Of a `.tar.gz`, as the SuiteSparse collection
//! publishes matrices, one member is read: the one asked for, or `NAME/NAME.mtx`.

use std::fs::File;
use std::io::{BufReader, ErrorKind as IoKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Result};
use crate::io::file_range::FileRange;
use crate::io::text::tar::{BLOCK, LONGEST_NAME, MemberKind, MemberSearch, TarMember};

/// The first bytes of a gzip file.
pub(in crate::io) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Bytes unpacked at a time, and bytes of the packed file read at a time.
const STEP: usize = 1 << 18;

/// Bytes of the window before the wanted ones.
const BEFORE: u64 = 1 << 18;

/// Memory in addition to the text: the packed bytes, and what the decoder needs.
pub(in crate::io) const EXTRA: u64 = STEP as u64 + (1 << 17);

/// Maximum number of bytes that one byte of a gzip file can expand to.
pub(in crate::io) const RATIO: u64 = 1032;

/// Text in a gzip file.
#[derive(Debug)]
pub(in crate::io) struct PackedText {
    path: PathBuf,
    file: Arc<File>,
    /// The start of the text in the unpacked bytes, and its length if an archive gives it.
    start: u64,
    length: Option<u64>,
    state: Mutex<Option<Unpacking>>,
}

type GzipDecoder = MultiGzDecoder<BufReader<FileRange<Arc<File>>>>;

struct Unpacking {
    decoder: GzipDecoder,
    /// The last unpacked bytes, and the offset of the first of them.
    window: Vec<u8>,
    from: u64,
    ended: bool,
}

/// The text in a gzip file, in order.
pub(in crate::io) struct Unpacked {
    path: PathBuf,
    decoder: GzipDecoder,
    /// Bytes unpacked so far, and how many come before the text.
    at: u64,
    start: u64,
    /// Bytes until the text ends, if an archive tells.
    left: u64,
}

/// Why there is no more text.
pub(in crate::io) enum End {
    OfText,
    Error(Error),
}

/// Whether a name is that of a file packed by gzip.
pub(in crate::io) fn is_packed_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

/// The path without the extension of a packed file.
pub(in crate::io) fn without_packing(path: &Path) -> PathBuf {
    if is_packed_name(path) { path.with_extension("") } else { path.to_owned() }
}

/// Fails if a member is asked for, of a file that has none.
pub(in crate::io) fn refuse_member(path: &Path, member: Option<&str>) -> Result<()> {
    let Some(member) = member else { return Ok(()) };
    Err(Error::new(ErrorKind::Unsupported, "the file holds a single matrix and no members")
        .in_file(path)
        .expected(format!("an archive, or HDF5, with {member:?} in it"))
        .remedy("leave out `member`"))
}

impl std::fmt::Debug for Unpacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacking").field("from", &self.from).finish_non_exhaustive()
    }
}

impl PackedText {
    /// The text in an open gzip file.
    ///
    /// Of an archive it is a member: the named one, or `NAME/NAME.mtx`, or the only one that ends in `.mtx`.
    pub(in crate::io) fn new(path: &Path, file: File, member: Option<&str>) -> Result<Self> {
        let (path, file, state) = (path.to_owned(), Arc::new(file), Mutex::new(None));
        let mut packed = PackedText { path, file, start: 0, length: None, state };
        match packed.member(member)? {
            Some((start, length)) => (packed.start, packed.length) = (start, Some(length)),
            None => refuse_member(&packed.path, member)?,
        }
        Ok(packed)
    }

    /// Fills `buffer` from `offset` on as far as the text goes, and returns how far that was.
    pub(in crate::io) fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let len = match self.length {
            Some(length) => length.saturating_sub(offset).min(buffer.len() as u64) as usize,
            None => buffer.len(),
        };
        self.fill_raw(self.start.saturating_add(offset), &mut buffer[..len])
    }

    fn fill_raw(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut state = self.state();
        if state.as_ref().is_some_and(|state| offset < state.from) {
            *state = None;
        }
        let state = state.get_or_insert_with(|| Unpacking::new(&self.file));
        let end = offset.saturating_add(buffer.len() as u64);
        while !state.ended && state.from + (state.window.len() as u64) < end {
            state.unpack(&self.path, offset)?;
        }
        let there = (state.window.len() as u64).saturating_sub(offset - state.from);
        let len = there.min(buffer.len() as u64) as usize;
        if len > 0 {
            let at = (offset - state.from) as usize;
            buffer[..len].copy_from_slice(&state.window[at..at + len]);
        }
        Ok(len)
    }

    /// The text from `offset` on. The window that found the first lines is not needed any more.
    pub(in crate::io) fn from(&self, offset: u64) -> Unpacked {
        *self.state() = None;
        Unpacked {
            path: self.path.clone(),
            decoder: decoder(&self.file),
            at: 0,
            start: self.start.saturating_add(offset),
            left: self.length.map_or(u64::MAX, |length| length.saturating_sub(offset)),
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<Unpacking>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of the matrix, if the unpacked bytes are a tar archive: after the header of its member.
    fn member(&self, wanted: Option<&str>) -> Result<Option<(u64, u64)>> {
        let in_file = |error: Error| error.in_file(&self.path);
        let (mut at, mut search) = (0u64, MemberSearch::new(wanted));
        let (mut header, mut headers, mut next_name) = ([0; BLOCK], 0, None);
        while self.fill_raw(at, &mut header)? == BLOCK && header != [0; BLOCK] {
            let Some(member) = TarMember::read(&header) else {
                if at == 0 {
                    return Ok(None);
                }
                let what = format!("the archive is damaged at byte {at} of what is unpacked");
                return Err(Error::new(ErrorKind::Format, what).in_file(&self.path));
            };
            let (data, length) = (at + BLOCK as u64, member.length);
            let padded = length.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
            at = data.saturating_add(padded);
            headers += 1;
            if headers > 2000 {
                break;
            }
            if matches!(member.kind, MemberKind::Name | MemberKind::Records) {
                let mut bytes = vec![0; length.min(LONGEST_NAME) as usize];
                let read = self.fill_raw(data, &mut bytes)?;
                next_name = member.name_of_next(&bytes[..read]).or(next_name);
            }
            if matches!(member.kind, MemberKind::Name | MemberKind::Records | MemberKind::About) {
                continue;
            }
            let name = next_name.take().unwrap_or(member.name);
            if let Some(place) = search.see(name, member.kind, (data, length)).map_err(in_file)? {
                return Ok(Some(place));
            }
        }
        search.end().map_err(in_file)
    }
}

impl Unpacking {
    fn new(file: &Arc<File>) -> Self {
        Unpacking { decoder: decoder(file), window: Vec::new(), from: 0, ended: false }
    }

    /// Unpacks some more bytes, and drops those that lie far before `wanted`.
    fn unpack(&mut self, path: &Path, wanted: u64) -> Result<()> {
        let before = wanted.saturating_sub(BEFORE).saturating_sub(self.from);
        let spare = before.min(self.window.len() as u64);
        self.window.drain(..spare as usize);
        self.from += spare;
        let before = self.window.len();
        self.window.resize(before + STEP, 0);
        let (read, outcome) = unpack(&mut self.decoder, &mut self.window[before..]);
        self.window.truncate(before + read);
        self.ended = read < STEP;
        outcome.map_err(|error| damaged(path, self.from + self.window.len() as u64, error))
    }
}

impl Unpacked {
    /// Fills `buffer` as far as the text goes; returns how far that was, and why it ends if it does.
    pub(in crate::io) fn read(&mut self, buffer: &mut [u8]) -> (usize, Option<End>) {
        while self.at < self.start {
            let len = (self.start - self.at).min(buffer.len() as u64) as usize;
            let (read, outcome) = unpack(&mut self.decoder, &mut buffer[..len]);
            self.at += read as u64;
            match outcome {
                Err(error) => return (0, Some(End::Error(damaged(&self.path, self.at, error)))),
                Ok(()) if read < len => return (0, Some(End::OfText)),
                Ok(()) => {}
            }
        }
        let len = self.left.min(buffer.len() as u64) as usize;
        let (read, outcome) = unpack(&mut self.decoder, &mut buffer[..len]);
        (self.at, self.left) = (self.at + read as u64, self.left - read as u64);
        let end = match outcome {
            Err(error) => Some(End::Error(damaged(&self.path, self.at, error))),
            Ok(()) => (read < buffer.len()).then_some(End::OfText),
        };
        (read, end)
    }
}

fn decoder(file: &Arc<File>) -> GzipDecoder {
    let bytes = FileRange { file: Arc::clone(file), at: 0, end: u64::MAX };
    MultiGzDecoder::new(BufReader::with_capacity(STEP, bytes))
}

/// Fills `buffer` as far as the packed bytes go, and returns how far that was.
fn unpack(decoder: &mut GzipDecoder, buffer: &mut [u8]) -> (usize, std::io::Result<()>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match decoder.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == IoKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(()))
}

fn damaged(path: &Path, at: u64, error: std::io::Error) -> Error {
    let what = format!("the compressed file is damaged at byte {at} of the unpacked text");
    Error::new(ErrorKind::Format, what)
        .in_file(path)
        .expected("gzip data up to the end")
        .found(error)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(text: &[u8]) -> (tempfile::NamedTempFile, PackedText) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut encoder =
            flate2::write::GzEncoder::new(file.reopen().unwrap(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap();
        let packed = PackedText::new(file.path(), File::open(file.path()).unwrap(), None).unwrap();
        (file, packed)
    }

    #[test]
    fn bytes_come_from_any_offset() {
        let text: Vec<u8> = (0..5_000_000u32).map(|i| (i % 251) as u8 | 1).collect();
        let (_file, packed) = packed(&text);
        let check = |offset: u64| {
            let mut buffer = [0; 1000];
            let len = packed.fill(offset, &mut buffer).unwrap();
            let end = text.len().min(offset as usize + 1000);
            assert_eq!(buffer[..len], text[offset as usize..end]);
        };
        let held = || packed.state().as_ref().map_or(0, |state| state.window.capacity());
        for offset in [0, 10, 4_000_000, 3_999_000, 100, 4_999_990] {
            check(offset);
            assert!(held() <= 1 << 20, "{}", held());
        }
        // In order, several at a time.
        let (mut all, mut tail) = (packed.from(0), packed.from(4_000_000));
        assert_eq!(held(), 0);
        let mut buffer = vec![0; 700_000];
        for start in (0..text.len()).step_by(buffer.len()) {
            let (read, end) = all.read(&mut buffer);
            assert_eq!(end.is_some(), start + buffer.len() > text.len());
            assert_eq!(buffer[..read], text[start..text.len().min(start + buffer.len())]);
        }
        let (read, end) = tail.read(&mut buffer);
        assert!(end.is_none() && buffer[..read] == text[4_000_000..4_700_000]);
        check(7);
        assert_eq!(packed.fill(text.len() as u64, &mut [0]).unwrap(), 0);
        assert_eq!(packed.fill(text.len() as u64 - 1, &mut [0; 9]).unwrap(), 1);
    }
}
