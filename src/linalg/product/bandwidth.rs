//! The bandwidth of a sparse matrix: the distance of its entries from the diagonal.

use crate::error::Result;
use crate::sparse::{
    AnyCompressed, Axis, CheckedLines, CheckedPanels, Compressed, LineSplit, by_index,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::work;
use crate::storage::{Context, Entry, Index};

/// Lines of a task.
const TASK: usize = 1 << 12;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// The lower and the upper bandwidth: the largest distance of a stored entry below and above the diagonal, as
    /// SciPy's `spbandwidth`; `(0, 0)` for a diagonal matrix, and for one without entries.
    ///
    /// Cost: one read of the matrix, within the memory limit whatever its size. Fails if an index is out of range,
    /// giving its position.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 2], vec![0, 2], vec![1.0, 2.0])?;
    /// assert_eq!(a.bandwidth(&Context::new())?, (0, 2));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn bandwidth(&self, ctx: &Context) -> Result<(usize, usize)> {
        bandwidth(&self.to_any(), ctx)
    }
}

/// The lower and the upper bandwidth of a matrix.
pub(crate) fn bandwidth(a: &AnyCompressed, ctx: &Context) -> Result<(usize, usize)> {
    let mut lines = CheckedPanels::new(&[a], LineSplit::Entries, ctx.memory_left(), ctx)?;
    let _running = ctx.begin(|| {
        let plan = lines.plan("bandwidth");
        Ok(plan.works(a.nnz() as u64, work::BANDWIDTH))
    })?;
    let mut most = (0, 0);
    lines.sweep(ctx, &mut |panel| {
        most = wider(most, ctx.with_threads(|| in_part(panel.first, &panel.parts[0])));
        Ok(())
    })?;
    Ok(a.format().swap_if_cols(most))
}

/// The largest distance of an entry before and after the diagonal, in the lines from `first` on.
fn in_part(first: usize, part: &CheckedLines<'_>) -> (usize, usize) {
    fn go<I: Index>(first: usize, part: &CheckedLines<'_>, indices: &[I]) -> (usize, usize) {
        let lines = (0..part.lines()).into_par_iter().with_min_len(TASK).map(|line| {
            let major = first + line;
            let width = |(before, after): (usize, usize), index: &I| {
                let minor = index.to_usize();
                (before.max(major.saturating_sub(minor)), after.max(minor.saturating_sub(major)))
            };
            let line = &indices[part.indptr.at(line)..part.indptr.at(line + 1)];
            line.iter().fold((0, 0), width)
        });
        lines.reduce(|| (0, 0), wider)
    }
    by_index!(part.indices, indices => go(first, part, indices))
}

fn wider(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0.max(b.0), a.1.max(b.1))
}
