//! Sparse times sparse, row by row, over a semiring (Gustavson, "Two fast algorithms for sparse matrices:
//! multiplication and permuted transposition", 1978).
//!
//! ```text
//! for each row i of A:
//!     for each entry (k, a) of row i, as stored:
//!         for each entry (j, b) of row k of B, as stored:  sum[j] = sum[j] + a * b
//!     row i of C = every j with a term, in order, with its sum
//! ```
//!
//! Every sum starts with the semiring's zero and adds its terms in this order, whatever the accumulator. So the bits of
//! the result depend neither on the accumulator, nor on threads, nor on cuts of A and B. A sum that cancels stays.
//!
//! There are three accumulators, and [`RowMultiplier`] chooses one for every row.
//!
//! 1. [`window`] – values for all columns between the first and the last possible one, and a bit for each. No column is
//!    sorted, because the bits are in order. Best if the columns are close together or many: a row of a mesh, of a
//!    band, of a dense graph.
//! 2. [`merge`] – all terms written to an array, sorted by column, and added: for few terms far apart.
//! 3. [`repeat`] – if the columns of a row are those of an earlier row, shifted, so is the position of every term in
//!    it: as on grids, and for the unknowns of one node. Nothing is searched or sorted then.
//!
//! For a product under a mask, [`masked`] gathers only the columns of the mask, or drops them from another
//! accumulator's result.
//!
//! Nanoseconds per term on one thread (Zen 4, `f64`, 32-bit indices; A times A, output included):
//!
//! | matrix | terms, results | window | merge | repeat | hash table, then sorted |
//! |---|---|---|---|---|---|
//! | Poisson 100³ | 48 M, 25 M | 4.3 | 6.9 | **2.2** | 4.5 |
//! | the same, shuffled within runs of 1000 rows | 48 M, 25 M | **8** | 11 | – | 11 |
//! | 16 entries in each row, random within 64 columns | 256 M, 97 M | **3.0** | – | – | 7.7 |
//! | R-MAT 16 | 401 M, 164 M | **2.7** | – | – | 11 |
//! | 16 of 300,000 at random | 77 M, 77 M | **21** | 23 | – | 36 |
//! | 4 of 4,000,000 at random | 64 M, 64 M | 118 | **50** | – | 75 |
//!
//! The hash table was slower than one of the others in every case and is not kept. Prefetching rows of B, which the
//! table above does not include, saved another third if they are scattered.
//!
//! A counting pass before the computing one, to store results in their final place, is not used: on R-MAT 16 it took
//! four fifths of the time of computing, and a copy of the result from the cache one fifth.

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
pub(crate) use row::{ProductRows, RowSource, WholeMatrix};
pub(crate) use window::Window;
