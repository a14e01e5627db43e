//! Whether an iteration still gets anywhere, from its residual norms alone.

use num_traits::Float;

use crate::linalg::Scalar;

/// A restart from the true residual counts as progress if that became smaller by this factor at least.
const PROGRESS: f64 = 0.7;

/// Restarts without progress that are too many.
const RESTARTS: usize = 2;

/// Iterations without a smaller residual that are too many: so many times the order of the system, and so many besides.
const IDLE: (usize, usize) = (2, 200);

/// What the residual norms have been.
pub(super) struct ProgressOf<R> {
    /// The least true residual norm at a restart, and how many restarts since then made no progress.
    restarted: Option<R>,
    failed: usize,
    /// The least residual norm, and in which iteration it was.
    least: R,
    at: usize,
    order: usize,
}

impl<R: Scalar<Real = R> + Float> ProgressOf<R> {
    pub(super) fn new(order: usize, residual: R) -> Self {
        ProgressOf { restarted: None, failed: 0, least: residual, at: 0, order }
    }

    /// After an iteration; whether there have been too many without a smaller residual.
    pub(super) fn is_idle(&mut self, iteration: usize, residual: R) -> bool {
        if residual < self.least {
            (self.least, self.at) = (residual, iteration);
        }
        let (times, besides) = IDLE;
        iteration - self.at > self.order.saturating_mul(times).saturating_add(besides)
    }

    /// Before a restart from this true residual; whether restarts have stopped to help.
    pub(super) fn is_stuck(&mut self, residual: R) -> bool {
        match self.restarted {
            Some(before) if residual > before * R::from_f64(PROGRESS) => self.failed += 1,
            _ => self.failed = 0,
        }
        self.restarted = Some(self.restarted.map_or(residual, |before| before.min(residual)));
        self.failed >= RESTARTS
    }
}
