//! A value that one product at a time uses, while others work without it.
//!
//! A product distributes its work over rayon's threads, and a thread that waits for its part runs other tasks
//! meanwhile, possibly one that multiplies with the same operator. So no thread may wait for the end of a product,
//! because that product may be lower on the waiting thread's own stack. The lock here is held only for a move.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;

/// One value, which is available or lent.
pub(super) struct Lendable<T>(Mutex<Option<T>>);

/// A lent value; dropping this returns it, also on a panic.
pub(super) struct Lent<'a, T> {
    home: &'a Lendable<T>,
    value: Option<T>,
}

impl<T> Lendable<T> {
    pub(super) fn new(value: Option<T>) -> Self {
        Lendable(Mutex::new(value))
    }

    /// Lends the value, if it is available.
    pub(super) fn lend(&self) -> Option<Lent<'_, T>> {
        let value = self.lock().take()?;
        Some(Lent { home: self, value: Some(value) })
    }

    /// The result of `make` for the value, or without it.
    pub(super) fn lend_or_make(
        &self,
        make: impl FnOnce(Option<T>) -> Result<T>,
    ) -> Result<Lent<'_, T>> {
        let value = self.lock().take();
        Ok(Lent { home: self, value: Some(make(value)?) })
    }

    /// Applies `change` to the value, if it is available, without lending it.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Option<T>) -> R) -> R {
        change(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("it goes back when this is dropped")
    }
}

impl<T> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("it goes back when this is dropped")
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let value = self.value.take();
        let mut home = self.home.lock();
        if home.is_none() {
            *home = value;
        }
    }
}
