//! How far from the diagonal the entries of a sparse matrix lie.

use crate::error::Result;
use crate::sparse::{Axis, Compressed, IndexCheck, Pieces, ZippedLines};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::{Context, Entry, Index, Plan};

/// Lines of a task.
const TASK: usize = 1 << 12;

/// Nanoseconds an entry takes one thread.
const WORK: f64 = 1.0;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// How far the farthest stored entry lies below the diagonal and above it, as SciPy's `spbandwidth`: `(0, 0)` for a
    /// diagonal matrix, and for one without entries.
    ///
    /// Cost: one read of the matrix, within the memory limit whatever its size. Fails if an index is out of range, naming its
    /// place.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let a = Csr::<f64>::from_parts((2, 3), vec![0, 2, 2], vec![0, 2], vec![1.0, 2.0])?;
    /// assert_eq!(a.bandwidth(&Context::new())?, (0, 2));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn bandwidth(&self, ctx: &Context) -> Result<(usize, usize)> {
        let budget = ZippedLines::<T, I, P, A>::budget(ctx.memory_left());
        let mut lines = ZippedLines::new(&[self], Pieces::Entries, budget, ctx)?;
        let _running = ctx.begin(|| {
            let plan = Plan::new("bandwidth").on_device_of(self.indices().file());
            let plan = plan.reads(1, lines.bytes_to_read()).holds(lines.memory());
            Ok(plan.works(self.nnz() as u64, WORK))
        })?;
        ctx.meter().pass();
        let (mut check, mut most) = (IndexCheck::new(self), (0, 0));
        let swept = lines.sweep_part(ctx, &mut |panel| {
            ctx.with_threads(|| {
                check.take(&panel, 0)?;
                let part = panel.parts[0];
                let count = part.indptr.len() - 1;
                let found = (0..count).into_par_iter().with_min_len(TASK).map(|line| {
                    let (major, (indices, _)) = (panel.first + line, part.line(line));
                    let width = |(before, after): (usize, usize), index: &I| {
                        let minor = index.to_usize();
                        (
                            before.max(major.saturating_sub(minor)),
                            after.max(minor.saturating_sub(major)),
                        )
                    };
                    indices.iter().fold((0, 0), width)
                });
                most = found.reduce(|| most, wider);
                Ok(())
            })
        });
        swept.map_err(|error| self.name_indices(error))?;
        Ok(A::swap_if_cols(most))
    }
}

fn wider(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0.max(b.0), a.1.max(b.1))
}
