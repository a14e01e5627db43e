//! The tool as a user meets it: commands, what they print, exit codes, what they leave behind. One binary.

mod documentation;
mod graphs;
mod interrupts;
mod matrices;
mod pictures;
mod plans;
mod programs;
mod publishing;
mod refusals;
mod shell;
mod small_memory;
mod spectral;
mod usage;
