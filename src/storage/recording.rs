//! Who wants to know what operations cost, and what they said.

use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::storage::context::Context;
use crate::storage::cost::Plan;

/// What checks the place of a plan and adds its seconds: devices say so, of which nothing is known here.
type Price = fn(&mut Plan, &Context) -> Result<()>;

/// Who wants to know what the operations under a context cost.
#[derive(Debug)]
pub(super) struct Recording {
    /// Whether operations end when they have said what they will cost.
    pub(super) only_plan: bool,
    pub(super) price: Price,
    /// Operations within operations that are under way.
    pub(super) depth: AtomicUsize,
    /// What the operations so far were to cost.
    pub(super) plan: Mutex<Option<Plan>>,
}

impl Recording {
    pub(super) fn new(only_plan: bool, price: Price) -> Self {
        Recording { only_plan, price, depth: AtomicUsize::new(0), plan: Mutex::default() }
    }

    pub(super) fn add(&self, plan: Plan) {
        let mut recorded = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        *recorded = Some(match recorded.take() {
            Some(before) => before.then(plan),
            None => plan,
        });
    }

    pub(super) fn take(&self) -> Option<Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
