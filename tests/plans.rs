//! What operations say beforehand, against what they did: passes, bytes and memory.

use std::io::Write;
use std::path::Path;

use outcore::io::matrix_market::Reader;
use outcore::linalg::{LinearOperator, Operator};
use outcore::{
    ByCols, Context, Coo, CooBuilder, Csc, Csr, Duplicates, ErrorKind, Place, Report, Result,
};
use tempfile::{TempDir, tempdir};

/// Runs an operation and compares prediction and count: passes equal, bytes within a twentieth, memory not above.
pub(crate) fn measured<R>(ctx: &Context, operation: impl Fn(&Context) -> Result<R>) -> (R, Report) {
    let planned = ctx.plan(&operation).unwrap();
    let (result, report) = ctx.measure(&operation).unwrap();
    let plan = report.plan.cost;
    assert_eq!((planned.cost.passes, planned.cost.bytes_read), (plan.passes, plan.bytes_read));
    compare(&report);
    (result, report)
}

/// Compares prediction and count.
pub(crate) fn compare(report: &Report) {
    let (plan, actual) = (report.plan.cost, report.actual);
    assert_eq!(plan.passes, actual.passes, "passes\n{report}");
    let near = |a: u64, b: u64| a.abs_diff(b) as f64 <= 0.05 * a.max(b) as f64 + 64e3;
    assert!(near(plan.bytes_read, actual.bytes_read), "bytes read\n{report}");
    assert!(near(plan.bytes_written, actual.bytes_written), "bytes written\n{report}");
    assert!(near(plan.scratch, actual.scratch), "scratch space\n{report}");
    assert!(actual.peak_memory <= plan.peak_memory, "memory\n{report}");
    assert!(plan.seconds > 0.0 || plan.bytes_read + plan.bytes_written == 0, "{report}");
}

fn stored(folder: &TempDir) -> (Csr<f64>, Context) {
    let free = Context::new();
    let (n, path) = (60_000, folder.path().join("a"));
    Csr::<f64, u32, u32>::random((n, n), 20.0 / n as f64, 3, &path, &free).unwrap();
    (Csr::open(path).unwrap(), free.memory_limit(4 << 20).scratch(folder.path()))
}

#[test]
fn conversions() {
    let folder = tempdir().unwrap();
    let (a, ctx) = stored(&folder);
    let to = |name: &str| Place::Replace(folder.path().join(name));
    let (csc, report) = measured(&ctx, |ctx| a.to_csc(to("csc"), ctx));
    assert!(report.plan.cost.scratch > 0 && report.plan.cost.peak_memory <= 4 << 20, "{report}");
    assert_eq!((report.plan.operation, csc.nnz()), ("CSR to CSC", a.nnz()));
    measured(&ctx, |ctx| csc.to_csr(Place::Scratch, ctx));
    measured(&Context::new(), |ctx| a.to_csc(Place::Memory, ctx));
    measured(&Context::new(), |ctx| a.to_csc(to("again"), ctx));
    let coo = a.to_coo(to("coo"), &Context::new()).unwrap();
    measured(&ctx, |ctx| coo.to_csr::<u32>(Duplicates::Keep, to("csr"), ctx));
    measured(&ctx, |ctx| coo.to_csc::<u64>(Duplicates::Sum, Place::Scratch, ctx));
    measured(&Context::new(), |ctx| coo.to_csr::<u32>(Duplicates::Sum, Place::Memory, ctx));
}

#[test]
fn products() {
    let folder = tempdir().unwrap();
    let (a, ctx) = stored(&folder);
    let csc: Csc<f64> = a.to_csc(folder.path().join("csc"), &Context::new()).unwrap();
    let n = a.nrows();
    let (x, y) = (vec![1.0; n], std::cell::RefCell::new(vec![0.0; n]));
    for ctx in [&ctx, &Context::new()] {
        let (_, report) = measured(ctx, |ctx| a.apply(&x, &mut y.borrow_mut(), ctx));
        assert_eq!(report.plan.cost.passes, 1);
        measured(ctx, |ctx| a.apply_adjoint(&x, &mut y.borrow_mut(), ctx));
        measured(ctx, |ctx| csc.apply(&x, &mut y.borrow_mut(), ctx));
        let operator = Operator::new(&a, ctx).unwrap();
        for _ in 0..2 {
            measured(ctx, |ctx| operator.apply(&x, &mut y.borrow_mut(), ctx));
        }
        measured(ctx, |ctx| operator.apply_adjoint(&x, &mut y.borrow_mut(), ctx));
    }
}

fn triplets(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("a.mtx");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let n = 300_000u64;
    writeln!(file, "%%MatrixMarket matrix coordinate real general\n5000 7000 {n}").unwrap();
    for k in 0..n {
        let (i, j) = (k % 5000, (k / 5000 * 13 + k) % 7000);
        writeln!(file, "{} {} {}", i + 1, j + 1, 1.0 / (k + 1) as f64).unwrap();
    }
    file.into_inner().unwrap();
    path
}

#[test]
fn matrix_market_without_coordinates_in_memory() {
    let folder = tempdir().unwrap();
    let reader = Reader::open(triplets(folder.path())).unwrap();
    let ctx = Context::new().memory_limit(2 << 20).scratch(folder.path());
    let expected: Csr<f64> = reader.read_csr(Place::Memory, &Context::new()).unwrap();
    let (csr, report) = measured(&ctx, |ctx| {
        reader.read_csr::<f64, u32, u32>(Place::Replace(folder.path().join("csr")), ctx)
    });
    assert!(csr == expected && report.plan.cost.scratch > 0, "{report}");
    let csc: Csc<f64> = reader.read_csc(Place::Scratch, &ctx).unwrap();
    assert!(csc == reader.read_csc(Place::Memory, &Context::new()).unwrap());
}

/// Entries in any order that fit in memory need no scratch file on their way to a file; duplicates are summed in the
/// order of the file.
#[test]
fn matrix_market_in_runs_in_memory() {
    use std::fmt::Write as _;
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.mtx");
    let (shape, nnz) = ((900u64, 200_003u64), 300_000u64);
    let mut text =
        format!("%%MatrixMarket matrix coordinate real general\n{} {} {nnz}\n", shape.0, shape.1);
    for k in 0..nnz {
        // Row 3 alone has a third of them.
        let row = if k % 3 == 0 { 3 } else { k * 7919 % shape.0 };
        let col = if k % 99 == 0 { 5 } else { k * 31 % shape.1 };
        let _ = writeln!(text, "{} {} {}", row + 1, col + 1, 1.0 / (k + 1) as f64);
    }
    std::fs::write(&path, text).unwrap();
    let reader = Reader::open(&path).unwrap();
    let expected: Csr<f64> = reader.read_csr(Place::Memory, &Context::new()).unwrap();
    let columns: Csc<f64> = reader.read_csc(Place::Memory, &Context::new()).unwrap();
    let to = || Place::Replace(folder.path().join("csr"));
    for threads in [1, 3] {
        let ctx = Context::new().threads(threads).unwrap();
        let ctx = ctx.memory_limit(32 << 20).scratch(folder.path());
        let (csr, report) = measured(&ctx, |ctx| reader.read_csr::<f64, u32, u32>(to(), ctx));
        assert!(csr == expected && csr.check().unwrap());
        assert_eq!((report.plan.cost.scratch, report.actual.scratch), (0, 0), "{report}");
        let csc: Csc<f64> = reader.read_csc(Place::Scratch, &ctx).unwrap();
        assert!(csc == columns);
        let pattern: Csr<()> = reader.read_csr(to(), &ctx).unwrap();
        assert_eq!(pattern.indices(), expected.indices());
    }
}

#[test]
fn builders_spill_and_may_be_asked_first() {
    let folder = tempdir().unwrap();
    let ctx = Context::new().memory_limit(1 << 20).scratch(folder.path());
    let (shape, nnz) = ((4000, 3000), 200_000usize);
    let entry = |k: usize| (k * 7919 % shape.0, k * k % shape.1, 1.0 / (k + 1) as f64);
    let coo = Coo::<f64>::from_triplets(shape, (0..nnz).map(entry)).unwrap();
    let mut rows = CooBuilder::<f64>::new(shape, &ctx).unwrap();
    let mut cols = CooBuilder::<f64, u32, ByCols>::with_capacity(shape, nnz, &ctx).unwrap();
    for (i, j, value) in (0..nnz).map(entry) {
        rows.push(i, j, value).unwrap();
        cols.push(i, j, value).unwrap();
    }
    let plan = ctx.plan(|ctx| rows.finish::<u32>(Duplicates::Sum, Place::Memory, ctx)).unwrap();
    assert!(plan.cost.bytes_read > 0 && rows.nnz() == nnz, "{plan}");
    let csr: Csr<f64> = rows.finish(Duplicates::Sum, Place::Scratch, &ctx).unwrap();
    assert!(csr == coo.to_csr(Duplicates::Sum, Place::Memory, &Context::new()).unwrap());
    assert_eq!(rows.nnz(), 0);
    let csc: Csc<f64> = cols.finish(Duplicates::Keep, Place::Scratch, &ctx).unwrap();
    assert!(csc == coo.to_csc(Duplicates::Keep, Place::Memory, &Context::new()).unwrap());
    assert!(csc.check().is_ok_and(|canonical| !canonical));
}

#[test]
fn plans_refuse_what_the_operation_would_refuse_and_make_nothing() {
    let folder = tempdir().unwrap();
    let (a, ctx) = stored(&folder);
    let place = folder.path().join("never");
    ctx.plan(|ctx| a.to_csc(&place, ctx)).unwrap();
    assert!(!place.exists());
    let error = ctx.plan(|ctx| a.apply(&[1.0], &mut [0.0], ctx)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let error = ctx.plan(|_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let token = outcore::CancelToken::new();
    token.cancel();
    let error = ctx.clone().cancel(token).plan(|ctx| a.to_csc(&place, ctx)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}
