//! Parallel loops, all of them over one: [`work_stealing`] calls a function with ranges of numbers on the available threads.
//!
//! ```text
//! tasks.for_each(f)   =   spread(tasks.count(), |run| for at in run: f(tasks.take(at)))
//! ```
//!
//! The names are those of rayon's iterators, and rayon does the work. But rayon compiles some twenty functions for
//! every loop, in the calling crate. Here a loop is one closure, and the code that distributes it is compiled once, in
//! `spread`.
//!
//! An idle thread takes half of what another has left, so that few large tasks and many small ones are balanced alike.
//! Which thread does a task, and when, is unspecified; results are in the order of the tasks.
//!
//! - `spread` – the one loop, and two calls at once; `tasks` – the operations on tasks: zipped, numbered, mapped,
//!   reduced; `collect` – results in order
//! - `sources` – numbers, vectors and slices as tasks

mod collect;
mod sources;
mod tasks;
#[cfg(test)]
mod tests;
mod work_stealing;

pub(crate) use collect::collect_into_vec;
pub(crate) use sources::{ChunksMut, ParallelSlice};
pub(crate) use tasks::{IntoTasks, Tasks};
pub(crate) use work_stealing::{join, sort, threads, within};
