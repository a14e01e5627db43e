//! Two matrices in memory merged into a third in memory: counted, then computed in place.
//!
//! ```text
//! for each run of lines, in parallel:  do both have the same structure there? -> as many entries; otherwise count the merged entries
//! all have the same structure:         the result shares it, and the values are combined pairwise
//! otherwise each run, in parallel:      the same structure -> copied, and the values combined; otherwise merged
//! ```
//!
//! It is common that both have the same structure (matrices of one mesh, a symmetric pattern and its transpose). This
//! is detected at the speed of memory, or at once if they share their arrays. Counting first touches no memory that the
//! result does not need.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::elementwise::combine::{MergeClash, MergeLines};
use crate::linalg::elementwise::merge_lines::Combination;
use crate::linalg::elementwise::merge_panels::BLOCK;
use crate::sparse::{AnyCompressed, AnyDraft, Indices, IndicesMut, by_index};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::RawMut;
use crate::storage::{Context, Index, Place, RawBuffer};

/// Entries of both in a run of lines.
const TASK: usize = 1 << 17;

/// Two matrices of one shape and the same types, in memory, with rising indices in every line.
pub(super) struct Pair<'a> {
    left: Side<'a>,
    right: Side<'a>,
}

/// One of the two.
#[derive(Clone, Copy)]
struct Side<'a> {
    matrix: &'a AnyCompressed,
    indptr: Indices<'a>,
    /// The base of its pointers.
    base: usize,
}

/// Some lines of both.
struct MergeRun {
    lines: Range<usize>,
    /// Entries of the result.
    count: usize,
    /// Whether both have the same indices in each line.
    same: bool,
}

impl<'a> Side<'a> {
    fn new(matrix: &'a AnyCompressed) -> Self {
        let indptr = matrix.indptr();
        Side { matrix, indptr, base: indptr.at(0) }
    }

    /// The start of a line, or the end of the previous one.
    fn start(&self, line: usize) -> usize {
        self.indptr.at(line) - self.base
    }

    /// The entries of some lines.
    fn entries(&self, lines: &Range<usize>) -> Range<usize> {
        self.start(lines.start)..self.start(lines.end)
    }

    /// The begin and end of each of some lines.
    fn ends<'e>(&self, lines: &Range<usize>, buffer: &'e mut [usize; BLOCK + 1]) -> &'e [usize] {
        let ends = &mut buffer[..=lines.len()];
        self.indptr.positions(lines.start, ends);
        ends.iter_mut().for_each(|end| *end -= self.base);
        ends
    }

    fn lines<'e>(&self, lines: &Range<usize>, buffer: &'e mut [usize; BLOCK + 1]) -> MergeLines<'e>
    where
        'a: 'e,
    {
        let (indices, data) = (self.matrix.indices(), self.matrix.data().as_raw());
        MergeLines { ends: self.ends(lines, buffer), indices, data }
    }
}

impl<'a> Pair<'a> {
    /// The pair, if both are in memory and canonical. Fails if an index is out of range.
    pub(super) fn new(left: &'a AnyCompressed, right: &'a AnyCompressed) -> Result<Option<Self>> {
        let resident = left.stored_bytes() + right.stored_bytes() == 0;
        let pair = || Pair { left: Side::new(left), right: Side::new(right) };
        Ok((resident && left.check()? && right.check()?).then(pair))
    }

    /// The merged matrix; or the place at which an integer overflows.
    pub(super) fn combine(
        &self,
        how: Combination,
        ctx: &Context,
    ) -> Result<std::result::Result<AnyCompressed, MergeClash>> {
        let left = self.left.matrix;
        let (format, types, shape) = (left.format(), left.types(), left.shape());
        let runs: Vec<MergeRun> = ctx.with_threads(|| {
            self.runs().into_par_iter().map(|lines| self.count(how.union, lines)).collect()
        });
        ctx.report("counting entries", 0, runs.len() as u64)?;
        let nnz = runs.iter().map(|run| run.count).sum();
        if runs.iter().all(|run| run.same)
            && let Some(data) = self.combine_all(how, &runs, ctx)?
        {
            ctx.report("merging", runs.len() as u64, runs.len() as u64)?;
            return left.with_data(data).map(Ok);
        }
        let mut draft = AnyDraft::new((format, types), shape, nnz, &Place::Memory, ctx)?;
        let mut ends = IndicesMut::of(&mut draft.indptr);
        let (mut indices, mut data) = (IndicesMut::of(&mut draft.indices), draft.data.as_mut());
        ends.take_front(1);
        let (mut tasks, mut start) = (Vec::with_capacity(runs.len()), 0);
        for run in &runs {
            let to = (indices.take_front(run.count), data.take_front(run.count));
            tasks.push((run, start, ends.take_front(run.lines.len()), to));
            start += run.count;
        }
        let clash = ctx.with_threads(|| {
            tasks
                .into_par_iter()
                .map(|(run, start, ends, to)| self.fill(how, run, start, ends, to))
                .find_map_first(|filled| filled.err())
        });
        if let Some(clash) = clash {
            return Ok(Err(clash));
        }
        ctx.report("merging", runs.len() as u64, runs.len() as u64)?;
        draft.finish(format, shape, true).map(Ok)
    }

    /// Runs of lines with about equal numbers of entries.
    fn runs(&self) -> Vec<Range<usize>> {
        let (left, right) = (self.left.matrix, self.right.matrix);
        let (lines, all) = (left.major(), left.nnz() + right.nnz());
        let before = |line: usize| self.left.start(line) + self.right.start(line);
        let count = (all + lines / 4).div_ceil(TASK).clamp(1, lines.max(1));
        let (mut runs, mut start) = (Vec::with_capacity(count), 0);
        for k in 1..=count {
            let goal = (all as u128 * k as u128 / count as u128) as usize;
            let (mut low, mut end) = (start, lines);
            while k < count && low < end {
                let middle = low.midpoint(end);
                if before(middle) < goal { low = middle + 1 } else { end = middle }
            }
            runs.push(start..end);
            start = end;
        }
        runs
    }

    fn count(&self, union: bool, lines: Range<usize>) -> MergeRun {
        let of = |side: Side<'a>| side.matrix.indices().slice(side.entries(&lines));
        let (left, right) = (of(self.left), of(self.right));
        if self.ends_alike(&lines) && alike(left, right) {
            return MergeRun { lines, count: left.len(), same: true };
        }
        let (mut of_left, mut of_right) = ([0; BLOCK + 1], [0; BLOCK + 1]);
        let mut shared = 0;
        for first in lines.clone().step_by(BLOCK) {
            let block = first..lines.end.min(first + BLOCK);
            let p = self.left.lines(&block, &mut of_left);
            shared += shared_in(p, self.right.lines(&block, &mut of_right));
        }
        let count = if union { left.len() + right.len() - shared } else { shared };
        MergeRun { lines, count, same: false }
    }

    /// Whether the lines have the same lengths in both.
    fn ends_alike(&self, lines: &Range<usize>) -> bool {
        fn go<P: Index>(left: &[P], right: &[P]) -> bool {
            let (of_left, of_right) = (left[0].to_usize(), right[0].to_usize());
            let same = |p: &P, q: &P| p.to_usize() - of_left == q.to_usize() - of_right;
            left.iter().zip(right).fold(true, |alike, (p, q)| alike & same(p, q))
        }
        let pointers = |side: Side<'a>| side.indptr.slice(lines.start..lines.end + 1);
        let (left, right) = (pointers(self.left), pointers(self.right));
        by_index!(left, left => go(left, right.typed()))
    }

    /// The values of a result that has the structure of both; `None` if an integer overflows.
    fn combine_all(
        &self,
        how: Combination,
        runs: &[MergeRun],
        ctx: &Context,
    ) -> Result<Option<RawBuffer>> {
        let left = self.left.matrix;
        let mut made = ctx.raw_zeros("the values", (left.types().values, left.nnz()))?;
        let (mut tasks, mut rest) = (Vec::with_capacity(runs.len()), made.as_mut());
        for run in runs {
            tasks.push((run, rest.take_front(run.count)));
        }
        let fits = ctx.with_threads(|| {
            tasks.into_par_iter().all(|(run, data)| self.combine_values(how, run, data))
        });
        Ok(fits.then(|| made.freeze()))
    }

    /// The values of a run that has the same structure in both; false if an integer overflows.
    fn combine_values(&self, how: Combination, run: &MergeRun, data: RawMut<'_>) -> bool {
        let of = |side: Side<'a>| side.matrix.data().as_raw().slice(side.entries(&run.lines));
        (how.both)(of(self.left), of(self.right), data)
    }

    /// Computes the lines of a run, whose first entry is entry `start` of the result.
    fn fill(
        &self,
        how: Combination,
        run: &MergeRun,
        start: usize,
        mut pointers: IndicesMut<'_>,
        (mut indices, mut data): (IndicesMut<'_>, RawMut<'_>),
    ) -> std::result::Result<(), MergeClash> {
        // If a value overflows, its place is found below.
        let copied = run.same && self.combine_values(how, run, data.reborrow());
        if copied {
            let from = self.left.matrix.indices().slice(self.left.entries(&run.lines));
            indices.raw_mut().copy_from(from.raw());
        }
        let (mut of_left, mut of_right) = ([0; BLOCK + 1], [0; BLOCK + 1]);
        let (mut ends, mut end) = ([0; BLOCK], 0);
        for first in run.lines.clone().step_by(BLOCK) {
            let block = first..run.lines.end.min(first + BLOCK);
            let ends = &mut ends[..block.len()];
            let p = self.left.lines(&block, &mut of_left);
            let count = if copied {
                ends.iter_mut().zip(&p.ends[1..]).for_each(|(made, end)| *made = end - p.ends[0]);
                p.ends[block.len()] - p.ends[0]
            } else {
                let q = self.right.lines(&block, &mut of_right);
                let to = (indices.slice_mut(end..run.count), data.slice_mut(end..run.count));
                how.merge(p, q, to, ends).map_err(|(line, index)| (first + line, index))?
            };
            ends.iter_mut().for_each(|made| *made += start + end);
            pointers.take_front(block.len()).copy_from(ends);
            end += count;
        }
        Ok(())
    }
}

/// How many indices two matrices share in some lines of both, whose indices rise.
fn shared_in(left: MergeLines<'_>, right: MergeLines<'_>) -> usize {
    fn go<I: Index>((p, left): (&[usize], &[I]), (q, right): (&[usize], &[I])) -> usize {
        let lines = p.windows(2).zip(q.windows(2));
        lines.map(|(p, q)| shared(&left[p[0]..p[1]], &right[q[0]..q[1]])).sum()
    }
    by_index!(left.indices, indices => {
        go((left.ends, indices), (right.ends, right.indices.typed()))
    })
}

/// Whether indices are equal; at the same address they are.
fn alike(left: Indices<'_>, right: Indices<'_>) -> bool {
    let (left, right) = (left.raw().bytes(), right.raw().bytes());
    std::ptr::eq(left, right) || left == right
}

/// How many indices two rising lines share. Without branches, which would be unpredictable.
fn shared<I: Index>(left: &[I], right: &[I]) -> usize {
    let (mut p, mut q, mut shared) = (0, 0, 0);
    while let (Some(x), Some(y)) = (left.get(p), right.get(q)) {
        shared += usize::from(x == y);
        (p, q) = (p + usize::from(x <= y), q + usize::from(y <= x));
    }
    shared
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TASK;
    use crate::sparse::{Csr, Duplicates};
    use crate::storage::{Context, Place};

    fn matrix(cells: &[(usize, usize, i64)], shape: (usize, usize)) -> Csr<i64> {
        Csr::from_triplets(shape, cells.iter().copied(), Duplicates::Sum).unwrap()
    }

    /// The same with files, panel by panel.
    fn stored(a: &Csr<i64>) -> Csr<i64> {
        a.copy_to(Place::Scratch, &Context::new()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn merged_as_panels_are(
            rows in 1usize..40,
            left in prop::collection::vec((0usize..40, 0usize..12, -9i64..9), 0..150),
            right in prop::collection::vec((0usize..40, 0usize..12, -9i64..9), 0..150),
        ) {
            let cut = |cells: &[(usize, usize, i64)]| -> Vec<_> {
                cells.iter().map(|&(row, col, value)| (row % rows, col, value)).collect()
            };
            let (a, b) = (matrix(&cut(&left), (rows, 12)), matrix(&cut(&right), (rows, 12)));
            for threads in [1, 2, 3, 8] {
                let ctx = Context::new().threads(threads).unwrap();
                for (p, q) in [(&a, &b), (&b, &a), (&a, &a)] {
                    let (s, t) = (stored(p), stored(q));
                    let memory = Place::Memory;
                    prop_assert_eq!(p.add(q, &memory, &ctx).unwrap(), s.add(&t, &memory, &ctx).unwrap());
                    prop_assert_eq!(p.sub(q, &memory, &ctx).unwrap(), s.sub(&t, &memory, &ctx).unwrap());
                    let product = p.multiply(q, &memory, &ctx).unwrap();
                    prop_assert_eq!(product, s.multiply(&t, &memory, &ctx).unwrap());
                }
            }
        }
    }

    /// Lines of one entry, enough for several tasks.
    const MANY: usize = 3 * TASK;

    #[test]
    fn several_tasks_merge_as_panels_are() {
        // Lines without entries, with a few, and one as long as a task.
        let column = |k: usize, of: usize| match k {
            0..TASK => (MANY / 7, k),
            _ => (k.wrapping_mul(of) % MANY, k.wrapping_mul(k) % TASK),
        };
        let [a, b] = [0x9e37_79b1, 0x85eb_ca6b].map(|of| {
            let cells = (0..MANY).map(|k| (column(k, of), k as i64 % 19 - 9));
            let cells: Vec<_> = cells.map(|((i, j), value)| (i, j, value)).collect();
            matrix(&cells, (MANY, TASK))
        });
        let (s, t) = (stored(&a), stored(&b));
        let made = |a: &Csr<i64>, b: &Csr<i64>, threads| {
            let (ctx, memory) = (Context::new().threads(threads).unwrap(), Place::Memory);
            let sum = a.add(b, &memory, &ctx).unwrap();
            (sum, a.sub(b, &memory, &ctx).unwrap(), a.multiply(b, &memory, &ctx).unwrap())
        };
        let expected = made(&s, &t, 2);
        assert!(made(&a, &b, 1) == expected && made(&a, &b, 3) == expected);
    }

    #[test]
    fn one_structure_is_shared() {
        let cells: Vec<_> = (0..MANY).map(|k| (k, k % 12, k as i64)).collect();
        let (a, b) = (matrix(&cells, (MANY, 12)), matrix(&cells, (MANY, 12)));
        for ctx in [1, 8].map(|threads| Context::new().threads(threads).unwrap()) {
            let sum = a.add(&b, Place::Memory, &ctx).unwrap();
            assert_eq!(sum.indices().as_ptr(), a.indices().as_ptr());
            assert_eq!(sum, stored(&a).add(&stored(&b), Place::Memory, &ctx).unwrap());
            let patterns = a.pattern().add(&b.pattern(), Place::Memory, &ctx).unwrap();
            assert_eq!(patterns, a.pattern());
        }
    }

    #[test]
    fn the_first_overflow_is_told() {
        let cells: Vec<_> = (0..MANY).map(|k| (k, k % 12, i64::MAX)).collect();
        let a = matrix(&cells, (MANY, 12));
        for threads in [1, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            let error = a.add(&a, Place::Memory, &ctx).unwrap_err();
            assert!(error.to_string().contains("row 0, column 0"), "{error}");
        }
    }

    #[test]
    fn no_lines_and_no_columns() {
        let ctx = Context::new();
        for shape in [(0, 3), (3, 0), (0, 0)] {
            let a = matrix(&[], shape);
            assert_eq!(a.add(&a, Place::Memory, &ctx).unwrap(), a);
        }
    }
}
