//! Products along the lines of an encoded matrix, on all threads.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::{Decode, Factor, Scalar, Values};
use crate::linalg::product::kernels::{
    Conjugation, Fault, Run, RunValues, Update, gather_encoded, gather_runs, gather_runs_block,
};
use crate::linalg::product::prepared::compact::encoding::{Block, Compact, Structure};
use crate::storage::Context;
use crate::storage::parallel::{IntoTasks, Tasks};

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
        ctx.check_cancelled()?;
        let values = Values::new(self.values.as_raw(), decode);
        let (repeated, mut room) = (Values::new(self.repeated.as_raw(), decode), Vec::new());
        let repeated = repeated.of(0..self.repeated.len(), &mut room);
        let mut tasks = Vec::with_capacity(self.blocks.len());
        let mut rest = y;
        for block in &self.blocks {
            let (these, after) = std::mem::take(&mut rest).split_at_mut(block.lines.len() * k);
            rest = after;
            tasks.push((block, these));
        }
        let done = ctx.with_threads(|| {
            tasks.into_par_iter().try_for_each_init(Vec::new, |room, (block, y)| {
                let values = values.of(block.values.clone(), room);
                self.gather_block(block, (values, repeated), entries, update, x, y, k)
            })
        });
        // The encoding was made from checked indices and is in private memory.
        done.map_err(|Fault| Error::new(ErrorKind::Index, "the encoded matrix is damaged"))
    }

    #[allow(clippy::too_many_arguments)]
    fn gather_block<V: Factor<X>, X: Scalar>(
        &self,
        block: &Block,
        (values, repeated): (&[V], &[V]),
        entries: Conjugation,
        update: Update,
        x: &[X],
        y: &mut [X],
        k: usize,
    ) -> std::result::Result<(), Fault> {
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
                    Run { first: first - lines, lines, offsets, values: own }
                });
                match k {
                    1 => gather_runs(runs, self.sums, entries, update, x, y),
                    _ => gather_runs_block(runs, entries, update, x, y, k),
                }
            }
            Structure::Narrow { ends, columns, least } => {
                let x = x.get(least * k..).ok_or(Fault)?;
                let lines = (&self.ends[ends.clone()], &self.narrow[columns.clone()], values);
                gather_encoded(lines, self.sums, entries, update, x, y, k)
            }
            Structure::Wide { ends, columns } => {
                let x = x.get(..self.columns * k).ok_or(Fault)?;
                let lines = (&self.ends[ends.clone()], &self.wide[columns.clone()], values);
                gather_encoded(lines, self.sums, entries, update, x, y, k)
            }
        }
    }
}
