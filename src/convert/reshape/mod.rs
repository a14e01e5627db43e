//! The same entries in another order.
//!
//! - [`permute`] – rows and columns of a sparse matrix, [`permute_in_memory`] where it fits
//! - [`dense_order`] – a dense matrix in the other element order; [`copy_into`] – copied where the caller says

mod copy_into;
mod dense_order;
mod permute;
mod permute_in_memory;

pub(crate) use dense_order::to_order;
pub(crate) use permute::permute;
#[cfg(test)]
pub(crate) use permute::permuted;
