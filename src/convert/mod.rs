//! Floor 2: every pair of formats, in memory or on disk.
//!
//! - [`builder`] – entries in any order to CSR and CSC; [`compress`] – COO to CSR and CSC; [`recompress`] – CSR to CSC and back; [`expand`] – both to COO
//! - [`permute`] – rows and columns of a sparse matrix in another order, [`permuted`] in memory
//! - [`reorder`] – a dense matrix in the other order; [`copy_into`] – in any, where the caller says; [`sparsify`] – dense to sparse, [`sift`]ed panel by panel; [`densify`] – sparse to dense
//! - [`sorter`], [`buckets`] – entries brought to their lines where they do not fit in memory, two [`passes`] over [`bins`] of
//!   lines, [`record`]s of bytes, [`region`]s of lines and lines that are too long ([`long_line`]); [`sorting`] – whole matrices
//!   through it; [`sink`] and [`lines_sink`] – lines on their way into a sparse or a dense matrix; [`typed`] – the same for whoever
//!   knows the types
//! - [`entries`] in memory, those of a compressed matrix with their [`majors`] written out; [`assemble`] – brought to their lines,
//!   [`spread`] to [`strips`] of lines first, lines being sorted in [`sorted_line`]; [`owners`] – those that lie close
//!   together, straight to theirs; [`few`] of them, by one thread; [`symmetric`] – values alone, where the structure stays; all in
//!   parts of some [`grain`]
//! - [`cost`] – what the conversions have in common
//!
//! But for [`densify`] and what it shares with [`sparsify`], nothing here is compiled for the types of a matrix: they are known at
//! run time, and loops over entries have instances for index types and widths of values.

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
mod few;
mod grain;
mod lines_sink;
mod long_line;
mod majors;
mod owners;
mod passes;
mod permute;
mod permuted;
mod recompress;
mod record;
mod region;
mod reorder;
mod sift;
mod sink;
mod sorted_line;
mod sorter;
mod sorting;
mod sparsify;
mod spread;
mod strips;
mod symmetric;
#[cfg(test)]
mod tests;
mod typed;

pub use builder::CooBuilder;
pub(crate) use recompress::recompress;
