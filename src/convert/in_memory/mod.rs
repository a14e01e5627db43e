//! Entries in memory brought to the lines of a compressed matrix.
//!
//! - [`entries`] – entries on their way, those of a compressed matrix with their [`majors`] written out; [`record`] – as
//!   records of bytes
//! - [`owners`] – entries that lie close together go straight to ranges of lines that threads own; [`assemble`] – others by
//!   way of [`strips`] of lines that the cache holds, to which [`spread`] brings them
//! - [`region`] – records of some lines put into their lines; [`line_sort`] – a line sorted, its duplicates treated
//! - [`few`] – few entries, by one thread; [`few_across`] – those of a small matrix across its lines; [`symmetric`] – values
//!   alone, where the structure stays
//! - [`bins`] – lines cut into ranges of equal width; [`grain`] – sizes of the parts; [`cost`] – what conversions cost

pub(crate) mod assemble;
mod bins;
mod cost;
mod entries;
pub(crate) mod few;
mod few_across;
mod grain;
mod line_sort;
mod majors;
mod owners;
pub(crate) mod record;
mod region;
mod spread;
mod strips;
pub(crate) mod symmetric;

pub(crate) use assemble::assemble;
pub(crate) use bins::{Bins, cut, even};
pub(crate) use cost::{check_fits, exceeds, reading_budget};
pub(crate) use entries::{BLOCK, Entries, Others};
pub(crate) use few_across::few_across;
pub(crate) use grain::Grain;
pub(crate) use line_sort::SortedLine;
pub(crate) use majors::Majors;
pub(crate) use owners::Owners;
pub(crate) use record::Layout;
pub(crate) use region::{Region, RegionClash, RegionOutcome};
