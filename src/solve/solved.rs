//! What a solver answers.

use crate::linalg::Scalar;

/// The answer of an iterative solver.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "X: serde::Serialize, X::Real: serde::Serialize"))]
pub struct Solved<X: Scalar> {
    /// The last iterate; where the iteration broke down or stagnated, the best that it kept.
    pub x: Vec<X>,
    /// Whether the stop test holds for `x`.
    pub converged: bool,
    /// Why the iteration ended.
    pub reason: StopReason,
    /// Iterations done.
    pub iterations: usize,
    /// `‖b − A x‖`, computed from `x` itself at the end; of a solve that was cancelled, what the iteration had carried along.
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

/// Where an iteration stands, told after every step of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Iterate<'a, X: Scalar> {
    /// Iterations done, 1 at first.
    pub iteration: usize,
    /// The residual norm that the iteration carries along.
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
    /// The residual does not become smaller any more: rounding, or a right-hand side that no `x` reaches, forbids the
    /// tolerance that was asked for.
    Stagnated,
    /// A direction `p` turned up with `A p` zero but for rounding: the operator is singular, or as good as. See
    /// [`CgOptions::nullspace`](crate::solve::CgOptions::nullspace).
    Singular,
    /// A direction with `pᴴ A p ≤ 0` turned up: the operator, or the preconditioner, is not positive definite.
    NotPositiveDefinite,
    /// A number that is not finite turned up.
    NotFinite,
    /// The cancel token of the context was set.
    Cancelled,
    /// The caller's callback asked to stop.
    Stopped,
}
