//! A compressed matrix written line by line, from the first to the last, at any place.
//!
//! An [`AnyDraft`](super::AnyDraft) has all arrays available and is filled in any order. Here each array is one
//! sequential write: for results larger than memory, and for those whose number of entries is unknown.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::check::check_types;
use crate::sparse::checked_panels::CheckedPanels;
use crate::sparse::files::{ValueWriter, index_header, value_bytes};
use crate::sparse::index_vec::IndexVec;
use crate::sparse::indices::Indices;
use crate::sparse::types::{Types, largest};
use crate::storage::raw::Raw;
use crate::storage::{
    Context, INDICES_FILE, Maker, POINTERS_FILE, Place, Plan, RawWriter, SparseFormat, Stage,
};

/// Takes the lines of a matrix (rows of CSR, columns of CSC), in order.
pub(crate) struct AnyWriter {
    format: SparseFormat,
    types: Types,
    stage: Stage,
    shape: (usize, usize),
    indptr: RawWriter,
    indices: RawWriter,
    data: ValueWriter,
    /// Pointers not yet written to `indptr`.
    ends: IndexVec,
    /// Entries appended so far.
    nnz: usize,
}

impl AnyWriter {
    /// A matrix of `shape` with about `nnz` entries; or exactly `nnz` if `exact`, which makes a result in memory
    /// cheaper.
    ///
    /// Fails if the index types are too narrow, or if memory or disk space is insufficient.
    pub(crate) fn new(
        (format, types): (SparseFormat, Types),
        shape: (usize, usize),
        nnz: usize,
        exact: bool,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let (major, minor) = format.swap_if_cols(shape);
        check_types((types.indices, types.pointers), major, minor, if exact { nnz } else { 0 })?;
        let stage = Stage::folder(place, ctx)?;
        let array =
            |name, dtype, len, exact| stage.writer(name, dtype, &index_header(dtype, len), exact);
        let mut writer = AnyWriter {
            format,
            types,
            indptr: array(POINTERS_FILE, types.pointers, major + 1, true)?,
            indices: array(INDICES_FILE, types.indices, nnz, exact)?,
            data: ValueWriter::new(&stage, types.values, nnz, exact)?,
            stage,
            shape,
            ends: IndexVec::new(types.pointers),
            nnz: 0,
        };
        writer.push_ends(1, &mut |_| 0)?;
        Ok(writer)
    }

    /// Adds a matrix of `major` lines and `nnz` entries, made at `place`, to a plan.
    pub(crate) fn plan(
        plan: Plan,
        types: Types,
        (major, nnz): (usize, usize),
        place: &Place,
        ctx: &Context,
    ) -> Plan {
        Stage::plan(plan, &bytes_of_arrays(types, (major, nnz), place), place, ctx)
    }

    /// Memory needed to write a matrix to files.
    pub(crate) fn extra_memory(limit: u64) -> u64 {
        3 * RawWriter::extra_memory(limit)
    }

    /// Entries appended so far.
    pub(crate) fn nnz(&self) -> usize {
        self.nnz
    }

    /// Lines that are complete.
    pub(crate) fn lines(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Appends whole lines: the number of entries of each, and the entries of all. The indices are already checked.
    pub(crate) fn push_lines(
        &mut self,
        lens: &[usize],
        indices: Raw<'_>,
        data: Raw<'_>,
    ) -> Result<()> {
        debug_assert_eq!(lens.iter().sum::<usize>(), indices.len());
        self.check_capacity(indices.len())?;
        let mut end = self.nnz;
        self.push_ends(lens.len(), &mut |line| {
            end += lens[line];
            end
        })?;
        self.push_part(indices, data)
    }

    /// Appends consecutive whole lines: their begins and ends, counted from the first entry, and the entries of all. If
    /// part of the first line was appended already, these are the rest of it. The indices are already checked.
    pub(crate) fn push_run(
        &mut self,
        indptr: Indices<'_>,
        indices: Raw<'_>,
        data: Raw<'_>,
    ) -> Result<()> {
        debug_assert_eq!(
            indptr.len().checked_sub(1).map_or(0, |last| indptr.at(last)),
            indices.len()
        );
        self.check_capacity(indices.len())?;
        let start = self.nnz;
        self.push_ends(indptr.len() - 1, &mut |line| start + indptr.at(line + 1))?;
        self.push_part(indices, data)
    }

    /// Writes the ends of this many lines, which fit the pointers. Fails if the system does not have the memory.
    fn push_ends(&mut self, lines: usize, end: &mut dyn FnMut(usize) -> usize) -> Result<()> {
        let refused = |_| {
            Error::new(ErrorKind::Memory, "the system does not have enough memory")
                .found(format!("a request for the ends of {lines} lines"))
        };
        self.ends.clear();
        self.ends.try_reserve(lines).map_err(refused)?;
        self.ends.extend_with(lines, end);
        self.indptr.push(self.ends.as_raw())
    }

    /// Appends whole lines, as [`push_run`](Self::push_run), if their last one `closes`; otherwise entries of one line.
    pub(crate) fn push_panel(
        &mut self,
        closes: bool,
        indptr: Indices<'_>,
        (indices, data): (Raw<'_>, Raw<'_>),
    ) -> Result<()> {
        match closes {
            true => self.push_run(indptr, indices, data),
            false => self.push_part(indices, data),
        }
    }

    /// Appends the lines of a matrix, checking them; returns whether the indices rise in each. The caller counts the
    /// pass.
    pub(crate) fn append(&mut self, lines: &mut CheckedPanels, ctx: &Context) -> Result<bool> {
        lines.sweep_part(ctx, &mut |panel| {
            let part = panel.parts[0];
            self.push_panel(panel.closes, part.indptr, (part.indices.raw(), part.data))
        })
    }

    /// Appends entries to the incomplete line.
    pub(crate) fn push_part(&mut self, indices: Raw<'_>, data: Raw<'_>) -> Result<()> {
        debug_assert_eq!(indices.len(), data.len());
        self.check_capacity(indices.len())?;
        self.indices.push(indices)?;
        self.nnz = self.indices.len();
        self.data.push(data)
    }

    /// Completes a line whose entries were appended in parts.
    pub(crate) fn end_line(&mut self) -> Result<()> {
        let nnz = self.nnz;
        self.push_ends(1, &mut |_| nnz)
    }

    /// The finished matrix of the lines that were appended, even if fewer than declared. Fails if they are too many
    /// for the index type.
    pub(crate) fn finish_short(mut self, canonical: bool) -> Result<AnyCompressed> {
        let (_, minor) = self.format.swap_if_cols(self.shape);
        let types = (self.types.indices, self.types.pointers);
        check_types(types, self.lines(), minor, self.nnz)?;
        self.shape = self.format.swap_if_cols((self.lines(), minor));
        self.finish(canonical)
    }

    /// The finished matrix; missing lines are empty. `canonical` if indices strictly rise in every line;
    /// otherwise they are checked at first use.
    pub(crate) fn finish(mut self, canonical: bool) -> Result<AnyCompressed> {
        let (major, _) = self.format.swap_if_cols(self.shape);
        let nnz = self.nnz;
        while self.lines() < major {
            self.push_ends((major - self.lines()).min(4096), &mut |_| nnz)?;
        }
        let AnyWriter { format, types, stage, shape, indptr, indices, data, .. } = self;
        let pointers = index_header(types.pointers, indptr.len());
        let indptr = stage.finish_writer(POINTERS_FILE, indptr, &pointers)?;
        let header = index_header(types.indices, nnz);
        let indices = stage.finish_writer(INDICES_FILE, indices, &header)?;
        let data = data.finish(&stage)?;
        let matrix = AnyCompressed::from_written(format, shape, indptr, indices, data)?;
        let matrix = matrix.published(stage)?;
        Ok(if canonical { matrix.assume_canonical() } else { matrix })
    }

    /// Fails if the pointers cannot count this many more entries.
    fn check_capacity(&self, more: usize) -> Result<()> {
        let (nnz, most) = (self.nnz + more, largest(self.types.pointers));
        if nnz > most {
            return Err(Error::new(ErrorKind::Type, "too many entries for the index type")
                .expected(format!("at most {most}"))
                .found(format!("{nnz} or more"))
                .remedy("use u64 pointers"));
        }
        Ok(())
    }
}

/// The memory left for the work while a sparse result of `bytes` bytes is made at `place`. Fails if the result goes to
/// memory and does not fit.
pub(crate) fn memory_left(bytes: u64, place: &Place, ctx: &Context) -> Result<u64> {
    Stage::memory_left(&[bytes, 0, 0], place, ctx)
}

/// Types, shape and number of entries of a compressed matrix.
pub(crate) type CompressedSize = ((SparseFormat, Types), (usize, usize), usize);

/// Bytes of the arrays of a compressed matrix. Fails if its index types are too narrow.
pub(crate) fn arrays_of(
    ((format, types), shape, nnz): CompressedSize,
    place: &Place,
) -> Result<Vec<u64>> {
    let (major, minor) = format.swap_if_cols(shape);
    check_types((types.indices, types.pointers), major, minor, nnz)?;
    Ok(bytes_of_arrays(types, (major, nnz), place).to_vec())
}

fn bytes_of_arrays(types: Types, (major, nnz): (usize, usize), place: &Place) -> [u64; 3] {
    let pointers = types.pointers.bytes_of(major.saturating_add(1));
    [pointers, types.indices.bytes_of(nnz), value_bytes(types.values, nnz, place)]
}

impl Maker for AnyWriter {
    type What<'w> = CompressedSize;
    /// Whether indices strictly rise in every line.
    type Filled = bool;
    type Made = AnyCompressed;

    fn arrays(what: CompressedSize, place: &Place) -> Result<Vec<u64>> {
        arrays_of(what, place)
    }

    fn start((kind, shape, nnz): CompressedSize, place: &Place, ctx: &Context) -> Result<Self> {
        Self::new(kind, shape, nnz, true, place, ctx)
    }

    fn end(self, canonical: bool) -> Result<AnyCompressed> {
        self.finish(canonical)
    }
}
