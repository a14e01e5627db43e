//! The same entries in another order, or some of them.
//!
//! - [`canonicalize`] – rising indices in every line
//! - [`filter`] – selected entries, [`triangle`] – those on one side of a diagonal, [`diagonal`] – the numbers on one
//! - [`take`] – rows and columns by a list or a mask
//! - [`permute`] – rows and columns of a sparse matrix, [`permute_in_memory`] if it fits
//! - [`dense_order`] – a dense matrix in the other element order; [`copy_into`] – copied to an array of the caller's

mod canonicalize;
mod copy_into;
mod dense_order;
mod diagonal;
mod filter;
mod permute;
mod permute_in_memory;
mod take;
mod take_across;
mod take_lines;
mod triangle;

pub(crate) use canonicalize::canonicalize;
pub(crate) use dense_order::to_order;
pub(crate) use diagonal::{
    fill as fill_diagonal, length as diagonal_length, plan as plan_diagonal,
};
pub(crate) use filter::prune;
pub(crate) use permute::permute;
#[cfg(test)]
pub(crate) use permute::permuted;
pub(crate) use take::{take, take_where};
pub(crate) use triangle::{tril, triu};
