//! Which operations are in progress on a thread, and which callback receives their progress.

use std::cell::RefCell;
use std::sync::Arc;

/// How much is done and how much there is to do; passed to the progress callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// A short description of the current step: "filling columns".
    pub phase: &'static str,
    /// Units done so far.
    pub done: u64,
    /// Units in total; never less than `done`.
    pub total: u64,
    /// Bytes read from and written to files so far, by all work under this context.
    pub bytes: u64,
}

pub(super) type Callback = Arc<dyn Fn(Progress) + Send + Sync>;

thread_local! {
    /// The callbacks of the operations in progress on this thread, the outermost first.
    static UNDER_WAY: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Whether the innermost operation on this thread is part of another with the same callback, which reports already.
pub(super) fn is_innermost_of_several(callback: &Callback) -> bool {
    let callback = name_of(callback);
    UNDER_WAY.with_borrow(|callback_name| {
        callback_name.iter().filter(|&&callback_name| callback_name == callback).count() > 1
    })
}

/// Identifies a callback.
fn name_of(callback: &Callback) -> usize {
    Arc::as_ptr(callback).cast::<()>() as usize
}

/// Marks an operation as in progress with this callback; [`leave`] with the returned value ends it.
pub(super) fn enter(callback: Option<&Callback>) -> Option<usize> {
    let callback_name = callback.map(name_of);
    UNDER_WAY.with_borrow_mut(|under_way| under_way.extend(callback_name));
    callback_name
}

/// Ends what [`enter`] began.
pub(super) fn leave(callback_name: Option<usize>) {
    let Some(callback_name) = callback_name else { return };
    UNDER_WAY.with_borrow_mut(|under_way| {
        if let Some(last) = under_way.iter().rposition(|&one| one == callback_name) {
            under_way.remove(last);
        }
    });
}
