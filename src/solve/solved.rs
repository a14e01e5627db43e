//! The result of a solver.

use crate::linalg::Scalar;

/// The result of an iterative solver.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "X: serde::Serialize, X::Real: serde::Serialize"))]
pub struct Solved<X: Scalar> {
    /// The last iterate; if the iteration broke down or stagnated, the best that it kept.
    pub x: Vec<X>,
    /// Whether the stop test holds for `x`.
    pub converged: bool,
    /// Why the iteration ended.
    pub reason: StopReason,
    /// Iterations done.
    pub iterations: usize,
    /// `‖b − A x‖`, computed from `x` itself at the end; for a cancelled solve, the recursive one.
    pub residual_norm: X::Real,
    /// The recursive residual norm, at the start and after every iteration.
    pub history: Vec<X::Real>,
    /// Products with the operator; for a matrix, passes over it.
    pub passes: usize,
    /// Bytes read from files meanwhile, by all work under the context.
    pub bytes_read: u64,
    /// Seconds that the work waited for the disk.
    pub seconds_waiting: f64,
}

/// The state of an iteration, passed to the callback after every step.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Iterate<'a, X: Scalar> {
    /// Iterations done; 1 at the first call.
    pub iteration: usize,
    /// The recursive residual norm.
    pub residual_norm: X::Real,
    /// The iterate.
    pub x: &'a [X],
}

/// Why an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum StopReason {
    /// `‖b − A x‖ ≤ max(rtol ‖b‖, atol)`.
    Converged,
    /// `maxiter` iterations were done.
    MaxIterations,
    /// The residual no longer decreases: because of rounding, or because no `x` solves the system, the requested
    /// tolerance cannot be reached.
    Stagnated,
    /// A direction `p` was found with `A p` zero up to rounding: the operator is singular, or nearly so. See
    /// [`CgOptions::nullspace`](crate::solve::CgOptions::nullspace).
    Singular,
    /// A direction with `pᴴ A p ≤ 0` was found: the operator, or the preconditioner, is not positive definite.
    NotPositiveDefinite,
    /// A number that is not finite was found.
    NotFinite,
    /// The cancel token of the context was set.
    Cancelled,
    /// The callback requested a stop.
    Stopped,
}
