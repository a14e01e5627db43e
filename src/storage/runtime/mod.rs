//! What every operation is told and says: the caller's context, plans and counts, threads.
//!
//! - [`context`] – threads, memory limit, scratch folder, progress and cancelling; [`progress`] – which operation the callback
//!   is told of
//! - [`plan`] – what an operation will cost; [`begin`] – where it starts and hands its plan in; [`meter`] – what it costs, and
//!   what is held, [`work`] – what a step of it takes; [`place`] – where its result shall live
//! - [`parallel`] – the one loop behind all others; [`threads`] – pools, one for each context that asks; [`channel`] – messages
//!   between two threads; [`usable_memory`] – what the system grants

mod begin;
mod channel;
mod context;
mod meter;
pub(crate) mod parallel;
mod place;
mod plan;
mod progress;
pub(crate) mod threads;
mod usable_memory;
pub(crate) mod work;

pub(crate) use begin::Running;
pub(crate) use channel::{Receiver, Sender, channel};
pub(crate) use context::Recording;
pub use context::{CancelToken, Context};
pub(crate) use meter::{Held, Lasts, Meter, Reserved, Spare};
pub use place::Place;
pub use plan::{Cost, Plan, Report};
pub use progress::Progress;
