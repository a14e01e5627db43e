//! Tasks made of others: two side by side, numbered, changed, some at a time.
#![allow(unsafe_code)] // what is asked of them is asked of those they are made of

use super::tasks::Tasks;

/// Two for each task.
pub(crate) struct Zip<A, B>(pub(super) A, pub(super) B);

impl<A: Tasks, B: Tasks> Tasks for Zip<A, B> {
    type Item = (A::Item, B::Item);
    fn count(&self) -> usize {
        self.0.count().min(self.1.count())
    }
    unsafe fn take(&self, at: usize) -> Self::Item {
        // SAFETY: the count of neither is smaller.
        unsafe { (self.0.take(at), self.1.take(at)) }
    }
    fn grain(&self) -> (usize, usize) {
        let (a, b) = (self.0.grain(), self.1.grain());
        (a.0.max(b.0), a.1.min(b.1))
    }
}

/// The number of the task beside it.
pub(crate) struct Enumerate<A>(pub(super) A);

impl<A: Tasks> Tasks for Enumerate<A> {
    type Item = (usize, A::Item);
    fn count(&self) -> usize {
        self.0.count()
    }
    unsafe fn take(&self, at: usize) -> Self::Item {
        // SAFETY: as the caller promises.
        (at, unsafe { self.0.take(at) })
    }
    fn grain(&self) -> (usize, usize) {
        self.0.grain()
    }
}

/// Something made for each task.
pub(crate) struct Map<A, F>(pub(super) A, pub(super) F);

impl<A: Tasks, R, F: Fn(A::Item) -> R + Sync> Tasks for Map<A, F> {
    type Item = R;
    fn count(&self) -> usize {
        self.0.count()
    }
    unsafe fn take(&self, at: usize) -> R {
        // SAFETY: as the caller promises.
        (self.1)(unsafe { self.0.take(at) })
    }
    fn grain(&self) -> (usize, usize) {
        self.0.grain()
    }
}

/// Tasks that are taken some at a time.
pub(crate) struct Grain<A>(pub(super) A, pub(super) (usize, usize));

impl<A: Tasks> Tasks for Grain<A> {
    type Item = A::Item;
    fn count(&self) -> usize {
        self.0.count()
    }
    unsafe fn take(&self, at: usize) -> Self::Item {
        // SAFETY: as the caller promises.
        unsafe { self.0.take(at) }
    }
    fn grain(&self) -> (usize, usize) {
        self.1
    }
}
