//! Statistics of rows or columns.

use std::path::PathBuf;

use outcore::{AnyMatrix, Dense, Result};

use crate::plan::unknown_rest;
use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Sums, means, variances and extremes of columns or rows";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// Write the statistics to an array of 6 columns: sum, mean, variance, min, max, number of NaNs
    output: Option<PathBuf>,
    /// 0 for columns, 1 for rows
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    axis: u8,
    /// How many to print
    #[arg(long, default_value_t = 10)]
    top: usize,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    if let Some(output) = &arguments.output {
        session.check_free(output)?;
    }
    let a = session.in_lines(session.read(&arguments.input)?)?;
    let stats = session.try_step(|ctx| a.stats(usize::from(arguments.axis), ctx))?;
    let stats = stats.ok_or_else(unknown_rest)?;
    let (sums, means, variances) = (stats.sums(), stats.means(), stats.variances(0));
    let (mins, maxs, nans) = (stats.mins(), stats.maxs(), stats.nans());
    let mut report = Report::new();
    report.value("axis", arguments.axis);
    report.value("count", sums.len());
    report.line(format!(
        "{:>8} {:>14} {:>14} {:>14} {:>14} {:>14} {:>6}",
        if arguments.axis == 0 { "column" } else { "row" },
        "sum", "mean", "variance", "min", "max", "NaN"
    ));
    let mut rows = Vec::new();
    for k in 0..sums.len().min(arguments.top) {
        rows.push(serde_json::json!([k, sums[k], means[k], variances[k], mins[k], maxs[k], nans[k]]));
        report.line(format!(
            "{k:>8} {:>14.6} {:>14.6} {:>14.6} {:>14.6} {:>14.6} {:>6}",
            sums[k], means[k], variances[k], mins[k], maxs[k], nans[k]
        ));
    }
    report.value("rows", rows);
    if sums.len() > arguments.top {
        report.line(format!("and {} more", sums.len() - arguments.top));
    }
    if let Some(output) = &arguments.output {
        let mut all = outcore::ndarray::Array2::zeros((sums.len(), 6));
        for k in 0..sums.len() {
            let row = [sums[k], means[k], variances[k], mins[k], maxs[k], nans[k] as f64];
            row.into_iter().enumerate().for_each(|(j, x)| all[[k, j]] = x);
        }
        session.write(output, &AnyMatrix::from(Dense::from(all)))?;
        report.fact("written", output.display().to_string());
    }
    Ok(report)
}
