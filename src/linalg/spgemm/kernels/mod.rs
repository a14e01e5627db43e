//! Sparse times sparse, row by row, over a semiring (Gustavson, "Two fast algorithms for sparse matrices: multiplication
//! and permuted transposition", 1978).
//!
//! ```text
//! for each row i of A:
//!     for each entry (k, a) of row i, as stored:
//!         for each entry (j, b) of row k of B, as stored:  sum[j] = sum[j] + a * b
//!     row i of C = every j that was met, in order, with its sum
//! ```
//!
//! Every sum starts with the semiring's zero and takes its terms in this order, whatever it is gathered in. So neither
//! the accumulator, nor threads, nor cuts of A and B can be told from the bits of the result. A sum that cancels stays.
//!
//! There are three accumulators, and [`RowMultiplier`] chooses one for every row.
//!
//! 1. [`window`] – values for all columns between the first and the last that can be met, and a bit for each. No column
//!    is sorted, for the bits are in order. Best where the columns lie close together or are many: a row of a mesh, of a
//!    band, of a dense graph.
//! 2. [`merge`] – all terms written down, sorted by column, and added up: for few terms far apart.
//! 3. [`repeat`] – where the columns of a row are those of an earlier row, moved along, so is the place of every term in
//!    it: as on grids, and for the unknowns of one node. Nothing is searched or sorted then.
//!
//! Of a product under a mask, [`masked`] gathers the columns of the mask alone, or drops them from what another has gathered.
//!
//! One thread took these nanoseconds for a term (Zen 4, `f64`, 32-bit indices; A times A, output included):
//!
//! | matrix | terms, results | window | merge | repeat | hash table, then sorted |
//! |---|---|---|---|---|---|
//! | Poisson 100³ | 48 M, 25 M | 4.3 | 6.9 | **2.2** | 4.5 |
//! | the same, shuffled within runs of 1000 rows | 48 M, 25 M | **8** | 11 | – | 11 |
//! | 16 entries in each row, anywhere within 64 columns | 256 M, 97 M | **3.0** | – | – | 7.7 |
//! | R-MAT 16 | 401 M, 164 M | **2.7** | – | – | 11 |
//! | 16 of 300,000 at random | 77 M, 77 M | **21** | 23 | – | 36 |
//! | 4 of 4,000,000 at random | 64 M, 64 M | 118 | **50** | – | 75 |
//!
//! The hash table lost everywhere to one of the others and is not kept. Asking for rows of B ahead, which the table is
//! without, took another third off where they lie anywhere.
//!
//! A counting pass before the computing one, so that results could be stored where they stay, is not made: on R-MAT 16
//! it took four fifths of the time of computing, and a copy of the result from the cache one fifth.

mod masked;
mod merge;
mod multiplier;
mod repeat;
mod row;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use masked::{RowMask, retain};
pub(crate) use merge::MergeAccumulator;
pub(crate) use multiplier::{Limits, RowMultiplier};
pub(crate) use row::{ProductRows, Rows, Whole};
pub(crate) use window::Window;
