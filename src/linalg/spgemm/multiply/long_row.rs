//! A row of the product that does not fit among others, or whose terms are processed in parts.
//!
//! Its sums are gathered by one thread, in the order of all terms, and passed on part by part. They are kept for all
//! columns if those fit, and as a sorted list otherwise.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Semiring;
use crate::linalg::kernels::OutOfRange;
use crate::linalg::spgemm::budget::Budget;
use crate::linalg::spgemm::kernels::{
    MergeAccumulator, ProductRows, RowMask, RowSource, Window, retain,
};
use crate::linalg::spgemm::multiply::sink::Sink;
use crate::storage::Index;

/// Words of 64 columns that are passed on at a time.
const CHUNK: usize = 64;

/// Terms of a block of a list.
const BLOCK: usize = 1 << 16;

/// The sums of one row.
pub(crate) struct LongRow<S: Semiring, I> {
    sums: RowSums<S, I>,
    columns: usize,
}

enum RowSums<S: Semiring, I> {
    All(Window<S>),
    List(MergeAccumulator<S, I>),
}

impl<S: Semiring, I: Index> LongRow<S, I> {
    /// For a row of this many terms in this many columns. Fails if not even a list of its sums fits.
    pub(crate) fn new(
        semiring: S,
        (terms, columns): (usize, usize),
        budget: &Budget,
    ) -> Result<Self> {
        let sums = match memory::<S, I>((terms, columns), budget) {
            (true, _) => {
                let mut window = Window::new(semiring);
                window.widen(columns);
                RowSums::All(window)
            }
            (false, bytes) if bytes <= budget.long_row() => {
                let mut merge = MergeAccumulator::new(semiring, block::<S, I>(terms, budget));
                merge.start(0, columns);
                RowSums::List(merge)
            }
            (false, bytes) => {
                return Err(Error::new(
                    ErrorKind::Memory,
                    "a row of the result would not fit in memory",
                )
                .expected(format!("at most {} bytes for its sums", budget.long_row()))
                .found(format!("{} bytes", bytes.min(Window::<S>::bytes(columns))))
                .remedy("raise the memory limit"));
            }
        };
        Ok(LongRow { sums, columns })
    }

    /// Bytes of memory for a row of this many terms in this many columns.
    pub(crate) fn bytes(reach: (usize, usize), budget: &Budget) -> u64 {
        memory::<S, I>(reach, budget).1.min(budget.long_row())
    }

    /// Adds the terms of some entries of A.
    pub(crate) fn add<'a>(
        &mut self,
        (indices, values): (&[I], &[S::Left]),
        b: impl RowSource<'a, S::Right, I>,
    ) -> std::result::Result<(), OutOfRange>
    where
        I: 'a,
    {
        for (k, &x) in indices.iter().zip(values) {
            let (indices, values) = b.row(k.to_usize())?;
            match &mut self.sums {
                RowSums::All(window) => {
                    window.add::<false, I>((x, indices, values), 0, self.columns)?
                }
                RowSums::List(merge) => merge.add((x, indices, values))?,
            }
        }
        Ok(())
    }

    /// Passes the row on; for a masked product only the positions that the mask keeps in the row with this number.
    pub(crate) fn finish(
        self,
        mask: Option<(RowMask<'_, I>, usize)>,
        sink: &mut dyn Sink<I, S::Sum>,
    ) -> Result<()> {
        let mut sorted = Vec::new();
        let row = mask.map(|(mask, row)| Ok((mask.row(row, &mut sorted)?, mask.is_kept)));
        let row = row.transpose().map_err(|OutOfRange| mask_changed())?;
        let hand_on = |lines: &mut ProductRows<I, S::Sum>| {
            if let Some((mask, is_kept)) = row {
                retain(mask, is_kept, lines, 0);
            }
            sink.part(&lines.indices, &lines.data)
        };
        self.chunks(hand_on)?;
        sink.end_line()
    }

    /// Calls `hand_on` with the sums, part by part.
    fn chunks(
        self,
        mut hand_on: impl FnMut(&mut ProductRows<I, S::Sum>) -> Result<()>,
    ) -> Result<()> {
        match self.sums {
            RowSums::All(mut window) => {
                let (words, mut lines) = (self.columns.div_ceil(64), ProductRows::new());
                for start in (0..words).step_by(CHUNK) {
                    lines.clear(CHUNK * 64);
                    window.take(0, start..words.min(start + CHUNK), &mut lines);
                    hand_on(&mut lines)?;
                }
                Ok(())
            }
            RowSums::List(mut merge) => hand_on(merge.finish()),
        }
    }
}

fn mask_changed() -> Error {
    Error::new(ErrorKind::Index, "a mask changed while a product was made")
}

/// Whether sums are kept for all columns, and the bytes for these, or otherwise for a list.
fn memory<S: Semiring, I: Index>((terms, columns): (usize, usize), budget: &Budget) -> (bool, u64) {
    let all = Window::<S>::bytes(columns);
    // The list and the next one, while a block is merged into it.
    let list = 2 * terms.min(columns) as u64 * entry_bytes::<S, I>();
    let block = block::<S, I>(terms, budget) as u64 * term_bytes::<S, I>();
    let is_all = all <= budget.long_row() && all <= 16 * list;
    (is_all, if is_all { all } else { list + block })
}

/// Terms of a block.
fn block<S: Semiring, I: Index>(terms: usize, budget: &Budget) -> usize {
    let fit = budget.long_row() / 8 / term_bytes::<S, I>();
    terms.min(BLOCK).min(fit as usize).max(64)
}

fn entry_bytes<S: Semiring, I>() -> u64 {
    (size_of::<I>() + size_of::<S::Sum>()) as u64
}

/// Bytes of a term, and of the entry that it may become.
fn term_bytes<S: Semiring, I: Index>() -> u64 {
    MergeAccumulator::<S, I>::block_bytes(1) + entry_bytes::<S, I>()
}
