//! Entries brought to their lines in two passes, when the result is larger than memory: an external distribution sort.
//!
//! ```text
//! 1. the entries come in any order of lines -> each goes to the bucket of its line -> full blocks go to a scratch file
//! 2. bucket by bucket: its blocks are read -> a stable counting sort by line -> appended to the result
//! ```
//!
//! A *bucket* is a range of consecutive lines whose entries fit in an eighth of the memory limit, or should: ranges are
//! chosen from a sample of the lines, a few MiB, because exact counts would cost one more pass over a third of the
//! data. A bucket that comes out too large after all is distributed once more over its own lines; entries that all
//! belong to one line need no sorting and are handed on as they come. So the cost is two reads and two writes of the
//! data, plus two more of what the sample misjudged.
//!
//! Every step keeps the order of entries of one line. That makes duplicates meet in the order in which they were
//! given, and sums have the bits of the conversion in memory.
//!
//! Memory: a quarter of the limit for blocks being filled and then, these being gone, for the ring that reads them; an
//! eighth for the bucket at hand, and another for whoever reads the input.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::bytes_of;

use crate::convert::ranges::{Histogram, Ranges};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Context, Entry, Index, IoBuffer, Spill};

/// The most buckets: 4,096 write streams of a page each still miss no cache that matters.
const MOST_BUCKETS: u64 = 4096;

/// Bytes for reading input, out of a memory limit; more gains nothing.
pub(super) fn reading_budget(ctx: &Context) -> u64 {
    (ctx.memory_limit_bytes() / 8).min(96 << 20)
}

/// Whether a result of `bytes` bytes outside the heap is too large to be filled in any order.
pub(super) fn exceeds(bytes: u64, ctx: &Context) -> bool {
    bytes > ctx.memory_limit_bytes() / 2
}

/// Entries of a range of lines, in the order in which they were given.
pub(super) struct Bucket<'a, T, I> {
    /// The lines the entries belong to; all entries of all of them, unless this is a part.
    pub(super) lines: Range<usize>,
    pub(super) majors: &'a [I],
    pub(super) minors: &'a [I],
    pub(super) data: &'a [T],
    /// For a single line that does not fit: the bytes that all of it would take. More parts of it may follow.
    pub(super) part_of: Option<u64>,
}

/// The first pass: entries on their way to their buckets.
pub(super) struct Distribution<T, I> {
    spill: Spill,
    layout: Layout,
    ranges: Ranges,
    /// The block of each bucket that is being filled, and the entries in it.
    filling: Vec<(IoBuffer, usize)>,
    /// Blocks of each bucket in the file and the entries in each.
    written: Vec<Vec<(u64, usize)>>,
    /// For values without bytes: a block full of them.
    nothing: Vec<T>,
    index: PhantomData<I>,
}

/// Where entries lie in a block: all values, then all lines, then all other indices.
#[derive(Clone, Copy)]
struct Layout {
    /// Entries in a full block, a multiple of 8 so that every array is aligned.
    entries: usize,
    majors: usize,
    minors: usize,
}

impl Layout {
    fn new<T: Entry, I: Index>(block: usize) -> Self {
        let entries = block / entry_bytes::<T, I>() / 8 * 8;
        let majors = entries * size_of::<T>();
        Layout { entries, majors, minors: majors + entries * size_of::<I>() }
    }
}

fn entry_bytes<T: Entry, I: Index>() -> usize {
    size_of::<T>() + 2 * size_of::<I>()
}

impl<T: Entry, I: Index> Distribution<T, I> {
    /// Buckets for `entries` entries of the lines in `histogram`, which holds a sample of them.
    ///
    /// Fails if the scratch folder has not the space.
    pub(super) fn new(histogram: Histogram, entries: u64, ctx: &Context) -> Result<Self> {
        let limit = ctx.memory_limit_bytes();
        let bytes = entries.saturating_mul(entry_bytes::<T, I>() as u64);
        // Half of what a bucket may be, so that a sample may be wrong by a factor of two.
        let wanted = bytes.div_ceil((bucket_room(limit) / 2).max(1)).clamp(2, MOST_BUCKETS);
        let share = limit / 4;
        let block = Spill::block_within((share / wanted) as usize);
        let most = (share / Spill::memory_of(block) as u64).clamp(2, wanted);
        let layout = Layout::new::<T, I>(block);
        let ranges = histogram.cut(most as usize);
        let blocks = entries.div_ceil(layout.entries as u64) + ranges.len() as u64;
        let spill = Spill::new(block, blocks, ctx)?;
        let filling = (0..ranges.len())
            .map(|_| spill.buffer().map(|buffer| (buffer, 0)))
            .collect::<Result<Vec<_>>>()?;
        let written = vec![Vec::new(); ranges.len()];
        let nothing = vec![T::zeroed(); if size_of::<T>() == 0 { layout.entries } else { 0 }];
        Ok(Distribution { spill, layout, ranges, filling, written, nothing, index: PhantomData })
    }

    /// Takes an entry. `None` if its line is in no bucket.
    #[inline]
    pub(super) fn push(&mut self, major: I, minor: I, value: T) -> Option<Result<()>> {
        let bucket = self.ranges.of(major.to_usize())?;
        let Layout { entries, majors, minors, .. } = self.layout;
        let (buffer, filled) = &mut self.filling[bucket];
        let (bytes, k) = (buffer.bytes_mut(), *filled);
        store(bytes, k, value);
        store(&mut bytes[majors..], k, major);
        store(&mut bytes[minors..], k, minor);
        *filled = k + 1;
        if k + 1 == entries { Some(self.write(bucket)) } else { Some(Ok(())) }
    }

    #[cold]
    fn write(&mut self, bucket: usize) -> Result<()> {
        let (buffer, filled) = &mut self.filling[bucket];
        let number = self.spill.append(buffer)?;
        self.written[bucket].push((number, std::mem::take(filled)));
        Ok(())
    }

    /// The second pass: calls `settle` with every bucket in the order of lines, empty ones included.
    pub(super) fn settle(
        mut self,
        ctx: &Context,
        settle: &mut impl FnMut(Bucket<'_, T, I>) -> Result<()>,
    ) -> Result<()> {
        for bucket in 0..self.ranges.len() {
            if self.filling[bucket].1 > 0 {
                self.write(bucket)?;
            }
        }
        self.filling = Vec::new();
        let room = bucket_room(ctx.memory_limit_bytes());
        let mut hand = Hand::new();
        let mut bucket = 0;
        while bucket < self.ranges.len() {
            let light = (bucket..self.ranges.len()).take_while(|&k| self.bytes(k) <= room).count();
            if light > 0 {
                self.settle_light(bucket..bucket + light, &mut hand, ctx, settle)?;
                bucket += light;
            } else {
                // Its room is wanted now.
                hand = Hand::new();
                self.settle_heavy(bucket, ctx, settle)?;
                bucket += 1;
            }
        }
        Ok(())
    }

    /// Bytes of a bucket's entries.
    fn bytes(&self, bucket: usize) -> u64 {
        let entries: usize = self.written[bucket].iter().map(|&(_, entries)| entries).sum();
        (entries * entry_bytes::<T, I>()) as u64
    }

    /// Buckets that fit in memory, their blocks read ahead across the ends of buckets.
    fn settle_light(
        &self,
        buckets: Range<usize>,
        hand: &mut Hand<T, I>,
        ctx: &Context,
        settle: &mut impl FnMut(Bucket<'_, T, I>) -> Result<()>,
    ) -> Result<()> {
        let blocks: Vec<_> = buckets.clone().flat_map(|k| &self.written[k]).copied().collect();
        let numbers: Vec<u64> = blocks.iter().map(|&(number, _)| number).collect();
        let (mut bucket, mut left) = (buckets.start, self.written[buckets.start].len());
        self.spill.sweep(&numbers, ctx, |position, bytes| {
            while left == 0 {
                hand.settle(self.ranges.lines(bucket), settle)?;
                bucket += 1;
                left = self.written[bucket].len();
            }
            let (majors, minors, data) = self.entries(bytes, blocks[position].1)?;
            hand.majors.extend_from_slice(majors);
            hand.minors.extend_from_slice(minors);
            hand.data.extend_from_slice(data);
            left -= 1;
            Ok(())
        })?;
        (bucket..buckets.end).try_for_each(|k| hand.settle(self.ranges.lines(k), settle))
    }

    /// A bucket that does not fit: distributed once more, or handed on in parts if it is one line.
    fn settle_heavy(
        &self,
        bucket: usize,
        ctx: &Context,
        settle: &mut impl FnMut(Bucket<'_, T, I>) -> Result<()>,
    ) -> Result<()> {
        let (lines, blocks) = (self.ranges.lines(bucket), &self.written[bucket]);
        let numbers: Vec<u64> = blocks.iter().map(|&(number, _)| number).collect();
        if lines.len() == 1 {
            let part_of = Some(self.bytes(bucket));
            return self.spill.sweep(&numbers, ctx, |position, bytes| {
                let (majors, minors, data) = self.entries(bytes, blocks[position].1)?;
                settle(Bucket { lines: lines.clone(), majors, minors, data, part_of })
            });
        }
        let entries = blocks.iter().map(|&(_, entries)| entries as u64).sum();
        // Every sixteenth block is sample enough; the order of lines within a bucket is nobody's promise.
        let mut histogram = Histogram::new(lines);
        let some: Vec<_> = blocks.iter().step_by(blocks.len().div_ceil(16)).copied().collect();
        let some_numbers: Vec<u64> = some.iter().map(|&(number, _)| number).collect();
        self.spill.sweep(&some_numbers, ctx, |position, bytes| {
            histogram.add(self.entries(bytes, some[position].1)?.0);
            Ok(())
        })?;
        let mut again = Distribution::<T, I>::new(histogram, entries, ctx)?;
        self.spill.sweep(&numbers, ctx, |position, bytes| {
            let (majors, minors, data) = self.entries(bytes, blocks[position].1)?;
            for ((&major, &minor), &value) in majors.iter().zip(minors).zip(data) {
                again.push(major, minor, value).unwrap_or_else(|| Err(damaged()))?;
            }
            Ok(())
        })?;
        again.settle(ctx, settle)
    }

    /// The entries of a block, of which `entries` are filled.
    fn entries<'a>(
        &'a self,
        bytes: &'a [u8],
        entries: usize,
    ) -> Result<(&'a [I], &'a [I], &'a [T])> {
        let Layout { majors, minors, .. } = self.layout;
        let data = match size_of::<T>() {
            // Elements without bytes cannot be counted in a run of bytes.
            0 => &self.nothing[..entries],
            _ => load::<T>(bytes, 0, entries)?,
        };
        Ok((load::<I>(bytes, majors, entries)?, load::<I>(bytes, minors, entries)?, data))
    }
}

/// The bucket at hand.
struct Hand<T, I> {
    majors: Vec<I>,
    minors: Vec<I>,
    data: Vec<T>,
}

impl<T: Entry, I: Index> Hand<T, I> {
    fn new() -> Self {
        Hand { majors: Vec::new(), minors: Vec::new(), data: Vec::new() }
    }

    fn settle(
        &mut self,
        lines: Range<usize>,
        settle: &mut impl FnMut(Bucket<'_, T, I>) -> Result<()>,
    ) -> Result<()> {
        let Hand { majors, minors, data } = self;
        settle(Bucket { lines, majors, minors, data, part_of: None })?;
        majors.clear();
        minors.clear();
        data.clear();
        Ok(())
    }
}

/// Bytes of the largest bucket that is sorted in memory.
fn bucket_room(limit: u64) -> u64 {
    limit / 8
}

/// Writes element `k` of the array at the start of `bytes`.
#[inline(always)]
fn store<E: Entry>(bytes: &mut [u8], k: usize, element: E) {
    bytes[k * size_of::<E>()..][..size_of::<E>()].copy_from_slice(bytes_of(&element));
}

/// The array of `len` elements at byte `from`.
fn load<E: Entry>(bytes: &[u8], from: usize, len: usize) -> Result<&[E]> {
    let bytes = bytes.get(from..from + len * size_of::<E>()).ok_or_else(damaged)?;
    bytemuck::checked::try_cast_slice(bytes).map_err(|_| damaged())
}

fn damaged() -> Error {
    Error::new(ErrorKind::Io, "the scratch file does not hold what was written to it")
}
