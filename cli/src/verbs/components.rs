//! Connected components.

use std::path::PathBuf;

use outcore::graph::connected_components;
use outcore::Result;

use crate::report::Report;
use crate::session::Session;
use crate::verbs::matvec::write_if_asked;

pub(crate) const ABOUT: &str = "Connected components of a graph";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// A .npy array for the component of every vertex, named by its smallest vertex
    output: Option<PathBuf>,
    /// How many to print, the largest first
    #[arg(long, default_value_t = 10)]
    top: usize,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let output = arguments.output.as_deref();
    let graph = session.graph(&arguments.input, output)?;
    let found = connected_components(&graph, session.ctx())?;
    let mut sizes = found.sizes();
    sizes.sort_by_key(|&(name, size)| (std::cmp::Reverse(size), name));
    let labels = || found.labels.iter().map(|&label| f64::from(label)).collect();
    let mut report = write_if_asked(output, labels, session)?;
    report.fact("vertices", graph.nrows());
    report.fact("components", sizes.len());
    for (name, size) in sizes.into_iter().take(arguments.top) {
        report.line(format!("{size:>12} vertices with {name}"));
    }
    Ok(report)
}
