//! Elements and their memory.
//!
//! - [`dtype`] and [`element`] – element types, by name and by type; [`buffer`] and [`buffer_mut`] – a run of elements,
//!   independent of the owner of the bytes, over a [`raw_buffer`]; [`raw`] – the same for code that only moves values, and knows the type at run time
//! - [`map`] – locking, reserving and mapping files, the only access to a file's bytes as memory
//! - [`allocate`] – allocation within the limit, of a size that comes from a shape
//! - [`first_failure`] – remembers a failure half-way

mod allocate;
mod buffer;
mod buffer_mut;
mod dtype;
mod element;
mod first_failure;
mod map;
pub(crate) mod raw;
mod raw_buffer;

pub(crate) use allocate::{bytes_of, filled, with_capacity};
pub use buffer::Buffer;
pub use buffer_mut::BufferMut;
pub(crate) use buffer_mut::{
    CACHE_LINE, RawBufferMut, in_cache_line, prefetch_ahead, prefetch_lines, prefetch_to_read,
    prefetch_to_write,
};
pub use dtype::DType;
pub use element::{Element, Entry, Index};
pub(crate) use element::{by_dtype, put};
pub(crate) use first_failure::Broken;
pub(crate) use map::{lock_exclusive, lock_shared, map_read, map_write, reserve, reserve_whole};
pub use raw_buffer::Access;
pub(crate) use raw_buffer::{Origin, RawBuffer};
