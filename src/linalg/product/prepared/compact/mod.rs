//! A compressed matrix encoded in fewer bytes for many products, block of lines by block of lines.
//!
//! - `encoding` – blocks and their arrays; this is the description of the format
//! - `encode` – choosing the encoding of each block, and filling it
//! - `scattered` – the other encoding, for columns without locality
//! - `dictionary` – few values by their numbers; `expand` – plain lines again
//! - `product` – products of an encoded matrix, with the bits of those of the plain one
//!
//! A matrix is worth encoding if it is multiplied many times: making the encoding costs about ten products.

mod dictionary;
mod encode;
mod encoding;
mod expand;
mod product;
mod scattered;
#[cfg(test)]
mod tests;

pub(crate) use encoding::Compact;
pub(crate) use expand::Expanded;
pub(crate) use scattered::{Scattered, jumps};
