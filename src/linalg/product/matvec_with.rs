//! A sparse matrix times a vector over a semiring.
//!
//! Along the stored axis every result is the sum of one line. Across it the terms of a run of lines are stored and
//! added column by column, each in the order of the lines. In both cases a sum starts with zero and adds its terms in
//! order, so its bits are those of the product with a matrix of one column, for any number of threads and any limit.

use crate::error::{Result, check_shape};
use crate::linalg::algebra::{Semiring, Values};
use crate::linalg::kernels::{Columns, OutOfRange, Panel, runs_with_outputs};
use crate::sparse::{
    AnyCompressed, Axis, CheckedPanels, Compressed, CompressedPanel, CompressedPanels, Indices,
    LineSplit, by_index, partition,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::work;
use crate::storage::{Context, DType, Entry, Index, SparseFormat, bytes_of};

/// Rows and entries of a task.
const TASK: usize = 1 << 14;

/// A part of a line that is not the last has a multiple of this many entries.
const RUN: usize = 1 << 12;

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// `A x` over a semiring: `GrB_mxv` of the GraphBLAS. `x` has one element per column, the result one per row.
    ///
    /// A row without entries gives the semiring's zero. For `Aᵀ x` use the [`transpose`](Self::transpose), which shares
    /// the arrays. Every sum adds its terms in stored order: the same bits for any number of threads, any limit, and
    /// any place of the matrix.
    ///
    /// Cost: one pass. A CSR that fits in the memory limit is used in place; a larger one is read panel by panel, as a
    /// CSC in files always is. Memory: panels, and for CSC also the terms of one of them; `x` and the result count.
    /// Fails with [`ErrorKind::Index`](crate::ErrorKind::Index) for a bad index, and with
    /// [`ErrorKind::Shape`](crate::ErrorKind::Shape) for a vector of another length.
    ///
    /// ```
    /// use outcore::linalg::MinPlus;
    /// use outcore::{Context, Csr};
    /// // How far it is from 0 after one step more, by roads from row to column.
    /// let roads = Csr::<f64>::from_parts((3, 3), vec![0, 2, 3, 3], vec![1, 2, 2], vec![1.0, 5.0, 2.0])?;
    /// let next = roads.transpose().matvec_with(MinPlus::new(), &[0.0, 1.0, 5.0], &Context::new())?;
    /// assert_eq!(next, [f64::INFINITY, 1.0, 3.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matvec_with<S: Semiring<Left = T>>(
        &self,
        semiring: S,
        x: &[S::Right],
        ctx: &Context,
    ) -> Result<Vec<S::Sum>> {
        check_shape("x", self.ncols(), x.len())?;
        let mut y = ctx.filled("the product", self.nrows(), semiring.zero())?;
        self.matvec_with_into(semiring, x, &mut y, ctx)?;
        Ok(y)
    }

    /// Writes `A x` over a semiring to `y`, for which nothing is allocated; otherwise as
    /// [`matvec_with`](Self::matvec_with).
    ///
    /// `y` is not read; after an error its contents are unspecified.
    ///
    /// ```
    /// use outcore::linalg::MinPlus;
    /// use outcore::{Context, Csr};
    /// let roads = Csr::<f64>::from_parts((3, 3), vec![0, 2, 3, 3], vec![1, 2, 2], vec![1.0, 5.0, 2.0])?.transpose();
    /// let (mut near, mut next) = ([0.0, 1.0, 5.0], [0.0; 3]);
    /// for _ in 0..2 {
    ///     roads.matvec_with_into(MinPlus::new(), &near, &mut next, &Context::new())?;
    ///     std::mem::swap(&mut near, &mut next);
    /// }
    /// assert_eq!(near, [f64::INFINITY, f64::INFINITY, 3.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matvec_with_into<S: Semiring<Left = T>>(
        &self,
        semiring: S,
        x: &[S::Right],
        y: &mut [S::Sum],
        ctx: &Context,
    ) -> Result<()> {
        multiply(semiring, &self.to_any(), x, y, ctx)
    }
}

/// `y = A x` over a semiring, for a matrix whose index types and axis are known at run time.
pub(crate) fn multiply<S: Semiring>(
    semiring: S,
    a: &AnyCompressed,
    x: &[S::Right],
    y: &mut [S::Sum],
    ctx: &Context,
) -> Result<()> {
    let (nrows, ncols) = a.shape();
    check_shape("x", ncols, x.len())?;
    check_shape("y", nrows, y.len())?;
    let vectors = (size_of_val(x) + size_of_val(y)) as u64;
    let left = ctx.memory_left().saturating_sub(vectors);
    match (a.format() == SparseFormat::Csr, a.types().indices) {
        (true, _) => along(semiring, a, (x, y), left, ctx)?,
        (false, DType::UInt32) => across::<S, u32>(semiring, a, (x, y), left, ctx)?,
        (false, _) => across::<S, u64>(semiring, a, (x, y), left, ctx)?,
    }
    semiring.check()
}

/// Along the axis: every result is the sum of a line.
fn along<S: Semiring>(
    semiring: S,
    a: &AnyCompressed,
    (x, y): (&[S::Right], &mut [S::Sum]),
    left: u64,
    ctx: &Context,
) -> Result<()> {
    let mut panels = CompressedPanels::for_one_sweep(a.clone(), left, ctx)?;
    let _running = ctx.begin(|| {
        let plan = panels.plan("product over a semiring").reads(1, panels.kept);
        Ok(plan.works(a.nnz() as u64, work::SEMIRING_ALONG))
    })?;
    ctx.check_cancelled()?;
    let swept = panels.sweep(ctx, &mut |CompressedPanel { first, indptr, indices, data }| {
        let lines = first..first + indptr.len() - 1;
        by_index!(indices, indices => {
            let panel = Panel::over(indptr, indices, data.as_typed(), x.len(), first)?;
            let summed = ctx.with_threads(|| sum_lines(semiring, panel, x, &mut y[lines]));
            summed.map_err(|OutOfRange| panel.out_of_range())
        })
    });
    swept.map_err(|error| a.name_indices(error))
}

/// The sums of all lines of a panel, by all threads.
fn sum_lines<S: Semiring, I: Index>(
    semiring: S,
    a: Panel<'_, S::Left, I>,
    x: &[S::Right],
    y: &mut [S::Sum],
) -> std::result::Result<(), OutOfRange> {
    // Only as many columns as an index can name: an index beyond them is an error.
    let x = &x[..a.columns()];
    let runs = runs_with_outputs(a, y, 1, (a.indices.len() + a.nrows()) / TASK + 1);
    runs.into_par_iter().try_for_each(|(a, y)| {
        y.iter_mut().enumerate().try_for_each(|(line, y)| {
            let range = a.row(line)?;
            let mut entries = a.indices[range.clone()].iter().zip(&a.values[range]);
            *y = entries.try_fold(semiring.zero(), |sum, (index, &value)| {
                let &x = x.get(index.to_usize()).ok_or(OutOfRange)?;
                Ok(semiring.add(sum, semiring.multiply(value, x)))
            })?;
            Ok(())
        })
    })
}

/// Across the axis: every line adds to many results.
fn across<S: Semiring, I: Index>(
    semiring: S,
    a: &AnyCompressed,
    (x, y): (&[S::Right], &mut [S::Sum]),
    left: u64,
    ctx: &Context,
) -> Result<()> {
    let mut lines = CheckedPanels::new(&[a], LineSplit::Runs(RUN), left, ctx)?;
    let (entries, threads) = (lines.most_entries(), ctx.thread_count());
    let terms = bytes_of::<S::Sum>(entries);
    let work = terms + Columns::<S::Sum, I>::bytes(entries, threads);
    let _running = ctx.begin(|| {
        let plan = lines.plan("product over a semiring").throughout(work);
        Ok(plan.works(a.nnz() as u64, work::SEMIRING_ACROSS))
    })?;
    let _held = ctx.hold(work);
    let mut columns = Columns::new(y.len(), entries, threads);
    let mut terms = ctx.filled("the terms", entries, semiring.zero())?;
    y.fill(semiring.zero());
    let swept = lines.sweep(ctx, &mut |panel| {
        ctx.with_threads(|| {
            let part = panel.parts[0];
            let terms = &mut terms[..part.indices.len()];
            let (indices, values): (&[I], _) = (part.indices.typed(), part.data.as_typed());
            multiply_lines(semiring, (part.indptr, values), &x[panel.first..], terms);
            columns.fold(y, (indices, Values::Plain(terms)), |sum, term| {
                *sum = semiring.add(*sum, term)
            });
        });
        Ok(())
    });
    swept.map(drop)
}

/// The terms of a run of lines, the first of which has the first of `x`, by all threads.
fn multiply_lines<S: Semiring>(
    semiring: S,
    (indptr, values): (Indices<'_>, &[S::Left]),
    x: &[S::Right],
    terms: &mut [S::Sum],
) {
    let (mut tasks, mut rest) = (Vec::new(), terms);
    for lines in partition::split(indptr, values.len() / TASK + 1) {
        let mine;
        (mine, rest) = rest.split_at_mut(indptr.at(lines.end) - indptr.at(lines.start));
        tasks.push((lines, mine));
    }
    tasks.into_par_iter().for_each(|(lines, mut terms)| {
        for line in lines {
            let (values, x) = (&values[indptr.at(line)..indptr.at(line + 1)], x[line]);
            let mine;
            (mine, terms) = terms.split_at_mut(values.len());
            mine.iter_mut().zip(values).for_each(|(term, &value)| {
                *term = semiring.multiply(value, x);
            });
        }
    });
}
