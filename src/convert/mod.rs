//! Floor 2: every pair of dense, COO, CSR and CSC, each into any place.
//!
//! - [`compress`] – COO to CSR and CSC, with a policy for duplicates; [`expand`] – back to COO
//! - [`recompress`] – CSR to CSC and back, and into canonical format
//! - [`densify`] – any sparse format to dense; [`sparsify`] – dense to any sparse format
//! - [`distribute`] – entries to their lines through a scratch file, for results larger than memory; [`ranges`] – which
//!   lines go together; [`lines`] – putting entries into lines
//!
//! All of them count first and fill second, so that the result is made at its final size at its place.

mod compress;
mod densify;
mod distribute;
mod expand;
mod lines;
mod ranges;
mod recompress;
mod sparsify;
