//! Whether an iteration still makes progress, from its residual norms alone.

use num_traits::Float;

use crate::linalg::Scalar;

/// A restart from the true residual counts as progress if that decreased at least by this factor.
const PROGRESS: f64 = 0.7;

/// The number of restarts without progress that is too many.
const RESTARTS: usize = 2;

/// The number of iterations without a smaller residual that is too many: the first times the order of the system, plus
/// the second.
const IDLE: (usize, usize) = (2, 200);

/// The history of the residual norms.
pub(super) struct ProgressOf<R> {
    /// The least true residual norm at a restart, and how many restarts since then made no progress.
    restarted: Option<R>,
    failed: usize,
    /// The least residual norm, and its iteration.
    least: R,
    at: usize,
    order: usize,
}

impl<R: Scalar<Real = R> + Float> ProgressOf<R> {
    pub(super) fn new(order: usize, residual: R) -> Self {
        ProgressOf { restarted: None, failed: 0, least: residual, at: 0, order }
    }

    /// The state as numbers, at an iteration.
    pub(super) fn to_numbers(&self, iteration: usize) -> [R; 4] {
        let count = |count: usize| R::from_f64(count as f64);
        let restarted = self.restarted.unwrap_or(R::nan());
        [restarted, count(self.failed), self.least, count(iteration - self.at)]
    }

    /// The state from its numbers, at an iteration.
    pub(super) fn restore(&mut self, numbers: [R; 4], iteration: usize) {
        let [restarted, failed, least, idle] = numbers;
        let count = |count: R| count.to_usize().unwrap_or(0);
        self.restarted = Some(restarted).filter(|norm| !norm.is_nan());
        (self.failed, self.least) = (count(failed), least);
        self.at = iteration.saturating_sub(count(idle));
    }

    /// Called after an iteration; returns whether there have been too many without a smaller residual.
    pub(super) fn is_idle(&mut self, iteration: usize, residual: R) -> bool {
        if residual < self.least {
            (self.least, self.at) = (residual, iteration);
        }
        let (times, besides) = IDLE;
        iteration - self.at > self.order.saturating_mul(times).saturating_add(besides)
    }

    /// Called before a restart from this true residual; returns whether restarts no longer help.
    pub(super) fn is_stuck(&mut self, residual: R) -> bool {
        match self.restarted {
            Some(before) if residual > before * R::from_f64(PROGRESS) => self.failed += 1,
            _ => self.failed = 0,
        }
        self.restarted = Some(self.restarted.map_or(residual, |before| before.min(residual)));
        self.failed >= RESTARTS
    }
}
