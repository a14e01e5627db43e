//! One line at a time that is too long to be sorted in memory, put together from its entries in the order of their indices.

use crate::convert::passes::Sink;
use crate::convert::region::Clash;
use crate::error::{ErrorKind, Result};
use crate::sparse::Duplicates;
use crate::storage::{Entry, Index};

/// A line too long to be sorted in memory: its entries come sorted by index, those of each index as a line of their own.
pub(super) struct LongLine<'a, T, I> {
    line: usize,
    /// The index whose entries come next.
    next: usize,
    /// What has come for it so far, where entries are summed or may not repeat.
    open: Option<T>,
    duplicates: Duplicates,
    sink: &'a mut dyn Sink<T, I>,
    indices: Vec<I>,
    data: Vec<T>,
}

impl<'a, T: Entry, I: Index> LongLine<'a, T, I> {
    /// Line `line`, handed on to `sink`.
    pub(super) fn new(line: usize, duplicates: Duplicates, sink: &'a mut dyn Sink<T, I>) -> Self {
        let (indices, data) = (Vec::new(), Vec::new());
        LongLine { line, next: 0, open: None, duplicates, sink, indices, data }
    }

    fn take(&mut self, values: &[T]) -> Result<()> {
        let (place, position) = ((self.line, self.next), self.sink.position());
        let clash = |kind| Clash::new(kind, place).into_error(position);
        for &value in values {
            self.open = match (self.open, self.duplicates) {
                (None, _) => Some(value),
                (Some(_), Duplicates::Refuse) => return Err(clash(ErrorKind::Duplicate)),
                (Some(sum), Duplicates::Sum) => {
                    Some(sum.merge(value).ok_or_else(|| clash(ErrorKind::Value))?)
                }
                (Some(before), Duplicates::Keep) => {
                    self.indices.push(I::from_usize(self.next));
                    self.data.push(before);
                    Some(value)
                }
            };
            if self.data.len() >= 4096 {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(value) = self.open.take() {
            self.indices.push(I::from_usize(self.next));
            self.data.push(value);
        }
        self.next += 1;
    }

    fn flush(&mut self) -> Result<()> {
        self.sink.part(&self.indices, &self.data, self.duplicates != Duplicates::Keep)?;
        self.indices.clear();
        self.data.clear();
        Ok(())
    }
}

impl<T: Entry, I: Index> Sink<T, I> for LongLine<'_, T, I> {
    fn lines(&mut self, lens: &[usize], _: &[I], mut data: &[T], _: bool) -> Result<()> {
        for &len in lens {
            let values;
            (values, data) = data.split_at(len);
            self.take(values)?;
            self.close();
        }
        self.flush()
    }

    fn part(&mut self, _: &[I], data: &[T], _: bool) -> Result<()> {
        self.take(data)
    }

    fn end_line(&mut self) -> Result<()> {
        self.close();
        self.flush()
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        self.sink.position()
    }
}
