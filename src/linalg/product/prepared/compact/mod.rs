//! A compressed matrix in fewer bytes: what an inspector makes of it for many products, block of lines by block of lines.
//!
//! - `encoding` – blocks and the arrays that they lie in; this is the description of the format
//! - `encode` – which encoding each block gets, and filling it
//! - `scattered` – the other encoding, for columns without locality
//! - `product` – products of an encoded matrix, with the bits of those of the plain one
//!
//! A matrix is worth encoding if it is multiplied many times: making the encoding costs some ten products.

mod encode;
mod encoding;
mod product;
mod scattered;
#[cfg(test)]
mod tests;

pub(crate) use encoding::Compact;
pub(crate) use scattered::{Scattered, jumps};
