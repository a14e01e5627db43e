//! The same entries in another order.
//!
//! - [`permute`] – rows and columns of a sparse matrix, [`permute_in_memory`] if it fits
//! - [`dense_order`] – a dense matrix in the other element order; [`copy_into`] – copied to an array of the caller's

mod copy_into;
mod dense_order;
mod permute;
mod permute_in_memory;

pub(crate) use dense_order::to_order;
pub(crate) use permute::permute;
#[cfg(test)]
pub(crate) use permute::permuted;
