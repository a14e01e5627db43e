//! Matrices prepared for many products.
//!
//! - [`operator`] – [`Operator`], the public type
//! - [`lines`] – compressed matrices, read panel by panel or in a [`form`] of fewer bytes; [`compact`] – their encoding
//! - [`encoded_lines`] – those larger than the memory limit: what their encoding makes of them stays in
//!   memory, [`encoded_panel`] by panel
//! - [`powers`] – several products in one pass; [`levels`] – which panel makes which of them when
//! - [`readers`] – panels for several products at a time, one of which has the pinned ones, [`lending`] to it

mod compact;
mod encoded_lines;
mod encoded_panel;
mod form;
mod lending;
mod levels;
mod lines;
mod operator;
mod powers;
mod readers;

pub(crate) use compact::{Compact, Expanded};
pub(crate) use lines::{FormProduct, PreparedLines, Recompress};
pub(crate) use operator::sealed;
pub use operator::{Matrix, MultipliesVectors, Operator};
pub(crate) use readers::Readers;
