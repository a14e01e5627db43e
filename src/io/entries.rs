//! Entries that a block of text lists, and those in the order of a compressed matrix, which go to their places without
//! a sort.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{AnyCompressed, AnyWriter, IndexVec, by_index};
use crate::storage::raw::RawVec;
use crate::storage::{DType, Entry, Index};

/// Lines whose entries are passed on together.
const LINES: usize = 1 << 12;

/// Some entries, in the order of the file.
pub(in crate::io) struct Entries {
    /// The line of the result in which each is, row or column, and its index across.
    pub(in crate::io) majors: IndexVec,
    pub(in crate::io) minors: IndexVec,
    pub(in crate::io) data: RawVec,
    /// Whether lines, and in each line indices, strictly rise.
    pub(in crate::io) rises: bool,
}

impl Entries {
    pub(in crate::io) fn new(values: Option<DType>, indices: DType) -> Self {
        let index = || IndexVec::new(indices);
        Entries { majors: index(), minors: index(), data: RawVec::new(values), rises: true }
    }

    pub(in crate::io) fn clear(&mut self) {
        self.majors.clear();
        self.minors.clear();
        self.data.clear();
        self.rises = true;
    }

    #[inline(always)]
    pub(in crate::io) fn push<T: Entry>(&mut self, major: usize, minor: usize, value: T) {
        self.majors.push(major);
        self.minors.push(minor);
        self.data.push(value);
    }
}

/// Takes entries in order.
pub(in crate::io) struct InOrder {
    writer: AnyWriter,
    last: Option<(usize, usize)>,
    /// Whether an entry came out of order.
    pub(in crate::io) broken: bool,
    lens: Vec<usize>,
}

impl InOrder {
    pub(in crate::io) fn new(writer: AnyWriter) -> Self {
        InOrder { writer, last: None, broken: false, lens: Vec::new() }
    }

    /// Takes the entries of the next block. Fails if one is out of order; then [`broken`](Self::broken) is set.
    pub(in crate::io) fn take(&mut self, block: &Entries) -> Result<()> {
        let (majors, minors, data) =
            (block.majors.as_indices(), block.minors.as_indices(), block.data.as_raw());
        let Some(count) = majors.len().checked_sub(1) else { return Ok(()) };
        let first = (majors.at(0), minors.at(0));
        if !block.rises || self.last.is_some_and(|last| last >= first) {
            self.broken = true;
            return Err(Error::new(ErrorKind::Format, "the entries are not in order"));
        }
        self.last = Some((majors.at(count), minors.at(count)));
        let push = |writer: &mut AnyWriter, lens: &[usize], start: usize, end: usize| {
            writer.push_lines(lens, minors.slice(start..end).raw(), data.slice(start..end))
        };
        let (mut line, mut begin, mut start) = (self.writer.lines(), 0, 0);
        self.lens.clear();
        by_index!(majors, majors => {
            for (k, major) in majors.iter().enumerate() {
                while line < major.to_usize() {
                    self.lens.push(k - begin);
                    (line, begin) = (line + 1, k);
                    if self.lens.len() == LINES {
                        push(&mut self.writer, &self.lens, start, begin)?;
                        self.lens.clear();
                        start = begin;
                    }
                }
            }
        });
        push(&mut self.writer, &self.lens, start, begin)?;
        self.writer.push_part(minors.slice(begin..count + 1).raw(), data.slice(begin..count + 1))
    }

    /// The matrix of all entries.
    pub(in crate::io) fn finish(self) -> Result<AnyCompressed> {
        self.writer.finish(true)
    }
}
