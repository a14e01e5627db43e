//! Scatter: every stored row of a compressed matrix adds to the outputs that its indices name.
//!
//! ```text
//! y = 0, unless the product is added to it
//! for each row i:
//!     for each entry (j, a) of row i:  y[j] += a * x[i]
//! ```
//!
//! Every output adds its terms in the order of the rows, whatever the number of threads: the bits of the result are
//! those of the loop above. Two parallel methods keep that order, so the result does not depend on the method.
//!
//! 1. *Owners*, for banded and mesh matrices. The rows are cut into runs, and the window of columns that each run
//!    touches is guessed from some of its rows. Every task owns a range of columns, processes the runs whose windows
//!    intersect it, in order, and skips the entries of others. If windows are narrow compared with the ranges, only few
//!    runs belong to two owners. No memory beyond the windows.
//! 2. *Bins*, for graphs, where every window is the full width: see `scatter_bins.rs`.
//!
//! A wrong guess shows as an index outside all owners that process a run. The product then restarts with windows found
//! by reading all indices. If it could not restart, because it adds to `y`, this is done from the start.

use std::ops::Range;

use crate::error::Result;
use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::panel::{OutOfRange, Panel};
use crate::linalg::kernels::scatter_bins;
use crate::linalg::kernels::scatter_bins::BLOCK;
use crate::linalg::kernels::scatter_rows::{add, outputs_of};
use crate::linalg::kernels::scatter_windows::{WindowRun, Windows};
use crate::linalg::kernels::update::{Conjugation, Update, check_len};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Index, parallel};

/// Sizes that affect only the speed of a scatter, in rows and entries.
#[derive(Clone, Copy)]
pub(crate) struct ScatterSizes {
    /// Below it threads gain nothing: windows of columns must be found first, and outputs of threads share cache lines
    /// at their ends.
    pub(crate) small: usize,
    /// A run whose window is determined.
    pub(crate) run: usize,
    /// A block that is sent to bins.
    pub(crate) block: usize,
}

impl ScatterSizes {
    const USUAL: Self = ScatterSizes { small: 1 << 19, run: 1 << 15, block: BLOCK };
}

/// Outputs that a task prepares.
const PREPARED: usize = 1 << 19;

/// Approximate bytes of outputs that stay in the cache of a thread, which alone adds to them faster than fewer than
/// `SEVERAL` threads do with bins (R-MAT 18: 10 ms on one thread, 14 on two).
const CACHED: usize = 4 << 20;
const SEVERAL: usize = 4;

/// Y = Aᵀ X, or Y += Aᵀ X, one pass over A.
///
/// With several threads there is one more pass over the indices if the product is added to Y, and otherwise, if a guess
/// was wrong, the work up to then is repeated.
///
/// X is nrows x k and Y ncols x k, both row-major; the bits of a column of Y do not depend on the others. Fails with
/// `Shape` before anything is written, and with `Index` if a pointer or an index is out of range.
pub(crate) fn scatter<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    scatter_by(ScatterSizes::USUAL, a, entries, update, x, y, k)
}

/// As [`scatter`], with other sizes of parts.
pub(crate) fn scatter_by<T: Factor<X>, I: Index, X: Scalar>(
    sizes: ScatterSizes,
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    check_len("x", x, a.nrows(), k)?;
    check_len("y", y, a.ncols(), k)?;
    if k == 0 {
        return Ok(());
    }
    let small = a.cost().saturating_mul(k) < sizes.small;
    // Without columns no thread would own any, and none would detect that entries are out of range.
    let done = if small || a.ncols() == 0 || parallel::threads() == 1 {
        alone(a, entries, update, x, y, k)
    } else {
        match Method::choose(a.structure(), sizes, update, size_of_val(y)) {
            Err(OutOfRange) => Err(OutOfRange),
            // By the calling thread, in whose caches the vectors may be.
            Ok(Method::Alone) => alone(a, entries, update, x, y, k),
            Ok(method) => parallel::within(|| {
                let done = add_by(method, sizes, a, entries, update, (x, &mut *y, k));
                done.or_else(|OutOfRange| match update {
                    Update::Set => {
                        let method =
                            Method::of(Windows::find(a.structure(), sizes.run)?, size_of_val(y));
                        add_by(method, sizes, a, entries, update, (x, y, k))
                    }
                    Update::Add => Err(OutOfRange),
                })
            }),
        }
    };
    done.map_err(|OutOfRange| a.out_of_range())
}

/// How the entries are added.
enum Method {
    /// By one thread.
    Alone,
    /// By threads that own these columns.
    Owners(Windows, Vec<Range<usize>>),
    Bins,
}

impl Method {
    /// The method for a product of `bytes` bytes, by a guess if the product can be repeated.
    fn choose<I: Index>(
        a: Panel<'_, (), I>,
        sizes: ScatterSizes,
        update: Update,
        bytes: usize,
    ) -> std::result::Result<Self, OutOfRange> {
        parallel::within(|| {
            let guessed = match update {
                Update::Set => Windows::guess(a, sizes.run),
                Update::Add => Err(OutOfRange),
            };
            let windows = guessed.or_else(|OutOfRange| Windows::find(a, sizes.run))?;
            Ok(Method::of(windows, bytes))
        })
    }

    fn of(mut windows: Windows, bytes: usize) -> Self {
        let threads = parallel::threads();
        match windows.owners(threads) {
            Some(owners) => {
                windows.widen(&owners);
                Method::Owners(windows, owners)
            }
            None if threads < SEVERAL && bytes <= CACHED => Method::Alone,
            None => Method::Bins,
        }
    }
}

/// The loop that the methods are equal to.
#[inline(never)] // it is called from several places
fn alone<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> std::result::Result<(), OutOfRange> {
    update.prepare(y);
    let all = 0..a.ncols();
    add(a, entries, x, y, k, &all, &all)
}

fn add_by<T: Factor<X>, I: Index, X: Scalar>(
    method: Method,
    sizes: ScatterSizes,
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    (x, y, k): (&[X], &mut [X], usize),
) -> std::result::Result<(), OutOfRange> {
    let (windows, owners) = match method {
        Method::Owners(windows, owners) => (windows, owners),
        Method::Alone => return alone(a, entries, update, x, y, k),
        Method::Bins => {
            y.par_chunks_mut(PREPARED).for_each(|y| update.prepare(y));
            return scatter_bins::add(a, entries, x, y, k, sizes.block);
        }
    };
    outputs_of(owners, y, k).into_par_iter().try_for_each(|(owner, y)| {
        let mut ready = 0;
        for WindowRun { rows, columns, end, .. } in windows.meeting(&owner) {
            // Outputs are prepared when a run first reaches them, so that they pass through the cache only once.
            let reached = (end.min(&owner.end) - owner.start).max(ready);
            update.prepare(&mut y[ready * k..reached * k]);
            ready = reached;
            let (x, y) = (&x[rows.start * k..rows.end * k], &mut y[..ready * k]);
            add(a.rows(rows.clone()), entries, x, y, k, &owner, columns)?;
        }
        update.prepare(&mut y[ready * k..]);
        Ok(())
    })
}
