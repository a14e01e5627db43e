//! A closure of the caller panics: nothing is left on the disk, and everything can be used again.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use outcore::linalg::{LinearOperator, Operator};
use outcore::solve::{SolveOptions, cg};
use outcore::{Context, Csr, Dense, DenseMut, Order, Place, Result};

use crate::operations::{Fate, Folders, OPERATIONS, Operation};
use crate::report::{Form, Report};
use crate::state::{Expected, Version, folder, names};

/// What closures panic with.
struct Asked;

/// Progress callbacks at every call of theirs, closures that make elements, the callback of a solver.
pub fn run(form: Form) -> Report {
    let mut report = Report::new("panics");
    quiet();
    for operation in OPERATIONS {
        if let Err(fault) = in_progress(operation, form, &mut report) {
            report.fault(format!("{}: {fault}", operation.name));
        }
    }
    for (name, work) in CLOSURES {
        report.case(name, in_closure(*work));
    }
    report.case("an operator after a panic", operator());
    report.case("a solver after a panic", solver());
    report
}

/// Panics that were asked for are not worth a message each.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<Asked>() {
                others(info);
            }
        }));
    });
}

/// Whether work ended with the panic that was asked for; another one is a fault of the library.
fn panics<R>(work: impl FnOnce() -> Result<R>) -> std::result::Result<bool, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(_)) => Ok(false),
        Ok(Err(error)) => Err(format!("an error instead of the panic: {error:?}")),
        Err(payload) if payload.is::<Asked>() => Ok(true),
        Err(payload) => {
            let text = payload
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("another panic: {text:?}"))
        }
    }
}

/// The progress callback panics at its k-th call, for every k.
fn in_progress(
    operation: &'static Operation,
    form: Form,
    report: &mut Report,
) -> std::result::Result<(), String> {
    let n = 1_500;
    let expected = Expected::here(operation, n)?;
    let calls = Arc::new(AtomicUsize::new(0));
    let at = Arc::new(AtomicUsize::new(usize::MAX));
    // One context for all rounds: it must outlive what happens under it.
    let callback = {
        let (calls, at) = (Arc::clone(&calls), Arc::clone(&at));
        move |_| {
            if calls.fetch_add(1, Ordering::Relaxed) == at.load(Ordering::Relaxed) {
                panic_any(Asked);
            }
        }
    };
    let scratch = folder()?;
    let ctx =
        Context::new().memory_limit(Operation::limit(n)).scratch(scratch.path()).progress(callback);
    let most = form.pick(3, usize::MAX);
    for k in 0..most {
        let (_guard, folders) = expected.fresh()?;
        calls.store(0, Ordering::Relaxed);
        at.store(k, Ordering::Relaxed);
        let name = format!("{}, panic at call {k}", operation.name);
        match panics(|| operation.run(&folders, n, &ctx)) {
            Ok(true) => {}
            // There are no more calls than these.
            Ok(false) => break,
            Err(fault) => {
                report.case(name, Err(fault));
                continue;
            }
        }
        at.store(usize::MAX, Ordering::Relaxed);
        report.case(name, afterwards(&expected, &folders, &ctx));
    }
    let left = names(scratch.path())?;
    if left.is_empty() { Ok(()) } else { Err(format!("left in the scratch folder: {left:?}")) }
}

fn afterwards(
    expected: &Expected,
    folders: &Folders,
    ctx: &Context,
) -> std::result::Result<(), String> {
    let seen = match expected.look(folders) {
        // Half of an array that is changed in place has changed, and nothing but a mark could tell.
        Err(_) if expected.operation.fate == Fate::Changed => return Ok(()),
        seen => seen?,
    };
    if !seen.hidden.is_empty() {
        return Err(format!("left hidden: {:?}", seen.hidden));
    }
    if expected.operation.fate == Fate::Replaced
        && (seen.version, seen.verified) != (Version::Old, true)
        && (seen.version, seen.verified) != (Version::New, true)
    {
        return Err(format!("{seen:?} is there"));
    }
    if expected.operation.fate == Fate::New && seen.version == Version::New {
        return Ok(());
    }
    match panics(|| expected.operation.run(folders, expected.n, ctx)) {
        Ok(_) => {}
        Err(_) if seen.version == Version::Marked => return Ok(()),
        Err(fault) => return Err(format!("the next run: {fault}")),
    }
    match expected.look(folders)?.version {
        Version::New => Ok(()),
        _ if expected.operation.fate == Fate::Read => Ok(()),
        version => Err(format!("after the next run {version:?} is there")),
    }
}

/// Works whose closure panics at the call of this number.
type Work = fn(&Folders, &Context, usize) -> Result<()>;

const CLOSURES: &[(&str, Work)] = &[
    ("fill_rows", |folders, ctx, k| {
        let mut a =
            DenseMut::<f64>::create((2_000, 40), Order::C, folders.out().join("y.npy"), ctx)?;
        a.fill_rows(|i, row| row.fill(number(i, k)))?;
        a.close()
    }),
    ("fill_columns", |folders, ctx, k| {
        let mut a =
            DenseMut::<f64>::create((2_000, 40), Order::C, folders.out().join("y.npy"), ctx)?;
        a.fill_columns(|j, column| column.fill(number(j, k)))?;
        a.close()
    }),
    ("map", |folders, ctx, k| {
        let d = Dense::<f64>::open(folders.input("d.npy"))?;
        d.map(folders.out().join("y.npy"), ctx, |x| number(x as usize % 100, k)).map(drop)
    }),
    ("map_inplace", |folders, ctx, k| {
        let mut a =
            DenseMut::<f64>::create((2_000, 40), Order::C, folders.out().join("y.npy"), ctx)?;
        a.fill_rows(|i, row| row.fill(i as f64))?;
        a.map_inplace(|x| number(x as usize % 100, k))?;
        a.close()
    }),
    ("zip_map", |folders, ctx, k| {
        let d = Dense::<f64>::open(folders.input("d.npy"))?;
        d.zip_map(&d, folders.out().join("y.npy"), ctx, |x, _| number(x as usize % 100, k))
            .map(drop)
    }),
    ("map_values", |folders, ctx, k| {
        let a = Csr::<f64>::open(folders.input("a.bspnpy"))?;
        a.map_values(folders.out().join("y.bspnpy"), ctx, |x| number(x as usize % 100, k)).map(drop)
    }),
    ("map_values in memory", |folders, ctx, k| {
        let a = Csr::<f64>::open(folders.input("a.bspnpy"))?;
        a.map_values(Place::Memory, ctx, |x| number(x as usize % 100, k)).map(drop)
    }),
    ("to_csr_if", |folders, ctx, k| {
        let d = Dense::<f64>::open(folders.input("d.npy"))?;
        let keep = |x: f64| number(x as usize % 100, k) > 2.0;
        let sparse: Csr<f64> = d.to_csr_if(folders.out().join("y.bspnpy"), ctx, keep)?;
        drop(sparse);
        Ok(())
    }),
];

fn number(i: usize, k: usize) -> f64 {
    if i == k {
        panic_any(Asked);
    }
    i as f64
}

fn in_closure(work: Work) -> std::result::Result<(), String> {
    let operation = Operation::named("dense-map").ok_or("no such operation")?;
    let guard = folder()?;
    let folders = Folders(guard.path().to_owned());
    let n = 1_500;
    operation.prepare(&folders, n).map_err(|e| e.to_string())?;
    let before = names(&folders.out())?;
    for limit in [2 << 20, 1 << 30] {
        let ctx = Context::new().memory_limit(limit).scratch(folders.scratch());
        for k in [0, 1, 39] {
            if !panics(|| work(&folders, &ctx, k))? {
                return Err(format!("no panic at {k}"));
            }
            let (after, scratch) = (names(&folders.out())?, names(&folders.scratch())?);
            if after != before || !scratch.is_empty() {
                return Err(format!("left {after:?} and {scratch:?}"));
            }
        }
        if panics(|| work(&folders, &ctx, usize::MAX))? {
            return Err("a panic that nobody asked for".into());
        }
        for name in names(&folders.out())?.into_iter().filter(|name| name.starts_with('y')) {
            let path = folders.out().join(name);
            match path.is_dir() {
                true => std::fs::remove_dir_all(path),
                false => std::fs::remove_file(path),
            }
            .map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// The progress callback of a product panics; the operator goes on to be used.
fn operator() -> std::result::Result<(), String> {
    let told = |e: outcore::Error| format!("{e:?}");
    let guard = folder()?;
    let path = guard.path().join("a.bspnpy");
    let ctx = Context::new();
    Csr::<f64>::poisson(&[60, 60], &path, &ctx).map_err(told)?;
    let a = Csr::<f64>::open(&path).map_err(told)?;
    let (x, mut right) = (vec![1.0; 3600], vec![0.0; 3600]);
    a.apply(&x, &mut right, &ctx).map_err(told)?;
    // Read panel by panel, and all in memory.
    for limit in [300 << 10, 1 << 30] {
        let ctx = Context::new().memory_limit(limit);
        let operator = Operator::new(&a, &ctx).map_err(told)?;
        let loud = ctx.clone().progress(|_| panic_any(Asked));
        let mut y = vec![0.0; 3600];
        let panicked = panics(|| operator.apply(&x, &mut y, &loud))?;
        for _ in 0..2 {
            if panics(|| operator.apply(&x, &mut y, &ctx))? || y != right {
                return Err(format!("wrong under a limit of {limit} (panic before: {panicked})"));
            }
        }
    }
    Ok(())
}

/// The callback of a solver panics; it runs again to the right solution.
fn solver() -> std::result::Result<(), String> {
    let told = |e: outcore::Error| format!("{e:?}");
    let ctx = Context::new();
    let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx).map_err(told)?;
    let mut b = vec![0.0; 400];
    a.apply(&[1.0; 400], &mut b, &ctx).map_err(told)?;
    let operator = Operator::new(&a, &ctx).map_err(told)?;
    // An operator of the caller's that panics at its third product.
    let stubborn = Stubborn { operator: &operator, left: AtomicUsize::new(3) };
    let options = SolveOptions { rtol: 1e-10, ..Default::default() };
    if !panics(|| cg(&stubborn, &b, &options, &ctx))? {
        return Err("no panic".into());
    }
    let solved = cg(&operator, &b, &options, &ctx).map_err(told)?;
    match solved.converged && solved.x.iter().all(|x| (x - 1.0).abs() < 1e-8) {
        true => Ok(()),
        false => Err("another solution afterwards".into()),
    }
}

struct Stubborn<'a> {
    operator: &'a Operator<Csr<f64>>,
    left: AtomicUsize,
}

impl LinearOperator<f64> for Stubborn<'_> {
    fn shape(&self) -> (usize, usize) {
        LinearOperator::<f64>::shape(self.operator)
    }

    fn apply(&self, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            panic_any(Asked);
        }
        self.operator.apply(x, y, ctx)
    }

    fn apply_adjoint(&self, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
        self.operator.apply_adjoint(x, y, ctx)
    }
}

impl Expected {
    /// As [`Expected::new`], in this process.
    fn here(operation: &'static Operation, n: usize) -> std::result::Result<Self, String> {
        Expected::made(operation, n, |folders| {
            let ctx = crate::operations::context(folders, n);
            operation.run(folders, n, &ctx).map_err(|e| format!("{e:?}"))
        })
    }
}
