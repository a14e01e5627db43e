//! Filling a matrix by rows or columns, whatever the order of the file, with bounded memory.
//!
//! A store at every row for one column touches every page of a C-order file: for a million rows and a hundred columns
//! that is a hundred passes over the whole file. `line_writer.rs` decides how lines reach their destination.

use std::marker::PhantomData;

use ndarray::Ix2;

use crate::dense::line_writer::{FillLines, LineWriter};
use crate::dense::writable::DenseMut;
use crate::error::Result;
use crate::storage::raw::Raw;
use crate::storage::{Element, Order};

/// Writes a matrix one column after the other, as a simulation produces them, from column 0 on.
///
/// Cost of an array in a file that is larger than half the memory limit: in Fortran order one sequential write; in C
/// order also at most one write and one read of the scratch folder, for what does not fit in memory. The file is
/// written past its map, and its checksums are computed on the way. Memory: at most the limit; fails if five eighths of
/// it are less than a column.
///
/// Any other array is written through memory: in Fortran order directly, in C order as many columns at a time as 64 MiB
/// or a quarter of the limit hold, at least one.
///
/// If columns are missing at the end, or if the writer is dropped before [`finish`](Self::finish), the elements are
/// unspecified.
///
/// ```
/// use outcore::{ColumnWriter, Context, DenseMut, Order, Place};
/// let mut a = DenseMut::<f32>::create((4, 3), Order::C, Place::Memory, &Context::new())?;
/// let mut columns = ColumnWriter::new(&mut a)?;
/// for j in 0..3 {
///     columns.push(&[j as f32; 4])?;
/// }
/// columns.finish()?;
/// assert_eq!(a.row(2)?.to_vec(), [0.0, 1.0, 2.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct ColumnWriter<'a, T: Element> {
    lines: LineWriter<'a>,
    elements: PhantomData<&'a mut [T]>,
}

impl<'a, T: Element> ColumnWriter<'a, T> {
    /// Starts at column 0.
    pub fn new(array: &'a mut DenseMut<T, Ix2>) -> Result<Self> {
        let lines = columns(array.shape(), array.order());
        let lines = LineWriter::new(array.being_written(), lines)?;
        Ok(ColumnWriter { lines, elements: PhantomData })
    }

    /// Writes the next column: `nrows` elements.
    pub fn push(&mut self, column: &[T]) -> Result<()> {
        self.lines.push("the column", Raw::of(column))
    }

    /// Writes the last columns to the array. Fails if fewer than `ncols` were pushed.
    pub fn finish(self) -> Result<()> {
        self.lines.finish()
    }
}

impl<T: Element> DenseMut<T, Ix2> {
    /// Fills every column: `fill(j, column)` is called for `j` from 0 on with a column to overwrite, which holds
    /// arbitrary elements. Memory and cost as for [`ColumnWriter`].
    ///
    /// ```
    /// use outcore::{Context, DenseMut, Order, Place};
    /// let mut a = DenseMut::<i32>::create((2, 3), Order::C, Place::Memory, &Context::new())?;
    /// a.fill_columns(|j, column| column.fill(j as i32))?;
    /// assert_eq!(a.as_slice(), [0, 1, 2, 0, 1, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn fill_columns(&mut self, fill: impl FnMut(usize, &mut [T])) -> Result<()> {
        let lines = columns(self.shape(), self.order());
        self.fill_lines(lines, fill)
    }

    /// Fills every row: `fill(i, row)` is called for `i` from 0 on with a row to overwrite, which holds arbitrary
    /// elements. Cost as for [`ColumnWriter`] with rows for columns: in C order one sequential write.
    pub fn fill_rows(&mut self, fill: impl FnMut(usize, &mut [T])) -> Result<()> {
        let (count, length) = self.shape();
        let lines =
            FillLines { count, length, along: self.order() == Order::C, phase: "filling rows" };
        self.fill_lines(lines, fill)
    }

    fn fill_lines(
        &mut self,
        lines: FillLines,
        mut fill: impl FnMut(usize, &mut [T]),
    ) -> Result<()> {
        LineWriter::new(self.being_written(), lines)?
            .fill(&mut |k, line| fill(k, line.typed().expect("elements of the array's type")))
    }
}

fn columns((length, count): (usize, usize), order: Order) -> FillLines {
    FillLines { count, length, along: order == Order::Fortran, phase: "filling columns" }
}
