//! Parallel loops, all of them over one: [`spread`] calls a function with runs of numbers, on the threads there are.
//!
//! ```text
//! tasks.for_each(f)   =   spread(tasks.count(), |run| for at in run: f(tasks.take(at)))
//! ```
//!
//! The names are those of rayon's iterators, and rayon does the work. But rayon compiles some twenty functions for every loop,
//! in the crate of whoever calls it; here a loop is one closure, and what shares it out is compiled once, in `spread`.
//!
//! A thread that asks for work while others have some takes half of what another has left, so that few large tasks and many small
//! ones are shared alike. Which thread does a task, and when, is left open; what is made of tasks stands in their order.
//!
//! - `spread` – the one loop, and two things at a time; `tasks` – what is done for numbers, with what they are given
//!   or those of others: two of them side by side, numbered, changed; `collect` – put together
//! - `sources` – numbers, vectors and slices as tasks

mod collect;
mod sources;
mod spread;
mod tasks;
#[cfg(test)]
mod tests;

pub(crate) use collect::collect_into_vec;
pub(crate) use sources::{ChunksMut, ParallelSlice};
pub(crate) use spread::{join, sort, threads, within};
pub(crate) use tasks::{IntoTasks, Tasks};
