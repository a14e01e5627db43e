//! Operators made of others, without a matrix: scaled, shifted, centred, sums, products, adjoints.
//!
//! A product with one is made of products with its parts, and so is its plan: each part that is a matrix is read once.
//! [`Compose`] has a method for each.

mod adjoint;
mod centered;
mod compose;
mod product;
mod scaled;
mod sum;

pub use adjoint::Adjoint;
pub use centered::Centered;
pub use compose::Compose;
pub use product::Product;
pub use scaled::{Scaled, Shifted};
pub use sum::Sum;
