//! Where the rows of a product go, in order.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::kernels::spgemm::Lines;
use crate::sparse::{ByRows, CompressedDraft, CompressedWriter, Csr};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Context, Entry, Index, Place};

/// Takes rows.
pub(super) trait Sink<I, V>: Send {
    /// Takes the next whole rows, on the threads of the context.
    fn lines(&mut self, lines: &[Lines<I, V>]) -> Result<()>;

    /// Takes some entries of the row that comes next.
    fn part(&mut self, indices: &[I], data: &[V]) -> Result<()>;

    /// Ends the row that came in parts.
    fn end_line(&mut self) -> Result<()>;
}

/// Rows written to a file.
impl<V: Entry, I: Index, P: Index> Sink<I, V> for CompressedWriter<V, I, P, ByRows> {
    fn lines(&mut self, lines: &[Lines<I, V>]) -> Result<()> {
        let mut each = lines.iter();
        each.try_for_each(|lines| self.push_lines(&lines.lens, &lines.indices, &lines.data))
    }

    fn part(&mut self, indices: &[I], data: &[V]) -> Result<()> {
        self.push_part(indices, data)
    }

    fn end_line(&mut self) -> Result<()> {
        CompressedWriter::end_line(self)
    }
}

/// Entries of each row, and nothing else.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) lens: Vec<usize>,
    /// Entries of a row that came in parts.
    parts: usize,
}

impl<I: Send, V: Send> Sink<I, V> for Counts {
    fn lines(&mut self, lines: &[Lines<I, V>]) -> Result<()> {
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

/// Rows copied to where they stay in memory, by all threads.
pub(super) struct Filling<V: Entry, I: Index, P: Index> {
    draft: CompressedDraft<V, I, P>,
    shape: (usize, usize),
    /// Rows and entries taken so far.
    rows: usize,
    nnz: usize,
    ctx: Context,
}

impl<V: Entry, I: Index, P: Index> Filling<V, I, P> {
    /// A matrix of `shape` with room for `room` entries, and more if there are more.
    pub(super) fn new(shape: (usize, usize), room: usize, ctx: &Context) -> Result<Self> {
        let draft = CompressedDraft::new::<ByRows>(shape, room, &Place::Memory, ctx)?;
        Ok(Filling { draft, shape, rows: 0, nnz: 0, ctx: ctx.clone() })
    }

    pub(super) fn finish(self) -> Result<Csr<V, I, P>> {
        self.draft.finish(self.shape, true)
    }

    /// Makes room for so many entries more.
    fn make_room(&mut self, more: usize) -> Result<()> {
        let needed = self.nnz + more;
        if needed > P::LARGEST {
            return Err(Error::new(ErrorKind::Type, "too many entries for the index type")
                .expected(format!("at most {}", P::LARGEST))
                .found(format!("{needed} or more"))
                .remedy("use u64 pointers"));
        }
        if needed > self.draft.indices.len() { self.grow(needed) } else { Ok(()) }
    }

    #[cold]
    fn grow(&mut self, needed: usize) -> Result<()> {
        // As many for each row that is to come as for those that came, and some more.
        let rows = self.rows.max(1) as f64;
        let guess = needed as f64 * (self.shape.0 as f64 / rows) * 1.1;
        let room = needed.max((guess as usize).min(4 * needed)).min(P::LARGEST);
        let bytes = Csr::<V, I, P>::bytes_of(self.shape.0, room + self.draft.indices.len());
        self.ctx.check_memory("the result", bytes)?;
        let mut larger =
            CompressedDraft::new::<ByRows>(self.shape, room, &Place::Memory, &self.ctx)?;
        larger.indptr.copy_from_slice(&self.draft.indptr);
        larger.indices[..self.nnz].copy_from_slice(&self.draft.indices[..self.nnz]);
        larger.data[..self.nnz].copy_from_slice(&self.draft.data[..self.nnz]);
        self.draft = larger;
        Ok(())
    }
}

impl<V: Entry, I: Index, P: Index> Sink<I, V> for Filling<V, I, P> {
    fn lines(&mut self, lines: &[Lines<I, V>]) -> Result<()> {
        let entries = lines.iter().map(|lines| lines.indices.len()).sum();
        self.make_room(entries)?;
        let mut end = self.nnz;
        let (mut indptr, mut indices, mut data) = (
            &mut self.draft.indptr[self.rows + 1..],
            &mut self.draft.indices[end..],
            &mut self.draft.data[end..],
        );
        let mut copies = Vec::with_capacity(lines.len());
        for lines in lines {
            let (pointers, to_indices, to_data);
            (pointers, indptr) = indptr.split_at_mut(lines.lens.len());
            (to_indices, indices) = indices.split_at_mut(lines.indices.len());
            (to_data, data) = data.split_at_mut(lines.data.len());
            copies.push((lines, end, pointers, to_indices, to_data));
            end += lines.indices.len();
            self.rows += lines.lens.len();
        }
        self.nnz = end;
        copies.into_par_iter().for_each(|(lines, mut end, indptr, indices, data)| {
            for (pointer, len) in indptr.iter_mut().zip(&lines.lens) {
                end += len;
                *pointer = P::from_usize(end);
            }
            indices.copy_from_slice(&lines.indices);
            data.copy_from_slice(&lines.data);
        });
        Ok(())
    }

    fn part(&mut self, indices: &[I], data: &[V]) -> Result<()> {
        self.make_room(indices.len())?;
        let here = self.nnz..self.nnz + indices.len();
        self.draft.indices[here.clone()].copy_from_slice(indices);
        self.draft.data[here].copy_from_slice(data);
        self.nnz += indices.len();
        Ok(())
    }

    fn end_line(&mut self) -> Result<()> {
        self.rows += 1;
        self.draft.indptr[self.rows] = P::from_usize(self.nnz);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lens: &[usize]) -> Lines<u32, f64> {
        let mut lines = Lines::new();
        lines.lens.extend_from_slice(lens);
        for n in lens.iter().flat_map(|&len| 0..len) {
            lines.indices.push(n as u32);
            lines.data.push(n as f64);
        }
        lines
    }

    #[test]
    fn more_entries_than_expected_find_room() {
        let ctx = Context::new();
        let mut filling = Filling::<f64, u32, u32>::new((7, 50), 3, &ctx).unwrap();
        filling.lines(&[lines(&[2, 0]), lines(&[1, 9])]).unwrap();
        filling.part(&[3, 4], &[3.0, 4.0]).unwrap();
        filling.part(&[44], &[44.0]).unwrap();
        filling.end_line().unwrap();
        filling.lines(&[lines(&[0, 50])]).unwrap();
        let matrix = filling.finish().unwrap();
        assert_eq!(matrix.indptr()[..], [0, 2, 2, 3, 12, 15, 15, 65]);
        let found = [(4, 44), (6, 49)].map(|(i, j)| matrix.get(i, j).unwrap());
        assert_eq!(found, [Some(44.0), Some(49.0)]);
    }

    #[test]
    fn more_entries_than_pointers_can_count_are_an_error() {
        let mut filling = Filling::<(), u32, u32>::new((2, 50), 3, &Context::new()).unwrap();
        filling.nnz = i32::MAX as usize - 1;
        let error = filling.part(&[3, 4], &[(), ()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type, "{error}");
    }
}
