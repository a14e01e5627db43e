//! Floor 2: every pair of formats, in memory or on disk.
//!
//! - [`builder`] – entries in any order to CSR and CSC; [`compress`] – COO to CSR and CSC; [`recompress`] – CSR to CSC and back; [`expand`] – both to COO
//! - [`permute`] – rows and columns of a sparse matrix in another order, [`permuted`] in memory
//! - [`reorder`] – a dense matrix in the other order; [`copy_into`] – in any, where the caller says; [`sparsify`] – dense to sparse, what is kept being told by [`marks`], [`picked`] in memory or [`sift`]ed panel by panel; [`densify`] – sparse to dense, a [`target`] whose [`rows`] are filled with entries
//! - [`sorter`], [`buckets`] – entries brought to their lines where they do not fit in memory, two [`passes`] over [`bins`] of
//!   lines, [`record`]s of bytes, [`region`]s of lines and lines that are too long ([`long_line`]); [`sorting`] – whole matrices
//!   through it; [`sink`] and [`lines_sink`] – lines on their way into a sparse or a dense matrix
//! - [`entries`] in memory, those of a compressed matrix with their [`majors`] written out; [`assemble`] – brought to their lines,
//!   [`spread`] to [`strips`] of lines first, lines being sorted in [`sorted_line`]; [`owners`] – those that lie close
//!   together, straight to theirs; [`few`] of them, by one thread, and [`few_across`]; [`symmetric`] – values alone, where the structure stays; all in
//!   parts of some [`grain`]
//! - [`cost`] – what the conversions have in common; [`faults`] – what is wrong with their input
//!
//! Types of a matrix are known at run time here, and loops over entries have instances for index types and widths of values.

mod assemble;
mod bins;
mod buckets;
mod builder;
mod compress;
mod copy_into;
mod cost;
mod densify;
mod entries;
mod expand;
mod faults;
mod few;
mod few_across;
mod grain;
mod lines_sink;
mod long_line;
mod majors;
mod marks;
mod owners;
mod passes;
mod permute;
mod permuted;
mod picked;
mod recompress;
mod record;
mod region;
mod reorder;
mod rows;
mod sift;
mod sink;
mod sorted_line;
mod sorter;
mod sorting;
mod sparsify;
mod spread;
mod strips;
mod symmetric;
mod target;
#[cfg(test)]
mod tests;

pub use builder::CooBuilder;
pub(crate) use compress::to_compressed;
pub(crate) use densify::{coo_to_dense, to_dense};
pub(crate) use expand::expanded;
pub(crate) use permute::permute;
pub(crate) use recompress::recompress;
pub(crate) use reorder::to_order;
pub(crate) use sparsify::{to_coo, to_nonzeros};
