//! Breadth-first search.

use std::path::PathBuf;

use outcore::Result;
use outcore::graph::bfs;

use crate::report::Report;
use crate::session::Session;
use crate::size::noun;
use crate::vertices::{self, Values};

pub(crate) const ABOUT: &str = "Distances from a vertex of a graph";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// The vertex to start from, by its id in the file
    source: String,
    /// The distance of every vertex, -1 where there is no path: a .npy array, or lines of id and distance in a .csv or
    /// .tsv file
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let output = arguments.output.as_deref();
    let read = session.graph(&arguments.input, output)?;
    let (graph, ids) = (read.graph, read.vertices.as_ref());
    let source = vertices::find(ids, &arguments.source, graph.nrows())
        .map_err(|error| error.in_file(&arguments.input))?;
    let found = bfs(&graph, source, session.ctx())?;
    let histogram = found.level_histogram();
    let level = |vertex: usize| found.level(vertex).map_or(-1, i64::from);
    let numbers = || (0..graph.nrows()).map(|vertex| level(vertex) as f64).collect();
    let values = Values { numbers: &numbers, text: &|vertex| level(vertex).to_string() };
    let mut report = vertices::write(output, ids, (graph.nrows(), values), session)?;
    report.fact("vertices", graph.nrows());
    report.fact("reached", histogram.iter().sum::<usize>());
    report.value("levels", histogram.clone());
    for (level, count) in histogram.iter().enumerate() {
        let (steps, vertices) = (noun(level, "step", "steps"), noun(*count, "vertex", "vertices"));
        report.line(format!("{level:>6} {steps}: {count} {vertices}"));
    }
    Ok(report)
}
