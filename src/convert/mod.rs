//! Floor 2: every pair of dense, COO, CSR and CSC, each into any place.
//!
//! - [`compress`] – COO to CSR and CSC, with a policy for duplicates; [`expand`] – back to COO
//! - [`recompress`] – CSR to CSC and back, and into canonical format
//! - [`densify`] – any sparse format to dense; [`sparsify`] – dense to any sparse format
//! - [`distribute`] – entries to their lines through a scratch file, for results larger than memory; [`ranges`] – which
//!   lines go together; [`lines`] – putting entries into lines
//!
//! They count first and fill second, so that a result is made at its place, at its final size or, where duplicates are
//! summed, cut to it.

mod compress;
mod densify;
mod distribute;
mod expand;
mod lines;
mod ranges;
mod recompress;
mod sparsify;
