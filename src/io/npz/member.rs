//! The bytes of a member: as they stand in the archive, or unpacked on the way. Their checksum is compared with that of
//! the directory whenever all of them are read.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::{ArrayBytes, ForeignArray, ForeignFile};
use crate::io::file_range::FileRange;
use crate::io::npz::archive::{Archive, ArchiveMember, Located};
use crate::storage::work;
use crate::storage::{
    Context, LONGEST_START, NpyHeader, Order, Origin, parse_header, parse_text, sweep_bytes,
};

/// Bytes read and unpacked at a time.
const STEP: usize = 256 << 10;

/// Bytes read ahead of a stored member: four steps.
const AHEAD: u64 = 4 * STEP as u64;

/// A member that holds a string is no longer than this.
const LONGEST_TEXT: u64 = 4 << 20;

/// A member that was found.
struct MemberBytes {
    file: Arc<ForeignFile>,
    member: ArchiveMember,
    located: Located,
    /// The offset of the elements in the member.
    start: u64,
}

/// The array in a member.
pub(super) fn array(archive: &Archive, member: &ArchiveMember) -> Result<ForeignArray> {
    let located = archive.locate(member)?;
    let mut bytes =
        MemberBytes { file: Arc::clone(archive.file()), member: member.clone(), located, start: 0 };
    let start = bytes.beginning(LONGEST_START.min(member.size))?;
    let header = parse_header(&start).map_err(|error| bytes.blame(error))?;
    let data = header.checked_bytes().map_err(|error| bytes.blame(error))?;
    bytes.start = header.data_start;
    if header.data_start.checked_add(data) != Some(member.size) {
        return Err(bytes
            .error(ErrorKind::Format, "the length of the member does not match its shape")
            .expected(format!("{data} bytes of data for shape {:?}", header.shape))
            .found(member.size.saturating_sub(header.data_start)));
    }
    let file = Arc::clone(archive.file());
    ForeignArray::new(&file, &member.name, header, Arc::new(bytes))
}

/// The string in a member.
pub(super) fn text(archive: &Archive, member: &ArchiveMember) -> Result<String> {
    let located = archive.locate(member)?;
    let file = Arc::clone(archive.file());
    let bytes = MemberBytes { file, member: member.clone(), located, start: 0 };
    if member.size > LONGEST_TEXT {
        return Err(bytes
            .error(ErrorKind::Format, "the member is too long for a description")
            .expected(format!("at most {LONGEST_TEXT} bytes"))
            .found(member.size));
    }
    parse_text(&bytes.beginning(member.size)?).map_err(|error| bytes.blame(error))
}

/// Type and shape of the array in a member, for a list.
pub(super) fn description(archive: &Archive, member: &ArchiveMember) -> String {
    let described = array(archive, member).map(|array| match &array.shape[..] {
        [] => format!("a number, {}", array.dtype),
        shape => {
            let extents: Vec<_> = shape.iter().map(ToString::to_string).collect();
            format!("{} {}", extents.join(" x "), array.dtype)
        }
    });
    described.unwrap_or_else(|_| "not a matrix".to_owned())
}

impl MemberBytes {
    fn error(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, what).in_file(self.file.path()).at_field(&self.member.name)
    }

    /// Names the member in an error that does not know it.
    fn blame(&self, error: Error) -> Error {
        let place = error.location().map(ToString::to_string);
        let error = error.in_file(self.file.path());
        match place {
            // A byte of a member is none of the file.
            Some(place) => error.at_field(format!("{}, {place}", self.member.name)),
            None => error.at_field(&self.member.name),
        }
    }

    /// The first bytes of the member.
    fn beginning(&self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = match self.located.is_deflated {
            true => self.unpacked().take(count).read_to_end(&mut bytes),
            false => self.packed().take(count).read_to_end(&mut bytes),
        };
        read.map_err(|error| self.broken(error))?;
        Ok(bytes)
    }

    fn packed(&self) -> FileRange<&File> {
        let Located { offset, packed, .. } = self.located;
        FileRange { file: self.file.file(), at: offset, end: offset.saturating_add(packed) }
    }

    fn unpacked(&self) -> DeflateDecoder<std::io::BufReader<FileRange<&File>>> {
        let capacity = STEP.min(self.located.packed as usize + 1);
        DeflateDecoder::new(std::io::BufReader::with_capacity(capacity, self.packed()))
    }

    fn broken(&self, error: std::io::Error) -> Error {
        match error.raw_os_error() {
            Some(_) => Error::io("reading", self.file.path(), error),
            None => self
                .error(ErrorKind::Format, "the member is damaged")
                .expected("compressed data up to its end")
                .found(error),
        }
    }

    fn check_sum(&self, crc: &Crc) -> Result<()> {
        if u64::from(crc.amount()) != self.member.size & u64::from(u32::MAX) {
            return Err(self
                .error(ErrorKind::Format, "the size of the member differs from the archive")
                .expected(format!("{} bytes", self.member.size)));
        }
        match crc.sum() == self.member.crc {
            true => Ok(()),
            false => Err(self
                .error(ErrorKind::Checksum, "the member does not match its checksum")
                .expected(format!("{:08x}", self.member.crc))
                .found(format!("{:08x}", crc.sum()))),
        }
    }

    /// Hands on all unpacked bytes; fails if they are more or fewer than the directory says.
    fn unpack(&self, ctx: &Context, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut decoder = self.unpacked();
        let mut block = vec![0; STEP];
        let (mut done, mut counted) = (0u64, 0u64);
        loop {
            let count = match decoder.read(&mut block) {
                Ok(0) => break,
                Ok(count) => count as u64,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(error)),
            };
            done += count;
            if done > self.member.size {
                break;
            }
            ctx.meter().read(decoder.total_in() - counted);
            counted = decoder.total_in();
            ctx.report("unpacking", done, self.member.size)?;
            take(&block[..count as usize])?;
        }
        match done == self.member.size {
            true => Ok(()),
            false => Err(self
                .error(ErrorKind::Format, "the size of the member differs from the archive")
                .expected(format!("{} bytes", self.member.size))
                .found(match done > self.member.size {
                    true => "more".to_owned(),
                    false => done.to_string(),
                })),
        }
    }
}

impl ArrayBytes for MemberBytes {
    fn in_place(&self) -> Option<u64> {
        (!self.located.is_deflated).then_some(self.located.offset + self.start)
    }

    fn stored(&self) -> u64 {
        self.located.packed
    }

    fn memory(&self, _ctx: &Context) -> u64 {
        if self.located.is_deflated { 2 * STEP as u64 } else { AHEAD }
    }

    fn work(&self) -> f64 {
        if self.located.is_deflated { work::UNPACK } else { 0.0 }
    }

    fn read(&self, ctx: &Context, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (mut crc, mut before) = (Crc::new(), self.start);
        let mut elements = |bytes: &[u8]| {
            crc.update(bytes);
            let skipped = before.min(bytes.len() as u64);
            before -= skipped;
            take(&bytes[skipped as usize..])
        };
        if self.located.is_deflated {
            let _held = ctx.hold(self.memory(ctx));
            self.unpack(ctx, &mut elements)?;
        } else {
            let origin = Origin { path: self.file.path().to_owned(), file: self.file.again()? };
            let Located { offset, packed, .. } = self.located;
            let range = offset..offset + packed;
            sweep_bytes(&origin, range, (STEP, AHEAD), ctx, &mut elements)?;
        }
        self.check_sum(&crc)
    }
}

/// Two parts of one array, one after the other: rows and columns of the array `coords`.
pub(super) fn halves(array: &ForeignArray) -> Result<[ForeignArray; 2]> {
    let &[2, len] = &array.shape[..] else {
        return Err(array
            .error(ErrorKind::Unsupported, "the matrix has the wrong number of dimensions")
            .expected("coordinates of two dimensions")
            .found(format!("{:?}", array.shape)));
    };
    let half = |k: u64| {
        let bytes = array.dtype.bytes_of(len);
        let header = NpyHeader::new(array.dtype, &[len], array.order);
        let header = NpyHeader { byte_order: array.byte_order, ..header };
        let part = ArrayHalf { whole: array.bytes(), skip: k * bytes, bytes };
        ForeignArray::new(array.file(), array.name(), header, Arc::new(part))
    };
    match array.order {
        Order::C => Ok([half(0)?, half(1)?]),
        Order::Fortran => Err(array
            .error(ErrorKind::Unsupported, "the row and column indices alternate")
            .expected("an array in C order")
            .found("Fortran order")),
    }
}

/// A range of the bytes of an array.
struct ArrayHalf {
    whole: Arc<dyn ArrayBytes>,
    skip: u64,
    bytes: u64,
}

impl ArrayBytes for ArrayHalf {
    fn in_place(&self) -> Option<u64> {
        self.whole.in_place().map(|offset| offset + self.skip)
    }

    fn stored(&self) -> u64 {
        self.whole.stored()
    }

    fn memory(&self, ctx: &Context) -> u64 {
        self.whole.memory(ctx)
    }

    fn work(&self) -> f64 {
        self.whole.work()
    }

    fn read(&self, ctx: &Context, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (mut before, mut left) = (self.skip, self.bytes);
        self.whole.read(ctx, &mut |bytes| {
            let skipped = before.min(bytes.len() as u64);
            before -= skipped;
            let rest = &bytes[skipped as usize..];
            let now = left.min(rest.len() as u64);
            left -= now;
            take(&rest[..now as usize])
        })
    }
}
