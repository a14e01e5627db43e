//! Values that are moved without being interpreted.
//!
//! Code that only moves values needs to know how many bytes each has, not what they are. So it works on [`Raw`] and
//! [`RawMut`], which know the type of their values at run time, and is compiled in this library: once, or once for each
//! width, where a loop over [`Carrier`]s of that width is worth it ([`by_width`]). The one operation that depends on
//! the value, the sum of two at one position, follows from the type ([`merge`]).
//!
//! Pattern values have no bytes. They are counted and moved like others.
//!
//! - `carrier` – values of a given width; `view` and `view_mut` – runs of values, `chunks` – in parallel; `vec` – owned
//!   values
//! - `merge` – the sum of two values of a type

mod carrier;
mod chunks;
mod merge;
#[cfg(test)]
mod tests;
mod vec;
mod view;
mod view_mut;

pub(crate) use carrier::{Carrier, by_size, by_width};
pub(crate) use merge::{Merge, merge, put};
pub(crate) use vec::RawVec;
pub(crate) use view::{Raw, width};
pub(crate) use view_mut::{RawMut, carriers_mut, pair};
