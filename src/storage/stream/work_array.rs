//! An array of zeros to work on: in memory, or in a scratch file on its map, with the same bits.

use std::ops::{Deref, DerefMut};

use crate::error::Result;
use crate::storage::files::{NpyHeader, Order};
use crate::storage::memory::{BufferMut, Element, bytes_of};
use crate::storage::runtime::{Context, Held, Meter, Place};
use crate::storage::stream::stage::Stage;

/// An array that belongs to one operation, and disappears with this value.
pub(crate) struct WorkArray<T: Element> {
    elements: BufferMut<T>,
    /// Scratch space that it takes, and what counts the reads and writes there.
    scratch: Option<(Held, Meter)>,
}

impl<T: Element> WorkArray<T> {
    /// `len` zeros for `what`, in memory, which the caller counts, or in a scratch file.
    pub(crate) fn new(what: &str, len: usize, place: &Place, ctx: &Context) -> Result<Self> {
        if *place == Place::Memory || len == 0 {
            let elements = ctx.raw_filled(what, (Some(T::DTYPE), len))?.into_typed();
            return Ok(WorkArray { elements, scratch: None });
        }
        let header = NpyHeader::new(T::DTYPE, &[len], Order::C);
        let array = Stage::file(&Place::Scratch, ctx)?.array("work.npy", T::DTYPE, &header)?;
        array.used_in_order();
        let held = ctx.meter().scratch(bytes_of::<T>(len));
        Ok(WorkArray { elements: array.into_typed(), scratch: Some((held, ctx.meter().clone())) })
    }

    /// All elements, to be read once.
    pub(crate) fn read(&self) -> &[T] {
        self.count_read(self.len());
        self
    }

    /// All elements, to be written once.
    pub(crate) fn written(&mut self) -> &mut [T] {
        self.count_written(self.len());
        self
    }

    /// All elements, each to be read and then written.
    pub(crate) fn updated(&mut self) -> &mut [T] {
        self.count_read(self.len());
        self.written()
    }

    /// The elements in memory, for `what`: without a copy if they were given as a vector.
    pub(crate) fn into_vec(self, what: &str, ctx: &Context) -> Result<Vec<T>> {
        let WorkArray { elements, scratch } = self;
        elements.into_vec().or_else(|elements| {
            let work = WorkArray { elements, scratch };
            ctx.collected(what, work.read().iter().copied())
        })
    }

    /// Counts the reading of `elements` elements, if they are in a file.
    pub(crate) fn count_read(&self, elements: usize) {
        if let Some((_, meter)) = &self.scratch {
            meter.read(bytes_of::<T>(elements));
        }
    }

    /// Counts the writing of `elements` elements, if they are in a file.
    pub(crate) fn count_written(&self, elements: usize) {
        if let Some((_, meter)) = &self.scratch {
            meter.wrote(bytes_of::<T>(elements));
        }
    }
}

impl<T: Element> From<Vec<T>> for WorkArray<T> {
    fn from(elements: Vec<T>) -> Self {
        WorkArray { elements: elements.into(), scratch: None }
    }
}

impl<T: Element> Deref for WorkArray<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements
    }
}

impl<T: Element> DerefMut for WorkArray<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements
    }
}
