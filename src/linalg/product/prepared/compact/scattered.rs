//! The encoding for lines whose columns have no locality: entries in the order needed by two passes.
//!
//! Columns are cut into blocks of 16,384, whose part of x stays in the second-level cache, and lines into bins with at
//! most 32,768 slots for sums, which also stay there. Bins are processed in ranges, so that the terms between the first
//! and the second pass use bounded memory. Entries are stored range by range, in a range block of columns by block of
//! columns, in a block bin by bin, in a bin line by line.
//!
//! With 512 KiB of second-level cache R-MAT 22 takes 0.103 s, with blocks and bins of twice the size 0.128. One pass
//! over the same order, which adds products directly to sums of 4 to 32 MiB, writes no terms but takes 0.18 to 0.22 s:
//! x is read from memory once for each range, and its blocks do not stay in the cache next to that many sums.
//!
//! An entry is its value, its column within the block and its slot within the bin: as many bytes as an entry of CSR
//! with 32-bit indices, read once in each product as for CSR, but no access leaves the cache.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::{Decode, Factor, Scalar, Values};
use crate::linalg::kernels::{
    Conjugation, OutOfRange, Panel, SumShape, Update, add_terms, finish_lines, slot_of, slots_of,
    terms,
};
use crate::sparse::rises;
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::Raw;
use crate::storage::{BufferMut, Context, Index, RawBufferMut};

/// Columns of a block.
const BLOCK: usize = 1 << 14;

/// How lines are cut.
#[derive(Clone, Copy)]
pub(crate) struct TileCut {
    /// Maximum slots of a bin: they are numbered by 16 bits.
    pub(crate) slots: usize,
    /// Approximate entries of a range, unless one bin has more.
    pub(crate) range: usize,
}

impl TileCut {
    /// Terms of a range take 256 MiB in `f64`. With half as many x is read more often (R-MAT 22 0.103 s instead of
    /// 0.091). Ranges whose terms stay in the last-level cache read all of x so often that they took 1.7 (R-MAT 22) to
    /// 1.9 times (uniform) as long.
    pub(crate) const USUAL: Self = TileCut { slots: 1 << 15, range: 32 << 20 };
}

/// Values that are decoded at a time.
const DECODED: usize = 1 << 12;

/// A matrix in the order of two passes.
pub(crate) struct Scattered {
    columns: usize,
    /// How the terms of a line are added.
    sums: SumShape,
    ranges: Vec<BinRange>,
    /// Entries of every line.
    lens: Vec<u32>,
    values: RawBufferMut,
    local: BufferMut<u16>,
    slots: BufferMut<u16>,
    /// The most entries of a range, the most slots of a bin.
    largest: (usize, usize),
}

/// Whether the lines of a panel access x at random, and x does not fit in the cache: hardly any of the parts of x that
/// some lines touch is touched by another. Samples a few thousand lines.
pub(crate) fn jumps<I: Index>(panel: Panel<'_, (), I>) -> bool {
    if panel.ncols() < LARGE {
        return false;
    }
    let (mut touched, mut entries) = (Vec::new(), 0);
    let mut distinct = 0;
    for start in (0..panel.nrows()).step_by((panel.nrows() / SPOTS).max(SPOT)) {
        touched.clear();
        for line in start..panel.nrows().min(start + SPOT) {
            let indices = panel.row(line).map_or(&[][..], |range| &panel.indices[range]);
            touched.extend(indices.iter().map(|index| index.to_usize() / IN_A_CACHE_LINE));
        }
        entries += touched.len();
        touched.sort_unstable();
        touched.dedup();
        distinct += touched.len();
    }
    // A grid's neighbours touch each part many times, a graph's usually once.
    distinct * 3 > entries
}

/// Columns from which on x is large compared with the second-level cache.
const LARGE: usize = 1 << 19;

/// Sampled places, and lines at each.
const SPOTS: usize = 64;
const SPOT: usize = 64;

/// Numbers of a cache line.
const IN_A_CACHE_LINE: usize = 8;

/// Some consecutive bins.
struct BinRange {
    /// Its part of the entries.
    entries: Range<usize>,
    bins: Vec<Bin>,
    /// The start in the range of the entries of each block of columns and bin, block by block, and the end of the last.
    starts: Vec<u32>,
}

/// Some consecutive lines.
#[derive(Clone, Debug)]
struct Bin {
    lines: Range<usize>,
    slots: usize,
    entries: usize,
}

impl Scattered {
    /// Encodes the entries of a panel in this order; `None` if columns do not rise in every line, or it takes more than
    /// `most` bytes.
    ///
    /// Fails if a pointer or an index is out of range. Cost: two reads of the entries, one write.
    pub(crate) fn encode<I: Index>(
        lines: (Panel<'_, (), I>, Raw<'_>),
        sums: SumShape,
        most: u64,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        Self::encode_cut(lines, sums, most, TileCut::USUAL, ctx)
    }

    /// As [`encode`](Self::encode), with other sizes of parts.
    pub(crate) fn encode_cut<I: Index>(
        (panel, of_entries): (Panel<'_, (), I>, Raw<'_>),
        sums: SumShape,
        most: u64,
        cut: TileCut,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        let (nnz, blocks) = (of_entries.len(), panel.ncols().div_ceil(BLOCK));
        if blocks < 2 || (nnz as u64).saturating_mul(of_entries.width() as u64 + 4) > most {
            return Ok(None);
        }
        let Some((lens, bins)) = cut_bins(panel, sums, cut) else {
            return Err(panel.out_of_range());
        };
        if bins.iter().any(|bin| bin.slots > cut.slots) {
            // A line of hundreds of millions of entries.
            return Ok(None);
        }
        // There is a count for every block and bin, which does not pay for wide matrices with few entries.
        if bins.len().saturating_mul(blocks) as u64 > most / size_of::<u32>() as u64 {
            return Ok(None);
        }
        let counts: Vec<Option<Vec<u32>>> =
            ctx.with_threads(|| bins.par_iter().map(|bin| count(panel, bin, blocks)).collect());
        ctx.check_cancelled()?;
        let Some(counts) = counts.into_iter().collect::<Option<Vec<_>>>() else {
            // Not in order, or out of range; the plain product reports which.
            return Ok(None);
        };
        let ranges = ranges_of(bins, &counts, blocks, cut.range);
        let meter = ctx.meter();
        let largest = |of: fn(&BinRange) -> usize| ranges.iter().map(of).max().unwrap_or(0);
        let mut scattered = Scattered {
            columns: panel.ncols(),
            sums,
            largest: (
                largest(|range| range.entries.len()),
                largest(|range| range.bins.iter().map(|bin| bin.slots).max().unwrap_or(0)),
            ),
            ranges,
            lens,
            values: RawBufferMut::fresh(of_entries.dtype(), nnz)?.counted(meter),
            local: BufferMut::fresh(nnz)?.counted(meter),
            slots: BufferMut::fresh(nnz)?.counted(meter),
        };
        match ctx.with_threads(|| scattered.fill((panel, of_entries), blocks)) {
            Ok(()) => Ok(Some(scattered)),
            Err(OutOfRange) => Err(panel.out_of_range()),
        }
    }

    fn fill<I: Index>(
        &mut self,
        (panel, of_entries): (Panel<'_, (), I>, Raw<'_>),
        blocks: usize,
    ) -> std::result::Result<(), OutOfRange> {
        let (mut values, mut local, mut slots) =
            (self.values.as_mut(), &mut self.local[..], &mut self.slots[..]);
        let mut tasks = Vec::new();
        for range in &self.ranges {
            let these_values = values.take_front(range.entries.len());
            let (these_local, these_slots);
            (these_local, local) = local.split_at_mut(range.entries.len());
            (these_slots, slots) = slots.split_at_mut(range.entries.len());
            tasks.push((range, these_values, these_local, these_slots));
        }
        tasks.into_par_iter().try_for_each(|(range, mut values, local, slots)| {
            for (b, bin) in range.bins.iter().enumerate() {
                let start = |block: usize| range.starts[block * range.bins.len() + b] as usize;
                let mut next: Vec<usize> = (0..blocks).map(start).collect();
                let (mut slot, mut places) = (0, Vec::new());
                for line in bin.lines.clone() {
                    let entries = panel.row(line)?;
                    let len = entries.len();
                    places.clear();
                    for (k, index) in panel.indices[entries.clone()].iter().enumerate() {
                        let column = index.to_usize();
                        let next = next.get_mut(column / BLOCK).ok_or(OutOfRange)?;
                        places.push(*next);
                        *local.get_mut(*next).ok_or(OutOfRange)? = (column % BLOCK) as u16;
                        slots[*next] = (slot + slot_of(k, len, self.sums)) as u16;
                        *next += 1;
                    }
                    values.scatter(&places, of_entries.slice(entries)).ok_or(OutOfRange)?;
                    slot += slots_of(len, self.sums);
                }
            }
            Ok(())
        })
    }

    /// Bytes that a product reads.
    pub(crate) fn bytes(&self) -> u64 {
        let entries = 4 * self.values.len() + size_of_val(&self.lens[..]);
        self.values.bytes() + entries as u64
    }

    /// Numbers of work space that a product needs.
    pub(crate) fn terms(&self) -> usize {
        self.largest.0
    }

    /// `y = A x` or `y += A x`; `buffer` has [`terms`](Self::terms) numbers. The bits are those of the plain product.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn gather<V: Factor<X>, X: Scalar>(
        &self,
        decode: Option<Decode<V>>,
        entries: Conjugation,
        update: Update,
        x: &[X],
        y: &mut [X],
        buffer: &mut [X],
        ctx: &Context,
    ) -> Result<()> {
        let damaged = || Error::new(ErrorKind::Index, "the encoded matrix is damaged");
        let values = Values::new(self.values.as_raw(), decode);
        let mut rest = y;
        for range in &self.ranges {
            ctx.check_cancelled()?;
            let lines = range.bins.iter().map(|bin| bin.lines.len()).sum();
            let these;
            (these, rest) = rest.split_at_mut(lines);
            let buffer = buffer.get_mut(..range.entries.len());
            let done = buffer.ok_or(OutOfRange).and_then(|buffer| {
                ctx.with_threads(|| {
                    self.all_terms(range, values, entries, x, buffer)?;
                    self.all_sums(range, update, buffer, these)
                })
            });
            done.map_err(|OutOfRange| damaged())?;
        }
        Ok(())
    }

    fn all_terms<V: Factor<X>, X: Scalar>(
        &self,
        range: &BinRange,
        values: Values<'_, V>,
        entries: Conjugation,
        x: &[X],
        buffer: &mut [X],
    ) -> std::result::Result<(), OutOfRange> {
        let mut tasks = Vec::new();
        let mut rest = buffer;
        for (block, ends) in
            range.starts.windows(range.bins.len() + 1).step_by(range.bins.len()).enumerate()
        {
            let (start, end) = (ends[0] as usize, ends[range.bins.len()] as usize);
            let these;
            (these, rest) = rest.split_at_mut(end - start);
            let here = range.entries.start + start..range.entries.start + end;
            tasks.push((block, here, these));
        }
        tasks.into_par_iter().try_for_each_init(Vec::new, |decoded, (block, here, buffer)| {
            let x = &x[block * BLOCK..self.columns.min((block + 1) * BLOCK)];
            self.terms_of(values, here, entries, x, buffer, decoded)
        })
    }

    /// The terms of some entries, a few thousand at a time if their values must be decoded.
    fn terms_of<V: Factor<X>, X: Scalar>(
        &self,
        values: Values<'_, V>,
        here: Range<usize>,
        entries: Conjugation,
        x: &[X],
        buffer: &mut [X],
        decoded: &mut Vec<V>,
    ) -> std::result::Result<(), OutOfRange> {
        if let Values::Plain(values) = values {
            return terms(&values[here.clone()], &self.local[here], entries, x, buffer);
        }
        for (part, buffer) in buffer.chunks_mut(DECODED).enumerate() {
            let start = here.start + part * DECODED;
            let here = start..start + buffer.len();
            terms(values.of(here.clone(), decoded), &self.local[here], entries, x, buffer)?;
        }
        Ok(())
    }

    fn all_sums<X: Scalar>(
        &self,
        range: &BinRange,
        update: Update,
        buffer: &[X],
        y: &mut [X],
    ) -> std::result::Result<(), OutOfRange> {
        let mut tasks = Vec::new();
        let mut rest = y;
        for (b, bin) in range.bins.iter().enumerate() {
            let these;
            (these, rest) = rest.split_at_mut(bin.lines.len());
            tasks.push((b, bin, these));
        }
        let (bins, blocks) = (range.bins.len(), self.columns.div_ceil(BLOCK));
        let empty = || vec![X::zero(); self.largest.1];
        tasks.into_par_iter().try_for_each_init(empty, |sums, (b, bin, y)| {
            sums[..bin.slots].fill(X::zero());
            for block in 0..blocks {
                let k = block * bins + b;
                let here = range.starts[k] as usize..range.starts[k + 1] as usize;
                let slots = &self.slots[range.entries.start..][here.clone()];
                add_terms(slots, &buffer[here], &mut sums[..bin.slots])?;
            }
            let lens = self.lens[bin.lines.clone()].iter().map(|&len| len as usize);
            finish_lines(lens, &sums[..bin.slots], self.sums, update, y)
        })
    }
}

/// The entries of every line, and lines in bins; `None` if a pointer is out of range.
fn cut_bins<I: Index>(
    panel: Panel<'_, (), I>,
    sums: SumShape,
    cut: TileCut,
) -> Option<(Vec<u32>, Vec<Bin>)> {
    let mut lens = Vec::with_capacity(panel.nrows());
    let mut bins = Vec::new();
    let mut open = Bin { lines: 0..0, slots: 0, entries: 0 };
    for line in 0..panel.nrows() {
        let len = panel.row(line).ok()?.len();
        lens.push(u32::try_from(len).ok().filter(|&len| len < u32::MAX / 2)?);
        if open.slots + slots_of(len, sums) > cut.slots
            || (open.entries > 0 && open.entries + len > cut.range)
        {
            bins.push(open);
            open = Bin { lines: line..line, slots: 0, entries: 0 };
        }
        open.lines.end = line + 1;
        open.slots += slots_of(len, sums);
        open.entries += len;
    }
    bins.push(open);
    Some((lens, bins))
}

/// Entries of a bin in each block of columns; `None` if columns do not rise or are out of range.
fn count<I: Index>(panel: Panel<'_, (), I>, bin: &Bin, blocks: usize) -> Option<Vec<u32>> {
    let mut counts = vec![0; blocks];
    for line in bin.lines.clone() {
        let indices = &panel.indices[panel.row(line).ok()?];
        if !rises(indices) || indices.last().is_some_and(|last| last.to_usize() >= panel.columns())
        {
            return None;
        }
        indices.iter().for_each(|index| counts[index.to_usize() / BLOCK] += 1);
    }
    Some(counts)
}

/// Bins in ranges of at most `most` entries, unless one bin has more, and the starts of the entries of each.
fn ranges_of(bins: Vec<Bin>, counts: &[Vec<u32>], blocks: usize, most: usize) -> Vec<BinRange> {
    let (mut ranges, mut first, mut before) = (Vec::new(), 0, 0);
    while first < bins.len() {
        let mut entries = bins[first].entries;
        let mut last = first + 1;
        while last < bins.len() && entries + bins[last].entries <= most {
            entries += bins[last].entries;
            last += 1;
        }
        let (mut starts, mut start) = (Vec::with_capacity(blocks * (last - first) + 1), 0);
        for block in 0..blocks {
            for counts in &counts[first..last] {
                starts.push(start);
                start += counts[block];
            }
        }
        starts.push(start);
        ranges.push(BinRange {
            entries: before..before + entries,
            bins: bins[first..last].to_vec(),
            starts,
        });
        before += entries;
        first = last;
    }
    ranges
}
