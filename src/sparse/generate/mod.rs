//! Matrices made from a formula, at any place: identity, diagonals, random, Poisson, R-MAT.

mod diagonal;
mod poisson;
mod random;
mod rmat;
