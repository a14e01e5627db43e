//! Kronecker products: the ends of lines, and the entries from any position on.
//!
//! ```text
//! for each line i of A:  for each line j of B:                       the line i * lines(B) + j
//!     for each entry a of line i:  for each entry b of line j:       index a.index * minor(B) + b.index, value a * b
//! ```
//!
//! Before line `(i, j)` there are `start(i) * nnz(B) + length(i) * start(j)` entries, so its position follows from the
//! pointers alone. Any run of entries can be made independently, and threads share the entries equally however long
//! lines are.
//!
//! Indices and values are made one after the other by the same traversal, so that it is compiled for each width of
//! indices and for each type of values, and not for every combination.
//!
//! 1. The entries of a line come in blocks, one for each entry of A, as wide as the line of B. Blocks of up to eight
//!    have separate loops, without a count: on one thread five blocks of four entries took 2.2 ns per entry with them
//!    and 2.7 without, five blocks of one 3.4 and 7.6. Values of rare types have only the loop with a count.

use std::ops::Range;

use num_complex::Complex;

use crate::linalg::algebra::Multiply;
use crate::sparse::{Indices, IndicesMut, by_index_mut};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::{Raw, RawMut, RawVec};
use crate::storage::{DType, Index};

/// Entries and lines of a task.
const TASK: usize = 1 << 15;

/// Some lines of a matrix, with checked pointers and indices.
#[derive(Clone, Copy)]
pub(crate) struct FactorLines<'a> {
    pub(crate) indptr: Indices<'a>,
    pub(crate) indices: Indices<'a>,
    pub(crate) data: Raw<'a>,
}

impl FactorLines<'_> {
    fn count(&self) -> usize {
        self.indptr.len() - 1
    }

    /// The start of a line, or the end of the previous one.
    #[inline(always)]
    fn start(&self, line: usize) -> usize {
        self.indptr.at(line) - self.indptr.at(0)
    }

    fn line(&self, line: usize) -> Range<usize> {
        self.start(line)..self.start(line + 1)
    }

    /// The first line that ends after `bound` entries, each counted `times`; the number of lines if none does.
    fn behind(&self, bound: usize, times: usize) -> usize {
        let (mut start, mut end) = (0, self.count());
        while start < end {
            let middle = start.midpoint(end);
            if self.start(middle + 1) * times <= bound { start = middle + 1 } else { end = middle }
        }
        start
    }
}

/// Computes values of the product from an entry on; returns whether none overflowed.
pub(crate) type PairProducts = fn(&Kron<'_>, usize, RawMut<'_>) -> bool;

/// The multiplication of values of a type: numbers, `bool` and patterns.
pub(crate) fn products(dtype: Option<DType>) -> Option<PairProducts> {
    macro_rules! by_type {
        ($($name:ident $T:ty),*; $($rare:ident $R:ty),*) => {
            match dtype {
                None => Some(|_, _, _| true),
                $(Some(DType::$name) => Some(fill_values::<$T, true>),)*
                $(Some(DType::$rare) => Some(fill_values::<$R, false>),)*
                _ => None,
            }
        };
    }
    by_type!(Int64 i64, Float32 f32, Float64 f64;
        Bool bool, Int8 i8, Int16 i16, Int32 i32, UInt8 u8, UInt16 u16, UInt32 u32, UInt64 u64,
        Complex64 Complex<f32>, Complex128 Complex<f64>)
}

/// The product of two matrices, or of some lines of the left one with the right one. It has at most as many entries as
/// a `usize` counts, and its indices fit in the common index type of both.
pub(crate) struct Kron<'a> {
    pub(crate) a: FactorLines<'a>,
    pub(crate) b: FactorLines<'a>,
    /// The extent of a line of the right one.
    pub(crate) minor: usize,
    pub(crate) products: PairProducts,
}

impl Kron<'_> {
    pub(crate) fn lines(&self) -> usize {
        self.a.count() * self.b.count()
    }

    pub(crate) fn nnz(&self) -> usize {
        self.a.indices.len() * self.b.indices.len()
    }

    /// The end of a line, in entries of the product.
    pub(crate) fn end(&self, line: usize) -> usize {
        let (i, j) = (line / self.b.count(), line % self.b.count());
        let (start, end) = (self.a.start(i), self.a.start(i + 1));
        start * self.b.indices.len() + (end - start) * self.b.start(j + 1)
    }

    /// The first of some lines that ends after entry `bound`; the line after them if none does.
    pub(crate) fn behind(&self, lines: Range<usize>, bound: usize) -> usize {
        let Range { mut start, mut end } = lines;
        while start < end {
            let middle = start.midpoint(end);
            if self.end(middle) <= bound { start = middle + 1 } else { end = middle }
        }
        start
    }

    /// Writes the ends of the lines from `first` on, counted so that entry `at` of the product is entry `base`.
    pub(crate) fn fill_ends(&self, first: usize, at: (usize, usize), ends: IndicesMut<'_>) {
        by_index_mut!(ends, ends => self.fill_ends_as(first, at, ends, self.b.indptr.typed()));
    }

    fn fill_ends_as<P: Index>(
        &self,
        first: usize,
        (at, base): (usize, usize),
        ends: &mut [P],
        right: &[P],
    ) {
        let (count, all, zero) = (self.b.count(), self.b.indices.len(), right[0].to_usize());
        ends.par_chunks_mut(TASK).enumerate().for_each(|(task, mut ends)| {
            let line = first + task * TASK;
            let (mut i, mut j) = (line / count, line % count);
            while !ends.is_empty() {
                let here;
                (here, ends) = ends.split_at_mut(ends.len().min(count - j));
                let (start, length) = (self.a.start(i), self.a.start(i + 1) - self.a.start(i));
                for (end, right) in here.iter_mut().zip(&right[j + 1..]) {
                    let entries = start * all + length * (right.to_usize() - zero);
                    *end = P::from_usize(entries - at + base);
                }
                (i, j) = (i + 1, 0);
            }
        });
    }

    /// Computes the entries from `first` on, on all threads. If an integer overflows, returns the first line and index
    /// at which it does.
    pub(crate) fn fill(
        &self,
        first: usize,
        mut indices: IndicesMut<'_>,
        mut data: RawMut<'_>,
    ) -> Result<(), (usize, usize)> {
        let mut tasks = Vec::new();
        for start in (0..data.len()).step_by(TASK) {
            let count = data.len().min(TASK);
            tasks.push((first + start, indices.take_front(count), data.take_front(count)));
        }
        let clash = tasks.into_par_iter().find_map_first(|(first, indices, data)| {
            let all = first..first + data.len();
            self.fill_indices(first, indices);
            match (self.products)(self, first, data) {
                true => None,
                false => all.map(|entry| self.clash(entry)).find(Option::is_some).flatten(),
            }
        });
        clash.map_or(Ok(()), Err)
    }

    /// The line of A, the line of B, and the position in the line of the product, of an entry.
    fn locate(&self, entry: usize) -> (usize, usize, usize) {
        let all = self.b.indices.len();
        let i = self.a.behind(entry, all);
        let (rest, length) = (entry - self.a.start(i) * all, self.a.line(i).len());
        let j = self.b.behind(rest, length);
        (i, j, rest - length * self.b.start(j))
    }

    /// Line and index of an entry that overflows.
    #[cold]
    fn clash(&self, entry: usize) -> Option<(usize, usize)> {
        let mut made = RawVec::new(self.a.data.dtype());
        made.resize(1);
        if (self.products)(self, entry, made.as_mut()) {
            return None;
        }
        let (i, j, at) = self.locate(entry);
        let (left, right) = (self.a.line(i), self.b.line(j));
        let (p, q) = (left.start + at / right.len(), right.start + at % right.len());
        let index = self.a.indices.at(p) * self.minor + self.b.indices.at(q);
        Some((i * self.b.count() + j, index))
    }

    fn fill_indices(&self, first: usize, indices: IndicesMut<'_>) {
        fn go<I: Index>(product: &Kron<'_>, first: usize, to: &mut [I]) {
            let (left, right) = (product.a.indices.typed(), product.b.indices.typed());
            product.walk::<I, true>(left, right, first, to, &|i: I, js: &[I], to: &mut [I]| {
                let base = i.to_usize() * product.minor;
                to.iter_mut().zip(js).for_each(|(to, j)| *to = I::from_usize(base + j.to_usize()));
                true
            });
        }
        by_index_mut!(indices, indices => go(self, first, indices));
    }

    /// Calls `block` with each entry of A, the matching line of B, and the destination of their products, from entry
    /// `first` of the product on; returns whether every call returned true. `BY_WIDTH` if there are loops for narrow
    /// blocks. `left` and `right` have one item for each entry of A and of B.
    fn walk<E: Copy, const BY_WIDTH: bool>(
        &self,
        left: &[E],
        right: &[E],
        first: usize,
        mut to: &mut [E],
        block: &impl Fn(E, &[E], &mut [E]) -> bool,
    ) -> bool {
        let (mut i, mut j, skip) = self.locate(first);
        let mut fits = true;
        if skip > 0 {
            let (left, right) = (&left[self.a.line(i)], &right[self.b.line(j)]);
            let these = to.split_off_mut(..(left.len() * right.len() - skip).min(to.len()));
            fits = rest_of_line::<E, BY_WIDTH>(left, right, skip, these.unwrap_or_default(), block);
            j += 1;
        }
        while !to.is_empty() {
            let left = &left[self.a.line(i)];
            let mut start = self.b.start(j);
            while j < self.b.count() && !left.is_empty() && !to.is_empty() {
                let end = self.b.start(j + 1);
                let right = &right[start..end];
                let these;
                (these, to) = to.split_at_mut((left.len() * right.len()).min(to.len()));
                fits &= line::<E, BY_WIDTH>(left, right, these, block);
                (j, start) = (j + 1, end);
            }
            (i, j) = (i + 1, 0);
        }
        fits
    }
}

fn fill_values<T: Multiply, const BY_WIDTH: bool>(
    product: &Kron<'_>,
    first: usize,
    to: RawMut<'_>,
) -> bool {
    let (left, right) = (product.a.data.as_typed(), product.b.data.as_typed());
    let to = to.typed::<T>().expect("values of the type of both");
    product.walk::<T, BY_WIDTH>(left, right, first, to, &|x: T, ys: &[T], to: &mut [T]| {
        to.iter_mut().zip(ys).fold(true, |fits, (to, &y)| {
            let product = x.product(y);
            *to = product.unwrap_or(x);
            fits & product.is_some()
        })
    })
}

/// Computes a line from entry `skip` on; neither side is empty.
fn rest_of_line<E: Copy, const BY_WIDTH: bool>(
    left: &[E],
    right: &[E],
    skip: usize,
    to: &mut [E],
    block: &impl Fn(E, &[E], &mut [E]) -> bool,
) -> bool {
    let (next, begun) = (skip / right.len(), skip % right.len());
    let (these, to) = to.split_at_mut((right.len() - begun).min(to.len()));
    let fits = block(left[next], &right[begun..], these);
    fits & line::<E, BY_WIDTH>(&left[next + 1..], right, to, block)
}

/// Computes a line from its first entry on, or from that of a later entry of A.
#[inline(always)]
fn line<E: Copy, const BY_WIDTH: bool>(
    left: &[E],
    right: &[E],
    to: &mut [E],
    block: &impl Fn(E, &[E], &mut [E]) -> bool,
) -> bool {
    match right.len() {
        0 => true,
        _ if !BY_WIDTH => any_blocks(left, right, to, block),
        1 => blocks::<E, 1>(left, right, to, block),
        2 => blocks::<E, 2>(left, right, to, block),
        3 => blocks::<E, 3>(left, right, to, block),
        4 => blocks::<E, 4>(left, right, to, block),
        5 => blocks::<E, 5>(left, right, to, block),
        6 => blocks::<E, 6>(left, right, to, block),
        7 => blocks::<E, 7>(left, right, to, block),
        8 => blocks::<E, 8>(left, right, to, block),
        _ => any_blocks(left, right, to, block),
    }
}

/// Blocks of `WIDTH` entries; the last may be cut.
#[inline(always)]
fn blocks<E: Copy, const WIDTH: usize>(
    left: &[E],
    right: &[E],
    to: &mut [E],
    block: &impl Fn(E, &[E], &mut [E]) -> bool,
) -> bool {
    let Some(js) = right.first_chunk::<WIDTH>() else {
        return any_blocks(left, right, to, block);
    };
    let (whole, last) = to.as_chunks_mut::<WIDTH>();
    let count = whole.len();
    let mut fits = left.iter().zip(whole).fold(true, |fits, (&i, to)| fits & block(i, js, to));
    if !last.is_empty() {
        fits &= block(left[count], right, last);
    }
    fits
}

fn any_blocks<E: Copy>(
    left: &[E],
    right: &[E],
    to: &mut [E],
    block: &impl Fn(E, &[E], &mut [E]) -> bool,
) -> bool {
    let blocks = left.iter().zip(to.chunks_mut(right.len()));
    blocks.fold(true, |fits, (&i, to)| fits & block(i, right, to))
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

    fn lines((indptr, indices, data): &(Vec<u32>, Vec<u32>, Vec<i64>)) -> FactorLines<'_> {
        let (indptr, indices) = (Indices::new(indptr), Indices::new(indices));
        FactorLines { indptr, indices, data: Raw::of(data) }
    }

    /// Every panel of entries and of lines equals the result of two loops.
    #[test]
    fn any_panel_is_that_of_two_loops() {
        for width in [0, 1, 4, 5, 8, 9, 30] {
            let a = matrix(&[3, 0, 0, 1, 12, 0, 2], 20);
            let b = matrix(&[0, width, 2, 0, 0, width + 1, 0], 40);
            let (a, b) = (lines(&a), lines(&b));
            let (mut ends, mut indices, mut data) = (vec![], vec![], vec![]);
            for (i, j) in (0..7).flat_map(|i| (0..7).map(move |j| (i, j))) {
                let (x, y) = (a.data.as_typed::<i64>(), b.data.as_typed::<i64>());
                for (p, q) in a.line(i).flat_map(|p| b.line(j).map(move |q| (p, q))) {
                    indices.push((a.indices.at(p) * 40 + b.indices.at(q)) as u32);
                    data.push(x[p] * y[q]);
                }
                ends.push(indices.len() as u32);
            }
            let products = products(Some(DType::Int64)).unwrap();
            let product = Kron { a, b, minor: 40, products };
            assert_eq!((product.lines(), product.nnz()), (49, data.len()));
            for first in 0..data.len() {
                let count = (data.len() - first).min(29);
                let (mut made_indices, mut made) = (vec![0u32; count], vec![0i64; count]);
                let to = IndicesMut::Narrow(&mut made_indices);
                product.fill(first, to, RawMut::of(&mut made)).unwrap();
                assert_eq!(made_indices, indices[first..first + count]);
                assert_eq!(made, data[first..first + count]);
                let behind = ends.iter().filter(|&&end| end <= first as u32).count();
                assert_eq!(product.behind(0..49, first), behind);
            }
            for first in 0..49 {
                let mut made = vec![0; 49 - first];
                product.fill_ends(first, (0, 100), IndicesMut::Narrow(&mut made));
                assert!(made.iter().zip(&ends[first..]).all(|(made, end)| *made == end + 100));
            }
        }
    }

    #[test]
    fn several_tasks_give_what_two_loops_give() {
        let (a, b) = (matrix(&[2, 0, 1].repeat(100), 20), matrix(&[3, 0, 1, 0].repeat(75), 40));
        let (a, b) = (lines(&a), lines(&b));
        let product = Kron { a, b, minor: 40, products: products(Some(DType::Int64)).unwrap() };
        let (mut ends, mut indices, mut data) = (vec![], vec![], vec![]);
        for (i, j) in (0..300).flat_map(|i| (0..300).map(move |j| (i, j))) {
            let (x, y) = (a.data.as_typed::<i64>(), b.data.as_typed::<i64>());
            for (p, q) in a.line(i).flat_map(|p| b.line(j).map(move |q| (p, q))) {
                indices.push((a.indices.at(p) * 40 + b.indices.at(q)) as u32);
                data.push(x[p] * y[q]);
            }
            ends.push(indices.len() as u32);
        }
        assert!(data.len() > 2 * TASK && ends.len() > 2 * TASK);
        for threads in [1, 3] {
            let ctx = crate::storage::Context::new().threads(threads).unwrap();
            let (mut made_indices, mut made) = (vec![0u32; data.len()], vec![0i64; data.len()]);
            let mut made_ends = vec![0; ends.len()];
            ctx.with_threads(|| {
                let to = IndicesMut::Narrow(&mut made_indices);
                product.fill(0, to, RawMut::of(&mut made)).unwrap();
                product.fill_ends(0, (0, 0), IndicesMut::Narrow(&mut made_ends));
            });
            assert!(made_indices == indices && made == data && made_ends == ends);
        }
    }

    #[test]
    fn the_first_overflow_is_told() {
        let ys: Vec<i8> = (0..40).map(|k| if k < 25 { 1 } else { 2 }).collect();
        let js: Vec<u32> = (0..40).collect();
        let lines = |indptr, indices, data| FactorLines {
            indptr: Indices::Narrow(indptr),
            indices: Indices::Narrow(indices),
            data: Raw::of::<i8>(data),
        };
        let (a, b) = (lines(&[0, 2], &[0, 3], &[1, 100]), lines(&[0, 20, 40], &js, &ys));
        let products = products(Some(DType::Int8)).unwrap();
        let product = Kron { a, b, minor: 40, products };
        let to = (&mut [0u32; 80], &mut [0i8; 80]);
        let made = product.fill(0, IndicesMut::Narrow(to.0), RawMut::of(to.1));
        assert_eq!(made.unwrap_err(), (1, 3 * 40 + 25));
    }
}
