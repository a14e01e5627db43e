//! Operators of a user's own, and the context of calls that are not given one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use num_complex::Complex;
use outcore::graph::reverse_cuthill_mckee;
use outcore::linalg::{FnOperator, LinearOperator, Operator};
use outcore::solve::{SolveOptions, cg};
use outcore::spectral::{SvdOptions, randomized_svd};
use outcore::{
    CancelToken, Context, Csr, Dense, Duplicates, ErrorKind, Order, Place, Progress, Result,
};
use tempfile::tempdir;

/// A cancelled context: whoever obeys it does nothing.
fn cancelled() -> Context {
    let token = CancelToken::new();
    token.cancel();
    Context::new().cancel(token)
}

/// Whether the calls that are not given a context are stopped by the one they have.
fn obeys(operator: &dyn LinearOperator<f64>) -> [bool; 8] {
    let (nrows, ncols) = operator.shape();
    let (x, z) = (vec![1.0; ncols], vec![1.0; nrows]);
    let (mut y, mut w) = (z.clone(), x.clone());
    let columns = |n: usize| ndarray::Array2::<f64>::ones((n, 2));
    let (mut rows, mut cols) = (columns(nrows), columns(ncols));
    let stopped = |done: Result<()>| done.is_err_and(|e| e.kind() == ErrorKind::Cancelled);
    [
        stopped(operator.matvec(&x).map(drop)),
        stopped(operator.matvec_into(&x, &mut y)),
        stopped(operator.rmatvec(&z).map(drop)),
        stopped(operator.rmatvec_into(&z, &mut w)),
        stopped(operator.matmat(columns(ncols).view()).map(drop)),
        stopped(operator.matmat_into(columns(ncols).view(), rows.view_mut())),
        stopped(operator.rmatmat(columns(nrows).view()).map(drop)),
        stopped(operator.rmatmat_into(columns(nrows).view(), cols.view_mut())),
    ]
}

#[test]
fn calls_without_a_context_obey_that_of_the_operator() {
    let folder = tempdir().unwrap();
    let free = Context::new();
    let a = Csr::<f64>::poisson(&[60, 60], Place::Memory, &free).unwrap();
    let dense = a.to_dense(Order::C, Place::Memory, &free).unwrap();
    let stored = a.copy_to(folder.path().join("a"), &free).unwrap();
    let token = CancelToken::new();
    let ctx = Context::new().cancel(token.clone());
    let small = ctx.clone().memory_limit(700_000).threads(2).unwrap();
    let (encoded, whole) = (Operator::new(&a, &ctx).unwrap(), Operator::new(&dense, &ctx).unwrap());
    let both = Operator::with_adjoint(&a, &ctx).unwrap();
    let streamed = Operator::new(&stored, &small).unwrap();
    let order = reverse_cuthill_mckee(&a, &free).unwrap();
    let reordered = a.reorder(&order, Place::Memory, &free).unwrap();
    let reordered = reordered.try_map(|a| Operator::new(&a, &ctx)).unwrap();
    let boxed: Box<dyn LinearOperator<f64>> = Box::new(Operator::new(&a, &ctx).unwrap());
    let shared: Arc<dyn LinearOperator<f64>> = Arc::new(Operator::new(&a, &ctx).unwrap());
    let all: [&dyn LinearOperator<f64>; 9] =
        [&encoded, &whole, &both, &streamed, &reordered, &&encoded, &&&encoded, &boxed, &shared];
    for (k, operator) in all.into_iter().enumerate() {
        assert_eq!(obeys(operator), [false; 8], "{k}");
    }
    token.cancel();
    for (k, operator) in all.into_iter().enumerate() {
        assert_eq!(obeys(operator), [true; 8], "{k}");
    }
    // A plain matrix has none: the default one is used, as its documentation says.
    assert_eq!(obeys(&a), [false; 8]);
    assert_eq!(streamed.context().thread_count(), 2);
    assert_eq!(streamed.context().memory_limit_bytes(), 700_000);
}

#[test]
fn progress_of_calls_without_a_context_is_told() {
    let folder = tempdir().unwrap();
    let a = Csr::<f64>::random((3000, 3000), 0.02, 3, folder.path().join("a"), &Context::new());
    let a = a.unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&told);
    let ctx = Context::new().memory_limit(1 << 20).progress(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    // It is encoded in a pass over the file.
    let operator = Operator::new(&a, &ctx).unwrap();
    let before = told.load(Ordering::Relaxed);
    assert!(before > 3);
    operator.matvec(&vec![1.0; 3000]).unwrap();
    assert!(told.load(Ordering::Relaxed) > before + 3);
}

#[test]
fn triplets_are_brought_to_their_lines_under_the_context_that_is_given() {
    let folder = tempdir().unwrap();
    let entries = || (0..20_000usize).map(|k| (k * 7 % 500, k * 13 % 400, 1.0));
    let place = folder.path().join("a");
    let sum = Duplicates::Sum;
    let error = Csr::<f64>::from_triplets_with((500, 400), entries(), sum, &place, &cancelled());
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Cancelled);
    let tight = Context::new().memory_limit(10_000);
    let error = Csr::<f64>::from_triplets_with((500, 400), entries(), sum, Place::Memory, &tight);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
    // There may be no end of them.
    let endless = (0..usize::MAX).map(|k| (k % 500, k % 400, 1.0));
    let tight = Context::new().memory_limit(4 << 20);
    let error = Csr::<f64>::from_triplets_with((500, 400), endless, sum, &place, &tight);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
    let ctx = Context::new().threads(2).unwrap();
    let stored = Csr::<f64>::from_triplets_with((500, 400), entries(), sum, &place, &ctx).unwrap();
    assert!(stored == Csr::<f64>::from_triplets((500, 400), entries(), sum).unwrap());
    assert!(place.exists());
}

#[test]
fn an_operator_tells_its_shape_without_help() {
    let a = Csr::<f32>::random((30, 20), 0.3, 3, Place::Memory, &Context::new()).unwrap();
    let operator = Operator::new(&a, &Context::new()).unwrap();
    assert_eq!((operator.shape(), operator.nrows(), operator.ncols()), ((30, 20), 30, 20));
    let dense = Dense::<f64>::from_parts((2, 3), Order::C, vec![0.0; 6].into()).unwrap();
    let operator = Operator::new(&dense, &Context::new()).unwrap();
    assert_eq!((operator.shape(), operator.nrows(), operator.ncols()), ((2, 3), 2, 3));
}

/// An operator that has products, and nothing else.
struct Doubling(usize);

impl LinearOperator<f64> for Doubling {
    fn shape(&self) -> (usize, usize) {
        (self.0, self.0)
    }
    fn apply(&self, x: &[f64], y: &mut [f64], _: &Context) -> Result<()> {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = 2.0 * x);
        Ok(())
    }
}

#[test]
fn an_operator_without_adjoint_is_solved_with_and_names_itself_where_one_is_asked_for() {
    let ctx = Context::new();
    let solved = cg(&Doubling(3), &[2.0, 4.0, 6.0], &SolveOptions::default(), &ctx).unwrap();
    assert_eq!(solved.x, [1.0, 2.0, 3.0]);
    assert_eq!(Doubling(2).matmat(ndarray::arr2(&[[1.0], [2.0]]).view()).unwrap()[[1, 0]], 4.0);
    let errors = [
        Doubling(3).rmatvec(&[1.0; 3]).unwrap_err(),
        Doubling(3).rmatmat(ndarray::Array2::ones((3, 2)).view()).unwrap_err(),
        randomized_svd(&Doubling(3), 1, &SvdOptions::default(), Place::Memory, &ctx).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let text = error.to_string();
        assert!(text.contains("Doubling") && text.contains("apply_adjoint"), "{text}");
    }
}

#[test]
fn functions_make_an_operator() {
    let ctx = Context::new();
    let a = Csr::<f64>::random((40, 30), 0.2, 3, Place::Memory, &ctx).unwrap();
    let forth = |x: &[f64], y: &mut [f64], ctx: &Context| a.apply(x, y, ctx);
    let operator =
        FnOperator::new((40, 30), forth).with_adjoint(|x, y, ctx| a.apply_adjoint(x, y, ctx));
    let (x, z) = (vec![0.5; 30], vec![0.25; 40]);
    assert_eq!(operator.matvec(&x).unwrap(), a.matvec(&x).unwrap());
    assert_eq!(operator.rmatvec(&z).unwrap(), a.rmatvec(&z).unwrap());
    let dynamic: Vec<Box<dyn LinearOperator<f64> + Send + Sync>> = vec![
        Box::new(FnOperator::new((1, 2), |x: &[f64], y: &mut [f64], _: &Context| {
            y[0] = x[0] + x[1];
            Ok(())
        })),
        Box::new(Operator::new(&a, &ctx).unwrap()),
    ];
    assert_eq!(dynamic[0].matvec(&[1.0, 2.0]).unwrap(), [3.0]);
    assert_eq!(dynamic[1].matvec(&x).unwrap(), a.matvec(&x).unwrap());
    // Wrong lengths never reach the function.
    assert_eq!(dynamic[0].matvec(&[1.0]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(operator.rmatvec(&[1.0]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(dynamic[0].rmatvec(&[1.0]).unwrap_err().kind(), ErrorKind::Unsupported);
    let turning =
        FnOperator::new((1, 1), |x: &[Complex<f64>], y: &mut [Complex<f64>], _: &Context| {
            y[0] = x[0] * Complex::i();
            Ok(())
        });
    assert_eq!(turning.matvec(&[Complex::new(1.0, 0.0)]).unwrap(), [Complex::i()]);
    let svd =
        randomized_svd::<f64>(&operator, 5, &SvdOptions::default(), Place::Memory, &ctx).unwrap();
    assert_eq!(
        svd.s,
        randomized_svd::<f64>(&a, 5, &SvdOptions::default(), Place::Memory, &ctx).unwrap().s
    );
}

/// Phases and totals that a callback is told while `work` runs, and the context of it.
fn told(limit: u64, work: impl FnOnce(&Context)) -> Vec<(&'static str, u64)> {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let ctx = Context::new().memory_limit(limit).progress(move |progress: Progress| {
        let mut list = list.lock().unwrap();
        let now = (progress.phase, progress.total);
        if list.last() != Some(&now) {
            list.push(now);
        }
    });
    work(&ctx);
    std::mem::take(&mut told.lock().unwrap())
}

#[test]
fn progress_of_a_solve_is_that_of_the_solve_alone() {
    let folder = tempdir().unwrap();
    let stored =
        Csr::<f64>::poisson(&[200, 200], folder.path().join("a"), &Context::new()).unwrap();
    let dense = stored.row_range(0..100).unwrap();
    let dense = dense.to_dense(Order::C, Place::Memory, &Context::new()).unwrap();
    let b = vec![1.0; 40_000];
    let options = SolveOptions { maxiter: Some(20), ..SolveOptions::default() };
    let limit = 3 << 20;
    for prepared in [false, true] {
        let phases = told(limit, |ctx| {
            let solved = match prepared {
                true => cg(&Operator::with_vectors(&stored, 0, ctx).unwrap(), &b, &options, ctx),
                false => cg(&stored, &b, &options, ctx),
            };
            assert_eq!(solved.unwrap().iterations, 20);
        });
        assert_eq!(phases, [("conjugate gradients", 20)], "{prepared}");
    }
    let phases = told(1 << 30, |ctx| {
        randomized_svd::<f64>(&dense, 3, &SvdOptions::default(), Place::Memory, ctx).unwrap();
    });
    assert!(phases.iter().all(|&(phase, _)| phase != "sweeping"), "{phases:?}");
    // A product by itself is the outermost.
    let phases = told(limit, |ctx| {
        stored.apply(&b, &mut vec![0.0; 40_000], ctx).unwrap();
    });
    assert!(phases.iter().all(|&(phase, _)| phase == "sweeping") && !phases.is_empty());
}

#[test]
fn a_solve_is_cancelled_from_within_a_product() {
    let folder = tempdir().unwrap();
    let stored =
        Csr::<f64>::poisson(&[200, 200], folder.path().join("a"), &Context::new()).unwrap();
    let token = CancelToken::new();
    let ctx = Context::new().cancel(token.clone());
    let products = AtomicU64::new(0);
    let a = FnOperator::new((40_000, 40_000), |x: &[f64], y: &mut [f64], ctx: &Context| {
        if products.fetch_add(1, Ordering::Relaxed) == 4 {
            token.cancel();
        }
        stored.apply(x, y, ctx)
    });
    let _ = cg(&a, &vec![1.0; 40_000], &SolveOptions::default(), &ctx);
    assert!(products.load(Ordering::Relaxed) <= 6, "{products:?}");
}
