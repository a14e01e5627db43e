//! Breadth-first search.

use std::path::PathBuf;

use outcore::graph::bfs;
use outcore::io::read_graph;
use outcore::{Csr, Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::matvec::write_vector;

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
    if let Some(output) = &arguments.output {
        session.check_free(output)?;
    }
    let graph: Csr<()> = read_graph(&arguments.input, Place::Memory, session.ctx())?;
    let found = bfs(&graph, arguments.source, session.ctx())?;
    let histogram = found.level_histogram();
    let mut report = match &arguments.output {
        Some(output) => {
            let level = |v: usize| found.level(v).map_or(-1.0, f64::from);
            write_vector(output, (0..graph.nrows()).map(level).collect(), session)?
        }
        None => Report::new(),
    };
    report.fact("vertices", graph.nrows());
    report.fact("reached", histogram.iter().sum::<usize>());
    report.value("levels", histogram.clone());
    for (level, count) in histogram.iter().enumerate() {
        report.line(format!("{level:>6} steps: {count} vertices"));
    }
    Ok(report)
}
