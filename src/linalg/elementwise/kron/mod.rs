//! Kronecker products: [`matrix`] computes them stretch by stretch, and [`pairs`] all pairs of entries of two lines.

mod matrix;
mod pairs;
