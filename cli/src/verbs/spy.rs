//! A picture of where the entries of a matrix are.
//!
//! One pass over the indices counts how many fall on each dot; the logarithm of the count is its shade. So a matrix of
//! any size makes a picture of one size, in bounded memory.

use std::path::PathBuf;

use outcore::Result;

use crate::picture::{Density, check_name, write};
use crate::report::Report;
use crate::session::Session;
use crate::size::count;

pub(crate) const ABOUT: &str = "Draw where the entries of a matrix are";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// A .png or .svg file
    output: PathBuf,
    /// Dots of the longer side
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(16..=8192))]
    size: u32,
    /// The title; name, shape and entries if not given
    #[arg(long)]
    title: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    check_name(&arguments.output)?;
    session.check_free(&arguments.output)?;
    let a = session.read(&arguments.input)?;
    let density = Density::new(a.shape(), arguments.size as usize);
    let counts = a.nnz_grid(density.cells, session.ctx())?;
    let entries: u64 = counts.iter().sum();
    let (nrows, ncols) = a.shape();
    let title = arguments.title.clone().unwrap_or_else(|| {
        let name = arguments.input.file_name().unwrap_or_default().to_string_lossy();
        let [rows, columns] = [nrows, ncols].map(|extent| count(extent as u64));
        format!("{name}:  {rows} × {columns},  {} entries", count(entries))
    });
    if !session.is_plan() {
        write(&density.scene(&title, &counts), 1.0, session.place(&arguments.output))?;
    }
    let mut report = Report::new();
    report.fact("written", arguments.output.display().to_string());
    report.row("shape", format!("{nrows} x {ncols}"), vec![nrows, ncols]);
    report.row("entries", count(entries), entries);
    let (height, width) = density.cells;
    report.row("dots", format!("{height} x {width}"), vec![height, width]);
    report.fact("most on a dot", counts.iter().copied().max().unwrap_or(0));
    Ok(report)
}
