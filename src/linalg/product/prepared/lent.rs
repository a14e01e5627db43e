//! Something that one product at a time works with, while others do without it.
//!
//! A product spreads its work over rayon's threads, and a thread that waits for its part of it takes other tasks
//! meanwhile: also one that multiplies with the same operator. So nobody may wait for the end of a product, whose end may
//! lie further down on the waiting thread's own stack. The lock here is held for a move alone.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;

/// One value, which is here or lent.
pub(super) struct AtHand<T>(Mutex<Option<T>>);

/// A value that goes back when this is dropped, by a panic too.
pub(super) struct Lent<'a, T> {
    home: &'a AtHand<T>,
    value: Option<T>,
}

impl<T> AtHand<T> {
    pub(super) fn new(value: Option<T>) -> Self {
        AtHand(Mutex::new(value))
    }

    /// The value, if it is here.
    pub(super) fn lend(&self) -> Option<Lent<'_, T>> {
        let value = self.lock().take()?;
        Some(Lent { home: self, value: Some(value) })
    }

    /// What `make` makes of the value, or without it.
    pub(super) fn lend_or_make(
        &self,
        make: impl FnOnce(Option<T>) -> Result<T>,
    ) -> Result<Lent<'_, T>> {
        let value = self.lock().take();
        Ok(Lent { home: self, value: Some(make(value)?) })
    }

    /// Something done to the value, if it is here, by somebody who only has a look.
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
