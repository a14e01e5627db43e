//! What may go wrong around the library, made to go wrong.
//!
//! Every suite makes one kind of trouble and looks afterwards at what stands on the disk. It comes in two forms: a short one
//! that `cargo test` runs, and a long one that goes over every case. A suite does not stop at the first fault but collects
//! them in a [`Report`], each with what is needed to see it again.
//!
//! | module | trouble |
//! |---|---|
//! | [`kill`] | the process is killed after any time |
//! | [`syscalls`] | the k-th system call fails, or is the last one, for every k |
//! | [`processes`] | several processes write and read one name |
//! | [`bits`] | a bit of a stored file is another one |
//! | [`special`] | pipes, devices, sockets, folders and links in place of files |
//! | [`space`] | the device is full; results and scratch files on different devices |
//! | [`panics`] | a closure of the caller panics |
//! | [`mutations`] | files that are nearly right |
//!
//! Beside them: [`operations`] is what is disturbed, [`state`] what must hold afterwards, [`worker`] the process in which
//! it happens, [`readers`] what is fed with bytes, here and by the fuzz targets.

pub mod bits;
pub mod kill;
pub mod mutations;
pub mod operations;
pub mod panics;
pub mod processes;
pub mod random;
pub mod readers;
pub mod report;
pub mod space;
pub mod special;
pub mod state;
pub mod stores;
pub mod syscalls;
pub mod versions;
pub mod worker;

pub use report::{Form, Report};
