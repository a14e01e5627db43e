//! One operator, many products at a time: from tasks of rayon's, from threads, from within a callback, and after a
//! panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use outcore::linalg::{LinearOperator, Matrix, Operator};
use outcore::{CancelToken, Context, Csr, Dense, DenseMut, ErrorKind, Order, Place};
use rayon::prelude::*;
use tempfile::{TempDir, tempdir};

use crate::numbers::fractions;

/// Rounds of each kind; more are asked for with a variable.
fn rounds() -> usize {
    std::env::var("OUTCORE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

/// Runs a test on a thread of its own, and fails if it hangs.
fn within(seconds: u64, test: impl FnOnce() + Send + 'static) {
    let (end, ended) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        let _ = end.send(());
    });
    match ended.recv_timeout(Duration::from_secs(seconds)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// An operator and what its products are.
struct Case {
    name: &'static str,
    operator: Box<dyn LinearOperator<f64> + Send + Sync>,
    x: Vec<f64>,
    z: Vec<f64>,
    expected: [Vec<f64>; 3],
}

impl Case {
    fn new<M>(name: &'static str, a: &M, operator: Operator<M>) -> Self
    where
        M: Matrix + LinearOperator<f64> + 'static,
        Operator<M>: LinearOperator<f64> + Send + Sync,
    {
        let ((nrows, ncols), free) = (operator.shape(), Context::new());
        let (x, z) = (fractions(2 * ncols), fractions(nrows));
        let (mut y, mut w) = (vec![0.0; nrows], vec![0.0; ncols]);
        let mut block = vec![0.0; 2 * nrows];
        a.apply(&x[..ncols], &mut y, &free).unwrap();
        a.apply_adjoint(&z, &mut w, &free).unwrap();
        a.apply_block(2, &x, &mut block, &free).unwrap();
        Case { name, operator: Box::new(operator), x, z, expected: [y, w, block] }
    }

    /// One product of each kind in turn, compared bit by bit.
    fn multiply(&self, k: usize, ctx: &Context) {
        let ncols = self.operator.shape().1;
        let expected = &self.expected[k % 3];
        let mut found = vec![f64::NAN; expected.len()];
        match k % 3 {
            0 => self.operator.apply(&self.x[..ncols], &mut found, ctx),
            1 => self.operator.apply_adjoint(&self.z, &mut found, ctx),
            _ => self.operator.apply_block(2, &self.x, &mut found, ctx),
        }
        .unwrap();
        assert!(found == *expected, "{}, product {k}", self.name);
    }
}

/// Matrices in memory and in files.
struct Matrices {
    grid: Csr<f64>,
    jumping: Csr<f64>,
    one_value: Csr<f64>,
    dense: Dense<f64>,
    stored: Csr<f64>,
    stored_dense: Dense<f64>,
    _folder: TempDir,
}

fn matrices() -> &'static Matrices {
    static MATRICES: OnceLock<Matrices> = OnceLock::new();
    MATRICES.get_or_init(|| {
        let (folder, ctx) = (tempdir().unwrap(), Context::new());
        let jumping = Csr::<f64>::random((4000, 600_000), 1e-5, 3, Place::Memory, &ctx).unwrap();
        let (path, dense_path) = (folder.path().join("a"), folder.path().join("d.npy"));
        let mut dense = DenseMut::<f64>::create((9_000, 40), Order::C, &dense_path, &ctx).unwrap();
        dense.as_mut_slice().copy_from_slice(&fractions(9_000 * 40));
        let dense = dense.freeze().unwrap();
        Matrices {
            grid: Csr::poisson(&[20; 3], Place::Memory, &ctx).unwrap(),
            one_value: jumping.with_data(vec![0.3; jumping.nnz()]).unwrap(),
            jumping,
            dense: dense.copy_to(Place::Memory, &ctx).unwrap(),
            stored: Csr::random((4_000, 3_000), 0.02, 3, &path, &ctx).unwrap(),
            stored_dense: dense,
            _folder: folder,
        }
    })
}

/// Operators of every kind under a context, those of the stored matrices with a limit that lets them be read.
fn cases(ctx: &Context) -> Vec<Case> {
    let Matrices { grid, jumping, one_value, dense, stored, stored_dense, .. } = matrices();
    let small = ctx.clone().memory_limit(2 << 20);
    let large = ctx.clone().memory_limit(6 << 20);
    let streamed = Operator::with_vectors(stored, 0, &small).unwrap();
    vec![
        Case::new("runs", grid, Operator::new(grid, ctx).unwrap()),
        Case::new("both ways", grid, Operator::with_adjoint(grid, ctx).unwrap()),
        Case::new("scattered", jumping, Operator::with_adjoint(jumping, ctx).unwrap()),
        Case::new("one value", one_value, Operator::with_adjoint(one_value, ctx).unwrap()),
        Case::new("dense", dense, Operator::new(dense, ctx).unwrap()),
        Case::new("stored", stored, streamed),
        Case::new(
            "stored dense",
            stored_dense,
            Operator::with_vectors(stored_dense, 0, &large).unwrap(),
        ),
    ]
}

#[test]
fn tasks_of_a_pool_share_an_operator() {
    within(300, || {
        for threads in [1, 2, 4, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            for case in cases(&ctx) {
                let tight = ctx.clone().memory_limit(2 << 20);
                for _ in 0..rounds() {
                    for ctx in [&ctx, &tight] {
                        let tasks = (0..48usize).into_par_iter().with_max_len(1);
                        ctx.run(|| tasks.for_each(|k| case.multiply(k, ctx)));
                    }
                }
            }
        }
    });
}

#[test]
fn tasks_of_a_callers_pool_share_an_operator_without_threads_of_its_own() {
    within(300, || {
        let ctx = Context::new();
        for case in cases(&ctx) {
            for threads in [1, 3, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let tasks = (0..48usize).into_par_iter().with_max_len(1);
                pool.install(|| tasks.for_each(|k| case.multiply(k, &ctx)));
            }
            rayon::scope(|scope| {
                for k in 0..24 {
                    let (case, ctx) = (&case, &ctx);
                    scope.spawn(move |_| case.multiply(k, ctx));
                }
            });
        }
    });
}

#[test]
fn threads_share_an_operator() {
    within(300, || {
        for ctx in [Context::new(), Context::new().threads(2).unwrap()] {
            for case in cases(&ctx) {
                std::thread::scope(|scope| {
                    for thread in 0..6 {
                        let (case, ctx) = (&case, &ctx);
                        scope.spawn(move || (0..12).for_each(|k| case.multiply(k + thread, ctx)));
                    }
                });
            }
        }
    });
}

#[test]
fn a_callback_may_multiply_with_the_operator_that_calls_it() {
    within(300, || {
        for index in 0..cases(&Context::new()).len() {
            let case = Arc::new(cases(&Context::new()).swap_remove(index));
            let (inner, calls) = (Arc::clone(&case), Arc::new(AtomicUsize::new(0)));
            let counted = Arc::clone(&calls);
            let ctx = Context::new().memory_limit(2 << 20).progress(move |_| {
                if counted.fetch_add(1, Ordering::Relaxed) < 5 {
                    inner.multiply(0, &Context::new());
                }
            });
            (0..3).for_each(|k| case.multiply(k, &ctx));
        }
    });
}

#[test]
fn an_operator_goes_on_after_a_callback_that_panicked_or_cancelled() {
    within(300, || {
        let mut panics = 0;
        for case in cases(&Context::new()) {
            for stop in 0..4 {
                let calls = AtomicUsize::new(0);
                let ctx = Context::new().memory_limit(2 << 20).progress(move |_| {
                    assert_ne!(calls.fetch_add(1, Ordering::Relaxed), stop, "from the callback");
                });
                let multiplied = catch_unwind(AssertUnwindSafe(|| case.multiply(stop, &ctx)));
                panics += usize::from(multiplied.is_err());
                let token = CancelToken::new();
                let (cancel, calls) = (token.clone(), AtomicUsize::new(0));
                let cancelled = Context::new().cancel(token).progress(move |_| {
                    if calls.fetch_add(1, Ordering::Relaxed) == stop {
                        cancel.cancel();
                    }
                });
                let mut y = vec![0.0; case.expected[1].len()];
                if let Err(error) = case.operator.apply_adjoint(&case.z, &mut y, &cancelled) {
                    assert_eq!(error.kind(), ErrorKind::Cancelled);
                }
                (0..6).for_each(|k| case.multiply(k, &Context::new()));
            }
        }
        // Those that are worked through panel by panel tell of it.
        assert!(panics >= 8, "{panics}");
    });
}

#[test]
fn passes_of_products_side_by_side_are_all_counted() {
    let Matrices { stored, .. } = matrices();
    let ctx = Context::new().memory_limit(2 << 20).threads(4).unwrap();
    let operator = Operator::with_vectors(stored, 0, &ctx).unwrap();
    let x = fractions(stored.ncols());
    ctx.run(|| {
        (0..40).into_par_iter().with_max_len(1).for_each(|_| {
            let mut y = vec![0.0; stored.nrows()];
            operator.apply(&x, &mut y, &ctx).unwrap();
        });
    });
    assert_eq!(operator.traffic().sweeps, 40);
}
