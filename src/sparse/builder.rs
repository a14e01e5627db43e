//! A compressed matrix from lines added one by one, possibly more than fit in memory.
//!
//! Rows of CSR (columns of CSC) that are made in order need no sorting: each is stored in its final place, and in a
//! file that is one sequential write.

use std::marker::PhantomData;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::{Axis, ByCols, ByRows};
use crate::sparse::check::index_out_of_range;
use crate::sparse::checked_panels::CheckedPanels;
use crate::sparse::compressed::Compressed;
use crate::sparse::index_vec::IndexVec;
use crate::sparse::indices::{Indices, by_index};
use crate::sparse::line_cuts::LineSplit;
use crate::sparse::types::{Types, largest};
use crate::sparse::writer::{AnyWriter, memory_left};
use crate::storage::raw::Raw;
use crate::storage::{Broken, Context, Entry, Index, Place, SparseFormat};

/// Collects the lines of a matrix that is compressed along `A`, in order; called [`CsrBuilder`] and [`CscBuilder`].
///
/// Cost: one sequential write. Memory: the matrix, or the write buffers if it goes to a file. The matrix appears at its
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
    any: AnyLineBuilder,
    types: PhantomData<(T, I, P, A)>,
}

/// A [`CompressedBuilder`] of any types.
struct AnyLineBuilder {
    types: Types,
    writer: AnyWriter,
    minor: usize,
    canonical: bool,
    /// Whether a step failed half-way, so that no matrix can be made.
    broken: Broken,
    pointers: IndexVec,
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
    /// Fails if the extent is too large for the index type, or the place is taken.
    pub fn new(extent: usize, place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        Self::with_capacity(extent, 0, place, ctx)
    }

    /// No lines yet, with space reserved for `nnz` entries, more or fewer are possible.
    pub fn with_capacity(
        extent: usize,
        nnz: usize,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let kind = (A::FORMAT, Types::of::<T, I, P>());
        let any = AnyLineBuilder::new(kind, extent, nnz, place.into(), ctx)?;
        Ok(CompressedBuilder { any, types: PhantomData })
    }

    /// Lines added so far: rows for CSR, columns for CSC.
    pub fn lines(&self) -> usize {
        self.any.writer.lines()
    }

    /// Entries added so far.
    #[doc(alias = "getnnz")]
    pub fn nnz(&self) -> usize {
        self.any.writer.nnz()
    }

    /// Adds a line: the indices of its entries, in any order, and their values.
    ///
    /// Fails, adding nothing, if there is not one value for each index, or an index is out of range; Fails if the
    /// matrix gets too large for its types, for the memory limit or for the device.
    pub fn push(&mut self, indices: &[I], values: &[T]) -> Result<()> {
        self.push_lines(&[indices.len()], indices, values)
    }

    /// Adds some lines: how many entries each has, and the indices and values of all, line by line.
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
        self.any.push_lines(lens, Indices::new(indices), Raw::of(values))
    }

    /// Adds all lines of a matrix of the same extent, read panel by panel if it is in a file. Fails if an index of it
    /// is out of range, or as [`push`](Self::push) does; after such a failure no matrix can be made.
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
        self.any.append(&matrix.to_any())
    }

    /// The matrix of the lines that were added. Fails if adding any of them failed.
    pub fn finish(self) -> Result<Compressed<T, I, P, A>> {
        self.any.finish().map(AnyCompressed::into_typed)
    }
}

impl AnyLineBuilder {
    fn new(
        (format, types): (SparseFormat, Types),
        extent: usize,
        nnz: usize,
        place: Place,
        ctx: &Context,
    ) -> Result<Self> {
        memory_left(types.bytes_of(0, nnz), &place, ctx)?;
        let shape = format.swap_if_cols((0, extent));
        Ok(AnyLineBuilder {
            types,
            writer: AnyWriter::new((format, types), shape, nnz, false, &place, ctx)?,
            minor: extent,
            canonical: true,
            broken: Broken::default(),
            pointers: IndexVec::new(types.pointers),
            place,
            ctx: ctx.clone(),
        })
    }

    fn push_lines(&mut self, lens: &[usize], indices: Indices<'_>, values: Raw<'_>) -> Result<()> {
        if values.len() != indices.len() {
            return Err(Error::shape("the values", indices.len(), values.len()));
        }
        self.check_capacity(lens.len(), indices.len())?;
        let (mut end, mut rising) = (0usize, true);
        for (line, &len) in (self.writer.lines()..).zip(lens) {
            let span = end..end.saturating_add(len);
            if span.end > indices.len() {
                return Err(Error::shape("the indices", span.end, indices.len()));
            }
            end = span.end;
            rising &= by_index!(indices.slice(span), of_line => {
                check_line(line, of_line, self.minor)
            })?;
        }
        if end != indices.len() {
            return Err(Error::shape("the indices", end, indices.len()));
        }
        self.pointers.clear();
        let mut end = 0;
        self.pointers.extend_with(lens.len() + 1, &mut |line| {
            end += if line == 0 { 0 } else { lens[line - 1] };
            end
        });
        self.canonical &= rising;
        let pointers = self.pointers.as_indices();
        self.broken.note(self.writer.push_run(pointers, indices.raw(), values))
    }

    fn append(&mut self, matrix: &AnyCompressed) -> Result<()> {
        if matrix.minor() != self.minor {
            return Err(Error::shape("the matrix", self.minor, matrix.minor()));
        }
        self.check_capacity(matrix.major(), matrix.nnz())?;
        let (ctx, types) = (self.ctx.clone(), self.types);
        let lines = self.writer.lines() + matrix.major();
        let bytes = types.bytes_of(lines, self.writer.nnz() + matrix.nnz());
        let left = memory_left(bytes, &self.place, &ctx)?;
        let mut lines = CheckedPanels::new(&[matrix], LineSplit::Entries, left, &ctx)?;
        ctx.meter().pass();
        let appended = self.writer.append(&mut lines, &ctx);
        self.canonical &= self.broken.note(appended)?;
        Ok(())
    }

    fn finish(self) -> Result<AnyCompressed> {
        self.check_capacity(0, 0)?;
        self.writer.finish_short(self.canonical)
    }

    /// Fails if the types, or the memory for a result in memory, are too small for this many more lines and entries, or
    /// if an earlier step failed half-way.
    fn check_capacity(&self, lines: usize, entries: usize) -> Result<()> {
        self.broken.check()?;
        let lines = self.writer.lines().saturating_add(lines);
        let nnz = self.writer.nnz().saturating_add(entries);
        let (most_lines, most) = (largest(self.types.indices), largest(self.types.pointers));
        if lines > most_lines || nnz > most {
            return Err(Error::new(ErrorKind::Type, "the matrix is too large for its index types")
                .expected(format!("at most {most_lines} lines and {most} entries"))
                .found(format!("{lines} lines and {nnz} entries"))
                .remedy("choose wider types, as in CsrBuilder<f64, u32, u64>"));
        }
        memory_left(self.types.bytes_of(lines, nnz), &self.place, &self.ctx)?;
        Ok(())
    }
}

/// Checks the indices of a line, which must be below `minor`; returns whether they rise.
fn check_line<I: Index>(line: usize, indices: &[I], minor: usize) -> Result<bool> {
    if let Some(position) = indices.iter().position(|index| index.to_usize() >= minor) {
        return Err(index_out_of_range(line, position, indices[position], minor));
    }
    Ok(indices.windows(2).all(|pair| pair[0] < pair[1]))
}
