//! Kronecker products: [`matrix`] by matrix, of which [`pairs`] makes all pairs of entries of two lines.

mod matrix;
mod pairs;
