//! Whether two matrices are the same.

use std::path::PathBuf;

use outcore::num_complex::Complex;
use outcore::{AnyMatrix, DType, Order, Place, Result};

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Say whether two matrices are the same, whatever their formats";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    first: PathBuf,
    second: PathBuf,
    /// Difference, relative to the norm of the first, up to which they count as the same
    #[arg(long, default_value_t = 0.0)]
    rtol: f64,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let (a, b) = (session.read(&arguments.first)?, session.read(&arguments.second)?);
    let mut report = Report::new();
    if a.shape() != b.shape() {
        report.negative();
        report.line(format!("shapes differ: {:?} and {:?}", a.shape(), b.shape()));
        report.value("same", false);
        return Ok(report);
    }
    let ctx = session.ctx();
    let is_complex =
        |a: &AnyMatrix| matches!(a.dtype(), Some(DType::Complex64 | DType::Complex128));
    let wide = if is_complex(&a) || is_complex(&b) { DType::Complex128 } else { DType::Float64 };
    let like = |a: &AnyMatrix| -> Result<AnyMatrix> {
        let a = a.to_dtype(wide, Place::Scratch, ctx)?;
        match a.format() {
            None => AnyMatrix::try_from(a.to_dense(Order::C, Place::Scratch, ctx)?),
            Some(_) => Ok(AnyMatrix::from(a.to_csr(Place::Scratch, ctx)?)),
        }
    };
    let (a, b) = (like(&a)?, like(&b)?);
    let (a, b) = match (a.format(), b.format()) {
        (None, Some(_)) => (a, AnyMatrix::try_from(b.to_dense(Order::C, Place::Scratch, ctx)?)?),
        (Some(_), None) => (AnyMatrix::try_from(a.to_dense(Order::C, Place::Scratch, ctx)?)?, b),
        _ => (a, b),
    };
    let difference = a.sub(&b, Place::Scratch, ctx)?;
    let norm = |a: &AnyMatrix| match wide {
        DType::Complex128 => a.norm_fro::<Complex<f64>>(ctx),
        _ => a.norm_fro::<f64>(ctx),
    };
    let (apart, size) = (norm(&difference)?, norm(&a)?);
    let same = apart <= arguments.rtol * size;
    report.fact("difference", apart);
    report.fact("norm", size);
    report.row("same", if same { "yes" } else { "no" }, same);
    if !same {
        report.negative();
    }
    Ok(report)
}
