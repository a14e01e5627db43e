//! Matrix times vectors.
//!
//! - [`operator`] – the trait on which solvers are based, also for [`pointers`]; [`fn_operator`] – one made of functions;
//!   [`reordered`] – a matrix with its permutation
//! - [`matrix_operators`] – typed matrices as operators; [`multiplier`] – their products: [`by_type`] finds the product
//!   for entries and vectors, [`lines_product`] or [`dense_product`], real entries with complex vectors [`by_parts`],
//!   64-bit integers [`exact`]
//! - [`prepared`] – a matrix prepared for many products
//! - [`matvec_with`] – over a semiring; [`bandwidth`] – the distance of entries from the diagonal

mod bandwidth;
mod by_parts;
mod by_type;
mod dense_product;
mod exact;
mod fn_operator;
mod line_source;
mod lines_product;
mod matrix_operators;
mod matvec_with;
mod multiplier;
mod normal;
mod operator;
mod pointers;
mod powers;
mod prepared;
mod reordered;

pub use by_type::Multiplies;
pub(crate) use by_type::{Products, check_meets, products};
pub use fn_operator::FnOperator;
pub(crate) use multiplier::Multiplier;
pub(crate) use normal::planned_normal;
pub use operator::LinearOperator;
pub(crate) use operator::planned;
pub use powers::{Between, Level};
pub(crate) use prepared::sealed;
pub use prepared::{Matrix, MultipliesVectors, Operator};
pub use reordered::Reordered;
