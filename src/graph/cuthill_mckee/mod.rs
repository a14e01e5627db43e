//! Reverse Cuthill–McKee.
//!
//! - [`numbering`] – the order, level by level
//! - [`check`] – the properties of such an order, checked without a queue

mod check;
mod numbering;

pub use check::check_cuthill_mckee;
pub use numbering::reverse_cuthill_mckee;
