//! Connected components.

use std::path::PathBuf;

use outcore::Result;
use outcore::graph::connected_components;

use crate::report::Report;
use crate::session::Session;
use crate::size::noun;
use crate::vertices::{self, Values};

pub(crate) const ABOUT: &str = "Connected components of a graph";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// The component of every vertex, named by its first vertex: a .npy array of numbers of rows, or lines of id and
    /// component in a .csv or .tsv file
    output: Option<PathBuf>,
    /// How many to print, the largest first
    #[arg(long, default_value_t = 10)]
    top: usize,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let output = arguments.output.as_deref();
    let read = session.graph(&arguments.input, output)?;
    let (graph, ids) = (read.graph, read.vertices.as_ref());
    let found = connected_components(&graph, session.ctx())?;
    let mut sizes = found.sizes();
    sizes.sort_by_key(|&(first, size)| (std::cmp::Reverse(size), first));
    let numbers = || found.labels.iter().map(|&label| f64::from(label)).collect();
    let text = |vertex: usize| vertices::name(ids, found.labels[vertex] as usize).into_owned();
    let values = Values { numbers: &numbers, text: &text };
    let mut report = vertices::write(output, ids, (graph.nrows(), values), session)?;
    report.fact("vertices", graph.nrows());
    report.fact("components", sizes.len());
    sizes.truncate(arguments.top);
    let pair = |&(first, size): &(usize, usize)| serde_json::json!([vertices::value(ids, first), size]);
    report.value("top", sizes.iter().map(pair).collect::<Vec<_>>());
    for (first, size) in sizes {
        let vertices = noun(size, "vertex", "vertices");
        report.line(format!("{size:>12} {vertices} in the component of {}", vertices::name(ids, first)));
    }
    Ok(report)
}
