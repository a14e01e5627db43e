//! Breadth-first search.

use std::path::PathBuf;

use outcore::graph::bfs;
use outcore::Result;

use crate::report::Report;
use crate::session::Session;
use crate::verbs::matvec::write_if_asked;

pub(crate) const ABOUT: &str = "Distances from a vertex of a graph";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// The vertex to start from
    source: usize,
    /// A .npy array for the distance of every vertex, -1 where there is no path
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let output = arguments.output.as_deref();
    let graph = session.graph(&arguments.input, output)?;
    let found = bfs(&graph, arguments.source, session.ctx())?;
    let histogram = found.level_histogram();
    let level = |v: usize| found.level(v).map_or(-1.0, f64::from);
    let levels = || (0..graph.nrows()).map(level).collect();
    let mut report = write_if_asked(output, levels, session)?;
    report.fact("vertices", graph.nrows());
    report.fact("reached", histogram.iter().sum::<usize>());
    report.value("levels", histogram.clone());
    for (level, count) in histogram.iter().enumerate() {
        report.line(format!("{level:>6} steps: {count} vertices"));
    }
    Ok(report)
}
