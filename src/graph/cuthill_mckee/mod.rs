//! Reverse Cuthill–McKee.
//!
//! - [`numbering`] – the order, level by level
//! - [`check`] – what makes an order one of these, told without a queue

mod check;
mod numbering;

pub use check::check_cuthill_mckee;
pub use numbering::reverse_cuthill_mckee;
