//! Sources of tasks: numbers, vectors, slices and runs of them.
#![allow(unsafe_code)] // elements and runs that do not overlap, yielded once each

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::Range;

use crate::storage::runtime::parallel::tasks::{IntoTasks, Tasks};

impl<T: Send> IntoTasks for Vec<T> {
    type Item = T;
    type Tasks = Owned<T>;
    fn into_par_iter(self) -> Owned<T> {
        Owned(self.into_iter().map(|item| UnsafeCell::new(Some(item))).collect())
    }
}

impl IntoTasks for Range<usize> {
    type Item = usize;
    type Tasks = Numbers;
    fn into_par_iter(self) -> Numbers {
        Numbers(self)
    }
}

impl<'a, T: Sync> IntoTasks for &'a [T] {
    type Item = &'a T;
    type Tasks = Slice<'a, T>;
    fn into_par_iter(self) -> Slice<'a, T> {
        Slice(self)
    }
}

impl<'a, T: Sync> IntoTasks for &'a Vec<T> {
    type Item = &'a T;
    type Tasks = Slice<'a, T>;
    fn into_par_iter(self) -> Slice<'a, T> {
        Slice(self)
    }
}

impl<'a, T: Send> IntoTasks for &'a mut [T] {
    type Item = &'a mut T;
    type Tasks = SliceMut<'a, T>;
    fn into_par_iter(self) -> SliceMut<'a, T> {
        SliceMut::new(self)
    }
}

impl<'a, T: Send> IntoTasks for &'a mut Vec<T> {
    type Item = &'a mut T;
    type Tasks = SliceMut<'a, T>;
    fn into_par_iter(self) -> SliceMut<'a, T> {
        SliceMut::new(self)
    }
}

/// Tasks of the elements of a slice, or of runs of them.
pub(crate) trait ParallelSlice<T> {
    fn par_iter(&self) -> Slice<'_, T>;
    fn par_chunks(&self, size: usize) -> Chunks<'_, T>;
    fn par_iter_mut(&mut self) -> SliceMut<'_, T>;
    fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T>;
}

impl<T> ParallelSlice<T> for [T] {
    fn par_iter(&self) -> Slice<'_, T> {
        Slice(self)
    }

    fn par_chunks(&self, size: usize) -> Chunks<'_, T> {
        assert!(size > 0, "a run has elements");
        Chunks(self, size)
    }

    fn par_iter_mut(&mut self) -> SliceMut<'_, T> {
        SliceMut::new(self)
    }

    fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T> {
        assert!(size > 0, "a run has elements");
        ChunksMut(SliceMut::new(self), size)
    }
}

/// Consecutive numbers.
pub(crate) struct Numbers(Range<usize>);

impl Tasks for Numbers {
    type Item = usize;
    fn count(&self) -> usize {
        self.0.len()
    }
    unsafe fn take(&self, at: usize) -> usize {
        self.0.start + at
    }
}

/// Items that are moved out.
pub(crate) struct Owned<T>(Vec<UnsafeCell<Option<T>>>);

// SAFETY: each cell is reached by the one thread that asks for its number.
unsafe impl<T: Send> Sync for Owned<T> {}

impl<T: Send> Tasks for Owned<T> {
    type Item = T;
    fn count(&self) -> usize {
        self.0.len()
    }
    unsafe fn take(&self, at: usize) -> T {
        // SAFETY: taken once, so that no other access to this cell exists.
        let item = unsafe { (*self.0[at].get()).take() };
        item.expect("a task is asked for once")
    }
}

/// Elements to read.
pub(crate) struct Slice<'a, T>(&'a [T]);

impl<'a, T: Sync> Tasks for Slice<'a, T> {
    type Item = &'a T;
    fn count(&self) -> usize {
        self.0.len()
    }
    unsafe fn take(&self, at: usize) -> &'a T {
        &self.0[at]
    }
}

/// Runs of elements to read.
pub(crate) struct Chunks<'a, T>(&'a [T], usize);

impl<'a, T: Sync> Tasks for Chunks<'a, T> {
    type Item = &'a [T];
    fn count(&self) -> usize {
        self.0.len().div_ceil(self.1)
    }
    unsafe fn take(&self, at: usize) -> &'a [T] {
        &self.0[chunk(at, self.1, self.0.len())]
    }
}

fn chunk(at: usize, size: usize, len: usize) -> Range<usize> {
    let start = at * size;
    start..start + size.min(len - start)
}

/// Elements to write.
pub(crate) struct SliceMut<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: each element is reached by the one thread that asks for its number.
unsafe impl<T: Send> Sync for SliceMut<'_, T> {}

impl<'a, T> SliceMut<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        SliceMut { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// # Safety
    /// The range lies within the slice, and no part of it has been taken before.
    unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: within the slice, which is borrowed for 'a; the caller has the part to itself.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

impl<'a, T: Send> Tasks for SliceMut<'a, T> {
    type Item = &'a mut T;
    fn count(&self) -> usize {
        self.len
    }
    unsafe fn take(&self, at: usize) -> &'a mut T {
        // SAFETY: taken once.
        let part = unsafe { self.part(at..at + 1) };
        &mut part[0]
    }
}

/// Runs of elements to write.
pub(crate) struct ChunksMut<'a, T>(SliceMut<'a, T>, usize);

impl<'a, T: Send> Tasks for ChunksMut<'a, T> {
    type Item = &'a mut [T];
    fn count(&self) -> usize {
        self.0.len.div_ceil(self.1)
    }
    unsafe fn take(&self, at: usize) -> &'a mut [T] {
        // SAFETY: taken once, and runs of different numbers do not overlap.
        unsafe { self.0.part(chunk(at, self.1, self.0.len)) }
    }
}
