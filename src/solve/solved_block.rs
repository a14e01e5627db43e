//! The result of a solver for several right-hand sides.

use std::borrow::Cow;

use num_traits::One;

use crate::linalg::Scalar;
use crate::solve::solved::StopReason;

/// The result of [`block_cg`](crate::solve::block_cg). Blocks have `n` rows of `k` numbers, one for each system.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(bound = "X: serde::Serialize, X::Real: serde::Serialize"))]
pub struct SolvedBlock<X: Scalar> {
    /// The last iterates.
    pub x: Vec<X>,
    /// Whether the stop test holds for all systems.
    pub converged: bool,
    /// Why the iteration ended for each system: [`Converged`](StopReason::Converged) where the stop test holds,
    /// otherwise the reason for which all ended.
    pub reasons: Vec<StopReason>,
    /// Iterations done, each with one product for all systems.
    pub iterations: usize,
    /// `‖b − A x‖` of each system, computed from `x` itself at the end; for a cancelled solve, the recursive one.
    pub residual_norms: Vec<X::Real>,
    /// The recursive residual norms, at the start and after every iteration: one for each system.
    pub history: Vec<Vec<X::Real>>,
    /// Products with the operator, each with all directions, not counting those of a preconditioner.
    pub products: usize,
    /// Passes over matrices, as in [`Solved::passes`](crate::solve::Solved::passes).
    pub passes: usize,
    /// Bytes read from files meanwhile, by all work under the context.
    pub bytes_read: u64,
    /// Seconds that the work waited for the disk.
    pub seconds_waiting: f64,
}

/// The state of an iteration for several right-hand sides, passed to the callback after every step.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct BlockIterate<'a, X: Scalar> {
    /// Iterations done; 1 at the first call.
    pub iteration: usize,
    /// The recursive residual norm of each system.
    pub residual_norms: &'a [X::Real],
    /// The iterates times a power of two each.
    pub(super) x: &'a [X],
    pub(super) scales: &'a [X::Real],
}

impl<X: Scalar> BlockIterate<'_, X> {
    /// The iterates, `n` rows of `k` numbers.
    pub fn x(&self) -> Cow<'_, [X]> {
        if self.scales.iter().all(|scale| scale.is_one()) {
            return Cow::Borrowed(self.x);
        }
        let k = self.scales.len();
        let unscaled = |(at, &x): (usize, &X)| x / X::from_real(self.scales[at % k]);
        Cow::Owned(self.x.iter().enumerate().map(unscaled).collect())
    }
}

impl<X: Scalar> std::fmt::Debug for BlockIterate<'_, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockIterate")
            .field("iteration", &self.iteration)
            .field("residual_norms", &self.residual_norms)
            .finish_non_exhaustive()
    }
}
