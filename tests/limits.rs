//! One memory limit for an operator and for all that is done with it and beside it.

use outcore::graph::{PageRankOptions, pagerank_over};
use outcore::linalg::{LinearOperator, Operator};
use outcore::solve::{SolveOptions, cg};
use outcore::spectral::{SvdOptions, randomized_svd};
use outcore::{Context, Csc, Csr, Dense, DenseMut, ErrorKind, Order, Place};
use tempfile::{TempDir, tempdir};

const MIB: u64 = 1 << 20;

/// 29 MB of a matrix in a file, square and hardly anything but its diagonal.
fn stored(folder: &TempDir) -> Csr<f64> {
    let path = folder.path().join("a");
    if !path.exists() {
        let offsets: Vec<isize> = (-120..120).map(|k| k * 7).collect();
        let n = 10_000usize;
        let diagonals: Vec<(isize, Vec<f64>)> = offsets
            .iter()
            .map(|&offset| {
                let value = if offset == 0 { 30.0 } else { 1.0 / offset.abs() as f64 };
                (offset, vec![value; n - offset.unsigned_abs()])
            })
            .collect();
        let diagonals: Vec<(isize, &[f64])> =
            diagonals.iter().map(|(offset, values)| (*offset, &values[..])).collect();
        Csr::<f64>::diags((n, n), &diagonals, &path, &Context::new()).unwrap();
    }
    Csr::open(path).unwrap()
}

fn dense(folder: &TempDir) -> Dense<f64> {
    let path = folder.path().join("d.npy");
    let mut dense =
        DenseMut::<f64>::create((60_000, 60), Order::C, &path, &Context::new()).unwrap();
    let numbers = dense.as_mut_slice().iter_mut().enumerate();
    numbers.for_each(|(i, x)| *x = ((i * 7919) % 1009) as f64 / 1009.0);
    dense.freeze().unwrap()
}

#[test]
fn an_operator_gives_pinned_panels_back_to_the_vectors_of_an_svd() {
    let folder = tempdir().unwrap();
    let a = stored(&folder);
    let expected =
        randomized_svd::<f64>(&a, 4, &SvdOptions::default(), Place::Memory, &Context::new())
            .unwrap();
    for (limit, k) in [(22 * MIB, 20), (24 * MIB, 4), (40 * MIB, 20)] {
        let ctx = Context::new().memory_limit(limit);
        let (svd, report) = ctx
            .measure(|ctx| {
                let operator = Operator::new(&a, ctx)?;
                // All that is left is pinned.
                operator.apply(&vec![1.0; 10_000], &mut vec![0.0; 10_000], ctx)?;
                randomized_svd::<f64>(&operator, k, &SvdOptions::default(), Place::Memory, ctx)
            })
            .unwrap();
        assert!(report.actual.peak_memory <= limit, "{limit}\n{report}");
        if k == 4 {
            assert_eq!(svd.s, expected.s);
        }
    }
}

#[test]
fn an_algorithm_whose_vectors_do_not_fit_beside_an_operator_fails_before_it_reads() {
    let folder = tempdir().unwrap();
    let (a, d) = (stored(&folder), dense(&folder));
    let csc: Csc<f64> = a.to_csc(folder.path().join("c"), &Context::new()).unwrap();
    let ctx = Context::new().memory_limit(15 * MIB);
    let refused = |operator: &dyn LinearOperator<f64>, k: usize| {
        let ((), report) = ctx
            .measure(|ctx| {
                let options = SvdOptions::default();
                let error = randomized_svd(&operator, k, &options, Place::Memory, ctx).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
                assert!(error.to_string().contains("operators hold"), "{error}");
                Ok(())
            })
            .unwrap();
        assert_eq!((report.actual.bytes_read, report.actual.passes), (0, 0));
    };
    let operator = Operator::new(&a, &ctx).unwrap();
    // Its values repeat, so that the operator holds little.
    refused(&operator, 60);
    drop(operator);
    refused(&Operator::new(&csc, &ctx).unwrap(), 60);
    refused(&Operator::new(&d, &ctx).unwrap(), 3);
    // Of what an operator holds nothing is left when it is dropped.
    ctx.check_memory("all of it", 15 * MIB).unwrap();
}

#[test]
fn solves_and_ranks_stay_within_the_limit_of_their_operator() {
    let folder = tempdir().unwrap();
    let a = stored(&folder);
    let n = a.nrows();
    let b = vec![1.0; n];
    let expected = cg(&a, &b, &SolveOptions::default(), &Context::new()).unwrap();
    let limit = 12 * MIB;
    let ctx = Context::new().memory_limit(limit);
    let (solved, report) =
        ctx.measure(|ctx| cg(&Operator::new(&a, ctx)?, &b, &SolveOptions::default(), ctx)).unwrap();
    assert!(solved.converged && solved.x == expected.x);
    assert!(report.actual.peak_memory <= limit, "{report}");
    let sums = Operator::new(&a, &Context::new()).unwrap().matvec(&b).unwrap();
    let (ranks, report) = ctx
        .measure(|ctx| {
            pagerank_over(&Operator::new(&a, ctx)?, &sums, &PageRankOptions::default(), ctx)
        })
        .unwrap();
    assert!(ranks.converged && report.actual.peak_memory <= limit, "{report}");
}

#[test]
fn two_operators_share_one_limit() {
    let folder = tempdir().unwrap();
    let (a, d) = (stored(&folder), dense(&folder));
    let limit = 20 * MIB;
    let ctx = Context::new().memory_limit(limit);
    let (x, z) = (vec![1.0; 10_000], vec![1.0; 60]);
    let ((), report) = ctx
        .measure(|ctx| {
            let (first, second) = (Operator::new(&a, ctx)?, Operator::new(&d, ctx)?);
            for _ in 0..3 {
                assert!(apply(&first, &x, ctx) == a.matvec(&x)?);
                assert!(apply(&second, &z, ctx) == d.matvec(&z)?);
            }
            // And other work beside them.
            a.to_csc(folder.path().join("beside"), ctx).map(drop)
        })
        .unwrap();
    assert!(report.actual.peak_memory <= limit, "{report}");
}

fn apply(operator: &dyn LinearOperator<f64>, x: &[f64], ctx: &Context) -> Vec<f64> {
    let mut y = vec![0.0; operator.shape().0];
    operator.apply(x, &mut y, ctx).unwrap();
    y
}

#[test]
fn what_an_encoding_takes_is_missing_to_others_until_it_is_dropped() {
    let free = Context::new();
    let grid = Csr::<f64>::poisson(&[40; 3], Place::Memory, &free).unwrap();
    let jumping = Csr::<f64>::random((4000, 600_000), 4e-5, 3, Place::Memory, &free).unwrap();
    for a in [grid, jumping] {
        let limit = 16 * MIB;
        let ctx = Context::new().memory_limit(limit);
        let ctx = if a.ncols() > 64_000 { ctx.memory_limit(4 * limit) } else { ctx };
        let limit = ctx.memory_limit_bytes();
        let operator = Operator::new(&a, &ctx).unwrap();
        let error = ctx.clone().check_memory("everything", limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Memory);
        assert_eq!(ctx.memory_limit_bytes(), limit);
        // A context that is no clone of it knows nothing of the operator.
        Context::new().memory_limit(limit).check_memory("everything", limit).unwrap();
        drop(operator);
        ctx.check_memory("everything", limit).unwrap();
    }
}

#[test]
fn products_that_are_planned_beside_an_operator_cost_what_was_said() {
    let folder = tempdir().unwrap();
    let a = stored(&folder);
    let ctx = Context::new().memory_limit(14 * MIB);
    let operator = Operator::new(&a, &ctx).unwrap();
    let x = vec![1.0; 10_000];
    let y = std::cell::RefCell::new(vec![0.0; 10_000]);
    for _ in 0..3 {
        let plan = ctx.plan(|ctx| operator.apply(&x, &mut y.borrow_mut(), ctx)).unwrap();
        let ((), report) = ctx.measure(|ctx| operator.apply(&x, &mut y.borrow_mut(), ctx)).unwrap();
        assert_eq!(plan.cost.bytes_read, report.actual.bytes_read);
        // Takes room in between, so that panels must be read again.
        a.to_csc(Place::Replace(folder.path().join("beside")), &ctx).unwrap();
    }
}
