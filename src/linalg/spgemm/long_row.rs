//! A row of the product that does not fit among others, or whose terms come in parts.
//!
//! Its sums are gathered by one thread, in the order of all terms, and handed on piece by piece. They are kept for all
//! columns if those fit, and as a sorted list otherwise.

use super::budget::Budget;
use super::sink::Sink;
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::kernels::Fault;
use crate::linalg::kernels::spgemm::{Lines, Merge, Rows, Semiring, Window};
use crate::storage::Index;

/// Words of 64 columns that are handed on at a time.
const PIECE: usize = 64;

/// Terms of a batch of a list.
const BATCH: usize = 1 << 16;

/// The sums of one row.
pub(super) struct LongRow<S: Semiring, I> {
    sums: Sums<S, I>,
    columns: usize,
}

enum Sums<S: Semiring, I> {
    All(Window<S>),
    List(Merge<S, I>),
}

impl<S: Semiring, I: Index> LongRow<S, I> {
    /// For a row of so many terms in so many columns. Fails if not even a list of its sums fits.
    pub(super) fn new(
        semiring: S,
        (terms, columns): (usize, usize),
        budget: &Budget,
    ) -> Result<Self> {
        let sums = match memory::<S, I>((terms, columns), budget) {
            (true, _) => {
                let mut window = Window::new(semiring);
                window.widen(columns);
                Sums::All(window)
            }
            (false, bytes) if bytes <= budget.long_row() => {
                let mut merge = Merge::new(semiring, batch(terms));
                merge.start(0, columns);
                Sums::List(merge)
            }
            (false, bytes) => {
                return Err(Error::new(ErrorKind::Memory, "a row of the result would not fit")
                    .expected(format!("at most {} bytes for its sums", budget.long_row()))
                    .found(format!("{} bytes", bytes.min(Window::<S>::bytes(columns))))
                    .remedy("raise the memory limit"));
            }
        };
        Ok(LongRow { sums, columns })
    }

    /// Bytes of memory that a row of so many terms in so many columns takes.
    pub(super) fn bytes(reach: (usize, usize), budget: &Budget) -> u64 {
        memory::<S, I>(reach, budget).1.min(budget.long_row())
    }

    /// Adds the terms of some entries of A.
    pub(super) fn add<'a>(
        &mut self,
        (indices, values): (&[I], &[S::Left]),
        b: impl Rows<'a, S::Right, I>,
    ) -> std::result::Result<(), Fault>
    where
        I: 'a,
    {
        for (k, &x) in indices.iter().zip(values) {
            let (indices, values) = b.row(k.to_usize())?;
            match &mut self.sums {
                Sums::All(window) => {
                    window.add::<false, I>((x, indices, values), 0, self.columns)?
                }
                Sums::List(merge) => merge.add((x, indices, values))?,
            }
        }
        Ok(())
    }

    /// Hands the row on.
    pub(super) fn finish(self, sink: &mut impl Sink<I, S::Sum>) -> Result<()> {
        match self.sums {
            Sums::All(mut window) => {
                let (words, mut lines) = (self.columns.div_ceil(64), Lines::new());
                for start in (0..words).step_by(PIECE) {
                    lines.clear(PIECE * 64);
                    window.take(0, start..words.min(start + PIECE), &mut lines);
                    sink.part(&lines.indices, &lines.data)?;
                }
            }
            Sums::List(mut merge) => {
                let lines = merge.finish();
                sink.part(&lines.indices, &lines.data)?;
            }
        }
        sink.end_line()
    }
}

/// Whether sums are kept for all columns, and the bytes that takes or else a list.
fn memory<S: Semiring, I: Index>((terms, columns): (usize, usize), budget: &Budget) -> (bool, u64) {
    let all = Window::<S>::bytes(columns);
    // The list and the next one, while a batch goes into it.
    let entry = (size_of::<I>() + size_of::<S::Sum>()) as u64;
    let list = 2 * terms.min(columns) as u64 * entry;
    let batch = Merge::<S, I>::batch_bytes(batch(terms)) + batch(terms) as u64 * entry;
    let is_all = all <= budget.long_row() && all <= 16 * list;
    (is_all, if is_all { all } else { list + batch })
}

fn batch(terms: usize) -> usize {
    terms.clamp(64, BATCH)
}
