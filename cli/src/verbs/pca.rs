//! Principal components of the rows of a matrix.
//!
//! A dense matrix of few columns goes through its Gram matrix, exactly, and so does a sparse one that is small. Any other
//! goes through a randomized decomposition of the matrix less its means, which are subtracted from products, so that a
//! sparse matrix stays sparse.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use outcore::linalg::{Compose, LinearOperator, Operator};
use outcore::ndarray::{Array1, Array2};
use outcore::spectral::{SvdOptions, pca, randomized_svd};
use outcore::{AnyMatrix, DType, Dense, DenseBuilder, Order, Place, Result};

use crate::plan::unknown_rest;
use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Principal components of the rows of a dense or sparse matrix";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// An array for the scores: every row along every component
    output: PathBuf,
    /// Number of components
    #[arg(short = 'k', long, default_value = "50")]
    components: NonZeroUsize,
    /// An array for the components, one in each row
    #[arg(long, value_name = "FILE")]
    save_components: Option<PathBuf>,
    /// How they are computed
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    method: Method,
    /// Power iterations of the randomized method, each of which reads the matrix twice; as many as it takes if not given
    #[arg(long, value_name = "N")]
    power: Option<usize>,
    /// Seed of the random numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Method {
    /// Exact for dense matrices of up to 2,000 columns, and for sparse ones of up to 4,194,304 elements as well
    Auto,
    /// Through the Gram matrix; a sparse matrix is made dense
    Exact,
    /// By products with random vectors
    Randomized,
}

/// Columns up to which the Gram matrix is made.
const FEW: usize = 2000;

/// Numbers of the scores that are made at a time, and elements up to which a sparse matrix is made dense.
const CHUNK: usize = 1 << 22;

/// What was found: a component in each row, variances, and what both are parts of.
struct Found {
    components: Array2<f64>,
    variances: Vec<f64>,
    total: f64,
    converged: bool,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    arguments.save_components.as_deref().map_or(Ok(()), |path| session.check_free(path))?;
    let a = session.read(&arguments.input)?;
    let a = session.in_lines(a)?;
    let k = arguments.components.get().min(a.nrows()).min(a.ncols());
    let is_exact = match arguments.method {
        Method::Auto => a.ncols() <= FEW && (a.format().is_none() || is_small(&a)),
        method => method == Method::Exact,
    };
    let found = match is_exact {
        true => exact(&a, k, &arguments.output, session)?,
        false => randomized(&a, k, arguments, session)?,
    };
    let Found { components, variances, total, converged } = found;
    if let Some(path) = &arguments.save_components {
        session.write(path, &AnyMatrix::from(Dense::from(components)))?;
    }
    let mut report = Report::new();
    report.fact("written", arguments.output.display().to_string());
    report.row("scores", format!("{} x {k}", a.nrows()), vec![a.nrows(), k]);
    report.fact("method", if is_exact { "exact" } else { "randomized" });
    // Variances that are zero may be a little less.
    let part = |variance: f64| (variance / total.max(f64::MIN_POSITIVE)).max(0.0);
    let explained = part(variances.iter().sum());
    report.row("explained", format!("{:.2} %", 100.0 * explained), explained);
    report.value("variances", variances.clone());
    report.value("total_variance", total);
    if !is_exact {
        report.row("converged", if converged { "yes" } else { "no" }, converged);
    }
    if !converged {
        report.shown("advice", "the smallest components are not exact yet: ask for more --power, or for fewer");
        report.negative();
    }
    report.line(format!("{:>9} {:>14} {:>10}", "component", "variance", "part"));
    for (k, variance) in variances.iter().take(10).enumerate() {
        report.line(format!("{k:>9} {variance:>14.6e} {:>8.2} %", 100.0 * part(*variance)));
    }
    if variances.len() > 10 {
        report.line(format!("and {} more", variances.len() - 10));
    }
    Ok(report)
}

fn is_small(a: &AnyMatrix) -> bool {
    a.nrows().saturating_mul(a.ncols()) <= CHUNK
}

/// Through the Gram matrix; the scores are products with the components, some rows at a time.
fn exact(a: &AnyMatrix, k: usize, output: &Path, session: &Session) -> Result<Found> {
    let dense = match a.format() {
        None => a.clone(),
        Some(_) => session.step(a, |ctx| {
            AnyMatrix::try_from(a.to_dense(Order::C, Place::Scratch, ctx)?)
        })?,
    };
    let dense = match dense.dtype() {
        Some(DType::Float64) => dense,
        // Twice the digits cost nothing where there is little to do.
        Some(DType::Float32) if !is_small(a) => dense,
        _ => session.step(&dense, |ctx| dense.to_dtype(DType::Float64, Place::Scratch, ctx))?,
    };
    let found = session.try_step(|ctx| match dense.dtype() {
        Some(DType::Float32) => pca(&Dense::<f32>::try_from(dense.clone())?, k, Place::Memory, ctx),
        _ => pca(&Dense::<f64>::try_from(dense.clone())?, k, Place::Memory, ctx),
    })?;
    let found = found.ok_or_else(unknown_rest)?;
    let components = found.components.as_ndarray().to_owned();
    let across: Vec<f64> = components.t().iter().copied().collect();
    session.make(output, a, true, |place, ctx| {
        if session.is_plan() {
            // The cost of all parts at once, which is that of a product.
            let across = components.t();
            let across = match dense.dtype() {
                Some(DType::Float32) => Dense::from(across.mapv(|x| x as f32)).into(),
                _ => AnyMatrix::from(Dense::from(across.to_owned())),
            };
            return dense.matmul(&across, place, ctx);
        }
        let mut scores = DenseBuilder::<f64>::new(k, Order::C, place, ctx)?;
        let step = (CHUNK / a.ncols().max(k).max(1)).max(1);
        for start in (0..a.nrows()).step_by(step) {
            let rows = start..a.nrows().min(start + step);
            let part = a.slice(rows.clone(), 0..a.ncols(), Place::Memory, ctx)?;
            let mut made = vec![0.0; rows.len() * k];
            part.centered(found.mean.clone()).apply_block(k, &across, &mut made, ctx)?;
            scores.push(&made)?;
        }
        scores.finish().map(AnyMatrix::from)
    })?;
    let (variances, total) = (found.variances, found.total_variance);
    Ok(Found { components, variances, total, converged: true })
}

/// By products of the matrix less its means with random vectors.
fn randomized(a: &AnyMatrix, k: usize, arguments: &Arguments, session: &Session) -> Result<Found> {
    let stats = session.try_step(|ctx| a.stats(0, ctx))?.ok_or_else(unknown_rest)?;
    let (means, total) = (stats.means(), stats.variances(1).into_iter().sum());
    let operator = session.try_step(|ctx| Operator::new(a, ctx))?.ok_or_else(unknown_rest)?;
    let centered = operator.centered(means);
    let options = SvdOptions {
        power_iterations: arguments.power.unwrap_or(SvdOptions::AS_NEEDED),
        seed: arguments.seed,
        ..SvdOptions::default()
    };
    let svd = session.try_step(|ctx| {
        randomized_svd::<f64>(&centered, k, &options, Place::Scratch, ctx)
    })?;
    let svd = svd.ok_or_else(unknown_rest)?;
    // The largest entry of each component is positive.
    let v = svd.v.as_ndarray();
    let signs = v.columns().into_iter().map(|column| {
        let largest = column.iter().fold(0.0f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 { -1.0 } else { 1.0 }
    });
    let signs: Array1<f64> = signs.collect();
    let components = (&v * &signs).reversed_axes().as_standard_layout().into_owned();
    let scale: Vec<f64> = svd.s.iter().zip(&signs).map(|(s, sign)| s * sign).collect();
    session.make(&arguments.output, a, true, |place, ctx| {
        if session.is_plan() {
            return AnyMatrix::from(svd.u.clone()).scale(1.0, place, ctx);
        }
        let mut scores = DenseBuilder::<f64>::new(scale.len(), Order::C, place, ctx)?;
        let step = (CHUNK / scale.len().max(1)).max(1) * scale.len().max(1);
        for chunk in svd.u.as_slice().chunks(step) {
            ctx.check_cancelled()?;
            let made = chunk.iter().zip(scale.iter().cycle()).map(|(u, s)| u * s);
            scores.push(&made.collect::<Vec<f64>>())?;
        }
        scores.finish().map(AnyMatrix::from)
    })?;
    let degrees = a.nrows().saturating_sub(1).max(1) as f64;
    let variances = svd.s.iter().map(|s| s * s / degrees).collect();
    Ok(Found { components, variances, total, converged: svd.converged })
}
