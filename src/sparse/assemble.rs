//! Values added to a fixed structure, one by one or as the dense matrices of elements, as simulations assemble.

use crate::error::{Error, ErrorKind, Location, Result, check_shape};
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::compressed_mut::CompressedMut;
use crate::storage::{Entry, Index};

impl<T: Entry, I: Index, P: Index, A: Axis> CompressedMut<T, I, P, A> {
    /// Adds a value to the entry at a position, which must be in the structure; to the first, if there are several.
    ///
    /// Cost: a search in the row (the column, for CSC), by bisection where its indices rise. The indices of a row are
    /// checked when it is first used. Fails with kind [`Index`](ErrorKind::Index) if the matrix has no such position,
    /// or the structure no entry there, and with kind [`Value`](ErrorKind::Value) if a sum of integers overflows;
    /// nothing is changed then.
    ///
    /// ```
    /// use outcore::{Context, Csr, ErrorKind};
    /// let mut a = Csr::<f64>::eye(2).assemble::<f64>(&Context::new())?;
    /// a.add(1, 1, 2.0)?;
    /// a.add(1, 1, 3.0)?;
    /// assert_eq!(a.add(0, 1, 1.0).unwrap_err().kind(), ErrorKind::Index);
    /// assert_eq!(a.data(), [0.0, 5.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatSetValue")]
    pub fn add(&mut self, row: usize, col: usize, value: T) -> Result<()> {
        let (structure, data) = self.parts_mut();
        let at = structure.place_of(row, col)?;
        data[at] = data[at].merge(value).ok_or_else(|| overflow(row, col))?;
        Ok(())
    }

    /// Adds a dense matrix, row by row: number `r * cols.len() + c` of `values` to the entry at row `rows[r]` and column
    /// `cols[c]`. A row or column that is listed twice takes both.
    ///
    /// Cost: as many searches as numbers, see [`add`](Self::add). Fails as that does, and if there is not one number for
    /// each position. Nothing is changed then, except where a sum of integers overflows: sums before it are made.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let ctx = Context::new();
    /// let ones = Csr::<f64>::from_parts((2, 2), vec![0, 2, 4], vec![0, 1, 0, 1], vec![1.0; 4])?;
    /// let mut a = ones.assemble::<f64>(&ctx)?;
    /// a.add_block(&[1, 0], &[0, 1], &[1.0, 2.0, 3.0, 4.0])?;
    /// assert_eq!(a.data(), [3.0, 4.0, 1.0, 2.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatSetValues")]
    pub fn add_block(&mut self, rows: &[usize], cols: &[usize], values: &[T]) -> Result<()> {
        check_shape("the values", rows.len().saturating_mul(cols.len()), values.len())?;
        let (structure, data) = self.parts_mut();
        let mut places = vec![0; values.len()];
        let (majors, minors) = A::swap_if_cols((rows, cols));
        let (along, across) = A::swap_if_cols((cols.len(), 1));
        for (m, &major) in majors.iter().enumerate() {
            let Some(&first) = minors.first() else { break };
            let line = structure.line_of(A::swap_if_cols((major, first)))?;
            for (n, &minor) in minors.iter().enumerate() {
                let place = line.place_of(minor);
                let position = A::swap_if_cols((major, minor));
                places[m * along + n * across] =
                    place.ok_or_else(|| structure.outside(position))?;
            }
        }
        for (k, (at, &value)) in places.into_iter().zip(values).enumerate() {
            let position = || overflow(rows[k / cols.len()], cols[k % cols.len()]);
            data[at] = data[at].merge(value).ok_or_else(position)?;
        }
        Ok(())
    }

    /// Sets every value to zero, or `false`: the start of the next assembly.
    #[doc(alias = "MatZeroEntries")]
    pub fn set_zero(&mut self) {
        self.data_mut().fill(T::zeroed());
    }
}

/// The indices of a line, and their position in the array.
struct LineOf<'a, I> {
    start: usize,
    indices: &'a [I],
    rises: bool,
}

impl<I: Index> LineOf<'_, I> {
    /// The position in the arrays of the first entry with an index.
    #[inline(always)]
    fn place_of(&self, minor: usize) -> Option<usize> {
        let is_it = |index: &I| index.to_usize() == minor;
        let at = match self.rises {
            true => {
                let at = self.indices.partition_point(|index| index.to_usize() < minor);
                self.indices.get(at).is_some_and(is_it).then_some(at)?
            }
            false => self.indices.iter().position(is_it)?,
        };
        Some(self.start + at)
    }
}

impl<I: Index, P: Index, A: Axis> Compressed<(), I, P, A> {
    /// The position in the arrays of the first entry at a row and a column.
    pub(crate) fn place_of(&self, row: usize, col: usize) -> Result<usize> {
        let line = self.line_of((row, col))?;
        let place = line.place_of(A::swap_if_cols((row, col)).1);
        place.ok_or_else(|| self.outside((row, col)))
    }

    /// The line of a position, with checked indices.
    fn line_of(&self, (row, col): (usize, usize)) -> Result<LineOf<'_, I>> {
        let major = A::swap_if_cols((row, col)).0;
        if major >= self.major() {
            return Err(self.outside((row, col)));
        }
        let rises = self.check_major(major)?;
        let span = self.span(major);
        Ok(LineOf { start: span.start, indices: &self.indices()[span], rises })
    }

    /// The error for a position without an entry.
    #[cold]
    fn outside(&self, (row, col): (usize, usize)) -> Error {
        let (nrows, ncols) = self.shape();
        let found = format!("row {row}, column {col}");
        if row >= nrows || col >= ncols {
            return Error::new(ErrorKind::Index, "the matrix has no such position")
                .expected(format!("a row below {nrows} and a column below {ncols}"))
                .found(found);
        }
        Error::new(ErrorKind::Index, "the structure has no entry at this position")
            .at(Location::Row(row as u64))
            .found(found)
            .remedy(
                "build the structure from all elements, or from all positions that will be used",
            )
    }
}

#[cold]
fn overflow(row: usize, col: usize) -> Error {
    Error::new(ErrorKind::Value, "the sum of the entries at a position overflows")
        .at(Location::Row(row as u64))
        .found(format!("row {row}, column {col}"))
}
