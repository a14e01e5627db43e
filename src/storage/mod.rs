//! Floor 0: elements, buffers, files.

mod context;
mod element;

pub use context::{CancelToken, Context, Progress};
pub use element::{DType, Element, Entry, Index};
