//! The caller's context, plans, meters and threads.
//!
//! - [`context`] – threads, memory limit, scratch folder, progress and cancellation; [`progress`] – which operation the
//!   callback is called for
//! - [`plan`] – the predicted cost of an operation; [`begin`] – where it starts and passes its plan; [`meter`] – its
//!   actual cost and what is held; [`work`] – the time of one step; [`place`] – where its result goes
//! - [`parallel`] – the one loop behind all others; [`threads`] – thread pools; [`started`] – whether threads run;
//!   [`channel`] – messages between threads; [`usable_memory`] – the memory that the system grants
//! - [`random`] – pseudorandom numbers; [`byte_count`] – sizes as people read them

mod begin;
mod byte_count;
mod channel;
mod context;
mod meter;
pub(crate) mod parallel;
mod place;
mod plan;
mod progress;
pub(crate) mod random;
mod started;
pub(crate) mod threads;
mod usable_memory;
pub(crate) mod work;

pub(crate) use begin::Running;
pub use byte_count::ByteCount;
pub(crate) use channel::{Receiver, Sender, channel};
pub(crate) use context::Recording;
pub use context::{CancelToken, Context};
pub(crate) use meter::{Held, Lasts, Meter, Reserved, Spare};
pub use place::Place;
pub use plan::{Cost, Plan, Report};
pub use progress::Progress;
pub(crate) use started::threads_run;
pub use usable_memory::{MemoryLimit, memory_limits};
