//! Two matrices in memory merged to a third in memory: counted, then made where it lies.
//!
//! ```text
//! for each run of lines, in parallel:  do both have the same structure there? -> as many entries; else count what merging gives
//! all have the same structure:         the result shares it, and the values are combined side by side
//! else for each run, in parallel:      the same structure -> copied, and the values combined; else merged
//! ```
//!
//! That both have the same structure is common (matrices of one mesh, a symmetric pattern and its transpose), and is
//! found at the speed of memory, or at once where they share their arrays already. Counting first touches no memory that the
//! result does not need.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::kernels::{Combine, Overflow, merge};
use crate::sparse::{Axis, Compressed, CompressedDraft};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Buffer, Context, Entry, Index, Place};

/// Entries of both in a run of lines.
const TASK: usize = if cfg!(test) { 8 } else { 1 << 17 };

/// A line and an index at which an integer overflowed.
pub(super) type Clash = (usize, usize);

/// Two matrices of one shape, in memory, whose indices rise in every line.
pub(super) struct Pair<'a, T: Entry, I: Index, P: Index, A: Axis> {
    left: &'a Compressed<T, I, P, A>,
    right: &'a Compressed<T, I, P, A>,
}

/// Some lines of both.
struct Run {
    lines: Range<usize>,
    /// Entries of the result.
    count: usize,
    /// Whether both have the same indices in each line.
    same: bool,
}

impl<'a, T: Entry, I: Index, P: Index, A: Axis> Pair<'a, T, I, P, A> {
    /// The two, if both lie in memory and are canonical. Fails if an index is out of range.
    pub(super) fn new(
        left: &'a Compressed<T, I, P, A>,
        right: &'a Compressed<T, I, P, A>,
    ) -> Result<Option<Self>> {
        let resident = left.stored_bytes() + right.stored_bytes() == 0;
        Ok((resident && left.check()? && right.check()?).then_some(Pair { left, right }))
    }

    /// The matrix that `C` makes of them; or where an integer overflows.
    pub(super) fn combine<C: Combine<T>>(
        &self,
        ctx: &Context,
    ) -> Result<std::result::Result<Compressed<T, I, P, A>, Clash>> {
        let shape = self.left.shape();
        let runs: Vec<Run> = ctx.with_threads(|| {
            self.runs().into_par_iter().map(|lines| self.count::<C>(lines)).collect()
        });
        ctx.report("counting entries", 0, runs.len() as u64)?;
        let nnz = runs.iter().map(|run| run.count).sum();
        if runs.iter().all(|run| run.same)
            && let Some(data) = self.combine_all::<C>(&runs, ctx)?
        {
            ctx.report("merging", runs.len() as u64, runs.len() as u64)?;
            return self.left.with_data(data).map(Ok);
        }
        let mut draft = CompressedDraft::<T, I, P>::new::<A>(shape, nnz, &Place::Memory, ctx)?;
        let (mut ends, mut indices, mut data) =
            (&mut draft.indptr[1..], &mut draft.indices[..], &mut draft.data[..]);
        let (mut tasks, mut start) = (Vec::with_capacity(runs.len()), 0);
        for run in &runs {
            let (these_ends, these_indices, these);
            (these_ends, ends) = ends.split_at_mut(run.lines.len());
            (these_indices, indices) = indices.split_at_mut(run.count);
            (these, data) = data.split_at_mut(run.count);
            tasks.push((run, start, these_ends, (these_indices, these)));
            start += run.count;
        }
        let clash = ctx.with_threads(|| {
            tasks
                .into_par_iter()
                .map(|(run, start, ends, to)| self.fill::<C>(run, start, ends, to))
                .find_map_first(|filled| filled.err())
        });
        if let Some(clash) = clash {
            return Ok(Err(clash));
        }
        ctx.report("merging", runs.len() as u64, runs.len() as u64)?;
        draft.finish(shape, true).map(Ok)
    }

    /// Runs of lines with about equally many entries.
    fn runs(&self) -> Vec<Range<usize>> {
        let (lines, all) = (self.left.major(), self.left.nnz() + self.right.nnz());
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

    fn count<C: Combine<T>>(&self, lines: Range<usize>) -> Run {
        let of = |a: &'a Compressed<T, I, P, A>| &a.indices()[entries(a, &lines)];
        let (left, right) = (of(self.left), of(self.right));
        let same = (std::ptr::eq(left, right) || left == right) && self.ends_alike(&lines);
        if same {
            return Run { lines, count: left.len(), same };
        }
        let shared = lines
            .clone()
            .map(|line| shared(self.left.line(line).indices, self.right.line(line).indices))
            .sum::<usize>();
        let count = if C::UNION { left.len() + right.len() - shared } else { shared };
        Run { lines, count, same }
    }

    /// Whether the lines have the same lengths in both.
    fn ends_alike(&self, lines: &Range<usize>) -> bool {
        let pointers = |a: &'a Compressed<T, I, P, A>| {
            let pointers = &a.indptr()[lines.start..=lines.end];
            pointers.iter().map(|end| end.to_usize() - pointers[0].to_usize())
        };
        pointers(self.left).zip(pointers(self.right)).fold(true, |alike, (p, q)| alike & (p == q))
    }

    /// The values of a result that has the structure of both; `None` if an integer overflows.
    fn combine_all<C: Combine<T>>(&self, runs: &[Run], ctx: &Context) -> Result<Option<Buffer<T>>> {
        let mut data = ctx.zeros::<T>("the values", self.left.nnz())?;
        let (mut tasks, mut rest) = (Vec::with_capacity(runs.len()), &mut data[..]);
        for run in runs {
            let these;
            (these, rest) = rest.split_at_mut(run.count);
            tasks.push((run, these));
        }
        let fits = ctx.with_threads(|| {
            tasks.into_par_iter().all(|(run, data)| self.combine_values::<C>(run, data))
        });
        Ok(fits.then(|| data.freeze()))
    }

    /// The values of a run that has the same structure in both; false if an integer overflows.
    fn combine_values<C: Combine<T>>(&self, run: &Run, data: &mut [T]) -> bool {
        let (left, right) = (entries(self.left, &run.lines), entries(self.right, &run.lines));
        let values = self.left.data()[left].iter().zip(&self.right.data()[right]);
        data.iter_mut().zip(values).fold(true, |fits, (to, (&x, &y))| {
            let made = C::both(x, y);
            *to = made.unwrap_or(x);
            fits & made.is_some()
        })
    }

    /// Makes the lines of a run, whose first entry is entry `start` of the result.
    fn fill<C: Combine<T>>(
        &self,
        run: &Run,
        start: usize,
        ends: &mut [P],
        (indices, data): (&mut [I], &mut [T]),
    ) -> std::result::Result<(), Clash> {
        let mut end = 0;
        if run.same {
            indices.copy_from_slice(&self.left.indices()[entries(self.left, &run.lines)]);
            if self.combine_values::<C>(run, data) {
                for (line, pointer) in run.lines.clone().zip(ends) {
                    end += self.left.span(line).len();
                    *pointer = P::from_usize(start + end);
                }
                return Ok(());
            }
            // Somewhere below it is found where.
        }
        for (line, pointer) in run.lines.clone().zip(ends) {
            let (p, q) = (self.left.line(line), self.right.line(line));
            let to = (&mut indices[end..], &mut data[end..]);
            let made = merge::<C, T, I>((p.indices, p.data), (q.indices, q.data), to);
            end += made.map_err(|Overflow(index)| (line, index.to_usize()))?;
            *pointer = P::from_usize(start + end);
        }
        Ok(())
    }
}

/// The entries of some lines.
fn entries<T: Entry, I: Index, P: Index, A: Axis>(
    a: &Compressed<T, I, P, A>,
    lines: &Range<usize>,
) -> Range<usize> {
    a.start(lines.start)..a.start(lines.end)
}

/// How many indices two rising lines share. Without branches, which nobody could predict.
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

    use crate::sparse::{Csr, Duplicates};
    use crate::storage::{Context, Place};

    fn matrix(cells: &[(usize, usize, i64)], shape: (usize, usize)) -> Csr<i64> {
        Csr::from_triplets(shape, cells.iter().copied(), Duplicates::Sum).unwrap()
    }

    /// The same through files, panel by panel.
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

    #[test]
    fn one_structure_is_shared() {
        let cells: Vec<_> = (0..40).map(|k| (k, k % 12, k as i64)).collect();
        let (a, b) = (matrix(&cells, (40, 12)), matrix(&cells, (40, 12)));
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
        let cells: Vec<_> = (0..40).map(|k| (k, k % 12, i64::MAX)).collect();
        let a = matrix(&cells, (40, 12));
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
