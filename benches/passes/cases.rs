//! The cases, and what each method does in its process.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use outcore::linalg::{Between, Level, LinearOperator, Operator, norm};
use outcore::solve::{Chebyshev, Method, SolveOptions, solve_with, spectral_bounds};
use outcore::{Context, Cost, Csr, Dense, Place, Plan, Report, Result};

use crate::inputs::Kind;
use crate::line::Line;
use crate::mapped_cg;

/// Steps of the bounds of the spectrum.
const STEPS: usize = 6;

/// Vectors that a solve by conjugate gradients holds in memory if there is room, besides the right-hand side, which lies
/// in its file, and the iterate that it keeps, which goes to a scratch file where memory is short.
pub(crate) const VECTORS: u64 = 6;

/// A matrix and how it is solved.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The edge of the cube; of others the file is some times as large as the limit.
    pub(crate) size: Option<usize>,
    /// Whether the matrix lies in memory, and there is no limit.
    pub(crate) in_memory: bool,
    pub(crate) methods: &'static [&'static str],
}

const CG: &[&str] = &["cg", "cg, degree 7", "cg, degree 15"];
const LEAST_SQUARES: &[&str] = &["lsqr", "lsmr"];

/// Programs that others would write, run where `--peer` names the first word.
pub(crate) const PEERS: &[&str] = &["mapped", "mapped, all threads", "scipy", "numba"];

pub(crate) const CASES: &[Case] = &[
    Case { name: "poisson64", kind: Kind::Poisson, size: Some(64), in_memory: false, methods: CG },
    Case {
        name: "diffusion64",
        kind: Kind::Diffusion,
        size: Some(64),
        in_memory: false,
        methods: CG,
    },
    Case {
        name: "poisson200",
        kind: Kind::Poisson,
        size: Some(200),
        in_memory: false,
        methods: CG,
    },
    Case {
        name: "diffusion200",
        kind: Kind::Diffusion,
        size: Some(200),
        in_memory: false,
        methods: CG,
    },
    Case { name: "diffusion", kind: Kind::Diffusion, size: None, in_memory: false, methods: CG },
    Case { name: "elements", kind: Kind::Elements, size: None, in_memory: false, methods: CG },
    Case { name: "tall", kind: Kind::Tall, size: None, in_memory: false, methods: LEAST_SQUARES },
    Case { name: "memory64", kind: Kind::Poisson, size: Some(64), in_memory: true, methods: CG },
    Case { name: "memory200", kind: Kind::Poisson, size: Some(200), in_memory: true, methods: CG },
];

/// A solve, as the parent asks its child for it.
pub(crate) struct Run<'a> {
    pub(crate) case: &'a Case,
    pub(crate) method: &'a str,
    /// The folder with `a.bspnpy` and `b.npy`.
    pub(crate) input: &'a Path,
    /// The limit of the context; 0 if there is none.
    pub(crate) limit: u64,
    /// Vectors for which the limit has room.
    pub(crate) vectors: u64,
    pub(crate) rtol: f64,
}

impl<'a> Run<'a> {
    pub(crate) fn to_arguments(&self, scratch: &Path) -> Vec<String> {
        vec![
            "--child".to_owned(),
            self.case.name.to_owned(),
            self.method.to_owned(),
            self.input.to_string_lossy().into_owned(),
            self.limit.to_string(),
            self.vectors.to_string(),
            self.rtol.to_string(),
            scratch.to_string_lossy().into_owned(),
        ]
    }

    pub(crate) fn from_arguments(
        arguments: &'a [String],
    ) -> std::result::Result<(Self, PathBuf), String> {
        let wrong = || "--child is for the program itself".to_owned();
        let [case, method, input, limit, vectors, rtol, scratch] = arguments else {
            return Err(wrong());
        };
        let case = CASES.iter().find(|known| known.name == case).ok_or_else(wrong)?;
        let [limit, vectors] = [limit, vectors].map(|text| text.parse::<u64>());
        let (limit, vectors) = (limit.map_err(|_| wrong())?, vectors.map_err(|_| wrong())?);
        let rtol = rtol.parse().map_err(|_| wrong())?;
        let input = Path::new(input);
        Ok((Run { case, method, input, limit, vectors, rtol }, scratch.into()))
    }
}

/// Bytes of the vectors of a solve, besides the right-hand side.
pub(crate) fn vector_bytes(kind: Kind, size: usize, vectors: u64) -> u64 {
    let (nrows, ncols) = kind.shape(size);
    match kind {
        Kind::Tall => 8 * (5 * nrows as u64 + 8 * ncols as u64),
        _ => 8 * vectors * ncols as u64,
    }
}

/// What a step of the work was to cost, and cost.
#[derive(Default)]
struct Total {
    planned: Cost,
    actual: Cost,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.add_costs(report.plan.cost, report.actual);
    }

    fn add_costs(&mut self, planned: Cost, actual: Cost) {
        for (sum, cost) in [(&mut self.planned, planned), (&mut self.actual, actual)] {
            sum.passes += cost.passes;
            sum.bytes_read += cost.bytes_read;
            sum.seconds += cost.seconds;
            sum.peak_memory = sum.peak_memory.max(cost.peak_memory);
        }
    }
}

/// Runs a method, as the process in the control group does.
pub(crate) fn run(
    run: &Run<'_>,
    scratch: &Path,
) -> std::result::Result<Line, Box<dyn std::error::Error>> {
    let mut ctx = Context::new().scratch(scratch);
    if run.limit > 0 {
        ctx = ctx.memory_limit(run.limit);
    }
    let a = Csr::<f64>::open(run.input.join("a.bspnpy"))?;
    let file_bytes = a.bytes();
    let b = Dense::<f64>::open(run.input.join("b.npy"))?;
    let b = b.as_slice();
    let a = if run.case.in_memory { a.copy_to(Place::Memory, &ctx)? } else { a };
    let line = Line {
        case: run.case.name.to_owned(),
        method: run.method.to_owned(),
        order: a.ncols() as u64,
        file_bytes,
        limit: run.limit,
        ..Line::default()
    };
    if let Some(threads) = run.method.strip_prefix("mapped") {
        return Ok(plain_loop(run, (&a, b), !threads.is_empty(), line));
    }
    Ok(solve(run, (&a, b), line, &ctx)?)
}

fn plain_loop(run: &Run<'_>, (a, b): (&Csr<f64>, &[f64]), parallel: bool, line: Line) -> Line {
    let start = Instant::now();
    let (x, iterations) = mapped_cg::cg(a, b, run.rtol, parallel);
    let mut r = vec![0.0; b.len()];
    mapped_cg::multiply(a, &x, &mut r, parallel);
    let seconds = start.elapsed().as_secs_f64();
    r.iter_mut().zip(b).for_each(|(r, b)| *r = b - *r);
    let size = |x: &[f64]| norm(x, &Context::new());
    Line {
        iterations: iterations as u64,
        products: iterations as u64 + 1,
        sweeps: iterations as u64 + 1,
        seconds,
        residual: size(&r) / size(b),
        ..line
    }
}

fn solve(run: &Run<'_>, (a, b): (&Csr<f64>, &[f64]), line: Line, ctx: &Context) -> Result<Line> {
    let start = Instant::now();
    let mut total = Total::default();
    let vectors = match run.case.in_memory {
        true => 0,
        // One stays in memory in any case.
        false => 8 * run.vectors.max(1) * a.ncols() as u64,
    };
    let (operator, report) = ctx.measure(|ctx| Operator::with_vectors(a, vectors, ctx))?;
    total.add(&report);
    let operator = Counted { operator: &operator, products: AtomicU64::new(0) };
    let method = match run.method {
        "lsqr" => Method::Lsqr,
        "lsmr" => Method::Lsmr,
        _ => Method::Cg,
    };
    let degree = run.method.strip_prefix("cg, degree ").and_then(|text| text.parse().ok());
    let polynomial = match degree {
        Some(degree) => {
            let (bounds, report) = ctx.measure(|ctx| spectral_bounds(&operator, STEPS, ctx))?;
            total.add(&report);
            Some(Chebyshev::new(&operator, degree, (bounds.lo, bounds.hi))?)
        }
        None => None,
    };
    let bytes_before = total.actual.bytes_read;
    let precond =
        polynomial.as_ref().map(|polynomial| polynomial as &(dyn LinearOperator<f64> + Sync));
    let options = SolveOptions { rtol: run.rtol, precond, ..Default::default() };
    let call = |maxiter: Option<usize>, ctx: &Context| {
        let mut options = options;
        options.maxiter = maxiter;
        solve_with(method, &operator, b, &options, ctx, |_| std::ops::ControlFlow::Continue(()))
    };
    // What two and three iterations cost says what any number of them costs.
    let (two, three) = (ctx.plan(|ctx| call(Some(2), ctx))?, ctx.plan(|ctx| call(Some(3), ctx))?);
    let (solved, report) = ctx.measure(|ctx| call(None, ctx))?;
    total.add_costs(of_iterations(&two, &three, solved.iterations), report.actual);
    let seconds = start.elapsed().as_secs_f64();
    let residual = match method {
        Method::Cg => solved.residual_norm / norm(b, ctx),
        _ => gradient(a, b, &solved.x, ctx)?,
    };
    Ok(Line {
        iterations: solved.iterations as u64,
        products: operator.products.load(Ordering::Relaxed),
        sweeps: total.actual.passes,
        planned_sweeps: total.planned.passes,
        bytes_read: total.actual.bytes_read,
        planned_bytes: total.planned.bytes_read,
        bytes_before,
        seconds,
        seconds_waiting: solved.seconds_waiting,
        residual,
        reason: format!("{:?}", solved.reason),
        peak_memory: total.actual.peak_memory,
        ..line
    })
}

/// The plan of `iterations` iterations, from those of two and of three.
fn of_iterations(two: &Plan, three: &Plan, iterations: usize) -> Cost {
    let along = |two: u64, three: u64| {
        two.saturating_add_signed((iterations as i64 - 2) * (three as i64 - two as i64))
    };
    Cost {
        passes: along(two.cost.passes, three.cost.passes),
        bytes_read: along(two.cost.bytes_read, three.cost.bytes_read),
        ..two.cost
    }
}

/// `‖Aᴴ r‖ / ‖Aᴴ b‖`: how far the normal equations are from being solved.
fn gradient(a: &Csr<f64>, b: &[f64], x: &[f64], ctx: &Context) -> Result<f64> {
    let (mut r, mut g) = (vec![0.0; a.nrows()], vec![0.0; a.ncols()]);
    a.apply(x, &mut r, ctx)?;
    r.iter_mut().zip(b).for_each(|(r, b)| *r = b - *r);
    a.apply_adjoint(&r, &mut g, ctx)?;
    let last = norm(&g, ctx);
    a.apply_adjoint(b, &mut g, ctx)?;
    Ok(last / norm(&g, ctx))
}

/// An operator whose products are counted.
struct Counted<'a> {
    operator: &'a Operator<Csr<f64>>,
    products: AtomicU64,
}

impl Counted<'_> {
    fn count(&self, more: usize) {
        self.products.fetch_add(more as u64, Ordering::Relaxed);
    }
}

impl LinearOperator<f64> for Counted<'_> {
    fn shape(&self) -> (usize, usize) {
        self.operator.shape()
    }
    fn apply(&self, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
        self.operator.apply(x, y, ctx).inspect(|()| self.count(1))
    }
    fn apply_adjoint(&self, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
        self.operator.apply_adjoint(x, y, ctx).inspect(|()| self.count(1))
    }
    fn apply_block(&self, k: usize, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
        self.operator.apply_block(k, x, y, ctx).inspect(|()| self.count(1))
    }
    fn apply_adjoint_block(&self, k: usize, x: &[f64], y: &mut [f64], ctx: &Context) -> Result<()> {
        self.operator.apply_adjoint_block(k, x, y, ctx).inspect(|()| self.count(1))
    }
    fn apply_normal_with(
        &self,
        k: usize,
        x: &[f64],
        y: &mut [f64],
        between: &mut Between<'_, f64>,
        ctx: &Context,
    ) -> Result<()> {
        let done = self.operator.apply_normal_with(k, x, y, between, ctx);
        done.inspect(|()| self.count(2))
    }
    fn apply_powers(
        &self,
        k: usize,
        levels: usize,
        vectors: &mut [&mut [f64]],
        combine: &(dyn Fn(Level<'_, f64>) + Sync),
        ctx: &Context,
    ) -> Result<()> {
        let done = self.operator.apply_powers(k, levels, vectors, combine, ctx);
        done.inspect(|()| self.count(levels))
    }
    fn id(&self) -> Option<u64> {
        LinearOperator::<f64>::id(self.operator)
    }
    fn plan_normal(&self, k: usize, ctx: &Context) -> Result<Plan> {
        LinearOperator::<f64>::plan_normal(self.operator, k, ctx)
    }
    fn plan_powers(&self, k: usize, levels: usize, ctx: &Context) -> Result<Plan> {
        LinearOperator::<f64>::plan_powers(self.operator, k, levels, ctx)
    }
    fn plan_block(&self, adjoint: bool, k: usize, ctx: &Context) -> Result<Plan> {
        LinearOperator::<f64>::plan_block(self.operator, adjoint, k, ctx)
    }
    fn context(&self) -> Context {
        self.operator.context()
    }
}
