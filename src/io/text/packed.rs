//! Text in a gzip file, read by offset as if it were unpacked, without unpacking it to disk.
//!
//! ```text
//! fill(offset):  unpack until the bytes are available  ->  copy them from the window of the last unpacked bytes
//! ```
//!
//! The first thread that needs bytes not unpacked yet unpacks them, while the others wait or parse the bytes they have.
//! While threads read blocks in any order, the reader says from where on it needs the bytes, and the window holds what
//! was unpacked from there on: as much as a batch of blocks, whose size follows from the memory limit. Before that,
//! while the first lines are read, it holds at most about 1 MiB. So the file is unpacked once, or little more; a read
//! before the window restarts it. Of a `.tar.gz`, as the SuiteSparse collection publishes matrices, the one member
//! `NAME/NAME.mtx` is read.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::tar::{BLOCK, Kind, LONGEST_NAME, Member};

/// The first bytes of a gzip file.
pub(in crate::io) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Bytes unpacked at a time, and bytes of the packed file read at a time.
const STEP: usize = 1 << 18;

/// Bytes of the window before the wanted ones, until the reader has said which are needed.
const BEFORE: u64 = 1 << 18;

/// Memory in addition to the bytes that are needed: those unpacked beyond them, and the packed ones.
pub(in crate::io) const EXTRA: u64 = 2 * STEP as u64;

/// Maximum number of bytes that one byte of a gzip file can expand to.
pub(in crate::io) const RATIO: u64 = 1032;

/// Text in a gzip file.
#[derive(Debug)]
pub(in crate::io) struct Packed {
    path: PathBuf,
    /// The start of the text in the unpacked bytes, and its length if an archive gives it.
    start: u64,
    length: Option<u64>,
    state: Mutex<Unpacking>,
}

struct Unpacking {
    decoder: MultiGzDecoder<BufReader<File>>,
    /// The last unpacked bytes, and the offset of the first of them.
    window: Vec<u8>,
    from: u64,
    /// The offset from which on the bytes are needed, if the reader has said so.
    needed: Option<u64>,
    ended: bool,
}

impl std::fmt::Debug for Unpacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacking").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Packed {
    /// The text in an open gzip file.
    pub(in crate::io) fn new(path: &Path, file: File) -> Result<Self> {
        let state = Mutex::new(Unpacking::new(path, &file)?);
        let mut packed = Packed { path: path.to_owned(), start: 0, length: None, state };
        if let Some((start, length)) = packed.member()? {
            (packed.start, packed.length) = (start, Some(length));
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
        if offset < state.from {
            state.restart(&self.path)?;
        }
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

    /// Keeps the bytes from `offset` on, about `bytes` of them, and drops those before.
    pub(in crate::io) fn keep_from(&self, offset: u64, bytes: u64) {
        let needed = self.start.saturating_add(offset);
        let mut state = self.state();
        state.needed = Some(needed);
        state.drop_before(needed);
        // Exactly so much: a window that grows on demand would take up to twice the bytes.
        let missing = bytes.saturating_sub(state.window.len() as u64);
        state.window.reserve_exact(usize::try_from(missing).unwrap_or(0));
    }

    /// Drops the window, which is no longer needed.
    pub(in crate::io) fn release(&self) {
        let mut state = self.state();
        state.needed = None;
        state.drop_before(u64::MAX);
        state.window = Vec::new();
    }

    fn state(&self) -> MutexGuard<'_, Unpacking> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the text ends at or before an offset.
    pub(in crate::io) fn ends_by(&self, offset: u64) -> Result<bool> {
        Ok(self.fill(offset, &mut [0])? == 0)
    }

    /// The place of the matrix, if the unpacked bytes are a tar archive: after the header of `NAME/NAME.mtx`, or of the
    /// only member that ends in `.mtx`.
    fn member(&self) -> Result<Option<(u64, u64)>> {
        let (mut at, mut found, mut names) = (0u64, Vec::new(), Vec::new());
        let (mut header, mut headers, mut next_name) = ([0; BLOCK], 0, None);
        while self.fill_raw(at, &mut header)? == BLOCK && header != [0; BLOCK] {
            let Some(member) = Member::read(&header) else {
                if at == 0 {
                    return Ok(None);
                }
                return Err(self.refused("the archive is damaged").at_byte(at));
            };
            let (data, length) = (at + BLOCK as u64, member.length);
            let padded = length.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
            at = data.saturating_add(padded);
            headers += 1;
            if headers > 2000 {
                break;
            }
            if matches!(member.kind, Kind::Name | Kind::Records) {
                let mut bytes = vec![0; length.min(LONGEST_NAME) as usize];
                let read = self.fill_raw(data, &mut bytes)?;
                next_name = member.name_of_next(&bytes[..read]).or(next_name);
            }
            if matches!(member.kind, Kind::Name | Kind::Records | Kind::About) {
                continue;
            }
            let name = next_name.take().unwrap_or(member.name);
            if member.kind == Kind::File && name.ends_with(".mtx") {
                let mut parts = name.trim_start_matches("./").rsplit('/');
                let file = parts.next().unwrap_or_default().trim_end_matches(".mtx");
                if parts.next() == Some(file) {
                    return Ok(Some((data, length)));
                }
                found.push((data, length));
            }
            names.push(name);
        }
        match (found.as_slice(), names.is_empty()) {
            (_, true) => Ok(None),
            (&[one], _) => Ok(Some(one)),
            (other, _) => Err(self
                .refused("the archive holds no single matrix")
                .expected("one member NAME/NAME.mtx")
                .found(match other {
                    [] => names.join(", "),
                    _ => format!("{} members that end in .mtx", other.len()),
                })
                .remedy("unpack it, and name the file")),
        }
    }

    fn refused(&self, what: &str) -> Error {
        Error::new(ErrorKind::Format, what).in_file(&self.path)
    }
}

impl Unpacking {
    fn new(path: &Path, file: &File) -> Result<Self> {
        let failed = |e| Error::io("opening", path, e);
        let mut file = file.try_clone().map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(STEP, file));
        Ok(Unpacking { decoder, window: Vec::new(), from: 0, needed: None, ended: false })
    }

    fn restart(&mut self, path: &Path) -> Result<()> {
        let begun = Unpacking::new(path, self.decoder.get_ref().get_ref())?;
        *self = Unpacking { needed: self.needed, ..begun };
        Ok(())
    }

    /// Drops the bytes of the window before an offset.
    fn drop_before(&mut self, offset: u64) {
        let spare = offset.saturating_sub(self.from).min(self.window.len() as u64);
        self.window.drain(..spare as usize);
        self.from += spare;
    }

    /// Unpacks some more bytes, and drops those before `wanted` that are not needed.
    fn unpack(&mut self, path: &Path, wanted: u64) -> Result<()> {
        self.drop_before(match self.needed {
            Some(needed) => needed.min(wanted),
            None => wanted.saturating_sub(BEFORE),
        });
        let before = self.window.len();
        self.window.resize(before + STEP, 0);
        let mut filled = before;
        while filled < self.window.len() {
            match self.decoder.read(&mut self.window[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.window.truncate(filled);
                    return Err(Error::new(ErrorKind::Format, "the compressed file is damaged")
                        .in_file(path)
                        .at_byte(self.from + filled as u64)
                        .expected("gzip data up to the end")
                        .found(error));
                }
            }
        }
        self.window.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(text: &[u8]) -> (tempfile::NamedTempFile, Packed) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut encoder =
            flate2::write::GzEncoder::new(file.reopen().unwrap(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap();
        let packed = Packed::new(file.path(), File::open(file.path()).unwrap()).unwrap();
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
        let held = || packed.state().window.capacity() as u64;
        for offset in [0, 10, 4_000_000, 3_999_000, 100, 4_999_990] {
            check(offset);
            assert!(held() <= 1 << 20, "{}", held());
        }
        // Within a batch the bytes stay, in any order, and the file is unpacked once.
        for batch in [0, 1_000_000, 2_000_000] {
            packed.keep_from(batch, 1_000_000 + EXTRA);
            for offset in [900_000, 0, 998_000, 500_000] {
                check(batch + offset);
                assert_eq!(packed.state().from, batch);
            }
            assert!(held() <= 1_000_000 + EXTRA, "{}", held());
        }
        // So they do for a reader that is behind, which restarts.
        check(5);
        check(2_500_000);
        packed.release();
        assert_eq!(held(), 0);
        check(7);
        assert!(packed.ends_by(text.len() as u64).unwrap());
        assert!(!packed.ends_by(text.len() as u64 - 1).unwrap());
    }
}
