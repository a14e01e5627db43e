//! What a solver answers.

use crate::linalg::Scalar;

/// The answer of an iterative solver.
#[derive(Clone, Debug)]
pub struct Solved<X: Scalar> {
    /// The last iterate.
    pub x: Vec<X>,
    /// Whether the stop test holds for `x`.
    pub converged: bool,
    /// Why the iteration ended.
    pub reason: StopReason,
    /// Iterations done.
    pub iterations: usize,
    /// `‖b − A x‖`, computed from `x` itself at the end.
    pub residual_norm: X::Real,
    /// The residual norm that the iteration carried along, at the start and after every iteration.
    pub history: Vec<X::Real>,
    /// Products with the operator; for a matrix, passes over it.
    pub passes: usize,
    /// Bytes read from files meanwhile, by everything under the context.
    pub bytes_read: u64,
    /// Seconds in which the work waited for the disk.
    pub seconds_waiting: f64,
}

/// Why an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// `‖b − A x‖ ≤ max(rtol ‖b‖, atol)`.
    Converged,
    /// `maxiter` iterations were done.
    MaxIterations,
    /// A direction with `pᴴ A p ≤ 0` turned up: the operator is not positive definite.
    NotPositiveDefinite,
    /// A number that is not finite turned up.
    NotFinite,
}
