//! Matrices made from a formula, at any place: identity, diagonals, random, Poisson, R-MAT.
//!
//! [`formula`] makes the rows of most of them, in memory, or in buffers that are written to files behind the work;
//! [`filling`] has the buffers.

mod diagonal;
mod filling;
mod formula;
mod poisson;
mod random;
mod rmat;
