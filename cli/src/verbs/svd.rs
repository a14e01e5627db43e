//! The largest singular values of a matrix, and their vectors.

use std::path::{Path, PathBuf};

use outcore::linalg::Operator;
use outcore::spectral::{SvdOptions, randomized_svd};
use outcore::{Dense, Error, ErrorKind, Result};

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "The largest singular values and vectors of a dense or sparse matrix";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// For NAME.npy the vectors are written to NAME.u.npy and NAME.v.npy, the values to NAME.s.npy
    output: PathBuf,
    /// Number of singular values
    #[arg(short = 'k', long, default_value_t = 10)]
    values: usize,
    /// Power iterations, each of which reads the matrix twice; as many as it takes if not given
    #[arg(long, value_name = "N")]
    power: Option<usize>,
    /// Seed of the random numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let stem = stem(&arguments.output)?;
    let named = |part: &str| PathBuf::from(format!("{}.{part}.npy", stem.display()));
    ["u", "s", "v"].iter().try_for_each(|part| session.check_free(&named(part)))?;
    let a = session.in_lines(session.read(&arguments.input)?)?;
    let k = arguments.values.min(a.nrows()).min(a.ncols());
    let options = SvdOptions {
        power_iterations: arguments.power.unwrap_or(SvdOptions::AS_NEEDED),
        seed: arguments.seed,
        ..SvdOptions::default()
    };
    let svd = session.last_step(|ctx| {
        let place = session.place(&arguments.output);
        randomized_svd::<f64>(&Operator::new(&a, ctx)?, k, &options, place, ctx)
    })?;
    // Only the cost is asked for, and the values are few.
    let Some(svd) = svd else { return Ok(Report::new()) };
    let s = outcore::ndarray::Array1::from(svd.s.clone());
    Dense::from(s).copy_to(session.place(&named("s")), session.ctx())?;
    let mut report = Report::new();
    report.fact("written", format!("{0}.u.npy {0}.s.npy {0}.v.npy", stem.display()));
    report.fact("values", svd.s.len());
    report.row("converged", if svd.converged { "yes" } else { "no" }, svd.converged);
    report.fact("passes", svd.passes);
    report.value("s", svd.s.clone());
    report.value("errors", svd.errors.iter().copied().filter(|e| e.is_finite()).collect::<Vec<_>>());
    for (k, (s, error)) in svd.s.iter().zip(&svd.errors).enumerate().take(10) {
        report.line(format!("{k:>6} {s:>16.9e}  up to {error:.1e} less than the true value"));
    }
    if svd.s.len() > 10 {
        report.line(format!("and {} more", svd.s.len() - 10));
    }
    if !svd.converged {
        report.negative();
    }
    Ok(report)
}

/// The name that the three results share.
fn stem(output: &Path) -> Result<PathBuf> {
    match output.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("npy") => Ok(output.with_extension("")),
        _ => Err(Error::new(ErrorKind::Unsupported, "vectors are written as arrays")
            .in_file(output)
            .expected("a name that ends in .npy")),
    }
}
