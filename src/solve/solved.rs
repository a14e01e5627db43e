//! The result of a solver.

use std::borrow::Cow;

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
    /// Products with the operator and with its adjoint, not counting those of a preconditioner.
    pub products: usize,
    /// Passes over matrices, those of a preconditioner included, by all work under the context meanwhile. Several products
    /// made in one traversal are one pass; an operator that is not a matrix makes none.
    pub passes: usize,
    /// Bytes read from files meanwhile, by all work under the context.
    pub bytes_read: u64,
    /// Seconds that the work waited for the disk.
    pub seconds_waiting: f64,
}

/// The state of an iteration, passed to the callback after every step.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Iterate<'a, X: Scalar> {
    /// Iterations done; 1 at the first call.
    pub iteration: usize,
    /// The recursive residual norm.
    pub residual_norm: X::Real,
    pub(super) x: Current<'a, X>,
}

/// The iterate, or what computes it.
#[derive(Clone, Copy)]
pub(super) enum Current<'a, X: Scalar> {
    Vector(&'a [X]),
    Made(&'a dyn Fn() -> Vec<X>),
}

impl<X: Scalar> Iterate<'_, X> {
    /// The iterate. GMRES and FGMRES compute it for this call, from all vectors of their basis.
    pub fn x(&self) -> Cow<'_, [X]> {
        match self.x {
            Current::Vector(x) => Cow::Borrowed(x),
            Current::Made(make) => Cow::Owned(make()),
        }
    }
}

impl<X: Scalar> std::fmt::Debug for Iterate<'_, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Iterate")
            .field("iteration", &self.iteration)
            .field("residual_norm", &self.residual_norm)
            .finish_non_exhaustive()
    }
}

/// Why an iteration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum StopReason {
    /// `‖b − A x‖ ≤ max(rtol ‖b‖, atol)`.
    Converged,
    /// `‖Aᴴ r‖ ≤ rtol ‖A‖ ‖r‖`: `x` minimises `‖b − A x‖`, which has no solution with a smaller residual. LSQR and LSMR
    /// only, by the estimates of their recurrences, which rounding keeps from being better than about `ε ‖A‖ ‖x‖ / ‖r‖`;
    /// counts as converged.
    LeastSquares,
    /// `maxiter` iterations were done.
    MaxIterations,
    /// The residual no longer decreases: because of rounding, or because no `x` solves the system, the requested
    /// tolerance cannot be reached.
    Stagnated,
    /// A direction `p` was found with `A p` zero up to rounding: the operator is singular, or nearly so. See
    /// [`SolveOptions::nullspace`](crate::solve::SolveOptions::nullspace).
    Singular,
    /// A direction with `pᴴ A p ≤ 0` was found: the operator, or the preconditioner, is not positive definite.
    NotPositiveDefinite,
    /// The iteration did not converge, and the operator is not Hermitian, as the method requires.
    NotHermitian,
    /// The iteration divided by zero, up to rounding, and restarting did not help.
    Breakdown,
    /// A number that is not finite was found.
    NotFinite,
    /// The cancel token of the context was set.
    Cancelled,
    /// The callback requested a stop.
    Stopped,
}
