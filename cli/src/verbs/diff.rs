//! Whether two matrices are the same, and where they first differ.

use std::path::PathBuf;

use outcore::num_complex::Complex;
use outcore::{AnyMatrix, DType, Dense, Place, Result};

use crate::report::Report;
use crate::rows::by_width;
use crate::session::Session;

pub(crate) const ABOUT: &str =
    "Say whether two matrices are the same, whatever their formats, and where they first differ";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    first: PathBuf,
    second: PathBuf,
    /// Norm of the difference, relative to that of the first, up to which they count as the same
    #[arg(long, default_value_t = 0.0)]
    rtol: f64,
    /// Difference of each entry up to which they count as the same
    #[arg(long, default_value_t = 0.0)]
    atol: f64,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let [a, b] = session.read_both(&arguments.first, &arguments.second)?;
    let mut report = Report::new();
    if a.shape() != b.shape() {
        report.negative();
        let [one, other] = [&a, &b].map(|a| format!("{} x {}", a.nrows(), a.ncols()));
        report.line(format!("shapes differ: {one} and {other}"));
        report.value("same", false);
        return Ok(report);
    }
    let (ctx, scratch) = (session.ctx(), Place::Scratch);
    let is_complex =
        |a: &AnyMatrix| matches!(a.dtype(), Some(DType::Complex64 | DType::Complex128));
    let wide = if is_complex(&a) || is_complex(&b) { DType::Complex128 } else { DType::Float64 };
    let widened = |a: AnyMatrix| match a.dtype() == Some(wide) {
        true => Ok(a),
        false => session.step(&a, |ctx| a.to_dtype(wide, &scratch, ctx)),
    };
    let (a, b) = (widened(a)?, widened(b)?);
    let mut difference = session.step(&a, |ctx| a.sub(&b, &scratch, ctx))?;
    // Where only the cost is asked for, the norm of a large matrix is taken for zero.
    let norm = |a: &AnyMatrix| {
        let norm = session.try_step(|ctx| match wide {
            DType::Complex128 => a.norm_fro::<Complex<f64>>(ctx),
            _ => a.norm_fro::<f64>(ctx),
        });
        norm.map(Option::unwrap_or_default)
    };
    let (mut apart, size) = (norm(&difference)?, norm(&a)?);
    if !apart.is_finite() && wide == DType::Float64 {
        // An infinity less itself is NaN, and NaN is not equal to itself: here both are the same.
        difference = subtract_kinds(&a, &b, session)?;
        apart = norm(&difference)?;
    }
    let first = difference.first_above(arguments.atol, ctx)?;
    let same = first.is_none() || apart <= arguments.rtol * size;
    for (name, norm) in [("difference", apart), ("norm", size)] {
        report.row(name, norm.to_string(), norm);
    }
    report.row("same", if same { "yes" } else { "no" }, same);
    if let (Some((row, column)), false) = (first, same) {
        let value = |a: &AnyMatrix| -> Result<Complex<f64>> {
            let a = match a {
                AnyMatrix::Coo(_) => AnyMatrix::from(a.to_csr(&scratch, ctx)?),
                other => other.clone(),
            };
            a.slice(row..row + 1, column..column + 1, Place::Memory, ctx)?.sum(ctx)
        };
        let (one, other) = (value(&a)?, value(&b)?);
        let shown = |x: Complex<f64>| match wide {
            DType::Complex128 => x.to_string(),
            _ => x.re.to_string(),
        };
        let place = format!("row {row}, column {column}: {} and {}", shown(one), shown(other));
        let at = serde_json::json!({ "row": row, "column": column, "first": shown(one), "second": shown(other) });
        report.row("first difference", place, at);
    }
    if !same {
        report.negative();
    }
    Ok(report)
}

/// The difference of two matrices of `f64`, where NaN is equal to NaN and an infinity to itself, and otherwise each
/// differs from a number by NaN.
fn subtract_kinds(a: &AnyMatrix, b: &AnyMatrix, session: &Session) -> Result<AnyMatrix> {
    let (ctx, scratch) = (session.ctx(), Place::Scratch);
    // Numbers, and 1, 2 or 3 where they are not finite.
    let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
    let kind = |x: f64| match x {
        _ if x.is_nan() => 1.0,
        f64::INFINITY => 2.0,
        f64::NEG_INFINITY => 3.0,
        _ => 0.0,
    };
    let kinds = [a, b].map(|a| mapped(a, &kind, session));
    let [one, other] = kinds;
    let kinds = one?.sub(&other?, &scratch, ctx)?;
    let kinds = mapped(&kinds, &|x| if x == 0.0 { 0.0 } else { f64::NAN }, session)?;
    let [one, other] = [a, b].map(|a| mapped(a, &finite, session));
    one?.sub(&other?, &scratch, ctx)?.add(&kinds, &scratch, ctx)
}

/// A function of the stored values.
fn mapped(
    a: &AnyMatrix,
    f: &(dyn Fn(f64) -> f64 + Sync),
    session: &Session,
) -> Result<AnyMatrix> {
    let (ctx, scratch) = (session.ctx(), Place::Scratch);
    if let AnyMatrix::Dense(_) = a {
        return Ok(Dense::<f64>::try_from(a.clone())?.map(&scratch, ctx, f)?.into());
    }
    let rows = AnyMatrix::from(a.to_csr(&scratch, ctx)?);
    by_width!(rows, rows => Ok(rows.map_values(&scratch, ctx, f)?.into()))
}
