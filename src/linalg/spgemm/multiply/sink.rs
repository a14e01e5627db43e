//! Destinations for the rows of a product, in order.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::spgemm::kernels::ProductRows;
use crate::sparse::{AnyCompressed, AnyDraft, AnyWriter, IndicesMut, Types, by_index_mut, largest};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::Raw;
use crate::storage::{Context, Entry, Index, Place, RawBufferMut, SparseFormat};

/// A consumer of rows.
pub(crate) trait Sink<I, V>: Send {
    /// Takes the next whole rows, on the threads of the context.
    fn lines(&mut self, lines: &[ProductRows<I, V>]) -> Result<()>;

    /// Takes some entries of the next row.
    fn part(&mut self, indices: &[I], data: &[V]) -> Result<()>;

    /// Ends the row that came in parts.
    fn end_line(&mut self) -> Result<()>;
}

/// Rows written to a file.
impl<V: Entry, I: Index> Sink<I, V> for AnyWriter {
    fn lines(&mut self, lines: &[ProductRows<I, V>]) -> Result<()> {
        lines
            .iter()
            .map(rows_of)
            .try_for_each(|(lens, indices, data)| self.push_lines(lens, indices, data))
    }

    fn part(&mut self, indices: &[I], data: &[V]) -> Result<()> {
        self.push_part(Raw::of(indices), Raw::of(data))
    }

    fn end_line(&mut self) -> Result<()> {
        AnyWriter::end_line(self)
    }
}

/// Entries of each row, and all indices and values.
type RowArrays<'a> = (&'a [usize], Raw<'a>, Raw<'a>);

fn rows_of<V: Entry, I: Index>(lines: &ProductRows<I, V>) -> RowArrays<'_> {
    (&lines.lens, Raw::of(&lines.indices), Raw::of(&lines.data))
}

/// Only counts the entries of each row.
#[derive(Default)]
pub(crate) struct RowCounts {
    pub(crate) lens: Vec<usize>,
    /// Entries of a row that came in parts.
    parts: usize,
}

impl<I: Send, V: Send> Sink<I, V> for RowCounts {
    fn lines(&mut self, lines: &[ProductRows<I, V>]) -> Result<()> {
        lines.iter().for_each(|lines| self.lens.extend_from_slice(&lines.lens));
        Ok(())
    }

    fn part(&mut self, indices: &[I], _: &[V]) -> Result<()> {
        self.parts += indices.len();
        Ok(())
    }

    fn end_line(&mut self) -> Result<()> {
        self.lens.push(std::mem::take(&mut self.parts));
        Ok(())
    }
}

/// Copies rows to their final place in memory, on all threads.
pub(crate) struct RowCopies {
    draft: AnyDraft,
    types: Types,
    shape: (usize, usize),
    /// Rows and entries taken so far.
    rows: usize,
    nnz: usize,
    ctx: Context,
}

impl RowCopies {
    /// A matrix of `shape` with capacity for `capacity` entries, which grows if there are more.
    pub(crate) fn new(
        types: Types,
        shape: (usize, usize),
        capacity: usize,
        ctx: &Context,
    ) -> Result<Self> {
        let draft =
            AnyDraft::new((SparseFormat::Csr, types), shape, capacity, &Place::Memory, ctx)?;
        Ok(RowCopies { draft, types, shape, rows: 0, nnz: 0, ctx: ctx.clone() })
    }

    pub(crate) fn finish(self) -> Result<AnyCompressed> {
        self.draft.finish(SparseFormat::Csr, self.shape, true)
    }

    /// Reserves memory for this many more entries.
    fn reserve(&mut self, more: usize) -> Result<()> {
        let (needed, most) = (self.nnz + more, largest(self.types.pointers));
        if needed > most {
            return Err(Error::new(ErrorKind::Type, "too many entries for the index type")
                .expected(format!("at most {most}"))
                .found(format!("{needed} or more"))
                .remedy("use u64 pointers"));
        }
        if needed > self.draft.indices.len() { self.grow(needed) } else { Ok(()) }
    }

    #[cold]
    fn grow(&mut self, needed: usize) -> Result<()> {
        // Assumes as many for each remaining row as for the previous ones, plus a margin.
        let rows = self.rows.max(1) as f64;
        let guess = needed as f64 * (self.shape.0 as f64 / rows) * 1.1;
        let capacity =
            needed.max((guess as usize).min(4 * needed)).min(largest(self.types.pointers));
        let bytes = self.types.bytes_of(self.shape.0, capacity + self.draft.indices.len());
        self.ctx.check_memory("the result", bytes)?;
        let kind = (SparseFormat::Csr, self.types);
        let mut larger = AnyDraft::new(kind, self.shape, capacity, &Place::Memory, &self.ctx)?;
        let copy = |to: &mut RawBufferMut, from: &RawBufferMut, len| {
            to.as_mut().slice_mut(0..len).copy_from(from.as_raw().slice(0..len));
        };
        copy(&mut larger.indptr, &self.draft.indptr, self.shape.0 + 1);
        copy(&mut larger.indices, &self.draft.indices, self.nnz);
        copy(&mut larger.data, &self.draft.data, self.nnz);
        self.draft = larger;
        Ok(())
    }

    fn take_lines(&mut self, lines: &[RowArrays<'_>]) -> Result<()> {
        self.reserve(lines.iter().map(|(_, indices, _)| indices.len()).sum())?;
        let AnyDraft { indptr, indices, data, .. } = &mut self.draft;
        let (mut indptr, mut indices, mut data) =
            (IndicesMut::of(indptr), indices.as_mut(), data.as_mut());
        indptr.take_front(self.rows + 1);
        indices.take_front(self.nnz);
        data.take_front(self.nnz);
        let mut copies = Vec::with_capacity(lines.len());
        for (lens, from_indices, from_data) in lines {
            let pointers = indptr.take_front(lens.len());
            let to = (indices.take_front(from_indices.len()), data.take_front(from_data.len()));
            copies.push((*lens, self.nnz, pointers, to, (*from_indices, *from_data)));
            self.nnz += from_indices.len();
            self.rows += lens.len();
        }
        copies.into_par_iter().for_each(|(lens, start, mut indptr, mut to, from)| {
            by_index_mut!(&mut indptr, indptr => fill_ends(lens, start, indptr));
            to.0.copy_from(from.0);
            to.1.copy_from(from.1);
        });
        Ok(())
    }

    fn take_part(&mut self, indices: Raw<'_>, data: Raw<'_>) -> Result<()> {
        self.reserve(indices.len())?;
        let here = self.nnz..self.nnz + indices.len();
        self.draft.indices.as_mut().slice_mut(here.clone()).copy_from(indices);
        self.draft.data.as_mut().slice_mut(here).copy_from(data);
        self.nnz += indices.len();
        Ok(())
    }
}

/// Writes the ends of rows of these lengths, the first of which starts at entry `start`.
fn fill_ends<P: Index>(lens: &[usize], start: usize, indptr: &mut [P]) {
    let mut end = start;
    for (pointer, len) in indptr.iter_mut().zip(lens) {
        end += len;
        *pointer = P::from_usize(end);
    }
}

impl<V: Entry, I: Index> Sink<I, V> for RowCopies {
    fn lines(&mut self, lines: &[ProductRows<I, V>]) -> Result<()> {
        self.take_lines(&lines.iter().map(rows_of).collect::<Vec<_>>())
    }

    fn part(&mut self, indices: &[I], data: &[V]) -> Result<()> {
        self.take_part(Raw::of(indices), Raw::of(data))
    }

    fn end_line(&mut self) -> Result<()> {
        self.rows += 1;
        IndicesMut::of(&mut self.draft.indptr).set(self.rows, self.nnz);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    fn lines(lens: &[usize]) -> ProductRows<u32, f64> {
        let mut lines = ProductRows::new();
        lines.lens.extend_from_slice(lens);
        for n in lens.iter().flat_map(|&len| 0..len) {
            lines.indices.push(n as u32);
            lines.data.push(n as f64);
        }
        lines
    }

    #[test]
    fn more_entries_than_expected_fit() {
        let ctx = Context::new();
        let types = Types::of::<f64, u32, u32>();
        let mut filling = RowCopies::new(types, (7, 50), 3, &ctx).unwrap();
        filling.lines(&[lines(&[2, 0]), lines(&[1, 9])]).unwrap();
        let sink: &mut dyn Sink<u32, f64> = &mut filling;
        sink.part(&[3, 4], &[3.0, 4.0]).unwrap();
        sink.part(&[44], &[44.0]).unwrap();
        sink.end_line().unwrap();
        filling.lines(&[lines(&[0, 50])]).unwrap();
        let matrix: Csr<f64> = filling.finish().unwrap().into_typed();
        assert_eq!(matrix.indptr()[..], [0, 2, 2, 3, 12, 15, 15, 65]);
        let found = [(4, 44), (6, 49)].map(|(i, j)| matrix.get(i, j).unwrap());
        assert_eq!(found, [Some(44.0), Some(49.0)]);
    }

    #[test]
    fn more_entries_than_pointers_can_count_are_an_error() {
        let types = Types::of::<(), u32, u32>();
        let mut filling = RowCopies::new(types, (2, 50), 3, &Context::new()).unwrap();
        filling.nnz = i32::MAX as usize - 1;
        let error = filling.part(&[3u32, 4], &[(), ()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type, "{error}");
    }
}
