//! A compressed matrix from lines that come one after the other, more of them than memory holds.
//!
//! Rows of CSR (columns of CSC) that are made in order need no sorting: each goes straight to where it stays, and in a
//! file that is one sequential write.

use crate::error::{Error, ErrorKind, Location, Result};
use crate::sparse::axis::{Axis, ByCols, ByRows};
use crate::sparse::compressed::Compressed;
use crate::sparse::copy::append;
use crate::sparse::line_cuts::Pieces;
use crate::sparse::writer::{CompressedWriter, memory_left};
use crate::sparse::zipped_lines::ZippedLines;
use crate::storage::{Broken, Context, Entry, Index, Place};

/// Collects the lines of a matrix that is compressed along `A`, in order; named [`CsrBuilder`] and [`CscBuilder`].
///
/// Cost: one sequential write. Memory: the matrix, or what writing takes if it goes to a file. The matrix appears at its
/// place when it is [finished](Self::finish); a builder that is dropped leaves nothing behind.
///
/// ```
/// use outcore::{Context, CsrBuilder, Place};
/// let mut builder = CsrBuilder::<f64>::new(3, Place::Memory, &Context::new())?;
/// builder.push(&[0, 2], &[1.0, 2.0])?;
/// builder.push(&[], &[])?;
/// builder.push(&[1], &[3.0])?;
/// let a = builder.finish()?;
/// assert_eq!((a.shape(), a.get(2, 1)?), ((3, 3), Some(3.0)));
/// # Ok::<(), outcore::Error>(())
/// ```
pub struct CompressedBuilder<T: Entry, I: Index, P: Index, A: Axis> {
    writer: CompressedWriter<T, I, P, A>,
    minor: usize,
    canonical: bool,
    /// Whether something failed half way, so that there is no matrix to be made.
    broken: Broken,
    pointers: Vec<P>,
    place: Place,
    ctx: Context,
}

/// Builds a [`Csr`](crate::Csr) row by row.
pub type CsrBuilder<T, I = u32, P = I> = CompressedBuilder<T, I, P, ByRows>;

/// Builds a [`Csc`](crate::Csc) column by column.
pub type CscBuilder<T, I = u32, P = I> = CompressedBuilder<T, I, P, ByCols>;

impl<T: Entry, I: Index, P: Index, A: Axis> CompressedBuilder<T, I, P, A> {
    /// No lines yet. `extent` is the number of columns for CSR, of rows for CSC.
    ///
    /// Fails if the extent is too large for the index type, or something is at the place already.
    pub fn new(extent: usize, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        Self::with_capacity(extent, 0, place, ctx)
    }

    /// No lines yet, with space reserved for `nnz` entries, more or less being possible.
    pub fn with_capacity(
        extent: usize,
        nnz: usize,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let place = place.into();
        memory_left(Compressed::<T, I, P, A>::bytes_of(0, nnz), &place, ctx)?;
        let shape = A::swap_if_cols((0, extent));
        Ok(CompressedBuilder {
            writer: CompressedWriter::new(shape, nnz, false, &place, ctx)?,
            minor: extent,
            canonical: true,
            broken: Broken::default(),
            pointers: Vec::new(),
            place,
            ctx: ctx.clone(),
        })
    }

    /// Lines taken so far: rows for CSR, columns for CSC.
    pub fn lines(&self) -> usize {
        self.writer.lines()
    }

    /// Entries taken so far.
    pub fn nnz(&self) -> usize {
        self.writer.nnz()
    }

    /// Adds a line: the indices of its entries, in any order, and their values.
    ///
    /// Fails, adding nothing, if there is not one value for each index, or an index is out of range; fails if the matrix
    /// gets too large for its types, for the memory limit or for the device.
    pub fn push(&mut self, indices: &[I], values: &[T]) -> Result<()> {
        self.push_lines(&[indices.len()], indices, values)
    }

    /// Adds some lines: how many entries each has, and the indices and values of all, one line after the other.
    ///
    /// Fails as [`push`](Self::push) does, and if the lengths do not add up.
    ///
    /// ```
    /// use outcore::{Context, CscBuilder, Place};
    /// let mut builder = CscBuilder::<f64>::new(3, Place::Memory, &Context::new())?;
    /// builder.push_lines(&[2, 0, 1], &[0, 2, 1], &[1.0, 2.0, 3.0])?;
    /// assert_eq!(builder.finish()?.col(2)?.indices, [1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn push_lines(&mut self, lens: &[usize], indices: &[I], values: &[T]) -> Result<()> {
        if values.len() != indices.len() {
            return Err(Error::shape("the values", indices.len(), values.len()));
        }
        self.check_room(lens.len(), indices.len())?;
        self.pointers.clear();
        self.pointers.push(P::from_usize(0));
        let (mut end, mut rising) = (0usize, true);
        for len in lens {
            let line = end..end.saturating_add(*len);
            let Some(line) = indices.get(line.clone()) else {
                return Err(Error::shape("the indices", line.end, indices.len()));
            };
            rising &= self.check_line(self.lines() + self.pointers.len() - 1, line)?;
            end += len;
            self.pointers.push(P::from_usize(end));
        }
        if end != indices.len() {
            return Err(Error::shape("the indices", end, indices.len()));
        }
        self.canonical &= rising;
        self.broken.note(self.writer.push_run(&self.pointers, indices, values))
    }

    /// Adds all lines of a matrix of the same extent, read panel by panel if it lies in a file. Fails if an index of it is
    /// out of range, or as [`push`](Self::push) does; no matrix can be made then.
    ///
    /// ```
    /// use outcore::{Context, Csr, CsrBuilder, Place};
    /// let mut builder = CsrBuilder::<f64>::new(3, Place::Memory, &Context::new())?;
    /// builder.append(&Csr::eye(3))?;
    /// builder.push(&[1], &[5.0])?;
    /// assert_eq!(builder.finish()?.shape(), (4, 3));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn append(&mut self, matrix: &Compressed<T, I, P, A>) -> Result<()> {
        if matrix.minor() != self.minor {
            return Err(Error::shape("the matrix", self.minor, matrix.minor()));
        }
        self.check_room(matrix.major(), matrix.nnz())?;
        let ctx = self.ctx.clone();
        let (major, nnz) = (self.lines() + matrix.major(), self.nnz() + matrix.nnz());
        let left = memory_left(Compressed::<T, I, P, A>::bytes_of(major, nnz), &self.place, &ctx)?;
        let budget = ZippedLines::<T, I, P, A>::budget(left);
        let mut lines = ZippedLines::new(&[matrix], Pieces::Entries, budget, &ctx)?;
        ctx.meter().pass();
        let appended = append(&mut self.writer, matrix, &mut lines, &ctx);
        self.canonical &= self.broken.note(appended)?;
        Ok(())
    }

    /// The matrix of the lines that were added. Fails if adding some of them did.
    pub fn finish(self) -> Result<Compressed<T, I, P, A>> {
        self.check_room(0, 0)?;
        self.writer.finish_short(self.canonical)
    }

    /// Fails if the types, or the memory for a result in memory, are too small for so many more lines and entries; or if
    /// an earlier step failed half way.
    fn check_room(&self, lines: usize, entries: usize) -> Result<()> {
        self.broken.check()?;
        let (lines, nnz) = (self.lines().saturating_add(lines), self.nnz().saturating_add(entries));
        if lines > I::LARGEST || nnz > P::LARGEST {
            return Err(Error::new(ErrorKind::Type, "the matrix is too large for its index types")
                .expected(format!("at most {} lines and {} entries", I::LARGEST, P::LARGEST))
                .found(format!("{lines} lines and {nnz} entries"))
                .remedy("choose wider types, as in CsrBuilder<f64, u32, u64>"));
        }
        memory_left(Compressed::<T, I, P, A>::bytes_of(lines, nnz), &self.place, &self.ctx)?;
        Ok(())
    }

    /// Whether the indices of a line rise. Fails if one is out of range.
    fn check_line(&self, line: usize, indices: &[I]) -> Result<bool> {
        let below = |index: &I| index.to_usize() < self.minor;
        if let Some(position) = indices.iter().position(|index| !below(index)) {
            let position = position as u64;
            return Err(Error::new(ErrorKind::Index, "an index is out of range")
                .at(Location::Entry { major: line as u64, position })
                .expected(format!("an index below {}", self.minor))
                .found(indices[position as usize]));
        }
        Ok(indices.windows(2).all(|pair| pair[0] < pair[1]))
    }
}
