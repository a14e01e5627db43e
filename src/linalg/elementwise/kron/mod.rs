//! Kronecker products: [`matrix`] computes them panel by panel, and [`pairs`] all pairs of entries of two lines.

mod matrix;
mod pairs;
