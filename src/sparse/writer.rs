//! A compressed matrix made line by line, from the first to the last, at any place.
//!
//! Where a [`CompressedDraft`](super::CompressedDraft) has all arrays at hand and fills them in any order, here each of
//! them is one sequential write: for results larger than memory, and for those whose number of entries nobody knows.

use std::marker::PhantomData;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::axis::Axis;
use crate::sparse::check::check_widths;
use crate::sparse::compressed::Compressed;
use crate::sparse::files::{ValueWriter, describe, index_header};
use crate::storage::{
    ArrayWriter, Context, DATA_START, DESCRIPTOR, Entry, INDICES_FILE, Index, POINTERS_FILE, Place,
    Plan, Stage,
};

/// Takes the lines of a matrix (rows of CSR, columns of CSC), in order.
pub(crate) struct CompressedWriter<T: Entry, I: Index, P: Index, A: Axis> {
    stage: Stage,
    shape: (usize, usize),
    indptr: ArrayWriter<P>,
    indices: ArrayWriter<I>,
    data: ValueWriter<T>,
    /// Pointers on their way to `indptr`.
    ends: Vec<P>,
    axis: PhantomData<A>,
}

impl<T: Entry, I: Index, P: Index, A: Axis> CompressedWriter<T, I, P, A> {
    /// A matrix of `shape` with about `nnz` entries; exactly so many if `exact`, which makes a result in memory cheaper.
    ///
    /// Fails if the index types are too narrow, or if there is not the memory or the disk space.
    pub(crate) fn new(
        shape: (usize, usize),
        nnz: usize,
        exact: bool,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let (major, minor) = A::swap_if_cols(shape);
        check_widths::<I, P>(major, minor, if exact { nnz } else { 0 })?;
        let stage = Stage::folder(place, ctx)?;
        let mut indptr = stage.writer::<P>(POINTERS_FILE, &index_header::<P>(major + 1), true)?;
        indptr.push(&[P::from_usize(0)])?;
        Ok(CompressedWriter {
            indices: stage.writer(INDICES_FILE, &index_header::<I>(nnz), exact)?,
            data: ValueWriter::new(&stage, nnz, exact)?,
            indptr,
            stage,
            shape,
            ends: Vec::new(),
            axis: PhantomData,
        })
    }

    /// Adds a matrix of `major` lines and `nnz` entries, made line by line at `place`, to a plan.
    pub(crate) fn plan(
        plan: Plan,
        (major, nnz): (usize, usize),
        place: &Place,
        ctx: &Context,
    ) -> Plan {
        let (plan, bytes) = (plan.at(place, true), Compressed::<T, I, P, A>::bytes_of(major, nnz));
        match place {
            Place::Memory => plan.beside(bytes),
            _ => {
                let values = if T::ENTRY_DTYPE.is_some() { DATA_START } else { 1 };
                let memory = Self::memory_beside(ctx.memory_left());
                plan.writes(bytes.saturating_add(2 * DATA_START + values)).beside(memory)
            }
        }
    }

    /// Memory that writing a matrix to files takes.
    pub(crate) fn memory_beside(limit: u64) -> u64 {
        3 * ArrayWriter::<T>::memory_beside(limit)
    }

    /// Entries taken so far.
    pub(crate) fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// Lines that are complete.
    pub(crate) fn lines(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Takes whole lines: how many entries each has, and the entries of all. The indices were checked.
    pub(crate) fn push_lines(&mut self, lens: &[usize], indices: &[I], data: &[T]) -> Result<()> {
        let mut end = self.nnz();
        debug_assert_eq!(lens.iter().sum::<usize>(), indices.len());
        check_room::<P>(end + indices.len())?;
        self.clear_ends(lens.len())?;
        self.ends.extend(lens.iter().map(|len| {
            end += len;
            P::from_usize(end)
        }));
        self.indptr.push(&self.ends)?;
        self.push_part(indices, data)
    }

    /// Takes a run of whole lines: where they begin and end, counted from the first entry of the run, and the entries of
    /// all. If some entries of the first line were taken already, its other ones. The indices were checked.
    pub(crate) fn push_run(&mut self, indptr: &[P], indices: &[I], data: &[T]) -> Result<()> {
        let start = self.nnz();
        debug_assert_eq!(indptr.last().map_or(0, |end| end.to_usize()), indices.len());
        check_room::<P>(start + indices.len())?;
        self.clear_ends(indptr.len())?;
        self.ends.extend(indptr[1..].iter().map(|end| P::from_usize(start + end.to_usize())));
        self.indptr.push(&self.ends)?;
        self.push_part(indices, data)
    }

    /// Room for the ends of so many lines. Fails if the system has not that much memory to give.
    fn clear_ends(&mut self, lines: usize) -> Result<()> {
        self.ends.clear();
        self.ends.try_reserve(lines).map_err(|_| {
            Error::new(ErrorKind::Memory, "the system has not enough memory")
                .found(format!("a request for the ends of {lines} lines"))
        })
    }

    /// Takes some entries of the line that is not complete yet.
    pub(crate) fn push_part(&mut self, indices: &[I], data: &[T]) -> Result<()> {
        debug_assert_eq!(indices.len(), data.len());
        check_room::<P>(self.nnz() + indices.len())?;
        self.indices.push(indices)?;
        self.data.push(data)
    }

    /// Completes a line whose entries were taken in parts.
    pub(crate) fn end_line(&mut self) -> Result<()> {
        self.indptr.push(&[P::from_usize(self.nnz())])
    }

    /// The finished matrix of the lines that were taken, however many there should have been. Fails if they are too many
    /// for the index type.
    pub(crate) fn finish_short(mut self, canonical: bool) -> Result<Compressed<T, I, P, A>> {
        let (_, minor) = A::swap_if_cols(self.shape);
        check_widths::<I, P>(self.lines(), minor, self.nnz())?;
        self.shape = A::swap_if_cols((self.lines(), minor));
        self.finish(canonical)
    }

    /// The finished matrix; lines that were not taken are empty. `canonical` if indices strictly rise in every line;
    /// otherwise they are checked at first use.
    pub(crate) fn finish(mut self, canonical: bool) -> Result<Compressed<T, I, P, A>> {
        let (major, _) = A::swap_if_cols(self.shape);
        let nnz = self.nnz();
        self.ends.clear();
        self.ends.resize(4096.min(major + 1), P::from_usize(nnz));
        while self.lines() < major {
            let rest = (major - self.lines()).min(self.ends.len());
            self.indptr.push(&self.ends[..rest])?;
        }
        let CompressedWriter { stage, shape, indptr, indices, data, .. } = self;
        let descriptor = describe::<T, I, P>(A::FORMAT, shape, nnz);
        let pointers = index_header::<P>(indptr.len());
        let indptr = stage.finish_writer(POINTERS_FILE, indptr, &pointers)?;
        let indices = stage.finish_writer(INDICES_FILE, indices, &index_header::<I>(nnz))?;
        let data = data.finish(&stage)?;
        stage.text(DESCRIPTOR, &descriptor.to_text())?;
        let matrix = Compressed::from_written(shape, indptr, indices, data)?;
        stage.publish(DESCRIPTOR)?;
        Ok(if canonical { matrix.assume_canonical() } else { matrix })
    }
}

/// Fails if pointers of type `P` cannot count so many entries.
fn check_room<P: Index>(nnz: usize) -> Result<()> {
    if nnz > P::LARGEST {
        return Err(Error::new(ErrorKind::Type, "too many entries for the index type")
            .expected(format!("at most {}", P::LARGEST))
            .found(format!("{nnz} or more"))
            .remedy("use u64 pointers"));
    }
    Ok(())
}

/// The memory that is left for the work while a sparse result of `bytes` bytes is made at `place`. Fails if the result is
/// to live in memory and does not fit.
pub(crate) fn memory_left(bytes: u64, place: &Place, ctx: &Context) -> Result<u64> {
    let limit = ctx.memory_left();
    if *place == Place::Memory {
        ctx.check_memory("the result", bytes)?;
        return Ok(limit.saturating_sub(bytes));
    }
    Ok(limit.saturating_sub(3 * ArrayWriter::<u8>::memory_beside(limit)))
}
