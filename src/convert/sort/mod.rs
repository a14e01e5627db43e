//! The external sort: entries in any order moved to their lines if they do not fit in memory.
//!
//! ```text
//! first pass:   buffer entries -> sort by bins of lines -> one run to the scratch file
//! second pass:  some bins at a time from all runs -> lines -> the sink
//! ```
//!
//! - [`sorter`] – the two passes: [`sorted_run`] makes the runs, [`sorted_bins`] reads them back; [`passes`] – the
//!   interface between the two
//! - [`memory_sorter`] – the same without a scratch file
//! - [`long_line`] – a line too long to be sorted in memory; [`sink`] – the destination of lines

mod long_line;
mod memory_sorter;
mod passes;
mod sink;
mod sorted_bins;
mod sorted_run;
pub(crate) mod sorter;

pub(crate) use memory_sorter::MemorySorter;
pub(crate) use passes::{AnySink, Triplets};
pub(crate) use sink::{AnyCooSink, AnyMatrixSink, position};
pub(crate) use sorted_bins::SortedBins;
pub(crate) use sorted_run::sorted_run;
pub(crate) use sorter::{AnySorter, entries_in_memory};
