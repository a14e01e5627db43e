//! Blocks of consecutive lines, each in the encoding that suits it.
//!
//! The format is used in two places: in memory, for products of matrices that fit, and in files, where blocks are read
//! panel by panel. So it consists of plain arrays, each of which has the data of the blocks consecutively; a block, or
//! a run of blocks, is a contiguous part of every array.
//!
//! | encoding | for lines that | arrays |
//! |---|---|---|
//! | runs | differ from the previous line only by their number: grids, bands | `runs`: lines and pattern of each; `offsets`: column minus line of every entry of a pattern; `values`, eight lines at a time, offset by offset, or only one per offset in `repeated` |
//! | narrow | have all columns within 65,536 of each other | `ends`: entries up to the end of each line; `narrow`: column minus the block's least, 16 bits; `values` |
//! | wide | all others | `ends`; `wide`: the columns, 32 bits; `values` |
//!
//! Panels of a matrix larger than memory are encoded one by one. There, values are numbers of a `dictionary`, where a
//! panel has few of them, or are not kept and handed in with every product, in the order of the entries.

use std::ops::Range;

use crate::linalg::kernels::SumShape;
use crate::storage::{BufferMut, RawBufferMut};

/// A matrix in blocks of lines (rows of CSR, columns of CSC).
pub(crate) struct Compact {
    pub(crate) columns: usize,
    /// How the terms of a line are added.
    pub(crate) sums: SumShape,
    pub(crate) blocks: Vec<EncodedBlock>,
    pub(crate) runs: Vec<StoredRun>,
    /// The end of each pattern in `offsets`.
    pub(crate) patterns: Vec<usize>,
    pub(crate) offsets: Vec<i64>,
    pub(crate) repeated: RawBufferMut,
    pub(crate) ends: BufferMut<u32>,
    pub(crate) narrow: BufferMut<u16>,
    pub(crate) wide: BufferMut<u32>,
    pub(crate) values: RawBufferMut,
    /// The values that `values` and `repeated` number.
    pub(crate) dictionary: Option<RawBufferMut>,
    /// Whether `values` is empty because the caller hands them in.
    pub(crate) streamed: bool,
}

/// Some consecutive lines.
#[derive(Clone, Debug)]
pub(crate) struct EncodedBlock {
    pub(crate) lines: Range<usize>,
    pub(crate) entries: Range<usize>,
    /// Its part of `values`.
    pub(crate) values: Range<usize>,
    pub(crate) structure: Structure,
}

/// How the columns of a block are stored.
#[derive(Clone, Debug)]
pub(crate) enum Structure {
    /// Its part of `runs`.
    Runs(Range<usize>),
    /// Its parts of `ends` and `narrow`, and the least column.
    Narrow { ends: Range<usize>, columns: Range<usize>, least: usize },
    /// Its parts of `ends` and `wide`.
    Wide { ends: Range<usize>, columns: Range<usize> },
}

/// Consecutive lines with entries at the same offsets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredRun {
    pub(crate) lines: u32,
    /// Position in `patterns`.
    pub(crate) pattern: u32,
    /// Position in `repeated` of the common values of all lines, if there are such.
    pub(crate) repeated: Option<u32>,
}

impl Compact {
    /// Bytes of the encoding, which a product reads.
    pub(crate) fn bytes(&self) -> u64 {
        let small = size_of_val(&self.blocks[..])
            + size_of_val(&self.runs[..])
            + size_of_val(&self.patterns[..])
            + size_of_val(&self.offsets[..]);
        let large = size_of_val(&self.ends[..])
            + size_of_val(&self.narrow[..])
            + size_of_val(&self.wide[..]);
        let values = self.values.bytes() + self.repeated.bytes();
        (small + large) as u64 + values + self.dictionary.as_ref().map_or(0, RawBufferMut::bytes)
    }

    /// Those of [`bytes`](Self::bytes) that no meter counts.
    pub(crate) fn bytes_uncounted(&self) -> u64 {
        let counted = size_of_val(&self.ends[..])
            + size_of_val(&self.narrow[..])
            + size_of_val(&self.wide[..]);
        self.bytes() - counted as u64 - self.values.bytes()
    }

    /// Bytes of a block, which a product reads.
    pub(crate) fn bytes_of_block(&self, block: usize) -> u64 {
        let EncodedBlock { values, structure, .. } = &self.blocks[block];
        let structure = match structure {
            Structure::Runs(runs) => runs.len() * size_of::<StoredRun>(),
            Structure::Narrow { ends, columns, .. } => ends.len() * 4 + columns.len() * 2,
            Structure::Wide { ends, columns } => ends.len() * 4 + columns.len() * 4,
        };
        (structure + values.len() * self.values.as_raw().width()) as u64
    }

    /// The columns between the first and the last of a block.
    pub(crate) fn columns_of(&self, block: usize) -> Range<usize> {
        let EncodedBlock { lines, structure, .. } = &self.blocks[block];
        let range = |least: Option<usize>, largest: Option<usize>| match (least, largest) {
            (Some(least), Some(largest)) => least..largest + 1,
            _ => 0..0,
        };
        match structure {
            Structure::Runs(runs) => {
                let (mut line, mut all) = (lines.start as i64, None::<(i64, i64)>);
                for run in &self.runs[runs.clone()] {
                    let last = line + i64::from(run.lines) - 1;
                    for offset in self.pattern(run.pattern) {
                        let (from, to) = all.unwrap_or((line + offset, last + offset));
                        all = Some((from.min(line + offset), to.max(last + offset)));
                    }
                    line = last + 1;
                }
                all.map_or(0..0, |(from, to)| from as usize..to as usize + 1)
            }
            Structure::Narrow { columns, least, .. } => {
                let columns = &self.narrow[columns.clone()];
                let column = |it: Option<&u16>| it.map(|&column| least + usize::from(column));
                range(column(columns.iter().min()), column(columns.iter().max()))
            }
            Structure::Wide { columns, .. } => {
                let columns = &self.wide[columns.clone()];
                let column = |it: Option<&u32>| it.map(|&column| column as usize);
                range(column(columns.iter().min()), column(columns.iter().max()))
            }
        }
    }

    /// The offsets of a pattern.
    pub(crate) fn pattern(&self, pattern: u32) -> &[i64] {
        let pattern = pattern as usize;
        let start = if pattern == 0 { 0 } else { self.patterns[pattern - 1] };
        &self.offsets[start..self.patterns[pattern]]
    }
}
