//! Products along the lines of an encoded matrix, on all threads.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::{Decode, Factor, Scalar, Values};
use crate::linalg::kernels::{
    Conjugation, OffsetRun, OutOfRange, RunValues, Update, gather_encoded, gather_runs,
    gather_runs_block, interleave,
};
use crate::linalg::product::prepared::compact::encoding::{Compact, EncodedBlock, Structure};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Raw, RawMut};
use crate::storage::{Context, Entry};

/// Where the values of a product come from.
#[derive(Clone, Copy)]
enum ValueSource<'a, V> {
    /// Block by block, in the order in which they are multiplied.
    Kept(Values<'a, V>),
    /// As `Kept`, as numbers of a dictionary.
    Numbers(&'a [u8], &'a [V; 256]),
    /// In the order of the entries.
    Streamed(Values<'a, V>),
}

/// The values for their numbers.
fn look_up<V: Entry>(codes: &[u8], table: &[V; 256], to: &mut Vec<V>) {
    to.clear();
    to.extend(codes.iter().map(|&code| table[code as usize]));
}

impl Compact {
    /// `Y = A X` or `Y += A X` for `k` vectors: `x` has a row of `k` numbers for every column, `y` one for every line.
    /// The bits are those of the plain product.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn gather<V: Factor<X>, X: Scalar>(
        &self,
        decode: Option<Decode<V>>,
        entries: Conjugation,
        update: Update,
        x: &[X],
        y: &mut [X],
        k: usize,
        ctx: &Context,
    ) -> Result<()> {
        self.gather_part((0..self.blocks.len(), None), decode, (entries, update), (k, x, y), ctx)
    }

    /// As [`gather`](Self::gather), for some blocks. `y` has only their outputs; `streamed` has the values of all
    /// blocks in the order of the entries, if they are not kept.
    pub(crate) fn gather_part<V: Factor<X>, X: Scalar>(
        &self,
        (blocks, streamed): (Range<usize>, Option<Raw<'_>>),
        decode: Option<Decode<V>>,
        (entries, update): (Conjugation, Update),
        (k, x, y): (usize, &[X], &mut [X]),
        ctx: &Context,
    ) -> Result<()> {
        ctx.check_cancelled()?;
        // The encoding was made from checked indices and is in private memory.
        let damaged = || Error::new(ErrorKind::Index, "the encoded matrix is damaged");
        let mut table = Vec::new();
        let (values, repeated) = (self.values.as_raw(), self.repeated.as_raw());
        if let Some(dictionary) = &self.dictionary {
            let all = Values::new(dictionary.as_raw(), decode);
            table.extend_from_slice(all.of(0..all.len(), &mut Vec::new()));
            table.resize(256, V::zeroed());
        }
        let source = match (streamed, table.first_chunk()) {
            (Some(values), _) if self.streamed => {
                ValueSource::Streamed(Values::new(values, decode))
            }
            _ if self.streamed => return Err(damaged()),
            (_, Some(table)) => ValueSource::Numbers(values.typed().unwrap_or_default(), table),
            _ => ValueSource::Kept(Values::new(values, decode)),
        };
        let mut buffer = Vec::new();
        let repeated = match table.first_chunk() {
            Some(table) => {
                look_up(repeated.typed().unwrap_or_default(), table, &mut buffer);
                &buffer
            }
            None => Values::new(repeated, decode).of(0..repeated.len(), &mut buffer),
        };
        let mut tasks = Vec::with_capacity(blocks.len());
        let mut rest = y;
        for block in self.blocks.get(blocks).ok_or_else(damaged)? {
            let (these, after) = std::mem::take(&mut rest)
                .split_at_mut_checked(block.lines.len() * k)
                .ok_or_else(damaged)?;
            rest = after;
            tasks.push((block, these));
        }
        let done = ctx.with_threads(|| {
            let empty = || (Vec::new(), Vec::new());
            tasks.into_par_iter().try_for_each_init(empty, |(decoded, side), (block, y)| {
                let values = self.values_of(block, source, decoded, side);
                self.gather_block(block, (values, repeated), entries, update, x, y, k)
            })
        });
        done.map_err(|OutOfRange| damaged())
    }

    /// The values of a block in the order in which it is multiplied.
    fn values_of<'r, V: Entry>(
        &self,
        block: &EncodedBlock,
        source: ValueSource<'r, V>,
        decoded: &'r mut Vec<V>,
        side: &'r mut Vec<V>,
    ) -> &'r [V] {
        let values = match source {
            ValueSource::Kept(values) => return values.of(block.values.clone(), decoded),
            ValueSource::Numbers(codes, table) => {
                look_up(&codes[block.values.clone()], table, decoded);
                return decoded;
            }
            ValueSource::Streamed(values) => values.of(block.entries.clone(), decoded),
        };
        let Structure::Runs(range) = &block.structure else { return values };
        side.resize(values.len(), V::zeroed());
        let (mut rest, mut start) = (values, 0);
        for run in &self.runs[range.clone()] {
            let width = self.pattern(run.pattern).len();
            let these;
            (these, rest) = rest.split_at(run.lines as usize * width);
            if run.repeated.is_none() {
                let to = &mut side[start..start + these.len()];
                interleave(Raw::of(these), width, RawMut::of(to));
                start += these.len();
            }
        }
        &side[..start]
    }

    #[allow(clippy::too_many_arguments)]
    fn gather_block<V: Factor<X>, X: Scalar>(
        &self,
        block: &EncodedBlock,
        (values, repeated): (&[V], &[V]),
        entries: Conjugation,
        update: Update,
        x: &[X],
        y: &mut [X],
        k: usize,
    ) -> std::result::Result<(), OutOfRange> {
        match &block.structure {
            Structure::Runs(range) => {
                let (mut first, mut values) = (block.lines.start, values);
                let runs = self.runs[range.clone()].iter().map(|run| {
                    let (lines, offsets) = (run.lines as usize, self.pattern(run.pattern));
                    let own = match run.repeated {
                        Some(start) => RunValues::Same(&repeated[start as usize..]),
                        None => {
                            let these;
                            (these, values) = values.split_at(lines * offsets.len());
                            RunValues::Each(these)
                        }
                    };
                    first += lines;
                    OffsetRun { first: first - lines, lines, offsets, values: own }
                });
                match k {
                    1 => gather_runs(runs, self.sums, entries, update, x, y),
                    _ => gather_runs_block(runs, entries, update, x, y, k),
                }
            }
            Structure::Narrow { ends, columns, least } => {
                let x = x.get(least * k..).ok_or(OutOfRange)?;
                let lines = (&self.ends[ends.clone()], &self.narrow[columns.clone()], values);
                gather_encoded(lines, self.sums, entries, update, x, y, k)
            }
            Structure::Wide { ends, columns } => {
                let x = x.get(..self.columns * k).ok_or(OutOfRange)?;
                let lines = (&self.ends[ends.clone()], &self.wide[columns.clone()], values);
                gather_encoded(lines, self.sums, entries, update, x, y, k)
            }
        }
    }
}
