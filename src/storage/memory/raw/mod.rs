//! Values that are moved and not looked at.
//!
//! What only moves values does not ask what they are, but how many bytes each of them has. So it works on [`Raw`] and
//! [`RawMut`], which know the type of their values at run time, and is compiled in this library: once, or once for each
//! width, where a loop over [`Carrier`]s of that width is worth it ([`by_width`]). What must be known of a value, the sum of
//! two at one position, follows from its type ([`merge`]).
//!
//! A pattern has values of no bytes. They are counted, and moved like others.
//!
//! - `carrier` – values of a width; `view` and `view_mut` – runs of values, `chunks` of them in parallel; `vec` – kept aside
//! - `merge` – what two values of a type make

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
