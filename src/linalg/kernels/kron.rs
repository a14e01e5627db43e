//! Kronecker product: where its lines end, and its entries from any one on.
//!
//! ```text
//! for each line i of A:  for each line j of B:                       the line i * lines(B) + j
//!     for each entry a of line i:  for each entry b of line j:       index a.index * minor(B) + b.index, value a * b
//! ```
//!
//! Before line `(i, j)` there are `start(i) * nnz(B) + length(i) * start(j)` entries, so that where it lies follows from the
//! pointers alone: any run of entries can be made by itself, and threads share the entries equally however long lines are.
//!
//! 1. The entries of a line come in blocks, one for each entry of A, as wide as the line of B. Blocks of up to eight have
//!    loops of their own, without a count: on one thread five blocks of four entries took 2.2 ns an entry with them and 2.7
//!    without, five blocks of one 3.4 and 7.6.

use std::ops::Range;

use crate::linalg::arithmetic::Multiply;
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::{Entry, Index};

/// Entries and lines of a task.
const TASK: usize = if cfg!(test) { 8 } else { 1 << 15 };

/// Some lines of a matrix, whose pointers and indices were checked.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a, T, I, P> {
    pub(crate) indptr: &'a [P],
    pub(crate) indices: &'a [I],
    pub(crate) data: &'a [T],
}

impl<'a, T: Entry, I: Index, P: Index> Lines<'a, T, I, P> {
    fn count(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Where a line starts, or the one before it ends.
    #[inline(always)]
    fn start(&self, line: usize) -> usize {
        self.indptr[line].to_usize() - self.indptr[0].to_usize()
    }

    #[inline(always)]
    fn line(&self, line: usize) -> (&'a [I], &'a [T]) {
        let span = self.start(line)..self.start(line + 1);
        (&self.indices[span.clone()], &self.data[span])
    }

    /// The first line that ends behind `bound` entries, each of which counts `times`; how many lines there are, if none does.
    fn behind(&self, bound: usize, times: usize) -> usize {
        let base = self.indptr[0].to_usize();
        self.indptr[1..].partition_point(|end| (end.to_usize() - base) * times <= bound)
    }
}

/// The product of two matrices, or of some lines of the left one with the right one. It has no more entries than a `usize`
/// counts, and its indices fit in `I`.
pub(crate) struct Kron<'a, T, I, P> {
    pub(crate) a: Lines<'a, T, I, P>,
    pub(crate) b: Lines<'a, T, I, P>,
    /// How many indices there may be in a line of the right one.
    pub(crate) minor: usize,
}

impl<T: Multiply, I: Index, P: Index> Kron<'_, T, I, P> {
    pub(crate) fn lines(&self) -> usize {
        self.a.count() * self.b.count()
    }

    pub(crate) fn nnz(&self) -> usize {
        self.a.indices.len() * self.b.indices.len()
    }

    /// Where a line ends, in entries of the product.
    pub(crate) fn end(&self, line: usize) -> usize {
        let (i, j) = (line / self.b.count(), line % self.b.count());
        let (start, end) = (self.a.start(i), self.a.start(i + 1));
        start * self.b.indices.len() + (end - start) * self.b.start(j + 1)
    }

    /// The first of some lines that ends behind entry `bound`; the one behind them, if none does.
    pub(crate) fn behind(&self, lines: Range<usize>, bound: usize) -> usize {
        let Range { mut start, mut end } = lines;
        while start < end {
            let middle = start.midpoint(end);
            if self.end(middle) <= bound { start = middle + 1 } else { end = middle }
        }
        start
    }

    /// Where the lines from `first` on end, counted so that entry `at` of the product is entry `base`.
    pub(crate) fn fill_ends(&self, first: usize, (at, base): (usize, usize), ends: &mut [P]) {
        let (count, all) = (self.b.count(), self.b.indices.len());
        ends.par_chunks_mut(TASK).enumerate().for_each(|(task, mut ends)| {
            let line = first + task * TASK;
            let (mut i, mut j) = (line / count, line % count);
            while !ends.is_empty() {
                let here;
                (here, ends) = ends.split_at_mut(ends.len().min(count - j));
                let (start, length) = (self.a.start(i), self.a.start(i + 1) - self.a.start(i));
                for (end, line) in here.iter_mut().zip(j..) {
                    let entries = start * all + length * self.b.start(line + 1);
                    *end = P::from_usize(entries - at + base);
                }
                (i, j) = (i + 1, 0);
            }
        });
    }

    /// Makes the entries from the `first` on, by all threads. If an integer overflows, the first line and index at which one
    /// does.
    pub(crate) fn fill(
        &self,
        first: usize,
        indices: &mut [I],
        data: &mut [T],
    ) -> Result<(), (usize, usize)> {
        let tasks = indices.par_chunks_mut(TASK).zip(data.par_chunks_mut(TASK)).enumerate();
        let clash = tasks.find_map_first(|(task, (indices, data))| {
            let first = first + task * TASK;
            let all = first..first + indices.len();
            match self.fill_run(first, indices, data) {
                true => None,
                false => all.map(|entry| self.clash(entry)).find(Option::is_some).flatten(),
            }
        });
        clash.map_or(Ok(()), Err)
    }

    /// The line of A, the line of B, and the place in the line of the product, of an entry.
    fn locate(&self, entry: usize) -> (usize, usize, usize) {
        let all = self.b.indices.len();
        let i = self.a.behind(entry, all);
        let (rest, length) = (entry - self.a.start(i) * all, self.a.line(i).0.len());
        let j = self.b.behind(rest, length);
        (i, j, rest - length * self.b.start(j))
    }

    /// Line and index of an entry that overflows.
    #[cold]
    fn clash(&self, entry: usize) -> Option<(usize, usize)> {
        let (i, j, at) = self.locate(entry);
        let ((left, x), (right, y)) = (self.a.line(i), self.b.line(j));
        let (p, q) = (at / right.len(), at % right.len());
        match x[p].product(y[q]) {
            Some(_) => None,
            None => Some((
                i * self.b.count() + j,
                left[p].to_usize() * self.minor + right[q].to_usize(),
            )),
        }
    }

    /// Makes a run of entries; whether all values fit.
    fn fill_run(&self, first: usize, mut indices: &mut [I], mut data: &mut [T]) -> bool {
        let (mut i, mut j, skip) = self.locate(first);
        let mut fits = true;
        if skip > 0 {
            let count = (self.a.line(i).0.len() * self.b.line(j).0.len() - skip).min(indices.len());
            let (these_indices, these);
            (these_indices, indices) = indices.split_at_mut(count);
            (these, data) = data.split_at_mut(count);
            fits = self.fill_rest(self.a.line(i), self.b.line(j), skip, (these_indices, these));
            j += 1;
        }
        while !indices.is_empty() {
            let left = self.a.line(i);
            while j < self.b.count() && !left.0.is_empty() && !indices.is_empty() {
                let right = self.b.line(j);
                let count = (left.0.len() * right.0.len()).min(indices.len());
                let (these_indices, these);
                (these_indices, indices) = indices.split_at_mut(count);
                (these, data) = data.split_at_mut(count);
                fits &= self.fill_line(left, right, (these_indices, these));
                j += 1;
            }
            (i, j) = (i + 1, 0);
        }
        fits
    }

    /// Makes entries of a line from entry `skip` on; neither line is empty.
    fn fill_rest(
        &self,
        (left, x): (&[I], &[T]),
        right: (&[I], &[T]),
        skip: usize,
        (indices, data): (&mut [I], &mut [T]),
    ) -> bool {
        let (next, begun, width) = (skip / right.0.len(), skip % right.0.len(), right.0.len());
        let count = (width - begun).min(indices.len());
        let (these_indices, indices) = indices.split_at_mut(count);
        let (these, data) = data.split_at_mut(count);
        let rest = (&right.0[begun..], &right.1[begun..]);
        let fits = self.fill_block((left[next], x[next]), rest, (these_indices, these));
        let left = (&left[next + 1..], &x[next + 1..]);
        fits & self.fill_line(left, right, (indices, data))
    }

    /// Makes entries of a line from its first one on, or from that of a later entry of A.
    #[inline(always)]
    fn fill_line(&self, left: (&[I], &[T]), right: (&[I], &[T]), to: (&mut [I], &mut [T])) -> bool {
        match right.0.len() {
            0 => true,
            1 => self.fill_blocks::<1>(left, right, to),
            2 => self.fill_blocks::<2>(left, right, to),
            3 => self.fill_blocks::<3>(left, right, to),
            4 => self.fill_blocks::<4>(left, right, to),
            5 => self.fill_blocks::<5>(left, right, to),
            6 => self.fill_blocks::<6>(left, right, to),
            7 => self.fill_blocks::<7>(left, right, to),
            8 => self.fill_blocks::<8>(left, right, to),
            _ => self.fill_any_blocks(left, right, to),
        }
    }

    /// Blocks of `WIDTH` entries; the last may be cut.
    #[inline(always)]
    fn fill_blocks<const WIDTH: usize>(
        &self,
        left: (&[I], &[T]),
        right: (&[I], &[T]),
        (indices, data): (&mut [I], &mut [T]),
    ) -> bool {
        let (Some(js), Some(ys)) = (right.0.first_chunk::<WIDTH>(), right.1.first_chunk::<WIDTH>())
        else {
            return self.fill_any_blocks(left, right, (indices, data));
        };
        let ((indices, last_indices), (data, last)) =
            (indices.as_chunks_mut::<WIDTH>(), data.as_chunks_mut::<WIDTH>());
        let whole = indices.len();
        let mut fits = true;
        for ((&i, &x), (indices, data)) in
            left.0.iter().zip(left.1).zip(indices.iter_mut().zip(data))
        {
            fits &= self.fill_block((i, x), (js, ys), (indices, data));
        }
        if !last.is_empty() {
            fits &= self.fill_block((left.0[whole], left.1[whole]), right, (last_indices, last));
        }
        fits
    }

    fn fill_any_blocks(
        &self,
        left: (&[I], &[T]),
        right: (&[I], &[T]),
        (indices, data): (&mut [I], &mut [T]),
    ) -> bool {
        let width = right.0.len();
        let blocks = indices.chunks_mut(width).zip(data.chunks_mut(width));
        let left = left.0.iter().zip(left.1);
        left.zip(blocks)
            .fold(true, |fits, ((&i, &x), to)| fits & self.fill_block((i, x), right, to))
    }

    /// The entries that one entry of A makes, as many as there is room for.
    #[inline(always)]
    fn fill_block(
        &self,
        (i, x): (I, T),
        (js, ys): (&[I], &[T]),
        (indices, data): (&mut [I], &mut [T]),
    ) -> bool {
        let base = i.to_usize() * self.minor;
        indices.iter_mut().zip(js).for_each(|(to, j)| *to = I::from_usize(base + j.to_usize()));
        data.iter_mut().zip(ys).fold(true, |fits, (to, &y)| {
            let product = x.product(y);
            *to = product.unwrap_or(x);
            fits & product.is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(lens: &[usize], minor: usize) -> (Vec<u32>, Vec<u32>, Vec<i64>) {
        let mut indptr = vec![5];
        indptr.extend(lens.iter().scan(5, |end, &len| {
            *end += len as u32;
            Some(*end)
        }));
        let nnz: usize = lens.iter().sum();
        let indices = (0..nnz).map(|k| (k * 7 % minor) as u32).collect();
        (indptr, indices, (0..nnz).map(|k| k as i64 * 3 - 20).collect())
    }

    /// Every stretch of entries and of lines is what two loops give.
    #[test]
    fn any_stretch_is_that_of_two_loops() {
        for width in [0, 1, 4, 5, 8, 9, 30] {
            let a = matrix(&[3, 0, 0, 1, 12, 0, 2], 20);
            let b = matrix(&[0, width, 2, 0, 0, width + 1, 0], 40);
            let lines = |(indptr, indices, data)| Lines { indptr, indices, data };
            let (a, b) = (lines((&a.0[..], &a.1[..], &a.2[..])), lines((&b.0, &b.1, &b.2)));
            let (mut ends, mut indices, mut data) = (vec![], vec![], vec![]);
            for (i, j) in (0..7).flat_map(|i| (0..7).map(move |j| (i, j))) {
                let ((left, x), (right, y)) = (a.line(i), b.line(j));
                for (p, q) in (0..left.len()).flat_map(|p| (0..right.len()).map(move |q| (p, q))) {
                    indices.push(left[p] * 40 + right[q]);
                    data.push(x[p] * y[q]);
                }
                ends.push(indices.len() as u32);
            }
            let product = Kron { a, b, minor: 40 };
            assert_eq!((product.lines(), product.nnz()), (49, data.len()));
            for first in 0..data.len() {
                let count = (data.len() - first).min(29);
                let (mut made_indices, mut made) = (vec![0; count], vec![0; count]);
                product.fill(first, &mut made_indices, &mut made).unwrap();
                assert_eq!(made_indices, indices[first..first + count]);
                assert_eq!(made, data[first..first + count]);
                let behind = ends.iter().filter(|&&end| end <= first as u32).count();
                assert_eq!(product.behind(0..49, first), behind);
            }
            for first in 0..49 {
                let mut made = vec![0; 49 - first];
                product.fill_ends(first, (0, 100), &mut made);
                assert!(made.iter().zip(&ends[first..]).all(|(made, end)| *made == end + 100));
            }
        }
    }

    #[test]
    fn the_first_overflow_is_told() {
        let a = Lines { indptr: &[0u32, 2], indices: &[0u32, 3], data: &[1i8, 100] };
        let ys: Vec<i8> = (0..40).map(|k| if k < 25 { 1 } else { 2 }).collect();
        let js: Vec<u32> = (0..40).collect();
        let b = Lines { indptr: &[0u32, 20, 40], indices: &js[..], data: &ys[..] };
        let product = Kron { a, b, minor: 40 };
        let clash = product.fill(0, &mut [0; 80], &mut [0; 80]).unwrap_err();
        assert_eq!(clash, (1, 3 * 40 + 25));
    }
}
