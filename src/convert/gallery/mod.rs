//! Matrices made from a formula, at any place: identity, diagonals, random, Poisson, R-MAT.
//!
//! [`formula`] makes the rows of most of them, in memory or behind the work into files; [`filling`] is where they are put.

mod diagonal;
mod filling;
mod formula;
mod poisson;
mod random;
mod rmat;
