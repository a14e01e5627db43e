//! Entries in memory moved to the lines of a compressed matrix.
//!
//! - [`entries`] – the input entries, those of a compressed matrix with their [`line_numbers`] expanded; [`record`] – entries
//!   as records of bytes
//! - [`owners`] – entries with locality go directly to ranges of lines that threads own; [`assemble`] – others go
//!   through [`cache_panels`] of lines that fit in the cache, filled by [`distribute`]
//! - [`lines_to_fill`] – records moved into their lines; [`line_sort`] – a line sorted, its duplicates treated
//! - [`small`] – few entries, by one thread; [`few_across`] – those of a small matrix across its lines; [`symmetric`] –
//!   only the values, if the structure stays
//! - [`bins`] – lines cut into ranges of equal width; [`grain_sizes`] – sizes of the parts; [`cost`] – the cost of
//!   conversions

pub(crate) mod assemble;
mod bins;
mod cache_panels;
mod cost;
mod distribute;
mod entries;
mod few_across;
mod grain_sizes;
mod line_numbers;
mod line_sort;
mod lines_to_fill;
mod owners;
pub(crate) mod record;
pub(crate) mod small;
pub(crate) mod symmetric;

pub(crate) use assemble::assemble;
pub(crate) use bins::{Bins, cut, even};
pub(crate) use cost::{Sizes, check_fits, exceeds, reading_budget};
pub(crate) use entries::{BLOCK, InputEntries, Others};
pub(crate) use few_across::few_across;
pub(crate) use grain_sizes::GrainSizes;
pub(crate) use line_numbers::LineNumbers;
pub(crate) use line_sort::SortedLine;
pub(crate) use lines_to_fill::{EntryClash, FilledLines, LinesToFill};
pub(crate) use owners::Owners;
pub(crate) use record::RecordLayout;
